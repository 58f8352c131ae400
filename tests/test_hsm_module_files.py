"""The PKCS#11 module of soft tokens: a file that may be missing, and that an upgrade may move. KMS serves in any case.

Source: the issue, "Clusters of HSMs" and "Bad input".
"""

import shutil

from support.hsm_modules import KRYOPTIC, module_settings
from support.hsm_network import ZONES
from support.hsm_realm import HsmRealm
from support.installation import merged
from support.sdk_client import refusal


def settings_with(module_file):
    return merged(module_settings("kryoptic"), {"hsm": {"kryoptic_module": str(module_file)}})


def test_without_the_module(make_installation, tmp_path):
    """CreateHsm names the file and what to do; everything else works."""
    missing = tmp_path / "libmissing.so"
    realm = HsmRealm(make_installation(settings_with(missing)).start())
    cluster = realm.create_cluster()
    refused = refusal(realm.cloudhsm.create_hsm, ClusterId=cluster.cluster_id, AvailabilityZone=ZONES[0])
    assert refused.code == "CloudHsmServiceException"
    assert str(missing) in refused.message and "[hsm]" in refused.message
    assert cluster.hsms() == []
    assert realm.kms.generate_random(NumberOfBytes=8)["Plaintext"]


def test_a_module_that_an_upgrade_moved(make_installation, tmp_path):
    """A cluster's HSMs are driven with the module where it is now."""
    before, after = tmp_path / "before.so", tmp_path / "after.so"
    shutil.copy(KRYOPTIC, before)
    server = make_installation(settings_with(before)).start()
    realm = HsmRealm(server)
    store = realm.connected_store()
    key = store.create_key()
    blob = realm.kms.encrypt(KeyId=key, Plaintext=b"kept")["CiphertextBlob"]
    before.rename(after)
    server.restart_with(settings_with(after))
    realm.reconnect()
    assert realm.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"kept"
