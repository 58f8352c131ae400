"""What grants let users and sessions do that have no policy of their own, with the SDK, from the first grant to the last.

Source: digest kms-core.md, 4.2 and 4.3; KMS Developer Guide, "Grants in AWS KMS".
"""

import pytest

from support.people import People, document, statement
from support.sdk_client import refusal

CONTEXT = {"Department": "IT"}


@pytest.fixture
def people(keystead, tenant):
    return People(keystead, tenant)


@pytest.fixture
def key(kms):
    return kms.create_key()["KeyMetadata"]["Arn"]


def grant(client, key, grantee, *operations, **parameters):
    return client.create_grant(KeyId=key, GranteePrincipal=grantee, Operations=list(operations), **parameters)


def denied(person, action, key, reason="because no identity-based policy allows the kms:{action} action"):
    """The message of a refusal."""
    reason = reason.format(action=action)
    return f"User: {person.arn} is not authorized to perform: kms:{action} on resource: {key} {reason}"


def assert_denied(person, key, call, action, **parameters):
    refused = refusal(call, **parameters)
    assert (refused.code, refused.message) == ("AccessDeniedException", denied(person, action, key))


def test_a_user_with_nothing_but_a_grant(keystead, kms, people, key):
    bob = people.user("bob")
    assert_denied(bob, key, bob.client.encrypt, "Encrypt", KeyId=key, Plaintext=b"text", EncryptionContext=CONTEXT)
    made = grant(kms, key, bob.arn, "Encrypt", "Decrypt", Constraints={"EncryptionContextSubset": CONTEXT})
    more = {**CONTEXT, "Purpose": "Test"}
    blob = bob.client.encrypt(KeyId=key, Plaintext=b"text", EncryptionContext=more)["CiphertextBlob"]
    decrypted = bob.client.decrypt(CiphertextBlob=blob, EncryptionContext=more)
    assert decrypted["Plaintext"] == b"text"
    record = keystead.audit_record(decrypted["ResponseMetadata"]["RequestId"])
    assert (record["eventName"], record["userIdentity"]["arn"]) == ("Decrypt", bob.arn)
    assert_denied(bob, key, bob.client.encrypt, "Encrypt", KeyId=key, Plaintext=b"text")
    assert_denied(bob, key, bob.client.describe_key, "DescribeKey", KeyId=key)
    kms.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    assert_denied(bob, key, bob.client.encrypt, "Encrypt", KeyId=key, Plaintext=b"text", EncryptionContext=CONTEXT)


def test_a_token_at_once(kms, people, key):
    bob, carol = people.user("bob"), people.user("carol")
    token = grant(kms, key, bob.arn, "GenerateDataKey")["GrantToken"]
    bob.client.generate_data_key(KeyId=key, KeySpec="AES_256", GrantTokens=[token])
    ask = carol.client.generate_data_key
    assert_denied(carol, key, ask, "GenerateDataKey", KeyId=key, KeySpec="AES_256", GrantTokens=[token])
    refused = refusal(bob.client.generate_data_key, KeyId=key, KeySpec="AES_256", GrantTokens=[token[:-4] + "AAAA"])
    assert refused.code == "InvalidGrantTokenException"


def test_sessions_of_a_role(kms, people, key):
    role = people.role("clerk")
    session, another = people.session(role, "one"), people.session(role, "two")
    data_key = {"KeyId": key, "KeySpec": "AES_256"}
    assert_denied(session, key, session.client.generate_data_key, "GenerateDataKey", **data_key)
    grant(kms, key, role, "GenerateDataKey")
    for person in (session, another):
        person.client.generate_data_key(**data_key)
    grant(kms, key, session.arn, "DescribeKey")
    session.client.describe_key(KeyId=key)
    assert_denied(another, key, another.client.describe_key, "DescribeKey", KeyId=key)


def test_a_deny_wins(kms, people, key):
    bob = people.user("bob", statement("Deny", "kms:Encrypt"))
    grant(kms, key, bob.arn, "Encrypt", "DescribeKey")
    bob.client.describe_key(KeyId=key)
    refused = refusal(bob.client.encrypt, KeyId=key, Plaintext=b"text")
    assert refused.message == denied(bob, "Encrypt", key, "with an explicit deny in an identity-based policy")


def test_boundaries(kms, people, key):
    """4.2: a boundary does not limit what a grant allows to a user by name, but for what it denies."""
    bounded, denied_by_boundary = people.user("bounded"), people.user("denied")
    for name, effect in (("bounded", "Allow"), ("denied", "Deny")):
        policy = document(statement(effect, "kms:Encrypt" if effect == "Deny" else "kms:ListKeys"))
        boundary = people.iam.create_policy(PolicyName=name, PolicyDocument=policy)["Policy"]["Arn"]
        people.iam.put_user_permissions_boundary(UserName=name, PermissionsBoundary=boundary)
    for person in (bounded, denied_by_boundary):
        grant(kms, key, person.arn, "Encrypt")
    bounded.client.encrypt(KeyId=key, Plaintext=b"text")
    refused = refusal(denied_by_boundary.client.encrypt, KeyId=key, Plaintext=b"text")
    assert refused.message == denied(denied_by_boundary, "Encrypt", key, "with an explicit deny in a permissions boundary")


