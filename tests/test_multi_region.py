"""One server, several Regions; multi-Region keys: replicas, the change of the primary Region, deletion, and a server that dies at any step.

Source: digest kms-core.md, 1.4, 2.1, 2.6, 2.8, 5.6, 5.7, 7.2; KMS Developer Guide, "Multi-Region keys". What takes a clock that can be
turned is tested in crates/keystead-core/tests/kms/multi_region_keys.rs.
"""

import os
import re

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from support.conditions import wait_until
from support.crash_points import crash_points
from support.development_server import DevelopmentServer
from support.external_store import connected_store, create_parameters
from support.guide import Guide
from support.proxy_signature import parse_authorization
from support.sdk_client import REGION, refusal, request_id
from support.stored_keys import make_deletion_due
from support.wrapping import import_material

IRELAND, SYDNEY = "eu-west-1", "ap-southeast-2"
OTHER_REGIONS = [IRELAND, SYDNEY]
REGIONS = [REGION, *OTHER_REGIONS]
UNSERVED = "eu-south-2"
SETTINGS = {
    "other_regions": OTHER_REGIONS,
    "key_lifecycle": {"transition_min_ms": 100, "sweep_interval_ms": 50},
    "key_deletion": {"sweep_interval_ms": 50},
}
STEPS = [
    "multi-region.insert-replica",
    "multi-region.record-replica",
    "multi-region.swap-roles",
    "multi-region.record-swap",
    "multi-region.begin-waiting",
]
PLAINTEXT = b"attack at dawn"
TRANSITION = {"Creating", "Updating"}


class Account:
    """An account of one server, with a client in each of its Regions."""

    def __init__(self, installation):
        self.installation = installation
        self.tenant = installation.create_tenant()
        self.reconnect()

    def reconnect(self):
        """The server has another port after a restart."""
        self.clients = {region: self.client(region) for region in REGIONS}

    def client(self, region, service="kms"):
        return self.installation.client(self.tenant.credentials, service, region=region)

    def of(self, arn):
        """The client in the Region of a key."""
        return self.clients[arn.split(":")[3]]

    def create_key(self, region=REGION, **members):
        """A multi-Region primary key; returns its ARN."""
        return self.clients[region].create_key(MultiRegion=True, **members)["KeyMetadata"]["Arn"]

    def replicate(self, primary, region, **members):
        """A replica that is ready; returns its ARN."""
        made = self.of(primary).replicate_key(KeyId=primary, ReplicaRegion=region, **members)
        return self.settled(made["ReplicaKeyMetadata"]["Arn"])

    def move(self, primary, region):
        """Changes the primary Region, and waits until it is over."""
        self.of(primary).update_primary_region(KeyId=primary, PrimaryRegion=region)
        return self.settled(primary), self.settled(in_region(primary, region))

    def settled(self, arn):
        """Waits until a key is in no state that passes by itself; returns its ARN."""
        wait_until(lambda: self.state(arn) not in TRANSITION, f"{arn} was ready")
        return arn

    def describe(self, arn):
        return self.of(arn).describe_key(KeyId=arn)["KeyMetadata"]

    def state(self, arn):
        return self.describe(arn)["KeyState"]

    def exists(self, arn):
        key_id = arn.rpartition("/")[2]
        return key_id in [key["KeyId"] for key in self.of(arn).list_keys()["Keys"]]

    def place(self, arn):
        """The type of a key among its related keys, the primary Region, and the Regions of the replicas."""
        told = self.describe(arn)["MultiRegionConfiguration"]
        assert all(key["Arn"] == in_region(arn, key["Region"]) for key in [told["PrimaryKey"], *told["ReplicaKeys"]])
        return told["MultiRegionKeyType"], told["PrimaryKey"]["Region"], [key["Region"] for key in told["ReplicaKeys"]]

    def encrypt(self, arn):
        return self.of(arn).encrypt(KeyId=arn, Plaintext=PLAINTEXT)["CiphertextBlob"]

    def decrypt(self, arn, ciphertext):
        """Without a key ID: the Region that is asked decides which of the related keys decrypts."""
        answer = self.of(arn).decrypt(CiphertextBlob=ciphertext)
        assert answer["KeyId"] == arn
        return answer["Plaintext"]

    def delete(self, arn):
        """Has a key deleted whose deletion is scheduled, as if its waiting period were over."""
        assert self.installation.stop() == 0, self.installation.server.stderr
        store = self.installation.data_folder / "store.sqlite"
        make_deletion_due(store, arn.rpartition("/")[2], arn.split(":")[3])

    def start(self, environment=None):
        self.installation.start(environment)
        self.reconnect()


