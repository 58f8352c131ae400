"""The built XKS proxy, driven directly with signed HTTPS.

Source: XKS Proxy API specification 1.0.3; digest external-key-stores.md, section 1, and 12 (what AWS's own test client checks).
"""

import base64
import os
import signal
import ssl

import pytest

from support.built_proxy import BuiltProxy
from support.conditions import wait_until
from support.external_key_realm import ERROR_STATUS, b64, integrity_value, new_credential

PLAINTEXT = b"the inner ciphertext of KMS"
AAD = b"project=nile,department=marketing"
METADATA = {
    "awsPrincipalArn": "arn:aws:iam::123456789012:user/Alice",
    "kmsKeyArn": "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab",
    "kmsOperation": "Encrypt",
    "kmsRequestId": "4112f4d6-db54-4af4-ae30-c55a22a8dfae",
}
HEALTH = {"requestMetadata": {"kmsOperation": "KmsHealthCheck", "kmsRequestId": METADATA["kmsRequestId"]}}
MAIN = "/main"


@pytest.fixture(scope="module")
def proxy(tmp_path_factory, authority):
    prefixes = {
        MAIN: {},
        "": {},
        "/closed": {"enabled": False},
        "/picky": {"allowed_keys": ["allowed"], "denied_principals": ["arn:aws:iam::123456789012:user/Mallory"]},
        "/narrow": {"max_requests_per_second": 2},
    }
    proxy = BuiltProxy(tmp_path_factory.mktemp("built-proxy"), authority, prefixes)
    for key in ("allowed", "other", "off"):
        proxy.keys("create", key)
    proxy.keys("disable", "off")
    proxy.start()
    yield proxy
    assert proxy.process.terminate() == 0, proxy.process.stderr


def encrypt_request(**changes):
    request = {
        "requestMetadata": METADATA,
        "plaintext": b64(PLAINTEXT),
        "encryptionAlgorithm": "AES_GCM",
        "additionalAuthenticatedData": b64(AAD),
        "ciphertextDataIntegrityValueAlgorithm": "SHA_256",
    }
    request.update(changes)
    return {name: value for name, value in request.items() if value is not None}


def decrypt_request(encrypted, **changes):
    request = {
        "requestMetadata": {**METADATA, "kmsOperation": "Decrypt"},
        "encryptionAlgorithm": "AES_GCM",
        "additionalAuthenticatedData": b64(AAD),
        **{name: value for name, value in encrypted.items() if name != "ciphertextDataIntegrityValue"},
    }
    request.update(changes)
    return {name: value for name, value in request.items() if value is not None}


def encrypt(proxy, key="other", **changes):
    answer = proxy.call(MAIN, f"/keys/{key}/encrypt", encrypt_request(**changes))
    assert answer.status == 200, answer
    return answer.json


def decrypt(proxy, encrypted, key="other", **changes):
    return proxy.call(MAIN, f"/keys/{key}/decrypt", decrypt_request(encrypted, **changes))


def test_health(proxy):
    """1.8."""
    answer = proxy.call(MAIN, "/health", HEALTH)
    assert answer.status == 200
    health = answer.json
    assert health["xksProxyFleetSize"] >= 1
    assert health["xksProxyVendor"] and health["xksProxyModel"] and health["ekmVendor"]
    assert 1 <= len(health["ekmFleetDetails"]) <= 10
    for instance in health["ekmFleetDetails"]:
        assert instance["id"] and instance["model"] and instance["healthStatus"] == "ACTIVE"


def test_metadata(proxy):
    """1.5."""
    answer = proxy.call(MAIN, "/keys/other/metadata", {"requestMetadata": {**METADATA, "kmsOperation": "CreateKey"}})
    assert answer.status == 200
    assert (answer.json["keySpec"], answer.json["keyStatus"]) == ("AES_256", "ENABLED")
    assert {"ENCRYPT", "DECRYPT"} <= set(answer.json["keyUsage"])


