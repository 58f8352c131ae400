"""KMS keys of origin AWS_KMS: creation, states, deletion, identifiers, aliases, tags, listings.

Source: digest kms-core.md, 2.1, 2.3, 2.5 to 2.8, 5.1 to 5.3, 5.6, 9.1.
"""

import datetime
import re
from concurrent.futures import ThreadPoolExecutor

import pytest

from support.sdk_client import refusal
from support.stored_keys import make_deletion_due
from support.conditions import wait_until

UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}"
NO_SUCH_KEY = "00000000-0000-4000-8000-000000000000"


def new_key(client, **parameters):
    return client.create_key(**parameters)["KeyMetadata"]["Arn"]


def state_of(client, key):
    return client.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]


# ---- CreateKey and DescribeKey ----


def test_the_metadata_of_a_key(tenant):
    """2.8, KeyMetadata presence."""
    metadata = tenant.client.create_key()["KeyMetadata"]
    created = metadata.pop("CreationDate")
    assert abs(created - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(hours=1)
    key_id = metadata.pop("KeyId")
    assert re.fullmatch(UUID, key_id)
    assert re.fullmatch(r"[0-9a-f]{64}", metadata.pop("CurrentKeyMaterialId"))
    assert metadata == {
        "AWSAccountId": tenant.account,
        "Arn": f"arn:aws:kms:us-east-1:{tenant.account}:key/{key_id}",
        "Enabled": True,
        "Description": "",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_KMS",
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }


def test_describe_equals_create(kms):
    created = kms.create_key(Description="as created", Tags=[{"TagKey": "a", "TagValue": ""}])["KeyMetadata"]
    assert kms.describe_key(KeyId=created["KeyId"])["KeyMetadata"] == created


# What KMS makes nowhere, or in China Regions only: 2.8 and 3.1.
UNSUPPORTED = [
    {"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY"},
    {"KeySpec": "ML_DSA_44", "KeyUsage": "SIGN_VERIFY", "Origin": "EXTERNAL"},
    {"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY", "Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks-1234567890abcdef0"},
    {"MultiRegion": True, "Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": "cks-1234567890abcdef0"},
]


@pytest.mark.parametrize("parameters", UNSUPPORTED, ids=str)
def test_keys_that_kms_does_not_make(kms, parameters):
    refused = refusal(kms.create_key, **parameters)
    assert refused.code == "UnsupportedOperationException", refused
    assert kms.list_keys()["Keys"] == []


def test_a_usage_that_does_not_fit_the_spec(kms):
    """1.5: `KeyUsage <u> is not compatible with KeySpec <s>`."""
    refused = refusal(kms.create_key, KeyUsage="SIGN_VERIFY", KeySpec="SYMMETRIC_DEFAULT")
    assert refused.code in ("ValidationException", "UnsupportedOperationException")
    assert "KeyUsage SIGN_VERIFY is not compatible with KeySpec SYMMETRIC_DEFAULT" in refused.message


def test_update_the_description(kms):
    key = new_key(kms, Description="before")
    kms.update_key_description(KeyId=key, Description="after, ÄÖÜ 漢字")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "after, ÄÖÜ 漢字"
    kms.update_key_description(KeyId=key, Description="")
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Description"] == ""


# ---- identifiers: 2.1 ----


@pytest.fixture(scope="module")
def named(module_tenant):
    """A key with an alias: its four names."""
    client = module_tenant.client
    arn = new_key(client)
    client.create_alias(AliasName="alias/four-forms", TargetKeyId=arn)
    prefix = f"arn:aws:kms:us-east-1:{module_tenant.account}:"
    return {
        "key id": arn.rpartition("/")[2],
        "key ARN": arn,
        "alias name": "alias/four-forms",
        "alias ARN": prefix + "alias/four-forms",
    }


# Operations that take all four forms (column ids = 4 in 2.2).
FOUR_FORMS = {
    "describe_key": {},
    "encrypt": {"Plaintext": b"x"},
    "generate_data_key": {"KeySpec": "AES_256"},
    "generate_data_key_without_plaintext": {"KeySpec": "AES_256"},
}


@pytest.mark.parametrize("form", ["key id", "key ARN", "alias name", "alias ARN"])
@pytest.mark.parametrize("operation", FOUR_FORMS)
def test_four_forms(module_tenant, named, operation, form):
    answer = getattr(module_tenant.client, operation)(KeyId=named[form], **FOUR_FORMS[operation])
    found = answer["KeyMetadata"]["Arn"] if operation == "describe_key" else answer["KeyId"]
    assert found == named["key ARN"]


@pytest.mark.parametrize("form", ["key id", "key ARN", "alias name", "alias ARN"])
def test_four_forms_of_decrypt_and_re_encrypt(module_tenant, named, form):
    client = module_tenant.client
    blob = client.encrypt(KeyId=named["key id"], Plaintext=b"x")["CiphertextBlob"]
    assert client.decrypt(CiphertextBlob=blob, KeyId=named[form])["KeyId"] == named["key ARN"]
    answer = client.re_encrypt(CiphertextBlob=blob, SourceKeyId=named[form], DestinationKeyId=named[form])
    assert (answer["SourceKeyId"], answer["KeyId"]) == (named["key ARN"], named["key ARN"])


# Operations that take a key ID or key ARN alone (column ids = 2).
TWO_FORMS = {
    "enable_key": {},
    "disable_key": {},
    "schedule_key_deletion": {},
    "cancel_key_deletion": {},
    "update_key_description": {"Description": "d"},
    "tag_resource": {"Tags": [{"TagKey": "a", "TagValue": "b"}]},
    "untag_resource": {"TagKeys": ["a"]},
    "list_resource_tags": {},
}


@pytest.mark.parametrize("form", ["alias name", "alias ARN"])
@pytest.mark.parametrize("operation", TWO_FORMS)
def test_an_alias_where_it_is_not_taken(module_tenant, named, operation, form):
    refused = refusal(getattr(module_tenant.client, operation), KeyId=named[form], **TWO_FORMS[operation])
    # 2.1 gives InvalidArnException for an operation that declares it; the text is from the field.
    assert refused.code in ("InvalidArnException", "NotFoundException"), refused
    if refused.code == "InvalidArnException":
        assert refused.message == "Key Aliases are not supported for this operation."


# 2.1: lookup errors. `{account}` and `{key}` (an existing key's ID) are filled in.
LOOKUPS = [
    ("nonsense", "NotFoundException", "Invalid keyId 'nonsense'"),
    ("{bare}", "NotFoundException", "Invalid keyId '{bare}'"),
    ("mrk-fake", "NotFoundException", "Invalid keyId 'mrk-fake'"),
    (NO_SUCH_KEY, "NotFoundException", "Key 'arn:aws:kms:us-east-1:{account}:key/" + NO_SUCH_KEY + "' does not exist"),
    (
        "arn:aws:kms:us-east-1:{account}:key/" + NO_SUCH_KEY,
        "NotFoundException",
        "Key 'arn:aws:kms:us-east-1:{account}:key/" + NO_SUCH_KEY + "' does not exist",
    ),
    ("arn:aws:kms:eu-west-1:{account}:key/{key}", "NotFoundException", "Invalid arn eu-west-1"),
    ("alias/none", "NotFoundException", "Alias arn:aws:kms:us-east-1:{account}:alias/none is not found."),
    (
        "arn:aws:kms:us-east-1:{account}:alias/none",
        "NotFoundException",
        "Alias arn:aws:kms:us-east-1:{account}:alias/none is not found.",
    ),
    ("arn:aws:kms:us-east-1:{account}:grant/x", "InvalidArnException", None),
    ("arn:aws:s3:::bucket", "InvalidArnException", None),
    ("arn:", ("InvalidArnException", "NotFoundException"), None),
]


@pytest.mark.parametrize(("given", "code", "message"), LOOKUPS, ids=lambda value: str(value)[:50])
def test_lookup_errors(module_tenant, named, given, code, message):
    values = {"account": module_tenant.account, "key": named["key id"], "bare": named["key id"].replace("-", "")}
    refused = refusal(module_tenant.client.describe_key, KeyId=given.format(**values))
    assert refused.code in ((code,) if isinstance(code, str) else code), refused
    if message is not None:
        assert refused.message == message.format(**values)


# ---- states: 2.6 ----


def bring_to(client, key, state):
    if state == "Disabled":
        client.disable_key(KeyId=key)
    if state == "PendingDeletion":
        client.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)


