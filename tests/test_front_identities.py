"""The front with identities: sessions and their tokens, presigned and unsigned requests, IAM and STS from any Region, replays.

Source: digest kms-core.md, 1.1 and 1.4; IAM User Guide, "Signing AWS API requests" and "Regions and endpoints".
"""

import json
import re
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

from support.conditions import wait_until
from support.credentials import Credentials
from support.http_exchange import exchange
from support.installation import Installation, merged
from support.raw_request import RawRequest, connection_to, sign, signed_request, unsigned_request
from support.sdk_client import OTHER_REGION, REGION, refusal

UNRECOGNIZED = ("UnrecognizedClientException", "The security token included in the request is invalid.")
EXPIRED = ("ExpiredTokenException", "The security token included in the request is expired")
MISMATCH = "InvalidSignatureException"
FORM = "application/x-www-form-urlencoded; charset=utf-8"
ENDPOINT_ID, VPC_ID = "vpce-1a2b3c4d5e6f70819", "vpc-0a1b2c3d4e5f60718"


@pytest.fixture(scope="module")
def server(make_module_installation):
    """A server whose clients are all behind a VPC endpoint."""
    endpoint = {"id": ENDPOINT_ID, "vpc": VPC_ID, "networks": ["127.0.0.0/8"]}
    return make_module_installation({"vpc_endpoint": [endpoint]}).start()


@pytest.fixture(scope="module")
def tenant(server):
    return server.create_tenant()


@pytest.fixture(scope="module")
def sts(server, tenant):
    return server.client(tenant.credentials, service="sts")


@pytest.fixture(scope="module")
def session(sts):
    return session_of(sts)


def session_of(sts):
    """New temporary credentials of the caller."""
    made = sts.get_session_token(DurationSeconds=900)["Credentials"]
    return Credentials(made["AccessKeyId"], made["SecretAccessKey"], made["SessionToken"])


def with_token(server, credentials, token, **options):
    """A KMS request signed by `credentials`, with that token."""
    headers = {} if token is None else {"X-Amz-Security-Token": token}
    return signed_request(server.endpoint, credentials, extra_headers=headers, **options)


def assert_refused(answer, expected):
    assert (answer.type, answer.message) == expected
    assert answer.status == 400


def altered(token):
    return ("B" if token[0] == "A" else "A") + token[1:]


def test_a_session_signs_with_its_token(server, session):
    answer = with_token(server, session, session.session_token).send()
    assert answer.status == 200
    assert server.client(session).list_keys()["Keys"] == []


@pytest.mark.parametrize(
    "token",
    [lambda token: None, altered, lambda token: token[:-1], lambda token: token + "A", lambda token: "", lambda token: "token"],
    ids=["none", "altered", "cut", "longer", "empty", "made up"],
)
def test_a_session_without_its_own_token(server, session, token):
    assert_refused(with_token(server, session, token(session.session_token)).send(), UNRECOGNIZED)


def test_a_token_of_another_session(server, sts, session):
    other = session_of(sts)
    assert_refused(with_token(server, session, other.session_token).send(), UNRECOGNIZED)
    mixed = Credentials(session.access_key_id, other.secret_access_key)
    assert with_token(server, mixed, session.session_token).send().type == MISMATCH


def test_a_token_of_another_account(server, session):
    stranger = server.create_tenant()
    assert_refused(with_token(server, stranger.credentials, session.session_token).send(), UNRECOGNIZED)
    others = session_of(server.client(stranger.credentials, service="sts"))
    assert_refused(with_token(server, session, others.session_token).send(), UNRECOGNIZED)


def test_a_long_term_access_key_has_no_token(server, tenant, session):
    for token in ("token", session.session_token):
        assert_refused(with_token(server, tenant.credentials, token).send(), UNRECOGNIZED)


def test_a_token_that_is_not_signed(server, session):
    request = with_token(server, session, None)
    request.headers["X-Amz-Security-Token"] = session.session_token
    answer = request.send()
    assert answer.type == MISMATCH
    assert answer.message == "'X-Amz-Security-Token' must be a 'SignedHeader' in the AWS Authorization."


