"""Proxies that answer late, wrongly or not at all, while keys are used; and what that must not do to other key stores.

Source: digest external-key-stores.md, 1.1 (budget, retry), 1.6, 1.7, 1.9 (what is malformed), 5.2, 9.2; the issue, "The proxy client".
"""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from support import proxy_behaviours as faults
from support.conditions import wait_until
from support.documented_errors import MALFORMED, TCP, THROTTLING, TIMEOUT, TLS
from support.external_key_realm import b64
from support.external_store import connected_store
from support.sdk_client import Refusal, refusal

INVALID_STATE = "KMSInvalidStateException"
PLAINTEXT = b"faults"


@pytest.fixture(scope="module")
def store(module_tenant, fault_proxy):
    """A key store for faults after which the proxy still counts as reachable."""
    return connected_store(module_tenant.client, fault_proxy.realm())


@pytest.fixture(scope="module")
def key(store):
    return store.create_key()


@pytest.fixture
def client(store):
    yield store.client
    store.realm.behave_honestly()


@pytest.fixture
def own(kms, realm):
    """A key store and key of one test's own, for faults that may open its circuit: (client, realm, key, store)."""
    store = connected_store(kms, realm)
    return kms, realm, store.create_key(), store


@pytest.fixture
def impatient(impatient_kms, realm):
    """The same on a server that does not wait long for a proxy."""
    store = connected_store(impatient_kms, realm)
    return impatient_kms, realm, store.create_key(), store


