"""Asymmetric keys: which operation takes which key and algorithm, states, dry runs, RSA ciphertexts, messages and digests, audit records.

Source: digest kms-core.md, 1.5 (texts), 2.6 (states), 2.7 (dry runs), 3 (key types), 6.2 (how a ciphertext finds its key), 7.1 (records).
That what is made is right, and that nothing altered passes, test_second_implementation.py shows.
"""

import os
import random

import pytest
from cryptography.hazmat.primitives import serialization

from support import second_implementation as second
from support.api_model import service_model
from support.documented_errors import DRY_RUN, INCORRECT_KEY
from support.sdk_client import refusal, request_id
from support.typed_keys import AGREE, ALGORITHMS, ENCRYPT, KEY_PAIRS, MAC, SIGN, TypedKeys

MESSAGE = b"attack at dawn"
DRY = ("DryRunOperationException", DRY_RUN)
OAEP = "RSAES_OAEP_SHA_256"


@pytest.fixture(scope="module")
def keys(module_tenant):
    return TypedKeys(module_tenant.client)


def values(shape):
    """The values of an enum of the model."""
    return service_model().shape_for(shape).enum


# ---- 3.3: which operation on which key ----

# Operation: the usage that it needs, its algorithms, the other members, and what a key that it takes is answered in a dry run: what is
# to be verified, opened or agreed with is garbage.
OPERATIONS = {
    "Encrypt": (ENCRYPT, "EncryptionAlgorithm", "EncryptionAlgorithmSpec", {"Plaintext": b"p"}, DRY),
    "Decrypt": (ENCRYPT, "EncryptionAlgorithm", None, {"CiphertextBlob": b"c" * 256}, ("InvalidCiphertextException", "")),
    "Sign": (SIGN, "SigningAlgorithm", "SigningAlgorithmSpec", {}, DRY),
    "Verify": (SIGN, "SigningAlgorithm", "SigningAlgorithmSpec", {"Signature": b"s"}, ("KMSInvalidSignatureException", "")),
    "GenerateMac": (MAC, "MacAlgorithm", "MacAlgorithmSpec", {"Message": b"m"}, DRY),
    "VerifyMac": (MAC, "MacAlgorithm", "MacAlgorithmSpec", {"Message": b"m", "Mac": b"t"}, ("KMSInvalidMacException", "")),
    "DeriveSharedSecret": (AGREE, "KeyAgreementAlgorithm", None, {"PublicKey": b"k"}, ("ValidationException", "")),
}
DATA_KEYS = {
    "GenerateDataKey": {"KeySpec": "AES_256"},
    "GenerateDataKeyWithoutPlaintext": {"NumberOfBytes": 16},
    "GenerateDataKeyPair": {"KeyPairSpec": "ECC_NIST_P256"},
    "GenerateDataKeyPairWithoutPlaintext": {"KeyPairSpec": "RSA_2048"},
}
# Decrypt with the default algorithm reads another kind of ciphertext: see below.
SOME_ALGORITHMS = {"Decrypt": [*second.OAEP, "SM2PKE"], "DeriveSharedSecret": ["ECDH"]}


def of_message(algorithm):
    """A message that the algorithm takes."""
    message_type = second.message_types(algorithm)[0] if algorithm != "SM2DSA" else "RAW"
    return {"Message": bytes(64) if message_type == "DIGEST" else MESSAGE, "MessageType": message_type}


def answered(client, operation, **parameters):
    """Code and text of a refusal; every call here is refused."""
    refused = refusal(client._make_api_call, operation_name=operation, api_params=parameters)
    return refused.code, refused.message