def test_a_session_of_a_user_who_is_gone(server):
    account = server.create_account()
    server.admin("users", "create", "--account", account, "--name", "bob", "--administrator")
    long_term = server.create_access_key(account, user="bob")
    server.wait_accepted(server.client(long_term))
    of_bob = session_of(server.client(long_term, service="sts"))
    assert with_token(server, of_bob, of_bob.session_token).send().status == 200
    server.admin("access-keys", "delete", long_term.access_key_id)
    server.admin("users", "delete", "--account", account, "--name", "bob")

    def gone():
        return with_token(server, of_bob, of_bob.session_token).send().status != 200

    wait_until(gone, "the session ended with its user")
    assert_refused(with_token(server, of_bob, of_bob.session_token).send(), UNRECOGNIZED)


def test_an_access_key_that_has_expired(server):
    account = server.create_account()
    credentials = server.create_access_key(account, expires_in_seconds=1)

    def expired():
        return with_token(server, credentials, None).send().type == EXPIRED[0]

    wait_until(expired, "the access key expired")
    assert_refused(with_token(server, credentials, None).send(), EXPIRED)


# presigned requests


def presigned_url(client, operation="get_caller_identity", method="GET", expires=60, **parameters):
    return client.generate_presigned_url(operation, Params=parameters, ExpiresIn=expires, HttpMethod=method)


def fetch(url, method="GET", headers=None, body=b""):
    """Sends what the URL says, and nothing that it does not."""
    parts = urllib.parse.urlsplit(url)
    connection = connection_to(f"{parts.scheme}://{parts.netloc}")
    return exchange(connection, method, f"{parts.path}?{parts.query}", {"Host": parts.netloc, **(headers or {})}, body)


def error_code(answer):
    found = re.search(rb"<Code>([^<]+)</Code>", answer.body)
    return found and found[1].decode()


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_presigned_request_tells_who_signed_it(server, tenant, sts, method):
    headers = {"Content-Length": "0"} if method == "POST" else {}
    answer = fetch(presigned_url(sts, method=method), method, headers)
    assert answer.status == 200, answer.body
    assert f"arn:aws:iam::{tenant.account}:user/alice".encode() in answer.body


def test_a_session_presigns_with_its_token(server, session):
    client = server.client(session, service="sts")
    url = presigned_url(client)
    assert "X-Amz-Security-Token" in url
    assert fetch(url).status == 200
    without = re.sub(r"&X-Amz-Security-Token=[^&]+", "", url)
    assert error_code(fetch(without)) == "InvalidClientTokenId"


def test_a_presigned_request_to_iam(server, tenant):
    iam = server.client(tenant.credentials, service="iam")
    answer = fetch(presigned_url(iam, "get_user", UserName="alice"))
    assert answer.status == 200 and b"<UserName>alice</UserName>" in answer.body, answer.body


def token_of_eks(server, credentials, cluster):
    """As `aws eks get-token` makes it: the name of the cluster is a header that is signed."""
    request = botocore.awsrequest.AWSRequest(
        "GET",
        f"{server.endpoint}/?Action=GetCallerIdentity&Version=2011-06-15",
        headers={"x-k8s-aws-id": cluster},
    )
    key = botocore.credentials.Credentials(credentials.access_key_id, credentials.secret_access_key)
    botocore.auth.SigV4QueryAuth(key, "sts", REGION, expires=60).add_auth(request)
    return request.url


def test_a_token_of_eks(server, tenant):
    url = token_of_eks(server, tenant.credentials, "production")
    assert fetch(url, headers={"x-k8s-aws-id": "production"}).status == 200
    assert error_code(fetch(url, headers={"x-k8s-aws-id": "staging"})) == "SignatureDoesNotMatch"
    assert fetch(url).status == 403, "the header is signed"


