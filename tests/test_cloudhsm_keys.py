"""KMS keys of origin AWS_CLOUDHSM: creation, cryptography in the HSMs, states, deletion, and what they cannot do.

Source: digest cloudhsm-key-stores.md, sections 3 and 4.
"""

import datetime
import itertools
import json
import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from support.conditions import wait_until
from support.documented_errors import DRY_RUN, HIDDEN_KEY, INCORRECT_KEY
from support.external_store import connected_store
from support.hsm_modules import module_settings
from support.hsm_network import ZONES
from support.hsm_realm import KMSUSER, KMSUSER_PASSWORD, HsmRealm
from support.installation import merged
from support.sdk_client import Refusal, refusal
from support.stored_keys import make_deletion_due

PLAINTEXT = b"the combination is 12-34-56"
CONTEXT = {"Department": "Engineering", "Ort": "Zürich"}
INVALID_STATE = "KMSInvalidStateException"
INVALID_CIPHERTEXT = ("InvalidCiphertextException", "")
UNSUPPORTED = "UnsupportedOperationException"
CONFIGURATION = "CloudHsmClusterInvalidConfigurationException"
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def cluster(hsm_realm):
    return hsm_realm.active_cluster()


@pytest.fixture(scope="module")
def store(cluster):
    """A connected key store, shared; tests leave it connected."""
    return cluster.realm.connected_store(cluster)


@pytest.fixture(scope="module")
def client(store):
    return store.client


@pytest.fixture(scope="module")
def key(store):
    """A key of the shared key store, which stays enabled."""
    return store.create_key()


# ---- CreateKey and DescribeKey: 3.1 and 3.3 ----


def test_the_metadata_of_a_key(store, cluster, client):
    created = client.create_key(
        Origin="AWS_CLOUDHSM", CustomKeyStoreId=store.store_id, Description="in HSMs", Tags=[{"TagKey": "a", "TagValue": "b"}]
    )["KeyMetadata"]
    assert client.describe_key(KeyId=created["KeyId"])["KeyMetadata"] == created
    age = datetime.datetime.now(datetime.timezone.utc) - created.pop("CreationDate")
    assert abs(age) < datetime.timedelta(hours=1)
    key_id = created.pop("KeyId")
    account = cluster.realm.tenant.account
    assert created == {
        "AWSAccountId": account,
        "Arn": f"arn:aws:kms:us-east-1:{account}:key/{key_id}",
        "Enabled": True,
        "Description": "in HSMs",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeyState": "Enabled",
        "Origin": "AWS_CLOUDHSM",
        "CustomKeyStoreId": store.store_id,
        "CloudHsmClusterId": cluster.cluster_id,
        "KeyManager": "CUSTOMER",
        "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "EncryptionAlgorithms": ["SYMMETRIC_DEFAULT"],
        "MultiRegion": False,
    }


