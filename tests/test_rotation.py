"""Rotation of key material through the SDK: by period, on demand, of multi-Region keys, and a server that dies at any step of it.

Source: digest kms-core.md, 5.4, 5.7, 7.2; KMS Developer Guide, "Rotate AWS KMS keys". What takes a clock that can be turned is tested in
crates/keystead-core/tests/kms/key_rotation.rs.
"""

import datetime
import random
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from support.conditions import wait_until
from support.crash_points import crash_points
from support.development_server import DevelopmentServer
from support.guide import Guide
from support.sdk_client import OTHER_REGION, refusal, request_id
from support.stored_keys import make_rotation_due
from support.wrapping import import_material

# The states can be seen, and pass soon.
LIFECYCLE = {"key_lifecycle": {"transition_min_ms": 300, "sweep_interval_ms": 50}}
PLAINTEXT = b"before the rotation"
DAY = datetime.timedelta(days=1)
STEPS = [
    "rotate-key-on-demand.store",
    "rotate-key-on-demand.stored",
    "rotate-key.store",
    "rotate-key.record",
]
# With these the generator chooses when a server is killed; each stands for a run that can be had again.
SEEDS = range(3)


@pytest.fixture(scope="module")
def server(make_module_installation):
    installation = make_module_installation(LIFECYCLE).start()
    yield installation
    assert installation.stop() == 0, installation.server.stderr


@pytest.fixture
def account(server):
    return server.create_tenant()


@pytest.fixture
def kms(account):
    return account.client


def new_key(kms, **members):
    return kms.create_key(**members)["KeyMetadata"]["Arn"]


def key_id(arn):
    return arn.rpartition("/")[2]


def materials(kms, key):
    """All materials of a key, the oldest first."""
    return kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]


def material_ids(kms, key):
    return [entry["KeyMaterialId"] for entry in materials(kms, key)]


def is_rotating(kms, key):
    return "OnDemandRotationStartDate" in kms.get_key_rotation_status(KeyId=key)


def rotate(kms, key):
    """Rotates on demand, and waits until it is done."""
    before = len(materials(kms, key))
    assert kms.rotate_key_on_demand(KeyId=key)["KeyId"] == key
    wait_until(lambda: len(materials(kms, key)) == before + 1, "the rotation on demand was done")


def rotation_records(installation, key):
    return [
        record
        for record in installation.audit_records()
        if record["eventName"] == "RotateKey" and record["resources"][0]["ARN"] == key
    ]


def test_automatic_rotation(server, kms):
    key = new_key(kms)
    status = kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["KeyId"]) == (False, key_id(key))
    assert not {"RotationPeriodInDays", "NextRotationDate", "OnDemandRotationStartDate"} & set(status)
    old = kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]

    enabled = kms.enable_key_rotation(KeyId=key, RotationPeriodInDays=180)
    recorded = server.audit_record(request_id(enabled))
    assert recorded["requestParameters"] == {"keyId": key, "rotationPeriodInDays": 180}
    assert recorded["responseElements"] == {"keyId": key}
    status = kms.get_key_rotation_status(KeyId=key)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 180)
    now = datetime.datetime.now(datetime.timezone.utc)
    assert abs(status["NextRotationDate"] - now - 180 * DAY) < DAY

    make_rotation_due(server.data_folder / "store.sqlite", key_id(key))
    wait_until(lambda: len(materials(kms, key)) == 2, "the key rotated")
    first, second = materials(kms, key)
    assert (first["KeyMaterialState"], second["KeyMaterialState"]) == ("NON_CURRENT", "CURRENT")
    assert second["RotationType"] == "AUTOMATIC"
    assert "RotationDate" not in first and "ImportState" not in first
    assert kms.list_key_rotations(KeyId=key)["Rotations"] == [second]
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"] == second["KeyMaterialId"]
    # A period after the date for which the rotation was scheduled, not after the moment in which it was done.
    next_rotation = kms.get_key_rotation_status(KeyId=key)["NextRotationDate"]
    assert second["RotationDate"] + 179 * DAY < next_rotation <= second["RotationDate"] + 180 * DAY
    decrypted = kms.decrypt(CiphertextBlob=old)
    assert (decrypted["Plaintext"], decrypted["KeyMaterialId"]) == (PLAINTEXT, first["KeyMaterialId"])
    data_key = kms.generate_data_key(KeyId=key, KeySpec="AES_256")
    assert data_key["KeyMaterialId"] == second["KeyMaterialId"]

    wait_until(lambda: rotation_records(server, key), "the rotation was recorded")
    (record,) = rotation_records(server, key)
    assert record["serviceEventDetails"] == {
        "rotationType": "AUTOMATIC",
        "keyOrigin": "AWS_KMS",
        "previousKeyMaterialId": first["KeyMaterialId"],
        "currentKeyMaterialId": second["KeyMaterialId"],
        "keyId": key_id(key),
    }
    assert (record["eventType"], record["userIdentity"]["invokedBy"]) == ("AwsServiceEvent", "AWS Internal")
    assert record["requestParameters"] is None and record["responseElements"] is None


