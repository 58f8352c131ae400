"""KMS keys in an external key store: creation, double encryption, what the proxy is told, and every documented failure.

Source: digest external-key-stores.md, 1.4 to 1.7, section 2, section 4, 5.2 and 5.3.
"""

import base64
import re
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import proxy_behaviours as faults
from support.conditions import wait_until
from support.documented_errors import (
    BAD_CIPHERTEXT,
    BAD_INNER,
    INCORRECT_KEY,
    KEY_CONFIGURATION,
    KEY_NOT_FOUND,
    KEY_USAGE,
    MALFORMED,
    NOT_CONNECTED,
    NOT_ENABLED,
    PROXY_ERRORS,
    STORE_STATE,
    TIMEOUT,
    proxy_errors_from,
)
from support.external_key_realm import b64, integrity_value
from support.external_store import connected_store
from support.proxy_signature import is_signed_with, parse_authorization
from support.sdk_client import refusal, request_id

PLAINTEXT = b"a plaintext that the proxy must never see"
INVALID_STATE = "KMSInvalidStateException"


@pytest.fixture(scope="module")
def store(module_tenant, fault_proxy):
    """A connected key store that this module's tests share; behaviours are reset after each test."""
    return connected_store(module_tenant.client, fault_proxy.realm())


@pytest.fixture
def client(store):
    yield store.client
    store.realm.behave_honestly()


@pytest.fixture
def key(client, store):
    """A KMS key of its own external key; the ARN."""
    return store.create_key()


def create_parameters(store, external_key_id, **changes):
    parameters = {
        "Origin": "EXTERNAL_KEY_STORE",
        "CustomKeyStoreId": store.store_id,
        "XksKeyId": external_key_id,
    }
    parameters.update(changes)
    return {name: value for name, value in parameters.items() if value is not None}


# ---- CreateKey ----


def test_the_metadata_of_an_external_key(client, store):
    """4.2: what is there and what is not."""
    external_key = store.realm.add_key()
    metadata = client.create_key(**create_parameters(store, external_key.identifier, Description="d"))["KeyMetadata"]
    del metadata["CreationDate"], metadata["AWSAccountId"]
    key_id = metadata.pop("KeyId")
    assert metadata.pop("Arn").endswith(f":key/{key_id}")
    assert metadata == {
        "Description": "d",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Enabled": True,
        "Origin": "EXTERNAL_KEY_STORE",
        "KeyManager": "CUSTOMER",
        "CustomKeyStoreId": store.store_id,
        "XksKeyConfiguration": {"Id": external_key.identifier},
        "KeySpec": "SYMMETRIC_DEFAULT",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }


def test_create_key_asks_for_the_metadata_once(client, store, module_tenant):
    """1.4: awsPrincipalArn, kmsOperation, kmsRequestId; kmsKeyArn is absent."""
    external_key = store.realm.add_key()
    created = client.create_key(**create_parameters(store, external_key.identifier))
    (request,) = [r for r in store.realm.received("metadata") if r.external_key_id == external_key.identifier]
    assert request.json["requestMetadata"] == {
        "awsPrincipalArn": f"arn:aws:iam::{module_tenant.account}:user/alice",
        "kmsOperation": "CreateKey",
        "kmsRequestId": request_id(created),
    }


def test_describe_key_does_not_ask_the_proxy(client, store, key):
    """2.4: no call since specification 1.0.3; nor do the other management operations."""
    before = len(store.realm.received())
    described = client.describe_key(KeyId=key)["KeyMetadata"]
    assert described["XksKeyConfiguration"]["Id"].startswith("external-key-")
    client.disable_key(KeyId=key)
    client.enable_key(KeyId=key)
    client.update_key_description(KeyId=key, Description="d")
    client.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
    client.schedule_key_deletion(KeyId=key)
    client.cancel_key_deletion(KeyId=key)
    assert len(store.realm.received()) == before