def test_metadata_of_a_disabled_key(proxy):
    answer = proxy.call(MAIN, "/keys/off/metadata", {"requestMetadata": METADATA})
    assert answer.json["keyStatus"] == "DISABLED"


@pytest.mark.parametrize("length", [1, 16, 100, 4300])
def test_encrypt_and_decrypt(proxy, length):
    """1.6 and 1.7: lengths of every member, and the way back."""
    plaintext = os.urandom(length)
    encrypted = encrypt(proxy, plaintext=b64(plaintext))
    parts = {name: base64.b64decode(value, validate=True) for name, value in encrypted.items()}
    assert len(parts["ciphertext"]) == length
    assert len(parts["initializationVector"]) in (12, 16)
    assert len(parts["authenticationTag"]) == 16
    assert len(parts.get("ciphertextMetadata", b"")) <= 20
    answer = decrypt(proxy, encrypted)
    assert answer.status == 200 and base64.b64decode(answer.json["plaintext"]) == plaintext


@pytest.mark.parametrize("aad", [None, b64(AAD), b64(b"a" * 8192)], ids=["none", "some", "the most"])
def test_the_integrity_value(proxy, aad):
    """1.6: over AAD, metadata, IV, ciphertext and tag; checked by an implementation of the test's own."""
    encrypted = encrypt(proxy, additionalAuthenticatedData=aad)
    parts = [base64.b64decode(encrypted.get(name, "")) for name in ("ciphertextMetadata", "initializationVector", "ciphertext", "authenticationTag")]
    expected = integrity_value(base64.b64decode(aad or ""), *parts)
    assert base64.b64decode(encrypted["ciphertextDataIntegrityValue"]) == expected
    assert decrypt(proxy, encrypted, additionalAuthenticatedData=aad).status == 200


def test_the_integrity_value_only_when_asked(proxy):
    encrypted = encrypt(proxy, ciphertextDataIntegrityValueAlgorithm=None)
    assert "ciphertextDataIntegrityValue" not in encrypted


def test_two_encryptions_differ(proxy):
    assert encrypt(proxy)["initializationVector"] != encrypt(proxy)["initializationVector"]


# 1.7: what must make Decrypt fail.
def flipped(encrypted, name):
    data = bytearray(base64.b64decode(encrypted[name]))
    data[0] ^= 1
    return {name: b64(bytes(data))}


@pytest.mark.parametrize("name", ["ciphertext", "initializationVector", "authenticationTag", "ciphertextMetadata"])
def test_a_changed_member(proxy, name):
    encrypted = encrypt(proxy)
    if name not in encrypted:
        pytest.skip("this proxy sends no ciphertextMetadata")
    answer = decrypt(proxy, encrypted, **flipped(encrypted, name))
    assert (answer.status, answer.error) == (400, "InvalidCiphertextException")


@pytest.mark.parametrize("aad", [None, b64(b"other"), b64(AAD + b"x")], ids=["missing", "other", "longer"])
def test_another_aad(proxy, aad):
    answer = decrypt(proxy, encrypt(proxy), additionalAuthenticatedData=aad)
    assert (answer.status, answer.error) == (400, "InvalidCiphertextException")


def test_missing_metadata(proxy):
    encrypted = encrypt(proxy)
    encrypted.pop("ciphertextMetadata")
    assert decrypt(proxy, encrypted).error == "InvalidCiphertextException"


def test_another_key(proxy):
    assert decrypt(proxy, encrypt(proxy), key="allowed").error == "InvalidCiphertextException"


# 1.9: requests that are wrong in themselves.
INVALID_ENCRYPT = {
    "no plaintext": {"plaintext": None},
    "plaintext empty": {"plaintext": ""},
    "plaintext no base64": {"plaintext": "***"},
    "plaintext URL-safe base64": {"plaintext": "_-8="},
    "plaintext as number": {"plaintext": 5},
    "another algorithm": {"encryptionAlgorithm": "AES_CBC"},
    "no algorithm": {"encryptionAlgorithm": None},
    "another integrity algorithm": {"ciphertextDataIntegrityValueAlgorithm": "MD5"},
    "no request metadata": {"requestMetadata": None},
    "empty request metadata": {"requestMetadata": {}},
    "no key ARN": {"requestMetadata": {name: value for name, value in METADATA.items() if name != "kmsKeyArn"}},
    "no principal": {"requestMetadata": {name: value for name, value in METADATA.items() if name != "awsPrincipalArn"}},
}


