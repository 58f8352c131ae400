"""Users, access keys, groups and roles through the IAM API, with an unmodified SDK. Every answer is held against botocore's model.

Source: IAM API Reference; IAM User Guide, "IAM and AWS STS quotas".
"""

import json

import pytest

from support.aws_cli import AwsCli
from support.credentials import Credentials
from support.installation import Installation
from support.people import document, statement
from support.query_answers import QueryAnswers
from support.sdk_client import REGION, refusal, request_id

ALLOW_KMS = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "kms:ListAliases", "Resource": "*"}}


def trusting(account):
    statement = {"Effect": "Allow", "Principal": {"AWS": account}, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": statement})


@pytest.fixture
def iam(keystead, tenant):
    """A client of IAM, every answer to which is checked."""
    client = keystead.client(tenant.credentials, "iam")
    client.answers = QueryAnswers(client)
    return client


def new_access_key(iam, user):
    made = iam.create_access_key(UserName=user)["AccessKey"]
    return Credentials(made["AccessKeyId"], made["SecretAccessKey"])


# ---- Users ----


def test_a_user(iam, tenant):
    made = iam.create_user(UserName="bob", Path="/team/", Tags=[{"Key": "Team", "Value": "blue + green"}])["User"]
    assert made["Arn"] == f"arn:aws:iam::{tenant.account}:user/team/bob"
    assert iam.get_user(UserName="bob")["User"] == made
    assert [user["UserName"] for user in iam.list_users(PathPrefix="/team/")["Users"]] == ["bob"]
    iam.tag_user(UserName="bob", Tags=[{"Key": "team", "Value": "red"}, {"Key": "Cost", "Value": ""}])
    assert iam.list_user_tags(UserName="bob")["Tags"] == [{"Key": "Cost", "Value": ""}, {"Key": "team", "Value": "red"}]
    iam.untag_user(UserName="bob", TagKeys=["Team"])
    assert iam.list_user_tags(UserName="bob")["Tags"] == [{"Key": "Cost", "Value": ""}]
    iam.delete_user(UserName="bob")
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_user(UserName="bob")
    assert iam.get_user()["User"]["UserName"] == "alice"


def test_an_empty_list_of_tags_is_none(iam):
    assert "Tags" not in iam.create_user(UserName="bob", Tags=[])["User"]


def test_who_may_not_tag_makes_no_user_whose_tags_open_a_key(keystead, iam, tenant):
    finance = statement("Allow", "kms:Encrypt", Principal={"AWS": "*"}, Condition={
        "StringEquals": {"aws:PrincipalAccount": tenant.account, "aws:PrincipalTag/team": "finance"}
    })
    administrators = statement("Allow", "kms:*", Principal={"AWS": f"arn:aws:iam::{tenant.account}:root"})
    key = keystead.client(tenant.credentials).create_key(Policy=document(administrators, finance))["KeyMetadata"]["KeyId"]
    iam.create_user(UserName="helpdesk")
    may = document(statement("Allow", ["iam:CreateUser", "iam:CreateAccessKey"]), statement("Deny", "iam:TagUser"))
    iam.put_user_policy(UserName="helpdesk", PolicyName="may", PolicyDocument=may)
    helpdesk = keystead.client(new_access_key(iam, "helpdesk"), "iam")

    tags = [{"Key": "team", "Value": "finance"}]
    refused = refusal(helpdesk.create_user, UserName="mallory", Tags=tags)
    assert (refused.code, refused.status) == ("AccessDenied", 403)
    assert refused.message.startswith(
        f"User: arn:aws:iam::{tenant.account}:user/helpdesk is not authorized to perform: iam:TagUser"
        f" on resource: arn:aws:iam::{tenant.account}:user/mallory with an explicit deny"
    )
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_user(UserName="mallory")
    # Without tags the user is made, and the key stays closed until somebody tags who may.
    helpdesk.create_user(UserName="mallory", Tags=[])
    mallory = keystead.client(new_access_key(helpdesk, "mallory"))
    assert refusal(helpdesk.tag_user, UserName="mallory", Tags=tags).code == "AccessDenied"
    assert refusal(mallory.encrypt, KeyId=key, Plaintext=b"x").code == "AccessDeniedException"
    iam.tag_user(UserName="mallory", Tags=tags)
    mallory.encrypt(KeyId=key, Plaintext=b"x")


def test_the_sdk_reads_the_errors(iam):
    iam.create_user(UserName="bob")
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_user(UserName="BOB")
    iam.create_access_key(UserName="bob")
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_user(UserName="bob")
    iam.create_access_key(UserName="bob")
    with pytest.raises(iam.exceptions.LimitExceededException):
        iam.create_access_key(UserName="bob")
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException):
        iam.create_role(RoleName="reader", AssumeRolePolicyDocument="{}")
    with pytest.raises(iam.exceptions.InvalidInputException):
        iam.tag_user(UserName="bob", Tags=[{"Key": "aws:x", "Value": ""}])
    refused = refusal(iam.create_user, UserName="b*b")
    assert (refused.code, refused.status) == ("ValidationError", 400)
    assert refused.message == (
        "1 validation error detected: Value 'b*b' at 'userName' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: [\w+=,.@-]+"
    )


