"""Key policies: kept as given, checked before, returned. What they allow, test_access_guide.py and the tests of the core show.

Source: digest kms-core.md, 2.8 (GetKeyPolicy), 4.1 and 9.1; IAM User Guide, "Grammar of the IAM JSON policy language".
"""

import json

import pytest

from support.conditions import wait_until
from support.sdk_client import refusal

POLICY_BYTES_MAX = 32768
INVALID_PRINCIPALS = "Policy contains a statement with one or more invalid principals."
LOCKED_OUT = "The new key policy will not allow you to update the key policy in the future."


def new_key(client, **parameters):
    return client.create_key(**parameters)["KeyMetadata"]["Arn"]


def policy_of(client, key):
    return client.get_key_policy(KeyId=key)["Policy"]


def statement(account, **changes):
    """A statement that lets the account in, with members changed, or left out where `None`."""
    principal = {"AWS": f"arn:aws:iam::{account}:root"}
    members = {"Effect": "Allow", "Principal": principal, "Action": "kms:*", "Resource": "*", **changes}
    return {name: value for name, value in members.items() if value is not None}


def policy(*statements, **members):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements), **members})


@pytest.fixture
def key(kms):
    return new_key(kms)


def test_the_default_policy(tenant, key):
    """4.1: to the letter, as the API's model shows one."""
    answer = tenant.client.get_key_policy(KeyId=key)
    assert answer["PolicyName"] == "default"
    assert answer["Policy"] == (
        '{\n  "Version" : "2012-10-17",\n  "Id" : "key-default-1",\n  "Statement" : [ {\n'
        '    "Sid" : "Enable IAM User Permissions",\n    "Effect" : "Allow",\n    "Principal" : {\n'
        f'      "AWS" : "arn:aws:iam::{tenant.account}:root"\n'
        '    },\n    "Action" : "kms:*",\n    "Resource" : "*"\n  } ]\n}'
    )
    tenant.client.put_key_policy(KeyId=key, Policy=answer["Policy"])
    assert policy_of(tenant.client, key) == answer["Policy"]


def test_a_policy_is_returned_as_it_was_given(tenant, key):
    """Whatever its layout; with characters up to U+00FF (2.4)."""
    given = json.dumps(json.loads(policy(statement(tenant.account, Sid="Für alle"))), indent=3, ensure_ascii=False)
    given = "\t" + given.replace("\n", "\r\n") + "\n"
    tenant.client.put_key_policy(KeyId=key, PolicyName="default", Policy=given, BypassPolicyLockoutSafetyCheck=True)
    assert policy_of(tenant.client, key) == given
    own = new_key(tenant.client, Policy=given, BypassPolicyLockoutSafetyCheck=False)
    assert policy_of(tenant.client, own) == given


@pytest.mark.parametrize("element", ["Principal", "NotPrincipal"])
def test_a_bare_wildcard_is_returned_in_full(tenant, key, element):
    """4.1: from the field."""
    denied = statement(tenant.account, Effect="Deny", Action="kms:Encrypt", **{"Principal": None, element: "*"})
    both = [statement(tenant.account), denied]
    tenant.client.put_key_policy(KeyId=key, Policy=policy(*both), BypassPolicyLockoutSafetyCheck=True)
    assert policy_of(tenant.client, key) == policy(both[0], {**both[1], element: {"AWS": "*"}}).replace(
        '{"AWS": "*"}', '{"AWS":"*"}'
    )


LOCKING_OUT = {
    "another account": {"Principal": {"AWS": "444455556666"}},
    "without PutKeyPolicy": {"Action": ["kms:Encrypt", "kms:Get*"]},
    "another resource": {"Resource": "arn:aws:kms:eu-west-1:444455556666:key/*"},
    "a condition that does not hold": {"Condition": {"StringEquals": {"kms:CallerAccount": "444455556666"}}},
}


