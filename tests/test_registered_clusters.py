"""Clusters of HSMs that Keystead did not make: registered from a file, they look the same to the API.

And what a vendor's module may do: it is none, it crashes, hangs or answers nonsense. Other key stores are unharmed.

Source: the issue, "Clusters of HSMs" and "Bad input"; digest cloudhsm-key-stores.md, section 7.
"""

import subprocess
from dataclasses import dataclass

import pytest
from botocore.exceptions import ClientError

from support.built_binary import REPOSITORY
from support.conditions import wait_until
from support.foreign_tokens import ForeignTokens, register, registration, run_register, write_registration
from support.hsm_modules import SOFTHSM2, module_settings
from support.hsm_network import ZONES, groups_named
from support.hsm_realm import HsmRealm
from support.hsm_workers import worker_pids
from support.installation import merged
from support.sdk_client import Refusal, refusal

INVALID = "CloudHsmInvalidRequestException"
NO_CONTACT = "KMS cannot communicate with your CloudHSM cluster"
FAULTY_SOURCE = REPOSITORY / "tests" / "support" / "faulty_module.c"
# Short, as tests of a module that hangs wait for it to pass. HSMs stay ACTIVE, so that what each failure gives does not depend on time.
IMPATIENT = {
    "hsm": {"call_timeout_ms": 1000, "worker_start_timeout_ms": 2000, "degraded_after_ms": 3_600_000},
    "custom_key_stores": {"job_lease_ms": 5000},
    "xks": {"request_timeout_ms": 500},
}


@pytest.fixture(scope="module")
def realm(kryoptic_server):
    """An account on a server whose own clusters are of another module."""
    return HsmRealm(kryoptic_server)


@pytest.fixture(scope="module")
def network(realm):
    return realm.create_network()


@pytest.fixture(scope="module")
def cluster(realm, network, tmp_path_factory):
    """A registered cluster of two SoftHSM 2 tokens."""
    folder = tmp_path_factory.mktemp("foreign")
    tokens = ForeignTokens(folder / "tokens")
    return register(realm, network, registration(realm, network, tokens.hsm_entries(), folder), folder)


def test_it_looks_like_any_other(cluster, realm, network):
    entry = cluster.describe()
    assert (entry["State"], entry["VpcId"]) == ("ACTIVE", network.vpc_id)
    assert entry["SubnetMapping"] == network.subnets
    assert entry["Certificates"]["ClusterCertificate"]
    assert "PreCoPassword" not in entry
    assert [hsm["State"] for hsm in entry["Hsms"]] == ["ACTIVE", "ACTIVE"]
    assert {hsm["AvailabilityZone"] for hsm in entry["Hsms"]} == set(ZONES)
    assert {"Key": "Name", "Value": "the owner's"} in realm.cloudhsm.list_tags(ResourceId=cluster.cluster_id)["TagList"]
    assert groups_named(realm.ec2, f"cloudhsm-cluster-{cluster.cluster_id}-sg")


def test_its_keys(cluster, realm):
    """Create, connect, key, encrypt, disconnect, audit, connect again: as with a cluster of our own."""
    store = realm.connected_store(cluster)
    key = store.create_key()
    blob = realm.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert realm.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    store.disconnect_and_wait().connect_and_wait()
    assert realm.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
    store.disconnect_and_wait()


def test_its_users_are_the_vendors(cluster):
    """Passwords of foreign tokens are changed by the vendor's tool."""
    for command, user in (("create", "kmsuser"), ("change-password", "kmsuser"), ("change-password", "admin")):
        options = {"co_password": "officer1"} if user == "kmsuser" else {"password": "officer1"}
        message = cluster.users.refuse(command, user=user, new_password="another2Password", **options)
        assert "vendor" in message


def test_its_tokens_are_never_made_or_destroyed(cluster, realm):
    call = realm.cloudhsm.create_hsm
    assert refusal(call, ClusterId=cluster.cluster_id, AvailabilityZone=ZONES[0]).code == INVALID


# What is wrong with the file: changes to it, and what the message says of it.
WRONG_FILES = {
    "no module": ({"module": "/nowhere/libvendor.so"}, "/nowhere/libvendor.so"),
    "module that is a folder": ({"module": "/usr"}, "/usr"),
    "unknown profile": ({"profile": "unheard-of"}, "unheard-of"),
    "no certificate": ({"cluster_certificate": "missing.pem"}, "missing.pem"),
    "certificate of another authority": ({"trust_anchor": "cluster.pem"}, ""),
    "no subnets": ({"subnets": []}, "subnets"),
    "subnet that does not exist": ({"subnets": ["subnet-00000000000000000"]}, "subnet-00000000000000000"),
    "no HSMs": ({"hsm": []}, "hsm"),
    "cluster ID that is none": ({"cluster_id": "my cluster"}, "my cluster"),
    "unknown key": ({"colour": "red"}, "colour"),
}


