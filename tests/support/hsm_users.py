"""`keystead hsm-users`: what the crypto officer and the auditor of a cluster do."""

import itertools
import json
import os

from support.built_binary import run_command

_numbers = itertools.count(1)


class HsmUsers:
    """The users of one cluster. `place` are the arguments that lead to the server, such as `--config FILE`."""

    def __init__(self, place, cluster_id, folder):
        self._place = [str(word) for word in place]
        self._cluster_id = cluster_id
        self._folder = folder

    def _password_file(self, password):
        """Passwords are given in files, never on a command line."""
        file = self._folder / f"password-{os.getpid()}-{next(_numbers)}"
        with open(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "w", encoding="utf-8") as opened:
            opened.write(password + "\n")
        return file

    def run(self, command, *arguments, **options):
        """Runs it. `options`: `user`, `hsm_id`, and `password`, `new_password`, `co_password`, which go into files."""
        words = ["hsm-users", command, *arguments, "--cluster-id", self._cluster_id, *self._place]
        for name, value in options.items():
            if name.endswith("password"):
                words += [f"--{name.replace('_', '-')}-file", self._password_file(value)]
            else:
                words += [f"--{name.replace('_', '-')}", value]
        return run_command(*words)

    def succeed(self, command, *arguments, **options):
        """Runs it, fails unless it exits 0, and returns what it printed."""
        done = self.run(command, *arguments, **options)
        assert done.returncode == 0, f"hsm-users {command}: {done.stderr or done.stdout}"
        return done.stdout

    def refuse(self, command, *arguments, **options):
        """Runs it, fails if it exits 0, and returns what it wrote to standard error."""
        done = self.run(command, *arguments, **options)
        assert done.returncode != 0, f"hsm-users {command} succeeded: {done.stdout}"
        assert "panicked" not in done.stderr, done.stderr
        return done.stderr

    def listed(self, command, **options):
        """What `list` or `keys` tells, as JSON."""
        return json.loads(self.succeed(command, "--json", **options))
