"""What every story needs: the server, the AWS CLI, and saying and showing what happens."""

import json
import os
import re
import shlex
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

AWS = Path(sys.executable).parent / "aws"
WAIT_LIMIT_S = 60
# Long enough for the states on the way to be seen, unless the machine is very slow.
TRANSITION_MS = 3000


class StoryFailed(Exception):
    """An answer was not as documented."""


def expect(condition, what):
    """Ends the demo unless the condition holds."""
    if not condition:
        raise StoryFailed(f"expected {what}")


def wait_until(condition, what):
    """Ends the demo unless the condition holds in time."""
    give_up = time.monotonic() + WAIT_LIMIT_S
    while not condition():
        expect(time.monotonic() < give_up, what)
        time.sleep(0.05)


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

    def run(self, *arguments):
        """Runs `keystead ...`, shows it, and returns what it printed."""
        done = subprocess.run([self.binary, *arguments], capture_output=True, text=True, check=False)
        show(shlex.join(["keystead", *arguments]), done.stdout + done.stderr)
        expect(done.returncode == 0, "the command to succeed")
        return done.stdout

    def external_keys(self, *arguments):
        """Runs `keystead xks-proxy keys ...`, the external key manager's side."""
        self.run("xks-proxy", "keys", *arguments, "--config", str(self.data_folder / "xks-proxy.toml"))

    def hsm_users(self, command, *arguments):
        """Runs `keystead hsm-users ...`, the side of the HSMs' officer and auditor."""
        return self.run("hsm-users", command, *arguments, "--data-dir", str(self.data_folder))

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

    def succeed(self, *arguments, shown=True, service="kms"):
        """Runs, shows, and returns the JSON answer."""
        done = self._aws([service, *arguments], shown)
        expect(done.returncode == 0, f"`aws {service} {arguments[0]}` to succeed; it said: {done.stderr.strip()}")
        return json.loads(done.stdout or "{}")

    def fail(self, exception, text, *arguments):
        """Runs, shows, and checks that it failed with this exception and this text."""
        done = self._aws(["kms", *arguments], shown=True)
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


def connect(cli, store):
    cli.succeed("connect-custom-key-store", "--custom-key-store-id", store)
    wait_for_state(cli, store, "CONNECTED")


def disconnect(cli, store):
    cli.succeed("disconnect-custom-key-store", "--custom-key-store-id", store)
    wait_for_state(cli, store, "DISCONNECTED")