def in_region(arn, region):
    """The ARN of the related key in a Region."""
    parts = arn.split(":")
    return ":".join([*parts[:3], region, *parts[4:]])


@pytest.fixture(scope="module")
def server(make_module_installation):
    installation = make_module_installation(SETTINGS).start()
    yield installation
    assert installation.stop() == 0, installation.server.stderr
    assert "panicked" not in installation.server.stderr, installation.server.stderr


@pytest.fixture
def account(server):
    return Account(server)


@pytest.fixture
def own_account(make_installation):
    """An account on a server of its own, which is restarted."""
    account = Account(make_installation(SETTINGS).start())
    yield account
    if account.installation.server.is_running:
        assert account.installation.stop() == 0, account.installation.server.stderr


# ---- one server, several Regions ----


@pytest.mark.parametrize("region", REGIONS)
def test_each_region_has_its_keys(account, region):
    created = account.clients[region].create_key()
    arn = created["KeyMetadata"]["Arn"]
    assert arn.startswith(f"arn:aws:kms:{region}:{account.tenant.account}:key/")
    assert account.installation.audit_record(request_id(created))["awsRegion"] == region
    for asked in REGIONS:
        assert account.clients[asked].list_keys()["Keys"] == (
            [{"KeyId": created["KeyMetadata"]["KeyId"], "KeyArn": arn}] if asked == region else []
        )


def test_a_region_that_is_not_served(account):
    """1.4: the trailing blank is AWS's."""
    refused = refusal(account.client(UNSERVED).list_keys)
    expected = f"Credential should be scoped to a valid region, not '{UNSERVED}'. "
    assert (refused.code, refused.status, refused.message) == ("InvalidSignatureException", 400, expected)


@pytest.mark.parametrize(("service", "operation"), [("cloudhsmv2", "describe_clusters"), ("ec2", "describe_vpcs")])
def test_clusters_and_their_network_are_in_the_home_region(account, service, operation):
    getattr(account.client(REGION, service), operation)()
    refused = refusal(getattr(account.client(IRELAND, service), operation))
    assert refused.message == f"Credential should be scoped to a valid region, not '{IRELAND}'. "


def test_keys_of_other_regions_are_not_found(account):
    """2.1: whether the key exists there or not; by its ID alone the key of the Region is meant that is asked."""
    primary = account.create_key()
    replica = account.replicate(primary, IRELAND)
    for arn in (primary, in_region(primary, SYDNEY), in_region(primary, UNSERVED)):
        refused = refusal(account.clients[IRELAND].describe_key, KeyId=arn)
        assert (refused.code, refused.message) == ("NotFoundException", f"Invalid arn {arn.split(':')[3]}")
    by_id = account.clients[IRELAND].describe_key(KeyId=primary.rpartition("/")[2])
    assert by_id["KeyMetadata"]["Arn"] == replica
    here = in_region(primary, SYDNEY)
    refused = refusal(account.clients[SYDNEY].describe_key, KeyId=primary.rpartition("/")[2])
    assert (refused.code, refused.message) == ("NotFoundException", f"Key '{here}' does not exist")