@pytest.mark.parametrize("changed", LOCKING_OUT.values(), ids=LOCKING_OUT)
def test_the_lockout_safety_check(keystead, tenant, key, changed):
    """4.1: the caller, or the caller's account, must be allowed PutKeyPolicy by the new policy; unless the check is bypassed. Then nobody
    can put another one, but for the operator."""
    locking_out = policy({**statement(tenant.account), **changed})
    before = policy_of(tenant.client, key)
    for call, parameters in [(tenant.client.put_key_policy, {"KeyId": key}), (tenant.client.create_key, {})]:
        refused = refusal(call, Policy=locking_out, **parameters)
        assert (refused.code, refused.message) == ("MalformedPolicyDocumentException", LOCKED_OUT)
    assert policy_of(tenant.client, key) == before
    arn = tenant.client.describe_key(KeyId=key)["KeyMetadata"]["Arn"]
    tenant.client.put_key_policy(KeyId=key, Policy=locking_out, BypassPolicyLockoutSafetyCheck=True)
    locked_out = refusal(tenant.client.put_key_policy, KeyId=key, Policy=before)
    assert locked_out.code == "AccessDeniedException"
    assert locked_out.message.endswith("because no resource-based policy allows the kms:PutKeyPolicy action")
    new_key(tenant.client, Policy=locking_out, BypassPolicyLockoutSafetyCheck=True)
    keystead.admin("keys", "reset-policy", arn)
    wait_until(lambda: may_put(tenant.client, key, before), "the default policy was back")
    assert policy_of(tenant.client, key) == before


def may_put(client, key, document):
    try:
        client.put_key_policy(KeyId=key, Policy=document)
    except client.exceptions.ClientError as error:
        assert error.response["Error"]["Code"] == "AccessDeniedException"
        return False
    return True


def test_a_deny_locks_out(tenant, key):
    denied = policy(statement(tenant.account), statement(tenant.account, Effect="Deny", Principal={"AWS": "*"}))
    assert refusal(tenant.client.put_key_policy, KeyId=key, Policy=denied).message == LOCKED_OUT


def test_other_names(kms, key):
    """2.8: `default` is the only one."""
    refused = refusal(kms.get_key_policy, KeyId=key, PolicyName="other")
    assert (refused.code, refused.message) == ("NotFoundException", "No such policy exists")
    before = policy_of(kms, key)
    assert refusal(kms.put_key_policy, KeyId=key, PolicyName="other", Policy=before).code == "UnsupportedOperationException"
    assert kms.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]
    assert kms.list_key_policies(KeyId=key)["Truncated"] is False


# Statements that are taken although they are not usual; `{account}` is filled in.
TAKEN = {
    "no action": {"Action": None},
    "no resource": {"Resource": None},
    "lists": {"Action": ["kms:Encrypt", "kms:Decrypt"], "Resource": ["*"], "Principal": {"AWS": ["{account}", "*"]}},
    "not": {"Action": None, "NotAction": "kms:PutKeyPolicy", "Resource": None, "NotResource": ["*"]},
    "user": {"Principal": {"AWS": "arn:aws:iam::{account}:user/alice"}},
    "role": {"Principal": {"AWS": "arn:aws:iam::{account}:role/team/blue/Role"}},
    "session": {"Principal": {"AWS": "arn:aws:sts::{account}:assumed-role/Role/session"}},
    "somebody elsewhere": {"Principal": {"AWS": "arn:aws:iam::999988887777:user/somebody"}},
    "service": {"Principal": {"Service": ["logs.us-east-1.amazonaws.com", "s3.amazonaws.com"]}},
    "federation": {"Principal": {"Federated": "cognito-identity.amazonaws.com"}},
    "conditions": {
        "Condition": {
            "StringEquals": {"kms:CallerAccount": "{account}", "kms:ViaService": ["ec2.us-east-1.amazonaws.com"]},
            "Bool": {"kms:GrantIsForAWSResource": True},
            "NumericLessThanEqualsIfExists": {"kms:ScheduleKeyDeletionPendingWindowInDays": 7},
            "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["Department"]},
            "Null": {"kms:EncryptionContext:Department": "false"},
        }
    },
}


@pytest.mark.parametrize("case", TAKEN)
def test_statements_that_are_taken(keystead, tenant, key, case):
    if case in ("role", "session"):
        trust = policy({"Effect": "Allow", "Principal": {"AWS": tenant.account}, "Action": "sts:AssumeRole"})
        iam = keystead.client(tenant.credentials, "iam")
        iam.create_role(RoleName="Role", Path="/team/blue/", AssumeRolePolicyDocument=trust)
    changes = json.loads(json.dumps(TAKEN[case]).replace("{account}", tenant.account))
    given = policy(statement(tenant.account, **changes), statement(tenant.account, Sid="a Sid with blanks"), Id="an id")
    tenant.client.put_key_policy(KeyId=key, Policy=given)
    assert policy_of(tenant.client, key) == given


