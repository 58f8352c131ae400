"""Policies through the IAM API, with an unmodified SDK: managed, inline, boundaries, OpenID Connect providers, simulations, and what they do
to requests to KMS. Every answer is held against botocore's model.

Source: IAM API Reference; IAM User Guide, "Managed policies and inline policies", "IAM policy simulator".
"""

import json

import pytest

from support.people import People, document, statement
from support.query_answers import QueryAnswers
from support.sdk_client import refusal

ADMINISTRATOR = "arn:aws:iam::aws:policy/AdministratorAccess"
ENCRYPT = document(statement("Allow", "kms:Encrypt"))


@pytest.fixture
def people(keystead, tenant):
    """Makes users and roles of the tenant's account."""
    return People(keystead, tenant)


@pytest.fixture
def iam(keystead, tenant):
    """A client of IAM, every answer to which is checked."""
    client = keystead.client(tenant.credentials, "iam")
    client.answers = QueryAnswers(client)
    return client


@pytest.fixture
def key(keystead, tenant):
    """The ARN of a key whose policy leaves everything to the account."""
    return keystead.client(tenant.credentials).create_key()["KeyMetadata"]["Arn"]


def names(policies):
    return [policy["PolicyName"] for policy in policies]


# ---- Managed policies ----


def test_a_managed_policy(iam, tenant):
    tags = [{"Key": "team", "Value": "blue"}]
    made = iam.create_policy(PolicyName="use", Path="/keys/", PolicyDocument=ENCRYPT, Description="Uses keys", Tags=tags)
    arn = f"arn:aws:iam::{tenant.account}:policy/keys/use"
    assert made["Policy"]["Arn"] == arn
    found = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (found["Description"], found["Tags"], found["DefaultVersionId"]) == ("Uses keys", tags, "v1")
    # The SDK decodes the document.
    version = iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]
    assert version["Document"] == json.loads(ENCRYPT)
    other = document(statement("Allow", "kms:Decrypt"))
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=other)["PolicyVersion"]["VersionId"] == "v2"
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v2")
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(version["VersionId"], version["IsDefaultVersion"]) for version in versions] == [("v2", True), ("v1", False)]
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "cost", "Value": "1"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["team"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "cost", "Value": "1"}]
    assert names(iam.list_policies(Scope="Local")["Policies"]) == ["use"]
    iam.delete_policy(PolicyArn=arn)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_policy(PolicyArn=arn)


def test_the_policies_of_aws(iam):
    paginator = iam.get_paginator("list_policies")
    pages = paginator.paginate(Scope="AWS", PaginationConfig={"PageSize": 2})
    listed = names(policy for page in pages for policy in page["Policies"])
    assert listed == sorted(listed)
    for name in ["AdministratorAccess", "AWSKeyManagementServicePowerUser", "IAMReadOnlyAccess", "AWSCloudHSMFullAccess"]:
        assert name in listed
    found = iam.get_policy(PolicyArn=ADMINISTRATOR)["Policy"]
    assert found["PolicyId"] == "ANPAIWMBCKSKIEE64ZLYK"
    version = iam.get_policy_version(PolicyArn=ADMINISTRATOR, VersionId=found["DefaultVersionId"])["PolicyVersion"]
    assert version["Document"]["Statement"] == [{"Effect": "Allow", "Action": "*", "Resource": "*"}]
    refused = refusal(iam.delete_policy, PolicyArn=ADMINISTRATOR)
    assert (refused.code, refused.message) == ("AccessDenied", "Policy is outside your own account.")


def test_the_sdk_reads_the_errors(iam, people):
    arn = iam.create_policy(PolicyName="use", PolicyDocument=ENCRYPT)["Policy"]["Arn"]
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_policy(PolicyName="Use", PolicyDocument=ENCRYPT)
    with pytest.raises(iam.exceptions.MalformedPolicyDocumentException, match="Statement 1: Effect must be Allow or Deny"):
        iam.create_policy(PolicyName="no", PolicyDocument=document({"Effect": "Permit", "Action": "*", "Resource": "*"}))
    people.user("bob")
    iam.attach_user_policy(UserName="bob", PolicyArn=arn)
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_policy(PolicyArn=arn)
    missing = arn.replace("use", "none")
    with pytest.raises(iam.exceptions.NoSuchEntityException, match=f"Policy {missing} does not exist or is not attachable."):
        iam.attach_user_policy(UserName="bob", PolicyArn=missing)
    for_services = "arn:aws:iam::aws:policy/aws-service-role/AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy"
    with pytest.raises(iam.exceptions.PolicyNotAttachableException):
        iam.attach_user_policy(UserName="bob", PolicyArn=for_services)
    with pytest.raises(iam.exceptions.InvalidInputException):
        iam.get_policy(PolicyArn="arn:aws:iam::aws:user/somebody")
    long = document(*[statement("Allow", "kms:Encrypt")] * 40)
    with pytest.raises(iam.exceptions.LimitExceededException, match="Maximum policy size of 2048 bytes exceeded for user bob"):
        iam.put_user_policy(UserName="bob", PolicyName="long", PolicyDocument=long)