def test_rotation_on_demand(kms):
    key = new_key(kms)
    old = kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    kms.rotate_key_on_demand(KeyId=key)
    assert is_rotating(kms, key)
    assert refusal(kms.rotate_key_on_demand, KeyId=key).code == "ConflictException"
    wait_until(lambda: not is_rotating(kms, key), "the rotation on demand was done")
    first, second = materials(kms, key)
    assert second["RotationType"] == "ON_DEMAND"
    assert kms.decrypt(CiphertextBlob=old)["KeyMaterialId"] == first["KeyMaterialId"]
    again = kms.re_encrypt(CiphertextBlob=old, DestinationKeyId=key)
    moved = (again["SourceKeyMaterialId"], again["DestinationKeyMaterialId"])
    assert moved == (first["KeyMaterialId"], second["KeyMaterialId"])


def test_pages(kms):
    key = new_key(kms)
    for _ in range(5):
        rotate(kms, key)
    pages = list(kms.get_paginator("list_key_rotations").paginate(KeyId=key, PaginationConfig={"PageSize": 2}))
    assert [len(page["Rotations"]) for page in pages] == [2, 2, 1]
    assert [entry["KeyMaterialId"] for page in pages for entry in page["Rotations"]] == material_ids(kms, key)[1:]


def test_periods_outside_the_limits(server, account):
    unchecked = server.client(account.credentials, checked=False)
    key = new_key(unchecked)
    for days in (89, 2561):
        refused = refusal(unchecked.enable_key_rotation, KeyId=key, RotationPeriodInDays=days)
        assert refused.code == "ValidationException"
        assert f"Value '{days}' at 'rotationPeriodInDays' failed to satisfy constraint" in refused.message


def test_multi_region_keys_rotate_together(server, account, kms):
    elsewhere = server.client(account.credentials, region=OTHER_REGION)
    primary = new_key(kms, MultiRegion=True)
    replica = kms.replicate_key(KeyId=primary, ReplicaRegion=OTHER_REGION)["ReplicaKeyMetadata"]["Arn"]
    wait_until(
        lambda: elsewhere.describe_key(KeyId=replica)["KeyMetadata"]["KeyState"] == "Enabled", "the replica was made"
    )
    old = elsewhere.encrypt(KeyId=replica, Plaintext=PLAINTEXT)["CiphertextBlob"]
    for call in (elsewhere.enable_key_rotation, elsewhere.disable_key_rotation, elsewhere.rotate_key_on_demand):
        assert refusal(call, KeyId=replica).code == "UnsupportedOperationException"
    kms.enable_key_rotation(KeyId=primary, RotationPeriodInDays=90)
    status, there = kms.get_key_rotation_status(KeyId=primary), elsewhere.get_key_rotation_status(KeyId=replica)
    members = ["KeyRotationEnabled", "RotationPeriodInDays", "NextRotationDate"]
    assert [status[member] for member in members] == [there[member] for member in members]

    rotate(kms, primary)
    assert materials(kms, primary) == materials(elsewhere, replica)
    new = kms.encrypt(KeyId=primary, Plaintext=PLAINTEXT)["CiphertextBlob"]
    for blob in (old, new):
        assert kms.decrypt(CiphertextBlob=blob)["KeyId"] == primary
        assert elsewhere.decrypt(CiphertextBlob=blob)["KeyId"] == replica
    wait_until(
        lambda: [record for record in server.audit_records() if record["eventName"] == "SynchronizeMultiRegionKey"],
        "the synchronization was recorded",
    )


def test_every_step_is_tested():
    assert crash_points("test_rotation.py") == STEPS


class RotatingKeys:
    """A key of each kind that rotates, with a ciphertext, in an installation that may crash."""

    def __init__(self, installation):
        self.installation = installation.start()
        self.tenant = installation.create_tenant()
        self.kms = self.tenant.client
        self.own = new_key(self.kms)
        self.imported = new_key(self.kms, Origin="EXTERNAL")
        import_material(self.kms, self.imported, bytes([1] * 32))
        import_material(self.kms, self.imported, bytes([2] * 32), ImportType="NEW_KEY_MATERIAL")
        self.primary = new_key(self.kms, MultiRegion=True)
        self.kms.replicate_key(KeyId=self.primary, ReplicaRegion=OTHER_REGION)
        self.keys = {"own": self.own, "imported": self.imported, "primary": self.primary}
        self.blobs = {key: self.encrypt(key) for key in self.keys.values()}

    def encrypt(self, key):
        return self.kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]

    def start(self, environment=None):
        self.installation.start(environment)
        self.kms = self.installation.client(self.tenant.credentials)
        self.elsewhere = self.installation.client(self.tenant.credentials, region=OTHER_REGION)

    def start_to_crash_at(self, step):
        assert self.installation.stop() == 0, self.installation.server.stderr
        self.start({"KEYSTEAD_CRASH_AT": step})

    def wait_for_crash(self):
        server = self.installation.server
        wait_until(lambda: not server.is_running, "the server crashed")
        assert server.wait() != 0
        assert "asks for the end of the process here" in server.stderr, server.stderr

    def current(self, key):
        """The one current material of a key; those before it are all there."""
        states = [entry["KeyMaterialState"] for entry in materials(self.kms, key) if "PENDING" not in entry["KeyMaterialState"]]
        assert states == ["NON_CURRENT"] * (len(states) - 1) + ["CURRENT"]
        return self.kms.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]

    def check(self):
        """Every key encrypts, and decrypts what it ever encrypted, in each Region where it is."""
        for key, blob in self.blobs.items():
            new = self.encrypt(key)
            assert self.kms.decrypt(CiphertextBlob=new)["KeyMaterialId"] == self.current(key)
            assert self.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT
        replica = self.primary.replace(":us-east-1:", f":{OTHER_REGION}:")
        wait_until(
            lambda: self.elsewhere.describe_key(KeyId=replica)["KeyMetadata"]["KeyState"] == "Enabled", "the replica was made"
        )
        assert material_ids(self.elsewhere, replica) == material_ids(self.kms, self.primary)
        for blob in (self.blobs[self.primary], self.encrypt(self.primary)):
            assert self.elsewhere.decrypt(CiphertextBlob=blob)["KeyId"] == replica


