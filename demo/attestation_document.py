"""Makes an attestation document as a Nitro enclave gets it, under a PKI of your own: to try `Recipient` without an enclave.

Source: Nitro Enclaves User Guide, "Attestation document specification"; RFC 9052, section 4.2 (COSE_Sign1).
"""

import argparse
import sys
import time
from pathlib import Path

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

ES384 = -35
COORDINATE_BYTES = 48
REGISTER_BYTES = 48
DER = serialization.Encoding.DER


def certificate(file):
    """The DER of the certificate in a PEM file."""
    return x509.load_pem_x509_certificate(file.read_bytes()).public_bytes(DER)


def register(text):
    """`0=<96 hexadecimal digits>`: a register's index and its value."""
    index, _, value = text.partition("=")
    value = bytes.fromhex(value)
    if not 0 <= int(index) <= 31 or len(value) != REGISTER_BYTES:
        raise ValueError
    return int(index), value


def payload(options):
    """What the document says."""
    registers = {index: bytes(REGISTER_BYTES) for index in range(16)} | dict(options.pcr)
    public_key = serialization.load_pem_public_key(options.public_key.read_bytes())
    return {
        "module_id": options.module_id,
        "digest": "SHA384",
        "timestamp": int(time.time() * 1000),
        "pcrs": registers,
        "certificate": certificate(options.certificate),
        "cabundle": [certificate(file) for file in options.issuer],
        "public_key": public_key.public_bytes(DER, serialization.PublicFormat.SubjectPublicKeyInfo),
        "user_data": None,
        "nonce": None,
    }


def signed(key, content):
    """COSE_Sign1 over the content."""
    protected = cbor2.dumps({1: ES384})
    signature = key.sign(cbor2.dumps(["Signature1", protected, b"", content]), ec.ECDSA(hashes.SHA384()))
    r, s = (part.to_bytes(COORDINATE_BYTES, "big") for part in utils.decode_dss_signature(signature))
    return cbor2.dumps([protected, {}, content, r + s])


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--key", type=Path, required=True, help="PEM: the private key that signs, on P-384")
    options.add_argument("--certificate", type=Path, required=True, help="PEM: its certificate")
    options.add_argument("--issuer", type=Path, action="append", required=True, help="PEM: a certificate above that; the root first")
    options.add_argument("--public-key", type=Path, required=True, help="PEM: the recipient's RSA public key")
    options.add_argument("--pcr", type=register, action="append", default=[], metavar="INDEX=HEX", help="a register; others are zero")
    options.add_argument("--module-id", default="i-0123456789abcdef0-enc0123456789abcdef0")
    options = options.parse_args()
    key = serialization.load_pem_private_key(options.key.read_bytes(), None)
    sys.stdout.buffer.write(signed(key, cbor2.dumps(payload(options))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