# ---- What policies do to requests ----


def test_attaching_and_detaching_take_effect_at_once(iam, people, key):
    bob = people.user("bob")
    arn = iam.create_policy(PolicyName="use", PolicyDocument=ENCRYPT)["Policy"]["Arn"]
    encrypt = {"KeyId": key, "Plaintext": b"x"}
    assert refusal(bob.client.encrypt, **encrypt).code == "AccessDeniedException"
    iam.attach_user_policy(UserName="bob", PolicyArn=arn)
    bob.client.encrypt(**encrypt)
    assert names(iam.list_attached_user_policies(UserName="bob")["AttachedPolicies"]) == ["use"]
    assert [user["UserName"] for user in iam.list_entities_for_policy(PolicyArn=arn)["PolicyUsers"]] == ["bob"]
    iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=document(statement("Deny", "kms:Encrypt")), SetAsDefault=True
    )
    assert "with an explicit deny in an identity-based policy" in refusal(bob.client.encrypt, **encrypt).message
    iam.detach_user_policy(UserName="bob", PolicyArn=arn)
    iam.create_group(GroupName="users")
    iam.put_group_policy(GroupName="users", PolicyName="use", PolicyDocument=ENCRYPT)
    assert refusal(bob.client.encrypt, **encrypt).code == "AccessDeniedException"
    iam.add_user_to_group(GroupName="users", UserName="bob")
    bob.client.encrypt(**encrypt)
    assert iam.get_group_policy(GroupName="users", PolicyName="use")["PolicyDocument"] == json.loads(ENCRYPT)
    assert iam.list_group_policies(GroupName="users")["PolicyNames"] == ["use"]
    iam.delete_group_policy(GroupName="users", PolicyName="use")
    assert refusal(bob.client.encrypt, **encrypt).code == "AccessDeniedException"


def test_a_boundary_limits(iam, people, key):
    bob = people.user("bob", statement("Allow", "kms:*"))
    arn = iam.create_policy(PolicyName="limit", PolicyDocument=document(statement("Allow", "kms:DescribeKey")))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="bob", PermissionsBoundary=arn)
    bob.client.describe_key(KeyId=key)
    refused = refusal(bob.client.encrypt, KeyId=key, Plaintext=b"x")
    assert refused.message.endswith("because no permissions boundary allows the kms:Encrypt action")
    iam.delete_user_permissions_boundary(UserName="bob")
    bob.client.encrypt(KeyId=key, Plaintext=b"x")


def test_roles_have_policies_too(iam, people, key):
    role = people.role("reader")
    session = people.session(role, "one")
    assert refusal(session.client.describe_key, KeyId=key).code == "AccessDeniedException"
    iam.put_role_policy(RoleName="reader", PolicyName="read", PolicyDocument=document(statement("Allow", "kms:DescribeKey")))
    session.client.describe_key(KeyId=key)
    iam.attach_role_policy(RoleName="reader", PolicyArn=ADMINISTRATOR)
    session.client.encrypt(KeyId=key, Plaintext=b"x")
    assert names(iam.list_attached_role_policies(RoleName="reader")["AttachedPolicies"]) == ["AdministratorAccess"]
    with pytest.raises(iam.exceptions.DeleteConflictException):
        iam.delete_role(RoleName="reader")


# ---- The account and its identity providers ----


def test_the_summary_of_the_account(iam):
    iam.create_policy(PolicyName="use", PolicyDocument=ENCRYPT)
    summary = iam.get_account_summary()["SummaryMap"]
    assert (summary["Policies"], summary["PoliciesQuota"], summary["VersionsPerPolicyQuota"]) == (1, 1500, 5)


