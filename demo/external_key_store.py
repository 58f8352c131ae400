"""An external key store: create, connect, use, break, repair, rotate, disconnect."""

import base64
import json
import re

from stage import connect, disconnect, expect, say, show

PLAINTEXT = "The combination is 12-34-56"
CONTEXT = "department=finance"
EXTERNAL_KEY = "payroll"

NOT_ENABLED = "the external key is not enabled in the external key manager."
NOT_CONNECTED = "is in a custom key store that is not connected to its external key store proxy."


def hide_secret(request):
    return re.sub(r'("RawSecretAccessKey": *)"[^"]*"', r'\1"..."', request)


def create(cli, server):
    say(
        "An external key store needs the address of an XKS proxy and a credential. `keystead dev` runs a proxy, and wrote what "
        "CreateCustomKeyStore asks for into a file."
    )
    request = server.data_folder / "create-custom-key-store.json"
    show("cat data/create-custom-key-store.json    (the secret is hidden here)", hide_secret(request.read_text()))
    store = cli.succeed("create-custom-key-store", "--cli-input-json", "file://data/create-custom-key-store.json")[
        "CustomKeyStoreId"
    ]
    (entry,) = cli.succeed("describe-custom-key-stores", "--custom-key-store-id", store)["CustomKeyStores"]
    expect(entry["ConnectionState"] == "DISCONNECTED", "a new key store to be DISCONNECTED")
    expect("RawSecretAccessKey" not in json.dumps(entry), "the secret never to be shown")
    return store


def create_key(cli, server, store):
    say("The owner of the key manager makes an external key. It never leaves; KMS gets to know its ID alone.")
    server.external_keys("create", EXTERNAL_KEY)
    metadata = cli.succeed(
        "create-key",
        *("--origin", "EXTERNAL_KEY_STORE"),
        *("--custom-key-store-id", store),
        *("--xks-key-id", EXTERNAL_KEY),
        *("--description", "Payroll"),
    )["KeyMetadata"]
    expect(metadata["XksKeyConfiguration"] == {"Id": EXTERNAL_KEY}, "the key to name its external key")
    cli.succeed("create-alias", "--alias-name", "alias/payroll", "--target-key-id", metadata["KeyId"])
    return metadata["KeyId"]


def use(cli):
    say("Encryption is double: first under KMS's own material, then under the external key. The context must be the same at both ends.")
    message = cli.folder / "message.txt"
    message.write_text(PLAINTEXT)
    show("cat message.txt", PLAINTEXT)
    ciphertext = cli.succeed(
        "encrypt", "--key-id", "alias/payroll", "--plaintext", "fileb://message.txt", "--encryption-context", CONTEXT
    )["CiphertextBlob"]
    (cli.folder / "message.encrypted").write_bytes(base64.b64decode(ciphertext))
    show("base64 --decode > message.encrypted    (the CiphertextBlob)", "")
    decrypt(cli)
    data_key = cli.succeed("generate-data-key", "--key-id", "alias/payroll", "--key-spec", "AES_256")
    expect(len(base64.b64decode(data_key["Plaintext"])) == 32, "a data key of 32 bytes")


DECRYPT = ["decrypt", "--ciphertext-blob", "fileb://message.encrypted", "--encryption-context", CONTEXT]


def decrypt(cli):
    answer = cli.succeed(*DECRYPT)
    plaintext = base64.b64decode(answer["Plaintext"]).decode()
    expect(plaintext == PLAINTEXT, f"the plaintext, not {plaintext!r}")
    print(f"    (that is: {plaintext})")


def break_and_repair(cli, server):
    say("Now something breaks: someone disables the external key. KMS answers the error that AWS documents.")
    server.external_keys("disable", EXTERNAL_KEY)
    cli.fail("KMSInvalidStateException", NOT_ENABLED, *DECRYPT)
    record = server.last_audit_record()
    told = {name: record[name] for name in ("eventName", "errorCode", "errorMessage", "additionalEventData", "requestID")}
    say("AWS gives this exception for every cause. Keystead's audit record, and the response header x-keystead-error-cause, say which:")
    show("tail -n 1 audit.jsonl", json.dumps(told, indent=2))
    expect(record["additionalEventData"]["errorCause"] == "EXTERNAL_KEY_DISABLED", "the cause EXTERNAL_KEY_DISABLED")
    say("Repaired, the same ciphertext decrypts again.")
    server.external_keys("enable", EXTERNAL_KEY)
    decrypt(cli)


def rotate(cli, server):
    say("The external key manager may rotate the key behind the ID. Old ciphertexts stay readable.")
    server.external_keys("rotate", EXTERNAL_KEY)
    decrypt(cli)


def disconnect_and_reconnect(cli, store, key):
    say("Disconnecting is the switch that takes all the store's keys out of use.")
    disconnect(cli, store)
    state = cli.succeed("describe-key", "--key-id", key)["KeyMetadata"]["KeyState"]
    expect(state == "Unavailable", f"the key to be Unavailable, not {state}")
    cli.fail("KMSInvalidStateException", NOT_CONNECTED, *DECRYPT)
    connect(cli, store)
    decrypt(cli)


def delete_and_think_again(cli, key):
    say("A key is deleted only after a waiting period, in which one can think again.")
    scheduled = cli.succeed("schedule-key-deletion", "--key-id", key, "--pending-window-in-days", "7")
    expect(scheduled["KeyState"] == "PendingDeletion", "the key to wait for its deletion")
    cli.succeed("cancel-key-deletion", "--key-id", key)
    state = cli.succeed("describe-key", "--key-id", key)["KeyMetadata"]["KeyState"]
    expect(state == "Disabled", f"the key to be Disabled, not {state}")


def tell(cli, server):
    """The story, step by step."""
    say("First the key store whose keys are in a key manager of your own, behind an XKS proxy.")
    store = create(cli, server)
    connect(cli, store)
    key = create_key(cli, server, store)
    use(cli)
    break_and_repair(cli, server)
    rotate(cli, server)
    disconnect_and_reconnect(cli, store, key)
    delete_and_think_again(cli, key)
    disconnect(cli, store)