@pytest.mark.parametrize(("spec", "usage"), ALGORITHMS)
def test_which_key_and_algorithm_an_operation_takes(keys, spec, usage):
    arn = keys.of(spec, usage)
    differences = []
    for operation, (needed, member, enum, members, accepted) in OPERATIONS.items():
        for algorithm in SOME_ALGORITHMS.get(operation) or values(enum):
            message = of_message(algorithm) if member == "SigningAlgorithm" else {}
            parameters = {"KeyId": arn, member: algorithm, "DryRun": True, **members, **message}
            got = answered(keys.client, operation, **parameters)
            expected = accepted if algorithm in ALGORITHMS[spec, usage] else incompatible(algorithm, spec)
            if usage != needed:
                expected = wrong_usage(arn, usage, operation)
                # 3.3, recorded: of Decrypt alone.
                if operation == "Decrypt":
                    expected = "IncorrectKeyException", INCORRECT_KEY
            if got != expected:
                differences.append((operation, algorithm, got, expected))
    assert differences == []


@pytest.mark.parametrize(("spec", "usage"), ALGORITHMS)
def test_data_keys_are_made_under_symmetric_keys(keys, spec, usage):
    arn = keys.of(spec, usage)
    for operation, members in DATA_KEYS.items():
        expected = DRY if spec == "SYMMETRIC_DEFAULT" else incompatible("SYMMETRIC_DEFAULT", spec)
        if usage != ENCRYPT:
            expected = wrong_usage(arn, usage, operation)
        assert answered(keys.client, operation, KeyId=arn, DryRun=True, **members) == expected


def wrong_usage(arn, usage, operation):
    return "InvalidKeyUsageException", f"{arn} key usage is {usage} which is not valid for {operation}."


def incompatible(algorithm, spec):
    return "InvalidKeyUsageException", f"Algorithm {algorithm} is incompatible with key spec {spec}."


@pytest.mark.parametrize(("spec", "usage"), KEY_PAIRS)
def test_get_public_key(keys, spec, usage):
    arn = keys.of(spec, usage)
    answer = keys.client.get_public_key(KeyId=arn)
    members = {ENCRYPT: "EncryptionAlgorithms", SIGN: "SigningAlgorithms", AGREE: "KeyAgreementAlgorithms"}
    described = keys.client.describe_key(KeyId=arn)["KeyMetadata"]
    assert {name for name in answer if name.endswith("Algorithms")} == {members[usage]}
    assert answer[members[usage]] == described[members[usage]]
    assert sorted(answer[members[usage]]) == sorted(ALGORITHMS[spec, usage])
    assert (answer["KeyId"], answer["KeySpec"], answer["CustomerMasterKeySpec"], answer["KeyUsage"]) == (arn, spec, spec, usage)
    assert second.is_of_spec(serialization.load_der_public_key(answer["PublicKey"]), spec)
    # Nothing of the private key, and the same each time.
    assert keys.client.get_public_key(KeyId=arn.partition("key/")[2])["PublicKey"] == answer["PublicKey"]


@pytest.mark.parametrize(("spec", "usage"), [row for row in ALGORITHMS if row not in KEY_PAIRS])
def test_symmetric_keys_have_no_public_key(keys, spec, usage):
    """2.8."""
    assert answered(keys.client, "GetPublicKey", KeyId=keys.of(spec, usage)) == ("UnsupportedOperationException", "")


