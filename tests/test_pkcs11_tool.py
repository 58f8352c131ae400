"""An independent witness: OpenSC's pkcs11-tool on the tokens of a disconnected key store.

Source: digest cloudhsm-key-stores.md, 3.1 and 3.2; the issue, "Done when".
"""

import os
import re
import shutil
import subprocess

import pytest

from support.built_binary import COMMAND_LIMIT_S, clean_environment
from support.hsm_modules import MODULE_FILES
from support.hsm_realm import KMSUSER_PASSWORD
from support.hsm_workers import token_folder

# Where each module finds its configuration, and the name of that file in the token's folder.
CONFIGURATIONS = {"kryoptic": ("KRYOPTIC_CONF", "kryoptic.toml"), "softhsm2": ("SOFTHSM2_CONF", "softhsm2.conf")}


def pkcs11_tool(module, folder, *arguments):
    """Runs pkcs11-tool as the user of a token; returns the completed process. The PIN is no argument."""
    variable, name = CONFIGURATIONS[module]
    environment = {variable: str(folder / name), "USER_PIN": KMSUSER_PASSWORD}
    words = ["pkcs11-tool", "--module", str(MODULE_FILES[module]), "--login", "--pin", "env:USER_PIN", *arguments]
    return subprocess.run(
        words,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=COMMAND_LIMIT_S,
        env=clean_environment(environment),
        check=False,
    )


@pytest.fixture(scope="module")
def witnessed(hsm_realm, hsm_module):
    """A KMS key, and the folders of the two tokens of its key store, which is disconnected."""
    assert shutil.which("pkcs11-tool"), "the package opensc is needed"
    cluster = hsm_realm.active_cluster()
    store = hsm_realm.connected_store(cluster)
    key = store.create_key()
    store.disconnect_and_wait()
    cluster.set_kmsuser_password(KMSUSER_PASSWORD)
    return key, [token_folder(cluster, hsm["HsmId"]) for hsm in cluster.hsms("ACTIVE")]


def listed(module, folder, key):
    """The lines of the listing that are about the key."""
    done = pkcs11_tool(module, folder, "--list-objects", "--type", "secrkey")
    assert done.returncode == 0, done.stderr
    objects = re.split(r"(?m)^(?=Secret Key Object)", done.stdout)
    found = [text for text in objects if key in text]
    assert len(found) == 1, done.stdout
    return found[0]


def test_the_key_is_on_both_tokens(witnessed, hsm_module):
    """The label is the key's ARN, the key an AES key of 32 bytes, and the ID is the same on both."""
    key, folders = witnessed
    assert len(folders) == 2
    ids = set()
    for folder in folders:
        text = listed(hsm_module, folder, key)
        assert re.search(rf"label:\s+{re.escape(key)}\s", text)
        # SoftHSM 2 tells the length of keys that it generated, and not of those that it unwrapped.
        assert re.match(r"Secret Key Object; AES( length 32)?$", text.splitlines()[0])
        ids.add(re.search(r"ID:\s+([0-9a-f]+)", text).group(1))
    assert len(ids) == 1


def test_the_key_cannot_be_extracted(witnessed, hsm_module):
    key, folders = witnessed
    for folder in folders:
        text = listed(hsm_module, folder, key)
        access = re.search(r"Access:\s+(.*)", text).group(1)
        assert "sensitive" in access and "extractable" not in access.replace("never extractable", "")
        usage = re.search(r"Usage:\s+(.*)", text).group(1)
        assert set(usage.replace(" ", "").split(",")) == {"encrypt", "decrypt"}


def test_its_value_cannot_be_read(witnessed, hsm_module, tmp_path):
    key, folders = witnessed
    for folder in folders:
        output = tmp_path / "value"
        arguments = ["--read-object", "--type", "secrkey", "--label", key, "--output-file", str(output)]
        done = pkcs11_tool(hsm_module, folder, *arguments)
        assert done.returncode != 0, done.stdout
        assert not output.exists() or output.read_bytes() == b""


def test_it_cannot_be_wrapped(witnessed, hsm_module, tmp_path):
    """Not even under a key that the same user has just made for that."""
    key, folders = witnessed
    for number, folder in enumerate(folders):
        wrapping = os.urandom(8).hex()
        made = pkcs11_tool(
            hsm_module, folder, "--keygen", "--key-type", "AES:32", "--id", wrapping, "--label", "thief", "--usage-wrap"
        )
        assert made.returncode == 0, made.stderr
        target = re.search(r"ID:\s+([0-9a-f]+)", listed(hsm_module, folder, key)).group(1)
        output = tmp_path / f"wrapped-{number}"
        done = pkcs11_tool(
            hsm_module,
            folder,
            *("--wrap", "--mechanism", "AES-KEY-WRAP", "--id", wrapping, "--application-id", target),
            *("--output-file", str(output)),
        )
        assert done.returncode != 0, done.stdout
        assert "UNEXTRACTABLE" in done.stderr or "NOT_WRAPPABLE" in done.stderr, done.stderr
        assert not output.exists() or output.read_bytes() == b""
        removed = pkcs11_tool(hsm_module, folder, "--delete-object", "--type", "secrkey", "--id", wrapping)
        assert removed.returncode == 0, removed.stderr


def test_another_pin_opens_nothing(witnessed, hsm_module):
    """Without a login the key is not even seen."""
    key, folders = witnessed
    variable, name = CONFIGURATIONS[hsm_module]
    done = subprocess.run(
        ["pkcs11-tool", "--module", str(MODULE_FILES[hsm_module]), "--list-objects"],
        capture_output=True,
        text=True,
        errors="replace",
        timeout=COMMAND_LIMIT_S,
        env=clean_environment({variable: str(folders[0] / name)}),
        check=False,
    )
    assert key not in done.stdout
