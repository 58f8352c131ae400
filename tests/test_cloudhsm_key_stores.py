"""The six custom key store operations for AWS_CLOUDHSM, less the connection (test_cloudhsm_connection.py).

Source: digest cloudhsm-key-stores.md, section 1.
"""

import datetime
import re

import pytest

from support.conditions import wait_until
from support.external_store import create_parameters, create_store
from support.hsm_modules import module_settings
from support.hsm_network import ZONES
from support.hsm_realm import KMSUSER, KMSUSER_PASSWORD, HsmRealm
from support.installation import merged
from support.sdk_client import refusal

CONFIGURATION = "CloudHsmClusterInvalidConfigurationException"
INVALID_STATE = "CustomKeyStoreInvalidStateException"
IN_USE = "CloudHsmClusterInUseException"
NOT_ACTIVE = "CloudHsmClusterNotActiveException"
NO_CLUSTER = "cluster-aaaaaaaaaaa"
NO_STORE = "cks-00000000000000000"
# Longer than any test: what is looked at stays as it is.
LONG_TRANSITION_MS = 60_000


@pytest.fixture(scope="module")
def cluster(shared_cloud):
    """An active cluster that each test finds without a key store."""
    return shared_cloud.active_cluster()


@pytest.fixture
def unused(cluster):
    """The cluster; what was made over it is deleted after the test."""
    yield cluster
    for entry in cluster.realm.kms.describe_custom_key_stores()["CustomKeyStores"]:
        store = cluster.realm.store_with_id(entry["CustomKeyStoreId"])
        if entry["ConnectionState"] not in ("DISCONNECTED", "DISCONNECTING"):
            store.disconnect()
        store.wait_state("DISCONNECTED")
        store.delete()


def refused_create(cluster, **changes):
    """A CreateCustomKeyStore that must fail; checks that it left nothing behind."""
    kms = cluster.realm.kms
    before = kms.describe_custom_key_stores()["CustomKeyStores"]
    refused = refusal(kms.create_custom_key_store, **cluster.store_parameters(**changes))
    assert refused.status == 400
    assert refused.message, "a person reads what to do"
    assert kms.describe_custom_key_stores()["CustomKeyStores"] == before
    return refused


# ---- CreateCustomKeyStore and DescribeCustomKeyStores ----