def test_waiters_and_paginators(iam, tenant):
    names = [f"user{number:02}" for number in range(7)]
    for name in names:
        iam.create_user(UserName=name)
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=trusting(tenant.account))
        iam.create_group(GroupName=name)
    iam.get_waiter("user_exists").wait(UserName="user00", WaiterConfig={"MaxAttempts": 1})
    iam.get_waiter("role_exists").wait(RoleName="user00", WaiterConfig={"MaxAttempts": 1})
    lists = [("list_users", "Users", "UserName"), ("list_roles", "Roles", "RoleName"), ("list_groups", "Groups", "GroupName")]
    for operation, member, name in lists:
        pages = list(iam.get_paginator(operation).paginate(PaginationConfig={"PageSize": 3}))
        assert [len(page[member]) for page in pages] == ([3, 3, 2] if member == "Users" else [3, 3, 1])
        assert [entry[name] for page in pages for entry in page[member] if entry[name] != "alice"] == names


# ---- Access keys ----


def test_a_new_access_key_works_at_once_and_a_deactivated_one_no_more(keystead, iam):
    iam.create_user(UserName="bob")
    iam.put_user_policy(UserName="bob", PolicyName="list", PolicyDocument=json.dumps(ALLOW_KMS))
    credentials = new_access_key(iam, "bob")
    kms = keystead.client(credentials)
    kms.list_aliases()
    key = {"UserName": "bob", "AccessKeyId": credentials.access_key_id}
    iam.update_access_key(**key, Status="Inactive")
    assert refusal(kms.list_aliases).code == "UnrecognizedClientException"
    iam.update_access_key(**key, Status="Active")
    kms.list_aliases()
    (listed,) = iam.list_access_keys(UserName="bob")["AccessKeyMetadata"]
    assert (listed["AccessKeyId"], listed["Status"]) == (credentials.access_key_id, "Active")
    iam.delete_access_key(**key)
    assert refusal(kms.list_aliases).code == "UnrecognizedClientException"


def test_users_change_their_own_access_keys(keystead, iam):
    iam.create_user(UserName="bob")
    statement = {"Effect": "Allow", "Action": "iam:*AccessKey*", "Resource": "arn:aws:iam::*:user/${aws:username}"}
    own = {"Version": "2012-10-17", "Statement": statement}
    iam.put_user_policy(UserName="bob", PolicyName="own", PolicyDocument=json.dumps(own))
    bob = keystead.client(new_access_key(iam, "bob"), "iam")
    made = bob.create_access_key()["AccessKey"]
    assert made["UserName"] == "bob"
    bob.delete_access_key(AccessKeyId=made["AccessKeyId"])
    assert refusal(bob.create_access_key, UserName="alice").code == "AccessDenied"


def test_the_secret_is_in_no_record(keystead, iam):
    iam.create_user(UserName="bob")
    made = iam.create_access_key(UserName="bob")
    record = keystead.audit_record(request_id(made))
    assert (record["eventSource"], record["eventName"]) == ("iam.amazonaws.com", "CreateAccessKey")
    assert record["responseElements"]["accessKey"]["accessKeyId"] == made["AccessKey"]["AccessKeyId"]
    everything = (keystead.data_folder / "audit.jsonl").read_text() + keystead.server.stderr
    assert made["AccessKey"]["SecretAccessKey"] not in everything