def test_aliases_are_each_regions_own(account):
    """5.2: unique in an account and Region; the same name lets an application find the related key wherever it runs."""
    primary = account.create_key()
    for arn in (primary, account.replicate(primary, IRELAND)):
        account.of(arn).create_alias(AliasName="alias/app", TargetKeyId=arn)
    blob = account.clients[REGION].encrypt(KeyId="alias/app", Plaintext=PLAINTEXT)["CiphertextBlob"]
    answer = account.clients[IRELAND].decrypt(KeyId="alias/app", CiphertextBlob=blob)
    assert (answer["KeyId"], answer["Plaintext"]) == (in_region(primary, IRELAND), PLAINTEXT)
    refused = refusal(account.clients[SYDNEY].describe_key, KeyId="alias/app")
    expected = f"Alias arn:aws:kms:{SYDNEY}:{account.tenant.account}:alias/app is not found."
    assert (refused.code, refused.message) == ("NotFoundException", expected)
    account.clients[REGION].delete_alias(AliasName="alias/app")
    assert account.clients[IRELAND].describe_key(KeyId="alias/app")["KeyMetadata"]["Arn"] == answer["KeyId"]


def test_external_key_stores_work_in_every_region(account, fault_proxy):
    """Names and proxies are unique in an account and Region, and a proxy sees the Region in the scope of the signature."""
    realm = fault_proxy.realm()
    stores = {}
    for region in REGIONS:
        store = stores[region] = connected_store(account.clients[region], realm, CustomKeyStoreName="same-name")
        key = store.create_key()
        assert f":kms:{region}:" in key
        blob = account.encrypt(key)
        assert account.decrypt(key, blob) == PLAINTEXT
        last = parse_authorization(realm.requests[-1].headers["authorization"])
        assert last["scope"].split("/")[1:3] == [region, "kms-xks-proxy"]
    listed = account.clients[IRELAND].describe_custom_key_stores()["CustomKeyStores"]
    assert [entry["CustomKeyStoreId"] for entry in listed] == [stores[IRELAND].store_id]
    refused = refusal(account.clients[IRELAND].disconnect_custom_key_store, CustomKeyStoreId=stores[REGION].store_id)
    assert refused.code == "CustomKeyStoreNotFoundException"
    again = create_parameters(realm, CustomKeyStoreName="same-name", XksProxyUriPath="/other/kms/xks/v1")
    assert refusal(account.clients[IRELAND].create_custom_key_store, **again).code == "CustomKeyStoreNameInUseException"
    for store in stores.values():
        store.disconnect_and_wait()


def test_cloudhsm_key_stores_are_in_the_home_region(account):
    refused = refusal(
        account.clients[IRELAND].create_custom_key_store,
        CustomKeyStoreName="elsewhere",
        CloudHsmClusterId="cluster-1a23b4cdefg",
        TrustAnchorCertificate="-----BEGIN CERTIFICATE-----",
        KeyStorePassword="kmsPswd1",
    )
    assert refused.code == "CloudHsmClusterNotFoundException"
    assert IRELAND in refused.message and REGION in refused.message, refused


# ---- replicas ----


def test_a_replica(account):
    primary = account.create_key(Description="of the primary", Tags=[{"TagKey": "a", "TagValue": "1"}])
    made = account.clients[REGION].replicate_key(
        KeyId=primary, ReplicaRegion=IRELAND, Tags=[{"TagKey": "team", "TagValue": "b"}]
    )
    metadata = made["ReplicaKeyMetadata"]
    replica = in_region(primary, IRELAND)
    assert (metadata["Arn"], metadata["KeyId"]) == (replica, primary.rpartition("/")[2])
    assert (metadata["KeyState"], metadata["Enabled"], metadata["Description"]) == ("Creating", False, "")
    assert "CurrentKeyMaterialId" not in metadata
    assert re.search(r'"Id" : "key-default-1"', made["ReplicaPolicy"])
    assert made["ReplicaTags"] == [{"TagKey": "team", "TagValue": "b"}]

    account.settled(replica)
    told = account.describe(replica)
    assert (told["KeyState"], told["Enabled"]) == ("Enabled", True)
    assert told["CurrentKeyMaterialId"] == account.describe(primary)["CurrentKeyMaterialId"]
    assert account.place(primary) == ("PRIMARY", REGION, [IRELAND])
    assert account.place(replica) == ("REPLICA", REGION, [IRELAND])
    for one, other in [(primary, replica), (replica, primary)]:
        assert account.decrypt(other, account.encrypt(one)) == PLAINTEXT