@pytest.mark.parametrize("case", INVALID_ENCRYPT)
def test_an_invalid_encrypt(proxy, case):
    answer = proxy.call(MAIN, "/keys/other/encrypt", encrypt_request(**INVALID_ENCRYPT[case]))
    assert (answer.status, answer.error) == (400, "ValidationException"), answer
    check_message(answer)


def check_message(answer):
    """1.9: below 512 characters, all of them printable ASCII."""
    message = answer.json.get("errorMessage", "")
    assert len(message) < 512 and all(0x20 <= ord(character) <= 0x7E for character in message)
    assert answer.headers["content-type"].startswith("application/json")


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"null", b"\xff\xfe", b"[" * 20000], ids=["empty", "half", "list", "null", "binary", "nested"])
def test_a_body_that_is_no_request(proxy, body):
    answer = proxy.call(MAIN, "/keys/other/encrypt", body)
    assert (answer.status, answer.error) == (400, "ValidationException"), answer


@pytest.mark.parametrize("members", [{"initializationVector": b64(b"i" * 3)}, {"authenticationTag": b64(b"t" * 8)}, {"ciphertext": None}, {"authenticationTag": None}], ids=str)
def test_an_invalid_decrypt(proxy, members):
    answer = decrypt(proxy, encrypt(proxy), **members)
    assert answer.error in ("ValidationException", "InvalidCiphertextException"), answer
    assert answer.status == 400


def test_unknown_metadata_fields_and_operations_are_tolerated(proxy):
    """1.4: more fields may come, and kmsOperation is not to be rejected."""
    metadata = {**METADATA, "kmsOperation": "SomethingNew", "SourceIdentity": "x", "awsSourceVpc": "vpc-1", "more": {"a": 1}}
    assert encrypt(proxy, requestMetadata=metadata)


def test_long_arns_are_supported(proxy):
    """1.4: up to 2,048 characters."""
    metadata = {**METADATA, "awsPrincipalArn": "arn:aws:iam::123456789012:user/" + "a" * 2017}
    assert encrypt(proxy, requestMetadata=metadata)


# 1.3 and 1.9: what fails the authentication.
def dropped(name):
    return lambda headers, body: ({key: value for key, value in headers.items() if key != name}, body)


AUTHENTICATION = {
    "unknown access key": {"credential": new_credential()},
    "another Region": {"region": "eu-west-1"},
    "another service": {"service": "kms"},
    "ten minutes old": {"moved_by_s": -600},
    "ten minutes ahead": {"moved_by_s": 600},
    "no Authorization": {"tamper": dropped("authorization")},
    "no date": {"tamper": dropped("x-amz-date")},
    "another body": {"tamper": lambda headers, body: (headers, body + b" ")},
    "nonsense": {"tamper": lambda headers, body: ({**headers, "authorization": "Basic YTpi"}, body)},
}


@pytest.mark.parametrize("case", AUTHENTICATION)
@pytest.mark.parametrize("suffix", ["/health", "/keys/other/encrypt"])
def test_authentication(proxy, suffix, case):
    members = HEALTH if suffix == "/health" else encrypt_request()
    answer = proxy.call(MAIN, suffix, members, **AUTHENTICATION[case])
    assert (answer.status, answer.error) == (401, "AuthenticationFailedException"), answer


def test_a_wrong_secret(proxy):
    right = proxy.credentials[MAIN][0]
    wrong = type(right)(right.access_key_id, new_credential().raw_secret_access_key)
    assert proxy.call(MAIN, "/health", HEALTH, credential=wrong).status == 401


