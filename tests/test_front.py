"""The front: AWS JSON 1.1 over HTTP/1.1 and HTTP/2, Signature Version 4, limits, slow clients.

Source: digest kms-core.md, 1.1 to 1.4; the issue, "The front".
"""

import base64
import json
import re
import socket
import urllib.parse

import pytest

from support.conditions import wait_until
from support.credentials import Credentials
from support.http_exchange import LIMIT_S
from support.http2_client import negotiated_protocol, send_over_http2
from support.raw_request import CONTENT_TYPE, call, sign, signed_request, unsigned_request

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
MISMATCH = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
    "signing method. Consult the service documentation for details."
)
UNKNOWN_KEY = "The security token included in the request is invalid."


@pytest.fixture(scope="module")
def front(keystead, module_tenant):
    """Makes a validly signed request of this module's account."""

    def make(operation="ListKeys", parameters=None, **options):
        return signed_request(keystead.endpoint, module_tenant.credentials, operation, parameters, **options)

    return make


def without_authorization(request):
    del request.headers["Authorization"]


def replace_in_authorization(pattern, replacement):
    def change(request):
        request.headers["Authorization"] = re.sub(pattern, replacement, request.headers["Authorization"])

    return change


def drop_date(request):
    del request.headers["X-Amz-Date"]


def tamper_body(request):
    request.body = request.body.replace(b"{", b" {", 1)
    request.headers["Content-Length"] = str(len(request.body))


def tamper_header(name, value):
    def change(request):
        request.headers[name] = value

    return change


def flip_signature(request):
    header = request.headers["Authorization"]
    request.headers["Authorization"] = header[:-1] + ("0" if header[-1] != "0" else "1")


# Digest kms-core.md, 1.4: what is done to a validly signed request, __type, message (a regular expression).
TAMPERED = {
    "no Authorization": (without_authorization, "MissingAuthenticationTokenException", "Missing Authentication Token"),
    "no Credential": (
        replace_in_authorization(r"Credential=[^,]+, ", ""),
        "IncompleteSignatureException",
        r"Authorization header requires 'Credential' parameter\. Authorization=AWS4-HMAC-SHA256 .*",
    ),
    "no SignedHeaders": (
        replace_in_authorization(r"SignedHeaders=[^,]+, ", ""),
        "IncompleteSignatureException",
        r"Authorization header requires 'SignedHeaders' parameter\. Authorization=AWS4-HMAC-SHA256 .*",
    ),
    "no Signature": (
        replace_in_authorization(r", Signature=.*", ""),
        "IncompleteSignatureException",
        r"Authorization header requires 'Signature' parameter\. Authorization=AWS4-HMAC-SHA256 .*",
    ),
    "no date": (
        drop_date,
        "IncompleteSignatureException",
        r"Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header\. Authorization=.*",
    ),
    "a piece without an equal-sign": (
        replace_in_authorization(r"SignedHeaders=[^,]+", "nonsense"),
        "IncompleteSignatureException",
        r"'nonsense' not a valid key=value pair \(missing equal-sign\) in Authorization header: '.*'\.",
    ),
    "another signature": (flip_signature, "InvalidSignatureException", re.escape(MISMATCH) + r"[\s\S]*"),
    "a tampered body": (tamper_body, "InvalidSignatureException", re.escape(MISMATCH) + r"[\s\S]*"),
    "a tampered target": (
        tamper_header("X-Amz-Target", "TrentService.ListAliases"),
        "InvalidSignatureException",
        re.escape(MISMATCH) + r"[\s\S]*",
    ),
    "a tampered content type": (
        tamper_header("Content-Type", f"{CONTENT_TYPE}; charset=utf-8"),
        "InvalidSignatureException",
        re.escape(MISMATCH) + r"[\s\S]*",
    ),
    "an unknown access key": (
        replace_in_authorization(r"Credential=[A-Z0-9]+/", "Credential=AKIAAAAAAAAAAAAAAAAA/"),
        "UnrecognizedClientException",
        re.escape(UNKNOWN_KEY),
    ),
}


@pytest.mark.parametrize("case", TAMPERED)
def test_a_tampered_request(front, case):
    change, error_type, message = TAMPERED[case]
    request = front()
    change(request)
    answer = request.send()
    assert answer.type == error_type, answer
    assert re.fullmatch(message, answer.message), answer.message
    # 1.4: the status of a missing token is unverified.
    assert answer.status in ((400, 403) if error_type == "MissingAuthenticationTokenException" else (400,))
    assert UUID.fullmatch(answer.headers["x-amzn-requestid"])
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert "date" in answer.headers, "SDKs correct their clocks by it"


