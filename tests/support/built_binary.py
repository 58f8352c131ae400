"""The built binary as a process: start, wait for `ready`, signal, collect what it said."""

import itertools
import os
import re
import signal
import subprocess
from pathlib import Path

from support.conditions import wait_until

REPOSITORY = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("KEYSTEAD_BINARY", REPOSITORY / "target" / "debug" / "keystead"))
COMMAND_LIMIT_S = 60
_numbers = itertools.count(1)


def clean_environment(extra=None):
    """This process's environment without anything that would configure an AWS client or Keystead."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "KEYSTEAD"))}
    # Neither a developer's own AWS configuration nor a proxy may come between client and server.
    kept.update({"AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull})
    kept.update({"AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "NO_PROXY": "127.0.0.1,localhost"})
    return {**kept, **(extra or {})}


def run_command(*arguments, environment=None, limit_s=COMMAND_LIMIT_S, **options):
    """Runs the binary to its end and returns the completed process, its output as text."""
    return subprocess.run(
        [str(BINARY), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=limit_s,
        env=clean_environment(environment),
        check=False,
        **options,
    )


def run_successfully(*arguments, **options):
    """Runs the binary, fails unless it exits 0, and returns its standard output."""
    done = run_command(*arguments, **options)
    command = f"keystead {' '.join(map(str, arguments))}"
    assert done.returncode == 0, f"{command} ended with {done.returncode}: {done.stderr or '(no error text)'}"
    return done.stdout


class ServerProcess:
    """A process of the binary that serves until it is told to stop."""

    def __init__(self, *arguments, log_folder, environment=None, cwd=None):
        number = next(_numbers)
        self._output = Path(log_folder) / f"process-{number}.stdout"
        self._errors = Path(log_folder) / f"process-{number}.stderr"
        with self._output.open("wb") as output, self._errors.open("wb") as errors:
            self.process = subprocess.Popen(
                [str(BINARY), *map(str, arguments)],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=errors,
                env=clean_environment(environment),
                cwd=cwd,
            )

    @property
    def stdout(self):
        return self._output.read_text(errors="replace")

    @property
    def stderr(self):
        return self._errors.read_text(errors="replace")

    @property
    def is_running(self):
        return self.process.poll() is None

    def wait_ready(self):
        """Waits for the line that begins with `ready` and returns the address in it."""
        line = wait_until(self._ready_line, "the server printed `ready`")
        return re.match(r"ready\s+(https?://\S+)", line).group(1)

    def _ready_line(self):
        if not self.is_running:
            raise AssertionError(f"the server ended with {self.process.returncode}: {self.stderr}{self.stdout}")
        finished = self.stdout.rpartition("\n")[0].splitlines()
        return next((line for line in finished if line.startswith("ready")), None)

    def terminate(self, signal_number=signal.SIGTERM):
        """Asks it to stop, waits, and returns the exit status."""
        if self.is_running:
            self.process.send_signal(signal_number)
        return self.wait()

    def wait(self):
        """Waits for its end and returns the exit status."""
        return self.process.wait(COMMAND_LIMIT_S)

    def kill(self):
        """Kills it on the spot, as a power cut would."""
        self.process.kill()
        self.process.wait(COMMAND_LIMIT_S)
