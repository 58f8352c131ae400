"""Every key spec and algorithm against a second implementation, both ways: they verify, decrypt, agree and parse what Keystead makes,
and Keystead verifies, decrypts and imports what they make. And nothing altered passes.

Source: digest kms-core.md, 3.1 to 3.3, 5.5. The other side is support/second_implementation.py.
"""

import os

import pytest
from cryptography.hazmat.primitives import serialization

from support import second_implementation as second
from support.attestation import Enclave
from support.sdk_client import refusal

MESSAGE = b"attack at dawn, or rather at noon"
# 3.1 leaves open whether Ed25519 and ML-DSA keys can have imported material; in Keystead Ed25519 keys can (unverified).
IMPORTED_SIGNING_SPECS = [*second.RSA_SPECS, *second.CURVES, second.EDWARDS]


class Keys:
    """KMS keys of one account, each made when it is first asked for: key pairs take their time."""

    def __init__(self, client):
        self.client = client
        self._made = {}

    def _once(self, *name, make):
        if name not in self._made:
            self._made[name] = make()
        return self._made[name]

    def of(self, spec, usage):
        """The ARN of a key that Keystead generated."""

        def make():
            return self.client.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["Arn"]

        return self._once("generated", spec, usage, make=make)

    def imported(self, spec, usage):
        """(ARN, private key) of a key with material from here."""
        return self._once("imported", spec, usage, make=lambda: self._import(spec, usage))

    def _import(self, spec, usage):
        private_key = second.generate_private_key(spec)
        arn = self.awaiting_material(spec, usage)
        second.import_material(self.client, arn, second.pkcs8(private_key))
        return arn, private_key

    def awaiting_material(self, spec, usage):
        """The ARN of a new key of origin EXTERNAL."""
        return self.client.create_key(KeySpec=spec, KeyUsage=usage, Origin="EXTERNAL")["KeyMetadata"]["Arn"]

    def public_key(self, arn):
        """GetPublicKey, read here."""
        return serialization.load_der_public_key(self.client.get_public_key(KeyId=arn)["PublicKey"])

    def sign(self, arn, algorithm, message_type, message=MESSAGE):
        """A signature by Keystead of `message`, whatever the type wants sent."""
        sent = second.prepared(algorithm, message_type, message, self.public_key(arn))
        answer = self.client.sign(KeyId=arn, Message=sent, MessageType=message_type, SigningAlgorithm=algorithm)
        assert answer["SigningAlgorithm"] == algorithm and answer["KeyId"] == arn
        return answer["Signature"]

    def verify(self, arn, algorithm, message_type, signature, message=MESSAGE):
        """Whether Keystead calls a signature valid."""
        sent = second.prepared(algorithm, message_type, message, self.public_key(arn))
        answer = self.client.verify(
            KeyId=arn, Message=sent, MessageType=message_type, Signature=signature, SigningAlgorithm=algorithm
        )
        return answer["SignatureValid"]


@pytest.fixture(scope="module")
def keys(module_tenant):
    return Keys(module_tenant.client)


def altered(data, step=1):
    """Copies of `data`, in each of which one byte differs; every `step`-th byte, and the last."""
    for position in sorted({*range(0, len(data), step), len(data) - 1}):
        changed = bytearray(data)
        changed[position] ^= 0x01
        yield position, bytes(changed)


def not_refused(call, member, copies, code, **parameters):
    """The copies that were not refused with `code` and no text: all of them are named, so one run shows a pattern."""
    found = []
    for name, copy in copies:
        refused = refusal(call, **{member: copy}, **parameters)
        if (refused.code, refused.message) != (code, ""):
            found.append((name, refused))
    return found


# ---- signatures ----


@pytest.mark.parametrize("spec", second.SIGNING_ALGORITHMS)
def test_the_public_key_is_one_to_them(keys, spec):
    arn = keys.of(spec, "SIGN_VERIFY")
    answer = keys.client.get_public_key(KeyId=arn)
    public_key = serialization.load_der_public_key(answer["PublicKey"])
    assert second.is_of_spec(public_key, spec)
    # Not one byte beyond the canonical encoding.
    assert second.spki(public_key) == answer["PublicKey"]
    assert (answer["KeySpec"], answer["KeyUsage"]) == (spec, "SIGN_VERIFY")
    assert sorted(answer["SigningAlgorithms"]) == sorted(second.SIGNING_ALGORITHMS[spec])