# 4.1: parameters. The exception for a combination is a choice: Unsupported for what cannot be, Validation for what is missing.
WRONG_PARAMETERS = {
    "no key store": ({"CustomKeyStoreId": None}, "ValidationException"),
    "no external key": ({"XksKeyId": None}, "ValidationException"),
    "unknown key store": ({"CustomKeyStoreId": "cks-00000000000000000"}, "CustomKeyStoreNotFoundException"),
    "another origin": ({"Origin": "AWS_KMS"}, ("ValidationException", "UnsupportedOperationException")),
    "no origin": ({"Origin": None}, ("ValidationException", "UnsupportedOperationException")),
    "external key alone": ({"Origin": None, "CustomKeyStoreId": None}, ("ValidationException", "UnsupportedOperationException")),
    "RSA": ({"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"}, "UnsupportedOperationException"),
    "HMAC": ({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}, "UnsupportedOperationException"),
    "multi-Region": ({"MultiRegion": True}, "UnsupportedOperationException"),
}


@pytest.mark.parametrize("case", WRONG_PARAMETERS)
def test_wrong_parameters_of_create_key(client, store, case):
    changes, codes = WRONG_PARAMETERS[case]
    external_key = store.realm.add_key()
    before = len(store.realm.received())
    refused = refusal(client.create_key, **create_parameters(store, external_key.identifier, **changes))
    assert refused.code in ((codes,) if isinstance(codes, str) else codes), refused
    assert len(store.realm.received()) == before


@pytest.mark.parametrize("changes", [{"KeySpec": "SYMMETRIC_DEFAULT"}, {"KeyUsage": "ENCRYPT_DECRYPT"}, {"MultiRegion": False}], ids=str)
def test_parameters_that_say_the_default(client, store, changes):
    client.create_key(**create_parameters(store, store.realm.add_key().identifier, **changes))


# 4.1: what the external key must be, and the texts.
UNFIT = {
    "spec": ({"key_spec": "AES_128"}, "The key spec of the external key must be AES_256. The key spec of specified external key is AES_128."),
    "status": (
        {"key_status": "DISABLED"},
        "The status of the external key must be ENABLED. The status of specified external key is DISABLED.",
    ),
    "no decrypt": (
        {"key_usage": ("ENCRYPT",)},
        "The key usage of the external key must include ENCRYPT and DECRYPT. The key use of specified external key is ENCRYPT.",
    ),
    "other usages": (
        {"key_usage": ("SIGN", "VERIFY")},
        "The key usage of the external key must include ENCRYPT and DECRYPT. The key use of specified external key is SIGN, VERIFY.",
    ),
}


@pytest.mark.parametrize("case", UNFIT)
def test_an_external_key_that_is_unfit(client, store, case):
    members, message = UNFIT[case]
    external_key = store.realm.add_key(**members)
    refused = refusal(client.create_key, **create_parameters(store, external_key.identifier))
    assert (refused.code, refused.message) == (KEY_CONFIGURATION, message)


def test_more_usages_do_no_harm(client, store):
    """1.5: may include others."""
    store.create_key(store.realm.add_key(key_usage=("WRAP", "ENCRYPT", "DECRYPT", "UNWRAP")))


def test_an_external_key_that_does_not_exist(client, store):
    refused = refusal(client.create_key, **create_parameters(store, "no-such-key"))
    assert (refused.code, refused.message) == ("XksKeyNotFoundException", KEY_NOT_FOUND)
    assert refused.cause == "EXTERNAL_KEY_NOT_FOUND"


def test_an_external_key_in_use(client, store):
    """4.1: unique in the key store, and held by a key that waits for its deletion."""
    external_key = store.realm.add_key()
    key = store.create_key(external_key)
    call = create_parameters(store, external_key.identifier)
    assert refusal(client.create_key, **call).code == "XksKeyAlreadyInUseException"
    client.schedule_key_deletion(KeyId=key)
    assert refusal(client.create_key, **call).code == "XksKeyAlreadyInUseException"


def test_an_external_key_of_the_same_name_in_another_store(kms, fault_proxy):
    """4.1: unique per store."""
    for _ in range(2):
        realm = fault_proxy.realm()
        connected_store(kms, realm).create_key(realm.add_key("same-name"))


def test_a_key_store_that_is_disconnected_while_its_proxy_is_asked(kms, fault_proxy):
    """3.6: CreateKey needs a connected key store, also at the moment the key is stored."""
    store = connected_store(kms, fault_proxy.realm())
    external_key, release = store.realm.add_key(), threading.Event()
    store.realm.behave("metadata", faults.hold(release))
    with ThreadPoolExecutor(1) as pool:
        creating = pool.submit(refusal, kms.create_key, **create_parameters(store, external_key.identifier))
        wait_until(lambda: store.realm.received("metadata"), "the proxy was asked for the key's metadata")
        store.disconnect_and_wait()
        release.set()
        refused = creating.result()
    assert (refused.code, refused.message) == ("CustomKeyStoreInvalidStateException", NOT_CONNECTED)


