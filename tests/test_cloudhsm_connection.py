"""Connecting and disconnecting a CloudHSM key store: what it makes and removes, and each ConnectionErrorCode by its real condition.

Source: digest cloudhsm-key-stores.md, 1.8 (states), 1.9 (codes), 2 (steps), 7.5 (rotation).
"""

import threading

import pytest

from support.conditions import wait_until
from support.hsm_modules import module_settings
from support.hsm_network import ZONES, create_network, free_addresses, groups_named, interfaces_described
from support.hsm_realm import CO_PASSWORD, KMSUSER, KMSUSER_PASSWORD, HsmRealm
from support.hsm_workers import moved_away
from support.installation import merged
from support.sdk_client import refusal
from support.stored_keys import damage_kmsuser_password

INVALID_STATE = "CustomKeyStoreInvalidStateException"
CONFIGURATION = "CloudHsmClusterInvalidConfigurationException"
OTHER_PASSWORD = "another2Password"
# Long enough to take all HSMs away between the answer of Connect and the work on it.
TRANSITION_MS = 5000
STRIKES = 5


@pytest.fixture(scope="module")
def cluster(hsm_realm):
    """An active cluster, shared; a test leaves it without a key store, and with `KMSUSER_PASSWORD`."""
    return hsm_realm.active_cluster()


@pytest.fixture
def store(cluster):
    """A disconnected key store over the shared cluster that knows the right password."""
    cluster.set_kmsuser_password(KMSUSER_PASSWORD)
    store = cluster.realm.create_store(cluster)
    yield store
    if store.state() not in ("DISCONNECTED", "DISCONNECTING"):
        store.disconnect()
    store.wait_state("DISCONNECTED")
    store.delete()


def description(cluster):
    """2.1, step 5: to the letter."""
    return f"KMS managed ENI for cluster {cluster.cluster_id}"


# ---- the network objects of a connection: 2.1 and 2.2 ----


def test_what_connecting_makes_and_disconnecting_removes(store, cluster):
    ec2 = cluster.realm.ec2
    before = free_addresses(ec2, cluster.network.subnet_ids)
    assert groups_named(ec2, f"kms-{store.store_id}") == []
    store.connect_and_wait()
    (group,) = groups_named(ec2, f"kms-{store.store_id}")
    cluster_group = cluster.describe()["SecurityGroup"]
    check_group(group, cluster, cluster_group)
    interfaces = interfaces_described(ec2, description(cluster))
    assert {interface["SubnetId"] for interface in interfaces} == set(cluster.network.subnet_ids)
    for interface in interfaces:
        assert {entry["GroupId"] for entry in interface["Groups"]} == {group["GroupId"], cluster_group}
        assert interface["RequesterManaged"] is True
    taken = {subnet: count - 1 for subnet, count in before.items()}
    assert free_addresses(ec2, cluster.network.subnet_ids) == taken
    store.disconnect_and_wait()
    assert groups_named(ec2, f"kms-{store.store_id}") == []
    assert interfaces_described(ec2, description(cluster)) == []
    assert free_addresses(ec2, cluster.network.subnet_ids) == before


def check_group(group, cluster, cluster_group):
    """2.1, step 4: in the cluster's VPC, one inbound rule from the cluster's group, nothing out."""
    assert group["VpcId"] == cluster.network.vpc_id
    (inbound,) = group["IpPermissions"]
    assert [pair["GroupId"] for pair in inbound["UserIdGroupPairs"]] == [cluster_group]
    assert group["IpPermissionsEgress"] == []


def test_what_connecting_made_cannot_be_deleted_by_the_owner(store, cluster):
    """A requester-managed interface belongs to its requester."""
    ec2 = cluster.realm.ec2
    store.connect_and_wait()
    for interface in interfaces_described(ec2, description(cluster)):
        refused = refusal(ec2.delete_network_interface, NetworkInterfaceId=interface["NetworkInterfaceId"])
        assert refused.status == 400, refused
    (group,) = groups_named(ec2, f"kms-{store.store_id}")
    assert refusal(ec2.delete_security_group, GroupId=group["GroupId"]).code == "DependencyViolation"
    for subnet in cluster.network.subnet_ids:
        assert refusal(ec2.delete_subnet, SubnetId=subnet).code == "DependencyViolation"