def test_one_statement_may_stand_alone(tenant, key):
    given = json.dumps({"Statement": statement(tenant.account), "Version": "2008-10-17"})
    tenant.client.put_key_policy(KeyId=key, Policy=given)
    assert policy_of(tenant.client, key) == given


# Documents that are no policies.
NO_POLICIES = {
    "no JSON": "no JSON",
    "cut": '{"Version":"2012-10-17","Statement":[',
    "list": "[]",
    "text": '"policy"',
    "empty": "{}",
    "no statement": '{"Version":"2012-10-17"}',
    "empty statements": '{"Version":"2012-10-17","Statement":[]}',
    "statement of another kind": '{"Version":"2012-10-17","Statement":"Allow"}',
    "deep": '{"Statement":' + "[" * 10000 + "]" * 10000 + "}",
}


@pytest.mark.parametrize("case", NO_POLICIES)
def test_no_policies(kms, key, case):
    refused_everywhere(kms, key, NO_POLICIES[case])


# What is changed of a good statement.
WRONG_STATEMENTS = {
    "no effect": {"Effect": None},
    "effect in lower case": {"Effect": "allow"},
    "no principal": {"Principal": None},
    "two principals": {"NotPrincipal": "*"},
    "two actions": {"NotAction": "kms:Encrypt"},
    "two resources": {"NotResource": "*"},
    "action without service": {"Action": "Encrypt"},
    "action of another kind": {"Action": {"kms": "Encrypt"}},
    "Sid of another kind": {"Sid": 1},
    "unknown element": {"Comment": "x"},
    "condition of another kind": {"Condition": "StringEquals"},
    "condition without keys": {"Condition": {"StringEquals": "x"}},
    "unknown operator": {"Condition": {"StringSounds": {"a": "b"}}},
    "unknown set operator": {"Condition": {"ForSome:StringLike": {"a": "b"}}},
    "condition value of another kind": {"Condition": {"StringEquals": {"a": {"b": "c"}}}},
}


@pytest.mark.parametrize("case", WRONG_STATEMENTS)
def test_wrong_statements(tenant, key, case):
    wrong = statement(tenant.account, **WRONG_STATEMENTS[case])
    refused_everywhere(tenant.client, key, policy(statement(tenant.account), wrong))


def test_wrong_elements_of_the_document(tenant, key):
    for members in ({"Version": "2013-01-01"}, {"Version": 20121017}, {"Id": {}}, {"Comment": "x"}):
        refused_everywhere(tenant.client, key, policy(statement(tenant.account), **members))


def test_an_element_that_is_there_twice(tenant, key):
    """Nobody could tell which one counts."""
    once = policy(statement(tenant.account))
    for twice in (
        once.replace('"Effect": "Allow"', '"Effect": "Allow", "Effect": "Deny"'),
        once.replace('"Effect": "Allow"', '"Effect": "Allow", "Eff\\u0065ct": "Deny"'),
        once.replace('"Statement"', '"Statement": [], "Statement"'),
        once.replace('"AWS"', '"AWS": "*", "AWS"'),
    ):
        assert twice != once
        assert "twice" in refused_everywhere(tenant.client, key, twice).message


@pytest.mark.parametrize(("condition_key", "what"), [("kms:EncryptionContext:a", "encryption context"), ("aws:RequestTag/a", "tag")])
def test_for_all_values_of_a_single_valued_key(tenant, key, condition_key, what):
    """4.1: the guide's text."""
    wrong = statement(tenant.account, Condition={"ForAllValues:StringEquals": {condition_key: "b"}})
    assert refused_everywhere(tenant.client, key, policy(wrong)).message == (
        "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key matches requests "
        f"without the specified {what} or with an unspecified {what}. To fix, remove ForAllValues."
    )


# 4.1: principals that are none, or do not exist; `{account}` has one user, alice.
NO_PRINCIPALS = [
    "arn:aws:iam::{account}:root",
    {},
    {"AWS": []},
    {"AWS": "alice"},
    {"AWS": "AIDACKCEVSQ6C2EXAMPLE"},
    {"AWS": "11112222333"},
    {"AWS": "arn:aws:iam::{account}:group/admins"},
    {"AWS": "arn:aws:iam::{account}:user/*"},
    {"AWS": "arn:aws-us-gov:iam::{account}:root"},
    {"AWS": ["arn:aws:iam::{account}:root", "arn:aws:iam::{account}:user/nobody"]},
    {"AWS": "arn:aws:iam::{account}:user/path/alice"},
    {"Service": "*"},
    {"Planet": "earth"},
]