def test_a_replication_is_recorded_in_both_regions(account):
    """7.2: ReplicateKey in the Region of the primary key, CreateKey in that of the replica."""
    made = account.clients[REGION].replicate_key(KeyId=account.create_key(), ReplicaRegion=IRELAND)
    records = [record for record in account.installation.audit_records() if record.get("requestID") == request_id(made)]
    told = {record["eventName"]: record for record in records}
    assert sorted(told) == ["CreateKey", "ReplicateKey"] and len(records) == 2
    replica = made["ReplicaKeyMetadata"]["Arn"]
    assert told["ReplicateKey"]["awsRegion"] == REGION
    assert told["ReplicateKey"]["responseElements"]["replicaKeyMetadata"]["arn"] == replica
    assert told["CreateKey"]["awsRegion"] == IRELAND
    assert [resource["ARN"] for resource in told["CreateKey"]["resources"]] == [replica]
    assert told["CreateKey"]["userIdentity"]["invokedBy"] == "kms.amazonaws.com"


def test_what_cannot_be_replicated(account):
    primary, single = account.create_key(), account.clients[REGION].create_key()["KeyMetadata"]["Arn"]
    replica = account.replicate(primary, IRELAND)
    for key in (replica, single):
        refused = refusal(account.of(key).replicate_key, KeyId=key, ReplicaRegion=SYDNEY)
        expected = ("UnsupportedOperationException", f"{key} is not a multi-region primary key.")
        assert (refused.code, refused.message) == expected
    assert refusal(account.of(primary).replicate_key, KeyId=primary, ReplicaRegion=IRELAND).code == "AlreadyExistsException"
    for region in (REGION, UNSERVED):
        refused = refusal(account.of(primary).replicate_key, KeyId=primary, ReplicaRegion=region)
        assert refused.code == "ValidationException" and region in refused.message, refused


def test_keys_of_other_accounts_are_not_replicated(account, server):
    stranger = Account(server)
    primary = account.create_key()
    refused = refusal(stranger.clients[REGION].replicate_key, KeyId=primary, ReplicaRegion=IRELAND)
    assert refused.code == "AccessDeniedException"
    assert account.place(primary) == ("PRIMARY", REGION, [])


def test_grants_and_policies_are_each_keys_own(account):
    primary = account.create_key()
    replica = account.replicate(primary, IRELAND)
    grantee = f"arn:aws:iam::{account.tenant.account}:user/alice"
    made = account.of(primary).create_grant(KeyId=primary, GranteePrincipal=grantee, Operations=["Decrypt"])
    assert account.of(replica).list_grants(KeyId=replica)["Grants"] == []
    refused = refusal(account.of(replica).revoke_grant, KeyId=replica, GrantId=made["GrantId"])
    assert refused.code == "NotFoundException"
    policy = account.of(primary).get_key_policy(KeyId=primary)["Policy"].replace("key-default-1", "changed")
    account.of(replica).put_key_policy(KeyId=replica, Policy=policy)
    assert "changed" not in account.of(primary).get_key_policy(KeyId=primary)["Policy"]


# ---- the primary Region ----


def test_the_primary_region_changes(account):
    primary = account.create_key()
    ireland, sydney = account.replicate(primary, IRELAND), account.replicate(primary, SYDNEY)
    blob = account.encrypt(primary)
    changed = account.of(primary).update_primary_region(KeyId=primary, PrimaryRegion=IRELAND)
    for arn in (primary, ireland, sydney):
        # While it lasts, and afterwards.
        assert account.decrypt(arn, blob) == PLAINTEXT
        account.encrypt(arn)
        expected = "PRIMARY" if arn == ireland else "REPLICA"
        assert account.place(arn) == (expected, IRELAND, [SYDNEY, REGION])
    for arn in (primary, ireland):
        account.settled(arn)
    records = [record for record in account.installation.audit_records() if record.get("requestID") == request_id(changed)]
    told = {record["awsRegion"]: record for record in records}
    assert {record["eventName"] for record in records} == {"UpdatePrimaryRegion"}
    assert sorted(told) == [IRELAND, REGION] and len(records) == 2
    assert told[REGION]["responseElements"] == {"keyId": primary}
    assert told[IRELAND]["requestParameters"] == {"keyId": ireland, "primaryRegion": IRELAND}
    assert told[IRELAND]["userIdentity"]["invokedBy"] == "kms.amazonaws.com"

    refused = refusal(account.of(primary).update_primary_region, KeyId=primary, PrimaryRegion=SYDNEY)
    assert refused.message == f"{primary} is not a multi-region primary key."
    refused = refusal(account.of(ireland).update_primary_region, KeyId=ireland, PrimaryRegion=IRELAND)
    assert refused.code == "ValidationException"
    # What was the primary key can be deleted on its own now.
    assert account.of(primary).schedule_key_deletion(KeyId=primary)["KeyState"] == "PendingDeletion"