@pytest.mark.parametrize(("spec", "algorithm", "message_type"), second.SIGNATURES)
def test_they_verify_what_we_sign(keys, spec, algorithm, message_type):
    arn = keys.of(spec, "SIGN_VERIFY")
    signature = keys.sign(arn, algorithm, message_type)
    assert second.verifies(keys.public_key(arn), algorithm, MESSAGE, signature)
    assert not second.verifies(keys.public_key(arn), algorithm, MESSAGE + b".", signature)
    assert len(signature) in second.signature_lengths(spec)
    # The type of the message is no property of the signature.
    for other_type in second.message_types(algorithm):
        assert keys.verify(arn, algorithm, other_type, signature)


@pytest.mark.parametrize(
    ("spec", "algorithm", "message_type"), [row for row in second.SIGNATURES if row[0] in IMPORTED_SIGNING_SPECS]
)
def test_we_verify_what_they_sign(keys, spec, algorithm, message_type):
    arn, private_key = keys.imported(spec, "SIGN_VERIFY")
    signature = second.sign(private_key, algorithm, MESSAGE)
    assert keys.verify(arn, algorithm, message_type, signature)
    ours = keys.sign(arn, algorithm, message_type)
    assert second.verifies(private_key.public_key(), algorithm, MESSAGE, ours)


@pytest.mark.parametrize("spec", second.ML_DSA)
def test_key_pairs_of_these_specs_take_no_imported_material(keys, spec):
    """unverified: see IMPORTED_SIGNING_SPECS."""
    refused = refusal(keys.client.create_key, KeySpec=spec, KeyUsage="SIGN_VERIFY", Origin="EXTERNAL")
    assert refused.code == "UnsupportedOperationException", refused


@pytest.mark.parametrize("size", [1, 4096])
@pytest.mark.parametrize("spec", second.SIGNING_ALGORITHMS)
def test_messages_from_the_shortest_to_the_longest(keys, spec, size):
    arn = keys.of(spec, "SIGN_VERIFY")
    message = os.urandom(size)
    for algorithm in second.SIGNING_ALGORITHMS[spec]:
        signature = keys.sign(arn, algorithm, second.message_types(algorithm)[0], message)
        assert second.verifies(keys.public_key(arn), algorithm, message, signature)


# The longer the signature, the wider apart the altered bytes: each is one request.
def step_of(spec):
    return 16 if spec in second.RSA_SPECS else 64 if spec in second.ML_DSA else 1


@pytest.mark.parametrize(
    ("spec", "algorithm"),
    [(spec, algorithm) for spec, algorithms in second.SIGNING_ALGORITHMS.items() for algorithm in algorithms],
)
def test_no_altered_signature_is_valid(keys, spec, algorithm):
    arn = keys.of(spec, "SIGN_VERIFY")
    message_type = second.message_types(algorithm)[0]
    signature = keys.sign(arn, algorithm, message_type)
    sent = second.prepared(algorithm, message_type, MESSAGE, keys.public_key(arn))
    copies = [
        *altered(signature, step_of(spec)),
        ("cut", signature[:-1]),
        ("longer", signature + b"\x00"),
        ("zeros", bytes(len(signature))),
        ("one byte", b"\x00"),
        ("as long as may be", bytes(6144)),
    ]
    parameters = {"KeyId": arn, "Message": sent, "MessageType": message_type, "SigningAlgorithm": algorithm}
    code = "KMSInvalidSignatureException"
    assert not_refused(keys.client.verify, "Signature", copies, code, **parameters) == []