def test_an_identity_provider(iam, tenant):
    thumbprint = "0123456789012345678901234567890123456789"
    made = iam.create_open_id_connect_provider(
        Url="https://issuer.example.com/realm", ClientIDList=["kms"], ThumbprintList=[thumbprint]
    )
    arn = made["OpenIDConnectProviderArn"]
    assert arn == f"arn:aws:iam::{tenant.account}:oidc-provider/issuer.example.com/realm"
    iam.add_client_id_to_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="other")
    iam.tag_open_id_connect_provider(OpenIDConnectProviderArn=arn, Tags=[{"Key": "team", "Value": "blue"}])
    found = iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    assert (found["Url"], found["ClientIDList"]) == ("issuer.example.com/realm", ["kms", "other"])
    assert found["Tags"] == iam.list_open_id_connect_provider_tags(OpenIDConnectProviderArn=arn)["Tags"]
    assert iam.list_open_id_connect_providers()["OpenIDConnectProviderList"] == [{"Arn": arn}]
    with pytest.raises(iam.exceptions.EntityAlreadyExistsException):
        iam.create_open_id_connect_provider(Url="https://issuer.example.com/realm")
    iam.remove_client_id_from_open_id_connect_provider(OpenIDConnectProviderArn=arn, ClientID="kms")
    iam.update_open_id_connect_provider_thumbprint(OpenIDConnectProviderArn=arn, ThumbprintList=["f" * 40])
    iam.untag_open_id_connect_provider(OpenIDConnectProviderArn=arn, TagKeys=["team"])
    iam.delete_open_id_connect_provider(OpenIDConnectProviderArn=arn)
    with pytest.raises(iam.exceptions.NoSuchEntityException):
        iam.get_open_id_connect_provider(OpenIDConnectProviderArn=arn)


# ---- Simulations ----


def test_a_simulation_says_what_a_request_is_told(iam, people, key):
    bob = people.user(
        "bob", statement("Allow", ["kms:DescribeKey", "kms:Encrypt"], key), statement("Deny", "kms:Encrypt")
    )
    results = iam.simulate_principal_policy(
        PolicySourceArn=bob.arn,
        ActionNames=["kms:DescribeKey", "kms:Encrypt", "kms:GetKeyPolicy"],
        ResourceArns=[key],
    )["EvaluationResults"]
    assert [result["EvalDecision"] for result in results] == ["allowed", "explicitDeny", "implicitDeny"]
    assert [len(result["MatchedStatements"]) for result in results] == [1, 1, 0]
    matched = results[0]["MatchedStatements"][0]
    assert (matched["SourcePolicyId"], matched["SourcePolicyType"]) == ("user_bob_inline", "user")
    assert matched["StartPosition"]["Line"] == 1 < matched["StartPosition"]["Column"]
    bob.client.describe_key(KeyId=key)
    assert "explicit deny" in refusal(bob.client.encrypt, KeyId=key, Plaintext=b"x").message
    assert refusal(bob.client.get_key_policy, KeyId=key).code == "AccessDeniedException"


def test_a_simulation_of_policies_that_are_given(iam):
    conditional = document(statement("Allow", "kms:Decrypt", Condition={"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}))
    assert iam.get_context_keys_for_custom_policy(PolicyInputList=[conditional])["ContextKeyNames"] == ["aws:SourceIp"]
    asked = {"PolicyInputList": [conditional], "ActionNames": ["kms:Decrypt"]}
    result = iam.simulate_custom_policy(**asked)["EvaluationResults"][0]
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("implicitDeny", ["aws:SourceIp"])
    entry = {"ContextKeyName": "aws:SourceIp", "ContextKeyType": "ip", "ContextKeyValues": ["10.1.2.3"]}
    result = iam.simulate_custom_policy(**asked, ContextEntries=[entry])["EvaluationResults"][0]
    assert (result["EvalDecision"], result["MissingContextValues"]) == ("allowed", [])
    boundary = document(statement("Allow", "kms:Encrypt"))
    bounded = iam.simulate_custom_policy(**asked, ContextEntries=[entry], PermissionsBoundaryPolicyInputList=[boundary])
    result = bounded["EvaluationResults"][0]
    assert result["EvalDecision"] == "implicitDeny"
    assert result["PermissionsBoundaryDecisionDetail"] == {"AllowedByPermissionsBoundary": False}
