"""Tokens that Keystead did not make, and the file that registers them as a cluster."""

import subprocess
from pathlib import Path

from support.built_binary import COMMAND_LIMIT_S, clean_environment, run_command
from support.conditions import wait_until
from support.hsm_modules import SOFTHSM2
from support.hsm_network import ZONES
from support.hsm_realm import KMSUSER_PASSWORD, SLOW_LIMIT_S, HsmCluster
from support.installation import to_toml

SO_PIN = "vendors1Officer"


class ForeignTokens:
    """SoftHSM 2 tokens in a folder, each with a configuration of its own, as an owner's tool would make them."""

    def __init__(self, folder, count=2, user_pin=KMSUSER_PASSWORD):
        self.folder = Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.labels = [f"foreign-{number}" for number in range(1, count + 1)]
        for label in self.labels:
            self._make(label, user_pin)

    def environment(self, label):
        """By what the module finds the token."""
        return {"SOFTHSM2_CONF": str(self.folder / f"{label}.conf")}

    def storage(self, label):
        return self.folder / label

    def _make(self, label, user_pin):
        self.storage(label).mkdir()
        configuration = f"directories.tokendir = {self.storage(label)}\nobjectstore.backend = file\n"
        (self.folder / f"{label}.conf").write_text(configuration)
        words = ["softhsm2-util", "--init-token", "--free", "--label", label, "--pin", user_pin, "--so-pin", SO_PIN]
        subprocess.run(
            words,
            check=True,
            capture_output=True,
            timeout=COMMAND_LIMIT_S,
            env=clean_environment(self.environment(label)),
        )

    def hsm_entries(self, zones=ZONES, **environment):
        """The `[[hsm]]` tables of the registration file."""
        return [
            {
                "availability_zone": zone,
                "token_label": label,
                "environment": {**self.environment(label), **environment},
                "token_storage": str(self.storage(label)),
            }
            for zone, label in zip(zones, self.labels, strict=True)
        ]


def registration(realm, network, hsms, folder, **changes):
    """What a registration file says of these HSMs; `changes` as in the file, `None` leaves a key out."""
    authority = realm.authority
    (folder / "cluster.pem").write_text(authority.issue("a cluster of the owner's"))
    (folder / "root.pem").write_text(authority.trust_anchor)
    described = {
        "name": "the owner's",
        "subnets": network.subnet_ids,
        "cluster_certificate": "cluster.pem",
        "trust_anchor": "root.pem",
        "module": str(SOFTHSM2),
        "profile": "softhsm2",
        "hsm": hsms,
        **changes,
    }
    return {name: value for name, value in described.items() if value is not None}


def write_registration(file, described):
    """Writes it as TOML; `[[hsm]]` is a list of tables."""
    tables = {name: value for name, value in described.items() if name != "hsm"}
    text = to_toml(tables)
    for hsm in described.get("hsm", []):
        plain = {name: value for name, value in hsm.items() if name != "environment"}
        text += "\n[[hsm]]\n" + to_toml(plain)
        if "environment" in hsm:
            text += "[hsm.environment]\n" + to_toml(hsm["environment"])
    file.write_text(text)
    return file


def run_register(realm, file):
    """`keystead cluster register`; returns the completed process."""
    words = ["cluster", "register", "--file", file, "--account", realm.tenant.account]
    return run_command(*words, *realm.installation.place)


def register(realm, network, described, folder):
    """Registers a cluster and waits until it and its HSMs are active."""
    done = run_register(realm, write_registration(folder / "cluster.toml", described))
    assert done.returncode == 0, done.stderr
    (cluster_id,) = (word for word in done.stdout.split() if word.startswith("cluster-"))
    cluster = HsmCluster(realm, cluster_id, network, realm.authority)
    wait_until(cluster.is_shown, f"{cluster_id} was there", SLOW_LIMIT_S)
    cluster.wait_state("ACTIVE")
    count = len(described["hsm"])
    wait_until(lambda: len(cluster.hsms("ACTIVE")) == count, f"{count} HSMs were active", SLOW_LIMIT_S)
    return cluster