# Digest kms-core.md, 1.4: signed for something else.
MISPLACED = {
    "another Region": (
        {"region": "eu-north-1"},
        "Credential should be scoped to a valid region, not 'eu-north-1'. ",
    ),
    "another service": ({"service": "s3"}, "Credential should be scoped to correct service: 'kms'. "),
    "both": (
        {"region": "eu-north-1", "service": "s3"},
        "Credential should be scoped to a valid region, not 'eu-north-1'. "
        "Credential should be scoped to correct service: 'kms'. ",
    ),
}


@pytest.mark.parametrize("case", MISPLACED)
def test_a_misplaced_scope(front, case):
    options, message = MISPLACED[case]
    answer = front(**options).send()
    assert (answer.status, answer.type, answer.message) == (400, "InvalidSignatureException", message)


# Digest kms-core.md, 1.4: the clock skew window is five minutes.
SKEWED = {
    "ten minutes old": (-600, r"Signature expired: \d{8}T\d{6}Z is now earlier than \d{8}T\d{6}Z \(\d{8}T\d{6}Z - 5 min\.\)"),
    "ten minutes ahead": (
        600,
        r"Signature not yet current: \d{8}T\d{6}Z is still later than \d{8}T\d{6}Z \(\d{8}T\d{6}Z \+ 5 min\.\)",
    ),
}


@pytest.mark.parametrize("case", SKEWED)
def test_a_skewed_clock(front, case):
    moved_by_s, message = SKEWED[case]
    answer = front(moved_by_s=moved_by_s).send()
    assert (answer.status, answer.type) == (400, "InvalidSignatureException")
    assert re.fullmatch(message, answer.message), answer.message


@pytest.mark.parametrize("moved_by_s", [-240, 240], ids=["four minutes old", "four minutes ahead"])
def test_a_clock_within_the_window(front, moved_by_s):
    assert front(moved_by_s=moved_by_s).send().status == 200


def test_a_wrong_secret(keystead, module_tenant):
    other = Credentials(module_tenant.credentials.access_key_id, "x" * 40)
    answer = call(keystead.endpoint, other, "ListKeys")
    assert (answer.status, answer.type) == (400, "InvalidSignatureException")
    assert answer.message.startswith(MISMATCH)
    assert module_tenant.credentials.secret_access_key not in answer.message


def test_a_session_token_that_no_one_issued(front):
    """1.4: session token invalid. Keystead issues long-term access keys alone."""
    answer = front(extra_headers={"X-Amz-Security-Token": "no such session"}).send()
    assert (answer.status, answer.type, answer.message) == (400, "UnrecognizedClientException", UNKNOWN_KEY)


def test_an_unsigned_header_may_change_on_the_way(front):
    """1.1: not every header is signed; a load balancer adds some."""
    request = front()
    request.headers["X-Forwarded-For"] = "192.0.2.1"
    assert request.send().status == 200


@pytest.mark.parametrize("target", ["TrentService.NoSuchOperation", "OtherService.ListKeys", "ListKeys", ""])
def test_an_unknown_operation(front, target):
    """1.4: no message."""
    answer = front(target=target).send()
    assert (answer.status, answer.json) == (400, {"__type": "UnknownOperationException"})


def test_a_missing_target(keystead, module_tenant):
    request = unsigned_request(keystead.endpoint)
    del request.headers["X-Amz-Target"]
    sign(request, module_tenant.credentials)
    answer = request.send()
    assert (answer.status, answer.type) == (400, "UnknownOperationException")