def test_a_region_without_a_replica_does_not_become_the_primary_region(account):
    primary = account.create_key()
    refused = refusal(account.of(primary).update_primary_region, KeyId=primary, PrimaryRegion=IRELAND)
    expected = ("NotFoundException", f"Key '{in_region(primary, IRELAND)}' does not exist")
    assert (refused.code, refused.message) == expected


# ---- rotation and imported material ----


def rotations(account, arn):
    listed = account.of(arn).list_key_rotations(KeyId=arn, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]
    return [(entry["KeyMaterialId"], entry["KeyMaterialState"]) for entry in listed]


def test_a_rotation_shows_on_replicas(account):
    primary = account.create_key()
    replica = account.replicate(primary, IRELAND)
    blobs = [account.encrypt(primary), account.encrypt(replica)]
    account.of(primary).rotate_key_on_demand(KeyId=primary)
    wait_until(lambda: len(rotations(account, replica)) == 2, "the replica had the new material")
    later = account.replicate(primary, SYDNEY)
    for arn in (primary, replica, later):
        assert rotations(account, arn) == rotations(account, primary)
        for blob in [*blobs, account.encrypt(primary)]:
            assert account.decrypt(arn, blob) == PLAINTEXT
    refused = refusal(account.of(replica).rotate_key_on_demand, KeyId=replica)
    assert refused.code == "UnsupportedOperationException"
    # The period goes with the primary key.
    account.of(primary).enable_key_rotation(KeyId=primary, RotationPeriodInDays=180)
    account.move(primary, SYDNEY)
    status = account.of(later).get_key_rotation_status(KeyId=later)
    assert (status["KeyRotationEnabled"], status["RotationPeriodInDays"]) == (True, 180)
    account.of(later).disable_key_rotation(KeyId=later)
    assert account.of(primary).get_key_rotation_status(KeyId=primary)["KeyRotationEnabled"] is False


def test_imported_material_comes_to_the_primary_key_first(account):
    """5.5: into the primary key, then into each replica; and then it can become the current one."""
    first, second = os.urandom(32), os.urandom(32)
    new, existing = {"ImportType": "NEW_KEY_MATERIAL"}, {"ImportType": "EXISTING_KEY_MATERIAL"}
    primary = account.create_key(Origin="EXTERNAL")
    refused = refusal(account.of(primary).replicate_key, KeyId=primary, ReplicaRegion=IRELAND)
    assert refused.message == f"{primary} is pending import."
    import_material(account.of(primary), primary, first)
    replica = account.replicate(primary, IRELAND)
    assert account.state(replica) == "PendingImport"
    import_material(account.of(replica), replica, first)
    old = account.encrypt(replica)

    with pytest.raises(ClientError) as caught:
        import_material(account.of(replica), replica, second, **new)
    assert caught.value.response["Error"]["Code"] == "UnsupportedOperationException"
    import_material(account.of(primary), primary, second, **new)
    assert rotations(account, primary)[-1][1] == "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
    import_material(account.of(replica), replica, second, **existing)
    assert rotations(account, primary)[-1][1] == "PENDING_ROTATION"
    account.of(primary).rotate_key_on_demand(KeyId=primary)
    wait_until(lambda: rotations(account, replica)[-1][1] == "CURRENT", "the second material was current")
    for blob in (old, account.encrypt(primary)):
        assert account.decrypt(replica, blob) == PLAINTEXT
    # Deletion is each Region's own: the primary key goes on.
    account.of(replica).delete_imported_key_material(KeyId=replica)
    assert (account.state(replica), account.state(primary)) == ("PendingImport", "Enabled")
    refused = refusal(account.of(primary).update_primary_region, KeyId=primary, PrimaryRegion=IRELAND)
    assert refused.message == f"{replica} is pending import."


