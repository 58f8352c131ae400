"""Cryptographic operations under AWS_KMS keys.

Source: digest kms-core.md, 2.7 (dry run), 2.8, 3.2 (sizes), 6.1 and 6.2 (ciphertext blob, decision list).
"""

import pytest

from support.documented_errors import DRY_RUN, HIDDEN_KEY, INCORRECT_KEY
from support.sdk_client import refusal

PLAINTEXT = b"under Keystead's own key"
CONTEXT = {"b": "2", "a": "1", "": "an empty name", "z": ""}
INVALID = ("InvalidCiphertextException", "")


@pytest.fixture(scope="module")
def client(module_tenant):
    return module_tenant.client


@pytest.fixture(scope="module")
def key(client):
    return client.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture(scope="module")
def other_key(client):
    return client.create_key()["KeyMetadata"]["Arn"]


@pytest.fixture(scope="module")
def blob(client, key):
    return client.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionContext=CONTEXT)["CiphertextBlob"]


def test_encrypt_and_decrypt(client, key):
    encrypted = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)
    assert (encrypted["KeyId"], encrypted["EncryptionAlgorithm"]) == (key, "SYMMETRIC_DEFAULT")
    decrypted = client.decrypt(CiphertextBlob=encrypted["CiphertextBlob"])
    assert (decrypted["Plaintext"], decrypted["KeyId"]) == (PLAINTEXT, key)
    assert decrypted["EncryptionAlgorithm"] == "SYMMETRIC_DEFAULT"
    material = client.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert decrypted["KeyMaterialId"] == material


@pytest.mark.parametrize("length", [1, 2, 15, 16, 17, 1024, 4095, 4096])
def test_sizes(client, key, length):
    """3.2 and 6.1: 1 to 4,096 bytes, and at most 6,144 in the blob."""
    plaintext = bytes(n % 251 for n in range(length))
    blob = client.encrypt(KeyId=key, Plaintext=plaintext)["CiphertextBlob"]
    assert len(blob) <= 6144
    assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == plaintext


def test_no_two_blobs_are_equal(client, key):
    blobs = {client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"] for _ in range(20)}
    assert len(blobs) == 20
    assert all(PLAINTEXT not in blob for blob in blobs)


def test_the_context_in_another_order(client, blob):
    turned = dict(reversed(list(CONTEXT.items())))
    assert client.decrypt(CiphertextBlob=blob, EncryptionContext=turned)["Plaintext"] == PLAINTEXT


# 6.2: a wrong or missing context is InvalidCiphertextException without a message.
OTHER_CONTEXTS = {
    "none": {},
    "one pair less": {"a": "1", "b": "2", "z": ""},
    "one pair more": {**CONTEXT, "c": "3"},
    "another value": {**CONTEXT, "a": "2"},
    "another case": {**CONTEXT, "a": "1", "B": "2"},
    "values swapped": {**CONTEXT, "a": "2", "b": "1"},
    "pairs glued": {"a": "1b2", "": "an empty name", "z": ""},
}


@pytest.mark.parametrize("case", OTHER_CONTEXTS)
def test_another_context(client, blob, case):
    refused = refusal(client.decrypt, CiphertextBlob=blob, EncryptionContext=OTHER_CONTEXTS[case])
    assert (refused.code, refused.message, refused.status) == (*INVALID, 400)


def test_an_empty_context_is_none(client, key):
    """6.1."""
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionContext={})["CiphertextBlob"]
    assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT


def test_contexts_are_length_prefixed(client, key):
    """6.1: two contexts whose plain concatenation is the same are not the same."""
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionContext={"ab": "c"})["CiphertextBlob"]
    assert refusal(client.decrypt, CiphertextBlob=blob, EncryptionContext={"a": "bc"}).code == INVALID[0]


def test_any_unicode_in_a_context(client, key):
    context = {"schlüssel": "wört", "鍵": "🗝️", "e\u0301": "decomposed"}
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionContext=context)["CiphertextBlob"]
    assert client.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == PLAINTEXT
    composed = {"schlüssel": "wört", "鍵": "🗝️", "\u00e9": "decomposed"}
    assert refusal(client.decrypt, CiphertextBlob=blob, EncryptionContext=composed).code == INVALID[0]


def test_a_changed_bit_anywhere_is_refused(client, key):
    """The issue, "KMS keys": every byte of a blob, one bit each. A changed key identity may also read as an unknown key (6.2)."""
    blob = client.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    for index in range(len(blob)):
        changed = blob[:index] + bytes([blob[index] ^ (1 << (index % 8))]) + blob[index + 1 :]
        refused = refusal(client.decrypt, CiphertextBlob=changed)
        assert (refused.code, refused.message) in (INVALID, ("AccessDeniedException", HIDDEN_KEY)), f"byte {index}: {refused}"


# 6.2: what is no blob of this service.
NO_BLOBS = {
    "one byte": b"\x00",
    "text": b"not a ciphertext",
    "the longest": b"\xff" * 6144,
    "looks like AWS": bytes.fromhex("0102020078") + b"\x00" * 100,
}


@pytest.mark.parametrize("case", NO_BLOBS)
def test_no_blob(client, case):
    refused = refusal(client.decrypt, CiphertextBlob=NO_BLOBS[case])
    assert (refused.code, refused.message) == INVALID


