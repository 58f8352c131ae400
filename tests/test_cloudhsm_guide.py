"""The guide as a new user follows it: every command of docs/cloudhsm-key-stores.md that is shown with a prompt, typed in this order.

From a VPC to a key, audit mode, an HSM killed and replaced, the disaster, the recovery, and the old ciphertext decrypts.
"""

import re

from support.built_binary import REPOSITORY
from support.development_server import DevelopmentServer
from support.guide import Guide

GUIDE = Guide("cloudhsm-key-stores.md")


def test_the_guide(tmp_path):
    server = DevelopmentServer(tmp_path / "server", "--connection-transition-ms", "100").start()
    try:
        printed = GUIDE.follow(tmp_path, server)
        assert printed.count("attack at dawn") == 4, printed
    finally:
        assert server.stop() == 0, server.server.stderr


def test_the_codes_and_causes_of_the_guide():
    """Every ConnectionErrorCode of CloudHSM key stores, and every cause of the code's table, has its row."""
    text = GUIDE.text
    table = (REPOSITORY / "crates" / "keystead-core" / "src" / "key_store" / "hsm_failure.rs").read_text()
    causes = set(re.findall(r'"(HSM_[A-Z_]+)"', table))
    codes = {
        "CLUSTER_NOT_FOUND",
        "INSUFFICIENT_CLOUDHSM_HSMS",
        "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET",
        "SUBNET_NOT_FOUND",
        "INVALID_CREDENTIALS",
        "USER_LOCKED_OUT",
        "USER_LOGGED_IN",
        "USER_NOT_FOUND",
        "NETWORK_ERRORS",
        "INTERNAL_ERROR",
    }
    assert len(causes) > 10
    missing = [word for word in sorted(causes | codes) if f"`{word}`" not in text]
    assert missing == []


PROFILES = REPOSITORY / "crates" / "keystead-pkcs11" / "src" / "profile.rs"


def profiles():
    """The properties of each profile of ours, as a configuration writes them."""
    found = {}
    for body in re.findall(r"-> Self \{\s+Self \{(.*?)\n        \}", PROFILES.read_text(), re.DOTALL):
        members = dict(re.findall(r"(?m)^\s+(\w+): (.+),$", body))
        name = members.pop("name").split('"')[1]
        found[name] = {property_: in_configuration(value) for property_, value in members.items()}
    return found


def in_configuration(value):
    """`OaepHash::Sha256` is written `sha256`, `PinFormat::UserAndPassword` `user_and_password`."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", value.rpartition(":")[2]).lower()


def test_the_profiles_of_the_guide():
    text, known = GUIDE.text, profiles()
    assert f"| Property | {' | '.join(f'`{name}`' for name in known)} | What |" in text
    for property_ in known["kryoptic"]:
        values = " | ".join(f"`{profile[property_]}`" for profile in known.values())
        assert f"| `{property_}` | {values} |" in text