def test_a_failed_connect_leaves_nothing_after_the_disconnect(store, cluster):
    """2.2."""
    store.update(KeyStorePassword="notThePassword")
    assert store.fail_to_connect() == "INVALID_CREDENTIALS"
    store.disconnect_and_wait()
    ec2 = cluster.realm.ec2
    assert groups_named(ec2, f"kms-{store.store_id}") == []
    assert interfaces_described(ec2, description(cluster)) == []


# ---- the password: 2.1, 2.3, 7.5 ----


def login(cluster, password):
    """An auditor's attempt; returns the completed process, logged out again if it succeeded."""
    done = cluster.users.run("login", user=KMSUSER, password=password)
    if done.returncode == 0:
        cluster.users.succeed("logout", user=KMSUSER)
    return done


def test_the_password_is_rotated(store, cluster):
    """After a connect nobody but KMS knows it, and KMS needs no help to connect again, and again."""
    assert login(cluster, KMSUSER_PASSWORD).returncode == 0
    store.connect_and_wait().disconnect_and_wait()
    assert login(cluster, KMSUSER_PASSWORD).returncode != 0
    for _ in range(2):
        store.connect_and_wait().disconnect_and_wait()


def test_connect_is_idempotent(store):
    """1.4: on CONNECTED accepted, and nothing happens: no password is changed twice."""
    store.connect_and_wait()
    store.connect()
    assert store.state() == "CONNECTED"
    store.disconnect_and_wait()
    store.connect_and_wait()