def test_the_last_use_of_an_access_key(keystead, iam):
    iam.create_user(UserName="bob")
    iam.put_user_policy(UserName="bob", PolicyName="list", PolicyDocument=json.dumps(ALLOW_KMS))
    credentials = new_access_key(iam, "bob")
    unused = iam.get_access_key_last_used(AccessKeyId=credentials.access_key_id)
    assert unused["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    keystead.client(credentials, region="eu-west-1").list_aliases()
    used = iam.get_access_key_last_used(AccessKeyId=credentials.access_key_id)
    assert used["UserName"] == "bob"
    assert used["AccessKeyLastUsed"].pop("LastUsedDate").tzinfo is not None
    assert used["AccessKeyLastUsed"] == {"ServiceName": "kms", "Region": "eu-west-1"}


def test_the_last_use_outlives_the_server(tmp_path_factory):
    installation = Installation(tmp_path_factory.mktemp("last-use")).start()
    tenant = installation.create_tenant()
    installation.restart()
    iam = installation.client(tenant.credentials, "iam")
    iam.create_user(UserName="bob")
    bob = new_access_key(iam, "bob")
    # Refused for want of a policy, but the signature was good: a use.
    assert refusal(installation.client(bob).list_aliases).code == "AccessDeniedException"
    before = iam.get_access_key_last_used(AccessKeyId=bob.access_key_id)["AccessKeyLastUsed"]
    installation.restart()
    iam = installation.client(tenant.credentials, "iam")
    assert iam.get_access_key_last_used(AccessKeyId=bob.access_key_id)["AccessKeyLastUsed"] == before
    assert before["ServiceName"] == "kms"
    assert installation.stop() == 0


# ---- Groups ----


def test_a_group(keystead, iam):
    iam.create_user(UserName="bob")
    iam.create_group(GroupName="staff")
    iam.put_group_policy(GroupName="staff", PolicyName="list", PolicyDocument=json.dumps(ALLOW_KMS))
    kms = keystead.client(new_access_key(iam, "bob"))
    assert refusal(kms.list_aliases).code == "AccessDeniedException"
    iam.add_user_to_group(GroupName="staff", UserName="bob")
    kms.list_aliases()
    assert [user["UserName"] for user in iam.get_group(GroupName="staff")["Users"]] == ["bob"]
    assert [group["GroupName"] for group in iam.list_groups_for_user(UserName="bob")["Groups"]] == ["staff"]
    iam.remove_user_from_group(GroupName="staff", UserName="bob")
    assert refusal(kms.list_aliases).code == "AccessDeniedException"
    iam.delete_group_policy(GroupName="staff", PolicyName="list")
    iam.delete_group(GroupName="staff")


# ---- Roles ----


def test_a_role(iam, tenant):
    made = iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trusting(tenant.account), Description="Reads.")["Role"]
    # The SDK has decoded it.
    assert made["AssumeRolePolicyDocument"] == json.loads(trusting(tenant.account))
    assert iam.get_role(RoleName="reader")["Role"] == made
    iam.update_role(RoleName="reader", Description="Reads more.", MaxSessionDuration=7200)
    iam.update_role_description(RoleName="reader", Description="Reads all.")
    iam.update_assume_role_policy(RoleName="reader", PolicyDocument=trusting(f"arn:aws:iam::{tenant.account}:user/alice"))
    iam.tag_role(RoleName="reader", Tags=[{"Key": "k", "Value": "v"}])
    changed = iam.get_role(RoleName="reader")["Role"]
    assert (changed["Description"], changed["MaxSessionDuration"], changed["Tags"]) == (
        "Reads all.",
        7200,
        [{"Key": "k", "Value": "v"}],
    )
    assert iam.list_role_tags(RoleName="reader")["Tags"] == changed["Tags"]
    iam.untag_role(RoleName="reader", TagKeys=["k"])
    refused = refusal(
        iam.update_assume_role_policy,
        RoleName="reader",
        PolicyDocument=trusting(f"arn:aws:iam::{tenant.account}:user/nobody"),
    )
    assert refused.message == f'Invalid principal in policy: "AWS":"arn:aws:iam::{tenant.account}:user/nobody"'
    iam.delete_role(RoleName="reader")
    assert iam.list_roles()["Roles"] == []