@pytest.mark.parametrize("principal", NO_PRINCIPALS, ids=str)
def test_no_principals(tenant, key, principal):
    principal = json.loads(json.dumps(principal).replace("{account}", tenant.account))
    for element, effect in [("Principal", "Allow"), ("NotPrincipal", "Deny")]:
        wrong = statement(tenant.account, Effect=effect, **{"Principal": None, element: principal})
        refused = refused_everywhere(tenant.client, key, policy(statement(tenant.account), wrong))
        assert refused.message == INVALID_PRINCIPALS


def refused_everywhere(client, key, wrong):
    """PutKeyPolicy and CreateKey refuse it in the same words, and nothing comes of it."""
    before, keys = policy_of(client, key), client.list_keys()["Keys"]
    put = refusal(client.put_key_policy, KeyId=key, Policy=wrong)
    created = refusal(client.create_key, Policy=wrong)
    assert put.code == created.code == "MalformedPolicyDocumentException"
    assert put.message == created.message
    assert policy_of(client, key) == before and client.list_keys()["Keys"] == keys
    return put


def test_the_length_of_a_policy(tenant, key):
    """9.1: counted in bytes."""
    short = policy(statement(tenant.account, Sid="ü"), Id="").replace("\\u00fc", "ü")
    longest = short + " " * (POLICY_BYTES_MAX - len(short.encode()))
    tenant.client.put_key_policy(KeyId=key, Policy=longest)
    assert policy_of(tenant.client, key) == longest
    for call, parameters in ((tenant.client.put_key_policy, {"KeyId": key}), (tenant.client.create_key, {})):
        assert refusal(call, Policy=longest + " ", **parameters).code == "LimitExceededException"
    assert policy_of(tenant.client, key) == longest


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_policies_in_any_state(tenant, key, state):
    """2.6."""
    if state == "Disabled":
        tenant.client.disable_key(KeyId=key)
    else:
        tenant.client.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    given = policy(statement(tenant.account))
    tenant.client.put_key_policy(KeyId=key, Policy=given)
    assert policy_of(tenant.client, key) == given
    assert tenant.client.list_key_policies(KeyId=key)["PolicyNames"] == ["default"]


def test_key_identifiers(keystead, tenant, key):
    """2.1: key ID and key ARN; another account's key is denied."""
    client, stranger = tenant.client, keystead.create_tenant().client
    client.create_alias(AliasName="alias/with-policy", TargetKeyId=key)
    given = policy(statement(tenant.account))
    for operation, parameters in {"get_key_policy": {}, "put_key_policy": {"Policy": given}, "list_key_policies": {}}.items():
        for known in (key, key.rpartition("/")[2]):
            getattr(client, operation)(KeyId=known, **parameters)
        refused = refusal(getattr(client, operation), KeyId="alias/with-policy", **parameters)
        assert refused.message == "Key Aliases are not supported for this operation."
        assert refusal(getattr(stranger, operation), KeyId=key, **parameters).code == "AccessDeniedException"


def test_a_policy_outlives_the_server(make_installation):
    installation = make_installation().start()
    tenant = installation.create_tenant()
    given = policy(statement(tenant.account, Sid="kept"))
    key = new_key(tenant.client, Policy=given)
    client = installation.restart().client(tenant.credentials)
    assert policy_of(client, key) == given
    assert installation.stop() == 0


def test_records(keystead, tenant, key):
    """7.1: the policy of PutKeyPolicy is recorded, that of an answer is not."""
    given = policy(statement(tenant.account, Sid="recorded once"))
    put = tenant.client.put_key_policy(KeyId=key, Policy=given)
    record = keystead.audit_record(put["ResponseMetadata"]["RequestId"])
    assert record["requestParameters"] == {
        "keyId": key,
        "policyName": "default",
        "policy": given,
        "bypassPolicyLockoutSafetyCheck": False,
    }
    assert (record["responseElements"], record["readOnly"]) == ({"keyId": key}, False)
    got = tenant.client.get_key_policy(KeyId=key)
    record = keystead.audit_record(got["ResponseMetadata"]["RequestId"])
    assert (record["responseElements"], record["readOnly"]) == (None, True)
    assert "recorded once" not in json.dumps(record)
