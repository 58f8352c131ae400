"""kill -9 at every step of connect, rotation, disconnect, key creation, replication and key deletion.

After the restart the key store is in a documented state and comes to where it was going, no password is lost, every token is intact, every
key that was acknowledged works and is on both HSMs, and nothing else is left in them.

Source: the issue, "The six custom key store operations"; digest cloudhsm-key-stores.md, 7.5.
"""

import random
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from support.conditions import wait_until
from support.crash_points import crash_points
from support.hsm_modules import module_settings
from support.hsm_realm import KMSUSER_PASSWORD, HsmRealm
from support.installation import merged
from support.stored_keys import make_deletion_due, pending_backing_keys

# Right before each of these the server is made to end; `#2` is the second HSM.
CONNECT = [
    "connect.describe-cluster",
    "connect.attach-network",
    "connect.open",
    "connect.log-in",
    "connect.log-in#2",
    "connect.store-pending-password",
    "connect.change-password",
    "connect.change-password#2",
    "connect.finish",
    "connect.finished",
]
DISCONNECT = ["disconnect.close", "disconnect.detach-network", "disconnect.finish"]
CREATE_KEY = ["create-key.journal", "create-key.generate", "create-key.insert", "create-key.inserted"]
DELETE_KEY = ["delete-key.delete-metadata", "delete-key.destroy", "delete-key.record"]

PLAINTEXT = b"before the crash"
# A job that a crash left is taken up again when its lease ends.
TIMES = {
    "key_deletion": {"sweep_interval_ms": 100},
    "custom_key_stores": {"job_lease_ms": 2000},
    "xks": {"request_timeout_ms": 500},
    "hsm": {"call_timeout_ms": 1500},
}
# With these the generator chooses when a server is killed; each stands for a run that can be had again.
SEEDS = range(3)


def test_every_step_is_tested():
    """The steps are data in the code."""
    tested = [step for step in [*CONNECT, *DISCONNECT, *CREATE_KEY, *DELETE_KEY] if "#" not in step]
    assert crash_points("test_cloudhsm_crash.py") == tested


class CrashingServer:
    """A server with a key store that survives its crashes, and all that was acknowledged so far."""

    def __init__(self, installation):
        self.installation = installation.start()
        self.realm = HsmRealm(installation)
        self.cluster = self.realm.active_cluster()
        self.store = self.realm.connected_store(self.cluster)
        self.is_well = True
        self.acknowledged = set()
        self.blobs = {}
        self.add_key()

    def add_key(self):
        """A key with a ciphertext."""
        key = self.store.create_key()
        self.acknowledged.add(key)
        self.blobs[key] = self.realm.kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
        return key

    def restart(self, environment=None):
        """Stops it, and starts it with this environment."""
        assert self.installation.stop() == 0, self.installation.server.stderr
        self.start(environment)

    def start(self, environment=None):
        self.installation.start(environment)
        self.realm.reconnect()

    def restart_to_crash_at(self, step):
        self.restart({"KEYSTEAD_CRASH_AT": step})

    def start_into_a_crash(self, step):
        """The server may end before it is ready."""
        self.installation.server = self.installation.launch({"KEYSTEAD_CRASH_AT": step})

    def wait_for_crash(self):
        """Waits until the server has ended by itself."""
        server = self.installation.server
        wait_until(lambda: not server.is_running, "the server crashed", 60)
        assert server.wait() != 0
        assert "asks for the end of the process here" in server.stderr, server.stderr

    def call(self, call):
        """A call whose answer the crash may have cut off."""
        try:
            call()
        except (BotoCoreError, ClientError):
            # Whether it was acknowledged makes no difference: what it began is looked at.
            return

    def check(self, orphans=()):
        """Connected, or brought there by a connect; then every key works, and the HSMs have them and these orphans and nothing else."""
        if self.store.state() != "CONNECTED":
            self.store.connect_and_wait()
        self.check_keys()
        # What CreateKey left half-done is swept while the key store is connected.
        store_file = self.installation.data_folder / "store.sqlite"
        wait_until(lambda: pending_backing_keys(store_file) == 0, "the leftovers of CreateKey were swept")
        self.store.disconnect_and_wait()
        self.cluster.auditor_logs_in()
        check_tokens(self.cluster, [*self.keys_of_kms(), *orphans])
        self.delete_orphans(orphans)
        self.cluster.auditor_logs_out()
        self.store.update(KeyStorePassword=KMSUSER_PASSWORD)
        self.store.connect_and_wait()
        self.check_keys()
        self.is_well = True

    def delete_orphans(self, orphans):
        ids = {key["id"] for keys in self.cluster.keys().values() for key in keys if key["label"] in orphans}
        for key_id in ids:
            self.cluster.users.succeed("delete-key", key_id)

    def check_keys(self):
        kms = self.realm.kms
        for key, blob in self.blobs.items():
            wait_until(lambda blob=blob: decrypts(kms, blob), f"{key} was usable")
            assert kms.decrypt(CiphertextBlob=blob)["KeyId"] == key
        for key in self.keys_of_kms():
            kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)
        assert self.acknowledged <= set(self.keys_of_kms())

    def forget(self, key):
        """The key is going to be deleted."""
        self.acknowledged.remove(key)
        del self.blobs[key]

    def keys_of_kms(self):
        """The ARNs of all keys, also of one that nobody was told of."""
        pages = self.realm.kms.get_paginator("list_keys").paginate()
        return [entry["KeyArn"] for page in pages for entry in page["Keys"]]


