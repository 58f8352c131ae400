"""Accounts, users and access keys: the admin commands, and the walls between accounts.

Source: the issue, "Accounts, audit"; digest kms-core.md, 1.4 (credential errors), 2.1 and 4.7 (what a stranger is told).
"""

import json
import re

import pytest
from botocore.exceptions import ClientError

from support.built_binary import ServerProcess, run_command
from support.conditions import wait_until
from support.development_server import DevelopmentServer
from support.documented_errors import HIDDEN_KEY
from support.external_store import create_store
from support.installation import Installation
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


NO_ACCOUNT = "account 000000000042 does not exist"
CASE_DOES_NOT_COUNT = "user alice exists already (the case of letters does not count)"
# What an administrator can get wrong, and words of the answer.
REFUSED_COMMANDS = {
    "account name taken": (("accounts", "create", "--name", "{name}"), "the name {name} is taken, by account {account}"),
    "account ID taken": (("accounts", "create", "--name", "other name", "--id", "{account}"), "account {account} exists already"),
    "account ID too short": (("accounts", "create", "--name", "short", "--id", "123"), "12"),
    "account ID no digits": (("accounts", "create", "--name", "letters", "--id", "12345678901x"), "12"),
    "user name taken": (("users", "create", "--account", "{account}", "--name", "alice"), "user alice exists already"),
    "user name taken but for the case": (("users", "create", "--account", "{account}", "--name", "ALICE"), CASE_DOES_NOT_COUNT),
    "administrator that exists": (
        ("users", "create", "--account", "{account}", "--name", "alice", "--administrator"),
        "to make an existing user an administrator again: `admin users make-administrator`",
    ),
    "user of an unknown account": (("users", "create", "--account", "000000000042", "--name", "bob"), NO_ACCOUNT),
    "users of an unknown account": (("users", "list", "--account", "000000000042"), NO_ACCOUNT),
    "unknown administrator": (
        ("users", "make-administrator", "--account", "{account}", "--name", "nobody"),
        "account {account} has no user nobody: `admin users list` shows",
    ),
    "key of an unknown user": (("access-keys", "create", "--account", "{account}", "--user", "nobody"), "nobody"),
    "key of an unknown account": (("access-keys", "create", "--account", "000000000042"), NO_ACCOUNT),
    "keys of an unknown account": (("access-keys", "list", "--account", "000000000042"), NO_ACCOUNT),
    "key that has expired": (("access-keys", "create", "--account", "{account}", "--expires-in-seconds", "0"), "1.."),
    "unknown key": (("access-keys", "deactivate", "AKIAAAAAAAAAAAAAAAAA"), "AKIAAAAAAAAAAAAAAAAA"),
    "unknown user": (("users", "delete", "--account", "{account}", "--name", "nobody"), "`admin users list` shows"),
    "user of an unknown account deleted": (("users", "delete", "--account", "000000000042", "--name", "nobody"), NO_ACCOUNT),
    "user with keys": (("users", "delete", "--account", "{account}", "--name", "alice"), "access key"),
    "sessions of nobody named": (("sessions", "revoke", "--account", "{account}"), "<--role <NAME>|--user <NAME>|--root-user>"),
    "sessions of an unknown user": (("sessions", "revoke", "--account", "{account}", "--user", "nobody"), "no user nobody"),
    "sessions of an unknown role": (("sessions", "revoke", "--account", "{account}", "--role", "nobody"), "no role nobody"),
    "sessions of an unknown root user": (("sessions", "revoke", "--account", "000000000042", "--root-user"), NO_ACCOUNT),
    "sessions of two at once": (
        ("sessions", "revoke", "--account", "{account}", "--user", "alice", "--root-user"),
        "'--user <NAME>' cannot be used with '--root-user'",
    ),
    "sessions of an unknown account": (("sessions", "revoke", "--account", "000000000042", "--role", "nobody"), NO_ACCOUNT),
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


def test_a_user_that_is_locked_out_is_made_an_administrator_again(keystead):
    """What the user has besides stays; to do it twice does no harm."""
    tenant = keystead.create_tenant()
    iam = keystead.client(tenant.credentials, "iam")
    deny = {"Version": "2012-10-17", "Statement": {"Effect": "Deny", "Action": "kms:CreateKey", "Resource": "*"}}
    iam.put_user_policy(UserName="alice", PolicyName="no-keys", PolicyDocument=json.dumps(deny))
    iam.detach_user_policy(UserName="alice", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess")
    wait_until(lambda: (outcome(tenant.client) or ("",))[0] == "AccessDeniedException", "alice may do nothing")
    for _ in range(2):
        keystead.admin("users", "make-administrator", "--account", tenant.account, "--name", "alice")
    wait_outcome(tenant.client, None)
    attached = iam.list_attached_user_policies(UserName="alice")["AttachedPolicies"]
    assert [policy["PolicyName"] for policy in attached] == ["AdministratorAccess"]
    assert iam.list_user_policies(UserName="alice")["PolicyNames"] == ["no-keys"]
    assert refusal(tenant.client.create_key).code == "AccessDeniedException"


# Every command but the one that makes the first account.
ON_A_STORE_THAT_EXISTS = {
    "accounts list": ("accounts", "list"),
    "users create": ("users", "create", "--account", "111122223333", "--name", "ada"),
    "access-keys list": ("access-keys", "list", "--account", "111122223333"),
    "sessions revoke": ("sessions", "revoke", "--account", "111122223333", "--user", "ada"),
    "keys reset-policy": ("keys", "reset-policy", "arn:aws:kms:us-east-1:111122223333:key/12345678-1234-1234-1234-123456789012"),
}


@pytest.mark.parametrize("case", ON_A_STORE_THAT_EXISTS)
def test_no_command_but_the_first_makes_a_store(tmp_path, case):
    """A wrong `data_dir` is no empty store."""
    installation = Installation(tmp_path)
    message = installation.refused_admin(*ON_A_STORE_THAT_EXISTS[case])
    assert f"there is no store in {installation.data_folder} yet" in message
    assert "`admin accounts create`" in message and "correct data_dir" in message
    assert not installation.data_folder.exists()


def test_the_first_account_makes_the_store_and_says_so(tmp_path):
    installation = Installation(tmp_path)

    def create(name):
        done = run_command("admin", *installation.place, "accounts", "create", "--name", name)
        assert done.returncode == 0, done.stderr
        return done

    first = create("first")
    assert re.fullmatch(r"\d{12}\n", first.stdout), "the ID alone on standard output"
    assert first.stderr == f"made a new store in {installation.data_folder}\n"
    assert create("second").stderr == ""


HELP = {
    "users delete": ("policies", "groups", "access keys must be deleted first", "`admin accounts list` shows them"),
    "access-keys create": ("quota of two access keys", "1 or more", "`admin accounts list` shows them"),
    "sessions revoke": ("`admin accounts list` shows them", "access keys go on working"),
    "users make-administrator": ("AdministratorAccess",),
}


@pytest.mark.parametrize("command", HELP)
def test_help_says_what_a_command_takes_with_it(command):
    text = " ".join(run_command("admin", *command.split(), "--help").stdout.split())
    assert [words for words in HELP[command] if words not in text] == []


def test_serve_takes_the_configuration_of_the_current_folder(tmp_path):
    """As the other commands do."""
    installation = Installation(tmp_path)
    missing = run_command("serve", cwd=tmp_path.parent)
    assert missing.returncode == 1 and "keystead.toml" in missing.stderr
    installation.server = ServerProcess("serve", log_folder=tmp_path, cwd=tmp_path)
    try:
        installation.server.wait_ready()
    finally:
        assert installation.stop() == 0, installation.server.stderr


# What a server writes while it serves, and the empty files that are opened to be locked.
NOT_OF_A_START = ("store.sqlite", "audit.jsonl", "xks-proxy-access.jsonl", "lock", "server.lock")


def files_of(folder):
    """Each file that a start writes: which file it is, when it was written, and what it holds."""
    return {
        str(path.relative_to(folder)): (path.stat().st_ino, path.stat().st_mtime_ns, path.read_bytes())
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(NOT_OF_A_START)
    }


def refused_beside(folder):
    """Starts a second `keystead dev` on a folder that is in use; returns what it said."""
    before = files_of(folder)
    assert {"keystead.toml", "xks-proxy.key", "xks-proxy.pem", "env"} <= before.keys()
    second = run_command("dev", "--data-dir", folder, "--listen", "127.0.0.1:0", "--region", "eu-west-1", "--no-hsm", "--tls")
    assert second.returncode == 1, second.stdout
    assert files_of(folder) == before
    return second.stderr


@pytest.fixture
def development_server(tmp_path):
    server = DevelopmentServer(tmp_path, "--no-hsm").start()
    yield server
    server.server.kill()


def test_a_second_development_server_changes_nothing_in_the_folder_of_the_first(development_server):
    """Also once the sample is made, and nothing but serving is left to do."""
    development_server.client().list_keys()
    message = refused_beside(development_server.data_folder)
    folder = development_server.data_folder
    assert f"a keystead dev already runs in {folder}: stop it, or name another folder with --data-dir" in message
    assert development_server.client().list_keys()["Keys"] == []


def test_a_development_server_changes_nothing_in_the_folder_of_a_server(development_server):
    """Its configuration is one that `keystead serve` takes."""
    folder = development_server.data_folder
    assert development_server.stop() == 0, development_server.server.stderr
    development_server.server = ServerProcess("serve", "--config", folder / "keystead.toml", log_folder=development_server.folder)
    development_server.server.wait_ready()
    assert f"a keystead serve already runs in {folder}: stop it" in refused_beside(folder)


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
