"""Grants: creating, listing, retiring and revoking them; their tokens, names and constraints.

Source: digest kms-core.md, 2.3, 2.6, 2.7 and 4.3; KMS Developer Guide, "Grants in AWS KMS" (grant operations by key type).
"""

import base64
import datetime
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.conditions import wait_until
from support.people import People
from support.raw_request import call
from support.sdk_client import OTHER_REGION, refusal, service_client
from support.stored_keys import make_deletion_due
from support.typed_keys import AGREE, ENCRYPT, MAC, SIGN, TypedKeys

NO_SUCH_KEY = "00000000-0000-4000-8000-000000000000"
NO_SUCH_GRANT = "0" * 64
ELSEWHERE = "999988887777"
"""An account that no test's server has."""


def new_key(client, **parameters):
    return client.create_key(**parameters)["KeyMetadata"]["Arn"]


def user(tenant, name="alice"):
    return f"arn:aws:iam::{tenant.account}:user/{name}"


def grant(tenant, key, **parameters):
    parameters = {"GranteePrincipal": user(tenant), "Operations": ["Encrypt", "Decrypt"], **parameters}
    return tenant.client.create_grant(KeyId=key, **parameters)


def grants(client, key, **filters):
    return client.list_grants(KeyId=key, **filters)["Grants"]


def grant_ids(client, key, **filters):
    return [entry["GrantId"] for entry in grants(client, key, **filters)]


@pytest.fixture
def key(kms):
    return new_key(kms)


# ---- what a grant is ----


def test_the_life_of_a_grant(tenant, key):
    created = grant(
        tenant,
        key,
        Name="for-a-service",
        RetiringPrincipal=f"arn:aws:iam::{ELSEWHERE}:role/service-role/Retirer",
        Operations=["GenerateDataKey", "Decrypt", "Decrypt"],
        Constraints={"EncryptionContextSubset": {"Department": "IT", "Purpose": ""}},
    )
    assert set(created) == {"GrantId", "GrantToken", "ResponseMetadata"}
    assert len(created["GrantId"]) == 64 and set(created["GrantId"]) <= set("0123456789abcdef")
    (entry,) = grants(tenant.client, key)
    made = entry.pop("CreationDate")
    assert abs(made - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(hours=1)
    assert sorted(entry.pop("Operations")) == ["Decrypt", "GenerateDataKey"]
    assert entry == {
        "KeyId": key,
        "GrantId": created["GrantId"],
        "Name": "for-a-service",
        "GranteePrincipal": user(tenant),
        "RetiringPrincipal": f"arn:aws:iam::{ELSEWHERE}:role/service-role/Retirer",
        "IssuingAccount": f"arn:aws:iam::{tenant.account}:root",
        "Constraints": {"EncryptionContextSubset": {"Department": "IT", "Purpose": ""}},
    }
    tenant.client.revoke_grant(KeyId=key, GrantId=created["GrantId"])
    assert grants(tenant.client, key) == []


def test_what_is_not_given_is_not_shown(tenant, key):
    """4.3: Name is empty when there is none; no token in lists."""
    grant(tenant, key)
    (entry,) = grants(tenant.client, key)
    assert entry["Name"] == ""
    assert not {"RetiringPrincipal", "Constraints", "GrantToken"} & set(entry)


def test_the_same_name_and_parameters_give_the_same_grant(tenant, key):
    """2.7."""
    parameters = {"Name": "same", "Constraints": {"EncryptionContextEquals": {"a": "b", "c": "d"}}}
    first = grant(tenant, key, Operations=["Encrypt", "Decrypt"], **parameters)
    again = grant(tenant, key, Operations=["Decrypt", "Encrypt"], **parameters)
    assert first["GrantId"] == again["GrantId"] and first["GrantToken"] != again["GrantToken"]
    tenant.client.encrypt(KeyId=key, Plaintext=b"x", GrantTokens=[first["GrantToken"], again["GrantToken"]])
    others = [
        grant(tenant, key, Name="same"),
        grant(tenant, key, **{**parameters, "Name": "another"}),
        grant(tenant, key, **{**parameters, "Constraints": {"EncryptionContextSubset": {"a": "b", "c": "d"}}}),
        grant(tenant, key, RetiringPrincipal=user(tenant), **parameters),
        grant(tenant, key, GranteePrincipal=tenant.account, **parameters),
    ]
    made = {first["GrantId"], *(other["GrantId"] for other in others)}
    assert len(made) == 6 and set(grant_ids(tenant.client, key)) == made


def test_without_a_name_each_call_makes_a_grant(tenant, key):
    """2.7."""
    assert len({grant(tenant, key)["GrantId"] for _ in range(3)}) == 3


def test_a_name_is_made_once_however_many_ask(tenant, key):
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: grant(tenant, key, Name="wanted-by-many")["GrantId"], range(40)))
    assert list(made) == grant_ids(tenant.client, key)