def test_a_grant_is_passed_on_within_its_bounds(kms, people, key):
    bob, carol = people.user("bob"), people.user("carol")
    constraints = {"EncryptionContextEquals": CONTEXT}
    grant(kms, key, bob.arn, "CreateGrant", "Encrypt", Constraints=constraints)
    for operations, parameters in ((["Decrypt"], {"Constraints": constraints}), (["Encrypt"], {})):
        wish = {"KeyId": key, "GranteePrincipal": carol.arn, "Operations": operations, **parameters}
        refused = refusal(bob.client.create_grant, **wish)
        assert (refused.code, refused.message) == ("AccessDeniedException", denied(bob, "CreateGrant", key))
    grant(bob.client, key, carol.arn, "Encrypt", Constraints=constraints)
    carol.client.encrypt(KeyId=key, Plaintext=b"text", EncryptionContext=CONTEXT)
    assert_denied(carol, key, carol.client.encrypt, "Encrypt", KeyId=key, Plaintext=b"text")


def test_a_policy_that_demands_a_constraint(kms, people, key):
    """An empty subset is in every encryption context, and constrains nothing."""
    demanded = {"StringEquals": {"kms:GrantConstraintType": ["EncryptionContextSubset", "EncryptionContextEquals"]}}
    bob = people.user("bob", statement("Allow", "kms:CreateGrant", Condition=demanded))
    wish = {"KeyId": key, "GranteePrincipal": bob.arn, "Operations": ["Encrypt"]}
    for nothing in ({}, {"Constraints": {}}, {"Constraints": {"EncryptionContextSubset": {}}}):
        assert_denied(bob, key, bob.client.create_grant, "CreateGrant", **wish, **nothing)
    bob.client.create_grant(**wish, Constraints={"EncryptionContextSubset": CONTEXT})
    assert_denied(bob, key, bob.client.encrypt, "Encrypt", KeyId=key, Plaintext=b"text")
    # An empty context is demanded here, and no other will do.
    bob.client.create_grant(**wish, Constraints={"EncryptionContextEquals": {}})
    bob.client.encrypt(KeyId=key, Plaintext=b"text")
    bob.client.encrypt(KeyId=key, Plaintext=b"text", EncryptionContext=CONTEXT)
    assert_denied(bob, key, bob.client.encrypt, "Encrypt", KeyId=key, Plaintext=b"text", EncryptionContext={"other": "one"})


def test_grants_that_are_for_aws_services_alone(kms, people, key):
    """No request here is of a service that acts for somebody."""
    made = grant(kms, key, people.account, "Encrypt")
    guard_rail = {"Bool": {"kms:GrantIsForAWSResource": "false"}}
    bob = people.user("bob", statement("Allow", "kms:*"), statement("Deny", "kms:*Grant*", Condition=guard_rail))
    calls = (
        ("CreateGrant", bob.client.create_grant, {"GranteePrincipal": bob.arn, "Operations": ["Encrypt"]}),
        ("ListGrants", bob.client.list_grants, {}),
        ("RevokeGrant", bob.client.revoke_grant, {"GrantId": made["GrantId"]}),
    )
    for action, call, parameters in calls:
        refused = refusal(call, KeyId=key, **parameters)
        expected = denied(bob, action, key, "with an explicit deny in an identity-based policy")
        assert (refused.code, refused.message) == ("AccessDeniedException", expected)
    bob.client.encrypt(KeyId=key, Plaintext=b"text")
    bob.client.retire_grant(KeyId=key, GrantId=made["GrantId"])


def test_who_retires(kms, people, key):
    bob, carol, dave = people.user("bob"), people.user("carol"), people.user("dave", statement("Allow", "kms:RetireGrant"))
    for retiree in (carol, dave):
        made = grant(kms, key, bob.arn, "Encrypt", RetiringPrincipal=carol.arn)
        assert_denied(bob, key, bob.client.retire_grant, "RetireGrant", GrantToken=made["GrantToken"])
        bob.client.encrypt(KeyId=key, Plaintext=b"text")
        retiree.client.retire_grant(GrantToken=made["GrantToken"])
        assert_denied(bob, key, bob.client.encrypt, "Encrypt", KeyId=key, Plaintext=b"text")


def test_a_grantee_in_another_account(keystead, tenant, key):
    """4.2: their own account must allow it too."""
    theirs = People(keystead, keystead.create_tenant())
    bare, allowed = theirs.user("bare"), theirs.user("allowed", statement("Allow", "kms:Encrypt", key))
    for person in (bare, allowed):
        refused = refusal(person.client.encrypt, KeyId=key, Plaintext=b"text")
        reason = "because no resource-based policy allows the kms:{action} action"
        assert refused.message == denied(person, "Encrypt", key, reason)
        grant(tenant.client, key, person.arn, "Encrypt")
    assert allowed.client.encrypt(KeyId=key, Plaintext=b"text")["KeyId"] == key
    assert_denied(bare, key, bare.client.encrypt, "Encrypt", KeyId=key, Plaintext=b"text")


def test_who_is_made_again_inherits_nothing(kms, people, key):
    bob = people.user("bob")
    made = grant(kms, key, bob.arn, "Encrypt", Name="for-bob")
    bob.client.encrypt(KeyId=key, Plaintext=b"text")
    people.delete_user("bob")
    again = people.user("bob")
    assert again.arn == bob.arn
    assert_denied(again, key, again.client.encrypt, "Encrypt", KeyId=key, Plaintext=b"text")
    assert grant(kms, key, again.arn, "Encrypt", Name="for-bob")["GrantId"] != made["GrantId"]
    again.client.encrypt(KeyId=key, Plaintext=b"text")