def test_a_credential_of_another_prefix(proxy):
    assert proxy.call(MAIN, "/health", HEALTH, credential=proxy.credentials[""][0]).status == 401


def test_a_clock_within_five_minutes(proxy):
    for moved_by_s in (-240, 240):
        assert proxy.call(MAIN, "/health", HEALTH, moved_by_s=moved_by_s).status == 200


def test_a_prefix_may_be_empty(proxy):
    """1.2."""
    assert proxy.call("", "/health", HEALTH).status == 200


# 1.9: prefix, path below the API root, error.
PLACES = [
    (MAIN, "/keys/none/encrypt", "KeyNotFoundException"),
    (MAIN, "/keys/none/metadata", "KeyNotFoundException"),
    (MAIN, "/keys/off/encrypt", "InvalidStateException"),
    ("/closed", "/health", "InvalidStateException"),
    ("/closed", "/keys/other/encrypt", "InvalidStateException"),
    ("/picky", "/keys/other/encrypt", "AccessDeniedException"),
    (MAIN, "/keys/other/sign", "InvalidUriPathException"),
    (MAIN, "/nothing", "InvalidUriPathException"),
    (MAIN, "/keys/encrypt", "InvalidUriPathException"),
]


@pytest.mark.parametrize(("prefix", "suffix", "error"), PLACES, ids=lambda value: str(value))
def test_the_errors_of_places(proxy, prefix, suffix, error):
    members = HEALTH if suffix == "/health" else encrypt_request()
    answer = proxy.call(prefix, suffix, members)
    assert (answer.status, answer.error) == (ERROR_STATUS[error], error), answer
    check_message(answer)


def test_an_unknown_prefix(proxy):
    path = "/nowhere/kms/xks/v1/health"
    answer = proxy.send("POST", path, {"host": "built.proxy.test"}, b"{}")
    assert (answer.status, answer.error) == (404, "InvalidUriPathException")


def test_a_denied_principal(proxy):
    metadata = {**METADATA, "awsPrincipalArn": "arn:aws:iam::123456789012:user/Mallory"}
    answer = proxy.call("/picky", "/keys/allowed/encrypt", encrypt_request(requestMetadata=metadata))
    assert (answer.status, answer.error) == (403, "AccessDeniedException")
    assert proxy.call("/picky", "/keys/allowed/encrypt", encrypt_request()).status == 200


def test_throttling(proxy):
    answers = [proxy.call("/narrow", "/health", HEALTH) for _ in range(10)]
    throttled = [answer for answer in answers if answer.status == 429]
    assert throttled and throttled[0].error == "ThrottlingException"
    assert any(answer.status == 200 for answer in answers)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("suffix", ["/health", "/keys/other/encrypt"])
def test_other_methods(proxy, method, suffix):
    """1.1: a GET must get 405."""
    path = f"{MAIN}/kms/xks/v1{suffix}"
    assert proxy.send(method, path, {"host": "built.proxy.test"}, b"").status == 405


def test_more_than_the_implementation_takes(proxy):
    """1.9: over the size limit: UnsupportedOperationException."""
    answer = proxy.call(MAIN, "/keys/other/encrypt", encrypt_request(plaintext=b64(b"x" * 60_000)))
    assert (answer.status, answer.error) == (501, "UnsupportedOperationException"), answer


def test_two_credentials_at_once(proxy):
    """1.3: so that a credential can be rotated without a gap; the file is read while the proxy runs."""
    first, second = proxy.credentials["/picky"][0], new_credential()
    proxy.write_credentials("/picky", [first, second])
    wait_until(lambda: proxy.call("/picky", "/health", HEALTH, credential=second).status == 200, "the new one was accepted")
    assert proxy.call("/picky", "/health", HEALTH, credential=first).status == 200
    proxy.write_credentials("/picky", [second])
    wait_until(lambda: proxy.call("/picky", "/health", HEALTH, credential=first).status == 401, "the old one was refused")


