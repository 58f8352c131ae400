"""A user or role that is deleted and made again under the same name is another one, to key policies, trust policies and grants alike.

Source: IAM User Guide, "AWS JSON policy elements: Principal" and "NotPrincipal", "IAM identifiers"; KMS Developer Guide, "Key policies".
"""

import json

import pytest

from support.credentials import Credentials
from support.people import People, document, statement
from support.sdk_client import OTHER_REGION, refusal

ENCRYPT = "kms:Encrypt"


@pytest.fixture
def people(keystead, tenant):
    return People(keystead, tenant)


@pytest.fixture
def root(people):
    return f"arn:aws:iam::{people.account}:root"


def allow(*principals, actions="kms:*"):
    """One statement of a key policy."""
    return {"Effect": "Allow", "Principal": {"AWS": list(principals)}, "Action": actions, "Resource": "*"}


def new_key(kms, *statements, **parameters):
    return kms.create_key(Policy=document(*statements), **parameters)["KeyMetadata"]["Arn"]


def made_again(people, name):
    people.delete_user(name)
    return people.user(name)


def credentials_of(people, name):
    key = people.iam.create_access_key(UserName=name)["AccessKey"]
    return Credentials(key["AccessKeyId"], key["SecretAccessKey"])


def delete_role(people, name):
    for policy in people.iam.list_role_policies(RoleName=name)["PolicyNames"]:
        people.iam.delete_role_policy(RoleName=name, PolicyName=policy)
    people.iam.delete_role(RoleName=name)


def assert_may(person, key, **parameters):
    person.client.encrypt(KeyId=key, Plaintext=b"text", **parameters)


def assert_may_not(person, key, **parameters):
    refused = refusal(person.client.encrypt, KeyId=key, Plaintext=b"text", **parameters)
    assert refused.code == "AccessDeniedException"


def test_a_user_of_a_key_policy(kms, people, root):
    first = people.user("bob")
    given = new_key(kms, allow(root), allow(first.arn, actions=ENCRYPT))
    put = new_key(kms, allow(root))
    kms.put_key_policy(KeyId=put, Policy=document(allow(root), allow(first.arn, actions=ENCRYPT)))
    for key in (given, put):
        assert_may(first, key)
    second = made_again(people, "bob")
    assert second.arn == first.arn
    for key in (given, put):
        assert_may_not(second, key)
    # Put again by name, it means the user who has the name now.
    kms.put_key_policy(KeyId=put, Policy=document(allow(root), allow(first.arn, actions=ENCRYPT)))
    assert_may(second, put)
    assert_may_not(second, given)


INVALID_PRINCIPALS = "Policy contains a statement with one or more invalid principals."


def test_get_edit_put_gives_nothing_to_a_new_user_of_the_name(kms, people, root):
    first = people.user("bob")
    policy = document(allow(root), allow(root, first.arn, actions=ENCRYPT))
    key = new_key(kms, allow(root))
    kms.put_key_policy(KeyId=key, Policy=policy)
    assert kms.get_key_policy(KeyId=key)["Policy"] == policy
    user_id = people.iam.get_user(UserName="bob")["User"]["UserId"]
    people.delete_user("bob")
    shown = policy.replace(first.arn, user_id)
    assert kms.get_key_policy(KeyId=key)["Policy"] == shown
    second = people.user("bob")
    assert second.arn == first.arn and user_id.startswith("AIDA")
    assert kms.get_key_policy(KeyId=key)["Policy"] == shown

    edited = json.loads(shown)
    edited["Statement"].append(allow(root, actions="kms:DescribeKey"))
    for bypass in (False, True):
        lockout = {"BypassPolicyLockoutSafetyCheck": bypass}
        refused = refusal(kms.put_key_policy, KeyId=key, Policy=json.dumps(edited), **lockout)
        assert (refused.code, refused.message) == ("MalformedPolicyDocumentException", INVALID_PRINCIPALS)
        assert refusal(kms.create_key, Policy=shown, **lockout).code == "MalformedPolicyDocumentException"
    assert_may_not(second, key)
    # Without the principal that is gone it can be put, and the one who has the name has nothing of it.
    edited["Statement"][1]["Principal"]["AWS"].remove(user_id)
    kms.put_key_policy(KeyId=key, Policy=json.dumps(edited))
    assert_may_not(second, key)


def test_a_role_of_a_key_policy(kms, people, root):
    role = people.role("clerk")
    role_id = people.iam.get_role(RoleName="clerk")["Role"]["RoleId"]
    session = people.session(role, "one")
    by_role, by_session = new_key(kms, allow(root, role)), new_key(kms, allow(root, session.arn))
    for key in (by_role, by_session):
        assert_may(session, key)
    delete_role(people, "clerk")
    assert people.role("clerk") == role
    again = people.session(role, "one")
    assert again.arn == session.arn
    for key, named, shown in ((by_role, role, role_id), (by_session, session.arn, f"{role_id}:one")):
        assert_may_not(again, key)
        assert kms.get_key_policy(KeyId=key)["Policy"] == document(allow(root, shown))
        refused = refusal(kms.put_key_policy, KeyId=key, Policy=document(allow(root, shown)))
        assert (refused.code, refused.message) == ("MalformedPolicyDocumentException", INVALID_PRINCIPALS)
        assert_may_not(again, key)
        kms.put_key_policy(KeyId=key, Policy=document(allow(root, named)))
        assert_may(again, key)


