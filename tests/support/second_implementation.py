"""Every key spec and algorithm of the KMS API, done by other people's code: `cryptography`, and `pycryptodome` for Ed25519ph.

Source: digest kms-core.md, 3.1 (specs, algorithms), 3.2 (sizes and encodings), 5.5 (wrapping).
"""

import hashlib
import hmac
import os
from dataclasses import dataclass

from Crypto.Hash import SHA512
from Crypto.PublicKey import ECC
from Crypto.Signature import eddsa
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, keywrap, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, mldsa, padding, rsa, utils

RSA_SPECS = {"RSA_2048": 2048, "RSA_3072": 3072, "RSA_4096": 4096}
CURVES = {
    "ECC_NIST_P256": ec.SECP256R1(),
    "ECC_NIST_P384": ec.SECP384R1(),
    "ECC_NIST_P521": ec.SECP521R1(),
    "ECC_SECG_P256K1": ec.SECP256K1(),
}
AGREEMENT_SPECS = ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521"]
EDWARDS = "ECC_NIST_EDWARDS25519"
ML_DSA = {
    "ML_DSA_44": mldsa.MLDSA44PrivateKey,
    "ML_DSA_65": mldsa.MLDSA65PrivateKey,
    "ML_DSA_87": mldsa.MLDSA87PrivateKey,
}
# The length of a tag, which is the length of the key that is always allowed, too.
HMAC_SPECS = {"HMAC_224": 28, "HMAC_256": 32, "HMAC_384": 48, "HMAC_512": 64}
OAEP = {"RSAES_OAEP_SHA_1": hashes.SHA1, "RSAES_OAEP_SHA_256": hashes.SHA256}

RSA_SIGNING = [f"RSASSA_{scheme}_SHA_{bits}" for scheme in ("PKCS1_V1_5", "PSS") for bits in (256, 384, 512)]
SIGNING_ALGORITHMS = {
    **{spec: RSA_SIGNING for spec in RSA_SPECS},
    "ECC_NIST_P256": ["ECDSA_SHA_256"],
    "ECC_NIST_P384": ["ECDSA_SHA_384"],
    "ECC_NIST_P521": ["ECDSA_SHA_512"],
    "ECC_SECG_P256K1": ["ECDSA_SHA_256"],
    EDWARDS: ["ED25519_SHA_512", "ED25519_PH_SHA_512"],
    **{spec: ["ML_DSA_SHAKE_256"] for spec in ML_DSA},
}


def message_types(algorithm):
    """The message types that an algorithm takes."""
    special = {
        "ED25519_SHA_512": ["RAW"],
        "ED25519_PH_SHA_512": ["DIGEST"],
        "ML_DSA_SHAKE_256": ["RAW", "EXTERNAL_MU"],
    }
    return special.get(algorithm, ["RAW", "DIGEST"])


# (spec, algorithm, message type) of everything that can be signed.
SIGNATURES = [
    (spec, algorithm, message_type)
    for spec, algorithms in SIGNING_ALGORITHMS.items()
    for algorithm in algorithms
    for message_type in message_types(algorithm)
]


def generate_private_key(spec):
    """A private key of the spec, made here."""
    if spec in RSA_SPECS:
        return rsa.generate_private_key(65537, RSA_SPECS[spec])
    if spec in CURVES:
        return ec.generate_private_key(CURVES[spec])
    if spec == EDWARDS:
        return ed25519.Ed25519PrivateKey.generate()
    return ML_DSA[spec].generate()


def pkcs8(private_key):
    """PKCS #8, DER, not encrypted."""
    der, form, clear = serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return private_key.private_bytes(der, form, clear)


def spki(public_key):
    """SubjectPublicKeyInfo, DER."""
    return public_key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def is_of_spec(key, spec):
    """Whether a loaded public or private key is of the spec."""
    public = key.public_key() if hasattr(key, "public_key") else key
    if spec in RSA_SPECS:
        return isinstance(public, rsa.RSAPublicKey) and public.key_size == RSA_SPECS[spec]
    if spec in CURVES:
        return isinstance(public, ec.EllipticCurvePublicKey) and public.curve.name == CURVES[spec].name
    if spec == EDWARDS:
        return isinstance(public, ed25519.Ed25519PublicKey)
    return isinstance(public, type(ML_DSA[spec].generate().public_key()))


def hash_of(algorithm):
    """The hash that an algorithm's name ends with."""
    return {"256": hashes.SHA256, "384": hashes.SHA384, "512": hashes.SHA512}[algorithm[-3:]]()


def digest(algorithm, message):
    """The message's digest by the algorithm's hash."""
    return hashlib.new(f"sha{algorithm[-3:]}", message).digest()


def external_mu(public_key, message):
    """FIPS 204, algorithm 7, line 6: the representative of a message with the empty context."""
    public_hash = hashlib.shake_256(public_key.public_bytes_raw()).digest(64)
    return hashlib.shake_256(public_hash + b"\x00\x00" + message).digest(64)