def decrypts(kms, blob):
    """Whether it decrypts; a server that has just started may still be on its way to the HSMs."""
    try:
        return kms.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT
    except kms.exceptions.KMSInvalidStateException:
        return False


def check_tokens(cluster, arns):
    """Each HSM has exactly these keys, and each key is the same on both."""
    by_hsm = cluster.keys()
    assert len(by_hsm) == 2
    for hsm_id, keys in by_hsm.items():
        assert sorted(key["label"] for key in keys) == sorted(arns), hsm_id
        assert not any(key["attributes"]["extractable"] for key in keys), hsm_id
    first, second = ({key["label"]: (key["id"], key["check_value"]) for key in keys} for keys in by_hsm.values())
    assert first == second


@pytest.fixture(scope="module")
def crashing_servers(make_module_installation, hsm_module):
    """Gives one server for all crashes of a module, as what one leaves behind the next ones would find; another one after a failed test."""
    made = []

    def server():
        if not made or not made[-1].is_well:
            made.append(CrashingServer(make_module_installation(merged(module_settings(hsm_module), TIMES))))
        return made[-1]

    return server


@pytest.fixture
def crashing(crashing_servers):
    server = crashing_servers()
    server.is_well = False
    return server


@pytest.mark.parametrize("step", CONNECT)
def test_a_crash_in_a_connect(crashing, step):
    """The job is taken up again and ends in CONNECTED, without another call."""
    crashing.store.disconnect_and_wait()
    crashing.restart_to_crash_at(step)
    crashing.call(crashing.store.connect)
    crashing.wait_for_crash()
    crashing.start()
    assert crashing.store.state() in ("CONNECTING", "CONNECTED")
    entry = crashing.store.wait_state("CONNECTED", "FAILED")
    assert entry["ConnectionState"] == "CONNECTED", entry
    crashing.check()


@pytest.mark.parametrize("step", DISCONNECT)
def test_a_crash_in_a_disconnect(crashing, step):
    crashing.restart_to_crash_at(step)
    crashing.call(crashing.store.disconnect)
    crashing.wait_for_crash()
    crashing.start()
    assert crashing.store.state() in ("DISCONNECTING", "DISCONNECTED")
    crashing.store.wait_state("DISCONNECTED")
    crashing.check()


@pytest.mark.parametrize("step", CREATE_KEY)
def test_a_crash_in_create_key(crashing, step):
    """The caller was told nothing; the key exists as a whole or not at all, and there is no trace of half a one."""
    crashing.restart_to_crash_at(step)
    before = len(crashing.keys_of_kms())
    with pytest.raises((BotoCoreError, ClientError)):
        crashing.store.create_key()
    crashing.wait_for_crash()
    crashing.start()
    assert len(crashing.keys_of_kms()) == before + (step == "create-key.inserted")
    crashing.check()


@pytest.mark.parametrize("step", DELETE_KEY)
def test_a_crash_in_the_deletion_of_a_key(crashing, step):
    """Its metadata goes first. What a crash right after that leaves in the HSMs is an orphan, for the auditor (3.8: KMS never retries)."""
    key = crashing.add_key()
    crashing.forget(key)
    crashing.realm.kms.schedule_key_deletion(KeyId=key)
    assert crashing.installation.stop() == 0, crashing.installation.server.stderr
    make_deletion_due(crashing.installation.data_folder / "store.sqlite", key.rpartition("/")[2])
    crashing.start_into_a_crash(step)
    crashing.wait_for_crash()
    crashing.start()
    wait_until(lambda: key not in crashing.keys_of_kms(), "the key was deleted")
    crashing.check(orphans=[key] if step == "delete-key.destroy" else [])


# ---- at any moment ----


@pytest.mark.parametrize("seed", SEEDS)
def test_a_kill_at_any_moment_of_connecting(crashing, seed):
    """As often as a server dies on the way, a later one comes to the end."""
    generator = random.Random(seed)
    crashing.store.disconnect_and_wait()
    for _ in range(3):
        crashing.store.connect()
        kill_after(crashing, generator.uniform(0, 0.25))
        crashing.start()
    entry = crashing.store.wait_state("CONNECTED", "FAILED")
    assert entry["ConnectionState"] == "CONNECTED", entry
    crashing.check()


@pytest.mark.parametrize("seed", SEEDS)
def test_a_kill_at_any_moment_of_creating_keys(crashing, seed):
    """Every key that was acknowledged is there, on both HSMs, and no other."""
    creators = [threading.Thread(target=create_until_it_dies, args=(crashing,), daemon=True) for _ in range(3)]
    for creator in creators:
        creator.start()
    kill_after(crashing, random.Random(seed).uniform(0, 0.5))
    for creator in creators:
        creator.join(60)
        assert not creator.is_alive(), "a caller hung after the server's death"
    crashing.start()
    crashing.check()


def create_until_it_dies(crashing):
    try:
        while True:
            crashing.add_key()
    except (BotoCoreError, ClientError):
        # The server died: what was in flight was not acknowledged.
        return


def kill_after(crashing, seconds):
    """Kills the server so many seconds from now: a moment that a seed has chosen, not a wait for anything."""
    timer = threading.Timer(seconds, crashing.installation.kill)
    timer.start()
    timer.join()