def test_a_key_by_its_alias(keys):
    arn = keys.of("ECC_NIST_P256", SIGN)
    keys.client.create_alias(AliasName="alias/signer", TargetKeyId=arn)
    alias = arn.partition("key/")[0] + "alias/signer"
    for name in ("alias/signer", alias):
        signed = keys.client.sign(KeyId=name, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256")
        verified = keys.client.verify(
            KeyId=name, Message=MESSAGE, SigningAlgorithm="ECDSA_SHA_256", Signature=signed["Signature"]
        )
        assert (signed["KeyId"], verified["KeyId"], verified["SignatureValid"]) == (arn, arn, True)
        assert keys.client.get_public_key(KeyId=name)["KeyId"] == arn


# ---- 2.6: states; 2.7: dry runs ----

# A valid call of each operation, but for what a key of its own would have to have made.
USES = {
    "Encrypt": ("RSA_2048", ENCRYPT, {"Plaintext": b"p", "EncryptionAlgorithm": OAEP}),
    "Decrypt": ("RSA_2048", ENCRYPT, {"CiphertextBlob": bytes(256), "EncryptionAlgorithm": OAEP}),
    "GetPublicKey": ("RSA_2048", ENCRYPT, {}),
    "Sign": ("ECC_NIST_P256", SIGN, {"Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256"}),
    "Verify": ("ECC_NIST_P256", SIGN, {"Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_256", "Signature": b"s"}),
    "GenerateMac": ("HMAC_256", MAC, {"Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256"}),
    "VerifyMac": ("HMAC_256", MAC, {"Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256", "Mac": b"t"}),
    "DeriveSharedSecret": ("ECC_NIST_P256", AGREE, {"KeyAgreementAlgorithm": "ECDH", "PublicKey": b"k"}),
    "GenerateDataKeyPair": ("SYMMETRIC_DEFAULT", ENCRYPT, {"KeyPairSpec": "RSA_4096"}),
    "GenerateDataKeyPairWithoutPlaintext": ("SYMMETRIC_DEFAULT", ENCRYPT, {"KeyPairSpec": "RSA_4096"}),
}
STATES = {
    "disabled": ("DisabledException", "{arn} is disabled."),
    "pending deletion": ("KMSInvalidStateException", "{arn} is pending deletion."),
    "pending import": ("KMSInvalidStateException", "{arn} is pending import."),
}


@pytest.fixture(scope="module")
def unusable(keys):
    """Keys in a state, by key type."""
    made = {}

    def in_state(spec, usage, state):
        if (spec, usage, state) not in made:
            origin = {"Origin": "EXTERNAL"} if state == "pending import" else {}
            arn = made[spec, usage, state] = keys.new(spec, usage, **origin)
            if state == "disabled":
                keys.client.disable_key(KeyId=arn)
            if state == "pending deletion":
                keys.client.schedule_key_deletion(KeyId=arn)
        return made[spec, usage, state]

    return in_state


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("operation", USES)
def test_a_key_in_another_state(keys, unusable, operation, state):
    spec, usage, members = USES[operation]
    arn = unusable(spec, usage, state)
    code, text = STATES[state]
    dry = {} if operation == "GetPublicKey" else {"DryRun": True}
    assert answered(keys.client, operation, KeyId=arn, **members) == (code, text.format(arn=arn))
    assert answered(keys.client, operation, KeyId=arn, **members, **dry) == (code, text.format(arn=arn))


def test_what_is_told_first(keys, unusable):
    """The usage before the algorithm, both before the state, and that before a length."""
    arn = unusable("ECC_NIST_P256", SIGN, "disabled")
    sign = {"KeyId": arn, "Message": MESSAGE, "SigningAlgorithm": "ECDSA_SHA_384", "MessageType": "DIGEST"}
    mac = {"KeyId": arn, "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_256"}
    assert answered(keys.client, "GenerateMac", **mac) == wrong_usage(arn, SIGN, "GenerateMac")
    assert answered(keys.client, "Sign", **sign) == incompatible("ECDSA_SHA_384", "ECC_NIST_P256")
    sign["SigningAlgorithm"] = "ECDSA_SHA_256"
    assert answered(keys.client, "Sign", **sign) == ("DisabledException", f"{arn} is disabled.")


@pytest.mark.parametrize("operation", USES)
def test_a_grant_token_that_is_none(keys, operation):
    spec, usage, members = USES[operation]
    code, _ = answered(keys.client, operation, KeyId=keys.of(spec, usage), GrantTokens=["no token"], **members)
    assert code == "InvalidGrantTokenException"


@pytest.mark.parametrize("operation", USES)
def test_a_key_that_does_not_exist(keys, operation):
    _, _, members = USES[operation]
    code, _ = answered(keys.client, operation, KeyId="1234abcd-12ab-34cd-56ef-1234567890ab", **members)
    assert code == "NotFoundException"


def test_dry_runs_that_would_succeed(keys):
    """2.7. Those of the table above lack a signature, a MAC, a ciphertext and a public key that are valid."""
    client = keys.client
    signer, agreeing = keys.of("ECC_NIST_P256", SIGN), keys.of("ECC_NIST_P256", AGREE)
    algorithm = {"SigningAlgorithm": "ECDSA_SHA_256", "Message": MESSAGE}
    signature = client.sign(KeyId=signer, **algorithm)["Signature"]
    assert answered(client, "Verify", KeyId=signer, Signature=signature, DryRun=True, **algorithm) == DRY
    public_key = second.Agreement.on("ECC_NIST_P256").public_key
    agreement = {"KeyAgreementAlgorithm": "ECDH", "PublicKey": public_key}
    assert answered(client, "DeriveSharedSecret", KeyId=agreeing, DryRun=True, **agreement) == DRY
    rsa = keys.of("RSA_2048", ENCRYPT)
    ciphertext = client.encrypt(KeyId=rsa, Plaintext=MESSAGE, EncryptionAlgorithm=OAEP)["CiphertextBlob"]
    decryption = {"KeyId": rsa, "EncryptionAlgorithm": OAEP}
    assert answered(client, "Decrypt", CiphertextBlob=ciphertext, DryRun=True, **decryption) == DRY
    ignoring = {"DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}
    assert answered(client, "Decrypt", **decryption, **ignoring) == DRY
    symmetric = {"DestinationKeyId": keys.of("SYMMETRIC_DEFAULT", ENCRYPT)}
    source = {"SourceKeyId": rsa, "SourceEncryptionAlgorithm": OAEP, "CiphertextBlob": ciphertext}
    assert answered(client, "ReEncrypt", DryRun=True, **source, **symmetric) == DRY


# ---- 3.2: messages and digests ----


# Of RSA one size: the algorithms are the same.
SIGNING = [
    (spec, name)
    for spec, names in second.SIGNING_ALGORITHMS.items()
    if spec not in ("RSA_3072", "RSA_4096")
    for name in names
]


@pytest.mark.parametrize("operation", ["Sign", "Verify"])
@pytest.mark.parametrize(("spec", "algorithm"), SIGNING)
def test_message_types_and_lengths(keys, spec, algorithm, operation):
    """The texts for message types are unverified; those about digests are recorded."""
    allowed = second.message_types(algorithm)
    signature = {"Signature": b"s"} if operation == "Verify" else {}
    parameters = {"KeyId": keys.of(spec, SIGN), "SigningAlgorithm": algorithm, "DryRun": True, **signature}
    done = DRY if operation == "Sign" else ("KMSInvalidSignatureException", "")
    for message_type in ("RAW", "DIGEST", "EXTERNAL_MU"):
        length = {"EXTERNAL_MU": 64}.get(message_type, int(algorithm[-3:]) // 8)
        for bytes_ in (length, length - 1, length + 1):
            expected = done
            if message_type not in allowed:
                what = f"key spec {spec}" if algorithm == "ML_DSA_SHAKE_256" else f"algorithm {algorithm}"
                expected = ("ValidationException", f"Message type {message_type} is incompatible with {what}.")
            elif message_type != "RAW" and bytes_ != length:
                what = "Digest" if message_type == "DIGEST" else "External Mu"
                expected = ("ValidationException", f"{what} is invalid length for algorithm {algorithm}.")
            got = answered(keys.client, operation, Message=bytes(bytes_), MessageType=message_type, **parameters)
            assert got == expected, (message_type, bytes_)


def test_a_message_is_raw_by_default(keys):
    arn = keys.of("RSA_2048", SIGN)
    signing = {"KeyId": arn, "SigningAlgorithm": "RSASSA_PKCS1_V1_5_SHA_256"}
    raw = keys.client.sign(Message=MESSAGE, **signing)["Signature"]
    assert raw == keys.client.sign(Message=MESSAGE, MessageType="RAW", **signing)["Signature"]
    digest = second.digest(signing["SigningAlgorithm"], MESSAGE)
    assert raw == keys.client.sign(Message=digest, MessageType="DIGEST", **signing)["Signature"]
    # A digest that is signed as a message is hashed again.
    assert raw != keys.client.sign(Message=digest, **signing)["Signature"]


def test_garbage_meets_no_panic(keys):
    """Signatures, ciphertexts and public keys of any bytes and lengths, and of one that was right with some of its bytes changed. That the
    server did not panic is seen where it is stopped."""
    source = random.Random(20_26)
    client = keys.client
    good = second.Agreement.on("ECC_NIST_P384").public_key
    signers = [(spec, names[0]) for spec, names in second.SIGNING_ALGORITHMS.items()]
    for _ in range(60):
        noise = source.randbytes(source.choice([1, 2, 31, 64, 65, 96, 256, 257, 512, 2420, 6144]))
        spec, algorithm = source.choice(signers)
        verification = {"KeyId": keys.of(spec, SIGN), "SigningAlgorithm": algorithm, **of_message(algorithm)}
        assert answered(client, "Verify", Signature=noise, **verification) == ("KMSInvalidSignatureException", "")
        rsa = {"KeyId": keys.of("RSA_2048", ENCRYPT), "EncryptionAlgorithm": OAEP}
        assert answered(client, "Decrypt", CiphertextBlob=noise, **rsa) == ("InvalidCiphertextException", "")
        changed = bytearray(good)
        for _ in range(source.randint(1, 3)):
            changed[source.randrange(len(good))] ^= source.randint(1, 255)
        agreement = {"KeyId": keys.of("ECC_NIST_P384", AGREE), "KeyAgreementAlgorithm": "ECDH"}
        for public_key in (noise, bytes(changed)):
            assert answered(client, "DeriveSharedSecret", PublicKey=public_key, **agreement)[0] == "ValidationException"


# ---- 6.2: RSA ciphertexts ----

CONTEXT = {"purpose": "test"}
NO_CONTEXT = ("ValidationException", "EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs.")


@pytest.fixture(scope="module")
def rsa(keys):
    return keys.of("RSA_2048", ENCRYPT)


@pytest.fixture(scope="module")
def symmetric(keys):
    return keys.of("SYMMETRIC_DEFAULT", ENCRYPT)


@pytest.fixture(scope="module")
def rsa_ciphertext(keys, rsa):
    return keys.client.encrypt(KeyId=rsa, Plaintext=MESSAGE, EncryptionAlgorithm=OAEP)["CiphertextBlob"]


@pytest.fixture(scope="module")
def symmetric_ciphertext(keys, symmetric):
    return keys.client.encrypt(KeyId=symmetric, Plaintext=MESSAGE, EncryptionContext=CONTEXT)["CiphertextBlob"]


def test_an_rsa_ciphertext_is_nothing_but_that(keys, rsa):
    answer = keys.client.encrypt(KeyId=rsa, Plaintext=MESSAGE, EncryptionAlgorithm=OAEP)
    assert (len(answer["CiphertextBlob"]), answer["KeyId"], answer["EncryptionAlgorithm"]) == (256, rsa, OAEP)
    opened = keys.client.decrypt(KeyId=rsa, CiphertextBlob=answer["CiphertextBlob"], EncryptionAlgorithm=OAEP)
    assert (opened["Plaintext"], opened["KeyId"], opened["EncryptionAlgorithm"]) == (MESSAGE, rsa, OAEP)
    assert "KeyMaterialId" not in opened


def test_encrypting_under_rsa_needs_an_algorithm(keys, rsa):
    assert answered(keys.client, "Encrypt", KeyId=rsa, Plaintext=MESSAGE) == incompatible("SYMMETRIC_DEFAULT", "RSA_2048")


def test_the_algorithm_tells_how_a_ciphertext_is_read(keys, rsa, symmetric, rsa_ciphertext, symmetric_ciphertext):
    """The texts that name a missing key ID are unverified."""
    client = keys.client
    no_key = ("ValidationException", "KeyId must not be null")
    assert answered(client, "Decrypt", CiphertextBlob=rsa_ciphertext, EncryptionAlgorithm=OAEP) == no_key
    for named in ({}, {"KeyId": rsa}):
        assert answered(client, "Decrypt", CiphertextBlob=rsa_ciphertext, **named) == ("InvalidCiphertextException", "")
    other = client.encrypt(KeyId=keys.of("RSA_3072", ENCRYPT), Plaintext=MESSAGE, EncryptionAlgorithm=OAEP)["CiphertextBlob"]
    for blob, algorithm in ((other, OAEP), (rsa_ciphertext, "RSAES_OAEP_SHA_1"), (symmetric_ciphertext, OAEP)):
        refused = answered(client, "Decrypt", KeyId=rsa, CiphertextBlob=blob, EncryptionAlgorithm=algorithm)
        assert refused == ("InvalidCiphertextException", "")
    mixed = {"KeyId": symmetric, "CiphertextBlob": symmetric_ciphertext, "EncryptionAlgorithm": OAEP}
    assert answered(client, "Decrypt", **mixed) == incompatible(OAEP, "SYMMETRIC_DEFAULT")


@pytest.mark.parametrize(("spec", "usage"), [row for row in ALGORITHMS if row[0] != "SYMMETRIC_DEFAULT"])
def test_a_symmetric_ciphertext_with_another_key(keys, symmetric_ciphertext, spec, usage):
    """6.2, recorded: whatever the key is for."""
    got = answered(keys.client, "Decrypt", KeyId=keys.of(spec, usage), CiphertextBlob=symmetric_ciphertext)
    assert got == ("IncorrectKeyException", INCORRECT_KEY)


def test_rsa_authenticates_no_encryption_context(keys, rsa, symmetric, rsa_ciphertext, symmetric_ciphertext):
    """The text is unverified."""
    client = keys.client
    with_rsa = {"KeyId": rsa, "EncryptionAlgorithm": OAEP, "EncryptionContext": CONTEXT}
    assert answered(client, "Encrypt", Plaintext=MESSAGE, **with_rsa) == NO_CONTEXT
    assert answered(client, "Decrypt", CiphertextBlob=rsa_ciphertext, **with_rsa) == NO_CONTEXT
    source = {"SourceKeyId": rsa, "SourceEncryptionAlgorithm": OAEP, "SourceEncryptionContext": CONTEXT}
    outwards = {"DestinationKeyId": rsa, "DestinationEncryptionAlgorithm": OAEP}
    assert answered(client, "ReEncrypt", CiphertextBlob=rsa_ciphertext, DestinationKeyId=symmetric, **source) == NO_CONTEXT
    inwards = {"CiphertextBlob": symmetric_ciphertext, "SourceEncryptionContext": CONTEXT, **outwards}
    assert answered(client, "ReEncrypt", DestinationEncryptionContext=CONTEXT, **inwards) == NO_CONTEXT
    # An empty one is none.
    assert client.encrypt(KeyId=rsa, Plaintext=MESSAGE, EncryptionAlgorithm=OAEP, EncryptionContext={})["KeyId"] == rsa


@pytest.mark.parametrize(("spec", "algorithm", "longest"), [
    (spec, algorithm, bits // 8 - 2 * second.OAEP[algorithm].digest_size - 2)
    for spec, bits in second.RSA_SPECS.items() for algorithm in second.OAEP
])
def test_the_longest_plaintext(keys, symmetric, spec, algorithm, longest):
    """3.2; also in a dry run, and of ReEncrypt."""
    arn = keys.of(spec, ENCRYPT)
    encryption = {"KeyId": arn, "EncryptionAlgorithm": algorithm}
    refused = ("ValidationException", f"Algorithm {algorithm} and key spec {spec} cannot encrypt data larger than {longest} bytes.")
    assert keys.client.encrypt(Plaintext=bytes(longest), **encryption)["EncryptionAlgorithm"] == algorithm
    assert answered(keys.client, "Encrypt", Plaintext=bytes(longest), DryRun=True, **encryption) == DRY
    for dry_run in (False, True):
        assert answered(keys.client, "Encrypt", Plaintext=bytes(longest + 1), DryRun=dry_run, **encryption) == refused
    blob = keys.client.encrypt(KeyId=symmetric, Plaintext=bytes(longest + 1))["CiphertextBlob"]
    destination = {"DestinationKeyId": arn, "DestinationEncryptionAlgorithm": algorithm}
    for dry_run in (False, True):
        assert answered(keys.client, "ReEncrypt", CiphertextBlob=blob, DryRun=dry_run, **destination) == refused


@pytest.mark.parametrize("destination", [("SYMMETRIC_DEFAULT", "SYMMETRIC_DEFAULT"), ("RSA_2048", OAEP), ("RSA_3072", "RSAES_OAEP_SHA_1")])
@pytest.mark.parametrize("source", [("SYMMETRIC_DEFAULT", "SYMMETRIC_DEFAULT"), ("RSA_2048", OAEP), ("RSA_3072", "RSAES_OAEP_SHA_1")])
def test_re_encrypt_from_any_key_to_any(keys, source, destination):
    (source_spec, source_algorithm), (destination_spec, destination_algorithm) = source, destination
    source_key, destination_key = keys.of(source_spec, ENCRYPT), keys.of(destination_spec, ENCRYPT)
    blob = keys.client.encrypt(KeyId=source_key, Plaintext=MESSAGE, EncryptionAlgorithm=source_algorithm)["CiphertextBlob"]
    answer = keys.client.re_encrypt(
        CiphertextBlob=blob,
        SourceKeyId=source_key,
        SourceEncryptionAlgorithm=source_algorithm,
        DestinationKeyId=destination_key,
        DestinationEncryptionAlgorithm=destination_algorithm,
    )
    assert (answer["SourceKeyId"], answer["KeyId"]) == (source_key, destination_key)
    algorithms = (answer["SourceEncryptionAlgorithm"], answer["DestinationEncryptionAlgorithm"])
    assert algorithms == (source_algorithm, destination_algorithm)
    for member, spec in (("SourceKeyMaterialId", source_spec), ("DestinationKeyMaterialId", destination_spec)):
        assert (member in answer) == (spec == "SYMMETRIC_DEFAULT")
    opened = keys.client.decrypt(
        KeyId=destination_key, CiphertextBlob=answer["CiphertextBlob"], EncryptionAlgorithm=destination_algorithm
    )
    assert opened["Plaintext"] == MESSAGE


@pytest.mark.parametrize(("spec", "usage"), [("RSA_2048", SIGN), ("HMAC_256", MAC), ("ECC_NIST_P256", AGREE)])
def test_re_encrypt_to_a_key_for_something_else(keys, symmetric_ciphertext, spec, usage):
    arn = keys.of(spec, usage)
    parameters = {"CiphertextBlob": symmetric_ciphertext, "SourceEncryptionContext": CONTEXT, "DestinationKeyId": arn}
    assert answered(keys.client, "ReEncrypt", **parameters) == wrong_usage(arn, usage, "ReEncrypt")


@pytest.mark.parametrize(("spec", "usage"), [("RSA_2048", SIGN), ("HMAC_256", MAC), ("ECC_NIST_P256", AGREE)])
def test_decrypting_with_a_key_for_something_else(keys, symmetric, spec, usage):
    """3.3, 6.2, recorded of Decrypt and of ReEncrypt's source: whatever the ciphertext, and if there is none."""
    arn = keys.of(spec, usage)
    incorrect = ("IncorrectKeyException", INCORRECT_KEY)
    for algorithm in (OAEP, "SYMMETRIC_DEFAULT"):
        decrypt = {"KeyId": arn, "EncryptionAlgorithm": algorithm}
        ignored = {"DryRun": True, "DryRunModifiers": ["IGNORE_CIPHERTEXT"]}
        for ciphertext in ({"CiphertextBlob": bytes(256)}, ignored):
            assert answered(keys.client, "Decrypt", **decrypt, **ciphertext) == incorrect
            source = {"SourceKeyId": arn, "SourceEncryptionAlgorithm": algorithm, "DestinationKeyId": symmetric}
            assert answered(keys.client, "ReEncrypt", **source, **ciphertext) == incorrect


def test_re_encrypt_from_rsa_names_its_key(keys, symmetric, rsa_ciphertext):
    """The text is unverified."""
    got = answered(
        keys.client, "ReEncrypt", CiphertextBlob=rsa_ciphertext, SourceEncryptionAlgorithm=OAEP, DestinationKeyId=symmetric
    )
    assert got == ("ValidationException", "SourceKeyId must not be null")


# ---- 7.1: audit records ----


@pytest.fixture
def recorded(keystead):
    """The record of an answer."""
    return lambda response: keystead.audit_record(request_id(response))


def test_records_of_signatures(keys, recorded):
    arn = keys.of("ECC_NIST_P256", SIGN)
    secret = b"a message that no log may hold: " + os.urandom(8).hex().encode()
    signing = {"KeyId": arn, "Message": secret, "SigningAlgorithm": "ECDSA_SHA_256"}
    signed = keys.client.sign(**signing)
    verified = keys.client.verify(Signature=signed["Signature"], MessageType="RAW", **signing)
    expected = {"keyId": arn, "messageType": "RAW", "signingAlgorithm": "ECDSA_SHA_256"}
    for name, answer in (("Sign", signed), ("Verify", verified)):
        record = recorded(answer)
        assert (record["eventName"], record["readOnly"], record["responseElements"]) == (name, True, None)
        assert record["requestParameters"] == expected
        assert [resource["ARN"] for resource in record["resources"]] == [arn]
        assert secret.decode() not in str(record)


def test_records_of_rsa_encryption(keys, rsa, symmetric, rsa_ciphertext, recorded):
    """The algorithm is recorded as it was given, and by default only where there is a default."""
    encrypted = keys.client.encrypt(KeyId=rsa, Plaintext=MESSAGE, EncryptionAlgorithm=OAEP)
    assert recorded(encrypted)["requestParameters"] == {"keyId": rsa, "encryptionAlgorithm": OAEP}
    inwards = keys.client.re_encrypt(
        CiphertextBlob=rsa_ciphertext, SourceKeyId=rsa, SourceEncryptionAlgorithm=OAEP, DestinationKeyId=symmetric
    )
    assert recorded(inwards)["requestParameters"] == {
        "sourceKeyId": rsa,
        "sourceEncryptionAlgorithm": OAEP,
        "destinationKeyId": symmetric,
        "destinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }


def test_the_record_of_an_agreement(keys, recorded):
    arn = keys.of("ECC_NIST_P256", AGREE)
    public_key = second.Agreement.on("ECC_NIST_P256").public_key
    answer = keys.client.derive_shared_secret(KeyId=arn, KeyAgreementAlgorithm="ECDH", PublicKey=public_key)
    record = recorded(answer)
    parameters = record["requestParameters"]
    assert (parameters["keyId"], parameters["keyAgreementAlgorithm"]) == (arn, "ECDH")
    assert (record["readOnly"], record["responseElements"]) == (True, None)


# ---- more than one at once, and after a restart ----


def test_keys_of_every_type_survive_a_restart(make_installation):
    installation = make_installation().start()
    tenant = installation.create_tenant()
    before = TypedKeys(tenant.client)
    pairs = [row for row in KEY_PAIRS if row[0] not in ("RSA_3072", "RSA_4096")]
    public_keys = {row: tenant.client.get_public_key(KeyId=before.of(*row))["PublicKey"] for row in pairs}
    mac = {"KeyId": before.of("HMAC_512", MAC), "Message": MESSAGE, "MacAlgorithm": "HMAC_SHA_512"}
    tag = tenant.client.generate_mac(**mac)["Mac"]
    installation.restart()
    client = installation.client(tenant.credentials)
    for row in pairs:
        assert client.get_public_key(KeyId=before.of(*row))["PublicKey"] == public_keys[row]
    assert client.verify_mac(Mac=tag, **mac)["MacValid"] is True
    assert installation.stop() == 0
