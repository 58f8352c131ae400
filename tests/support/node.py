"""Node.js on the scripts of the folder `javascript`, whose packages scripts/install.sh installs."""

import subprocess
from pathlib import Path

from support.built_binary import COMMAND_LIMIT_S, clean_environment

FOLDER = Path(__file__).resolve().parents[1] / "javascript"


def run_node(*arguments, variables, standard_input=None):
    """Runs `node ...` in that folder with these variables and returns the completed process, its output as bytes."""
    return subprocess.run(
        ["node", *map(str, arguments)],
        cwd=FOLDER,
        env=clean_environment(variables),
        input=standard_input,
        capture_output=True,
        timeout=COMMAND_LIMIT_S,
        check=False,
    )


def run_tests(file, variables):
    """Runs the tests of a file; fails with their report unless all pass."""
    done = run_node("--test", file, variables=variables)
    report = done.stdout.decode(errors="replace") + done.stderr.decode(errors="replace")
    assert done.returncode == 0, report
    return report