# ---- deletion ----


def test_a_primary_key_waits_for_its_replicas(own_account):
    account = own_account
    primary = account.create_key()
    ireland, sydney = account.replicate(primary, IRELAND), account.replicate(primary, SYDNEY)
    blob = account.encrypt(primary)
    answer = account.of(primary).schedule_key_deletion(KeyId=primary, PendingWindowInDays=7)
    assert "DeletionDate" not in answer
    assert (answer["KeyState"], answer["PendingWindowInDays"]) == ("PendingReplicaDeletion", 7)
    told = account.describe(primary)
    assert (told["KeyState"], told["PendingDeletionWindowInDays"]) == ("PendingReplicaDeletion", 7)
    refused = refusal(account.of(primary).encrypt, KeyId=primary, Plaintext=PLAINTEXT)
    assert refused.code == "KMSInvalidStateException"
    assert account.decrypt(ireland, blob) == PLAINTEXT

    for replica in (ireland, sydney):
        assert account.of(replica).schedule_key_deletion(KeyId=replica, PendingWindowInDays=7)["KeyState"] == "PendingDeletion"
    account.delete(ireland)
    account.start()
    wait_until(lambda: not account.exists(ireland), "the first replica was deleted")
    assert account.place(primary) == ("PRIMARY", REGION, [SYDNEY])
    assert account.state(primary) == "PendingReplicaDeletion"
    account.delete(sydney)
    account.start()
    wait_until(lambda: account.state(primary) == "PendingDeletion", "the waiting period of the primary key began")
    told = account.describe(primary)
    assert "PendingDeletionWindowInDays" not in told
    assert not account.exists(sydney)
    assert (told["DeletionDate"] - told["CreationDate"]).days in (6, 7)

    account.of(primary).cancel_key_deletion(KeyId=primary)
    assert account.state(primary) == "Disabled"
    account.of(primary).enable_key(KeyId=primary)
    again = account.replicate(primary, IRELAND)
    assert account.decrypt(again, blob) == PLAINTEXT


def test_a_deletion_that_waits_for_replicas_is_taken_back(account):
    primary = account.create_key()
    replica = account.replicate(primary, IRELAND)
    account.of(primary).schedule_key_deletion(KeyId=primary)
    refused = refusal(account.of(primary).schedule_key_deletion, KeyId=primary)
    assert refused.message == f"{primary} is pending deletion (or pending replica deletion)."
    account.of(primary).cancel_key_deletion(KeyId=primary)
    assert (account.state(primary), account.state(replica)) == ("Disabled", "Enabled")
    refused = refusal(account.of(primary).cancel_key_deletion, KeyId=primary)
    assert refused.message == f"{primary} is not pending deletion (or pending replica deletion)."


# ---- a Region that is no longer served ----


def test_a_region_may_go_and_come_back(own_account):
    """Its keys stay in the store. Nothing else is changed by it."""
    account = own_account
    primary = account.create_key()
    replica = account.replicate(primary, IRELAND)
    blob = account.encrypt(replica)
    account.installation.restart_with({"other_regions": [SYDNEY]})
    account.reconnect()
    assert refusal(account.clients[IRELAND].list_keys).code == "InvalidSignatureException"
    assert account.place(primary) == ("PRIMARY", REGION, [IRELAND])
    assert account.decrypt(primary, blob) == PLAINTEXT
    for call, member in [("replicate_key", "ReplicaRegion"), ("update_primary_region", "PrimaryRegion")]:
        assert refusal(getattr(account.of(primary), call), KeyId=primary, **{member: IRELAND}).code == "ValidationException"
    account.of(primary).schedule_key_deletion(KeyId=primary)
    assert account.state(primary) == "PendingReplicaDeletion"
    account.of(primary).cancel_key_deletion(KeyId=primary)

    account.installation.restart_with({"other_regions": OTHER_REGIONS})
    account.reconnect()
    assert account.decrypt(replica, blob) == PLAINTEXT


