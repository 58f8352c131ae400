"""The PKCS#11 modules that the tests run on, and where they are."""

import os
from pathlib import Path

from support.built_binary import BINARY

# `scripts/kryoptic.sh` puts it beside the binary.
KRYOPTIC = Path(os.environ.get("KEYSTEAD_KRYOPTIC_MODULE", BINARY.parent / "libkryoptic_pkcs11.so"))
# Where Debian has it.
SOFTHSM2 = Path(os.environ.get("KEYSTEAD_SOFTHSM2_MODULE", "/usr/lib/softhsm/libsofthsm2.so"))

# By the name that the configuration gives them.
MODULE_FILES = {"kryoptic": KRYOPTIC, "softhsm2": SOFTHSM2}
HSM_MODULES = list(MODULE_FILES)


def module_settings(module):
    """The configuration of a server whose clusters are of soft tokens of this module: quick to change states and to notice a loss."""
    return {
        "hsm": {
            "module": module,
            "kryoptic_module": str(KRYOPTIC),
            "softhsm2_module": str(SOFTHSM2),
            "transition_min_ms": 20,
            "probe_interval_ms": 100,
        }
    }