@pytest.mark.parametrize("row", proxy_errors_from("metadata"), ids=lambda row: row.name)
def test_create_key_when_the_proxy_answers_an_error(client, store, row):
    """5.3, column CreateKey."""
    store.realm.behave("metadata", faults.proxy_error(row.name))
    refused = refusal(client.create_key, **create_parameters(store, store.realm.add_key().identifier))
    assert (refused.code, refused.message, refused.cause) == (row.create_key_exception, row.message, row.cause)
    assert refused.status == 400


# 1.5 and 1.9: what is malformed in a metadata answer.
MALFORMED_METADATA = {
    "no JSON": faults.body(b"\x00"),
    "no spec": faults.without_member("keySpec"),
    "no usage": faults.without_member("keyUsage"),
    "no status": faults.without_member("keyStatus"),
    "usage as text": faults.with_member("keyUsage", "ENCRYPT"),
    "eleven usages": faults.with_member("keyUsage", ["ENCRYPT", "DECRYPT"] + [f"U{n}" for n in range(9)]),
    "spec as number": faults.with_member("keySpec", 256),
    "a null": faults.with_member("keyStatus", None),
}


@pytest.mark.parametrize("case", MALFORMED_METADATA)
def test_create_key_when_the_answer_is_malformed(client, store, case):
    store.realm.behave("metadata", MALFORMED_METADATA[case])
    refused = refusal(client.create_key, **create_parameters(store, store.realm.add_key().identifier))
    assert (refused.code, refused.message, refused.cause) == (STORE_STATE, MALFORMED, "XKS_PROXY_INVALID_RESPONSE")


def test_create_key_when_the_proxy_is_late(impatient_kms, realm):
    store = connected_store(impatient_kms, realm)
    realm.behave("metadata", faults.never())
    refused = refusal(impatient_kms.create_key, **create_parameters(store, realm.add_key().identifier))
    assert (refused.code, refused.message) == (STORE_STATE, TIMEOUT)


# ---- cryptography ----


def test_what_the_proxy_is_told_at_encrypt(client, store, key, module_tenant):
    """1.4 and 1.6."""
    response = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)
    request = store.realm.received("encrypt")[-1]
    assert request.method == "POST"
    assert request.headers["content-type"].startswith("application/json")
    assert request.path == f"{store.realm.uri_path}/keys/{request.external_key_id}/encrypt"
    assert request.json["encryptionAlgorithm"] == "AES_GCM"
    assert request.json["ciphertextDataIntegrityValueAlgorithm"] == "SHA_256"
    assert request.json["requestMetadata"] == {
        "awsPrincipalArn": f"arn:aws:iam::{module_tenant.account}:user/alice",
        "kmsKeyArn": key,
        "kmsOperation": "Encrypt",
        "kmsRequestId": request_id(response),
    }


def test_the_requests_are_signed(client, store, key):
    """1.3: algorithm, scope, signed headers, and a signature that verifies."""
    client.encrypt(KeyId=key, Plaintext=PLAINTEXT)
    request = store.realm.received("encrypt")[-1]
    parts = parse_authorization(request.headers["authorization"])
    assert parts["access_key_id"] == store.realm.credential.access_key_id
    assert re.fullmatch(r"\d{8}/us-east-1/kms-xks-proxy/aws4_request", parts["scope"])
    assert {"host", "x-amz-date"} <= set(parts["signed_headers"].split(";"))
    assert request.headers["host"] == store.realm.uri_endpoint.removeprefix("https://"), "no port"
    assert is_signed_with(request, store.realm.credential)


# 2.4 and 1.4: the proxy calls of each operation, as (API, kmsOperation).
def encrypt(client, key, ciphertext):
    client.encrypt(KeyId=key, Plaintext=PLAINTEXT)


def decrypt(client, key, ciphertext):
    client.decrypt(CiphertextBlob=ciphertext)


