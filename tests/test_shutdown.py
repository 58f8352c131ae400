"""SIGTERM finishes the requests in flight and exits 0.

Source: the issue, "The binary's contract".
"""

import signal
import socket
import threading
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import pytest

from support import proxy_behaviours as faults
from support.conditions import wait_until
from support.external_store import connected_store, create_store
from support.http_exchange import LIMIT_S


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_request_in_flight_is_finished(make_installation, fault_proxy, signal_number):
    """The proxy holds an Encrypt until the server has been told to stop."""
    server = make_installation(request_timeout_ms=20_000).start()
    client = server.create_tenant().client
    realm = fault_proxy.realm()
    key = connected_store(client, realm).create_key()
    release = threading.Event()
    realm.behave("encrypt", faults.hold(release))
    with ThreadPoolExecutor(1) as pool:
        in_flight = pool.submit(client.encrypt, KeyId=key, Plaintext=b"in flight")
        wait_until(lambda: realm.received("encrypt"), "the request was in flight")
        server.server.process.send_signal(signal_number)
        wait_until(lambda: refuses_connections(server.endpoint), "the server took no more connections")
        release.set()
        assert in_flight.result(timeout=60)["KeyId"] == key
    assert server.server.wait() == 0, server.server.stderr


def refuses_connections(endpoint):
    address = urllib.parse.urlsplit(endpoint)
    try:
        socket.create_connection((address.hostname, address.port), LIMIT_S).close()
    except ConnectionError:
        return True
    return False


def test_idle_connections_do_not_hold_it_up(make_installation):
    server = make_installation().start()
    address = urllib.parse.urlsplit(server.endpoint)
    tenant = server.create_tenant()
    with socket.create_connection((address.hostname, address.port), LIMIT_S):
        tenant.client.list_keys()
        assert server.stop() == 0, server.server.stderr


def test_a_stop_while_connecting_is_taken_up_later(make_installation, fault_proxy):
    server = make_installation({"custom_key_stores": {"transition_min_ms": 1000}}).start()
    tenant = server.create_tenant()
    store = start_to_connect(tenant.client, fault_proxy.realm())
    assert server.stop() == 0
    server.start()
    client = server.client(tenant.credentials)

    def connected():
        (entry,) = client.describe_custom_key_stores(CustomKeyStoreId=store)["CustomKeyStores"]
        return entry["ConnectionState"] == "CONNECTED"

    wait_until(connected, "the job was finished")


def start_to_connect(client, realm):
    store = create_store(client, realm)
    store.connect()
    return store.store_id
