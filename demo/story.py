"""The whole story of custom key stores, told with the real AWS CLI against `keystead dev` in a temporary folder.

Each step shows its command and the answer, and is checked: the first answer that is not as documented ends the demo with status 1.
"""

import argparse
import sys
import tempfile
from pathlib import Path

import cloudhsm_key_store
import external_key_store
from stage import Cli, Server, StoryFailed, say


def tell(binary, folder):
    """Both stories, on one server."""
    say("Keystead, an XKS proxy with its own key manager, a cluster of two HSMs, certificates and credentials, on this machine alone.")
    with Server(binary, folder) as server:
        cli = Cli(server)
        external_key_store.tell(cli, server)
        cloudhsm_key_store.tell(cli, server)
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