@pytest.mark.parametrize("case", WRONG_FILES)
def test_a_wrong_file(realm, network, tmp_path, case):
    changes, named = WRONG_FILES[case]
    tokens = ForeignTokens(tmp_path / "tokens")
    described = registration(realm, network, tokens.hsm_entries(), tmp_path, **changes)
    before = realm.cloudhsm.describe_clusters()["Clusters"]
    check_register_refused(realm, write_registration(tmp_path / "cluster.toml", described), named)
    assert realm.cloudhsm.describe_clusters()["Clusters"] == before


def check_register_refused(realm, file, named):
    done = run_register(realm, file)
    assert done.returncode != 0, done.stdout
    assert named in done.stderr and "panicked" not in done.stderr, done.stderr
    assert done.stderr.strip(), "it says what is wrong"


def test_one_token_for_two_hsms(realm, network, tmp_path):
    """It would count twice, and be one."""
    (entry,) = ForeignTokens(tmp_path / "tokens", count=1).hsm_entries(zones=ZONES[:1])
    twice = [entry, {**entry, "availability_zone": ZONES[1]}]
    described = registration(realm, network, twice, tmp_path)
    check_register_refused(realm, write_registration(tmp_path / "cluster.toml", described), "same token")


def test_a_file_that_is_not_there(realm, tmp_path):
    check_register_refused(realm, tmp_path / "missing.toml", "missing.toml")


def test_a_file_that_is_no_toml(realm, tmp_path):
    file = tmp_path / "cluster.toml"
    file.write_text("cluster: yes\n")
    check_register_refused(realm, file, "cluster.toml")


# ---- modules that fail ----


@pytest.fixture(scope="module")
def faulty_module(tmp_path_factory):
    """The test's own module around SoftHSM 2, compiled."""
    module = tmp_path_factory.mktemp("faulty") / "libfaulty.so"
    subprocess.run(["cc", "-shared", "-fPIC", "-o", module, FAULTY_SOURCE, "-ldl"], check=True, capture_output=True)
    return module


@pytest.fixture(scope="module")
def impatient_realm(make_module_installation):
    """An account on a server that does not wait long for an HSM."""
    return HsmRealm(make_module_installation(merged(module_settings("kryoptic"), IMPATIENT)).start())


@pytest.fixture(scope="module")
def bystander(impatient_realm):
    """A key of another key store on the same server, and a ciphertext under it."""
    store = impatient_realm.connected_store()
    key = store.create_key()
    return store, impatient_realm.kms.encrypt(KeyId=key, Plaintext=b"bystander")["CiphertextBlob"]


def check_unharmed(bystander):
    store, blob = bystander
    assert store.client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"bystander"
    assert store.state() == "CONNECTED"


@dataclass(frozen=True)
class FaultyCluster:
    """A registered cluster whose module does what the file `order` says."""

    cluster: object
    order: object

    def obey(self, order):
        self.order.write_text(order)

    def behave(self):
        self.order.write_text("")


@pytest.fixture(scope="module")
def faulty(impatient_realm, faulty_module, tmp_path_factory):
    folder = tmp_path_factory.mktemp("faulty-tokens")
    order = folder / "order"
    order.write_text("")
    environment = {"FAULTY_MODULE_TARGET": str(SOFTHSM2), "FAULTY_MODULE_ORDER": str(order)}
    hsms = ForeignTokens(folder / "tokens").hsm_entries(**environment)
    network = impatient_realm.create_network()
    described = registration(impatient_realm, network, hsms, folder, module=str(faulty_module))
    return FaultyCluster(register(impatient_realm, network, described, folder), order)


@pytest.fixture(scope="module")
def faulty_store(faulty):
    """A key store over it, which every test leaves connected and working."""
    return faulty.cluster.realm.connected_store(faulty.cluster)


@pytest.fixture(scope="module")
def faulty_key(faulty_store):
    return faulty_store.create_key()


def encrypt_refusal(kms, key):
    try:
        kms.encrypt(KeyId=key, Plaintext=b"x")
    except ClientError as failure:
        return Refusal(failure)
    return None


@pytest.mark.parametrize("fault", ["crash", "hang", "nonsense"])
def test_a_module_that_fails_when_it_encrypts(faulty, faulty_store, faulty_key, bystander, fault):
    """The documented exception, no other key store harmed; and well again without a reconnect."""
    kms = faulty_store.client
    faulty.obey(f"{fault} C_Encrypt")
    refused = refusal(kms.encrypt, KeyId=faulty_key, Plaintext=b"x")
    assert refused.code in ("KMSInvalidStateException", "DependencyTimeoutException"), refused
    check_unharmed(bystander)
    assert faulty_store.state() == "CONNECTED"
    faulty.behave()
    wait_until(lambda: encrypt_refusal(kms, faulty_key) is None, "the key was usable again", 60)


