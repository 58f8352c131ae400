"""The steps before which a development build can be made to crash: they are data in the code."""

import re

from support.built_binary import REPOSITORY

SOURCE = REPOSITORY / "crates" / "keystead-core" / "src" / "crash_point.rs"
# By the part of their names before the point: which tests crash a server at each step of theirs.
TESTED_IN = {
    "connect": "test_cloudhsm_crash.py",
    "disconnect": "test_cloudhsm_crash.py",
    "create-key": "test_cloudhsm_crash.py",
    "delete-key": "test_cloudhsm_crash.py",
    "rotate-key-on-demand": "test_rotation.py",
    "rotate-key": "test_rotation.py",
    "import-key-material": "test_imported_key_material.py",
    "delete-imported-key-material": "test_imported_key_material.py",
    "delete-expired-key-material": "test_imported_key_material.py",
    "multi-region": "test_multi_region.py",
}


def crash_points(tested_in):
    """The names of all steps that a test file is to test, in the order of the code. Fails if nobody tests some step."""
    names = re.findall(r'^    \w+ "([a-z.-]+)" "', SOURCE.read_text(), re.MULTILINE)
    assert {name.partition(".")[0] for name in names} == set(TESTED_IN)
    return [name for name in names if TESTED_IN[name.partition(".")[0]] == tested_in]