def test_a_trust_policy_that_is_edited_gives_nothing_to_a_new_user_of_the_name(keystead, iam, tenant):
    arn = f"arn:aws:iam::{tenant.account}:user/bob"
    first = iam.create_user(UserName="bob")["User"]["UserId"]
    iam.create_role(RoleName="reader", AssumeRolePolicyDocument=trusting(arn))
    trust = iam.get_role(RoleName="reader")["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"]["Principal"] == {"AWS": arn}
    iam.delete_user(UserName="bob")
    iam.create_user(UserName="bob")
    (listed,) = iam.list_roles()["Roles"]
    (detail,) = iam.get_account_authorization_details(Filter=["Role"])["RoleDetailList"]
    trust = iam.get_role(RoleName="reader")["Role"]["AssumeRolePolicyDocument"]
    assert trust["Statement"]["Principal"] == {"AWS": first}
    assert trust == listed["AssumeRolePolicyDocument"] == detail["AssumeRolePolicyDocument"]
    # Whoever edits what is shown must say who is meant.
    trust["Statement"]["Sid"] = "edited"
    refused = refusal(iam.update_assume_role_policy, RoleName="reader", PolicyDocument=json.dumps(trust))
    assert refused.code == "MalformedPolicyDocument"
    assert f'Invalid principal in policy: "AWS":"{first}"' in refused.message
    sts = keystead.client(new_access_key(iam, "bob"), "sts")
    role = {"RoleArn": f"arn:aws:iam::{tenant.account}:role/reader", "RoleSessionName": "nightly"}
    assert refusal(sts.assume_role, **role).code == "AccessDenied"
    trust["Statement"]["Principal"] = {"AWS": arn}
    iam.update_assume_role_policy(RoleName="reader", PolicyDocument=json.dumps(trust))
    sts.assume_role(**role)


# ---- The API as a whole ----


def test_every_operation_is_held_against_the_model(iam, tenant):
    trust = trusting(tenant.account)
    user, group, role = {"UserName": "bob"}, {"GroupName": "staff"}, {"RoleName": "reader"}
    tags = [{"Key": "k", "Value": "v"}]
    iam.create_user(**user, Tags=tags)
    key = {**user, "AccessKeyId": new_access_key(iam, "bob").access_key_id}
    iam.create_group(**group)
    iam.create_role(**role, AssumeRolePolicyDocument=trust, Tags=tags)
    calls = {
        "create_user": {"UserName": "carol"}, "get_user": user, "list_users": {}, "tag_user": {**user, "Tags": tags},
        "list_user_tags": user, "untag_user": {**user, "TagKeys": ["k"]}, "create_access_key": user, "list_access_keys": user,
        "update_access_key": {**key, "Status": "Inactive"}, "get_access_key_last_used": {"AccessKeyId": key["AccessKeyId"]},
        "delete_access_key": key, "create_group": {"GroupName": "others"}, "list_groups": {},
        "add_user_to_group": {**user, **group}, "get_group": group, "list_groups_for_user": user,
        "remove_user_from_group": {**user, **group}, "delete_group": group,
        "create_role": {"RoleName": "writer", "AssumeRolePolicyDocument": trust}, "get_role": role, "list_roles": {},
        "update_role": role, "update_role_description": {**role, "Description": "d"},
        "update_assume_role_policy": {**role, "PolicyDocument": trust}, "tag_role": {**role, "Tags": tags},
        "list_role_tags": role, "untag_role": {**role, "TagKeys": ["k"]}, "delete_role": role, "delete_user": {"UserName": "carol"},
        "get_account_authorization_details": {},
    }
    for name, parameters in calls.items():
        getattr(iam, name)(**parameters)
    assert len(iam.answers.answered) == len(calls)


def test_operations_that_are_not_served_say_so(iam):
    refused = refusal(iam.update_user, UserName="alice", NewUserName="bob")
    assert (refused.code, "keep their name" in refused.message) == ("InvalidAction", True)
    assert refusal(iam.list_instance_profiles).code == "InvalidAction"


def test_the_aws_cli(keystead, tenant, tmp_path):
    variables = {
        "AWS_ACCESS_KEY_ID": tenant.credentials.access_key_id,
        "AWS_SECRET_ACCESS_KEY": tenant.credentials.secret_access_key,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": keystead.endpoint,
    }
    iam = AwsCli(variables, tmp_path, "iam")
    made = iam.succeed("create-user", "--user-name", "bob", "--tags", "Key=k,Value=v")
    assert made["User"]["Tags"] == [{"Key": "k", "Value": "v"}]
    document = tmp_path / "trust.json"
    document.write_text(trusting(tenant.account))
    role = iam.succeed("create-role", "--role-name", "reader", "--assume-role-policy-document", f"file://{document}")
    assert role["Role"]["AssumeRolePolicyDocument"] == json.loads(trusting(tenant.account))
    assert iam.fail("get-user", "--user-name", "carol").strip().endswith("The user with name carol cannot be found.")
