"""The real AWS CLI as a subprocess."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

from support.built_binary import COMMAND_LIMIT_S, clean_environment


def executable():
    """The CLI beside this interpreter, else the one on the path."""
    beside = Path(sys.executable).parent / "aws"
    return str(beside) if beside.exists() else shutil.which("aws")


class AwsCli:
    """`aws kms ...`, or another service, with the environment that `keystead dev` wrote."""

    def __init__(self, variables, folder, service="kms"):
        self._folder = Path(folder)
        self._service = service
        self._variables = variables
        configuration = self._folder / "aws-cli-config"
        # Version 1 of the CLI would otherwise download a value that begins with https://.
        configuration.write_text("[default]\ncli_follow_urlparam = false\n")
        settings = {"AWS_CONFIG_FILE": str(configuration), "AWS_MAX_ATTEMPTS": "1", "AWS_DEFAULT_OUTPUT": "json"}
        self.environment = clean_environment({**variables, **settings})

    def blob(self, data):
        """A `fileb://` parameter: the one form for bytes that both versions of the CLI read alike."""
        file = self._folder / f"blob-{len(list(self._folder.iterdir()))}"
        file.write_bytes(data)
        return f"fileb://{file}"

    def of(self, service):
        """The same environment for another service."""
        return AwsCli(self._variables, self._folder, service)

    def run(self, *arguments):
        """Runs `aws SERVICE ...` and returns the completed process."""
        return subprocess.run(
            [executable(), self._service, *arguments],
            capture_output=True,
            text=True,
            timeout=COMMAND_LIMIT_S,
            env=self.environment,
            check=False,
        )

    def succeed(self, *arguments):
        """Runs it, fails unless it exits 0, and returns its JSON answer (`{}` for an empty one)."""
        done = self.run(*arguments)
        assert done.returncode == 0, f"aws {self._service} {' '.join(arguments)}: {done.stderr}"
        return json.loads(done.stdout or "{}")

    def fail(self, *arguments):
        """Runs it, fails if it exits 0, and returns its standard error."""
        done = self.run(*arguments)
        assert done.returncode != 0, f"aws {self._service} {' '.join(arguments)} succeeded: {done.stdout}"
        return done.stderr