def re_encrypt(client, key, ciphertext):
    client.re_encrypt(CiphertextBlob=ciphertext, DestinationKeyId=key)


def data_key(client, key, ciphertext):
    client.generate_data_key(KeyId=key, KeySpec="AES_256")


def data_key_without_plaintext(client, key, ciphertext):
    client.generate_data_key_without_plaintext(KeyId=key, NumberOfBytes=1024)


PROXY_CALLS = {
    "Encrypt": (encrypt, [("encrypt", "Encrypt")]),
    "Decrypt": (decrypt, [("decrypt", "Decrypt")]),
    "ReEncrypt": (re_encrypt, [("decrypt", "ReEncrypt"), ("encrypt", "ReEncrypt")]),
    "GenerateDataKey": (data_key, [("encrypt", "GenerateDataKey")]),
    "GenerateDataKeyWithoutPlaintext": (data_key_without_plaintext, [("encrypt", "GenerateDataKeyWithoutPlaintext")]),
}


@pytest.mark.parametrize("operation", PROXY_CALLS)
def test_the_proxy_calls_of_an_operation(client, store, key, operation):
    call, expected = PROXY_CALLS[operation]
    ciphertext = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    before = len(store.realm.received())
    call(client, key, ciphertext)
    made = [(r.api, r.json["requestMetadata"]["kmsOperation"]) for r in store.realm.received()[before:]]
    assert made == expected


@pytest.mark.parametrize("operation", ["encrypt", "generate_data_key"])
def test_a_dry_run_leaves_the_proxy_alone(client, store, key, operation):
    """2.4: none suggested (unverified)."""
    parameters = {"Plaintext": PLAINTEXT} if operation == "encrypt" else {"KeySpec": "AES_256"}
    before = len(store.realm.received())
    refused = refusal(getattr(client, operation), KeyId=key, DryRun=True, **parameters)
    assert refused.code == "DryRunOperationException"
    assert len(store.realm.received()) == before


def test_the_proxy_never_sees_a_plaintext(client, store, key):
    """2.1: double encryption, for callers' plaintexts and for data keys."""
    before = len(store.realm.received())
    ciphertext = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    made = client.generate_data_key(KeyId=key, KeySpec="AES_256")
    assert client.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == PLAINTEXT
    assert client.decrypt(CiphertextBlob=made["CiphertextBlob"])["Plaintext"] == made["Plaintext"]
    for request in store.realm.received()[before:]:
        members = [base64.b64decode(value) for value in request.json.values() if is_base64(value)]
        for secret in (PLAINTEXT, made["Plaintext"]):
            assert all(secret not in member for member in members)
            assert b64(secret).encode() not in request.body


def is_base64(value):
    return isinstance(value, str) and len(value) % 4 == 0 and re.fullmatch(r"[A-Za-z0-9+/]*=*", value)


def test_the_inner_layer_adds_at_most_204_bytes(client, store, key):
    """2.1: the proxy takes 4,300 bytes, the blob has at most 6,144."""
    ciphertext = client.encrypt(KeyId=key, Plaintext=b"x" * 4096)["CiphertextBlob"]
    assert len(ciphertext) <= 6144
    assert len(store.realm.received("encrypt")[-1].decoded("plaintext")) <= 4300
    assert client.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"x" * 4096