# 1.4: the body is no JSON, or a value has another JSON type than the model's.
UNREADABLE = {
    "no JSON": ("ListKeys", b"{"),
    "no UTF-8": ("ListKeys", b'{"Marker":"\xff"}'),
    "more after the object": ("ListKeys", b"{} {}"),
    "a list": ("ListKeys", b"[]"),
    "a string": ("ListKeys", b'"x"'),
    "nothing but nesting": ("ListKeys", b"[" * 100_000),
    "a number as text": ("ListKeys", b'{"Limit":"5"}'),
    "a fraction as whole number": ("ListKeys", b'{"Limit":1.5}'),
    "a number beyond 64 bits": ("ListKeys", b'{"Limit":99999999999999999999999}'),
    "a text as number": ("DescribeKey", b'{"KeyId":5}'),
    "a text as object": ("DescribeKey", b'{"KeyId":{}}'),
    "a truth as text": ("CreateKey", b'{"MultiRegion":"yes"}'),
    "a list as object": ("CreateKey", b'{"Tags":{"TagKey":"a"}}'),
    "a structure as text": ("CreateKey", b'{"Tags":["a"]}'),
    "a map as list": ("Encrypt", b'{"KeyId":"a","Plaintext":"AA==","EncryptionContext":["a"]}'),
    "a map value as number": ("Encrypt", b'{"KeyId":"a","Plaintext":"AA==","EncryptionContext":{"a":1}}'),
    "no base64": ("Encrypt", b'{"KeyId":"a","Plaintext":"***"}'),
    "URL-safe base64": ("Encrypt", b'{"KeyId":"a","Plaintext":"_-8="}'),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_an_unreadable_body(front, case):
    operation, body = UNREADABLE[case]
    answer = front(operation, body=body).send()
    assert (answer.status, answer.type) == (400, "SerializationException"), answer
    assert UUID.fullmatch(answer.headers["x-amzn-requestid"])


def test_unknown_members_are_ignored(front):
    """1.1: JSON 1.1 convention (unverified for KMS)."""
    assert front(parameters={"NoSuchMember": {"a": [1]}}).send().status == 200


def test_null_members_are_absent(front):
    """1.1: an absent optional member and null mean the same."""
    assert front(parameters={"Limit": None, "Marker": None}).send().status == 200


def test_a_successful_answer(front):
    answer = front().send()
    assert answer.status == 200
    assert answer.headers["content-type"] == CONTENT_TYPE
    assert UUID.fullmatch(answer.headers["x-amzn-requestid"])
    assert int(answer.headers["content-length"]) == len(answer.body)
    assert "date" in answer.headers


def test_request_ids_differ(front):
    assert len({front().send().headers["x-amzn-requestid"] for _ in range(10)}) == 10


@pytest.mark.parametrize(("method", "path"), [("GET", "/"), ("PUT", "/"), ("DELETE", "/"), ("GET", "/elsewhere")])
def test_what_is_no_kms_request(keystead, method, path):
    request = unsigned_request(keystead.endpoint, body=b"")
    request.method, request.path = method, path
    answer = request.send()
    assert 400 <= answer.status < 500
    assert UUID.fullmatch(answer.headers["x-amzn-requestid"])


def test_a_body_beyond_the_limit(keystead, module_tenant):
    """[limits] body_bytes_max = 1048576."""
    body = b'{"Marker":"' + b"x" * 1_100_000 + b'"}'
    try:
        answer = call(keystead.endpoint, module_tenant.credentials, "ListKeys", body=body)
    except (BrokenPipeError, ConnectionResetError):
        # The server may answer and close before the whole body is sent.
        pass
    else:
        assert answer.status in (400, 413), answer
        assert UUID.fullmatch(answer.headers["x-amzn-requestid"])
    assert call(keystead.endpoint, module_tenant.credentials, "ListKeys").status == 200


def test_a_body_at_the_limit_is_read(front):
    """Refused by the constraint on Marker, and not by its size."""
    body = b'{"Marker":"' + b"x" * 1_000_000 + b'"}'
    answer = front(body=body).send()
    assert answer.type == "ValidationException", answer


def test_headers_beyond_the_limit(keystead, front):
    """[limits] header_bytes_max = 16384."""
    try:
        answer = front(extra_headers={"X-Filler": "x" * 40_000}).send()
    except (BrokenPipeError, ConnectionResetError):
        # The server may answer and close before all of it is sent.
        pass
    else:
        assert answer.status in (400, 431), answer
    assert front().send().status == 200


@pytest.mark.parametrize(("pairs", "error"), [(150, "NotFoundException"), (500, "ValidationException")])
def test_a_large_context(front, pairs, error):
    """Up to 16 KiB it is only refused because there is no such key; beyond, the limit (unverified for KMS) protects the audit log."""
    context = {f"key-{n}": "v" * 100 for n in range(pairs)}
    parameters = {"KeyId": "alias/none", "Plaintext": base64.b64encode(b"x").decode(), "EncryptionContext": context}
    assert front("Encrypt", parameters).send().type == error


@pytest.fixture(scope="module")
def impatient(make_module_installation):
    """A server whose patience with slow clients is short, and still long beside most stalls, for the honest calls beside them."""
    limits = {"header_timeout_ms": 1000, "body_timeout_ms": 1000}
    server = make_module_installation({"limits": limits}).start()
    return server, server.create_tenant()


SLOW = {
    "no byte": lambda request: b"",
    "half a head": lambda request: b"POST / HTTP/1.1\r\nHost: x\r\n",
    "half a body": lambda request: raw_head(request) + request.body[: len(request.body) // 2],
}


def raw_head(request):
    lines = [f"{request.method} {request.path} HTTP/1.1"]
    lines += [f"{name}: {value}" for name, value in request.headers.items()]
    return "\r\n".join([*lines, "", ""]).encode()


@pytest.mark.parametrize("case", SLOW)
def test_a_slow_client_is_cut_and_others_are_served(impatient, case):
    server, tenant = impatient
    request = signed_request(server.endpoint, tenant.credentials)
    address = urllib.parse.urlsplit(server.endpoint)
    with socket.create_connection((address.hostname, address.port), LIMIT_S) as slow:
        slow.sendall(SLOW[case](request))
        assert call(server.endpoint, tenant.credentials, "ListKeys").status == 200
        assert read_to_end(slow) is not None, "the server ends the connection"


def read_to_end(connection):
    """Everything the server still says; fails (by the socket's limit) if it does not close."""
    received = b""
    while data := connection.recv(65536):
        received += data
    return received


def test_many_slow_clients_do_not_keep_others_out(impatient):
    server, tenant = impatient
    address = urllib.parse.urlsplit(server.endpoint)
    slow = [socket.create_connection((address.hostname, address.port), LIMIT_S) for _ in range(100)]
    try:
        for connection in slow:
            connection.sendall(b"POST / HTTP/1.1\r\n")
        assert call(server.endpoint, tenant.credentials, "ListKeys").status == 200
        for connection in slow:
            read_to_end(connection)
    finally:
        for connection in slow:
            connection.close()


def test_keep_alive(keystead, module_tenant):
    """Several requests on one connection."""
    address = urllib.parse.urlsplit(keystead.endpoint)
    with socket.create_connection((address.hostname, address.port), LIMIT_S) as connection, connection.makefile("rb") as reader:
        for _ in range(3):
            request = signed_request(keystead.endpoint, module_tenant.credentials)
            connection.sendall(raw_head(request) + request.body)
            assert reader.readline().startswith(b"HTTP/1.1 200")
            length = 0
            while (line := reader.readline().strip()) != b"":
                name, _, value = line.partition(b":")
                length = int(value) if name.lower() == b"content-length" else length
            assert "Keys" in json.loads(reader.read(length))


def test_http2_with_prior_knowledge(keystead, module_tenant):
    answer = send_over_http2(signed_request(keystead.endpoint, module_tenant.credentials))
    assert answer.status == 200
    assert "Keys" in answer.json
    assert UUID.fullmatch(answer.headers["x-amzn-requestid"])


def test_http2_errors_are_the_same(keystead, module_tenant):
    request = signed_request(keystead.endpoint, module_tenant.credentials, "DescribeKey", {"KeyId": "nothing"})
    answer = send_over_http2(request)
    assert (answer.status, answer.type) == (400, "NotFoundException")


@pytest.fixture(scope="module")
def over_tls(make_module_installation, authority):
    """A server with a certificate for localhost."""
    certificate = authority.issue("localhost")
    tls = {"certificate": str(certificate.certificate), "private_key": str(certificate.private_key)}
    server = make_module_installation({"tls": tls})
    server.verify = str(authority.certificate)
    server.start()
    return server, server.create_tenant()


def test_tls_with_the_sdk(over_tls):
    server, tenant = over_tls
    assert server.endpoint.startswith("https://")
    assert tenant.client.list_keys()["Keys"] == []


@pytest.mark.parametrize(("offered", "chosen"), [(("h2", "http/1.1"), "h2"), (("http/1.1",), "http/1.1")])
def test_tls_negotiates_the_protocol(over_tls, authority, offered, chosen):
    server, _ = over_tls
    assert negotiated_protocol(server.endpoint, offered, authority.certificate) == chosen


def test_tls_with_http2(over_tls, authority):
    server, tenant = over_tls
    request = signed_request(server.endpoint, tenant.credentials)
    answer = send_over_http2(request, authority.certificate)
    assert answer.status == 200 and "Keys" in answer.json


def test_tls_with_http1(over_tls, authority):
    server, tenant = over_tls
    answer = signed_request(server.endpoint, tenant.credentials).send(authority.certificate)
    assert answer.status == 200


def test_plain_text_to_a_tls_port_is_dropped(over_tls):
    server, tenant = over_tls
    address = urllib.parse.urlsplit(server.endpoint)
    with socket.create_connection((address.hostname, address.port), LIMIT_S) as connection:
        connection.sendall(b"POST / HTTP/1.1\r\nHost: x\r\n\r\n")
        try:
            assert b"200 OK" not in read_to_end(connection)
        except ConnectionResetError:
            # Also an end of the connection.
            pass
    wait_until(lambda: tenant.client.list_keys()["Keys"] == [], "the server still served")
