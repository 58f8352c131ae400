"""Temporary credentials through the STS API, with an unmodified SDK.

Source: AWS STS API Reference; IAM User Guide, "Temporary security credentials in IAM".
"""

from datetime import datetime, timedelta, timezone

import botocore.session
import pytest
from botocore import UNSIGNED
from botocore.config import Config

from support.aws_cli import AwsCli
from support.conditions import wait_until
from support.credentials import Credentials
from support.people import People, document, statement
from support.query_answers import QueryAnswers
from support.sdk_client import REGION, refusal, request_id
from support.token_issuer import KeySetServer, TokenIssuer

FILE_ISSUER = "https://file.example.test/realms/a"
URI_ISSUER = "https://uri.example.test"


def temporary(answer):
    """The credentials of an answer."""
    key = answer["Credentials"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"])


@pytest.fixture
def sts(keystead, tenant):
    """A client of STS, every answer to which is checked."""
    client = keystead.client(tenant.credentials, "sts")
    client.answers = QueryAnswers(client)
    return client


@pytest.fixture
def people(keystead, tenant):
    return People(keystead, tenant)


def identity(keystead, credentials):
    answer = keystead.client(credentials, "sts").get_caller_identity()
    return {name: answer[name] for name in ("Account", "Arn", "UserId")}


def refused_code(kms):
    """The error code of a request that needs leave; `None` if it is served."""
    try:
        kms.list_keys()
    except kms.exceptions.ClientError as error:
        return error.response["Error"]["Code"]
    return None


# ---- Roles ----


def test_a_session_of_a_role(keystead, tenant, sts, people):
    role = people.role("deploy", statement("Allow", ["kms:CreateKey", "kms:Encrypt", "kms:DescribeKey"]))
    assumed = sts.assume_role(RoleArn=role, RoleSessionName="nightly", DurationSeconds=900)
    left = assumed["Credentials"]["Expiration"] - datetime.now(timezone.utc)
    assert timedelta(minutes=14) < left <= timedelta(minutes=15)
    arn = f"arn:aws:sts::{tenant.account}:assumed-role/deploy/nightly"
    assert assumed["AssumedRoleUser"]["Arn"] == arn
    credentials = temporary(assumed)
    assert identity(keystead, credentials) == {
        "Account": tenant.account,
        "Arn": arn,
        "UserId": assumed["AssumedRoleUser"]["AssumedRoleId"],
    }
    kms = keystead.client(credentials)
    key = kms.create_key()
    kms.encrypt(KeyId=key["KeyMetadata"]["Arn"], Plaintext=b"hello")
    refused = refusal(kms.list_keys)
    assert refused.code == "AccessDeniedException" and arn in refused.message
    record = keystead.audit_record(request_id(key))
    assert (record["userIdentity"]["type"], record["userIdentity"]["arn"]) == ("AssumedRole", arn)
    assert record["userIdentity"]["accessKeyId"] == credentials.access_key_id


def test_records_show_who_got_which_access_key_and_no_secret(keystead, sts, people):
    assumed = sts.assume_role(RoleArn=people.role("deploy"), RoleSessionName="nightly")
    record = keystead.audit_record(request_id(assumed))
    shown = record["responseElements"]["credentials"]
    assert (record["eventSource"], record["eventName"]) == ("sts.amazonaws.com", "AssumeRole")
    assert shown["accessKeyId"] == assumed["Credentials"]["AccessKeyId"] and set(shown) == {"accessKeyId", "expiration"}
    everything = (keystead.data_folder / "audit.jsonl").read_text() + keystead.server.stderr
    for secret in ("SecretAccessKey", "SessionToken"):
        assert assumed["Credentials"][secret] not in everything


def test_session_policies_tags_and_their_size(keystead, sts, people):
    trust = statement("Allow", ["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"])
    del trust["Resource"]
    trust["Principal"] = {"AWS": people.account}
    people.role("deploy", statement("Allow", "kms:*"))
    people.iam.update_assume_role_policy(RoleName="deploy", PolicyDocument=document(trust))
    assumed = sts.assume_role(
        RoleArn=f"arn:aws:iam::{people.account}:role/deploy",
        RoleSessionName="nightly",
        Policy=document(statement("Allow", "kms:ListKeys")),
        PolicyArns=[{"arn": "arn:aws:iam::aws:policy/AWSKeyManagementServicePowerUser"}],
        Tags=[{"Key": "Project", "Value": "nile"}],
        TransitiveTagKeys=["Project"],
        SourceIdentity="alice",
    )
    assert 0 < assumed["PackedPolicySize"] <= 100 and assumed["SourceIdentity"] == "alice"
    kms = keystead.client(temporary(assumed))
    key = kms.create_key()["KeyMetadata"]["Arn"]
    assert "because no session policy allows" in refusal(kms.disable_key, KeyId=key).message
    tags = [{"Key": f"{number:0>60}", "Value": "v" * 200} for number in range(50)]
    with pytest.raises(sts.exceptions.PackedPolicyTooLargeException):
        sts.assume_role(RoleArn=f"arn:aws:iam::{people.account}:role/deploy", RoleSessionName="nightly", Tags=tags)
    with pytest.raises(sts.exceptions.MalformedPolicyDocumentException):
        sts.assume_role(RoleArn=f"arn:aws:iam::{people.account}:role/deploy", RoleSessionName="nightly", Policy="{}")


def test_a_role_that_is_not_there_and_one_that_is_not_open_look_alike(keystead, tenant, sts, people):
    stranger = keystead.create_tenant()
    closed = People(keystead, stranger).role("closed")
    for role in (closed, f"arn:aws:iam::{stranger.account}:role/absent", f"arn:aws:iam::{tenant.account}:role/absent"):
        refused = refusal(sts.assume_role, RoleArn=role, RoleSessionName="nightly")
        user = f"arn:aws:iam::{tenant.account}:user/alice"
        assert (refused.code, refused.status) == ("AccessDenied", 403)
        assert refused.message == f"User: {user} is not authorized to perform: sts:AssumeRole on resource: {role}"


def test_revoked_sessions_end(keystead, tenant, sts, people):
    role = people.role("deploy", statement("Allow", "kms:ListKeys"))
    before = keystead.client(temporary(sts.assume_role(RoleArn=role, RoleSessionName="before")))
    before.list_keys()
    keystead.admin("sessions", "revoke", "--account", tenant.account, "--role", "deploy")
    wait_until(lambda: refused_code(before) is not None, "the session was refused")
    assert refused_code(before) == "UnrecognizedClientException"
    keystead.client(temporary(sts.assume_role(RoleArn=role, RoleSessionName="after"))).list_keys()


def test_revoked_sessions_of_the_root_user_end(keystead, tenant, sts):
    """Its access keys go on working, and the sessions of users too."""
    long_term = keystead.create_access_key(tenant.account)
    keystead.wait_accepted(keystead.client(long_term))
    root = keystead.client(long_term, "sts")
    before = keystead.client(temporary(root.get_session_token()))
    of_alice = keystead.client(temporary(sts.get_session_token()))
    assert refused_code(before) is None
    keystead.admin("sessions", "revoke", "--account", tenant.account, "--root-user")
    wait_until(lambda: refused_code(before) is not None, "the session was refused")
    assert refused_code(before) == "UnrecognizedClientException"
    after = temporary(root.get_session_token())
    assert identity(keystead, after)["Arn"] == f"arn:aws:iam::{tenant.account}:root"
    for client in (keystead.client(after), keystead.client(long_term), of_alice):
        assert refused_code(client) is None


def test_tokens_and_secrets_that_do_not_belong_together(keystead, sts, people):
    role = people.role("deploy", statement("Allow", "kms:ListKeys"))
    one = temporary(sts.assume_role(RoleArn=role, RoleSessionName="one"))
    two = temporary(sts.assume_role(RoleArn=role, RoleSessionName="two"))
    altered = one.session_token[:-8] + ("A" if one.session_token[-8] != "A" else "B") + one.session_token[-7:]
    for credentials, code in [
        (Credentials(one.access_key_id, one.secret_access_key, two.session_token), "UnrecognizedClientException"),
        (Credentials(one.access_key_id, one.secret_access_key, altered), "UnrecognizedClientException"),
        (Credentials(one.access_key_id, one.secret_access_key), "UnrecognizedClientException"),
        (Credentials(one.access_key_id, two.secret_access_key, one.session_token), "InvalidSignatureException"),
    ]:
        assert refusal(keystead.client(credentials).list_keys).code == code


# ---- Users ----


def test_a_session_of_a_user(keystead, tenant, sts):
    session = sts.get_session_token(DurationSeconds=900)
    credentials = temporary(session)
    assert identity(keystead, credentials)["Arn"] == f"arn:aws:iam::{tenant.account}:user/alice"
    keystead.client(credentials).create_key()
    refused = refusal(keystead.client(credentials, "sts").get_session_token)
    assert (refused.code, refused.message) == ("AccessDenied", "Cannot call GetSessionToken with session credentials")
    assert sts.get_access_key_info(AccessKeyId=credentials.access_key_id)["Account"] == tenant.account
    assert sts.answers.answered == {"GetSessionToken", "GetAccessKeyInfo"}


def test_operations_that_are_not_served(sts):
    refused = refusal(sts.get_federation_token, Name="bob")
    assert refused.code == "InvalidAction" and "GetFederationToken is not served here" in refused.message


def test_the_aws_cli_assumes_a_role_by_itself(keystead, tenant, people, tmp_path):
    role = people.role("deploy", statement("Allow", "kms:ListKeys"))
    cli = AwsCli({"AWS_ENDPOINT_URL": keystead.endpoint, "AWS_DEFAULT_REGION": REGION}, tmp_path)
    (tmp_path / "credentials").write_text(
        f"[alice]\naws_access_key_id = {tenant.credentials.access_key_id}\n"
        f"aws_secret_access_key = {tenant.credentials.secret_access_key}\n"
    )
    (tmp_path / "config").write_text(f"[profile deploy]\nrole_arn = {role}\nsource_profile = alice\nrole_session_name = cli\n")
    cli.environment["AWS_CONFIG_FILE"] = str(tmp_path / "config")
    cli.environment["AWS_SHARED_CREDENTIALS_FILE"] = str(tmp_path / "credentials")
    cli.environment["AWS_PROFILE"] = "deploy"
    assert "Keys" in cli.succeed("list-keys")


# ---- Web identities ----


@pytest.fixture(scope="module")
def issuers():
    return TokenIssuer(FILE_ISSUER), TokenIssuer(URI_ISSUER)


@pytest.fixture(scope="module")
def federated(make_module_installation, authority, issuers, tmp_path_factory):
    """A server that knows an issuer by a file and one by a URI."""
    of_file, of_uri = issuers
    keys = tmp_path_factory.mktemp("issuer") / "keys.json"
    keys.write_text(of_file.key_set)
    server = KeySetServer(authority.issue("localhost"), of_uri.key_set)
    settings = [
        {"issuer": FILE_ISSUER, "jwks_file": str(keys)},
        {"issuer": URI_ISSUER, "jwks_uri": f"https://localhost:{server.port}/keys", "ca_file": str(authority.certificate)},
    ]
    yield make_module_installation({"oidc_issuer": settings}).start()
    server.close()


def web_role(federated, issuer):
    """An account with a provider for an issuer, and a role that the issuer's alice may assume."""
    tenant = federated.create_tenant()
    iam = federated.client(tenant.credentials, "iam")
    url = issuer.issuer.removeprefix("https://")
    provider = iam.create_open_id_connect_provider(Url=issuer.issuer, ClientIDList=["keystead"])["OpenIDConnectProviderArn"]
    trust = {
        "Effect": "Allow",
        "Principal": {"Federated": provider},
        "Action": "sts:AssumeRoleWithWebIdentity",
        "Condition": {"StringEquals": {f"{url}:aud": "keystead", f"{url}:sub": "alice"}},
    }
    role = iam.create_role(RoleName="web", AssumeRolePolicyDocument=document(trust))["Role"]["Arn"]
    allow = document(statement("Allow", "kms:ListKeys"))
    iam.put_role_policy(RoleName="web", PolicyName="inline", PolicyDocument=allow)
    return tenant, provider, role


def unsigned_sts(installation):
    session = botocore.session.Session()
    config = Config(signature_version=UNSIGNED, retries={"total_max_attempts": 1})
    return session.create_client("sts", endpoint_url=installation.endpoint, region_name=REGION, config=config)


@pytest.mark.parametrize("number", [0, 1], ids=["keys in a file", "keys at a URI"])
def test_a_session_for_a_web_identity(federated, issuers, number):
    issuer = issuers[number]
    tenant, provider, role = web_role(federated, issuer)
    sts, token = unsigned_sts(federated), issuer.token()
    answers = QueryAnswers(sts)
    assumed = sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="web", WebIdentityToken=token)
    assert answers.answered == {"AssumeRoleWithWebIdentity"}
    assert (assumed["Provider"], assumed["Audience"]) == (provider, "keystead")
    assert assumed["SubjectFromWebIdentityToken"] == "alice"
    federated.client(temporary(assumed)).list_keys()
    record = federated.audit_record(request_id(assumed))
    assert record["userIdentity"]["type"] == "WebIdentityUser"
    assert record["userIdentity"]["identityProvider"] == provider
    assert record["recipientAccountId"] == tenant.account
    everything = (federated.data_folder / "audit.jsonl").read_text() + federated.server.stderr
    assert token not in everything and assumed["Credentials"]["SessionToken"] not in everything
    with pytest.raises(sts.exceptions.InvalidIdentityTokenException):
        sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="web", WebIdentityToken=token[:-4])
    with pytest.raises(sts.exceptions.ExpiredTokenException):
        old = issuer.token(iat=1_700_000_000, exp=1_700_003_600)
        sts.assume_role_with_web_identity(RoleArn=role, RoleSessionName="web", WebIdentityToken=old)
    mallory = issuer.token(sub="mallory")
    refused = refusal(sts.assume_role_with_web_identity, RoleArn=role, RoleSessionName="web", WebIdentityToken=mallory)
    assert (refused.code, refused.message) == (
        "AccessDenied",
        "Not authorized to perform sts:AssumeRoleWithWebIdentity",
    )


def test_the_sdk_takes_a_token_file_by_itself(federated, issuers, tmp_path, monkeypatch):
    _, _, role = web_role(federated, issuers[0])
    (tmp_path / "token").write_text(issuers[0].token())
    for name, value in {
        "AWS_ROLE_ARN": role,
        "AWS_WEB_IDENTITY_TOKEN_FILE": str(tmp_path / "token"),
        "AWS_ROLE_SESSION_NAME": "from-a-file",
        "AWS_ENDPOINT_URL": federated.endpoint,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    session = botocore.session.Session()
    session.create_client("kms").list_keys()
    arn = session.create_client("sts").get_caller_identity()["Arn"]
    assert arn.endswith(":assumed-role/web/from-a-file")


def test_other_requests_without_a_signature_are_refused(keystead):
    sts = unsigned_sts(keystead)
    for call in (sts.get_caller_identity, sts.get_session_token):
        assert refusal(call).code == "MissingAuthenticationToken"