DISABLED = ("DisabledException", "{arn} is disabled.")
PENDING = ("KMSInvalidStateException", "{arn} is pending deletion.")
# Footnote 3 admits both forms; the sourced one names the replica, too.
PENDING_LONG = ("KMSInvalidStateException", "{arn} is pending deletion (or pending replica deletion).")
# The two digests print a long and a short form (footnote 4 here, [4] in external-key-stores.md, 4.4).
NOT_PENDING_SHORT = ("KMSInvalidStateException", "{arn} is not pending deletion.")
NOT_PENDING = ("KMSInvalidStateException", "{arn} is not pending deletion (or pending replica deletion).")

CRYPTO_CALLS = {
    "encrypt": lambda client, key, blob: client.encrypt(KeyId=key, Plaintext=b"x"),
    "decrypt": lambda client, key, blob: client.decrypt(CiphertextBlob=blob),
    "decrypt with KeyId": lambda client, key, blob: client.decrypt(CiphertextBlob=blob, KeyId=key),
    "re-encrypt from": lambda client, key, blob: client.re_encrypt(
        CiphertextBlob=blob, DestinationKeyId=new_key(client)
    ),
    "re-encrypt to": lambda client, key, blob: client.re_encrypt(
        CiphertextBlob=client.encrypt(KeyId=new_key(client), Plaintext=b"x")["CiphertextBlob"], DestinationKeyId=key
    ),
    "data key": lambda client, key, blob: client.generate_data_key(KeyId=key, KeySpec="AES_256"),
    "data key without plaintext": lambda client, key, blob: client.generate_data_key_without_plaintext(
        KeyId=key, KeySpec="AES_256"
    ),
    "dry run": lambda client, key, blob: client.encrypt(KeyId=key, Plaintext=b"x", DryRun=True),
}