# what is changed, the code, and what the message has
CHANGED = {
    "one parameter more": (lambda url: url + "&RoleSessionName=x", "SignatureDoesNotMatch", "we calculated"),
    "another operation": (lambda url: url.replace("GetCallerIdentity", "GetSessionToken"), "SignatureDoesNotMatch", "we calculated"),
    "a longer time": (lambda url: url.replace("X-Amz-Expires=60", "X-Amz-Expires=3600"), "SignatureDoesNotMatch", "we calculated"),
    "another signature": (
        lambda url: url[:-1] + ("0" if url[-1] != "0" else "1"),
        "SignatureDoesNotMatch",
        "we calculated",
    ),
    "no signature": (
        lambda url: re.sub(r"&X-Amz-Signature=\w+", "", url),
        "IncompleteSignature",
        "must include 'X-Amz-Signature'",
    ),
    "unknown access key": (
        lambda url: re.sub(r"Credential=\w+", "Credential=AKIAUNKNOWNUNKNOWN22", url),
        "InvalidClientTokenId",
        "The security token included in the request is invalid",
    ),
    "another service": (lambda url: url.replace("%2Fsts%2F", "%2Fs3%2F"), "SignatureDoesNotMatch", "correct service: 'sts'."),
}


@pytest.mark.parametrize("case", CHANGED)
def test_a_presigned_request_that_was_changed(sts, case):
    change, code, message = CHANGED[case]
    url = presigned_url(sts)
    changed = change(url)
    assert changed != url
    answer = fetch(changed)
    assert error_code(answer) == code and message.encode() in answer.body, answer.body
    assert b"https://sts.amazonaws.com/doc/2011-06-15/" in answer.body, "in the words of STS"


def test_kms_takes_no_presigned_requests(server, tenant):
    """Whether AWS KMS does is unverified; nothing but the header is documented for it."""
    url = presigned_url(server.client(tenant.credentials), "list_keys", method="POST")
    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": "TrentService.ListKeys", "Content-Length": "0"}
    answer = fetch(url, "POST", headers)
    assert answer.status == 400 and b"MissingAuthenticationTokenException" in answer.body


# requests that nobody signed