@pytest.mark.parametrize("spec", second.SIGNING_ALGORITHMS)
def test_a_signature_is_of_one_message_and_one_key(keys, spec):
    arn, foreign_key = keys.of(spec, "SIGN_VERIFY"), second.generate_private_key(spec)
    for algorithm in second.SIGNING_ALGORITHMS[spec]:
        signed = {"arn": arn, "algorithm": algorithm, "message_type": second.message_types(algorithm)[0]}
        signature, foreign = keys.sign(**signed), second.sign(foreign_key, algorithm, MESSAGE)
        for message, offered in ((MESSAGE + b".", signature), (MESSAGE, foreign)):
            refused = refusal(keys.verify, **signed, signature=offered, message=message)
            assert (refused.code, refused.message) == ("KMSInvalidSignatureException", ""), refused


# ---- MACs ----


@pytest.mark.parametrize(("spec", "length"), second.HMAC_SPECS.items())
def test_macs(keys, spec, length):
    algorithm = spec.replace("HMAC_", "HMAC_SHA_")
    material = os.urandom(length)
    arn = keys.awaiting_material(spec, "GENERATE_VERIFY_MAC")
    second.import_material(keys.client, arn, material, "RSAES_OAEP_SHA_256")
    for message in (b"m", MESSAGE, os.urandom(4096)):
        theirs = second.mac(material, algorithm, message)
        ours = keys.client.generate_mac(KeyId=arn, Message=message, MacAlgorithm=algorithm)
        assert (ours["Mac"], ours["KeyId"], ours["MacAlgorithm"]) == (theirs, arn, algorithm)
        assert keys.client.verify_mac(KeyId=arn, Message=message, MacAlgorithm=algorithm, Mac=theirs)["MacValid"] is True