def test_many_connects_at_once(store):
    """1.4: the password must not be rotated twice at a time."""
    threads = [threading.Thread(target=store.connect) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert store.wait_state("CONNECTED", "FAILED")["ConnectionState"] == "CONNECTED"
    store.disconnect_and_wait().connect_and_wait()


def test_a_restart_keeps_it_connected(make_installation, hsm_module):
    """1.8: KMS logs in again with the password that it rotated, after a stop and after a crash."""
    server = make_installation(module_settings(hsm_module)).start()
    realm = HsmRealm(server)
    store = realm.connected_store()
    key = store.create_key()
    blob = realm.kms.encrypt(KeyId=key, Plaintext=b"before")["CiphertextBlob"]
    for end in (server.stop, server.kill):
        end()
        server.start()
        realm.reconnect()
        assert store.state() == "CONNECTED"
        wait_until(lambda: decrypts(realm.kms, blob), "the key was usable again")
    store.disconnect_and_wait().connect_and_wait()
    assert realm.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"


def decrypts(kms, blob):
    try:
        return kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"before"
    except kms.exceptions.KMSInvalidStateException:
        return False


# ---- ConnectionErrorCode: 1.9. Each by its condition, then repaired as the documentation says. ----


def check_repaired(store):
    """FAILED needs a disconnect first (1.4), which takes the code away (1.5); then connecting works."""
    assert refusal(store.connect).code == INVALID_STATE
    store.disconnect_and_wait()
    assert "ConnectionErrorCode" not in store.describe()
    store.connect_and_wait()


def test_invalid_credentials(store, cluster):
    """One attempt costs one strike at each HSM at the most."""
    cluster.set_kmsuser_password(OTHER_PASSWORD)
    assert store.fail_to_connect() == "INVALID_CREDENTIALS"
    assert strikes(cluster) <= 1
    store.disconnect_and_wait()
    store.update(KeyStorePassword=OTHER_PASSWORD)
    store.connect_and_wait()
    assert strikes(cluster) == 0


def strikes(cluster):
    """The greatest count of wrong passwords of kmsuser at an HSM."""
    return max(entry["strikes"] for entry in cluster.users_named(KMSUSER))


def test_failed_is_failed_until_disconnected(store, cluster):
    cluster.set_kmsuser_password(OTHER_PASSWORD)
    assert store.fail_to_connect() == "INVALID_CREDENTIALS"
    cluster.set_kmsuser_password(KMSUSER_PASSWORD)
    check_repaired(store)


def test_user_locked_out(store, cluster):
    """Five wrong passwords; the officer's change unlocks."""
    for _ in range(STRIKES):
        cluster.users.refuse("login", user=KMSUSER, password="notThePassword")
    cluster.users.refuse("login", user=KMSUSER, password=KMSUSER_PASSWORD)
    assert store.fail_to_connect() == "USER_LOCKED_OUT"
    cluster.set_kmsuser_password(OTHER_PASSWORD)
    store.disconnect_and_wait()
    store.update(KeyStorePassword=OTHER_PASSWORD)
    store.connect_and_wait()


def test_user_logged_in(store, cluster):
    cluster.users.succeed("login", user=KMSUSER, password=KMSUSER_PASSWORD)
    try:
        assert store.fail_to_connect() == "USER_LOGGED_IN"
    finally:
        cluster.users.succeed("logout", user=KMSUSER)
    check_repaired(store)


def test_another_password_on_one_hsm(store, cluster):
    """The HSMs of a cluster must agree."""
    hsm = cluster.hsms("ACTIVE")[1]["HsmId"]
    change = {"user": KMSUSER, "co_password": CO_PASSWORD, "hsm_id": hsm}
    cluster.users.succeed("change-password", new_password=OTHER_PASSWORD, **change)
    assert store.fail_to_connect() == "INVALID_CREDENTIALS"
    # What the connect came to on the other HSM does no harm: the officer sets both right.
    cluster.set_kmsuser_password(KMSUSER_PASSWORD)
    store.disconnect_and_wait()
    store.update(KeyStorePassword=KMSUSER_PASSWORD)
    store.connect_and_wait()


def test_user_not_found(own_hsm_realm):
    """Nowhere; then on one HSM of two; then on both."""
    cluster = own_hsm_realm.active_cluster(kmsuser_password=None)
    store = own_hsm_realm.create_store(cluster)
    assert store.fail_to_connect() == "USER_NOT_FOUND"
    first, second = (hsm["HsmId"] for hsm in cluster.hsms("ACTIVE"))
    cluster.create_kmsuser(hsm_id=first)
    store.disconnect_and_wait()
    assert store.fail_to_connect() == "USER_NOT_FOUND"
    cluster.create_kmsuser(hsm_id=second)
    check_repaired(store)


def test_subnet_not_found(own_hsm_realm):
    """A subnet without an HSM in it can be deleted; the repair is a new cluster from a backup."""
    network = create_network(own_hsm_realm.ec2, zones=(*ZONES, "us-east-1c"))
    cluster = own_hsm_realm.active_cluster(network)
    store = own_hsm_realm.create_store(cluster)
    own_hsm_realm.ec2.delete_subnet(SubnetId=network.subnets["us-east-1c"])
    assert store.fail_to_connect() == "SUBNET_NOT_FOUND"
    restored = own_hsm_realm.cluster_from_backup(cluster.newest_backup())
    store.disconnect_and_wait()
    store.update(CloudHsmClusterId=restored.cluster_id)
    store.connect_and_wait()


def test_insufficient_free_addresses(own_hsm_realm):
    """A subnet of a /28, filled to the last address."""
    network = own_hsm_realm.create_network(prefix=28)
    store = own_hsm_realm.create_store(own_hsm_realm.active_cluster(network))
    ec2, subnet = own_hsm_realm.ec2, network.subnet_ids[0]
    taken = []
    while free_addresses(ec2, [subnet])[subnet] > 0:
        taken.append(ec2.create_network_interface(SubnetId=subnet)["NetworkInterface"]["NetworkInterfaceId"])
    assert store.fail_to_connect() == "INSUFFICIENT_FREE_ADDRESSES_IN_SUBNET"
    ec2.delete_network_interface(NetworkInterfaceId=taken[0])
    check_repaired(store)
    assert free_addresses(ec2, [subnet])[subnet] == 0


def test_no_hsm_is_said_at_once(own_hsm_realm):
    """1.4: the synchronous form; the state stays DISCONNECTED."""
    cluster = own_hsm_realm.active_cluster()
    store = own_hsm_realm.create_store(cluster)
    cluster.delete_all_hsms()
    assert refusal(store.connect).code == CONFIGURATION
    assert store.state() == "DISCONNECTED"
    cluster.create_hsm(ZONES[1])
    store.connect_and_wait()


@pytest.fixture(scope="module")
def unhurried_realm(make_module_installation):
    """On a server that waits before it works on a connect."""
    settings = merged(module_settings("kryoptic"), {"custom_key_stores": {"transition_min_ms": TRANSITION_MS}})
    return HsmRealm(make_module_installation(settings).start())


def test_insufficient_hsms(unhurried_realm):
    """1.4: the asynchronous form: they are lost while it connects."""
    cluster = unhurried_realm.active_cluster()
    store = unhurried_realm.create_store(cluster)
    store.connect()
    for hsm in cluster.hsms("ACTIVE"):
        unhurried_realm.cloudhsm.delete_hsm(ClusterId=cluster.cluster_id, HsmId=hsm["HsmId"])
    entry = store.wait_state("FAILED", "CONNECTED")
    assert entry.get("ConnectionErrorCode") == "INSUFFICIENT_CLOUDHSM_HSMS"


def test_cluster_not_found(own_hsm_realm):
    """The cluster is gone; a new one from its backup takes its place."""
    cluster = own_hsm_realm.active_cluster()
    store = own_hsm_realm.create_store(cluster)
    cluster.delete()
    assert store.fail_to_connect() == "CLUSTER_NOT_FOUND"
    restored = own_hsm_realm.cluster_from_backup(cluster.newest_backup())
    store.disconnect_and_wait()
    store.update(CloudHsmClusterId=restored.cluster_id)
    store.connect_and_wait()


def test_network_errors(store, cluster):
    """No HSM answers: all their tokens are gone, then come back."""
    with moved_away(cluster):
        assert store.fail_to_connect() == "NETWORK_ERRORS"
    check_repaired(store)


def test_internal_error(make_installation):
    """Our own fault: the sealed password in the store does not open."""
    server = make_installation(module_settings("kryoptic")).start()
    realm = HsmRealm(server)
    store = realm.create_store(realm.active_cluster())
    assert server.stop() == 0
    damage_kmsuser_password(server.data_folder / "store.sqlite", store.store_id)
    server.start()
    realm.reconnect()
    assert store.fail_to_connect() == "INTERNAL_ERROR"
    store.disconnect_and_wait()
    store.update(KeyStorePassword=KMSUSER_PASSWORD)
    store.connect_and_wait()


def test_one_lost_hsm_keeps_nobody_from_connecting(store, cluster):
    """1.4: a connect needs one active HSM; the lost one is brought up to date when it is back."""
    lost = cluster.hsms("ACTIVE")[0]["HsmId"]
    with moved_away(cluster, lost):
        store.connect_and_wait()
    store.disconnect_and_wait().connect_and_wait()


def test_the_code_is_in_the_log_with_its_remedy(store, cluster):
    """What the person who repairs it reads first."""
    cluster.set_kmsuser_password(OTHER_PASSWORD)
    store.fail_to_connect()
    log = cluster.realm.installation.server.stderr
    assert "HSM_KMSUSER_PASSWORD_WRONG" in log and store.store_id in log


def test_disconnect_works_when_the_cluster_is_gone(own_hsm_realm):
    """2.2: logging out is best effort."""
    cluster = own_hsm_realm.active_cluster()
    store = own_hsm_realm.connected_store(cluster)
    with moved_away(cluster):
        store.disconnect_and_wait()
    assert interfaces_described(own_hsm_realm.ec2, description(cluster)) == []