def test_keys_are_managed_while_it_runs(proxy):
    """The commands take effect on a running proxy at once."""
    proxy.keys("create", "managed")
    assert "managed" in proxy.keys("list")
    encrypted = encrypt(proxy, key="managed")
    proxy.keys("disable", "managed")
    assert proxy.call(MAIN, "/keys/managed/encrypt", encrypt_request()).error == "InvalidStateException"
    proxy.keys("enable", "managed")
    proxy.keys("rotate", "managed")
    rotated = encrypt(proxy, key="managed")
    assert rotated["ciphertextMetadata"] != encrypted["ciphertextMetadata"]
    for blob in (encrypted, rotated):
        assert base64.b64decode(decrypt(proxy, blob, key="managed").json["plaintext"]) == PLAINTEXT
    proxy.keys("delete", "managed")
    assert proxy.call(MAIN, "/keys/managed/encrypt", encrypt_request()).error == "KeyNotFoundException"


def test_a_created_key_gets_a_name(proxy):
    before = set(proxy.keys("list").split())
    proxy.keys("create")
    assert len(set(proxy.keys("list").split()) - before) >= 1


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3], ids=["TLS 1.2", "TLS 1.3"])
def test_tls_versions_and_suites(proxy, authority, version):
    """1.1."""
    context = ssl.create_default_context(cafile=authority.certificate)
    context.minimum_version = context.maximum_version = version
    with proxy.connect(context) as connection:
        assert connection.cipher()[0] in (
            "TLS_AES_256_GCM_SHA384",
            "TLS_CHACHA20_POLY1305_SHA256",
            "ECDHE-ECDSA-AES256-GCM-SHA384",
            "ECDHE-RSA-AES256-GCM-SHA384",
        )


@pytest.mark.parametrize(("offered", "chosen"), [(("h2", "http/1.1"), "http/1.1"), (("h2",), "h2"), (("http/1.1",), "http/1.1")])
def test_http_versions(proxy, authority, offered, chosen):
    context = ssl.create_default_context(cafile=authority.certificate)
    context.set_alpn_protocols(list(offered))
    with proxy.connect(context) as connection:
        assert connection.selected_alpn_protocol() == chosen


def test_the_access_log_has_no_plaintext(proxy):
    """1.9, logging rule: neither the plaintext into Encrypt nor out of Decrypt, nor a secret."""
    secret = os.urandom(24)
    encrypted = encrypt(proxy, plaintext=b64(secret))
    decrypt(proxy, encrypted)
    log = proxy.access_log() + proxy.process.stdout + proxy.process.stderr
    assert METADATA["kmsRequestId"] in log
    for word in (b64(secret), secret.hex(), proxy.credentials[MAIN][0].raw_secret_access_key):
        assert word not in log


def test_a_client_certificate_can_be_demanded(tmp_path, authority):
    """1.1: mTLS; a client without a certificate does not get through the handshake."""
    tls = {"client_ca": str(authority.certificate)}
    proxy = BuiltProxy(tmp_path / "mtls", authority, {MAIN: {}}, tls=tls)
    proxy.keys("create", "other")
    proxy.start()
    try:
        with pytest.raises((ssl.SSLError, ConnectionError)):
            proxy.call(MAIN, "/health", HEALTH)
        known = authority.issue_client("cks.kms.us-east-1.amazonaws.com")
        assert proxy.send_health(known.client_context(authority)).status == 200
        stranger = authority.issue_client("someone.else.test")
        with pytest.raises((ssl.SSLError, ConnectionError)):
            proxy.send_health(stranger.client_context(authority))
    finally:
        assert proxy.process.terminate() == 0


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_keys_survive_a_restart(tmp_path, authority, signal_number):
    proxy = BuiltProxy(tmp_path / "restart", authority, {MAIN: {}})
    proxy.keys("create", "other")
    proxy.start()
    encrypted = encrypt(proxy)
    assert proxy.process.terminate(signal_number) == 0
    proxy.start()
    assert decrypt(proxy, encrypted).status == 200
    proxy.process.kill()
    proxy.start()
    assert decrypt(proxy, encrypted).status == 200
    assert proxy.process.terminate() == 0