# ---- operations: which key has which ----

ON_ANY_KEY = {"CreateGrant", "DescribeKey", "RetireGrant"}
OPERATIONS = {
    ("SYMMETRIC_DEFAULT", ENCRYPT): {
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "GenerateDataKeyWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
    },
    ("RSA_2048", ENCRYPT): {"Decrypt", "Encrypt", "GetPublicKey", "ReEncryptFrom", "ReEncryptTo"},
    ("RSA_2048", SIGN): {"GetPublicKey", "Sign", "Verify"},
    ("ECC_NIST_P256", SIGN): {"GetPublicKey", "Sign", "Verify"},
    ("ECC_NIST_P256", AGREE): {"DeriveSharedSecret", "GetPublicKey"},
    ("ML_DSA_44", SIGN): {"GetPublicKey", "Sign", "Verify"},
    ("HMAC_256", MAC): {"GenerateMac", "VerifyMac"},
}


@pytest.fixture(scope="module")
def typed_keys(module_tenant):
    return TypedKeys(module_tenant.client)


@pytest.mark.parametrize(("spec", "usage"), OPERATIONS, ids=str)
def test_operations_must_fit_the_key(module_tenant, typed_keys, spec, usage):
    """4.3: every operation of the model, on every type of key."""
    known = set(module_tenant.client.meta.service_model.shape_for("GrantOperation").enum)
    assert set().union(ON_ANY_KEY, *OPERATIONS.values()) == known
    key, fitting = typed_keys.of(spec, usage), ON_ANY_KEY | OPERATIONS[spec, usage]
    # A grant of CreateGrant alone is another matter.
    for operation in sorted(fitting):
        grant(module_tenant, key, Operations=[operation, "DescribeKey"])
    grant(module_tenant, key, Operations=sorted(fitting))
    before = len(grant_ids(module_tenant.client, key))
    for operation in sorted(known - fitting):
        refused = refusal(grant, tenant=module_tenant, key=key, Operations=["DescribeKey", operation])
        assert refused.code == "ValidationException" and operation in refused.message, refused
    assert len(grant_ids(module_tenant.client, key)) == before


def test_a_grant_of_create_grant_alone(tenant, key):
    refused = refusal(grant, tenant=tenant, key=key, Operations=["CreateGrant", "CreateGrant"])
    assert (refused.code, refused.message) == (
        "ValidationException",
        "Grants must not contain only the CreateGrant operation.",
    )


def test_a_grant_of_no_operations(tenant, key):
    refused = refusal(grant, tenant=tenant, key=key, Operations=[])
    message = "Value '[]' at 'operations' failed to satisfy constraint: Member must have length greater than or equal to 1"
    assert (refused.code, refused.message) == ("ValidationException", f"1 validation error detected: {message}")
    assert grants(tenant.client, key) == []


# ---- constraints ----


@pytest.mark.parametrize("kind", ["EncryptionContextEquals", "EncryptionContextSubset"])
def test_the_size_of_a_constraint(tenant, key, kind):
    """4.3: up to 8 pairs, values of up to 384 characters."""
    longest = {f"key-{number}": "ü" * 384 for number in range(8)}
    made = grant(tenant, key, Constraints={kind: longest})
    (entry,) = grants(tenant.client, key, GrantId=made["GrantId"])
    assert entry["Constraints"] == {kind: longest}
    for wrong in ({**longest, "one": "more"}, {**longest, "key-0": "ü" * 385}):
        assert refusal(grant, tenant=tenant, key=key, Constraints={kind: wrong}).code == "ValidationException"
    assert grant_ids(tenant.client, key) == [made["GrantId"]]


def test_two_constraints(tenant, key):
    both = {"EncryptionContextEquals": {"a": "b"}, "EncryptionContextSubset": {"a": "b"}}
    refused = refusal(grant, tenant=tenant, key=key, Constraints=both)
    assert (refused.code, refused.message) == ("ValidationException", "More than one constraint supplied")


@pytest.mark.parametrize(("spec", "usage"), [key_type for key_type in OPERATIONS if key_type[0] != "SYMMETRIC_DEFAULT"], ids=str)
def test_constraints_are_for_symmetric_encryption_keys(module_tenant, typed_keys, spec, usage):
    """4.3."""
    parameters = {"Operations": ["DescribeKey"], "Constraints": {"EncryptionContextSubset": {"a": "b"}}}
    refused = refusal(grant, tenant=module_tenant, key=typed_keys.of(spec, usage), **parameters)
    assert refused.code == "ValidationException" and spec in refused.message


# ---- principals ----

# Forms of 4.3; `{account}` is the tenant's, which has a user, alice, and a role, ExampleRole.
PRINCIPALS = [
    "arn:aws:iam::{account}:root",
    "arn:aws:iam::{account}:user/alice",
    "arn:aws:iam::{account}:role/path/ExampleRole",
    "arn:aws:sts::{account}:assumed-role/ExampleRole/session",
    "arn:aws:sts::{account}:federated-user/bob",
    f"arn:aws:iam::{ELSEWHERE}:user/somebody",
]


@pytest.mark.parametrize("principal", PRINCIPALS)
def test_principals(keystead, tenant, key, principal):
    People(keystead, tenant).role("ExampleRole", path="/path/")
    principal = principal.format(account=tenant.account)
    grant(tenant, key, GranteePrincipal=principal, RetiringPrincipal=principal)
    (entry,) = grants(tenant.client, key, GranteePrincipal=principal)
    assert (entry["GranteePrincipal"], entry["RetiringPrincipal"]) == (principal, principal)


def test_an_account_by_its_number(tenant, key):
    grant(tenant, key, GranteePrincipal=tenant.account)
    root = f"arn:aws:iam::{tenant.account}:root"
    for filter_ in (tenant.account, root):
        (entry,) = grants(tenant.client, key, GranteePrincipal=filter_)
        assert entry["GranteePrincipal"] == root


NO_PRINCIPALS = [
    "alice",
    "11112222333",
    "AIDACKCEVSQ6C2EXAMPLE",
    "sns.amazonaws.com",
    "arn:aws:iam::{account}:group/admins",
    "arn:aws:iam::{account}:user/",
    "arn:aws:iam::{account}:role",
    "arn:aws:sts::{account}:assumed-role/ExampleRole",
    "arn:aws-cn:iam::{account}:root",
    "arn:aws:iam::{account}:user/nobody",
    "arn:aws:iam::{account}:user/path/alice",
]


@pytest.mark.parametrize("principal", NO_PRINCIPALS)
def test_no_principals(tenant, key, principal):
    """Neither what is none by its form, nor a user that the account does not have."""
    principal = principal.format(account=tenant.account)
    for member in ("GranteePrincipal", "RetiringPrincipal"):
        assert refusal(grant, tenant=tenant, key=key, **{member: principal}).code == "InvalidArnException"
    assert grants(tenant.client, key) == []


# ---- keys ----

BY_KEY = {
    "create_grant": {"GranteePrincipal": ELSEWHERE, "Operations": ["Encrypt"]},
    "list_grants": {},
    "revoke_grant": {"GrantId": NO_SUCH_GRANT},
}


@pytest.mark.parametrize("operation", BY_KEY)
def test_key_identifiers(tenant, key, operation):
    """2.1: key ID and key ARN; an alias is refused."""
    client, parameters = tenant.client, BY_KEY[operation]
    client.create_alias(AliasName="alias/granted", TargetKeyId=key)
    for alias in ("alias/granted", f"arn:aws:kms:us-east-1:{tenant.account}:alias/granted"):
        refused = refusal(getattr(client, operation), KeyId=alias, **parameters)
        assert (refused.code, refused.message) == (
            "InvalidArnException",
            "Key Aliases are not supported for this operation.",
        )
    for known in (key, key.rpartition("/")[2]):
        if operation == "revoke_grant":
            assert refusal(client.revoke_grant, KeyId=known, **parameters).message == f"Grant ID {NO_SUCH_GRANT} not found"
        else:
            getattr(client, operation)(KeyId=known, **parameters)
    assert refusal(getattr(client, operation), KeyId=NO_SUCH_KEY, **parameters).code == "NotFoundException"


@pytest.mark.parametrize("state", ["Disabled", "PendingDeletion"])
def test_states(tenant, key, state):
    """2.6: CreateGrant needs a key that is neither disabled nor pending deletion; the others take any."""
    kept, retired, revoked = (grant(tenant, key) for _ in range(3))
    if state == "Disabled":
        tenant.client.disable_key(KeyId=key)
        expected = ("DisabledException", f"{key} is disabled.")
    else:
        tenant.client.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
        expected = ("KMSInvalidStateException", f"{key} is pending deletion.")
    for dry_run in (False, True):
        refused = refusal(grant, tenant=tenant, key=key, DryRun=dry_run)
        assert (refused.code, refused.message) == expected
    tenant.client.retire_grant(GrantToken=retired["GrantToken"])
    tenant.client.revoke_grant(KeyId=key, GrantId=revoked["GrantId"])
    assert grant_ids(tenant.client, key) == [kept["GrantId"]]


def test_grants_go_with_their_key(make_installation):
    """4.3: deleting a key removes its grants."""
    sweeping = make_installation({"key_deletion": {"sweep_interval_ms": 100}}).start()
    tenant = sweeping.create_tenant()
    doomed = new_key(tenant.client)
    made = grant(tenant, doomed, RetiringPrincipal=user(tenant))
    tenant.client.schedule_key_deletion(KeyId=doomed, PendingWindowInDays=7)
    assert sweeping.stop() == 0
    make_deletion_due(sweeping.data_folder / "store.sqlite", doomed.rpartition("/")[2])
    client = sweeping.start().client(tenant.credentials)
    wait_until(lambda: client.list_keys()["Keys"] == [], "the key was deleted")
    assert client.list_retirable_grants(RetiringPrincipal=user(tenant))["Grants"] == []
    assert refusal(client.retire_grant, GrantToken=made["GrantToken"]).code == "NotFoundException"
    assert sweeping.stop() == 0


# ---- DryRun ----


def test_dry_runs(tenant, key):
    """2.7: the documented error, and no effect."""
    expected = ("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")

    def outcome(operation, **parameters):
        refused = refusal(getattr(tenant.client, operation), DryRun=True, **parameters)
        return refused.code, refused.message

    asked = {"KeyId": key, "GranteePrincipal": user(tenant), "Operations": ["Encrypt"]}
    assert outcome("create_grant", **asked) == expected
    assert grants(tenant.client, key) == []
    made = tenant.client.create_grant(**asked)
    named = {"KeyId": key, "GrantId": made["GrantId"]}
    assert outcome("retire_grant", GrantToken=made["GrantToken"]) == expected
    assert outcome("retire_grant", **named) == expected
    assert outcome("revoke_grant", **named) == expected
    assert grant_ids(tenant.client, key) == [made["GrantId"]]
    # What would fail, fails as it would.
    assert outcome("create_grant", **{**asked, "Operations": ["Sign"]})[0] == "ValidationException"
    for operation in ("retire_grant", "revoke_grant"):
        assert outcome(operation, KeyId=key, GrantId=NO_SUCH_GRANT)[0] == "NotFoundException"


# ---- tokens ----

TOKEN_TAKERS = {
    "CreateGrant": ("SYMMETRIC_DEFAULT", ENCRYPT, {"GranteePrincipal": ELSEWHERE, "Operations": ["Encrypt"]}),
    "Decrypt": ("SYMMETRIC_DEFAULT", ENCRYPT, {"CiphertextBlob": "{blob}"}),
    "DeriveSharedSecret": ("ECC_NIST_P256", AGREE, {"KeyAgreementAlgorithm": "ECDH", "PublicKey": "{public key}"}),
    "DescribeKey": ("SYMMETRIC_DEFAULT", ENCRYPT, {}),
    "Encrypt": ("SYMMETRIC_DEFAULT", ENCRYPT, {"Plaintext": "{text}"}),
    "GenerateDataKey": ("SYMMETRIC_DEFAULT", ENCRYPT, {"KeySpec": "AES_128"}),
    "GenerateDataKeyPair": ("SYMMETRIC_DEFAULT", ENCRYPT, {"KeyPairSpec": "ECC_NIST_P256"}),
    "GenerateDataKeyPairWithoutPlaintext": ("SYMMETRIC_DEFAULT", ENCRYPT, {"KeyPairSpec": "ECC_NIST_P256"}),
    "GenerateDataKeyWithoutPlaintext": ("SYMMETRIC_DEFAULT", ENCRYPT, {"KeySpec": "AES_128"}),
    "GenerateMac": ("HMAC_256", MAC, {"Message": "{text}", "MacAlgorithm": "HMAC_SHA_256"}),
    "GetPublicKey": ("ECC_NIST_P256", SIGN, {}),
    "ReEncrypt": ("SYMMETRIC_DEFAULT", ENCRYPT, {"CiphertextBlob": "{blob}", "DestinationKeyId": "{key}"}),
    "Sign": ("ECC_NIST_P256", SIGN, {"Message": "{text}", "SigningAlgorithm": "ECDSA_SHA_256"}),
    "Verify": ("ECC_NIST_P256", SIGN, {"Message": "{text}", "Signature": "{signature}", "SigningAlgorithm": "ECDSA_SHA_256"}),
    "VerifyMac": ("HMAC_256", MAC, {"Message": "{text}", "Mac": "{mac}", "MacAlgorithm": "HMAC_SHA_256"}),
}


@pytest.fixture(scope="module")
def outputs(module_tenant, typed_keys):
    """What the operations above have to do with."""
    client, key = module_tenant.client, typed_keys.of("SYMMETRIC_DEFAULT", ENCRYPT)
    sign = {"KeyId": typed_keys.of("ECC_NIST_P256", SIGN), "Message": b"text", "SigningAlgorithm": "ECDSA_SHA_256"}
    mac = {"KeyId": typed_keys.of("HMAC_256", MAC), "Message": b"text", "MacAlgorithm": "HMAC_SHA_256"}
    return {
        "{key}": key,
        "{text}": b"text",
        "{blob}": client.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"],
        "{public key}": client.get_public_key(KeyId=typed_keys.of("ECC_NIST_P256", AGREE))["PublicKey"],
        "{signature}": client.sign(**sign)["Signature"],
        "{mac}": client.generate_mac(**mac)["Mac"],
    }


def method(client, operation):
    return getattr(client, next(name for name, of in client.meta.method_to_api_mapping.items() if of == operation))


@pytest.mark.parametrize("operation", TOKEN_TAKERS)
def test_every_operation_with_grant_tokens_looks_at_them(module_tenant, typed_keys, outputs, operation):
    """2.3: a good token changes nothing, a bad one is refused."""
    takers = {name for name in module_tenant.client.meta.service_model.operation_names if takes_tokens(module_tenant, name)}
    assert takers == set(TOKEN_TAKERS)
    spec, usage, parameters = TOKEN_TAKERS[operation]
    key = typed_keys.of(spec, usage)
    parameters = {name: outputs.get(value, value) if isinstance(value, str) else value for name, value in parameters.items()}
    if operation != "ReEncrypt":
        parameters["KeyId"] = key
    token = grant(module_tenant, key, Operations=["DescribeKey"])["GrantToken"]
    ask = method(module_tenant.client, operation)
    ask(GrantTokens=[token], **parameters)
    ask(GrantTokens=[], **parameters)
    refused = refusal(ask, GrantTokens=[token, token[:-8] + "AAAAAAA="], **parameters)
    assert refused.code == "InvalidGrantTokenException"


def takes_tokens(tenant, operation):
    return "GrantTokens" in tenant.client.meta.service_model.operation_model(operation).input_shape.members


def test_a_token_that_was_changed(tenant, key, keystead):
    """Bad input: each byte, and each length."""
    token = grant(tenant, key)["GrantToken"]
    sealed = base64.b64decode(token, validate=True)
    changed = [sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :] for at in range(len(sealed))]
    changed += [sealed[:length] for length in range(1, len(sealed))] + [sealed + b"\0"]
    texts = [base64.b64encode(one).decode() for one in changed] + ["x", token[:-1], token + "=", " " + token, token * 2]
    for text in texts:
        answer = call(keystead.endpoint, tenant.credentials, "DescribeKey", {"KeyId": key, "GrantTokens": [text]})
        assert answer.type == "InvalidGrantTokenException", text
        answer = call(keystead.endpoint, tenant.credentials, "RetireGrant", {"GrantToken": text})
        assert answer.type == "InvalidGrantTokenException", text
    assert len(grants(tenant.client, key)) == 1


def test_a_token_of_another_installation(tenant, key, make_installation):
    other = make_installation().start()
    stranger = other.create_tenant()
    token = grant(stranger, new_key(stranger.client))["GrantToken"]
    assert refusal(tenant.client.describe_key, KeyId=key, GrantTokens=[token]).code == "InvalidGrantTokenException"
    assert refusal(tenant.client.retire_grant, GrantToken=token).code == "InvalidGrantTokenException"
    assert other.stop() == 0


def test_a_token_outlives_its_grant_and_gives_nothing(tenant, key):
    made = grant(tenant, key)
    tenant.client.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    tenant.client.describe_key(KeyId=key, GrantTokens=[made["GrantToken"]])
    refused = refusal(tenant.client.retire_grant, GrantToken=made["GrantToken"])
    assert (refused.code, refused.message) == ("NotFoundException", f"Grant ID {made['GrantId']} not found")


def test_tokens_of_a_restarted_server(make_installation):
    installation = make_installation().start()
    tenant = installation.create_tenant()
    key = new_key(tenant.client)
    made = grant(tenant, key, Name="kept")
    client = installation.restart().client(tenant.credentials)
    assert grant_ids(client, key) == [made["GrantId"]]
    client.retire_grant(GrantToken=made["GrantToken"])
    assert grants(client, key) == []
    assert installation.stop() == 0


# ---- RetireGrant and RevokeGrant ----


def test_a_grant_is_retired_by_key_and_id(tenant, key):
    made = grant(tenant, key)
    tenant.client.retire_grant(KeyId=key, GrantId=made["GrantId"])
    assert grants(tenant.client, key) == []


# 4.3 and 1.5: parameters of RetireGrant, and the exception. `{key}`, `{id}`, `{token}` and `{account}` are filled in.
WRONG_RETIREMENTS = [
    ({}, "ValidationException", "Grant token OR (grant ID, key ID) must be specified"),
    ({"KeyId": "{key}"}, "ValidationException", "Grant token OR (grant ID, key ID) must be specified"),
    ({"GrantId": "{id}"}, "ValidationException", "Grant token OR (grant ID, key ID) must be specified"),
    ({"GrantToken": "{token}", "GrantId": "{id}"}, "ValidationException", None),
    ({"KeyId": "{key id}", "GrantId": "{id}"}, "InvalidArnException", None),
    ({"KeyId": "alias/granted", "GrantId": "{id}"}, "InvalidArnException", "Key Aliases are not supported for this operation."),
    ({"KeyId": "arn:aws:s3:::bucket", "GrantId": "{id}"}, "InvalidArnException", None),
    ({"KeyId": "nonsense", "GrantId": "{id}"}, "NotFoundException", "Invalid keyId 'nonsense'"),
    ({"KeyId": "{key}", "GrantId": NO_SUCH_GRANT}, "NotFoundException", f"Grant ID {NO_SUCH_GRANT} not found"),
    ({"KeyId": "{key}", "GrantId": "F" * 64}, "InvalidGrantIdException", None),
    ({"KeyId": "{key}", "GrantId": "1"}, "InvalidGrantIdException", None),
    ({"KeyId": "arn:aws:kms:us-east-1:{account}:key/" + NO_SUCH_KEY, "GrantId": "{id}"}, "NotFoundException", None),
    ({"KeyId": "arn:aws:kms:eu-west-1:{account}:key/" + NO_SUCH_KEY, "GrantId": "{id}"}, "NotFoundException", "Invalid arn eu-west-1"),
]


@pytest.mark.parametrize(("parameters", "code", "message"), WRONG_RETIREMENTS, ids=lambda value: str(value)[:60])
def test_wrong_retirements(tenant, key, parameters, code, message):
    made = grant(tenant, key)
    values = {"key": key, "key id": key.rpartition("/")[2], "id": made["GrantId"], "token": made["GrantToken"]}
    filled = {name: value.format(account=tenant.account, **values) for name, value in parameters.items()}
    refused = refusal(tenant.client.retire_grant, **filled)
    assert refused.code == code
    assert message is None or refused.message == message
    assert grant_ids(tenant.client, key) == [made["GrantId"]]


def test_wrong_revocations(tenant, key):
    for wrong, code in ((NO_SUCH_GRANT, "NotFoundException"), ("x", "InvalidGrantIdException")):
        assert refusal(tenant.client.revoke_grant, KeyId=key, GrantId=wrong).code == code
    made = grant(tenant, key)
    assert refusal(tenant.client.revoke_grant, KeyId=new_key(tenant.client), GrantId=made["GrantId"]).code == "NotFoundException"
    tenant.client.revoke_grant(KeyId=key, GrantId=made["GrantId"])
    assert refusal(tenant.client.revoke_grant, KeyId=key, GrantId=made["GrantId"]).code == "NotFoundException"


# What the grant says of the other account's user, and whether that user may retire it (4.3).
STRANGERS = {
    "retiring principal": ({"RetiringPrincipal": "{user}"}, True),
    "account as retiring principal": ({"RetiringPrincipal": "{account}"}, True),
    "grantee with RetireGrant": ({"GranteePrincipal": "{user}", "Operations": ["Encrypt", "RetireGrant"]}, True),
    "grantee without RetireGrant": ({"GranteePrincipal": "{user}", "Operations": ["Encrypt"]}, False),
    "another user as retiring principal": ({"RetiringPrincipal": "{role}"}, False),
    "not named": ({}, False),
}


@pytest.mark.parametrize("by", ["token", "key and id"])
@pytest.mark.parametrize("case", STRANGERS)
def test_who_of_another_account_may_retire(keystead, tenant, key, case, by):
    stranger = keystead.create_tenant()
    names = {"user": user(stranger), "account": stranger.account, "role": People(keystead, stranger).role("r")}
    parameters, allowed = STRANGERS[case]
    parameters = {name: value.format(**names) if isinstance(value, str) else value for name, value in parameters.items()}
    made = grant(tenant, key, **parameters)
    named = {"GrantToken": made["GrantToken"]} if by == "token" else {"KeyId": key, "GrantId": made["GrantId"]}
    if allowed:
        stranger.client.retire_grant(**named)
        assert grants(tenant.client, key) == []
        return
    refused = refusal(stranger.client.retire_grant, **named)
    assert refused.code == "AccessDeniedException"
    assert refused.message.startswith(f"User: {user(stranger)} is not authorized to perform: kms:RetireGrant on resource: {key}")
    assert grant_ids(tenant.client, key) == [made["GrantId"]]


def test_strangers_cannot_tell_what_exists(keystead, tenant, key):
    """4.7: a grant, a key and an account that are not there look like those that are, but for their names."""
    stranger, made = keystead.create_tenant(), grant(tenant, key)
    missing = f"arn:aws:kms:us-east-1:{tenant.account}:key/{NO_SUCH_KEY}"
    nowhere = f"arn:aws:kms:us-east-1:{ELSEWHERE}:key/{NO_SUCH_KEY}"
    seen = set()
    for key_id, grant_id in ((key, made["GrantId"]), (key, NO_SUCH_GRANT), (missing, NO_SUCH_GRANT), (nowhere, NO_SUCH_GRANT)):
        for operation in ("retire_grant", "revoke_grant"):
            refused = refusal(getattr(stranger.client, operation), KeyId=key_id, GrantId=grant_id)
            seen.add((operation, refused.code, refused.message.replace(key_id, "KEY")))
    assert len(seen) == 2 and {code for _, code, _ in seen} == {"AccessDeniedException"}


def test_retiring_a_grant_many_times_at_once(tenant, key):
    made = grant(tenant, key)

    def retire(_):
        answer = tenant.client.retire_grant
        try:
            answer(GrantToken=made["GrantToken"])
        except tenant.client.exceptions.NotFoundException:
            return 0
        return 1

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(retire, range(16))) == 1


# ---- lists ----


def test_filters_of_list_grants(tenant, key):
    bob = f"arn:aws:iam::{ELSEWHERE}:user/bob"
    first, second = grant(tenant, key), grant(tenant, key, GranteePrincipal=bob)
    client = tenant.client
    assert grant_ids(client, key, GrantId=first["GrantId"]) == [first["GrantId"]]
    assert grant_ids(client, key, GranteePrincipal=bob) == [second["GrantId"]]
    assert grant_ids(client, key, GranteePrincipal=bob, GrantId=first["GrantId"]) == []
    assert grant_ids(client, key, GrantId=NO_SUCH_GRANT) == []
    assert grant_ids(client, new_key(client), GrantId=first["GrantId"]) == []
    assert refusal(client.list_grants, KeyId=key, GrantId="x").code == "InvalidGrantIdException"
    assert refusal(client.list_grants, KeyId=key, GranteePrincipal="x").code == "InvalidArnException"