@pytest.mark.parametrize(("state", "expected"), [("Disabled", [DISABLED]), ("PendingDeletion", [PENDING])], ids=["Disabled", "PendingDeletion"])
@pytest.mark.parametrize("call", CRYPTO_CALLS)
def test_cryptography_in_a_state(kms, call, state, expected):
    key = new_key(kms)
    blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    bring_to(kms, key, state)
    refused = refusal(lambda: CRYPTO_CALLS[call](kms, key, blob))
    assert (refused.code, refused.message) in [(code, text.format(arn=key)) for code, text in expected]
    assert refused.cause == {"Disabled": "KEY_DISABLED", "PendingDeletion": "KEY_PENDING_DELETION"}[state]


MANAGEMENT_CALLS = {
    "describe": lambda client, key: client.describe_key(KeyId=key),
    "list tags": lambda client, key: client.list_resource_tags(KeyId=key),
    "list aliases": lambda client, key: client.list_aliases(KeyId=key),
    "create alias": lambda client, key: client.create_alias(AliasName="alias/in-a-state", TargetKeyId=key),
    "tag": lambda client, key: client.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}]),
    "untag": lambda client, key: client.untag_resource(KeyId=key, TagKeys=["a"]),
    "description": lambda client, key: client.update_key_description(KeyId=key, Description="d"),
    "enable": lambda client, key: client.enable_key(KeyId=key),
    "disable": lambda client, key: client.disable_key(KeyId=key),
    "schedule deletion": lambda client, key: client.schedule_key_deletion(KeyId=key),
    "cancel deletion": lambda client, key: client.cancel_key_deletion(KeyId=key),
}
P = [PENDING, PENDING_LONG]
# 2.6: columns Enabled, Disabled, PendingDeletion; None is success.
STATE_TABLE = {
    "describe": (None, None, None),
    "list tags": (None, None, None),
    "list aliases": (None, None, None),
    "create alias": (None, None, P),
    "tag": (None, None, P),
    "untag": (None, None, P),
    "description": (None, None, P),
    "enable": (None, None, P),
    "disable": (None, None, P),
    "schedule deletion": (None, None, P),
    "cancel deletion": ([NOT_PENDING, NOT_PENDING_SHORT], [NOT_PENDING, NOT_PENDING_SHORT], None),
}


@pytest.mark.parametrize("column", [0, 1, 2], ids=["Enabled", "Disabled", "PendingDeletion"])
@pytest.mark.parametrize("call", STATE_TABLE)
def test_management_in_a_state(kms, call, column):
    key = new_key(kms)
    bring_to(kms, key, ["Enabled", "Disabled", "PendingDeletion"][column])
    expected = STATE_TABLE[call][column]
    if expected is None:
        MANAGEMENT_CALLS[call](kms, key)
        return
    refused = refusal(lambda: MANAGEMENT_CALLS[call](kms, key))
    assert (refused.code, refused.message) in [(code, text.format(arn=key)) for code, text in expected], refused


def test_enable_and_disable_are_idempotent(kms):
    """2.7."""
    key = new_key(kms)
    kms.enable_key(KeyId=key)
    for _ in range(2):
        kms.disable_key(KeyId=key)
    assert state_of(kms, key) == "Disabled"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["Enabled"] is False


def test_many_change_the_same_alias_at_once(kms):
    """2.7: ordinary contention is no error; each update is made, one after the other."""
    keys = [new_key(kms) for _ in range(2)]
    kms.create_alias(AliasName="alias/wanted-by-many", TargetKeyId=keys[0])
    with ThreadPoolExecutor(8) as pool:
        updates = [
            pool.submit(kms.update_alias, AliasName="alias/wanted-by-many", TargetKeyId=keys[number % 2])
            for number in range(80)
        ]
    assert [update.exception() for update in updates if update.exception()] == []


def test_many_tag_the_same_key_at_once(kms):
    """2.7: no tag of anybody is lost."""
    key = new_key(kms)
    names = [f"tag-{number}" for number in range(40)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda name: kms.tag_resource(KeyId=key, Tags=[{"TagKey": name, "TagValue": ""}]), names))
    assert sorted(tag["TagKey"] for tag in kms.list_resource_tags(KeyId=key)["Tags"]) == sorted(names)


def test_update_alias_in_pending_deletion(kms):
    """2.6: the old key may be pending deletion, the new one not (footnote 10)."""
    doomed, alive = new_key(kms), new_key(kms)
    kms.create_alias(AliasName="alias/moves", TargetKeyId=doomed)
    bring_to(kms, doomed, "PendingDeletion")
    kms.update_alias(AliasName="alias/moves", TargetKeyId=alive)
    refused = refusal(kms.update_alias, AliasName="alias/moves", TargetKeyId=doomed)
    assert (refused.code, refused.message) == ("KMSInvalidStateException", f"{doomed} is pending deletion.")


# ---- deletion: 5.6 ----


def test_schedule_and_cancel(kms):
    key = new_key(kms)
    scheduled = kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert (scheduled["KeyId"], scheduled["KeyState"], scheduled["PendingWindowInDays"]) == (key, "PendingDeletion", 7)
    in_seven_days = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=7)
    assert abs(scheduled["DeletionDate"] - in_seven_days) < datetime.timedelta(hours=1)
    metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert metadata["DeletionDate"] == scheduled["DeletionDate"]
    assert metadata["Enabled"] is False
    assert kms.cancel_key_deletion(KeyId=key)["KeyId"] == key
    metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
    assert (metadata["KeyState"], "DeletionDate" in metadata) == ("Disabled", False)


def test_the_default_window_is_thirty_days(kms):
    key = new_key(kms)
    assert kms.schedule_key_deletion(KeyId=key)["PendingWindowInDays"] == 30


@pytest.fixture(scope="module")
def sweeping(make_module_installation):
    """A server that looks often for keys whose day has come."""
    return make_module_installation({"key_deletion": {"sweep_interval_ms": 100}}).start()


def test_the_day_comes(sweeping):
    """Key, aliases and tags vanish; another key stays; the server writes a DeleteKey event (7.2)."""
    tenant = sweeping.create_tenant()
    doomed, waiting = new_key(tenant.client), new_key(tenant.client)
    blob = tenant.client.encrypt(KeyId=doomed, Plaintext=b"x")["CiphertextBlob"]
    tenant.client.create_alias(AliasName="alias/doomed", TargetKeyId=doomed)
    for key in (doomed, waiting):
        tenant.client.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert sweeping.stop() == 0
    make_deletion_due(sweeping.data_folder / "store.sqlite", doomed.rpartition("/")[2])
    sweeping.start()
    client = sweeping.client(tenant.credentials)
    wait_until(lambda: [key["KeyArn"] for key in client.list_keys()["Keys"]] == [waiting], "the key was deleted")
    refused = refusal(client.describe_key, KeyId=doomed)
    assert (refused.code, refused.message) == ("NotFoundException", f"Key '{doomed}' does not exist")
    assert client.list_aliases()["Aliases"] == []
    assert refusal(client.decrypt, CiphertextBlob=blob).code == "AccessDeniedException"
    assert state_of(client, waiting) == "PendingDeletion"
    check_delete_key_event(sweeping, doomed)


def check_delete_key_event(server, key):
    """7.2, events that KMS makes itself."""
    events = wait_until(
        lambda: [record for record in server.audit_records() if record["eventName"] == "DeleteKey"], "DeleteKey was recorded"
    )
    (event,) = [record for record in events if record["resources"][0]["ARN"] == key]
    assert event["eventType"] == "AwsServiceEvent"
    assert event["userIdentity"]["invokedBy"] == "AWS Internal"
    assert (event["requestParameters"], event["responseElements"]) == (None, None)


# ---- aliases: 5.2 ----


def test_the_life_of_an_alias(tenant):
    client = tenant.client
    first, second = new_key(client), new_key(client)
    client.create_alias(AliasName="alias/life", TargetKeyId=first)
    (entry,) = client.list_aliases()["Aliases"]
    assert entry["AliasArn"] == f"arn:aws:kms:us-east-1:{tenant.account}:alias/life"
    assert (entry["AliasName"], entry["TargetKeyId"]) == ("alias/life", first.rpartition("/")[2])
    client.update_alias(AliasName="alias/life", TargetKeyId=second)
    (moved,) = client.list_aliases()["Aliases"]
    assert moved["TargetKeyId"] == second.rpartition("/")[2]
    assert moved["CreationDate"] == entry["CreationDate"]
    assert moved["LastUpdatedDate"] >= entry["LastUpdatedDate"]
    client.delete_alias(AliasName="alias/life")
    assert client.list_aliases()["Aliases"] == []
    assert refusal(client.describe_key, KeyId="alias/life").code == "NotFoundException"
    client.create_alias(AliasName="alias/life", TargetKeyId=second)


def test_an_alias_that_exists(tenant):
    client, key = tenant.client, new_key(tenant.client)
    client.create_alias(AliasName="alias/twice", TargetKeyId=key)
    refused = refusal(client.create_alias, AliasName="alias/twice", TargetKeyId=key)
    arn = f"arn:aws:kms:us-east-1:{tenant.account}:alias/twice"
    assert (refused.code, refused.message) == ("AlreadyExistsException", f"An alias with the name {arn} already exists")


def test_an_alias_that_does_not_exist(tenant):
    client, key = tenant.client, new_key(tenant.client)
    message = f"Alias arn:aws:kms:us-east-1:{tenant.account}:alias/none is not found."
    for call, parameters in ((client.delete_alias, {}), (client.update_alias, {"TargetKeyId": key})):
        refused = refusal(call, AliasName="alias/none", **parameters)
        assert (refused.code, refused.message) == ("NotFoundException", message)


def test_aliases_are_case_sensitive(kms):
    key = new_key(kms)
    for name in ("alias/Case", "alias/case"):
        kms.create_alias(AliasName=name, TargetKeyId=key)
    assert len(kms.list_aliases(KeyId=key)["Aliases"]) == 2


@pytest.mark.parametrize("name", ["alias/aws/mine", "alias/aws/s3"])
def test_reserved_aliases(kms, name):
    """5.2: reserved; the error class is unverified."""
    refused = refusal(kms.create_alias, AliasName=name, TargetKeyId=new_key(kms))
    assert refused.status == 400 and refused.code in ("NotAuthorizedException", "AccessDeniedException", "InvalidAliasNameException")


def test_a_colon_in_an_alias(kms):
    """1.5."""
    refused = refusal(kms.create_alias, AliasName="alias/a:b", TargetKeyId=new_key(kms))
    assert refused.message == "alias/a:b contains invalid characters for an alias"


def test_an_alias_for_a_missing_key(kms):
    assert refusal(kms.create_alias, AliasName="alias/a", TargetKeyId=NO_SUCH_KEY).code == "NotFoundException"


def test_fifty_aliases_for_a_key(kms):
    """9.1 and 5.2."""
    key = new_key(kms)
    for number in range(50):
        kms.create_alias(AliasName=f"alias/n{number}", TargetKeyId=key)
    refused = refusal(kms.create_alias, AliasName="alias/n50", TargetKeyId=key)
    assert (refused.code, refused.message) == (
        "LimitExceededException",
        "Aliases per key quota for this account in this region is 50, current usage is 50.",
    )


def test_aliases_of_one_key(kms):
    first, second = new_key(kms), new_key(kms)
    kms.create_alias(AliasName="alias/of-first", TargetKeyId=first)
    kms.create_alias(AliasName="alias/of-second", TargetKeyId=second)
    assert [entry["AliasName"] for entry in kms.list_aliases(KeyId=first)["Aliases"]] == ["alias/of-first"]
    assert refusal(kms.list_aliases, KeyId=NO_SUCH_KEY).code == "NotFoundException"


# ---- tags: 5.3 ----


def tags(**values):
    return [{"TagKey": key, "TagValue": value} for key, value in values.items()]


def test_the_life_of_tags(kms):
    key = new_key(kms, Tags=tags(a="1", b="2"))
    kms.tag_resource(KeyId=key, Tags=tags(b="3", c=""))
    assert kms.list_resource_tags(KeyId=key)["Tags"] == tags(a="1", b="3", c="")
    kms.untag_resource(KeyId=key, TagKeys=["a", "no such tag"])
    assert kms.list_resource_tags(KeyId=key)["Tags"] == tags(b="3", c="")


# operation, tags, message of the TagException
WRONG_TAGS = {
    "duplicate": ([{"TagKey": "a", "TagValue": "1"}, {"TagKey": "a", "TagValue": "2"}], "Duplicate tag keys"),
    "reserved": (tags(**{"aws:mine": "1"}), "Tags beginning with aws: are reserved"),
    "reserved in capitals": (tags(**{"AWS:mine": "1"}), "Tags beginning with aws: are reserved"),
    "too many": ([{"TagKey": f"k{n}", "TagValue": ""} for n in range(51)], "Too many tags"),
}


@pytest.mark.parametrize("case", WRONG_TAGS)
def test_wrong_tags(kms, case):
    wrong, message = WRONG_TAGS[case]
    refused = refusal(kms.create_key, Tags=wrong)
    assert (refused.code, refused.message) == ("TagException", message)
    assert kms.list_keys()["Keys"] == []
    key = new_key(kms)
    refused = refusal(kms.tag_resource, KeyId=key, Tags=wrong)
    assert (refused.code, refused.message) == ("TagException", message)
    assert kms.list_resource_tags(KeyId=key)["Tags"] == []


def test_fifty_tags_are_the_limit(kms):
    key = new_key(kms, Tags=[{"TagKey": f"k{n}", "TagValue": ""} for n in range(50)])
    refused = refusal(kms.tag_resource, KeyId=key, Tags=tags(more=""))
    assert (refused.code, refused.message) == ("TagException", "Too many tags")
    kms.tag_resource(KeyId=key, Tags=tags(k0="changed"))


# ---- listings: 2.5 ----


def pages(call, result, **parameters):
    """Every page of a listing; checks NextMarker against Truncated."""
    collected, marker = [], {}
    while True:
        page = call(**parameters, **marker)
        assert page["Truncated"] is ("NextMarker" in page)
        collected.append(page[result])
        if not page["Truncated"]:
            return collected
        marker = {"Marker": page["NextMarker"]}


def test_pages_of_keys(kms):
    made = {new_key(kms) for _ in range(7)}
    listed = pages(kms.list_keys, "Keys", Limit=3)
    assert all(len(page) <= 3 for page in listed)
    entries = [entry for page in listed for entry in page]
    assert len(entries) == 7 and {entry["KeyArn"] for entry in entries} == made
    assert all(entry["KeyArn"].endswith(entry["KeyId"]) for entry in entries)


def test_pages_are_stable_while_keys_come_and_aliases_go(kms):
    """What was there from start to end is listed exactly once."""
    before = {new_key(kms) for _ in range(6)}
    page = kms.list_keys(Limit=2)
    seen = [entry["KeyArn"] for entry in page["Keys"]]
    while page["Truncated"]:
        new_key(kms)
        page = kms.list_keys(Limit=2, Marker=page["NextMarker"])
        seen += [entry["KeyArn"] for entry in page["Keys"]]
    assert before <= set(seen) and len(seen) == len(set(seen))


def test_pages_of_aliases(kms):
    key = new_key(kms)
    names = {f"alias/page-{n}" for n in range(5)}
    for name in names:
        kms.create_alias(AliasName=name, TargetKeyId=key)
    listed = pages(kms.list_aliases, "Aliases", Limit=2)
    assert {entry["AliasName"] for page in listed for entry in page} == names
    assert sum(map(len, listed)) == 5


def test_pages_of_tags(kms):
    key = new_key(kms, Tags=[{"TagKey": f"k{n}", "TagValue": ""} for n in range(5)])
    listed = pages(kms.list_resource_tags, "Tags", Limit=2, KeyId=key)
    assert sum(map(len, listed)) == 5


def test_default_page_of_aliases_is_fifty(kms):
    """2.5."""
    for _ in range(2):
        key = new_key(kms)
        for number in range(30):
            kms.create_alias(AliasName=f"alias/{key[-4:]}-{number}", TargetKeyId=key)
    page = kms.list_aliases()
    assert (len(page["Aliases"]), page["Truncated"]) == (50, True)


@pytest.mark.parametrize("operation", ["list_keys", "list_aliases", "list_resource_tags"])
def test_a_marker_that_no_page_gave(kms, operation):
    parameters = {"KeyId": new_key(kms)} if operation == "list_resource_tags" else {}
    assert refusal(getattr(kms, operation), Marker="no such marker", **parameters).code == "InvalidMarkerException"
