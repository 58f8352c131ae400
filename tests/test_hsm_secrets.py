"""Passwords of HSM users are told to nobody: not in the audit log, not in what the server says, not in its files.

Source: digest cloudhsm-key-stores.md, 1.11 (audit fields); invariant 3.
"""

import json

import pytest

from support.hsm_modules import module_settings
from support.hsm_realm import CO_PASSWORD, KMSUSER, HsmRealm
from support.sdk_client import request_id

# Unlike any other text in the logs.
KMSUSER_PASSWORD = "qZ7kmsuserNeverTell"
AUDITOR_PASSWORD = "qZ8auditorNeverTell"
WRONG_PASSWORD = "qZ9wrongNeverTell"


class Story:
    """All that has to do with passwords, once; what was secret in it; and the requests whose records are looked at."""

    def __init__(self, installation):
        self.installation = installation
        self.realm = realm = HsmRealm(installation)
        self.cluster = cluster = realm.create_cluster()
        cluster.create_hsm("us-east-1a")
        cluster.initialize()
        self.pre_co_password = cluster.pre_co_password()
        cluster.activate()
        cluster.create_kmsuser(KMSUSER_PASSWORD)
        cluster.create_hsm("us-east-1b")
        created = realm.kms.create_custom_key_store(
            **cluster.store_parameters(CustomKeyStoreName="told", KeyStorePassword=WRONG_PASSWORD)
        )
        self.store = store = realm.store_with_id(created["CustomKeyStoreId"])
        self.requests = {"CreateCustomKeyStore": request_id(created)}
        assert store.fail_to_connect() == "INVALID_CREDENTIALS"
        store.disconnect_and_wait()
        self.note("UpdateCustomKeyStore", "update_custom_key_store", KeyStorePassword=KMSUSER_PASSWORD)
        self.note("ConnectCustomKeyStore", "connect_custom_key_store")
        store.wait_state("CONNECTED")
        created_key = realm.kms.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store.store_id)
        self.key = created_key["KeyMetadata"]["Arn"]
        self.requests["CreateKey"] = request_id(created_key)
        self.note("DisconnectCustomKeyStore", "disconnect_custom_key_store")
        store.wait_state("DISCONNECTED")
        cluster.auditor_logs_in(AUDITOR_PASSWORD)
        (self.backing_key_id,) = {key["id"] for keys in cluster.keys().values() for key in keys}
        cluster.auditor_logs_out()
        cluster.users.refuse("login", user=KMSUSER, password=WRONG_PASSWORD)

    def note(self, event, operation, **parameters):
        call = getattr(self.realm.kms, operation)
        self.requests[event] = request_id(call(CustomKeyStoreId=self.store.store_id, **parameters))

    def record(self, event):
        return self.installation.audit_record(self.requests[event])


@pytest.fixture(scope="module")
def story(make_module_installation, hsm_module):
    return Story(make_module_installation(module_settings(hsm_module)).start({"KEYSTEAD_LOG": "debug"}))


SECRETS = ["pre_co_password", "kmsuser", "auditor", "wrong", "officer"]


def secret(story, name):
    return {
        "pre_co_password": story.pre_co_password,
        "kmsuser": KMSUSER_PASSWORD,
        "auditor": AUDITOR_PASSWORD,
        "wrong": WRONG_PASSWORD,
        "officer": CO_PASSWORD,
    }[name].encode()


@pytest.mark.parametrize("name", SECRETS)
def test_no_password_in_any_file_of_the_server(story, name):
    """Store, write-ahead log, audit log, tokens, backups, and what the server said with the log set to debug."""
    folder = story.installation.folder
    # The test's own password files are in the same folder.
    files = [file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("password-")]
    assert any(file.name == "audit.jsonl" for file in files) and any(file.suffix == ".stderr" for file in files)
    holding = [str(file) for file in files if secret(story, name) in file.read_bytes()]
    assert holding == []


def test_the_records_of_a_key_store(story):
    """1.11: names, not secrets."""
    identifiers = {"customKeyStoreId": story.store.store_id}
    extra = {"customKeyStoreName": "told", "clusterId": story.cluster.cluster_id}
    created = story.record("CreateCustomKeyStore")
    assert created["requestParameters"]["customKeyStoreName"] == "told"
    assert created["requestParameters"]["clusterId"] == story.cluster.cluster_id
    assert created["responseElements"] == identifiers
    for event in ("ConnectCustomKeyStore", "DisconnectCustomKeyStore", "UpdateCustomKeyStore"):
        record = story.record(event)
        assert record["requestParameters"]["customKeyStoreId"] == story.store.store_id, event
        assert {name: record["additionalEventData"][name] for name in extra} == extra, event
        assert (record["responseElements"], record["readOnly"]) == (None, False), event
    for event in story.requests:
        text = json.dumps(story.record(event))
        assert "eyStorePassword" not in text and "rustAnchor" not in text, event


def test_the_record_of_a_key(story):
    """1.11: which object of the HSMs it is."""
    record = story.record("CreateKey")
    assert record["requestParameters"]["origin"] == "AWS_CLOUDHSM"
    assert record["requestParameters"]["customKeyStoreId"] == story.store.store_id
    backing = json.loads(record["additionalEventData"]["backingKey"])
    assert backing["backingKeyId"] == story.backing_key_id
    assert [resource["ARN"] for resource in record["resources"]] == [story.key]


def test_the_services_beside_kms_are_recorded(story):
    """CloudTrail has their requests, too."""
    events = [(record["eventSource"], record["eventName"]) for record in story.installation.audit_records()]
    for expected in [
        ("ec2.amazonaws.com", "CreateVpc"),
        ("cloudhsm.amazonaws.com", "CreateCluster"),
        ("cloudhsm.amazonaws.com", "CreateHsm"),
        ("cloudhsm.amazonaws.com", "InitializeCluster"),
        ("cloudhsm.amazonaws.com", "DescribeClusters"),
    ]:
        assert expected in events


def test_what_is_kept_is_for_the_owner_alone(story):
    """Tokens, backups and sockets."""
    data = story.installation.data_folder
    kept = [path for name in ("hsm", "hsm-backups") for path in (data / name).rglob("*") if path.is_file()]
    assert kept
    folders = [data / "hsm", data / "hsm-backups"]
    assert [oct(folder.stat().st_mode & 0o077) for folder in folders] == ["0o0", "0o0"]
