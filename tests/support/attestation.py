"""A Nitro Secure Module of the tests' own: attestation documents under a root that a server can be told to trust, and the answers that
only the attested key opens.

Source: Nitro Enclaves User Guide, "Attestation document specification"; RFC 9052, section 4.2 (COSE_Sign1).
"""

import datetime
import os
import subprocess
import time
from dataclasses import dataclass

import cbor2
from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.x509.oid import NameOID

from support import second_implementation as second
from support.cms import read_enveloped_data

DAY = datetime.timedelta(days=1)
ES384 = -35
COORDINATE_BYTES = 48
ROOT_NAME = "test.nitro-enclaves"
# As Nitro has them: of a Region, of a zone, of an instance.
ISSUERS = ["1.us-east-1", "zonal.us-east-1", "i-0123456789abcdef0"]
MODULE_ID = "i-0123456789abcdef0-enc0123456789abcdef0"


def unix_ms():
    """The time as documents have it."""
    return int(time.time() * 1000)


@dataclass(frozen=True)
class Issued:
    """A certificate, its private key, and the certificates above it, the root first."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate
    above: tuple = ()

    def issue(self, name, ca, valid=None):
        """A certificate below this one; `valid` are its first and last moment."""
        key = ec.generate_private_key(ec.SECP384R1())
        certificate = _certificate(name, self.certificate.subject, key, self.key, ca, valid)
        return Issued(key, certificate, (*self.above, self.certificate))


class AttestationAuthority:
    """A PKI like Nitro's: a root, three issuers, and a certificate that signs documents."""

    def __init__(self, name=ROOT_NAME):
        key = ec.generate_private_key(ec.SECP384R1())
        issuer = Issued(key, _certificate(name, _name(name), key, key, ca=True))
        self.root_pem = issuer.certificate.public_bytes(serialization.Encoding.PEM)
        for prefix in ISSUERS:
            issuer = issuer.issue(f"{prefix}.{name}", ca=True)
        self._issuer = issuer
        self.signer = self.new_signer()

    def new_signer(self, valid=None):
        """Another certificate that signs documents."""
        return self._issuer.issue(MODULE_ID, ca=False, valid=valid)

    def document(self, signer=None, without=(), **fields):
        """An attestation document; `fields` are those of its payload that are to be other than usual, `without` names those left out."""
        signer = signer or self.signer
        payload = {
            "module_id": MODULE_ID,
            "digest": "SHA384",
            "timestamp": unix_ms(),
            "pcrs": {index: os.urandom(48) for index in (0, 1, 2)},
            "certificate": _der(signer.certificate),
            "cabundle": [_der(certificate) for certificate in signer.above],
            "public_key": None,
            "user_data": None,
            "nonce": None,
            **fields,
        }
        return _signed(signer.key, cbor2.dumps({name: value for name, value in payload.items() if name not in without}))


def _signed(key, payload):
    protected = cbor2.dumps({1: ES384})
    to_be_signed = cbor2.dumps(["Signature1", protected, b"", payload])
    r, s = utils.decode_dss_signature(key.sign(to_be_signed, ec.ECDSA(hashes.SHA384())))
    signature = r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")
    return cbor2.dumps([protected, {}, payload, signature])


def _der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(subject, issuer, key, issuer_key, ca, valid=None):
    now = datetime.datetime.now(datetime.timezone.utc)
    first, last = valid or (now - DAY, now + DAY)
    usage = dict.fromkeys(
        ["content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only", "decipher_only"],
        False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(first)
        .not_valid_after(last)
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(x509.KeyUsage(digital_signature=not ca, key_cert_sign=ca, **usage), critical=True)
        .sign(issuer_key, hashes.SHA384())
    )


class Enclave:
    """The holder of an attested key."""

    def __init__(self, authority, bits=2048):
        self._authority = authority
        self._private_key = rsa.generate_private_key(65537, bits)

    def recipient(self, **changes):
        """The parameter `Recipient`; `changes` as of `AttestationAuthority.document`."""
        document = self._authority.document(**{"public_key": second.spki(self._private_key.public_key()), **changes})
        return {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": document}

    def open(self, ciphertext_for_recipient):
        """The plaintext of `CiphertextForRecipient`: CMS EnvelopedData, one recipient, RSAES-OAEP and AES-256-CBC."""
        enveloped = read_enveloped_data(ciphertext_for_recipient)
        key = self._private_key.decrypt(enveloped.encrypted_key, second.oaep_padding("RSAES_OAEP_SHA_256"))
        decryptor = Cipher(algorithms.AES256(key), modes.CBC(enveloped.iv)).decryptor()
        padded = decryptor.update(enveloped.encrypted_content) + decryptor.finalize()
        unpadder = padding.PKCS7(algorithms.AES.block_size).unpadder()
        return unpadder.update(padded) + unpadder.finalize()

    def open_with_openssl(self, folder, ciphertext_for_recipient):
        """The same by OpenSSL's reader of CMS."""
        key_file, answer_file = folder / "recipient.key", folder / "answer.ber"
        form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        key_file.write_bytes(self._private_key.private_bytes(*form))
        answer_file.write_bytes(ciphertext_for_recipient)
        command = ["openssl", "cms", "-decrypt", "-binary", "-inform", "DER", "-inkey", key_file, "-in", answer_file]
        done = subprocess.run(command, capture_output=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout
