"""Accounts, users and access keys: the admin commands, and the walls between accounts.

Source: the issue, "Accounts, audit"; digest kms-core.md, 1.4 (credential errors), 2.1 and 4.7 (what a stranger is told).
"""

import re

import pytest
from botocore.exceptions import ClientError

from support.conditions import wait_until
from support.documented_errors import HIDDEN_KEY
from support.external_store import create_store
from support.sdk_client import refusal

UNKNOWN = ("UnrecognizedClientException", "The security token included in the request is invalid.")
EXPIRED = ("ExpiredTokenException", "The security token included in the request is expired")


def outcome(client):
    """`None` for a success, else code and message."""
    try:
        client.list_keys(Limit=1)
    except ClientError as failure:
        return failure.response["Error"]["Code"], failure.response["Error"]["Message"]
    return None


def wait_outcome(client, expected):
    """The commands take effect on a running server within a second; the limit here only tells stuck from slow."""
    wait_until(lambda: outcome(client) == expected, f"ListKeys ended with {expected}")


def test_an_account_is_created_and_listed(keystead):
    account = keystead.admin("accounts", "create", "--name", "listed account").strip()
    assert re.fullmatch(r"\d{12}", account), "the ID alone on a line"
    listed = keystead.admin("accounts", "list")
    assert account in listed and "listed account" in listed


def test_an_account_with_a_chosen_id(keystead):
    assert keystead.admin("accounts", "create", "--name", "chosen", "--id", "999900001111").strip() == "999900001111"
    credentials = keystead.create_access_key("999900001111")
    client = keystead.client(credentials)
    wait_outcome(client, None)
    assert client.create_key()["KeyMetadata"]["AWSAccountId"] == "999900001111"


# What an administrator can get wrong, and a word of the answer.
REFUSED_COMMANDS = {
    "account name taken": (("accounts", "create", "--name", "{name}"), "{name}"),
    "account ID taken": (("accounts", "create", "--name", "other name", "--id", "{account}"), "{account}"),
    "account ID too short": (("accounts", "create", "--name", "short", "--id", "123"), "12"),
    "account ID no digits": (("accounts", "create", "--name", "letters", "--id", "12345678901x"), "12"),
    "user name taken": (("users", "create", "--account", "{account}", "--name", "alice"), "alice"),
    "user of an unknown account": (("users", "create", "--account", "000000000042", "--name", "bob"), "000000000042"),
    "key of an unknown user": (("access-keys", "create", "--account", "{account}", "--user", "nobody"), "nobody"),
    "key of an unknown account": (("access-keys", "create", "--account", "000000000042"), "000000000042"),
    "unknown key": (("access-keys", "deactivate", "AKIAAAAAAAAAAAAAAAAA"), "AKIAAAAAAAAAAAAAAAAA"),
    "unknown user": (("users", "delete", "--account", "{account}", "--name", "nobody"), "nobody"),
    "user with keys": (("users", "delete", "--account", "{account}", "--name", "alice"), "access key"),
}


@pytest.fixture(scope="module")
def named_account(keystead):
    account = keystead.admin("accounts", "create", "--name", "taken name").strip()
    keystead.admin("users", "create", "--account", account, "--name", "alice")
    keystead.create_access_key(account, user="alice")
    return {"name": "taken name", "account": account}


@pytest.mark.parametrize("case", REFUSED_COMMANDS)
def test_a_refused_command_says_why(keystead, named_account, case):
    arguments, word = REFUSED_COMMANDS[case]
    message = keystead.refused_admin(*(argument.format(**named_account) for argument in arguments))
    assert word.format(**named_account) in message


def test_users_are_listed_and_deleted(keystead):
    account = keystead.create_account()
    for name in ("bob", "carol"):
        keystead.admin("users", "create", "--account", account, "--name", name)
    listed = keystead.admin("users", "list", "--account", account)
    assert "bob" in listed and "carol" in listed
    keystead.admin("users", "delete", "--account", account, "--name", "bob")
    assert "bob" not in keystead.admin("users", "list", "--account", account)


def test_access_keys_are_listed_without_their_secrets(keystead):
    account = keystead.create_account()
    credentials = keystead.create_access_key(account)
    listed = keystead.admin("access-keys", "list", "--account", account)
    assert credentials.access_key_id in listed
    assert credentials.secret_access_key not in listed


def test_the_form_of_an_access_key(keystead):
    credentials = keystead.create_access_key(keystead.create_account())
    assert re.fullmatch(r"AKIA[A-Z2-7]{16}", credentials.access_key_id)
    assert len(credentials.secret_access_key) == 40


def test_an_access_key_lives_on_a_running_server(keystead):
    """Created, deactivated, activated, deleted: each takes effect without a restart."""
    credentials = keystead.create_access_key(keystead.create_account())
    client = keystead.client(credentials)
    wait_outcome(client, None)
    keystead.admin("access-keys", "deactivate", credentials.access_key_id)
    wait_outcome(client, UNKNOWN)
    keystead.admin("access-keys", "activate", credentials.access_key_id)
    wait_outcome(client, None)
    keystead.admin("access-keys", "delete", credentials.access_key_id)
    wait_outcome(client, UNKNOWN)


def test_an_access_key_expires(keystead):
    credentials = keystead.create_access_key(keystead.create_account(), expires_in_seconds=1)
    wait_outcome(keystead.client(credentials), EXPIRED)


def test_a_user_has_several_keys_at_once(keystead, tenant):
    """So that a key can be rotated without a gap."""
    second = keystead.client(keystead.create_access_key(tenant.account, user="alice"))
    wait_outcome(second, None)
    key = tenant.client.create_key()["KeyMetadata"]["KeyId"]
    assert second.describe_key(KeyId=key)["KeyMetadata"]["AWSAccountId"] == tenant.account


@pytest.fixture(scope="module")
def stranger(keystead):
    """Another account than the test's own."""
    return keystead.create_tenant()


# Operations that a stranger tries on a key ARN, with their other parameters.
ON_A_KEY = [
    ("describe_key", {}),
    ("enable_key", {}),
    ("disable_key", {}),
    ("schedule_key_deletion", {}),
    ("cancel_key_deletion", {}),
    ("update_key_description", {"Description": "mine now"}),
    ("encrypt", {"Plaintext": b"x"}),
    ("generate_data_key", {"KeySpec": "AES_256"}),
    ("generate_data_key_without_plaintext", {"KeySpec": "AES_256"}),
    ("tag_resource", {"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
    ("untag_resource", {"TagKeys": ["a"]}),
    ("list_resource_tags", {}),
]


@pytest.mark.parametrize(("operation", "parameters"), ON_A_KEY, ids=lambda value: str(value)[:40])
def test_a_strangers_key_is_denied_whether_it_exists_or_not(tenant, stranger, operation, parameters):
    """4.7: for a cross-account caller a nonexistent key and a forbidden key look alike."""
    existing = tenant.client.create_key()["KeyMetadata"]["Arn"]
    invented = existing[:-12] + "000000000000"
    for arn in (existing, invented):
        refused = refusal(getattr(stranger.client, operation), KeyId=arn, **parameters)
        action = "".join(word.capitalize() for word in operation.split("_"))
        assert (refused.code, refused.status) == ("AccessDeniedException", 400), refused
        expected = f"User: arn:aws:iam::{stranger.account}:user/alice is not authorized to perform: kms:{action} on resource: {arn}"
        assert refused.message.startswith(expected), refused


def test_a_strangers_ciphertext_is_denied(tenant, stranger):
    """2.1: Decrypt without KeyId must not tell whether the key exists."""
    key = tenant.client.create_key()["KeyMetadata"]["Arn"]
    ciphertext = tenant.client.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    refused = refusal(stranger.client.decrypt, CiphertextBlob=ciphertext)
    assert (refused.code, refused.message) == ("AccessDeniedException", HIDDEN_KEY)


def test_a_stranger_cannot_re_encrypt_away(tenant, stranger):
    key = tenant.client.create_key()["KeyMetadata"]["Arn"]
    own = stranger.client.create_key()["KeyMetadata"]["Arn"]
    ciphertext = tenant.client.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    refused = refusal(stranger.client.re_encrypt, CiphertextBlob=ciphertext, DestinationKeyId=own)
    assert refused.code == "AccessDeniedException"
    ours = stranger.client.encrypt(KeyId=own, Plaintext=b"x")["CiphertextBlob"]
    refused = refusal(stranger.client.re_encrypt, CiphertextBlob=ours, DestinationKeyId=key)
    assert refused.code == "AccessDeniedException"


def test_a_strangers_alias_is_denied(tenant, stranger):
    key = tenant.client.create_key()["KeyMetadata"]["KeyId"]
    tenant.client.create_alias(AliasName="alias/private", TargetKeyId=key)
    arn = f"arn:aws:kms:us-east-1:{tenant.account}:alias/private"
    assert refusal(stranger.client.describe_key, KeyId=arn).code == "AccessDeniedException"
    assert refusal(stranger.client.describe_key, KeyId="alias/private").code == "NotFoundException"


def test_a_bare_key_id_means_the_callers_account(tenant, stranger):
    key_id = tenant.client.create_key()["KeyMetadata"]["KeyId"]
    refused = refusal(stranger.client.describe_key, KeyId=key_id)
    arn = f"arn:aws:kms:us-east-1:{stranger.account}:key/{key_id}"
    assert (refused.code, refused.message) == ("NotFoundException", f"Key '{arn}' does not exist")


def test_listings_show_the_own_account_alone(tenant, stranger):
    key = tenant.client.create_key()["KeyMetadata"]["KeyId"]
    tenant.client.create_alias(AliasName="alias/mine", TargetKeyId=key)
    assert key not in [entry["KeyId"] for entry in stranger.client.list_keys()["Keys"]]
    assert "alias/mine" not in [entry["AliasName"] for entry in stranger.client.list_aliases()["Aliases"]]


def test_a_strangers_key_store_does_not_exist(tenant, stranger, realm):
    """Digest external-key-stores.md, section 3: no cross-account use on any of the six operations."""
    store = create_store(tenant.client, realm)
    assert stranger.client.describe_custom_key_stores()["CustomKeyStores"] == []
    for operation in ("connect", "disconnect", "update", "delete"):
        call = getattr(stranger.client, f"{operation}_custom_key_store")
        changes = {"NewCustomKeyStoreName": "mine now"} if operation == "update" else {}
        refused = refusal(call, CustomKeyStoreId=store.store_id, **changes)
        assert refused.code == "CustomKeyStoreNotFoundException", operation
    call = stranger.client.describe_custom_key_stores
    assert refusal(call, CustomKeyStoreId=store.store_id).code == "CustomKeyStoreNotFoundException"
    assert store.state() == "DISCONNECTED"


def test_names_and_uris_are_free_in_another_account(tenant, stranger, realm):
    """Digest external-key-stores.md, 3.2: unique per account and Region."""
    create_store(tenant.client, realm, CustomKeyStoreName="same name")
    create_store(stranger.client, realm, CustomKeyStoreName="same name").delete()