# ---- the guide ----


def test_the_guide(tmp_path):
    """Each command of the page, and each answer that it shows."""
    server = DevelopmentServer(tmp_path / "server", "--no-hsm").start()
    try:
        Guide("multi-region-keys.md").follow_and_compare(tmp_path, server)
    finally:
        assert server.stop() == 0, server.server.stderr


# ---- a server that dies at any step ----


def test_every_step_is_tested():
    assert crash_points("test_multi_region.py") == STEPS


class CrashingServer:
    """A server that is made to die at one step of a call."""

    def __init__(self, account):
        self.account = account

    def crash_at(self, step, call, **parameters):
        """Restarts the server to die at this step, and makes the call; then starts it again."""
        assert self.account.installation.stop() == 0, self.account.installation.server.stderr
        self.account.start({"KEYSTEAD_CRASH_AT": step})
        with pytest.raises((BotoCoreError, ClientError)):
            getattr(self.account.clients[REGION], call)(**parameters)
        self.wait_for_crash()
        self.account.start()

    def wait_for_crash(self):
        server = self.account.installation.server
        wait_until(lambda: not server.is_running, "the server crashed")
        assert server.wait() != 0
        assert "asks for the end of the process here" in server.stderr, server.stderr


@pytest.mark.parametrize("step", ["multi-region.insert-replica", "multi-region.record-replica"])
def test_a_crash_in_a_replication(own_account, step):
    """The replica is there as a whole, or not at all; and then it can be made."""
    account = own_account
    primary = account.create_key()
    blob = account.encrypt(primary)
    CrashingServer(account).crash_at(step, "replicate_key", KeyId=primary, ReplicaRegion=IRELAND)
    replica = in_region(primary, IRELAND)
    made = step == "multi-region.record-replica"
    assert account.exists(replica) == made
    assert account.place(primary) == ("PRIMARY", REGION, [IRELAND] if made else [])
    if not made:
        account.replicate(primary, IRELAND)
    account.settled(replica)
    assert account.decrypt(replica, blob) == PLAINTEXT


@pytest.mark.parametrize("step", ["multi-region.swap-roles", "multi-region.record-swap"])
def test_a_crash_in_a_change_of_the_primary_region(own_account, step):
    """There is one primary key, before and after."""
    account = own_account
    primary = account.create_key()
    replica = account.replicate(primary, IRELAND)
    CrashingServer(account).crash_at(step, "update_primary_region", KeyId=primary, PrimaryRegion=IRELAND)
    moved = step == "multi-region.record-swap"
    there, others = (IRELAND, [REGION]) if moved else (REGION, [IRELAND])
    assert account.place(primary) == ("REPLICA" if moved else "PRIMARY", there, others)
    assert account.place(replica) == ("PRIMARY" if moved else "REPLICA", there, others)
    for arn in (primary, replica):
        account.settled(arn)
    account.move(in_region(primary, there), others[0])


def test_a_crash_before_a_waiting_period_begins(own_account):
    """The last replica is gone, and the primary key does not know it yet."""
    account = own_account
    primary = account.create_key()
    replica = account.replicate(primary, IRELAND)
    account.of(primary).schedule_key_deletion(KeyId=primary, PendingWindowInDays=7)
    account.of(replica).schedule_key_deletion(KeyId=replica, PendingWindowInDays=7)
    account.delete(replica)
    account.installation.server = account.installation.launch({"KEYSTEAD_CRASH_AT": "multi-region.begin-waiting"})
    CrashingServer(account).wait_for_crash()
    account.start()
    wait_until(lambda: account.state(primary) == "PendingDeletion", "the waiting period of the primary key began")
    assert not account.exists(replica)
    deleted = [record for record in account.installation.audit_records() if record["eventName"] == "DeleteKey"]
    assert [record["awsRegion"] for record in deleted] == [IRELAND], "recorded once"
