"""The whole story of an external key store, told with the real AWS CLI against `keystead dev` in a temporary folder.

Each step shows its command and the answer, and is checked: the first answer that is not as documented ends the demo with status 1.
"""

import argparse
import base64
import json
import os
import re
import shlex
import signal
import subprocess
import sys
import tempfile
import textwrap
import time
from pathlib import Path

AWS = Path(sys.executable).parent / "aws"
WAIT_LIMIT_S = 60
# Long enough for the states on the way to be seen, unless the machine is very slow.
TRANSITION_MS = 3000
PLAINTEXT = "The combination is 12-34-56"
CONTEXT = "department=finance"
EXTERNAL_KEY = "payroll"

NOT_ENABLED = "the external key is not enabled in the external key manager."
NOT_CONNECTED = "is in a custom key store that is not connected to its external key store proxy."


class StoryFailed(Exception):
    """An answer was not as documented."""


def expect(condition, what):
    """Ends the demo unless the condition holds."""
    if not condition:
        raise StoryFailed(f"expected {what}")


def say(text):
    print(f"\n{textwrap.fill(text, 100)}")


def show(prompt, text):
    print(f"\n  $ {prompt}")
    if text.strip():
        print(textwrap.indent(text.strip(), "    "))


class Server:
    """`keystead dev` in a folder."""

    def __init__(self, binary, folder):
        self.binary = str(binary)
        self.data_folder = Path(folder) / "data"
        self._log = Path(folder) / "keystead.log"
        self.process = None

    def __enter__(self):
        arguments = ["dev", "--data-dir", str(self.data_folder), "--listen", "127.0.0.1:0"]
        arguments += ["--connection-transition-ms", str(TRANSITION_MS)]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [self.binary, *arguments], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        show(shlex.join(["keystead", *arguments]), self._wait_ready())
        return self

    def __exit__(self, *failure):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(WAIT_LIMIT_S)
        if failure[0] is None:
            expect(status == 0, f"keystead dev to end with status 0, not {status}")

    def _wait_ready(self):
        give_up = time.monotonic() + WAIT_LIMIT_S
        while time.monotonic() < give_up:
            text = self._log.read_text(errors="replace")
            expect(self.process.poll() is None, f"keystead dev to start; it said: {text}")
            ready = re.search(r"^ready .*\n", text, re.MULTILINE)
            if ready:
                return ready.group()
            time.sleep(0.05)
        raise StoryFailed("keystead dev was not ready in time")

    def variables(self):
        """What `. env` sets in a shell."""
        lines = (self.data_folder / "env").read_text().splitlines()
        words = [shlex.split(line)[1] for line in lines if line.startswith("export ")]
        return dict(word.split("=", 1) for word in words)

    def external_keys(self, *arguments):
        """Runs `keystead xks-proxy keys ...`, the external key manager's side."""
        command = ["xks-proxy", "keys", *arguments, "--config", str(self.data_folder / "xks-proxy.toml")]
        done = subprocess.run([self.binary, *command], capture_output=True, text=True, check=False)
        show(shlex.join(["keystead", *command]), done.stdout + done.stderr)
        expect(done.returncode == 0, "the command to succeed")

    def last_audit_record(self):
        """The newest record of the audit log."""
        return json.loads((self.data_folder / "audit.jsonl").read_text().splitlines()[-1])


class Cli:
    """The AWS CLI with the server's credentials."""

    def __init__(self, server):
        self.folder = server.data_folder.parent
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        # The person's own AWS configuration has no say in the story.
        settings = {"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull, "AWS_PAGER": ""}
        self._environment = {**inherited, **server.variables(), **settings, "AWS_DEFAULT_OUTPUT": "json"}

    def _aws(self, arguments, shown):
        done = subprocess.run(
            [str(AWS), *arguments],
            capture_output=True,
            text=True,
            cwd=self.folder,
            env=self._environment,
            check=False,
        )
        if shown:
            show(shlex.join(["aws", *arguments]), done.stdout or done.stderr)
        return done

    def _run(self, arguments, shown):
        return self._aws(["kms", *arguments], shown)

    def succeed(self, *arguments, shown=True):
        """Runs, shows, and returns the JSON answer."""
        done = self._run(arguments, shown)
        expect(done.returncode == 0, f"`aws kms {arguments[0]}` to succeed; it said: {done.stderr.strip()}")
        return json.loads(done.stdout or "{}")

    def fail(self, exception, text, *arguments):
        """Runs, shows, and checks that it failed with this exception and this text."""
        done = self._run(arguments, shown=True)
        expect(done.returncode != 0, f"`aws kms {arguments[0]}` to fail")
        expect(f"({exception})" in done.stderr and text in done.stderr, f"{exception}: ...{text}")


def wait_for_state(cli, store, state):
    """Asks until the key store is in `state`, and shows each state once."""
    seen, give_up = [], time.monotonic() + WAIT_LIMIT_S
    while time.monotonic() < give_up:
        answer = cli.succeed("describe-custom-key-stores", "--custom-key-store-id", store, shown=False)
        (entry,) = answer["CustomKeyStores"]
        if entry["ConnectionState"] not in seen:
            seen.append(entry["ConnectionState"])
        if seen[-1] == state:
            command = f"aws kms describe-custom-key-stores --custom-key-store-id {store}    (asked until {state})"
            show(command, "ConnectionState: " + ", then ".join(seen))
            return
        time.sleep(0.1)
    raise StoryFailed(f"the key store was not {state} in time, but {seen}")


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


def connect(cli, store):
    cli.succeed("connect-custom-key-store", "--custom-key-store-id", store)
    wait_for_state(cli, store, "CONNECTED")


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


def disconnect(cli, store):
    cli.succeed("disconnect-custom-key-store", "--custom-key-store-id", store)
    wait_for_state(cli, store, "DISCONNECTED")


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


def tell(binary, folder):
    """The story, step by step."""
    say("Keystead, an XKS proxy with its own key manager, certificates and credentials, on this machine alone.")
    with Server(binary, folder) as server:
        cli = Cli(server)
        store = create(cli, server)
        connect(cli, store)
        key = create_key(cli, server, store)
        use(cli)
        break_and_repair(cli, server)
        rotate(cli, server)
        disconnect_and_reconnect(cli, store, key)
        delete_and_think_again(cli, key)
        disconnect(cli, store)
    say("That was the whole story. `make run` starts the same for you to play with.")


def main():
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--keystead", type=Path, required=True, help="the built binary")
    binary = options.parse_args().keystead.resolve()
    with tempfile.TemporaryDirectory(prefix="keystead-demo-") as folder:
        try:
            tell(binary, folder)
        except StoryFailed as failure:
            sys.stdout.flush()
            print(f"\nThe demo failed: {failure}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