@pytest.mark.parametrize("spec", second.HMAC_SPECS)
def test_no_altered_mac_is_valid(keys, spec):
    algorithm = spec.replace("HMAC_", "HMAC_SHA_")
    arn = keys.of(spec, "GENERATE_VERIFY_MAC")
    mac = keys.client.generate_mac(KeyId=arn, Message=MESSAGE, MacAlgorithm=algorithm)["Mac"]
    assert len(mac) == second.HMAC_SPECS[spec]
    other = keys.client.generate_mac(KeyId=arn, Message=MESSAGE + b".", MacAlgorithm=algorithm)["Mac"]
    copies = [*altered(mac), ("cut", mac[:-1]), ("half", mac[: len(mac) // 2]), ("longer", mac + b"\x00"), ("of another", other)]
    parameters = {"KeyId": arn, "Message": MESSAGE, "MacAlgorithm": algorithm}
    assert not_refused(keys.client.verify_mac, "Mac", copies, "KMSInvalidMacException", **parameters) == []


# ---- RSA encryption ----

ENCRYPTIONS = [(spec, algorithm) for spec in second.RSA_SPECS for algorithm in second.OAEP]


@pytest.mark.parametrize(("spec", "algorithm"), ENCRYPTIONS)
def test_they_encrypt_and_we_decrypt(keys, spec, algorithm):
    arn = keys.of(spec, "ENCRYPT_DECRYPT")
    public_key = keys.public_key(arn)
    for plaintext in (b"p", os.urandom(second.longest_plaintext(spec, algorithm))):
        ciphertext = public_key.encrypt(plaintext, second.oaep_padding(algorithm))
        answer = keys.client.decrypt(KeyId=arn, CiphertextBlob=ciphertext, EncryptionAlgorithm=algorithm)
        assert (answer["Plaintext"], answer["EncryptionAlgorithm"], answer["KeyId"]) == (plaintext, algorithm, arn)


@pytest.mark.parametrize(("spec", "algorithm"), ENCRYPTIONS)
def test_we_encrypt_and_they_decrypt(keys, spec, algorithm):
    arn, private_key = keys.imported(spec, "ENCRYPT_DECRYPT")
    longest = second.longest_plaintext(spec, algorithm)
    for plaintext in (b"p", os.urandom(longest)):
        answer = keys.client.encrypt(KeyId=arn, Plaintext=plaintext, EncryptionAlgorithm=algorithm)
        assert private_key.decrypt(answer["CiphertextBlob"], second.oaep_padding(algorithm)) == plaintext
    refused = refusal(keys.client.encrypt, KeyId=arn, Plaintext=bytes(longest + 1), EncryptionAlgorithm=algorithm)
    expected = f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {longest} bytes."
    assert (refused.code, refused.message) == ("ValidationException", expected)


@pytest.mark.parametrize(("spec", "algorithm"), ENCRYPTIONS)
def test_no_altered_rsa_ciphertext_decrypts(keys, spec, algorithm):
    arn = keys.of(spec, "ENCRYPT_DECRYPT")
    ciphertext = keys.public_key(arn).encrypt(MESSAGE, second.oaep_padding(algorithm))
    other = next(name for name in second.OAEP if name != algorithm)
    copies = [
        *altered(ciphertext, 32),
        ("cut", ciphertext[:-1]),
        ("longer", ciphertext + b"\x00"),
        ("zeros", bytes(len(ciphertext))),
        ("beyond the modulus", b"\xff" * len(ciphertext)),
        ("by the other algorithm", keys.public_key(arn).encrypt(MESSAGE, second.oaep_padding(other))),
    ]
    parameters = {"KeyId": arn, "EncryptionAlgorithm": algorithm}
    assert not_refused(keys.client.decrypt, "CiphertextBlob", copies, "InvalidCiphertextException", **parameters) == []


@pytest.mark.parametrize(("spec", "algorithm"), ENCRYPTIONS[:2])
def test_re_encrypt_between_an_rsa_key_and_a_symmetric_one(keys, spec, algorithm):
    rsa_key = keys.of(spec, "ENCRYPT_DECRYPT")
    symmetric = keys.of("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    ciphertext = keys.public_key(rsa_key).encrypt(MESSAGE, second.oaep_padding(algorithm))
    inwards = keys.client.re_encrypt(
        CiphertextBlob=ciphertext,
        SourceKeyId=rsa_key,
        SourceEncryptionAlgorithm=algorithm,
        DestinationKeyId=symmetric,
    )
    assert keys.client.decrypt(CiphertextBlob=inwards["CiphertextBlob"])["Plaintext"] == MESSAGE
    imported, private_key = keys.imported(spec, "ENCRYPT_DECRYPT")
    outwards = keys.client.re_encrypt(
        CiphertextBlob=inwards["CiphertextBlob"], DestinationKeyId=imported, DestinationEncryptionAlgorithm=algorithm
    )
    assert private_key.decrypt(outwards["CiphertextBlob"], second.oaep_padding(algorithm)) == MESSAGE


# ---- key agreement ----


@pytest.mark.parametrize("origin", ["AWS_KMS", "EXTERNAL"])
@pytest.mark.parametrize("spec", second.AGREEMENT_SPECS)
def test_both_sides_agree(keys, spec, origin):
    if origin == "AWS_KMS":
        arn = keys.of(spec, "KEY_AGREEMENT")
    else:
        arn, private_key = keys.imported(spec, "KEY_AGREEMENT")
        assert keys.public_key(arn) == private_key.public_key()
    ours = second.Agreement.on(spec)
    answer = keys.client.derive_shared_secret(KeyId=arn, KeyAgreementAlgorithm="ECDH", PublicKey=ours.public_key)
    public_key = keys.client.get_public_key(KeyId=arn)
    assert public_key["KeyAgreementAlgorithms"] == ["ECDH"]
    assert answer["SharedSecret"] == ours.shared_secret(public_key["PublicKey"])
    assert (answer["KeyId"], answer["KeyAgreementAlgorithm"], answer["KeyOrigin"]) == (arn, "ECDH", origin)


def off_the_curve(spec):
    """A public key whose point is not on the curve: its y differs in the last bit."""
    return next(copy for _, copy in reversed(list(altered(second.Agreement.on(spec).public_key))))


def at_infinity(spec):
    """A public key whose point is the point at infinity: the one of small order that these curves have."""
    good = second.Agreement.on(spec).public_key
    start = 2 if good[1] < 0x80 else 3
    algorithm = good[start : start + 2 + good[start + 1]]
    content = algorithm + b"\x03\x02\x00\x00"
    return bytes([0x30, len(content)]) + content


BAD_PUBLIC_KEYS = {
    "off the curve": off_the_curve,
    "at infinity": at_infinity,
    "cut": lambda spec: second.Agreement.on(spec).public_key[:-1],
    "longer": lambda spec: second.Agreement.on(spec).public_key + b"\x00",
    "of another curve": lambda spec: second.Agreement.on(next(name for name in second.AGREEMENT_SPECS if name != spec)).public_key,
    "of another kind": lambda spec: second.spki(second.generate_private_key("RSA_2048").public_key()),
    "a bare point": lambda spec: second.Agreement.on(spec).private_key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    ),
    "no DER": lambda spec: b"\x30\x82\xff\xff\x00",
    "one byte": lambda spec: b"\x00",
}


UNDECODABLE = {"cut", "longer", "a bare point", "no DER", "one byte"}


@pytest.mark.parametrize("fault", BAD_PUBLIC_KEYS)
@pytest.mark.parametrize("spec", ["ECC_NIST_P256", "ECC_NIST_P521"])
def test_no_agreement_with_a_bad_public_key(keys, spec, fault):
    arn = keys.of(spec, "KEY_AGREEMENT")
    refused = refusal(
        keys.client.derive_shared_secret, KeyId=arn, KeyAgreementAlgorithm="ECDH", PublicKey=BAD_PUBLIC_KEYS[fault](spec)
    )
    assert refused.code == "ValidationException", refused
    # 1.2: an undecodable one is refused without a word.
    assert (refused.message == "") == (fault in UNDECODABLE), refused


# ---- data key pairs ----


@pytest.mark.parametrize("spec", [*second.RSA_SPECS, *second.CURVES, second.EDWARDS])
def test_a_data_key_pair_is_one_to_them(keys, spec):
    symmetric = keys.of("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    context = {"purpose": "pair"}
    pair = keys.client.generate_data_key_pair(KeyId=symmetric, KeyPairSpec=spec, EncryptionContext=context)
    private_key = serialization.load_der_private_key(pair["PrivateKeyPlaintext"], None)
    assert second.is_of_spec(private_key, spec) and pair["KeyPairSpec"] == spec
    assert second.spki(private_key.public_key()) == pair["PublicKey"]
    opened = keys.client.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext=context)
    assert opened["Plaintext"] == pair["PrivateKeyPlaintext"]
    algorithm = second.SIGNING_ALGORITHMS[spec][0]
    signature = second.sign(private_key, algorithm, MESSAGE)
    assert second.verifies(serialization.load_der_public_key(pair["PublicKey"]), algorithm, MESSAGE, signature)


@pytest.mark.parametrize("spec", ["RSA_2048", *second.CURVES, second.EDWARDS])
def test_a_data_key_pair_without_plaintext(keys, spec):
    symmetric = keys.of("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    pair = keys.client.generate_data_key_pair_without_plaintext(KeyId=symmetric, KeyPairSpec=spec)
    assert "PrivateKeyPlaintext" not in pair
    private_key = serialization.load_der_private_key(
        keys.client.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"])["Plaintext"], None
    )
    assert second.spki(private_key.public_key()) == pair["PublicKey"]


# ---- answers for an attested recipient ----


@pytest.fixture(scope="module", params=[2048, 4096], ids=lambda bits: f"RSA_{bits}")
def enclave(attestation_authority, request):
    return Enclave(attestation_authority, request.param)


@pytest.mark.parametrize("length", [1, 15, 16, 1024, 4096])
def test_the_recipient_alone_opens_a_decrypted_plaintext(keys, enclave, length):
    symmetric, plaintext = keys.of("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), os.urandom(length)
    ciphertext = keys.client.encrypt(KeyId=symmetric, Plaintext=plaintext)["CiphertextBlob"]
    answer = keys.client.decrypt(CiphertextBlob=ciphertext, Recipient=enclave.recipient())
    assert "Plaintext" not in answer and "KeyMaterialId" not in answer
    assert enclave.open(answer["CiphertextForRecipient"]) == plaintext


def test_the_recipient_alone_opens_data_keys(keys, enclave):
    symmetric = keys.of("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    answer = keys.client.generate_data_key(KeyId=symmetric, KeySpec="AES_256", Recipient=enclave.recipient())
    assert "Plaintext" not in answer
    opened = enclave.open(answer["CiphertextForRecipient"])
    assert opened == keys.client.decrypt(CiphertextBlob=answer["CiphertextBlob"])["Plaintext"] and len(opened) == 32


def test_the_recipient_alone_opens_a_data_key_pair(keys, enclave):
    symmetric = keys.of("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")
    pair = keys.client.generate_data_key_pair(KeyId=symmetric, KeyPairSpec="ECC_NIST_P384", Recipient=enclave.recipient())
    assert "PrivateKeyPlaintext" not in pair
    private_key = serialization.load_der_private_key(enclave.open(pair["CiphertextForRecipient"]), None)
    assert second.spki(private_key.public_key()) == pair["PublicKey"]


def test_the_recipient_alone_opens_random_bytes(keys, enclave):
    answer = keys.client.generate_random(NumberOfBytes=1000, Recipient=enclave.recipient())
    assert "Plaintext" not in answer
    assert len(enclave.open(answer["CiphertextForRecipient"])) == 1000


def test_the_recipient_alone_opens_a_shared_secret(keys, enclave):
    arn, ours = keys.of("ECC_NIST_P256", "KEY_AGREEMENT"), second.Agreement.on("ECC_NIST_P256")
    answer = keys.client.derive_shared_secret(
        KeyId=arn, KeyAgreementAlgorithm="ECDH", PublicKey=ours.public_key, Recipient=enclave.recipient()
    )
    assert "SharedSecret" not in answer
    expected = ours.shared_secret(keys.client.get_public_key(KeyId=arn)["PublicKey"])
    assert enclave.open(answer["CiphertextForRecipient"]) == expected


# ---- imported key material: 5.5; that what is refused is UnsupportedOperation and IncorrectKeyMaterial is unverified ----


@pytest.fixture(scope="module")
def symmetric_material(keys):
    """A symmetric key of origin EXTERNAL, its material, and a ciphertext of its first time."""
    arn = keys.client.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"]
    material = os.urandom(32)
    imported = second.import_material(keys.client, arn, material, "RSAES_OAEP_SHA_256")
    return arn, material, imported["KeyMaterialId"], keys.client.encrypt(KeyId=arn, Plaintext=MESSAGE)["CiphertextBlob"]


@pytest.mark.parametrize("wrapping_key_spec", second.WRAPPING_KEY_SPECS)
@pytest.mark.parametrize("algorithm", second.OAEP_WRAPPING)
def test_symmetric_material_however_wrapped(keys, symmetric_material, algorithm, wrapping_key_spec):
    """The same material again: its ID is the same, and it decrypts what it encrypted before."""
    arn, material, material_id, ciphertext = symmetric_material
    keys.client.delete_imported_key_material(KeyId=arn)
    assert keys.client.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingImport"
    again = second.import_material(keys.client, arn, material, algorithm, wrapping_key_spec)
    assert again == {**again, "KeyId": arn, "KeyMaterialId": material_id}
    opened = keys.client.decrypt(CiphertextBlob=ciphertext)
    assert (opened["Plaintext"], opened["KeyMaterialId"]) == (MESSAGE, material_id)


@pytest.mark.parametrize("wrapping_key_spec", ["RSA_2048", "RSA_3072"])
@pytest.mark.parametrize("algorithm", second.OAEP_WRAPPING)
def test_hmac_material_however_wrapped(keys, algorithm, wrapping_key_spec):
    material = os.urandom(32)
    arn = keys.awaiting_material("HMAC_256", "GENERATE_VERIFY_MAC")
    second.import_material(keys.client, arn, material, algorithm, wrapping_key_spec)
    mac = keys.client.generate_mac(KeyId=arn, Message=MESSAGE, MacAlgorithm="HMAC_SHA_256")["Mac"]
    assert mac == second.mac(material, "HMAC_SHA_256", MESSAGE)


EVERY_WRAPPING = [*second.OAEP_WRAPPING, *second.KEY_WRAPPING]
# Each spec of wrapping keys once with each algorithm; and what is not allowed.
PRIVATE_KEY_WRAPPINGS = [
    *(("ECC_NIST_P256", algorithm, spec) for algorithm in EVERY_WRAPPING for spec in second.WRAPPING_KEY_SPECS),
    *(("ECC_NIST_P521", algorithm, spec) for algorithm in second.OAEP_WRAPPING for spec in ("RSA_2048", "RSA_3072")),
    *(("RSA_2048", algorithm, "RSA_2048") for algorithm in EVERY_WRAPPING),
    ("RSA_4096", "RSA_AES_KEY_WRAP_SHA_256", "RSA_3072"),
]


@pytest.mark.parametrize(("spec", "algorithm", "wrapping_key_spec"), PRIVATE_KEY_WRAPPINGS)
def test_private_keys_however_wrapped(keys, spec, algorithm, wrapping_key_spec):
    arn = keys.awaiting_material(spec, "SIGN_VERIFY")
    private_key = second.generate_private_key(spec)
    if algorithm in second.OAEP_WRAPPING and not fits_oaep(spec, wrapping_key_spec):
        parameters = {"KeyId": arn, "WrappingAlgorithm": algorithm, "WrappingKeySpec": wrapping_key_spec}
        refused = refusal(keys.client.get_parameters_for_import, **parameters)
        assert refused.code == "UnsupportedOperationException", refused
        return
    second.import_material(keys.client, arn, second.pkcs8(private_key), algorithm, wrapping_key_spec)
    assert keys.public_key(arn) == private_key.public_key()


def fits_oaep(spec, wrapping_key_spec):
    """5.5: no RSA private key, and no P-521 one under RSA_2048."""
    return spec not in second.RSA_SPECS and (spec, wrapping_key_spec) != ("ECC_NIST_P521", "RSA_2048")


def test_pkcs1_wrapping_is_history(keys):
    """5.5: the enumeration has it still."""
    arn = keys.client.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"]
    refused = refusal(
        keys.client.get_parameters_for_import, KeyId=arn, WrappingAlgorithm="RSAES_PKCS1_V1_5", WrappingKeySpec="RSA_2048"
    )
    assert refused.code == "UnsupportedOperationException", refused


def encoded(spec):
    return second.pkcs8(second.generate_private_key(spec))


# What is no private key of ECC_NIST_P256 in PKCS #8.
FLAWED_PRIVATE_KEYS = {
    "of another curve": lambda: encoded("ECC_NIST_P384"),
    "of a curve of the same size": lambda: encoded("ECC_SECG_P256K1"),
    "of RSA": lambda: encoded("RSA_2048"),
    "cut": lambda: encoded("ECC_NIST_P256")[:-1],
    "longer": lambda: encoded("ECC_NIST_P256") + b"\x00",
    "no DER": lambda: b"\x30\x82\xff\xff" + bytes(32),
    "a bare scalar": lambda: os.urandom(32),
    "a public key": lambda: second.Agreement.on("ECC_NIST_P256").public_key,
    "one byte": lambda: b"\x00",
}


@pytest.mark.parametrize("fault", FLAWED_PRIVATE_KEYS)
def test_no_flawed_private_key_is_taken(keys, fault):
    arn = keys.awaiting_material("ECC_NIST_P256", "SIGN_VERIFY")
    refused = refusal(second.import_material, client=keys.client, key=arn, material=FLAWED_PRIVATE_KEYS[fault]())
    assert refused.code == "IncorrectKeyMaterialException", refused
    assert keys.client.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == "PendingImport"


@pytest.mark.parametrize("length", [0, 1, 16, 31, 33, 64])
def test_no_symmetric_material_of_another_length(keys, length):
    arn = keys.client.create_key(Origin="EXTERNAL")["KeyMetadata"]["Arn"]
    refused = refusal(
        second.import_material, client=keys.client, key=arn, material=bytes(length), algorithm="RSAES_OAEP_SHA_256"
    )
    assert refused.code == "IncorrectKeyMaterialException", refused