def test_retirable_grants(keystead, tenant, key):
    """4.3: principals of the caller's own account; grants on keys of other accounts, too."""
    stranger = keystead.create_tenant()
    theirs = new_key(stranger.client)
    own = grant(tenant, key, RetiringPrincipal=user(tenant))
    foreign = grant(stranger, theirs, GranteePrincipal=user(stranger), RetiringPrincipal=user(tenant), Name="foreign")
    grant(tenant, key, RetiringPrincipal=f"arn:aws:iam::{tenant.account}:root")
    grant(tenant, key, GranteePrincipal=user(tenant))
    listed = tenant.client.list_retirable_grants(RetiringPrincipal=user(tenant))["Grants"]
    assert {(entry["GrantId"], entry["KeyId"]) for entry in listed} == {(own["GrantId"], key), (foreign["GrantId"], theirs)}
    (entry,) = [entry for entry in listed if entry["KeyId"] == theirs]
    assert (entry["Name"], entry["IssuingAccount"]) == ("foreign", f"arn:aws:iam::{stranger.account}:root")
    (as_root,) = tenant.client.list_retirable_grants(RetiringPrincipal=tenant.account)["Grants"]
    assert as_root["RetiringPrincipal"] == f"arn:aws:iam::{tenant.account}:root"
    refused = refusal(tenant.client.list_retirable_grants, RetiringPrincipal=user(stranger))
    assert refused.code == "AccessDeniedException"
    assert f"kms:ListRetirableGrants on resource: {user(stranger)}" in refused.message
    assert refusal(tenant.client.list_retirable_grants, RetiringPrincipal="x").code == "InvalidArnException"


def test_each_region_has_its_own_grants(keystead, tenant, key):
    there = service_client("kms", keystead.endpoint, tenant.credentials, region=OTHER_REGION)
    made = grant(tenant, key, RetiringPrincipal=user(tenant))
    assert there.list_retirable_grants(RetiringPrincipal=user(tenant))["Grants"] == []
    assert refusal(there.retire_grant, GrantToken=made["GrantToken"]).code == "InvalidGrantTokenException"
    assert refusal(there.retire_grant, KeyId=key, GrantId=made["GrantId"]).message == "Invalid arn us-east-1"
    far = grant(type(tenant)(tenant.account, tenant.credentials, there), new_key(there), RetiringPrincipal=user(tenant))
    (entry,) = there.list_retirable_grants(RetiringPrincipal=user(tenant))["Grants"]
    assert entry["GrantId"] == far["GrantId"]
    there.retire_grant(GrantToken=far["GrantToken"])


# ---- the audit log ----


def test_records(keystead, tenant, key):
    """7.1: the grant's parameters and ID are recorded, tokens never."""
    parent = grant(tenant, key)["GrantToken"]
    created = grant(
        tenant, key, GrantTokens=[parent], Constraints={"EncryptionContextEquals": {"a": "b"}}, RetiringPrincipal=user(tenant)
    )
    record = keystead.audit_record(created["ResponseMetadata"]["RequestId"])
    assert record["requestParameters"] == {
        "keyId": key,
        "granteePrincipal": user(tenant),
        "retiringPrincipal": user(tenant),
        "operations": ["Encrypt", "Decrypt"],
        "constraints": {"encryptionContextEquals": {"a": "b"}},
    }
    assert record["responseElements"] == {"grantId": created["GrantId"], "keyId": key}
    assert [resource["ARN"] for resource in record["resources"]] == [key]
    retired = tenant.client.retire_grant(GrantToken=created["GrantToken"])
    record = keystead.audit_record(retired["ResponseMetadata"]["RequestId"])
    assert (record["requestParameters"], record["responseElements"]) == (None, {"keyId": key})
    assert [resource["ARN"] for resource in record["resources"]] == [key]
    log = json.dumps(keystead.audit_records())
    assert parent not in log and created["GrantToken"] not in log
