"""What was acknowledged is there after kill -9.

Source: design, invariants 1 and 3; the issue, "Proof".
"""

import itertools
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from support.conditions import wait_until
from support.external_store import create_store

CREATORS = 6
ENOUGH = 60


class StreamOfCreates:
    """Clients that create keys, aliases and tags until the server dies; keeps what was acknowledged."""

    def __init__(self, client):
        self._client = client
        self._numbers = itertools.count(1)
        self.keys = {}
        self.aliases = {}
        self.tagged = {}
        self.deleted_aliases = []
        self.threads = [threading.Thread(target=self._create, daemon=True) for _ in range(CREATORS)]

    def start(self):
        for thread in self.threads:
            thread.start()
        return self

    def join(self):
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hung after the server's death"

    def _create(self):
        try:
            while True:
                self._create_one(next(self._numbers))
        except (BotoCoreError, ClientError):
            # The server died: the request in flight was not acknowledged.
            return

    def _create_one(self, number):
        key = self._client.create_key(Description=f"key {number}")["KeyMetadata"]["Arn"]
        self.keys[key] = self._client.encrypt(KeyId=key, Plaintext=b"%d" % number)["CiphertextBlob"], number
        name = f"alias/stream-{number}"
        self._client.create_alias(AliasName=name, TargetKeyId=key)
        if number % 3 == 0:
            self._client.delete_alias(AliasName=name)
            self.deleted_aliases.append(name)
        else:
            self.aliases[name] = key
        self._client.tag_resource(KeyId=key, Tags=[{"TagKey": "number", "TagValue": str(number)}])
        self.tagged[key] = str(number)


@pytest.mark.parametrize("attempt", range(3))
def test_kill_in_a_stream_of_creates(make_installation, attempt):
    server = make_installation().start()
    tenant = server.create_tenant()
    stream = StreamOfCreates(tenant.client).start()
    wait_until(lambda: len(stream.tagged) >= ENOUGH, f"{ENOUGH} keys were created")
    server.kill()
    stream.join()
    server.start()
    client = server.client(tenant.credentials)
    for key, (blob, number) in stream.keys.items():
        assert client.describe_key(KeyId=key)["KeyMetadata"]["Description"] == f"key {number}"
        assert client.decrypt(CiphertextBlob=blob)["Plaintext"] == b"%d" % number
    for name, key in stream.aliases.items():
        assert client.describe_key(KeyId=name)["KeyMetadata"]["Arn"] == key
    listed = {entry["AliasName"] for page in client.get_paginator("list_aliases").paginate() for entry in page["Aliases"]}
    assert not listed & set(stream.deleted_aliases)
    for key, value in stream.tagged.items():
        assert client.list_resource_tags(KeyId=key)["Tags"] == [{"TagKey": "number", "TagValue": value}]


def test_every_acknowledged_request_is_in_the_audit_log(make_installation):
    """Invariant 3: no response without its record; a half-written last line does not damage the log."""
    server = make_installation().start()
    tenant = server.create_tenant()
    acknowledged = []

    def generate():
        try:
            while True:
                acknowledged.append(tenant.client.generate_random(NumberOfBytes=1)["ResponseMetadata"]["RequestId"])
        except (BotoCoreError, ClientError):
            return

    threads = [threading.Thread(target=generate, daemon=True) for _ in range(CREATORS)]
    for thread in threads:
        thread.start()
    wait_until(lambda: len(acknowledged) >= 200, "200 requests were answered")
    server.kill()
    for thread in threads:
        thread.join(60)
    server.start()
    server.client(tenant.credentials).list_keys()
    recorded = {record.get("requestID") for record in server.audit_records()}
    assert set(acknowledged) <= recorded


def test_accounts_and_access_keys_survive(make_installation):
    server = make_installation().start()
    tenants = [server.create_tenant() for _ in range(3)]
    server.kill()
    server.start()
    for tenant in tenants:
        assert server.client(tenant.credentials).list_keys()["Keys"] == []


def test_key_stores_survive(make_installation, fault_proxy):
    # The server may die with the job leased, and a lease lasts as long as it takes to wait for a proxy: a few seconds, in which the honest
    # proxy answers although the machine is busy.
    server = make_installation(request_timeout_ms=2000).start()
    tenant = server.create_tenant()
    store = create_store(tenant.client, fault_proxy.realm())
    before = store.describe()
    store.connect()
    server.kill()
    server.start()
    again = server.client(tenant.credentials)
    wait_until(lambda: state_of(again, store.store_id) == "CONNECTED", "the key store was connected")
    (after,) = again.describe_custom_key_stores()["CustomKeyStores"]
    assert {**after, "ConnectionState": ""} == {**before, "ConnectionState": ""}


def state_of(client, store_id):
    return client.describe_custom_key_stores(CustomKeyStoreId=store_id)["CustomKeyStores"][0]["ConnectionState"]


def test_killed_again_and_again(make_installation):
    """A crash during recovery is a crash like any other."""
    server = make_installation().start()
    tenant = server.create_tenant()
    key = tenant.client.create_key()["KeyMetadata"]["Arn"]
    for _ in range(5):
        server.kill()
        server.launch().kill()
        server.start()
        assert server.client(tenant.credentials).describe_key(KeyId=key)["KeyMetadata"]["Arn"] == key