# 3.1. The exception for a combination is a choice: Unsupported for what cannot be, Validation for what is missing.
WRONG_PARAMETERS = {
    "no key store": ({"CustomKeyStoreId": None}, ("ValidationException",)),
    "unknown key store": ({"CustomKeyStoreId": "cks-00000000000000000"}, ("CustomKeyStoreNotFoundException",)),
    "another origin": ({"Origin": "AWS_KMS"}, ("ValidationException", UNSUPPORTED)),
    "no origin": ({"Origin": None}, ("ValidationException", UNSUPPORTED)),
    "origin of imported material": ({"Origin": "EXTERNAL"}, ("ValidationException", UNSUPPORTED)),
    "origin of external key stores": ({"Origin": "EXTERNAL_KEY_STORE"}, ("ValidationException", UNSUPPORTED)),
    "an external key": ({"XksKeyId": "external-key"}, ("ValidationException", UNSUPPORTED)),
    "RSA": ({"KeySpec": "RSA_2048", "KeyUsage": "ENCRYPT_DECRYPT"}, (UNSUPPORTED,)),
    "HMAC": ({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"}, (UNSUPPORTED,)),
    "multi-Region": ({"MultiRegion": True}, (UNSUPPORTED,)),
}


@pytest.mark.parametrize("case", WRONG_PARAMETERS)
def test_wrong_parameters(store, client, case):
    changes, codes = WRONG_PARAMETERS[case]
    parameters = {"Origin": "AWS_CLOUDHSM", "CustomKeyStoreId": store.store_id, **changes}
    before = client.list_keys()["Keys"]
    refused = refusal(client.create_key, **{name: value for name, value in parameters.items() if value is not None})
    assert refused.code in codes, refused
    assert client.list_keys()["Keys"] == before


@pytest.mark.parametrize("changes", [{"KeySpec": "SYMMETRIC_DEFAULT"}, {"KeyUsage": "ENCRYPT_DECRYPT"}, {"MultiRegion": False}], ids=str)
def test_parameters_that_say_the_default(store, changes):
    store.create_key(**changes)


def test_the_origin_of_the_other_type(own_hsm_realm, fault_proxy):
    """An external key store has no keys of origin AWS_CLOUDHSM."""
    external = connected_store(own_hsm_realm.kms, fault_proxy.realm())
    refused = refusal(own_hsm_realm.kms.create_key, Origin="AWS_CLOUDHSM", CustomKeyStoreId=external.store_id)
    assert refused.code in ("ValidationException", UNSUPPORTED)


def test_many_keys_at_once(store, client):
    """Each is whole: usable at once, and different from the others."""
    with ThreadPoolExecutor(8) as pool:
        arns = list(pool.map(lambda number: store.create_key(Description=str(number)), range(16)))
    assert len(set(arns)) == 16
    blobs = {arn: client.encrypt(KeyId=arn, Plaintext=arn.encode())["CiphertextBlob"] for arn in arns}
    for arn, blob in blobs.items():
        assert client.decrypt(CiphertextBlob=blob, KeyId=arn)["Plaintext"] == arn.encode()


def test_a_key_needs_two_hsms_in_two_zones(own_hsm_realm):
    """3.1 and 1.2: the rest of the operations need one."""
    cluster = own_hsm_realm.active_cluster()
    store = own_hsm_realm.connected_store(cluster)
    key = store.create_key()
    lost = next(hsm for hsm in cluster.hsms("ACTIVE") if hsm["AvailabilityZone"] == ZONES[0])
    cluster.delete_hsm(lost["HsmId"])
    refused = refusal(own_hsm_realm.kms.create_key, Origin="AWS_CLOUDHSM", CustomKeyStoreId=store.store_id)
    assert refused.code == CONFIGURATION
    assert len(own_hsm_realm.kms.list_keys()["Keys"]) == 1
    cluster.create_hsm(ZONES[1])
    assert refusal(store.create_key).code == CONFIGURATION, "two HSMs of one zone are not enough"
    assert own_hsm_realm.kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    assert store.state() == "CONNECTED"
    cluster.create_hsm(ZONES[0])
    store.create_key()


# ---- cryptography: 3.4 and 3.6 ----


@pytest.mark.parametrize("size", [1, 15, 16, 17, 4096])
@pytest.mark.parametrize("context", [{}, CONTEXT], ids=["no context", "context"])
def test_encrypt_and_decrypt(client, key, size, context):
    plaintext = os.urandom(size)
    encrypted = client.encrypt(KeyId=key, Plaintext=plaintext, EncryptionContext=context)
    assert (encrypted["KeyId"], encrypted["EncryptionAlgorithm"]) == (key, "SYMMETRIC_DEFAULT")
    assert len(encrypted["CiphertextBlob"]) <= 6144
    decrypted = client.decrypt(CiphertextBlob=encrypted["CiphertextBlob"], EncryptionContext=context)
    assert (decrypted["Plaintext"], decrypted["KeyId"]) == (plaintext, key)


@pytest.mark.parametrize("size", [0, 4097])
def test_a_plaintext_of_a_wrong_size(store, key, size):
    unchecked = store.realm.unchecked("kms")
    assert refusal(unchecked.encrypt, KeyId=key, Plaintext=b"x" * size).code == "ValidationException"


# The context that is needed to decrypt what was encrypted with CONTEXT, and others.
WRONG_CONTEXTS = {
    "none": {},
    "one pair less": {"Department": "Engineering"},
    "one pair more": {**CONTEXT, "More": "1"},
    "another value": {**CONTEXT, "Department": "engineering"},
    "another name": {"department": "Engineering", "Ort": "Zürich"},
    "names and values swapped": {value: name for name, value in CONTEXT.items()},
    "another form of the same letters": {"Department": "Engineering", "Ort": "Zu\u0308rich"},
}


@pytest.mark.parametrize("case", WRONG_CONTEXTS)
def test_a_wrong_context(client, key, case):
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionContext=CONTEXT)["CiphertextBlob"]
    refused = refusal(client.decrypt, CiphertextBlob=blob, EncryptionContext=WRONG_CONTEXTS[case])
    assert (refused.code, refused.message) == INVALID_CIPHERTEXT


def test_the_order_of_the_context_does_not_matter(client, key):
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionContext=CONTEXT)["CiphertextBlob"]
    backwards = dict(reversed(CONTEXT.items()))
    assert client.decrypt(CiphertextBlob=blob, EncryptionContext=backwards)["Plaintext"] == PLAINTEXT


