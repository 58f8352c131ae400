"""A Nitro Secure Module of the tests' own: attestation documents under a root that a server can be told to trust, and the answers that
only the attested key opens.

Source: Nitro Enclaves User Guide, "Attestation document specification"; RFC 9052, section 4.2 (COSE_Sign1); RFC 5652, section 6.
"""

import datetime
import os
import time

from cryptography import x509
from cryptography.hazmat.primitives import hashes, padding, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa, utils
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.x509.oid import NameOID
from pyasn1.codec.ber import decoder
from pyasn1_modules import rfc5652

from support import second_implementation as second

DAY = datetime.timedelta(days=1)
ES384 = -35
COORDINATE_BYTES = 48


def cbor(value):
    """The CBOR (RFC 8949) of integers, bytes, text, lists and maps."""
    if isinstance(value, int):
        return _head(0, value) if value >= 0 else _head(1, -1 - value)
    if isinstance(value, bytes):
        return _head(2, len(value)) + value
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(cbor, value))
    return _head(5, len(value)) + b"".join(cbor(name) + cbor(member) for name, member in value.items())


def _head(major, argument):
    if argument < 24:
        return bytes([major << 5 | argument])
    for code, length in ((24, 1), (25, 2), (26, 4), (27, 8)):
        if argument < 1 << (8 * length):
            return bytes([major << 5 | code]) + argument.to_bytes(length, "big")
    raise ValueError(f"CBOR has no room for {argument}")


class AttestationAuthority:
    """A root certificate, and one below it that signs documents."""

    def __init__(self):
        self._root_key, self._signing_key = (ec.generate_private_key(ec.SECP384R1()) for _ in range(2))
        self._root = _certificate("test.nitro-enclaves", "test.nitro-enclaves", self._root_key, self._root_key, ca=True)
        self._signer = _certificate("i-0123456789abcdef0", "test.nitro-enclaves", self._signing_key, self._root_key, ca=False)

    @property
    def root_pem(self):
        """What the server is to trust."""
        return self._root.public_bytes(serialization.Encoding.PEM)

    def document(self, public_key, **changes):
        """An attestation document for a public key; `changes` are fields of its payload."""
        payload = {
            "module_id": "i-0123456789abcdef0-enc0123456789abcdef0",
            "digest": "SHA384",
            "timestamp": int(time.time() * 1000),
            "pcrs": {index: os.urandom(48) for index in (0, 1, 2)},
            "certificate": _der(self._signer),
            "cabundle": [_der(self._root)],
            "public_key": second.spki(public_key),
            **changes,
        }
        return self._signed(cbor(payload))

    def _signed(self, payload):
        protected = cbor({1: ES384})
        to_be_signed = cbor(["Signature1", protected, b"", payload])
        r, s = utils.decode_dss_signature(self._signing_key.sign(to_be_signed, ec.ECDSA(hashes.SHA384())))
        signature = r.to_bytes(COORDINATE_BYTES, "big") + s.to_bytes(COORDINATE_BYTES, "big")
        return cbor([protected, {}, payload, signature])


def _der(certificate):
    return certificate.public_bytes(serialization.Encoding.DER)


def _name(common_name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _certificate(subject, issuer, key, issuer_key, ca):
    now = datetime.datetime.now(datetime.timezone.utc)
    usage = dict.fromkeys(
        ["content_commitment", "key_encipherment", "data_encipherment", "key_agreement", "crl_sign", "encipher_only", "decipher_only"],
        False,
    )
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
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
        """The parameter `Recipient`."""
        document = self._authority.document(self._private_key.public_key(), **changes)
        return {"KeyEncryptionAlgorithm": "RSAES_OAEP_SHA_256", "AttestationDocument": document}

    def open(self, ciphertext_for_recipient):
        """The plaintext of `CiphertextForRecipient`: CMS EnvelopedData, one recipient, RSAES-OAEP and AES-256-CBC."""
        content_info, rest = decoder.decode(ciphertext_for_recipient, asn1Spec=rfc5652.ContentInfo())
        assert not rest and content_info["contentType"] == rfc5652.id_envelopedData
        enveloped, _ = decoder.decode(content_info["content"], asn1Spec=rfc5652.EnvelopedData())
        (recipient,) = enveloped["recipientInfos"]
        encrypted_key = bytes(recipient["ktri"]["encryptedKey"])
        key = self._private_key.decrypt(encrypted_key, second.oaep_padding("RSAES_OAEP_SHA_256"))
        encrypted = enveloped["encryptedContentInfo"]
        iv, _ = decoder.decode(encrypted["contentEncryptionAlgorithm"]["parameters"])
        decryptor = Cipher(algorithms.AES256(key), modes.CBC(bytes(iv))).decryptor()
        padded = decryptor.update(bytes(encrypted["encryptedContent"])) + decryptor.finalize()
        unpadder = padding.PKCS7(algorithms.AES.block_size).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