@pytest.mark.parametrize(
    ("action", "version", "code", "status"),
    [
        ("ListUsers", "2010-05-08", "MissingAuthenticationToken", 403),
        ("GetCallerIdentity", "2011-06-15", "MissingAuthenticationToken", 403),
        ("DescribeVpcs", "2016-11-15", "AuthFailure", 401),
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_form_that_nobody_signed(server, action, version, code, status, method):
    form = f"Action={action}&Version={version}"
    if method == "GET":
        answer = fetch(f"{server.endpoint}/?{form}")
    else:
        request = RawRequest(server.endpoint, body=form.encode(), headers=form_headers(server, form))
        answer = request.send()
    assert (answer.status, error_code(answer)) == (status, code), answer.body


def form_headers(server, form):
    host = urllib.parse.urlsplit(server.endpoint).netloc
    return {"Host": host, "Content-Type": FORM, "Content-Length": str(len(form))}


def test_a_web_identity_needs_no_signature(server):
    form = urllib.parse.urlencode(
        {
            "Action": "AssumeRoleWithWebIdentity",
            "Version": "2011-06-15",
            "RoleArn": "arn:aws:iam::111122223333:role/nobody",
            "RoleSessionName": "name",
            "WebIdentityToken": "no.such.token",
        }
    )
    answer = RawRequest(server.endpoint, body=form.encode(), headers=form_headers(server, form)).send()
    assert error_code(answer) not in (None, "MissingAuthenticationToken"), answer.body


def test_a_kms_request_that_nobody_signed(server):
    assert unsigned_request(server.endpoint).send().type == "MissingAuthenticationTokenException"


# IAM and STS are of no Region


@pytest.mark.parametrize("region", [REGION, OTHER_REGION])
def test_iam_from_a_client_of_any_region(server, tenant, region):
    iam = server.client(tenant.credentials, service="iam", region=region)
    assert iam.get_user(UserName="alice")["User"]["UserName"] == "alice"


@pytest.mark.parametrize("region", [REGION, OTHER_REGION])
def test_sts_from_a_client_of_any_region(server, tenant, region):
    sts = server.client(tenant.credentials, service="sts", region=region)
    assert sts.get_caller_identity()["Account"] == tenant.account


def test_a_region_that_is_not_served(server, tenant):
    for service, form in [("iam", "Action=GetUser&Version=2010-05-08"), ("sts", "Action=GetCallerIdentity&Version=2011-06-15")]:
        request = RawRequest(server.endpoint, body=form.encode(), headers=form_headers(server, form))
        sign(request, tenant.credentials, region="ap-south-2", service=service)
        answer = request.send()
        assert answer.status == 403 and b"not 'ap-south-2'" in answer.body, answer.body


# replays


def test_a_bad_signature_sent_again_and_again(server, tenant):
    bad = Credentials(tenant.credentials.access_key_id, "another secret access key")
    request = signed_request(server.endpoint, bad)
    before = len(server.audit_records())
    for _ in range(5):
        assert request.send().type == MISMATCH
    records = [record for record in server.audit_records()[before:] if record.get("errorCode") == MISMATCH]
    assert len(records) == 5, "each is recorded"
    assert signed_request(server.endpoint, tenant.credentials).send().status == 200


def test_a_new_access_key_works_although_it_was_tried_before(server):
    account = server.create_account()
    credentials = server.create_access_key(account)
    server.admin("access-keys", "deactivate", credentials.access_key_id)

    def answer():
        return signed_request(server.endpoint, credentials).send()

    wait_until(lambda: answer().status == 400, "the access key is refused")
    assert_refused(answer(), UNRECOGNIZED)
    server.admin("access-keys", "activate", credentials.access_key_id)
    wait_until(lambda: answer().status == 200, "the access key works")


# VPC endpoints


def test_a_policy_about_the_vpc_endpoint(server):
    """A user may do what its policy allows through the endpoint that all clients of this server are behind."""
    owner = server.create_tenant()
    iam = server.client(owner.credentials, service="iam")
    for name, endpoint in [("inside", ENDPOINT_ID), ("outside", "vpce-00000000000000000")]:
        condition = {"StringEquals": {"aws:SourceVpce": endpoint, "aws:SourceVpc": VPC_ID}}
        statement = {"Effect": "Allow", "Action": "kms:ListKeys", "Resource": "*", "Condition": condition}
        document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
        iam.create_user(UserName=name)
        iam.put_user_policy(UserName=name, PolicyName="through-the-endpoint", PolicyDocument=document)
        key = iam.create_access_key(UserName=name)["AccessKey"]
        client = server.client(Credentials(key["AccessKeyId"], key["SecretAccessKey"]))
        if name == "inside":
            assert client.list_keys()["Keys"] == []
        else:
            assert refusal(client.list_keys).code == "AccessDeniedException"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"id": "vpce-1"}, ["vpc_endpoint.id", "vpce-1"]),
        ({"vpc": "vpc"}, ["vpc_endpoint.vpc"]),
        ({"networks": []}, ["vpc_endpoint.networks"]),
        ({"networks": ["10.0.0.0/8", "10.1.1.1/8"]}, ["vpc_endpoint.networks", "10.0.0.0/8", "twice"]),
        ({"networks": ["10.0.0.0/33"]}, ["networks"]),
        ({"network": []}, ["network"]),
    ],
)
def test_a_vpc_endpoint_that_is_none(tmp_path, changes, words):
    endpoint = merged({"id": ENDPOINT_ID, "vpc": VPC_ID, "networks": ["10.0.0.0/8"]}, changes)
    process = Installation(tmp_path / "spoilt", {"vpc_endpoint": [endpoint]}).launch()
    assert process.wait() != 0
    assert "panicked" not in process.stderr
    for word in words:
        assert word in process.stderr
