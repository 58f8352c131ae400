"""The cluster is lost; a new one from its backup takes its place, and every old ciphertext decrypts.

Source: digest cloudhsm-key-stores.md, 1.2 (backup history), 1.3 (another cluster), 3.8 (recovery).
"""

import pytest

from support.conditions import wait_until
from support.hsm_realm import KMSUSER_PASSWORD, HsmRealm
from support.sdk_client import refusal

PLAINTEXT = b"written before the disaster"
NOT_RELATED = "CloudHsmClusterNotRelatedException"
IN_USE = "CloudHsmClusterInUseException"


def test_the_disaster(own_hsm_realm):
    realm, kms = own_hsm_realm, own_hsm_realm.kms
    cluster = realm.active_cluster()
    store = realm.connected_store(cluster)
    keys = [store.create_key(Description=str(number)) for number in range(3)]
    blobs = [kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"] for key in keys]
    # Deleting HSMs backs the cluster up.
    cluster.delete_all_hsms()
    realm.cloudhsm.delete_cluster(ClusterId=cluster.cluster_id)
    for blob in blobs:
        assert refusal(kms.decrypt, CiphertextBlob=blob).code == "KMSInvalidStateException"
    assert store.state() == "CONNECTED", "the state tells of the last connect"
    restored = realm.cluster_from_backup(cluster.newest_backup())
    store.disconnect_and_wait()
    store.update(CloudHsmClusterId=restored.cluster_id)
    assert store.describe()["CloudHsmClusterId"] == restored.cluster_id
    # The newest backup has the password that KMS knows: no repair is needed.
    store.connect_and_wait()
    wait_until(cluster.is_gone, "the lost cluster was gone, as KMS had left its security group")
    for key, blob in zip(keys, blobs, strict=True):
        decrypted = kms.decrypt(CiphertextBlob=blob)
        assert (decrypted["Plaintext"], decrypted["KeyId"]) == (PLAINTEXT, key)
        metadata = kms.describe_key(KeyId=key)["KeyMetadata"]
        assert (metadata["CloudHsmClusterId"], metadata["KeyState"]) == (restored.cluster_id, "Enabled")
    new = store.create_key()
    assert kms.encrypt(KeyId=new, Plaintext=PLAINTEXT)["CiphertextBlob"]


def test_a_key_that_is_younger_than_the_backup(own_hsm_realm):
    """Its material is in no HSM of the new cluster; the key that is older works."""
    realm, kms = own_hsm_realm, own_hsm_realm.kms
    cluster = realm.active_cluster()
    store = realm.connected_store(cluster)
    old = store.create_key()
    # A third HSM in the first zone comes from a backup made now.
    extra = cluster.create_hsm(cluster.hsms("ACTIVE")[0]["AvailabilityZone"])
    backup = cluster.newest_backup()
    young = store.create_key()
    blobs = {key: kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"] for key in (old, young)}
    cluster.delete_hsm(extra["HsmId"])
    store.disconnect_and_wait()
    restored = realm.cluster_from_backup(backup)
    store.update(CloudHsmClusterId=restored.cluster_id)
    store.connect_and_wait()
    assert kms.decrypt(CiphertextBlob=blobs[old])["Plaintext"] == PLAINTEXT
    refused = refusal(kms.decrypt, CiphertextBlob=blobs[young])
    assert (refused.code, refused.cause) == ("KMSInvalidStateException", "HSM_KEY_NOT_FOUND")
    # Back to the cluster that has both. KMS has changed the password of the other one since.
    store.disconnect_and_wait()
    cluster.set_kmsuser_password(KMSUSER_PASSWORD)
    store.update(CloudHsmClusterId=cluster.cluster_id, KeyStorePassword=KMSUSER_PASSWORD)
    store.connect_and_wait()
    assert kms.decrypt(CiphertextBlob=blobs[young])["Plaintext"] == PLAINTEXT


@pytest.fixture(scope="module")
def family(hsm_realm):
    """A cluster with a disconnected key store, a sibling from its backup, and its key store."""
    cluster = hsm_realm.active_cluster()
    store = hsm_realm.create_store(cluster)
    sibling = hsm_realm.cluster_from_backup(cluster.newest_backup())
    return store, cluster, sibling


def test_a_second_key_store_on_a_sibling(family):
    """1.2: clusters that share a backup history back one key store."""
    store, _, sibling = family
    call = store.client.create_custom_key_store
    assert refusal(call, **sibling.store_parameters()).code == IN_USE


def test_the_sibling_is_free_when_the_key_store_is_gone(own_hsm_realm):
    cluster = own_hsm_realm.active_cluster()
    store = own_hsm_realm.create_store(cluster)
    sibling = own_hsm_realm.cluster_from_backup(cluster.newest_backup())
    store.delete()
    own_hsm_realm.create_store(sibling)
    assert refusal(own_hsm_realm.kms.create_custom_key_store, **cluster.store_parameters()).code == IN_USE


def test_an_unrelated_cluster(own_hsm_realm):
    """1.3: another certificate, even of the same authority."""
    store = own_hsm_realm.create_store(own_hsm_realm.active_cluster())
    unrelated = own_hsm_realm.active_cluster()
    before = store.describe()
    assert refusal(store.update, CloudHsmClusterId=unrelated.cluster_id).code == NOT_RELATED
    assert store.describe() == before


def test_clusters_that_cannot_take_over(own_hsm_realm):
    """1.3: found, active, with two HSMs in two zones."""
    cluster = own_hsm_realm.active_cluster()
    store = own_hsm_realm.create_store(cluster)
    assert refusal(store.update, CloudHsmClusterId="cluster-aaaaaaaaaaa").code == "CloudHsmClusterNotFoundException"
    empty = own_hsm_realm.create_cluster(SourceBackupId=cluster.newest_backup())
    refused = refusal(store.update, CloudHsmClusterId=empty.cluster_id)
    assert refused.code in ("CloudHsmClusterNotActiveException", "CloudHsmClusterInvalidConfigurationException")
    empty.create_hsm("us-east-1a")
    empty.wait_state("ACTIVE")
    assert refusal(store.update, CloudHsmClusterId=empty.cluster_id).code == "CloudHsmClusterInvalidConfigurationException"
    assert store.describe()["CloudHsmClusterId"] == cluster.cluster_id


def test_a_cluster_of_another_account_is_not_found(family, hsm_server):
    store, cluster, _ = family
    stranger = HsmRealm(hsm_server)
    theirs = stranger.active_cluster(zones=("us-east-1a",))
    assert refusal(store.update, CloudHsmClusterId=theirs.cluster_id).code == "CloudHsmClusterNotFoundException"
    assert store.describe()["CloudHsmClusterId"] == cluster.cluster_id


def test_a_ciphertext_belongs_to_its_key_store(own_hsm_realm):
    """3.6: another key store over a sibling with the same backing key cannot decrypt it."""
    realm, kms = own_hsm_realm, own_hsm_realm.kms
    cluster = realm.active_cluster()
    store = realm.connected_store(cluster)
    key = store.create_key()
    blob = kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    store.disconnect_and_wait()
    stranger = HsmRealm(realm.installation)
    refused = refusal(stranger.kms.decrypt, CiphertextBlob=blob)
    assert refused.code == "AccessDeniedException"