def test_an_exception_of_a_deny(kms, people, root):
    allowed = statement("Allow", ENCRYPT)
    first = people.user("bob", allowed)
    deny = {"Effect": "Deny", "NotPrincipal": {"AWS": [root, first.arn]}, "Action": ENCRYPT, "Resource": "*"}
    key = new_key(kms, allow(root), deny)
    assert_may(first, key)
    people.delete_user("bob")
    second = people.user("bob", allowed)
    assert_may_not(second, key)
    kms.put_key_policy(KeyId=key, Policy=document(allow(root), deny))
    assert_may(second, key)


def test_replicas_have_policies_of_their_own(keystead, kms, people, root):
    """A replica's policy means those who have the names when the replica is made; the primary key's goes on meaning the former ones."""
    bob = people.user("bob").arn
    policy = document(allow(root), allow(bob, actions="kms:DescribeKey"))
    primary = kms.create_key(MultiRegion=True, Policy=policy)["KeyMetadata"]["Arn"]
    people.delete_user("bob")
    people.iam.create_user(UserName="bob")
    made = kms.replicate_key(KeyId=primary, ReplicaRegion=OTHER_REGION, Policy=policy)
    replica = made["ReplicaKeyMetadata"]["Arn"]
    there = keystead.client(credentials_of(people, "bob"), region=OTHER_REGION)
    here = keystead.client(credentials_of(people, "bob"))
    assert there.describe_key(KeyId=replica)["KeyMetadata"]["Arn"] == replica
    assert refusal(here.describe_key, KeyId=primary).code == "AccessDeniedException"
    kms.put_key_policy(KeyId=primary, Policy=policy)
    here.describe_key(KeyId=primary)


def test_a_trust_policy(keystead, people):
    first = people.user("bob")
    trust = document({"Effect": "Allow", "Principal": {"AWS": first.arn}, "Action": "sts:AssumeRole"})
    role = people.iam.create_role(RoleName="clerk", AssumeRolePolicyDocument=trust)["Role"]["Arn"]

    wish = {"RoleArn": role, "RoleSessionName": "one"}
    keystead.client(credentials_of(people, "bob"), "sts").assume_role(**wish)
    user_id = people.iam.get_user(UserName="bob")["User"]["UserId"]
    made_again(people, "bob")
    again = keystead.client(credentials_of(people, "bob"), "sts").assume_role
    assert refusal(again, **wish).code == "AccessDenied"
    # It is shown with the ID of the one who is gone. Stored with the name, it means the user who has the name now.
    shown = people.iam.get_role(RoleName="clerk")["Role"]["AssumeRolePolicyDocument"]
    assert shown["Statement"][0]["Principal"]["AWS"] == user_id
    people.iam.update_assume_role_policy(RoleName="clerk", PolicyDocument=trust)
    again(**wish)


def test_grants_to_a_user(kms, people, root):
    first = people.user("bob")
    key = new_key(kms, allow(root))
    wish = {"KeyId": key, "GranteePrincipal": first.arn, "Operations": ["Encrypt", "RetireGrant"], "Name": "nightly"}
    made = kms.create_grant(**wish)
    assert_may(first, key)
    user_id = people.iam.get_user(UserName="bob")["User"]["UserId"]
    second = made_again(people, "bob")
    assert [grant["GranteePrincipal"] for grant in kms.list_grants(KeyId=key)["Grants"]] == [user_id]
    for parameters in ({}, {"GrantTokens": [made["GrantToken"]]}):
        assert_may_not(second, key, **parameters)
    assert refusal(second.client.retire_grant, GrantToken=made["GrantToken"]).code == "AccessDeniedException"
    # The same request again is a grant to the user who has the name now, in place of the one that means nobody any more.
    new = kms.create_grant(**wish)
    assert [grant["GrantId"] for grant in kms.list_grants(KeyId=key)["Grants"]] == [new["GrantId"]] != [made["GrantId"]]
    assert_may(second, key, GrantTokens=[new["GrantToken"]])


def test_grants_to_a_role(kms, people, root):
    role = people.role("clerk")
    session = people.session(role, "one")
    key = new_key(kms, allow(root))
    for grantee in (role, session.arn):
        kms.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=["Encrypt"])
    assert_may(session, key)
    delete_role(people, "clerk")
    people.role("clerk")
    again = people.session(role, "one")
    assert_may_not(again, key)
    kms.create_grant(KeyId=key, GranteePrincipal=role, Operations=["Encrypt"])
    assert_may(again, key)
