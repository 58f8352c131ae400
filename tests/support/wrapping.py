"""How an owner wraps key material: with Python's `cryptography`, by the KMS Developer Guide, "Encrypt the key material"."""

import os

from cryptography.hazmat.primitives import hashes, keywrap
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.serialization import load_der_public_key

OAEP = ["RSAES_OAEP_SHA_1", "RSAES_OAEP_SHA_256"]
KEY_WRAP = ["RSA_AES_KEY_WRAP_SHA_1", "RSA_AES_KEY_WRAP_SHA_256"]
# What RSA_2048 takes with OAEP and SHA-256, in bytes.
OAEP_BYTES_MAX = 190


def wrap(public_key, algorithm, material):
    """Wraps key material with a wrapping key in DER."""
    if algorithm in OAEP:
        return _encrypt(public_key, algorithm, material)
    aes_key = os.urandom(32)
    return _encrypt(public_key, algorithm, aes_key) + keywrap.aes_key_wrap_with_padding(aes_key, material)


def _encrypt(public_key, algorithm, plaintext):
    digest = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    oaep = padding.OAEP(padding.MGF1(digest), digest, None)
    return load_der_public_key(public_key).encrypt(plaintext, oaep)


class WrappedMaterial:
    """Key material on its way to a key: what ImportKeyMaterial is to be given. It can be sent as often as its token is valid."""

    def __init__(self, client, key, material, algorithm=None, spec="RSA_2048"):
        self._client = client
        if algorithm is None:
            algorithm = OAEP[1] if len(material) <= OAEP_BYTES_MAX else KEY_WRAP[1]
        parameters = client.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=spec)
        self.parameters = parameters
        self.request = {
            "KeyId": key,
            "ImportToken": parameters["ImportToken"],
            "EncryptedKeyMaterial": wrap(parameters["PublicKey"], algorithm, material),
        }

    def send(self, client=None, **members):
        """Imports it; it does not expire unless `members` say so."""
        if "ValidTo" not in members:
            members.setdefault("ExpirationModel", "KEY_MATERIAL_DOES_NOT_EXPIRE")
        return (client or self._client).import_key_material(**self.request, **members)


def import_material(client, key, material, **members):
    """Wraps and imports key material."""
    return WrappedMaterial(client, key, material).send(**members)