def test_create_and_describe(unused):
    """1.6: the fields of an entry, and those it never has."""
    store = unused.realm.create_store(unused, CustomKeyStoreName="described")
    assert re.fullmatch(r"cks-[0-9a-f]{17}", store.store_id)
    entry = store.describe()
    assert abs(entry.pop("CreationDate") - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(hours=1)
    assert entry == {
        "CustomKeyStoreId": store.store_id,
        "CustomKeyStoreName": "described",
        "CustomKeyStoreType": "AWS_CLOUDHSM",
        "CloudHsmClusterId": unused.cluster_id,
        "TrustAnchorCertificate": unused.authority.trust_anchor,
        "ConnectionState": "DISCONNECTED",
    }


def test_the_type_can_be_said(unused):
    """1.1: AWS_CLOUDHSM is the default."""
    store = unused.realm.create_store(unused, CustomKeyStoreType="AWS_CLOUDHSM")
    assert store.describe()["CustomKeyStoreType"] == "AWS_CLOUDHSM"


def test_create_does_not_touch_the_cluster(unused):
    """1.2: the password is not tried, and no connect is attempted."""
    store = unused.realm.create_store(unused, KeyStorePassword="notThePassword")
    assert store.state() == "DISCONNECTED"
    assert [user["strikes"] for user in unused.users_named(KMSUSER)] == [0, 0]


# 1.1 and 1.2: required for this type, and not for this type.
WRONG_PARAMETERS = {
    "no cluster": {"CloudHsmClusterId": None},
    "no password": {"KeyStorePassword": None},
    "no trust anchor": {"TrustAnchorCertificate": None},
    "a connectivity": {"XksProxyConnectivity": "PUBLIC_ENDPOINT"},
    "a proxy path": {"XksProxyUriPath": "/kms/xks/v1"},
    "a proxy endpoint": {"XksProxyUriEndpoint": "https://xks.example.com"},
    "a proxy credential": {
        "XksProxyAuthenticationCredential": {"AccessKeyId": "A" * 20, "RawSecretAccessKey": "a" * 43}
    },
    "a password with a hyphen": {"KeyStorePassword": "kms-user-1"},
    "a password with letters of other alphabets": {"KeyStorePassword": "kmsПароль1"},
    "a password with a blank": {"KeyStorePassword": "kms user 1"},
    "a cluster ID that is none": {"CloudHsmClusterId": "cluster_1a23b4cdefg"},
    "a cluster ID with a hyphen inside": {"CloudHsmClusterId": "cluster-1a23b4-defg"},
}


@pytest.mark.parametrize("case", WRONG_PARAMETERS)
def test_wrong_parameters(unused, case):
    assert refused_create(unused, **WRONG_PARAMETERS[case]).code == "ValidationException"


# 1.1: the lengths, one more and one less than allowed.
WRONG_LENGTHS = [
    ("KeyStorePassword", "a" * 6),
    ("KeyStorePassword", "a" * 33),
    ("CustomKeyStoreName", ""),
    ("CustomKeyStoreName", "a" * 257),
    ("TrustAnchorCertificate", ""),
    ("TrustAnchorCertificate", "a" * 5001),
    ("CloudHsmClusterId", "cluster-" + "a" * 10),
    ("CloudHsmClusterId", "cluster-" + "a" * 17),
]


@pytest.mark.parametrize(("name", "value"), WRONG_LENGTHS, ids=lambda value: f"{value[:24]} {len(value)}")
def test_wrong_lengths(unused, name, value):
    kms = unused.realm.unchecked("kms")
    refused = refusal(kms.create_custom_key_store, **unused.store_parameters(**{name: value}))
    assert (refused.code, refused.status) == ("ValidationException", 400)
    assert value not in refused.message or len(value) < 7 or name != "KeyStorePassword", "a password is told to nobody"


@pytest.mark.parametrize("password", ["aB3defg", "a" * 32])
def test_passwords_at_the_limits(unused, password):
    unused.realm.create_store(unused, KeyStorePassword=password)


@pytest.mark.parametrize("cluster_id", ["cluster-1a23b4cdefg", "cluster-1a2b3c4d5e6", NO_CLUSTER])
def test_a_cluster_that_does_not_exist(unused, cluster_id):
    """1.1: the guide's own samples have digits that the pattern of the model leaves out."""
    refused = refused_create(unused, CloudHsmClusterId=cluster_id)
    assert refused.code == "CloudHsmClusterNotFoundException"
    assert cluster_id in refused.message


def test_a_cluster_of_another_account(kryoptic_server, unused):
    stranger = HsmRealm(kryoptic_server)
    refused = refusal(stranger.kms.create_custom_key_store, **unused.store_parameters())
    assert refused.code == "CloudHsmClusterNotFoundException"


# 1.2, IncorrectTrustAnchorException; the issue, "Bad input".
WRONG_TRUST_ANCHORS = {
    "another key of the same name": lambda ca, cluster: ca.twin(),
    "the same key in another certificate": lambda ca, cluster: ca.renewed(),
    "expired": lambda ca, cluster: ca.expired(),
    "the cluster's certificate": lambda ca, cluster: cluster.describe()["Certificates"]["ClusterCertificate"],
    "chain": lambda ca, cluster: ca.intermediate() + ca.trust_anchor,
    "root twice": lambda ca, cluster: ca.trust_anchor + ca.trust_anchor,
    "DER": lambda ca, cluster: ca.in_der().decode("latin-1"),
    "bare base64": lambda ca, cluster: "".join(ca.trust_anchor.splitlines()[1:-1]),
    "cut short": lambda ca, cluster: ca.trust_anchor[:-100],
    "text": lambda ca, cluster: "trust me",
}


@pytest.mark.parametrize("case", WRONG_TRUST_ANCHORS)
def test_a_wrong_trust_anchor(unused, case):
    anchor = WRONG_TRUST_ANCHORS[case](unused.authority, unused)
    assert refused_create(unused, TrustAnchorCertificate=anchor).code == "IncorrectTrustAnchorException"


@pytest.mark.parametrize("change", [str.strip, lambda text: text.replace("\n", "\r\n"), lambda text: "\n" + text + "\n\n"])
def test_how_the_trust_anchor_is_written_does_not_matter(unused, change):
    """5.3: compared by its bytes."""
    unused.realm.create_store(unused, TrustAnchorCertificate=change(unused.authority.trust_anchor))


def test_clusters_on_the_way_to_active(cloud):
    """1.2."""
    cluster = cloud.create_cluster()
    assert refused_create(cluster).code == NOT_ACTIVE
    cluster.create_hsm(ZONES[0])
    cluster.initialize()
    assert refused_create(cluster).code == NOT_ACTIVE
    cluster.activate()
    assert refused_create(cluster).code == CONFIGURATION, "one HSM is not enough"
    cluster.create_hsm(ZONES[0])
    assert refused_create(cluster).code == CONFIGURATION, "two HSMs of one zone are not enough"
    cluster.create_hsm(ZONES[1])
    cloud.create_store(cluster)


def test_private_subnets_in_one_zone(cloud):
    """1.2."""
    cluster = cloud.active_cluster(cloud.create_network(zones=ZONES[:1]), zones=ZONES[:1])
    cluster.create_hsm(ZONES[0])
    assert refused_create(cluster).code == CONFIGURATION


# What is taken from the cluster's group: 1.2.
MISSING_RULES = {
    "inbound": "revoke_security_group_ingress",
    "outbound": "revoke_security_group_egress",
}


@pytest.mark.parametrize("direction", MISSING_RULES)
def test_a_missing_rule(unused, direction):
    """Refused while it is missing, and the state of a key store that exists stays DISCONNECTED (1.4)."""
    unused.set_kmsuser_password(KMSUSER_PASSWORD)
    store = unused.realm.create_store(unused)
    without_rule(unused, MISSING_RULES[direction], lambda: check_refused_without_rule(store))
    store.connect_and_wait()


def check_refused_without_rule(store):
    refused = refusal(store.connect)
    assert refused.code == CONFIGURATION
    assert "2223" in refused.message
    assert store.state() == "DISCONNECTED"


@pytest.mark.parametrize("direction", MISSING_RULES)
def test_a_missing_rule_at_creation(unused, direction):
    without_rule(unused, MISSING_RULES[direction], lambda: check_creation_refused(unused))


def check_creation_refused(cluster):
    assert refused_create(cluster).code == CONFIGURATION


def without_rule(cluster, revoke, check):
    """Takes the rule between members out of the cluster's group, checks, and puts it back."""
    ec2, group = cluster.realm.ec2, cluster.describe()["SecurityGroup"]
    permission = {"IpProtocol": "tcp", "FromPort": 2223, "ToPort": 2225, "UserIdGroupPairs": [{"GroupId": group}]}
    getattr(ec2, revoke)(GroupId=group, IpPermissions=[permission])
    try:
        check()
    finally:
        getattr(ec2, revoke.replace("revoke", "authorize"))(GroupId=group, IpPermissions=[permission])


# ---- what must be unique: 1.2 ----


def test_a_name_in_use(unused):
    unused.realm.create_store(unused, CustomKeyStoreName="taken")
    refused = refused_create(unused, CustomKeyStoreName="taken", KeyStorePassword="another1")
    assert refused.code == "CustomKeyStoreNameInUseException"


def test_a_name_in_use_by_the_other_type(cloud, fault_proxy):
    create_store(cloud.kms, fault_proxy.realm(), CustomKeyStoreName="taken")
    cluster = cloud.active_cluster()
    assert refused_create(cluster, CustomKeyStoreName="taken").code == "CustomKeyStoreNameInUseException"
    store = cloud.create_store(cluster, CustomKeyStoreName="free")
    assert refusal(store.update, NewCustomKeyStoreName="taken").code == "CustomKeyStoreNameInUseException"
    both = cloud.kms.describe_custom_key_stores()["CustomKeyStores"]
    assert {entry["CustomKeyStoreType"] for entry in both} == {"EXTERNAL_KEY_STORE", "AWS_CLOUDHSM"}
    refused = refusal(
        cloud.kms.create_custom_key_store, **create_parameters(fault_proxy.realm(), CustomKeyStoreName="free")
    )
    assert refused.code == "CustomKeyStoreNameInUseException"


def test_a_cluster_in_use(unused):
    unused.realm.create_store(unused)
    assert refused_create(unused).code == IN_USE


def test_the_same_again(unused):
    """1.2, idempotency: the same properties give the same, disconnected key store."""
    parameters = unused.store_parameters(CustomKeyStoreName="the same")
    create = unused.realm.kms.create_custom_key_store
    first = create(**parameters)["CustomKeyStoreId"]
    assert create(**parameters)["CustomKeyStoreId"] == first
    assert len(unused.realm.kms.describe_custom_key_stores()["CustomKeyStores"]) == 1
    changed = {**parameters, "KeyStorePassword": "another1"}
    assert refusal(create, **changed).code == "CustomKeyStoreNameInUseException"


def test_the_same_again_when_connected(unused):
    """1.2: idempotent for a disconnected key store only."""
    parameters = unused.store_parameters(CustomKeyStoreName="connected")
    create = unused.realm.kms.create_custom_key_store
    unused.set_kmsuser_password(KMSUSER_PASSWORD)
    unused.realm.store_with_id(create(**parameters)["CustomKeyStoreId"]).connect_and_wait()
    assert refusal(create, **parameters).code == "CustomKeyStoreNameInUseException"


def test_the_limit_of_ten(unused, fault_proxy):
    """3.9: of both types together."""
    kms = unused.realm.kms
    for _ in range(10):
        create_store(kms, fault_proxy.realm())
    assert refused_create(unused).code == "LimitExceededException"


# ---- UpdateCustomKeyStore ----


def test_several_changes_at_once(unused):
    """1.3: all or nothing."""
    store = unused.realm.create_store(unused, CustomKeyStoreName="before", KeyStorePassword="notThePassword")
    refused = refusal(
        store.update, NewCustomKeyStoreName="after", KeyStorePassword=KMSUSER_PASSWORD, CloudHsmClusterId=NO_CLUSTER
    )
    assert refused.code == "CloudHsmClusterNotFoundException"
    assert store.describe()["CustomKeyStoreName"] == "before"
    unused.set_kmsuser_password(KMSUSER_PASSWORD)
    store.update(
        NewCustomKeyStoreName="after", KeyStorePassword=KMSUSER_PASSWORD, CloudHsmClusterId=unused.cluster_id
    )
    assert store.describe()["CustomKeyStoreName"] == "after"
    store.connect_and_wait()


def test_no_change(unused):
    """1.3: unverified; a no-op."""
    store = unused.realm.create_store(unused)
    before = store.describe()
    store.update()
    assert store.describe() == before


@pytest.mark.parametrize(
    "changes",
    [
        {"XksProxyUriPath": "/kms/xks/v1"},
        {"XksProxyConnectivity": "PUBLIC_ENDPOINT"},
        {"XksProxyUriEndpoint": "https://xks.example.com"},
    ],
    ids=str,
)
def test_settings_of_the_other_type(unused, changes):
    store = unused.realm.create_store(unused)
    assert refusal(store.update, **changes).code in ("ValidationException", "UnsupportedOperationException")


def test_cluster_settings_of_an_external_key_store(cloud, fault_proxy):
    store = create_store(cloud.kms, fault_proxy.realm())
    for changes in ({"KeyStorePassword": KMSUSER_PASSWORD}, {"CloudHsmClusterId": NO_CLUSTER}):
        refused = refusal(cloud.kms.update_custom_key_store, CustomKeyStoreId=store.store_id, **changes)
        assert refused.code in ("ValidationException", "UnsupportedOperationException")


@pytest.mark.parametrize("password", ["short", "a" * 33, "with-hyphen"])
def test_a_password_that_cannot_be(unused, password):
    store = unused.realm.create_store(unused)
    kms = unused.realm.unchecked("kms")
    refused = refusal(kms.update_custom_key_store, CustomKeyStoreId=store.store_id, KeyStorePassword=password)
    assert refused.code == "ValidationException"
    assert password not in refused.message


# ---- what each call does in each state: 1.3 to 1.8 ----

STATES = ["CONNECTED", "CONNECTING", "FAILED", "DISCONNECTED", "DISCONNECTING"]
LASTING_STATES = ["CONNECTED", "FAILED", "DISCONNECTED"]


def generate_random(store):
    store.client.generate_random(NumberOfBytes=8, CustomKeyStoreId=store.store_id)


# Columns as STATES. "ok", or E for CustomKeyStoreInvalidStateException.
E = INVALID_STATE
CALLS = {
    "Connect": (lambda store: store.connect(), ["ok", "ok", E, "ok", E]),
    "Disconnect": (lambda store: store.disconnect(), ["ok", "ok", "ok", E, E]),
    "Delete": (lambda store: store.delete(), [E, E, E, "ok", E]),
    "CreateKey": (lambda store: store.create_key(), ["ok", E, E, E, E]),
    "GenerateRandom": (generate_random, ["ok", E, E, E, E]),
    "Update name": (lambda store: store.update(NewCustomKeyStoreName=f"renamed {store.store_id}"), ["ok", E, E, "ok", E]),
    "Update password": (lambda store: store.update(KeyStorePassword=KMSUSER_PASSWORD), [E, E, E, "ok", E]),
    "Update cluster": (
        lambda store: store.update(CloudHsmClusterId=store.describe()["CloudHsmClusterId"]),
        [E, E, E, "ok", E],
    ),
}


def brought_to(state, cluster):
    """A new key store over the cluster in this state."""
    cluster.set_kmsuser_password(KMSUSER_PASSWORD)
    password = "notThePassword" if state == "FAILED" else KMSUSER_PASSWORD
    store = cluster.realm.create_store(cluster, KeyStorePassword=password)
    if state != "DISCONNECTED":
        store.connect()
        store.wait_state(state)
    return store


def check_refusals(store, state):
    """A call that is refused leaves the state as it was, so they share a key store."""
    for name, (call, row) in CALLS.items():
        if row[STATES.index(state)] == E:
            refused = refusal(lambda call=call: call(store))
            assert (refused.code, refused.status) == (E, 400), f"{name} in {state}: {refused}"
    assert store.state() == state


@pytest.mark.parametrize("state", LASTING_STATES)
def test_what_is_refused_in_each_lasting_state(unused, state):
    check_refusals(brought_to(state, unused), state)


@pytest.mark.parametrize("state", LASTING_STATES)
def test_what_is_allowed_in_each_lasting_state(cloud, state):
    """In an account of its own, as a key stays behind; Delete comes last and needs a key store without one."""
    cluster = cloud.active_cluster()
    store = brought_to(state, cluster)
    allowed = [name for name, (_, row) in CALLS.items() if row[STATES.index(state)] == "ok"]
    # What moves on comes after what does not.
    for name in sorted(allowed, key=["Connect", "Disconnect", "Delete"].count):
        call = CALLS[name][0]
        call(store)
        if name in ("Connect", "Disconnect"):
            store.wait_state("CONNECTED", "FAILED", "DISCONNECTED")
        if name == "Connect" and state == "DISCONNECTED":
            store.disconnect_and_wait()


@pytest.fixture(scope="module")
def slow_realm(make_module_installation):
    """On a server whose key stores stay in CONNECTING and DISCONNECTING for longer than a test looks at them."""
    slowly = {"custom_key_stores": {"transition_min_ms": LONG_TRANSITION_MS}}
    return HsmRealm(make_module_installation(merged(module_settings("kryoptic"), slowly)).start())


def test_what_is_refused_in_transient_states(slow_realm):
    store = slow_realm.create_store(slow_realm.active_cluster())
    store.connect()
    assert store.state() == "CONNECTING"
    check_refusals(store, "CONNECTING")
    store.connect()
    assert store.state() == "CONNECTING", "a second Connect changes nothing"
    store.disconnect()
    check_refusals(store, "DISCONNECTING")
    assert "ConnectionErrorCode" not in store.describe()


def test_what_does_not_exist(cloud):
    kms = cloud.kms
    for call, parameters in [
        (kms.connect_custom_key_store, {}),
        (kms.disconnect_custom_key_store, {}),
        (kms.update_custom_key_store, {"NewCustomKeyStoreName": "x"}),
        (kms.delete_custom_key_store, {}),
        (kms.generate_random, {"NumberOfBytes": 1}),
        (kms.create_key, {"Origin": "AWS_CLOUDHSM"}),
    ]:
        assert refusal(call, CustomKeyStoreId=NO_STORE, **parameters).code == "CustomKeyStoreNotFoundException"


# ---- DeleteCustomKeyStore: 1.7 ----


def test_a_key_store_with_keys_stays(cloud):
    """Keys that wait for their deletion count."""
    store = cloud.connected_store()
    key = store.create_key()
    store.disconnect_and_wait()
    assert refusal(store.delete).code == "CustomKeyStoreHasCMKsException"
    cloud.kms.schedule_key_deletion(KeyId=key)
    assert refusal(store.delete).code == "CustomKeyStoreHasCMKsException"


def test_deletion_leaves_the_cluster_alone(unused):
    """The same cluster can then back a new key store."""
    store = unused.realm.create_store(unused)
    before = unused.describe(), unused.users.listed("list")
    store.delete()
    assert (unused.describe(), unused.users.listed("list")) == before
    assert unused.realm.kms.describe_custom_key_stores()["CustomKeyStores"] == []
    again = unused.realm.create_store(unused)
    assert again.store_id != store.store_id


def test_a_cluster_in_use_cannot_lose_what_it_needs_without_the_owner(unused):
    """1.8: whatever happens to HSMs, the state of a key store that is not connected stays DISCONNECTED."""
    store = unused.realm.create_store(unused)
    hsm = unused.hsms("ACTIVE")[0]
    unused.delete_hsm(hsm["HsmId"])
    assert store.state() == "DISCONNECTED"
    unused.create_hsm(hsm["AvailabilityZone"])
    wait_until(lambda: len(unused.hsms("ACTIVE")) == 2, "two HSMs were active")