def test_a_changed_bit_anywhere_is_refused(client, key):
    """Every byte of a blob, one bit each; a changed key identity may also read as a key of somebody else."""
    blob = client.encrypt(KeyId=key, Plaintext=b"x", EncryptionContext=CONTEXT)["CiphertextBlob"]
    hidden = ("AccessDeniedException", HIDDEN_KEY)
    for index in range(len(blob)):
        changed = blob[:index] + bytes([blob[index] ^ (1 << (index % 8))]) + blob[index + 1 :]
        refused = refusal(client.decrypt, CiphertextBlob=changed, EncryptionContext=CONTEXT)
        assert (refused.code, refused.message) in (INVALID_CIPHERTEXT, hidden), f"byte {index}: {refused}"
    assert client.decrypt(CiphertextBlob=blob, EncryptionContext=CONTEXT)["Plaintext"] == b"x"


def test_a_cut_or_lengthened_blob(client, key):
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    for changed in (blob[:-1], blob[: len(blob) // 2], blob + b"\0", b"\0" + blob):
        assert refusal(client.decrypt, CiphertextBlob=changed).code == "InvalidCiphertextException"


def test_parts_of_two_blobs(client, key):
    """What is authenticated together cannot be put together anew."""
    first, second = (client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"] for _ in range(2))
    assert len(first) == len(second)
    for cut in range(1, len(first)):
        mixed = first[:cut] + second[cut:]
        if mixed in (first, second):
            continue
        refused = refusal(client.decrypt, CiphertextBlob=mixed)
        assert (refused.code, refused.message) == INVALID_CIPHERTEXT, cut


def test_a_failed_decrypt_is_no_lost_hsm(client, store, key, cluster):
    """4: the modules report a bad tag as a general error; that must not look like a broken HSM."""
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    for _ in range(20):
        assert refusal(client.decrypt, CiphertextBlob=blob[:-1] + bytes([blob[-1] ^ 1])).code == INVALID_CIPHERTEXT[0]
    assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT
    assert len(cluster.hsms("ACTIVE")) == 2
    store.create_key()


def test_the_same_plaintext_twice(client, key):
    """7.2: the HSMs never use an IV again."""
    blobs = [client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"] for _ in range(50)]
    tails = {blob[-len(PLAINTEXT) - 16 - 12 :][:12] for blob in blobs}
    assert len(tails) == len(blobs)


def test_key_ids_at_decrypt(client, store, key):
    other = store.create_key()
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    refused = refusal(client.decrypt, CiphertextBlob=blob, KeyId=other)
    assert (refused.code, refused.message) == ("IncorrectKeyException", INCORRECT_KEY)
    assert client.decrypt(CiphertextBlob=blob, KeyId=key)["Plaintext"] == PLAINTEXT


DATA_KEYS = [{"KeySpec": "AES_128"}, {"KeySpec": "AES_256"}, {"NumberOfBytes": 1}, {"NumberOfBytes": 1024}]


@pytest.mark.parametrize("parameters", DATA_KEYS, ids=str)
def test_data_keys(client, key, parameters):
    size = parameters.get("NumberOfBytes") or int(parameters["KeySpec"].removeprefix("AES_")) // 8
    made = client.generate_data_key(KeyId=key, EncryptionContext=CONTEXT, **parameters)
    assert len(made["Plaintext"]) == size
    decrypt = client.decrypt
    assert decrypt(CiphertextBlob=made["CiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"] == made["Plaintext"]
    blind = client.generate_data_key_without_plaintext(KeyId=key, EncryptionContext=CONTEXT, **parameters)
    assert "Plaintext" not in blind
    assert len(decrypt(CiphertextBlob=blind["CiphertextBlob"], EncryptionContext=CONTEXT)["Plaintext"]) == size


@pytest.fixture(scope="module")
def keys_of_every_kind(client, store, key, fault_proxy):
    """A key of each origin."""
    external = connected_store(client, fault_proxy.realm())
    return {
        "AWS_KMS": client.create_key()["KeyMetadata"]["Arn"],
        "EXTERNAL_KEY_STORE": external.create_key(),
        "AWS_CLOUDHSM": key,
        "another AWS_CLOUDHSM": store.create_key(),
    }


KINDS = ["AWS_KMS", "EXTERNAL_KEY_STORE", "AWS_CLOUDHSM", "another AWS_CLOUDHSM"]


@pytest.mark.parametrize(("source", "destination"), list(itertools.permutations(KINDS, 2)), ids=str)
def test_re_encrypt(client, keys_of_every_kind, source, destination):
    """Between key stores, to Keystead's own keys and back; the context may change on the way."""
    source, destination = keys_of_every_kind[source], keys_of_every_kind[destination]
    blob = client.encrypt(KeyId=source, Plaintext=PLAINTEXT, EncryptionContext=CONTEXT)["CiphertextBlob"]
    answer = client.re_encrypt(
        CiphertextBlob=blob,
        SourceEncryptionContext=CONTEXT,
        DestinationKeyId=destination,
        DestinationEncryptionContext={"new": "context"},
    )
    assert (answer["SourceKeyId"], answer["KeyId"]) == (source, destination)
    again = client.decrypt(CiphertextBlob=answer["CiphertextBlob"], EncryptionContext={"new": "context"}, KeyId=destination)
    assert again["Plaintext"] == PLAINTEXT


def test_re_encrypt_between_two_clusters(client, key, hsm_realm):
    """Two key stores of one account over two clusters."""
    other = hsm_realm.connected_store().create_key()
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    moved = client.re_encrypt(CiphertextBlob=blob, DestinationKeyId=other)["CiphertextBlob"]
    assert client.decrypt(CiphertextBlob=moved, KeyId=other)["Plaintext"] == PLAINTEXT


DRY_RUNS = {
    "encrypt": lambda blob: {"Plaintext": PLAINTEXT},
    "decrypt": lambda blob: {"CiphertextBlob": blob},
    "generate_data_key": lambda blob: {"KeySpec": "AES_256"},
    "generate_data_key_without_plaintext": lambda blob: {"KeySpec": "AES_256"},
}


@pytest.mark.parametrize("operation", DRY_RUNS)
def test_a_dry_run(client, key, operation):
    blob = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    refused = refusal(getattr(client, operation), KeyId=key, DryRun=True, **DRY_RUNS[operation](blob))
    assert (refused.code, refused.message) == ("DryRunOperationException", DRY_RUN)


@pytest.mark.parametrize("size", [1, 32, 1024])
def test_generate_random(client, store, size):
    """3.5."""
    made = [client.generate_random(NumberOfBytes=size, CustomKeyStoreId=store.store_id)["Plaintext"] for _ in range(2)]
    assert [len(bytes_) for bytes_ in made] == [size, size]
    assert size < 32 or made[0] != made[1]


@pytest.mark.parametrize("size", [0, 1025, None])
def test_generate_random_of_a_wrong_size(store, size):
    parameters = {} if size is None else {"NumberOfBytes": size}
    unchecked = store.realm.unchecked("kms")
    refused = refusal(unchecked.generate_random, CustomKeyStoreId=store.store_id, **parameters)
    assert refused.code == "ValidationException"


# ---- what these keys cannot do: 3.4 ----

# Operation, parameters beside KeyId, exception.
NOT_FOR_THESE_KEYS = [
    ("generate_data_key_pair", {"KeyPairSpec": "RSA_2048"}, UNSUPPORTED),
    ("generate_data_key_pair_without_plaintext", {"KeyPairSpec": "RSA_2048"}, UNSUPPORTED),
    ("enable_key_rotation", {}, UNSUPPORTED),
    ("disable_key_rotation", {}, UNSUPPORTED),
    ("get_key_rotation_status", {}, UNSUPPORTED),
    ("rotate_key_on_demand", {}, UNSUPPORTED),
    ("get_parameters_for_import", {"WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"}, UNSUPPORTED),
    ("import_key_material", {"ImportToken": b"x", "EncryptedKeyMaterial": b"x"}, UNSUPPORTED),
    ("delete_imported_key_material", {}, UNSUPPORTED),
    ("replicate_key", {"ReplicaRegion": "eu-west-1"}, UNSUPPORTED),
    ("update_primary_region", {"PrimaryRegion": "eu-west-1"}, UNSUPPORTED),
    ("get_public_key", {}, UNSUPPORTED),
    ("sign", {"Message": b"x", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}, "InvalidKeyUsageException"),
    ("verify", {"Message": b"x", "Signature": b"x", "SigningAlgorithm": "RSASSA_PSS_SHA_256"}, "InvalidKeyUsageException"),
    ("generate_mac", {"Message": b"x", "MacAlgorithm": "HMAC_SHA_256"}, "InvalidKeyUsageException"),
    ("verify_mac", {"Message": b"x", "Mac": b"x", "MacAlgorithm": "HMAC_SHA_256"}, "InvalidKeyUsageException"),
    (
        "derive_shared_secret",
        {"KeyAgreementAlgorithm": "ECDH", "PublicKey": b"x"},
        "InvalidKeyUsageException",
    ),
]
# As long as asymmetric and HMAC keys do not exist, the operations on them are not served for any key.
NOT_SERVED_YET = {"InvalidKeyUsageException": ("InvalidKeyUsageException", UNSUPPORTED), UNSUPPORTED: (UNSUPPORTED,)}


@pytest.mark.parametrize(("operation", "parameters", "code"), NOT_FOR_THESE_KEYS, ids=[row[0] for row in NOT_FOR_THESE_KEYS])
def test_what_these_keys_cannot_do(client, key, operation, parameters, code):
    assert refusal(getattr(client, operation), KeyId=key, **parameters).code in NOT_SERVED_YET[code]


# ---- key states: 3.7 ----


@pytest.fixture
def lone_store(own_hsm_realm):
    """A connected key store that the test may disconnect."""
    return own_hsm_realm.connected_store()


def state_of(client, key):
    return client.describe_key(KeyId=key)["KeyMetadata"]["KeyState"]


def test_key_states_and_the_connection(lone_store):
    """3.7: effective states of three keys, and what EnableKey and DisableKey record meanwhile."""
    kms = lone_store.client
    enabled, disabled, pending = (lone_store.create_key() for _ in range(3))
    blob = kms.encrypt(KeyId=enabled, Plaintext=PLAINTEXT)["CiphertextBlob"]
    kms.disable_key(KeyId=disabled)
    kms.schedule_key_deletion(KeyId=pending)
    check_refused_by_state(kms, disabled, "DisabledException", f"{disabled} is disabled.")
    assert refusal(kms.encrypt, KeyId=pending, Plaintext=b"x").code in (INVALID_STATE, "DisabledException")
    lone_store.disconnect_and_wait()
    assert [state_of(kms, key) for key in (enabled, disabled, pending)] == ["Unavailable", "Unavailable", "PendingDeletion"]
    assert kms.describe_key(KeyId=enabled)["KeyMetadata"]["Enabled"] is False
    check_refused_by_state(kms, enabled, INVALID_STATE, f"{enabled} is unavailable.")
    assert refusal(kms.decrypt, CiphertextBlob=blob).message == f"{enabled} is unavailable."
    refused = refusal(kms.generate_random, NumberOfBytes=8, CustomKeyStoreId=lone_store.store_id)
    assert refused.code == "CustomKeyStoreInvalidStateException"
    check_what_works_while_unavailable(kms, enabled)
    kms.disable_key(KeyId=enabled)
    kms.enable_key(KeyId=disabled)
    kms.cancel_key_deletion(KeyId=pending)
    assert [state_of(kms, key) for key in (enabled, disabled, pending)] == ["Unavailable"] * 3
    lone_store.connect_and_wait()
    assert [state_of(kms, key) for key in (enabled, disabled, pending)] == ["Disabled", "Enabled", "Disabled"]
    kms.enable_key(KeyId=enabled)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT


def check_refused_by_state(kms, key, code, message):
    for operation, parameters in [
        ("encrypt", {"Plaintext": b"x"}),
        ("generate_data_key", {"KeySpec": "AES_256"}),
        ("generate_data_key_without_plaintext", {"KeySpec": "AES_256"}),
    ]:
        refused = refusal(getattr(kms, operation), KeyId=key, **parameters)
        assert (refused.code, refused.message, refused.status) == (code, message, 400), operation


def check_what_works_while_unavailable(kms, key):
    kms.tag_resource(KeyId=key, Tags=[{"TagKey": "a", "TagValue": "b"}])
    kms.untag_resource(KeyId=key, TagKeys=["a"])
    kms.update_key_description(KeyId=key, Description="still mine")
    alias = f"alias/unavailable-{next(_numbers)}"
    kms.create_alias(AliasName=alias, TargetKeyId=key)
    kms.delete_alias(AliasName=alias)
    kms.schedule_key_deletion(KeyId=key)
    kms.cancel_key_deletion(KeyId=key)
    kms.enable_key(KeyId=key)


# ---- deletion: 3.8 ----


@pytest.fixture(scope="module")
def sweeping_realm(make_module_installation, hsm_module):
    """On a server that looks often for keys whose day has come."""
    settings = merged(module_settings(hsm_module), {"key_deletion": {"sweep_interval_ms": 100}})
    realm = HsmRealm(make_module_installation(settings).start())
    return realm


def delete_now(realm, key):
    """Moves the deletion date of a key into the past, with the server stopped, and waits until the key is gone."""
    server = realm.installation
    assert server.stop() == 0, server.server.stderr
    make_deletion_due(server.data_folder / "store.sqlite", key.rpartition("/")[2])
    server.start()
    realm.reconnect()
    wait_until(lambda: all(entry["KeyArn"] != key for entry in realm.kms.list_keys()["Keys"]), "the key was deleted")


def deletion_record(realm, key):
    """The audit record of the deletion (1.11)."""

    def found():
        records = [record for record in realm.installation.audit_records() if record["eventName"] == "DeleteKey"]
        return next((r for r in records if r["resources"][0]["ARN"] == key), None)

    return wait_until(found, "the deletion was recorded")


def test_a_deletion_destroys_the_key_in_every_hsm(sweeping_realm):
    cluster = sweeping_realm.active_cluster()
    store = sweeping_realm.connected_store(cluster)
    kept, gone = store.create_key(), store.create_key()
    sweeping_realm.kms.schedule_key_deletion(KeyId=gone)
    delete_now(sweeping_realm, gone)
    extra = deletion_record(sweeping_realm, gone)["additionalEventData"]
    assert (extra["customKeyStoreId"], extra["clusterId"]) == (store.store_id, cluster.cluster_id)
    assert deletion_statuses(extra) == ["SUCCESS"]
    store.disconnect_and_wait()
    cluster.auditor_logs_in()
    assert labels(cluster) == [[kept], [kept]]
    cluster.auditor_logs_out()


def deletion_statuses(extra):
    """1.11: a member that holds JSON as text."""
    return [entry["deletionStatus"] for entry in json.loads(extra["backingKeysDeletionStatus"])]


def labels(cluster):
    """The labels of each HSM's keys."""
    return [sorted(key["label"] for key in keys) for keys in cluster.keys().values()]


def id_of(cluster, label):
    """The one ID that the key of this label has on every HSM."""
    (found,) = {key["id"] for keys in cluster.keys().values() for key in keys if key["label"] == label}
    return found


def test_a_deletion_while_disconnected_leaves_an_orphan(sweeping_realm):
    """The record says FAILURE, the auditor finds the object and deletes it, and KMS never misses it."""
    cluster = sweeping_realm.active_cluster()
    store = sweeping_realm.connected_store(cluster)
    kept, orphan = store.create_key(), store.create_key()
    sweeping_realm.kms.schedule_key_deletion(KeyId=orphan)
    store.disconnect_and_wait()
    delete_now(sweeping_realm, orphan)
    assert deletion_statuses(deletion_record(sweeping_realm, orphan)["additionalEventData"]) == ["FAILURE"]
    cluster.auditor_logs_in()
    assert labels(cluster) == [sorted([kept, orphan])] * 2
    cluster.users.succeed("delete-key", id_of(cluster, orphan), user=KMSUSER)
    assert labels(cluster) == [[kept], [kept]]
    cluster.auditor_logs_out()
    store.update(KeyStorePassword=KMSUSER_PASSWORD)
    store.connect_and_wait()
    assert sweeping_realm.kms.encrypt(KeyId=kept, Plaintext=b"x")["CiphertextBlob"]


def test_material_that_somebody_deleted(own_hsm_realm):
    """3.7 and 4: the key stays Enabled, its operations fail with the documented exception, and other keys go on."""
    cluster, kms = own_hsm_realm.active_cluster(), own_hsm_realm.kms
    store = own_hsm_realm.connected_store(cluster)
    lost, kept = store.create_key(), store.create_key()
    blob = kms.encrypt(KeyId=lost, Plaintext=PLAINTEXT)["CiphertextBlob"]
    store.disconnect_and_wait()
    cluster.auditor_logs_in()
    cluster.users.succeed("delete-key", id_of(cluster, lost), user=KMSUSER)
    cluster.auditor_logs_out()
    store.update(KeyStorePassword=KMSUSER_PASSWORD)
    store.connect_and_wait()
    for call, parameters in [(kms.decrypt, {"CiphertextBlob": blob}), (kms.encrypt, {"KeyId": lost, "Plaintext": b"x"})]:
        refused = refusal(call, **parameters)
        assert (refused.code, refused.status, refused.cause) == (INVALID_STATE, 400, "HSM_KEY_NOT_FOUND")
    assert state_of(kms, lost) == "Enabled"
    assert kms.encrypt(KeyId=kept, Plaintext=b"x")["CiphertextBlob"]


# ---- quotas: 3.9 ----


@pytest.fixture(scope="module")
def frugal_store(make_module_installation, hsm_module):
    """On a server with a quota of five requests a second for a key store."""
    settings = merged(module_settings(hsm_module), {"custom_key_stores": {"requests_per_second": 5}})
    return HsmRealm(make_module_installation(settings).start()).connected_store()


def test_the_quota_of_a_key_store(frugal_store):
    """For all its keys together; a key of KMS itself has nothing to do with it."""
    kms = frugal_store.client
    keys = [frugal_store.create_key() for _ in range(2)]
    own = kms.create_key()["KeyMetadata"]["Arn"]
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: throttled(kms, keys[number % 2]), range(60)))
    causes = {refused.cause for refused in results if refused}
    assert causes == {"KEY_STORE_REQUEST_RATE_EXCEEDED"}
    assert all(refused.code == "ThrottlingException" for refused in results if refused)
    for _ in range(20):
        kms.encrypt(KeyId=own, Plaintext=b"x")


def throttled(kms, key):
    """The refusal of an Encrypt, or None if it succeeded."""
    try:
        kms.encrypt(KeyId=key, Plaintext=b"x")
    except ClientError as failure:
        return Refusal(failure)
    return None