@pytest.mark.parametrize("step", STEPS)
def test_a_crash_in_a_rotation(make_installation, step):
    """What was asked for is done once, whatever is in the way; what was not stored was not asked for."""
    keys = RotatingKeys(make_installation(LIFECYCLE))
    for kind, key in keys.keys.items():
        before = material_ids(keys.kms, key)
        was = keys.current(key)
        keys.start_to_crash_at(step)
        try:
            keys.kms.rotate_key_on_demand(KeyId=key)
        except (BotoCoreError, ClientError):
            # The crash cut the answer off.
            assert "on-demand" in step
        keys.wait_for_crash()
        keys.start()
        if step == "rotate-key-on-demand.store":
            keys.check()
            assert keys.current(key) == was, kind
            rotate_once(keys, key, was)
        else:
            wait_until(lambda key=key, was=was: keys.current(key) != was, "the rotation was done")
        after = material_ids(keys.kms, key)
        assert len(after) == 2 and after[: len(before)] == before, kind
        keys.check()
        assert material_ids(keys.kms, key) == after
    assert keys.installation.stop() == 0


def rotate_once(keys, key, was):
    keys.kms.rotate_key_on_demand(KeyId=key)
    wait_until(lambda: keys.current(key) != was, "the rotation was done")


@pytest.mark.parametrize("seed", SEEDS)
def test_kill_in_a_stream_of_rotations(make_installation, seed):
    """Every ciphertext that was answered decrypts, and every key has one current material, the same in both Regions."""
    chance = random.Random(seed)
    server = make_installation({"key_lifecycle": {"transition_min_ms": 0, "sweep_interval_ms": 1}}).start()
    tenant = server.create_tenant()
    stream = StreamOfRotations(tenant.client)
    stream.start()
    enough = chance.randint(5, 40)
    wait_until(lambda: len(stream.blobs) >= enough, f"{enough} ciphertexts were made")
    server.kill()
    stream.join()
    server.start()
    kms, elsewhere = server.client(tenant.credentials), server.client(tenant.credentials, region=OTHER_REGION)
    for blob in stream.blobs:
        assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT
    for key in stream.keys:
        wait_until(lambda key=key: not is_rotating(kms, key), "rotations that were asked for were done")
        states = [entry["KeyMaterialState"] for entry in materials(kms, key)]
        assert states == ["NON_CURRENT"] * (len(states) - 1) + ["CURRENT"]
        assert material_ids(elsewhere, key_id(key)) == material_ids(kms, key)


class StreamOfRotations:
    """Clients that each encrypt and rotate a multi-Region key again and again, until the server dies."""

    def __init__(self, client):
        self._client = client
        self.blobs = []
        self.keys = [new_key(client, MultiRegion=True) for _ in range(4)]
        for key in self.keys:
            client.replicate_key(KeyId=key, ReplicaRegion=OTHER_REGION)
        self._threads = [threading.Thread(target=self._run, args=(key,), daemon=True) for key in self.keys]

    def start(self):
        for thread in self._threads:
            thread.start()

    def join(self):
        for thread in self._threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hung after the server's death"

    def _run(self, key):
        try:
            while True:
                self.blobs.append(self._client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"])
                self._rotate(key)
        except BotoCoreError:
            # The server died.
            return

    def _rotate(self, key):
        try:
            self._client.rotate_key_on_demand(KeyId=key)
        except ClientError as refused:
            # The one before is not done yet, or 25 are.
            assert refused.response["Error"]["Code"] in ("ConflictException", "LimitExceededException")


def test_the_guide(tmp_path):
    server = DevelopmentServer(tmp_path / "server").start()
    try:
        printed = Guide("rotation.md").follow(tmp_path, server)
        assert printed.count("attack at dawn") == 2, printed
        assert "ON_DEMAND" in printed
    finally:
        assert server.stop() == 0, server.server.stderr