def test_the_same_plaintext_twice(client, store, key):
    """Neither the blob nor what the proxy sees repeats."""
    blobs = {client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"] for _ in range(2)}
    seen = {request.decoded("plaintext") for request in store.realm.received("encrypt")[-2:]}
    assert len(blobs) == len(seen) == 2


def test_an_old_ciphertext_after_the_external_key_was_rotated(client, store):
    """2.1: ciphertextMetadata is replayed, so the proxy finds the old version."""
    external_key = store.realm.add_key()
    key = store.create_key(external_key)
    old = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    external_key.rotate()
    new = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    for blob in (old, new):
        assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT
    versions = [r.decoded("ciphertextMetadata") for r in store.realm.received("decrypt")[-2:]]
    assert versions == [b"version=0", b"version=1"]


def test_a_proxy_without_metadata(client, store, key):
    """1.7: absent at encrypt, absent at decrypt; the member is left out and not null."""

    def without_metadata(members):
        del members["ciphertextMetadata"], members["ciphertextDataIntegrityValue"]

    store.realm.behave("encrypt", recomputed(without_metadata))
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    refusal(client.decrypt, CiphertextBlob=blob)
    assert "ciphertextMetadata" not in store.realm.received("decrypt")[-1].json


HASHED_MEMBERS = ("ciphertextMetadata", "initializationVector", "ciphertext", "authenticationTag")


def recomputed(change):
    """An answer changed by `change(members)` whose integrity value is right again."""
    def behaviour(request, realm):
        def apply(members):
            change(members)
            parts = [base64.b64decode(members.get(name, "")) for name in HASHED_MEMBERS]
            aad = base64.b64decode(request.json.get("additionalAuthenticatedData", ""))
            members["ciphertextDataIntegrityValue"] = b64(integrity_value(aad, *parts))

        return faults.altered(apply)(request, realm)

    return behaviour


@pytest.mark.parametrize("bytes_count", [16])
def test_an_initialization_vector_of_another_legal_length(client, store, key, bytes_count):
    """1.6: 12 or 16 bytes."""
    store.realm.behave("encrypt", recomputed(lambda m: m.update(initializationVector=b64(b"i" * bytes_count))))
    client.encrypt(KeyId=key, Plaintext=PLAINTEXT)


def test_twenty_bytes_of_metadata_are_allowed(client, store, key):
    store.realm.behave("encrypt", recomputed(lambda m: m.update(ciphertextMetadata=b64(b"m" * 20))))
    client.encrypt(KeyId=key, Plaintext=PLAINTEXT)


# 2.2: the context is bound; its order does not matter.
CONTEXT = {"department": "finance", "purpose": "test", "Ümlaut": "ß"}


def test_the_order_of_the_context(client, key):
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionContext=CONTEXT)["CiphertextBlob"]
    turned = dict(reversed(list(CONTEXT.items())))
    assert client.decrypt(CiphertextBlob=blob, EncryptionContext=turned)["Plaintext"] == PLAINTEXT


@pytest.mark.parametrize("other", [{}, {"department": "finance"}, {**CONTEXT, "more": ""}, {**CONTEXT, "purpose": "Test"}], ids=str)
def test_another_context(client, key, other):
    """2.2: fails at the proxy, so it is KMSInvalidStateException, and never InvalidCiphertextException (5.2)."""
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionContext=CONTEXT)["CiphertextBlob"]
    refused = refusal(client.decrypt, CiphertextBlob=blob, EncryptionContext=other)
    assert (refused.code, refused.message) == (INVALID_STATE, BAD_CIPHERTEXT)
    assert refused.cause == "XKS_PROXY_INVALID_CIPHERTEXT"


def test_a_large_context(client, key):
    """2.2: AAD beyond 8,192 bytes is sent as a hash (choice)."""
    context = {f"key-{n:04}": "v" * 30 for n in range(400)}
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionContext=context)["CiphertextBlob"]
    assert client.decrypt(CiphertextBlob=blob, EncryptionContext=context)["Plaintext"] == PLAINTEXT
    refusal(client.decrypt, CiphertextBlob=blob, EncryptionContext={**context, "key-0399": "w" * 30})


def test_the_context_reaches_the_proxy_as_authenticated_data(client, store, key):
    client.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionContext={"a": "b"})
    first = store.realm.received("encrypt")[-1].decoded("additionalAuthenticatedData")
    client.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionContext={"a": "c"})
    assert first != store.realm.received("encrypt")[-1].decoded("additionalAuthenticatedData")
    assert len(first) <= 8192


def test_a_lying_proxy_meets_the_inner_layer(client, store, key):
    """5.2, BAD_INNER: the proxy decrypts to something else, and Keystead's own layer notices."""
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]

    def flip(members):
        inner = bytearray(base64.b64decode(members["plaintext"]))
        inner[-1] ^= 1
        members["plaintext"] = b64(bytes(inner))

    store.realm.behave("decrypt", faults.altered(flip))
    refused = refusal(client.decrypt, CiphertextBlob=blob)
    assert (refused.code, refused.message, refused.cause) == (INVALID_STATE, BAD_INNER, "XKS_INNER_CIPHERTEXT_INVALID")


