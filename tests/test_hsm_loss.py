"""HSMs that are lost while keys are used: nobody sees it as long as one is there, and all of them may come back.

Source: digest cloudhsm-key-stores.md, section 4; section 0, point 2 (CONNECTED is sticky).
"""

import itertools
import threading

import pytest
from botocore.exceptions import ClientError

from support.conditions import wait_until
from support.hsm_network import ZONES
from support.hsm_workers import kill_worker, moved_away
from support.sdk_client import Refusal, refusal

NO_CONTACT = ("KMSInvalidStateException", "KMS cannot communicate with your CloudHSM cluster", 400)
CALLERS = 8
# Enough calls after an event to know that it is over: many from every caller.
CALLS_AFTER = 200


class Load:
    """Callers who encrypt and decrypt without a pause; keeps what was refused."""

    def __init__(self, kms, key):
        self._kms, self._key = kms, key
        self._count = itertools.count()
        self._stop = threading.Event()
        self.done = 0
        self.refusals = []
        self.states = set()
        self._threads = [threading.Thread(target=self._call, args=(number,), daemon=True) for number in range(CALLERS)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        self.wait_for_more()
        return self

    def __exit__(self, *failure):
        self._stop.set()
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a caller hung"

    def _call(self, caller):
        while not self._stop.is_set():
            plaintext = b"%d" % caller
            try:
                blob = self._kms.encrypt(KeyId=self._key, Plaintext=plaintext)["CiphertextBlob"]
                assert self._kms.decrypt(CiphertextBlob=blob)["Plaintext"] == plaintext
            except ClientError as failure:
                self.refusals.append(Refusal(failure))
            self.done = next(self._count)

    def wait_for_more(self, calls=CALLS_AFTER):
        """Waits until so many more calls were made."""
        until = self.done + calls
        wait_until(lambda: self.done >= until, f"{calls} more calls were made", 60)


@pytest.fixture(scope="module")
def cluster(hsm_realm):
    return hsm_realm.active_cluster()


@pytest.fixture(scope="module")
def store(cluster):
    """Connected once; nothing in this file connects it again."""
    return cluster.realm.connected_store(cluster)


@pytest.fixture(scope="module")
def key(store):
    return store.create_key()


def test_a_worker_is_killed_under_load(store, cluster, key):
    """Each of the two in turn: a new worker takes its place, and KMS logs in again by itself."""
    with Load(store.client, key) as load:
        for hsm in cluster.hsms("ACTIVE"):
            kill_worker(cluster, hsm["HsmId"])
            load.wait_for_more()
    assert load.refusals == []
    assert store.state() == "CONNECTED"


def test_a_token_is_taken_away_under_load(store, cluster, key):
    """Each of the two in turn, and back."""
    with Load(store.client, key) as load:
        for hsm in cluster.hsms("ACTIVE"):
            with moved_away(cluster, hsm["HsmId"]):
                load.wait_for_more()
            wait_until(lambda hsm=hsm: alone(store, cluster, key, hsm["HsmId"]), "the HSM served again", 60)
    assert load.refusals == []
    assert store.state() == "CONNECTED"


def alone(store, cluster, key, hsm_id):
    """Whether the HSM is well enough to make a new key together with the other one."""
    try:
        store.create_key()
    except ClientError:
        return False
    return True


def test_an_hsm_is_deleted_and_replaced_under_load(own_hsm_realm):
    """DeleteHsm, then CreateHsm in its zone: the new one has the keys."""
    cluster = own_hsm_realm.active_cluster()
    store = own_hsm_realm.connected_store(cluster)
    key = store.create_key()
    with Load(store.client, key) as load:
        for zone in ZONES:
            hsm = next(hsm for hsm in cluster.hsms("ACTIVE") if hsm["AvailabilityZone"] == zone)
            cluster.delete_hsm(hsm["HsmId"])
            load.wait_for_more()
            cluster.create_hsm(zone)
            load.wait_for_more()
    assert load.refusals == []
    assert store.state() == "CONNECTED"
    assert store.client.encrypt(KeyId=store.create_key(), Plaintext=b"x")["CiphertextBlob"]


def test_all_are_lost_and_come_back(store, cluster, key):
    """The documented message while they are away; afterwards everything works without a reconnect."""
    kms = store.client
    blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    with moved_away(cluster):
        wait_until(lambda: refused_or_none(kms, key), "the loss was noticed")
        for call, parameters in [
            (kms.encrypt, {"KeyId": key, "Plaintext": b"x"}),
            (kms.decrypt, {"CiphertextBlob": blob}),
            (kms.generate_data_key, {"KeyId": key, "KeySpec": "AES_256"}),
            (kms.generate_data_key_without_plaintext, {"KeyId": key, "KeySpec": "AES_256"}),
        ]:
            refused = refusal(call, **parameters)
            assert (refused.code, refused.message, refused.status) == NO_CONTACT
        assert store.state() == "CONNECTED"
        assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
        assert refusal(store.create_key).code in ("CloudHsmClusterInvalidConfigurationException", "KMSInternalException")
    wait_until(lambda: not refused_or_none(kms, key), "the key was usable again", 60)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    assert store.state() == "CONNECTED"


def refused_or_none(kms, key):
    try:
        kms.encrypt(KeyId=key, Plaintext=b"x")
    except ClientError as failure:
        return Refusal(failure)
    return None


def test_all_workers_are_killed(store, cluster, key):
    """Whatever a caller sees meanwhile is the documented exception; then everything works again."""
    with Load(store.client, key) as load:
        for hsm in cluster.hsms("ACTIVE"):
            kill_worker(cluster, hsm["HsmId"])
        wait_until(lambda: not refused_or_none(store.client, key), "the key was usable again", 60)
        load.wait_for_more()
    assert {(refused.code, refused.message, refused.status) for refused in load.refusals} <= {NO_CONTACT}
    assert refused_or_none(store.client, key) is None


def test_all_are_deleted(own_hsm_realm):
    """No HSM is left: the same message; a new HSM from the backup brings the keys back, without a reconnect."""
    cluster = own_hsm_realm.active_cluster()
    store = own_hsm_realm.connected_store(cluster)
    kms, key = store.client, store.create_key()
    blob = kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    cluster.delete_all_hsms()
    refused = refusal(kms.decrypt, CiphertextBlob=blob)
    assert (refused.code, refused.message, refused.status) == NO_CONTACT
    assert refused.cause == "HSM_NONE_ACTIVE"
    assert store.state() == "CONNECTED"
    cluster.create_hsm(ZONES[0])
    wait_until(lambda: not refused_or_none(kms, key), "the key was usable again", 60)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"


def test_a_lost_cluster_is_nothing_to_another_key_store(store, cluster, key, hsm_realm):
    """One cluster that is down slows no other."""
    other = hsm_realm.connected_store()
    other_key = other.create_key()
    with moved_away(cluster):
        wait_until(lambda: refused_or_none(store.client, key), "the loss was noticed")
        with Load(other.client, other_key) as load:
            refused_or_none(store.client, key)
            load.wait_for_more()
    assert load.refusals == []
    wait_until(lambda: not refused_or_none(store.client, key), "the key was usable again", 60)


def test_a_lost_hsm_is_shown(own_hsm_realm):
    """5.1, HsmState DEGRADED, and ACTIVE again; and no new key is made with one HSM alone."""
    cluster = own_hsm_realm.active_cluster()
    store = own_hsm_realm.connected_store(cluster)
    key = store.create_key()
    lost = cluster.hsms("ACTIVE")[0]["HsmId"]
    with moved_away(cluster, lost):
        wait_until(lambda: refused_to_create(store), "the loss was noticed", 60)
        assert store.client.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    wait_until(lambda: not refused_to_create(store), "both HSMs were back", 60)


def refused_to_create(store):
    try:
        store.create_key()
    except ClientError as failure:
        refused = Refusal(failure)
        assert refused.code in ("CloudHsmClusterInvalidConfigurationException", "KMSInternalException"), refused
        return refused
    return None