def prepared(algorithm, message_type, message, public_key):
    """What the member `Message` must hold so that `message` is signed."""
    if message_type == "DIGEST":
        return digest(algorithm, message)
    return external_mu(public_key, message) if message_type == "EXTERNAL_MU" else message


def _rsa_padding(algorithm):
    if "PKCS1" in algorithm:
        return padding.PKCS1v15()
    chosen = hash_of(algorithm)
    return padding.PSS(padding.MGF1(chosen), chosen.digest_size)


def _prehashed(algorithm, message):
    # KMS takes a digest and applies the scheme's own prehash to it (3.2).
    return SHA512.new(digest(algorithm, message))


def sign(private_key, algorithm, message):
    """A signature made here."""
    if algorithm.startswith("RSASSA"):
        return private_key.sign(message, _rsa_padding(algorithm), hash_of(algorithm))
    if algorithm.startswith("ECDSA"):
        return private_key.sign(message, ec.ECDSA(hash_of(algorithm)))
    if algorithm == "ED25519_PH_SHA_512":
        return eddsa.new(ECC.import_key(pkcs8(private_key)), "rfc8032").sign(_prehashed(algorithm, message))
    return private_key.sign(message)


def verifies(public_key, algorithm, message, signature):
    """Whether a signature is valid to the code here."""
    try:
        if algorithm.startswith("RSASSA"):
            public_key.verify(signature, message, _rsa_padding(algorithm), hash_of(algorithm))
        elif algorithm.startswith("ECDSA"):
            public_key.verify(signature, message, ec.ECDSA(hash_of(algorithm)))
        elif algorithm == "ED25519_PH_SHA_512":
            eddsa.new(ECC.import_key(spki(public_key)), "rfc8032").verify(_prehashed(algorithm, message), signature)
        else:
            public_key.verify(signature, message)
    except (InvalidSignature, ValueError):
        return False
    return True


def signature_lengths(spec):
    """The lengths that a signature by a key of the spec can have."""
    if spec in RSA_SPECS:
        return {RSA_SPECS[spec] // 8}
    if spec in CURVES:
        # DER leaves leading zeros out; shorter ones than these are once in a lifetime.
        longest = len(utils.encode_dss_signature(*[(1 << CURVES[spec].key_size) - 1] * 2))
        return set(range(longest - 12, longest + 1))
    return {{EDWARDS: 64, "ML_DSA_44": 2420, "ML_DSA_65": 3309, "ML_DSA_87": 4627}[spec]}


def mac(material, algorithm, message):
    """An HMAC made here; `algorithm` such as HMAC_SHA_256."""
    return hmac.new(material, message, "sha" + algorithm[-3:]).digest()


def oaep_padding(algorithm):
    """OAEP, MGF1 with the same hash, no label; `algorithm` ends with SHA_1 or SHA_256."""
    chosen = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    return padding.OAEP(padding.MGF1(chosen), chosen, None)


def longest_plaintext(spec, algorithm):
    """How many bytes RSA-OAEP takes."""
    return RSA_SPECS[spec] // 8 - 2 * OAEP[algorithm].digest_size - 2


@dataclass(frozen=True)
class Agreement:
    """Our side of ECDH."""

    private_key: object

    @classmethod
    def on(cls, spec):
        return cls(ec.generate_private_key(CURVES[spec]))

    @property
    def public_key(self):
        return spki(self.private_key.public_key())

    def shared_secret(self, their_public_key):
        """The x coordinate, of the curve's whole length."""
        return self.private_key.exchange(ec.ECDH(), serialization.load_der_public_key(their_public_key))


# ---- imported key material ----

OAEP_WRAPPING = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
KEY_WRAPPING = ["RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"]
WRAPPING_KEY_SPECS = list(RSA_SPECS)


def wrap(material, algorithm, wrapping_key):
    """Wraps key material under the DER public key of GetParametersForImport."""
    public_key = serialization.load_der_public_key(wrapping_key)
    if algorithm in OAEP_WRAPPING:
        return public_key.encrypt(material, oaep_padding(algorithm))
    key = os.urandom(32)
    return public_key.encrypt(key, oaep_padding(algorithm)) + keywrap.aes_key_wrap_with_padding(key, material)


def import_material(client, key, material, algorithm="RSA_AES_KEY_WRAP_SHA_256", wrapping_key_spec="RSA_2048", **members):
    """GetParametersForImport, wrap, ImportKeyMaterial; returns the latter's answer."""
    parameters = client.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=wrapping_key_spec
    )
    members.setdefault("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    return client.import_key_material(
        KeyId=key,
        ImportToken=parameters["ImportToken"],
        EncryptedKeyMaterial=wrap(material, algorithm, parameters["PublicKey"]),
        **members,
    )