@pytest.mark.parametrize("fault", ["crash", "hang", "nonsense"])
@pytest.mark.parametrize("function", ["C_Initialize", "C_Login", "C_FindObjects"])
def test_a_module_that_fails_on_the_way_to_a_key(faulty, faulty_store, faulty_key, bystander, fault, function):
    """Connect ends in FAILED with a documented code, and after the repair in CONNECTED; no password is lost."""
    faulty_store.disconnect_and_wait()
    faulty.obey(f"{fault} {function}")
    outcome = connect_outcome(faulty_store)
    check_unharmed(bystander)
    assert outcome in ("NETWORK_ERRORS", "INTERNAL_ERROR", "CONNECTED"), outcome
    assert outcome != "CONNECTED" or function == "C_FindObjects", "a connect needs no key"
    faulty_store.disconnect_and_wait()
    faulty.behave()
    wait_until(lambda: connects(faulty_store), "the repaired cluster was connected", 60)
    assert encrypt_refusal(faulty_store.client, faulty_key) is None


def connect_outcome(store):
    """The ConnectionErrorCode, or CONNECTED."""
    store.connect()
    entry = store.wait_state("FAILED", "CONNECTED")
    return entry.get("ConnectionErrorCode", entry["ConnectionState"])


def connects(store):
    if connect_outcome(store) == "CONNECTED":
        return True
    store.disconnect_and_wait()
    return False


def test_workers_whose_module_hangs_are_replaced(faulty, faulty_store, faulty_key, bystander):
    """They are no use to anybody and would stay for ever."""
    before = workers_of(faulty.cluster)
    faulty.obey("hang C_Encrypt")
    wait_until(lambda: hangs_on(faulty, faulty_store, faulty_key, before), "the workers were replaced", 60)
    faulty.behave()
    wait_until(lambda: encrypt_refusal(faulty_store.client, faulty_key) is None, "the key was usable again", 60)
    check_unharmed(bystander)


def hangs_on(faulty, store, key, before):
    """Calls once more; whether no worker of before is left."""
    assert encrypt_refusal(store.client, key)
    return not set(before.values()) & set(workers_of(faulty.cluster).values())


def workers_of(cluster):
    """The processes of a cluster's HSMs, by HSM ID."""
    hsm_ids = {hsm["HsmId"] for hsm in cluster.hsms()}
    server = cluster.realm.installation.server.process.pid
    return {hsm_id: pid for hsm_id, pid in worker_pids(server).items() if hsm_id in hsm_ids}


@pytest.fixture(scope="module")
def not_modules(tmp_path_factory):
    """Files that are no PKCS#11 module, by what they are."""
    folder = tmp_path_factory.mktemp("not-modules")
    text, empty = folder / "text.so", folder / "empty.so"
    text.write_text("I am a module\n")
    source = folder / "empty.c"
    source.write_text("int nothing;\n")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", empty, source], check=True, capture_output=True)
    return {"text": text, "a library that is no module": empty}


@pytest.mark.parametrize("case", ["text", "a library that is no module"])
def test_a_module_path_that_is_no_module(impatient_realm, bystander, not_modules, tmp_path, case):
    """Registered, since only a worker can tell; it is never connected, the log says why, and nobody else notices."""
    realm = HsmRealm(impatient_realm.installation)
    network = realm.create_network()
    hsms = ForeignTokens(tmp_path / "tokens").hsm_entries()
    described = registration(realm, network, hsms, tmp_path, module=str(not_modules[case]))
    cluster = register(realm, network, described, tmp_path)
    server = realm.installation.server
    wait_until(lambda: str(not_modules[case]) in server.stderr, "the log told of the module")
    store = realm.create_store(cluster)
    assert store.fail_to_connect() == "NETWORK_ERRORS"
    check_unharmed(bystander)
    store.disconnect_and_wait()


def test_tokens_that_are_swapped_behind_our_back(impatient_realm, tmp_path):
    """A token with another serial number is another HSM: its place is taken, its keys are not trusted."""
    realm = HsmRealm(impatient_realm.installation)
    network = realm.create_network()
    tokens = ForeignTokens(tmp_path / "tokens")
    cluster = register(realm, network, registration(realm, network, tokens.hsm_entries(), tmp_path), tmp_path)
    store = realm.connected_store(cluster)
    key = store.create_key()
    blob = realm.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    others = ForeignTokens(tmp_path / "others")
    for label in tokens.labels:
        tokens.storage(label).rename(tmp_path / f"{label}-away")
        others.storage(label).rename(tokens.storage(label))
    wait_until(lambda: encrypt_refusal(realm.kms, key), "the swap was noticed", 60)
    refused = refusal(realm.kms.decrypt, CiphertextBlob=blob)
    assert refused.code == "KMSInvalidStateException", refused
    for label in tokens.labels:
        tokens.storage(label).rename(tmp_path / f"{label}-other")
        (tmp_path / f"{label}-away").rename(tokens.storage(label))
    wait_until(lambda: encrypt_refusal(realm.kms, key) is None, "the key was usable again", 60)
    assert realm.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"x"