def test_a_cut_or_lengthened_blob(client, key):
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    for changed in [blob[:length] for length in range(1, len(blob), 7)] + [blob + b"\x00", b"\x00" + blob]:
        assert refusal(client.decrypt, CiphertextBlob=changed).code == INVALID[0]


def test_another_keys_blob(client, other_key, blob):
    """6.2: IncorrectKeyException, also for ReEncrypt's SourceKeyId."""
    refused = refusal(client.decrypt, CiphertextBlob=blob, EncryptionContext=CONTEXT, KeyId=other_key)
    assert (refused.code, refused.message) == ("IncorrectKeyException", INCORRECT_KEY)
    refused = refusal(
        client.re_encrypt,
        CiphertextBlob=blob,
        SourceEncryptionContext=CONTEXT,
        SourceKeyId=other_key,
        DestinationKeyId=other_key,
    )
    assert (refused.code, refused.message) == ("IncorrectKeyException", INCORRECT_KEY)


def test_re_encrypt(client, key, other_key, blob):
    answer = client.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=other_key,
        DestinationEncryptionContext={"new": "context"},
    )
    assert (answer["SourceKeyId"], answer["KeyId"]) == (key, other_key)
    algorithms = (answer["SourceEncryptionAlgorithm"], answer["DestinationEncryptionAlgorithm"])
    assert algorithms == ("SYMMETRIC_DEFAULT", "SYMMETRIC_DEFAULT")
    decrypted = client.decrypt(CiphertextBlob=answer["CiphertextBlob"], EncryptionContext={"new": "context"})
    assert (decrypted["Plaintext"], decrypted["KeyId"]) == (PLAINTEXT, other_key)


def test_re_encrypt_with_another_context(client, other_key, blob):
    refused = refusal(client.re_encrypt, CiphertextBlob=blob, DestinationKeyId=other_key)
    assert (refused.code, refused.message) == INVALID


@pytest.mark.parametrize(
    ("parameters", "length"),
    [({"KeySpec": "AES_128"}, 16), ({"KeySpec": "AES_256"}, 32), ({"NumberOfBytes": 1}, 1), ({"NumberOfBytes": 1024}, 1024)],
    ids=str,
)
def test_data_keys(client, key, parameters, length):
    made = client.generate_data_key(KeyId=key, EncryptionContext={"a": "b"}, **parameters)
    assert (len(made["Plaintext"]), made["KeyId"]) == (length, key)
    decrypted = client.decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext={"a": "b"})
    assert decrypted["Plaintext"] == made["Plaintext"]
    silent = client.generate_data_key_without_plaintext(KeyId=key, EncryptionContext={"a": "b"}, **parameters)
    assert "Plaintext" not in silent
    decrypted = client.decrypt(CiphertextBlob=silent["CiphertextBlob"], EncryptionContext={"a": "b"})
    assert len(decrypted["Plaintext"]) == length


def test_data_keys_differ(client, key):
    made = {client.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"] for _ in range(10)}
    assert len(made) == 10


@pytest.mark.parametrize("length", [1, 32, 1024])
def test_generate_random(client, length):
    first, second = (client.generate_random(NumberOfBytes=length)["Plaintext"] for _ in range(2))
    assert len(first) == len(second) == length
    assert length == 1 or first != second


def test_generate_random_with_an_unknown_key_store(client):
    refused = refusal(client.generate_random, NumberOfBytes=8, CustomKeyStoreId="cks-00000000000000000")
    assert refused.code == "CustomKeyStoreNotFoundException"


# 2.7: a dry run ends in DryRunOperationException, or in the error that the real call would give.
DRY_RUNS = {
    "encrypt": lambda client, key, blob: client.encrypt(KeyId=key, Plaintext=b"x", DryRun=True),
    "decrypt": lambda client, key, blob: client.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT, DryRun=True),
    "re-encrypt": lambda client, key, blob: client.re_encrypt(
        CiphertextBlob=blob, SourceEncryptionContext=CONTEXT, DestinationKeyId=key, DryRun=True
    ),
    "data key": lambda client, key, blob: client.generate_data_key(KeyId=key, KeySpec="AES_256", DryRun=True),
    "data key without plaintext": lambda client, key, blob: client.generate_data_key_without_plaintext(
        KeyId=key, KeySpec="AES_256", DryRun=True
    ),
}


@pytest.mark.parametrize("case", DRY_RUNS)
def test_a_dry_run(client, key, blob, case):
    refused = refusal(lambda: DRY_RUNS[case](client, key, blob))
    assert (refused.code, refused.message) == ("DryRunOperationException", DRY_RUN)


def test_a_dry_run_that_would_fail(client):
    refused = refusal(client.encrypt, KeyId="alias/none", Plaintext=b"x", DryRun=True)
    assert refused.code == "NotFoundException"


def test_dry_run_false_is_a_real_run(client, key):
    assert client.encrypt(KeyId=key, Plaintext=b"x", DryRun=False)["CiphertextBlob"]


def test_an_algorithm_for_other_keys(client, key):
    """3.3: the algorithm must fit the key."""
    refused = refusal(client.encrypt, KeyId=key, Plaintext=b"x", EncryptionAlgorithm="RSAES_OAEP_SHA_256")
    assert refused.code in ("InvalidKeyUsageException", "ValidationException"), refused


def test_a_blob_survives_a_restart(make_installation):
    server = make_installation().start()
    tenant = server.create_tenant()
    key = tenant.client.create_key()["KeyMetadata"]["Arn"]
    blob = tenant.client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    server.restart()
    assert server.client(tenant.credentials).decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT
