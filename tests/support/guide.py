"""A page of docs/ as a new user follows it: every command that is shown with a prompt, typed in this order."""

import re
import subprocess
from pathlib import Path

from support.aws_cli import executable
from support.built_binary import BINARY, REPOSITORY, clean_environment

LIMIT_S = 300
# The prompt says where a command ends, so that a failure names it.
TRACE = "PS4='+ '; set -x"
END_OF_ANSWER = r"printf '\0'"


class Guide:
    """One page, by its file name."""

    def __init__(self, name):
        self.text = (REPOSITORY / "docs" / name).read_text()

    @property
    def commands(self):
        """The lines with a prompt. The answers that are shown below them are no commands."""
        return [command for command, _ in self.transcript]

    @property
    def transcript(self):
        """Each command, with the lines that go on after `> `, and the lines that are shown below it."""
        blocks = re.findall(r"^```console\n(.*?)^```", self.text, re.MULTILINE | re.DOTALL)
        shown = []
        for line in (line for block in blocks for line in block.splitlines()):
            if line.startswith("$ "):
                shown.append(([line.removeprefix("$ ")], []))
            elif line.startswith("> ") and not shown[-1][1]:
                shown[-1][0].append(line.removeprefix("> "))
            else:
                shown[-1][1].append(line)
        return [("\n".join(command), "\n".join(answer)) for command, answer in shown]

    def follow(self, folder, server):
        """Runs all commands in one shell that ends at the first failure, against a development server; returns what they printed."""
        done = run_in_shell(folder, server, self.commands)
        assert done.returncode == 0, done.stderr[-4000:]
        return done.stdout

    def follow_and_compare(self, folder, server):
        """The same, and each answer is the one that is shown; `...` stands for anything. Where none is shown there is none."""
        done = run_in_shell(folder, server, [line for command in self.commands for line in (command, END_OF_ANSWER)])
        assert done.returncode == 0, done.stderr[-4000:]
        answers = done.stdout.split("\0")[:-1]
        for (command, shown), answer in zip(self.transcript, answers, strict=True):
            pattern = ".*".join(re.escape(part) for part in shown.split("..."))
            assert re.fullmatch(pattern, answer.rstrip("\n"), re.DOTALL), f"{command}\n{answer}\nis not what is shown:\n{shown}"


def run_in_shell(folder, server, commands):
    """Runs the commands in one shell that ends at the first failure."""
    work = Path(folder) / "work"
    work.mkdir()
    paths = ":".join([str(Path(executable()).parent), str(BINARY.parent)])
    prelude = [f". {server.data_folder}/env", f"PATH={paths}:$PATH", f'SERVER="--data-dir {server.data_folder}"', TRACE]
    return subprocess.run(
        ["bash", "-eu", "-o", "pipefail", "-c", "\n".join([*prelude, *commands])],
        capture_output=True,
        text=True,
        timeout=LIMIT_S,
        cwd=work,
        # A home of its own: the AWS CLI keeps sessions there.
        env=clean_environment({"AWS_DEFAULT_REGION": "us-east-1", "HOME": str(work)}),
        check=False,
    )