# 1.6 and 1.9: what is malformed in an answer to Encrypt.
MALFORMED_ENCRYPT = {
    "no JSON": faults.body(b"not JSON"),
    "an empty body": faults.body(b""),
    "an empty object": faults.body(b"{}"),
    "null": faults.body(b"null"),
    "no HTTP": faults.garbage(),
    "not UTF-8": faults.body(b'{"ciphertext":"\xff"}'),
    "deep nesting": faults.body(b"[" * 30_000),
    "a redirect": faults.body(b"", status=307),
    "an unknown error name": faults.body(b'{"errorName":"NoSuchException"}', status=400),
    "an error as HTML": faults.body(b"<html>Bad Gateway</html>", status=502, content_type="text/html"),
    "no ciphertext": faults.without_member("ciphertext"),
    "no IV": faults.without_member("initializationVector"),
    "no tag": faults.without_member("authenticationTag"),
    "ciphertext null": faults.with_member("ciphertext", None),
    "ciphertext as number": faults.with_member("ciphertext", 5),
    "ciphertext empty": faults.with_member("ciphertext", ""),
    "ciphertext longer than the plaintext": faults.with_member("ciphertext", b64(b"c" * 300)),
    "ciphertext no base64": faults.with_member("ciphertext", "***"),
    "ciphertext URL-safe base64": faults.with_member("ciphertext", "_-8="),
    "ciphertext without padding": faults.with_member("ciphertext", "YQ"),
    "IV of 11 bytes": faults.with_member("initializationVector", b64(b"i" * 11)),
    "IV of 13 bytes": faults.with_member("initializationVector", b64(b"i" * 13)),
    "tag of 15 bytes": faults.with_member("authenticationTag", b64(b"t" * 15)),
    "tag of 17 bytes": faults.with_member("authenticationTag", b64(b"t" * 17)),
    "metadata of 21 bytes": faults.with_member("ciphertextMetadata", b64(b"m" * 21)),
}
INTEGRITY = {
    "integrity value missing": faults.without_member("ciphertextDataIntegrityValue"),
    "integrity value wrong": faults.with_member("ciphertextDataIntegrityValue", b64(b"d" * 32)),
    "integrity value of another length": faults.with_member("ciphertextDataIntegrityValue", b64(b"d" * 31)),
    "ciphertext swapped under it": faults.altered(
        lambda members: members.update(ciphertext=b64(b"c" * (len(members["ciphertext"]) * 3 // 4 - members["ciphertext"].count("="))))
    ),
}
INTEGRITY_CAUSES = ("XKS_PROXY_INTEGRITY_MISMATCH", "XKS_PROXY_INVALID_RESPONSE")


@pytest.mark.parametrize("case", MALFORMED_ENCRYPT)
def test_a_malformed_answer_to_encrypt(client, store, key, case):
    store.realm.behave("encrypt", MALFORMED_ENCRYPT[case])
    for call in (encrypt, generate_data_key):
        refused = refusal(lambda call=call: call(client, key))
        assert (refused.code, refused.message, refused.cause) == (INVALID_STATE, MALFORMED, "XKS_PROXY_INVALID_RESPONSE")


@pytest.mark.parametrize("case", INTEGRITY)
def test_a_wrong_integrity_value(client, store, key, case):
    """1.6: KMS recomputes the value and fails the caller on a mismatch."""
    store.realm.behave("encrypt", INTEGRITY[case])
    refused = refusal(lambda: encrypt(client, key))
    assert (refused.code, refused.message) == (INVALID_STATE, MALFORMED)
    assert refused.cause in INTEGRITY_CAUSES


def encrypt(client, key):
    return client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]


def generate_data_key(client, key):
    return client.generate_data_key(KeyId=key, NumberOfBytes=64)


# 1.7 and 1.9: what is malformed in an answer to Decrypt.
MALFORMED_DECRYPT = {
    "no JSON": faults.body(b"not JSON"),
    "no plaintext": faults.without_member("plaintext"),
    "plaintext as list": faults.with_member("plaintext", []),
    "plaintext of another length": faults.with_member("plaintext", b64(b"p" * 3)),
    "plaintext no base64": faults.with_member("plaintext", "!"),
    "an encrypt answer": faults.body(b'{"ciphertext":"YQ==","initializationVector":"YQ==","authenticationTag":"YQ=="}'),
}


@pytest.mark.parametrize("case", MALFORMED_DECRYPT)
def test_a_malformed_answer_to_decrypt(client, store, key, case):
    blob = encrypt(client, key)
    store.realm.behave("decrypt", MALFORMED_DECRYPT[case])
    refused = refusal(client.decrypt, CiphertextBlob=blob)
    assert (refused.code, refused.message, refused.cause) == (INVALID_STATE, MALFORMED, "XKS_PROXY_INVALID_RESPONSE")


@pytest.mark.parametrize("bytes_count", [70_000, 5_000_000], ids=["a little", "a lot"])
def test_an_oversized_answer(client, store, key, bytes_count):
    """1.1: a cap of 64 KiB (choice)."""
    store.realm.behave("encrypt", faults.oversized(bytes_count))
    refused = refusal(lambda: encrypt(client, key))
    assert (refused.code, refused.message, refused.cause) == (INVALID_STATE, MALFORMED, "XKS_PROXY_OVERSIZED_RESPONSE")


def test_after_every_fault_the_store_still_works(client, store, key):
    """Connections that carried garbage are not used again."""
    for behaviour in (faults.garbage(), faults.body(b"x"), faults.oversized(200_000)):
        store.realm.behave("encrypt", behaviour, times=1)
        refusal(lambda: encrypt(client, key))
        assert client.decrypt(CiphertextBlob=encrypt(client, key))["Plaintext"] == PLAINTEXT


def test_a_proxy_that_never_answers_is_asked_twice(impatient):
    """1.1: on a network timeout KMS retries once."""
    client, realm, key, _ = impatient
    realm.behave("encrypt", faults.never())
    refused = refusal(lambda: encrypt(client, key))
    assert (refused.code, refused.message, refused.cause) == (INVALID_STATE, TIMEOUT, "XKS_PROXY_TIMED_OUT")
    assert len(realm.received("encrypt")) == 2


def test_a_late_answer_is_replaced_by_the_retry(impatient):
    """One late answer: the caller gets the second, and the late one is not mistaken for another request's."""
    client, realm, key, _ = impatient
    late = threading.Event()
    realm.behave("encrypt", faults.hold(late), times=1)
    blob = encrypt(client, key)
    late.set()
    assert len(realm.received("encrypt")) == 2
    assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT
    for number in range(5):
        other = b"another plaintext %d" % number
        blob = client.encrypt(KeyId=key, Plaintext=other)["CiphertextBlob"]
        assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == other


@pytest.mark.parametrize("name", ["InternalException", "ThrottlingException", "DependencyTimeoutException"])
def test_an_answered_error_is_not_retried(client, store, key, name):
    """1.1: no retry on HTTP errors is documented."""
    before = len(store.realm.received("encrypt"))
    store.realm.behave("encrypt", faults.proxy_error(name))
    refusal(lambda: encrypt(client, key))
    assert len(store.realm.received("encrypt")) == before + 1


@pytest.mark.parametrize("fault", [faults.reset, faults.close, faults.truncated], ids=lambda fault: fault.__name__)
def test_a_broken_connection(own, fault):
    client, realm, key, _ = own
    realm.behave("encrypt", fault())
    refused = refusal(lambda: encrypt(client, key))
    assert (refused.code, refused.message) == (INVALID_STATE, TCP)
    assert refused.cause in ("XKS_PROXY_CONNECTION_CLOSED", "XKS_PROXY_CIRCUIT_OPEN")


def test_idle_connections_that_the_proxy_closed_do_no_harm(fault_proxy, own):
    """A warm connection that died in the meantime is not the caller's trouble: not one call fails."""
    client, _, key, _ = own
    for _ in range(5):
        blob = encrypt(client, key)
        fault_proxy.drop_connections()
        assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT


def succeeds(client, key):
    try:
        encrypt(client, key)
    except client.exceptions.KMSInvalidStateException:
        return False
    return True


@pytest.fixture
def on_second_proxy(kms, second_proxy):
    """A key store and key behind the proxy whose listener a test troubles: (client, key)."""
    store = connected_store(kms, second_proxy.realm())
    return kms, store.create_key()


def test_a_proxy_that_is_gone_and_comes_back(second_proxy, on_second_proxy):
    """5.2, TCP refused. The circuit opens, and closes by itself when the proxy is back; the key store stays CONNECTED."""
    client, key = on_second_proxy
    second_proxy.stop_listening()
    try:
        refused = refusal(lambda: encrypt(client, key))
        assert (refused.code, refused.message) == (INVALID_STATE, TCP)
        wait_until(lambda: refusal(lambda: encrypt(client, key)).cause == "XKS_PROXY_CIRCUIT_OPEN", "the circuit opened")
        refused = refusal(lambda: encrypt(client, key))
        assert (refused.code, refused.message) == (INVALID_STATE, TCP), "an open circuit repeats the documented failure"
        (entry,) = client.describe_custom_key_stores()["CustomKeyStores"]
        assert entry["ConnectionState"] == "CONNECTED"
    finally:
        second_proxy.listen_again()
    wait_until(lambda: succeeds(client, key), "the circuit closed")


def test_an_open_circuit_spares_the_proxy(impatient):
    """The issue: a proxy that is down costs callers one budget and not a queue."""
    client, realm, key, _ = impatient
    realm.behave("encrypt", faults.never())
    wait_until(lambda: refusal(lambda: encrypt(client, key)).cause == "XKS_PROXY_CIRCUIT_OPEN", "the circuit opened")
    refused = refusal(lambda: encrypt(client, key))
    assert (refused.code, refused.message) == (INVALID_STATE, TIMEOUT)
    before = len(realm.received("encrypt"))
    refusals = [refusal(lambda: encrypt(client, key)) for _ in range(20)]
    assert sum(refused.cause == "XKS_PROXY_CIRCUIT_OPEN" for refused in refusals) >= 15
    assert len(realm.received("encrypt")) - before <= 2 * sum(r.cause != "XKS_PROXY_CIRCUIT_OPEN" for r in refusals)
    realm.behave_honestly()
    wait_until(lambda: succeeds(client, key), "the circuit closed")


# 5.2, TLS: the certificate that the proxy shows, and the cause.
CERTIFICATES = {
    "expired": ("XKS_PROXY_TLS_EXPIRED", lambda authority, host: authority.expired(host)),
    "self-signed": ("XKS_PROXY_TLS_UNTRUSTED", lambda authority, host: authority.self_signed(host)),
    "wrong name": ("XKS_PROXY_TLS_NAME_MISMATCH", lambda authority, host: authority.issue("other.faults.test")),
    "not yet valid": ("XKS_PROXY_TLS_NOT_YET_VALID", lambda authority, host: authority.not_yet_valid(host)),
}


@pytest.mark.parametrize("case", CERTIFICATES)
def test_a_bad_certificate(authority, second_proxy, on_second_proxy, case):
    client, key = on_second_proxy
    cause, make = CERTIFICATES[case]
    second_proxy.show_certificate(make(authority, second_proxy.host).server_context())
    try:
        refused = wait_until(lambda: tls_refusal(client, key), "no old connection was left")
        assert (refused.code, refused.message, refused.cause) == (INVALID_STATE, TLS, cause)
    finally:
        second_proxy.show_certificate(authority.issue(second_proxy.host).server_context())
    wait_until(lambda: succeeds(client, key), "the renewed certificate was accepted")


def tls_refusal(client, key):
    """The refusal, once the connections from before are gone: those end in a TCP failure."""
    refused = refusal(lambda: encrypt(client, key))
    return refused if refused.message != TCP else None


def test_a_hanging_proxy_does_not_hold_up_another_key_store(impatient, second_proxy, impatient_keystead):
    """Design: isolation between stores. Callers wait in the first store; the second one's are served meanwhile."""
    client, realm, key, _ = impatient
    other = impatient_keystead.create_tenant().client
    other_key = connected_store(other, second_proxy.realm()).create_key()
    release = threading.Event()
    realm.behave("encrypt", faults.hold(release))
    with ThreadPoolExecutor(32) as pool:
        waiting = [pool.submit(refusal, lambda: encrypt(client, key)) for _ in range(32)]
        wait_until(lambda: realm.received("encrypt"), "a call hung")
        for _ in range(20):
            assert other.decrypt(CiphertextBlob=encrypt(other, other_key))["Plaintext"] == PLAINTEXT
        for future in waiting:
            assert future.result().code == INVALID_STATE
    release.set()


def test_a_hanging_proxy_does_not_hold_up_another_key_store_of_the_same_host(impatient, fault_proxy, impatient_keystead):
    """The bulkhead is the key store and not the host."""
    client, realm, key, _ = impatient
    other = impatient_keystead.create_tenant().client
    other_key = connected_store(other, fault_proxy.realm()).create_key()
    realm.behave("encrypt", faults.never())
    wait_until(lambda: refusal(lambda: encrypt(client, key)).cause == "XKS_PROXY_CIRCUIT_OPEN", "the circuit opened")
    assert other.decrypt(CiphertextBlob=encrypt(other, other_key))["Plaintext"] == PLAINTEXT


def test_keys_of_the_same_store_recover_together(impatient):
    client, realm, key, store = impatient
    second = store.create_key()
    realm.behave("encrypt", faults.never())
    wait_until(lambda: refusal(lambda: encrypt(client, key)).cause == "XKS_PROXY_CIRCUIT_OPEN", "the circuit opened")
    assert refusal(lambda: encrypt(client, second)).code == INVALID_STATE
    realm.behave_honestly()
    wait_until(lambda: succeeds(client, key) and succeeds(client, second), "the circuit closed for both keys")


@pytest.fixture(scope="module")
def throttled(make_module_installation):
    """A server that allows each key store few requests a second."""
    return make_module_installation({"custom_key_stores": {"transition_min_ms": 20, "requests_per_second": 3}}).start()


def test_the_request_rate_of_a_key_store(throttled, fault_proxy):
    """9.2: ThrottlingException with HTTP 400, before the proxy; other key stores and AWS_KMS keys are not throttled."""
    client = throttled.create_tenant().client
    realm = fault_proxy.realm()
    key = connected_store(client, realm).create_key()
    refused = wait_until(lambda: first_refusal(client, key), "the key store's rate was used up")
    assert (refused.code, refused.status, refused.message) == ("ThrottlingException", 400, THROTTLING)
    assert refused.cause == "KEY_STORE_REQUEST_RATE_EXCEEDED"
    encrypt(client, client.create_key()["KeyMetadata"]["KeyId"])
    encrypt(client, connected_store(client, fault_proxy.realm()).create_key())
    wait_until(lambda: first_refusal(client, key) is None, "the rate recovered")


def first_refusal(client, key):
    """The refusal of one Encrypt, `None` if it succeeded."""
    try:
        encrypt(client, key)
    except ClientError as failure:
        return Refusal(failure)
    return None