@pytest.mark.parametrize("gives_metadata", [True, False], ids=["with metadata", "without metadata"])
def test_a_changed_bit_anywhere_is_refused(client, store, gives_metadata):
    """The issue, "KMS keys". Every bit of a blob; a proxy that gives no metadata leaves a byte that says so."""
    external_key = store.realm.add_key(gives_metadata=gives_metadata)
    blob = client.encrypt(KeyId=store.create_key(external_key), Plaintext=b"x")["CiphertextBlob"]
    accepted = {"InvalidCiphertextException", INVALID_STATE, "AccessDeniedException", "NotFoundException"}
    for bit in range(8 * len(blob)):
        changed = bytearray(blob)
        changed[bit // 8] ^= 1 << (bit % 8)
        refused = refusal(client.decrypt, CiphertextBlob=bytes(changed))
        assert refused.code in accepted, f"bit {bit}: {refused}"
        if refused.code == INVALID_STATE:
            assert refused.message in (BAD_CIPHERTEXT, BAD_INNER), f"bit {bit}: {refused}"


def test_a_changed_blob_that_cannot_be_parsed_stays_at_home(client, store, key):
    """5.2, last row: no proxy call."""
    before = len(store.realm.received())
    for blob in (b"x" * 100, b"\x00", client.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"][:20]):
        assert refusal(client.decrypt, CiphertextBlob=blob).code == "InvalidCiphertextException"
    assert len(store.realm.received()) == before + 1, "the one encrypt"


def test_the_blob_of_another_key(client, store, key):
    """2.2 and 5.2: two KMS keys never decrypt each other; no proxy call."""
    other = store.create_key()
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    before = len(store.realm.received())
    refused = refusal(client.decrypt, CiphertextBlob=blob, KeyId=other)
    assert (refused.code, refused.message) == ("IncorrectKeyException", INCORRECT_KEY)
    assert len(store.realm.received()) == before


def test_the_blob_is_bound_to_its_kms_key_and_not_to_the_external_key(kms, fault_proxy):
    """2.1: another KMS key over the same external key, here through another key store, cannot decrypt it."""
    realm = fault_proxy.realm()
    external_key = realm.add_key()
    twin = fault_proxy.realm()
    twin.keys = realm.keys
    first = connected_store(kms, realm).create_key(external_key)
    second = connected_store(kms, twin).create_key(external_key)
    blob = kms.encrypt(KeyId=first, Plaintext=PLAINTEXT)["CiphertextBlob"]
    assert refusal(kms.decrypt, CiphertextBlob=blob, KeyId=second).code == "IncorrectKeyException"


def test_re_encrypt_between_kinds_of_keys(client, store, key):
    """2.4: an AWS_KMS key and an external key, both ways, with contexts of their own."""
    own = client.create_key()["KeyMetadata"]["Arn"]
    blob = client.encrypt(KeyId=own, Plaintext=PLAINTEXT, EncryptionContext={"at": "home"})["CiphertextBlob"]
    out = client.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext={"at": "home"},
        DestinationKeyId=key,
        DestinationEncryptionContext={"at": "the proxy"},
    )
    assert (out["SourceKeyId"], out["KeyId"]) == (own, key)
    back = client.re_encrypt(
        CiphertextBlob=out["CiphertextBlob"], SourceEncryptionContext={"at": "the proxy"}, DestinationKeyId=own
    )
    assert client.decrypt(CiphertextBlob=back["CiphertextBlob"])["Plaintext"] == PLAINTEXT


@pytest.fixture(scope="module")
def shared_key(store):
    return store.create_key()


@pytest.fixture(scope="module")
def shared_ciphertext(store, shared_key):
    return store.client.encrypt(KeyId=shared_key, Plaintext=PLAINTEXT)["CiphertextBlob"]


CRYPTOGRAPHIC_ERRORS = [
    (row.name, row.message, row.cause, api, operation)
    for row in PROXY_ERRORS
    for operation, api in [
        ("Encrypt", "encrypt"),
        ("Decrypt", "decrypt"),
        ("ReEncrypt", "decrypt"),
        ("ReEncrypt", "encrypt"),
        ("GenerateDataKey", "encrypt"),
        ("GenerateDataKeyWithoutPlaintext", "encrypt"),
    ]
] + [
    ("InvalidCiphertextException", BAD_CIPHERTEXT, "XKS_PROXY_INVALID_CIPHERTEXT", "decrypt", operation)
    for operation in ("Decrypt", "ReEncrypt")
]


@pytest.mark.parametrize(("name", "message", "cause", "api", "operation"), CRYPTOGRAPHIC_ERRORS, ids=lambda v: str(v)[:34])
def test_a_cryptographic_operation_when_the_proxy_answers_an_error(
    client, store, shared_key, shared_ciphertext, name, message, cause, api, operation
):
    """5.2: always KMSInvalidStateException, and the text of the cause."""
    store.realm.behave(api, faults.proxy_error(name))
    refused = refusal(lambda: PROXY_CALLS[operation][0](client, shared_key, shared_ciphertext))
    assert (refused.code, refused.status) == (INVALID_STATE, 400)
    assert (refused.message, refused.cause) == (message, cause)


# What the proxy's own administrator does to an external key, without any script: 5.2.
REAL_CAUSES = {
    "disabled": (lambda realm, key: setattr(key, "key_status", "DISABLED"), NOT_ENABLED, "EXTERNAL_KEY_DISABLED"),
    "deleted": (lambda realm, key: realm.keys.pop(key.identifier), KEY_NOT_FOUND, "EXTERNAL_KEY_NOT_FOUND"),
    "restricted": (lambda realm, key: setattr(key, "key_usage", ()), KEY_USAGE, "EXTERNAL_KEY_USAGE_NOT_ALLOWED"),
}


@pytest.mark.parametrize("case", REAL_CAUSES)
def test_the_external_keys_own_state(client, store, case):
    """4.4: the key state does not follow; the operation fails, and works again after the repair."""
    break_it, message, cause = REAL_CAUSES[case]
    external_key = store.realm.add_key()
    key = store.create_key(external_key)
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    break_it(store.realm, external_key)
    for call in (encrypt, decrypt):
        refused = refusal(lambda call=call: call(client, key, blob))
        assert (refused.code, refused.message, refused.cause) == (INVALID_STATE, message, cause)
    assert client.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    store.realm.keys[external_key.identifier] = external_key
    external_key.key_status, external_key.key_usage = "ENABLED", ("ENCRYPT", "DECRYPT")
    assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT


# 4.4: stored state, whether the key store is connected, visible state.
@pytest.mark.parametrize(
    ("stored", "connected", "disconnected"),
    [("Enabled", "Enabled", "Unavailable"), ("Disabled", "Disabled", "Unavailable"), ("PendingDeletion",) * 3],
    ids=["Enabled", "Disabled", "PendingDeletion"],
)
def test_the_effective_state(kms, realm, stored, connected, disconnected):
    store = connected_store(kms, realm)
    key = store.create_key()
    if stored == "Disabled":
        kms.disable_key(KeyId=key)
    if stored == "PendingDeletion":
        kms.schedule_key_deletion(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == connected
    store.disconnect_and_wait()
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == disconnected
    store.connect_and_wait()
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == connected


def test_enable_and_disable_while_unavailable_take_effect_later(kms, realm):
    """4.4."""
    store = connected_store(kms, realm)
    key = store.create_key()
    store.disconnect_and_wait()
    kms.disable_key(KeyId=key)
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Unavailable"
    store.connect_and_wait()
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"


def test_what_works_while_unavailable(kms, realm):
    """4.4, column Unavailable."""
    store = connected_store(kms, realm)
    key = store.create_key()
    store.disconnect_and_wait()
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
    kms.untag_resource(KeyId=key, TagKeys=["a"])
    kms.update_key_description(KeyId=key, Description="still mine")
    kms.create_alias(AliasName="alias/unavailable", TargetKeyId=key)
    kms.delete_alias(AliasName="alias/unavailable")
    refused = refusal(kms.cancel_key_deletion, KeyId=key)
    assert refused.code == INVALID_STATE and "is not pending deletion" in refused.message
    kms.schedule_key_deletion(KeyId=key)
    kms.cancel_key_deletion(KeyId=key)
    store.connect_and_wait()
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Disabled"


def test_generate_random_with_an_external_store(client, store):
    """2.4."""
    refused = refusal(client.generate_random, NumberOfBytes=8, CustomKeyStoreId=store.store_id)
    assert refused.code == "UnsupportedOperationException"
