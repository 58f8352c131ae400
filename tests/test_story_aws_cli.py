"""The whole story with the real AWS CLI: create, connect, use, break, read the error, repair, rotate, disconnect, delete.

Source: KMS Developer Guide, "External key stores"; digest external-key-stores.md, 3 to 5.
"""

import base64
import json

import pytest

from support.aws_cli import AwsCli
from support.conditions import wait_until
from support.documented_errors import NOT_CONNECTED, NOT_ENABLED

PLAINTEXT = b"the combination is 12-34-56"
CONTEXT = "department=finance"


@pytest.fixture(scope="module")
def cli(development_server, tmp_path_factory):
    return AwsCli(development_server.variables, tmp_path_factory.mktemp("aws-cli"))


def create_parameters(proxy, name):
    """As a person copies them from `xks-proxy.json`."""
    credential = proxy["XksProxyAuthenticationCredential"]
    return [
        "create-custom-key-store",
        *("--custom-key-store-name", name),
        *("--custom-key-store-type", "EXTERNAL_KEY_STORE"),
        *("--xks-proxy-connectivity", "PUBLIC_ENDPOINT"),
        *("--xks-proxy-uri-endpoint", proxy["XksProxyUriEndpoint"]),
        *("--xks-proxy-uri-path", proxy["XksProxyUriPath"]),
        "--xks-proxy-authentication-credential",
        f"AccessKeyId={credential['AccessKeyId']},RawSecretAccessKey={credential['RawSecretAccessKey']}",
    ]


def describe_store(cli, store):
    return cli.succeed("describe-custom-key-stores", "--custom-key-store-id", store)["CustomKeyStores"][0]


def wait_store(cli, store, state):
    wait_until(lambda: describe_store(cli, store)["ConnectionState"] == state, f"the key store was {state}")


def decrypt_command(cli, ciphertext):
    blob = cli.blob(base64.b64decode(ciphertext))
    return ["decrypt", "--ciphertext-blob", blob, "--encryption-context", CONTEXT]


def decrypt(cli, ciphertext):
    answer = cli.succeed(*decrypt_command(cli, ciphertext))
    return base64.b64decode(answer["Plaintext"])


@pytest.fixture(scope="module")
def external_key(development_server):
    """A new external key, so that the sample key stays as it is."""
    development_server.external_keys("create", "story-key")
    return "story-key"


def test_a_wrong_secret_is_refused_at_once(cli, development_server):
    """Digest 5.3: a failing authentication is the documented exception, and nothing is created. Runs before the story takes the path."""
    proxy = development_server.proxy_configuration
    other_secret = "A" * 43
    proxy["XksProxyAuthenticationCredential"]["RawSecretAccessKey"] = other_secret
    message = cli.fail(*create_parameters(proxy, "wrong secret"))
    assert "(XksProxyIncorrectAuthenticationCredentialException)" in message
    assert other_secret not in message
    stores = cli.succeed("describe-custom-key-stores")["CustomKeyStores"]
    assert "wrong secret" not in [store["CustomKeyStoreName"] for store in stores]


def test_the_story(cli, development_server, external_key):
    proxy = development_server.proxy_configuration
    store = cli.succeed(*create_parameters(proxy, "story"))["CustomKeyStoreId"]
    check_created(cli, store, proxy)
    connect(cli, store)
    key = create_key(cli, store, external_key)
    ciphertext = encrypt(cli, "alias/story")
    assert decrypt(cli, ciphertext) == PLAINTEXT
    use_a_data_key(cli, key)
    break_and_repair(cli, development_server, external_key, ciphertext)
    development_server.external_keys("rotate", external_key)
    assert decrypt(cli, ciphertext) == PLAINTEXT, "a ciphertext from before the external key's rotation"
    disconnect_and_reconnect(cli, store, key, ciphertext)
    schedule_and_cancel_deletion(cli, key)
    refuse_to_delete_the_store(cli, store)


def check_created(cli, store, proxy):
    entry = describe_store(cli, store)
    assert entry["ConnectionState"] == "DISCONNECTED"
    assert entry["CustomKeyStoreName"] == "story"
    assert entry["XksProxyConfiguration"] == {
        "Connectivity": "PUBLIC_ENDPOINT",
        "AccessKeyId": proxy["XksProxyAuthenticationCredential"]["AccessKeyId"],
        "UriEndpoint": proxy["XksProxyUriEndpoint"],
        "UriPath": proxy["XksProxyUriPath"],
    }
    secret = proxy["XksProxyAuthenticationCredential"]["RawSecretAccessKey"]
    assert secret not in json.dumps(entry)


def connect(cli, store):
    assert cli.succeed("connect-custom-key-store", "--custom-key-store-id", store) == {}
    assert describe_store(cli, store)["ConnectionState"] in ("CONNECTING", "CONNECTED")
    wait_store(cli, store, "CONNECTED")


def create_key(cli, store, external_key):
    arguments = ["--origin", "EXTERNAL_KEY_STORE", "--custom-key-store-id", store, "--xks-key-id", external_key]
    metadata = cli.succeed("create-key", *arguments)["KeyMetadata"]
    assert (metadata["KeyState"], metadata["Origin"]) == ("Enabled", "EXTERNAL_KEY_STORE")
    assert metadata["XksKeyConfiguration"] == {"Id": external_key}
    cli.succeed("create-alias", "--alias-name", "alias/story", "--target-key-id", metadata["KeyId"])
    return metadata["Arn"]


def encrypt(cli, key):
    arguments = ["encrypt", "--key-id", key, "--plaintext", cli.blob(PLAINTEXT), "--encryption-context", CONTEXT]
    return cli.succeed(*arguments)["CiphertextBlob"]


def use_a_data_key(cli, key):
    data_key = cli.succeed(
        "generate-data-key", "--key-id", key, "--key-spec", "AES_256", "--encryption-context", CONTEXT
    )
    assert len(base64.b64decode(data_key["Plaintext"])) == 32
    assert decrypt(cli, data_key["CiphertextBlob"]) == base64.b64decode(data_key["Plaintext"])


def break_and_repair(cli, development_server, external_key, ciphertext):
    development_server.external_keys("disable", external_key)
    message = cli.fail(*decrypt_command(cli, ciphertext))
    assert "(KMSInvalidStateException)" in message
    assert NOT_ENABLED in message
    record = development_server.audit_records()[-1]
    assert record["additionalEventData"]["errorCause"] == "EXTERNAL_KEY_DISABLED"
    development_server.external_keys("enable", external_key)
    assert decrypt(cli, ciphertext) == PLAINTEXT


def disconnect_and_reconnect(cli, store, key, ciphertext):
    cli.succeed("disconnect-custom-key-store", "--custom-key-store-id", store)
    wait_store(cli, store, "DISCONNECTED")
    assert cli.succeed("describe-key", "--key-id", key)["KeyMetadata"]["KeyState"] == "Unavailable"
    message = cli.fail(*decrypt_command(cli, ciphertext))
    assert "(KMSInvalidStateException)" in message
    assert NOT_CONNECTED in message
    connect(cli, store)
    assert cli.succeed("describe-key", "--key-id", key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert decrypt(cli, ciphertext) == PLAINTEXT


def schedule_and_cancel_deletion(cli, key):
    scheduled = cli.succeed("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7")
    assert scheduled["KeyState"] == "PendingDeletion"
    cli.succeed("cancel-key-deletion", "--key-id", key)
    assert cli.succeed("describe-key", "--key-id", key)["KeyMetadata"]["KeyState"] == "Disabled"
    cli.succeed("enable-key", "--key-id", key)


def refuse_to_delete_the_store(cli, store):
    cli.succeed("disconnect-custom-key-store", "--custom-key-store-id", store)
    wait_store(cli, store, "DISCONNECTED")
    message = cli.fail("delete-custom-key-store", "--custom-key-store-id", store)
    assert "(CustomKeyStoreHasCMKsException)" in message


def test_listings_page_through_the_cli(cli):
    """The CLI follows NextMarker by itself (`--page-size`)."""
    keys = [cli.succeed("create-key")["KeyMetadata"]["KeyId"] for _ in range(3)]
    listed = [entry["KeyId"] for entry in cli.succeed("list-keys", "--page-size", "1")["Keys"]]
    assert set(keys) <= set(listed)
    assert len(listed) == len(set(listed))
