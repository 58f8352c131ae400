"""Connecting and disconnecting: the state machine, every ConnectionErrorCode of a public endpoint, and crashes on the way.

Source: digest external-key-stores.md, 3.4 (edit rules), 3.6 (states), 3.7 (codes), 4.4 (key states).
"""

import threading
from dataclasses import dataclass

import pytest

from support import proxy_behaviours as faults
from support.conditions import wait_until
from support.documented_errors import NOT_CONNECTED, proxy_errors_from
from support.external_store import ExternalStore, connected_store, create_store
from support.sdk_client import refusal
from support.stored_keys import damage_proxy_credential

INVALID_STATE = "CustomKeyStoreInvalidStateException"
# Longer than any test: what is looked at stays as it is.
LONG_TRANSITION_MS = 60_000
# Long enough to kill a server while it waits for a proxy; a job that it left is leased four times that long.
HELD_TIMEOUT_MS = 2000


@pytest.fixture(scope="module")
def slow(make_module_installation):
    """A server whose key stores stay in CONNECTING and DISCONNECTING for longer than a test looks at them."""
    return make_module_installation({"custom_key_stores": {"transition_min_ms": LONG_TRANSITION_MS}}).start()


@pytest.fixture
def slow_kms(slow):
    return slow.create_tenant().client


STATES = ["CONNECTED", "CONNECTING", "FAILED", "DISCONNECTED", "DISCONNECTING"]
TRANSIENT_STATES = ["CONNECTING", "DISCONNECTING"]
LASTING_STATES = ["CONNECTED", "FAILED", "DISCONNECTED"]


def brought_to_transient(state, slow_client, proxy):
    """A new key store in this state, on the server where it stays there; it was never connected."""
    store = create_store(slow_client, proxy.realm())
    store.connect()
    if state == "DISCONNECTING":
        store.disconnect()
    return store


def brought_to_lasting(state, client, proxy):
    """A new key store in this state."""
    store = create_store(client, proxy.realm())
    if state == "DISCONNECTED":
        return store
    if state == "FAILED":
        store.realm.behave("health", faults.proxy_error("AccessDeniedException"))
    store.connect()
    store.wait_state("CONNECTED", "FAILED")
    return store


def connect(store):
    store.client.connect_custom_key_store(CustomKeyStoreId=store.store_id)


def disconnect(store):
    store.client.disconnect_custom_key_store(CustomKeyStoreId=store.store_id)


def delete(store):
    store.client.delete_custom_key_store(CustomKeyStoreId=store.store_id)


def create_key(store):
    store.create_key()


def update(**changes):
    def call(store):
        values = {name: value(store) for name, value in changes.items()}
        store.client.update_custom_key_store(CustomKeyStoreId=store.store_id, **values)

    return call


rename = update(NewCustomKeyStoreName=lambda store: f"renamed {store.store_id}")
new_credential = update(XksProxyAuthenticationCredential=lambda store: store.realm.credential.as_parameter())
new_path = update(XksProxyUriPath=lambda store: store.realm.uri_path)
new_endpoint = update(XksProxyUriEndpoint=lambda store: store.realm.uri_endpoint)
new_connectivity = update(
    XksProxyConnectivity=lambda store: "PUBLIC_ENDPOINT", XksProxyUriEndpoint=lambda store: store.realm.uri_endpoint
)

# 3.6 and 3.4; columns as STATES. "ok", or E for CustomKeyStoreInvalidStateException.
E = INVALID_STATE
CALLS = {
    "Connect": (connect, ["ok", "ok", E, "ok", E]),
    "Disconnect": (disconnect, ["ok", "ok", "ok", E, E]),
    "Delete": (delete, [E, E, E, "ok", E]),
    "CreateKey": (create_key, ["ok", E, E, E, E]),
    "Update name": (rename, ["ok", E, "ok", "ok", E]),
    "Update credential": (new_credential, ["ok", E, "ok", "ok", E]),
    "Update path": (new_path, ["ok", E, "ok", "ok", E]),
    "Update endpoint": (new_endpoint, [E, E, E, "ok", E]),
    "Update connectivity": (new_connectivity, [E, E, E, "ok", E]),
}


@pytest.mark.parametrize("state", TRANSIENT_STATES)
def test_what_is_refused_in_each_transient_state(slow_kms, fault_proxy, state):
    check_refusals(brought_to_transient(state, slow_kms, fault_proxy), state)


@pytest.mark.parametrize("state", LASTING_STATES)
def test_what_is_refused_in_each_lasting_state(kms, fault_proxy, state):
    check_refusals(brought_to_lasting(state, kms, fault_proxy), state)


def check_refusals(store, state):
    """A call that is refused leaves the state as it was, so they share a key store."""
    for name, (call, row) in CALLS.items():
        if row[STATES.index(state)] != E:
            continue
        refused = refusal(lambda call=call: call(store))
        assert (refused.code, refused.status) == (E, 400), f"{name} in {state}: {refused}"
        if name == "CreateKey":
            assert (refused.message, refused.cause) == (NOT_CONNECTED, "KEY_STORE_NOT_CONNECTED")
    assert store.state() == state


@pytest.mark.parametrize("state", LASTING_STATES)
def test_what_is_allowed_in_each_lasting_state(kms, fault_proxy, state):
    for name, (call, row) in CALLS.items():
        if row[STATES.index(state)] != "ok":
            continue
        store = brought_to_lasting(state, kms, fault_proxy)
        store.realm.behave_honestly()
        call(store)
        if name != "Delete":
            store.wait_state("CONNECTED", "FAILED", "DISCONNECTED")
            clean_up(store)


def clean_up(store):
    """Disconnects, so that the account keeps under its limit of key stores; keys stay behind in at most one."""
    if store.state() != "DISCONNECTED":
        store.disconnect_and_wait()
    if not store.client.list_keys()["Keys"]:
        store.delete()


def test_connect_is_idempotent_while_connecting(slow_kms, fault_proxy):
    """3.6: Connect on CONNECTING is accepted and changes nothing."""
    store = brought_to_transient("CONNECTING", slow_kms, fault_proxy)
    store.connect()
    assert store.state() == "CONNECTING"


def test_connect_is_idempotent_when_connected(kms, realm):
    """3.6: Connect on CONNECTED is accepted and changes nothing; the proxy hears nothing of it."""
    store = connected_store(kms, realm)
    before = len(realm.received("health"))
    store.connect()
    assert store.state() == "CONNECTED"
    assert len(realm.received("health")) == before


def test_disconnect_while_connecting(slow_kms, fault_proxy):
    store = brought_to_transient("CONNECTING", slow_kms, fault_proxy)
    store.disconnect()
    assert store.state() == "DISCONNECTING"
    assert "ConnectionErrorCode" not in store.describe()


def test_disconnect_overtakes_a_connect_that_is_being_worked_on(held_connect):
    """The answer that comes after the disconnect changes nothing."""
    store, release = held_connect.store, held_connect.release
    store.disconnect_and_wait()
    release.set()
    assert "ConnectionErrorCode" not in store.describe()
    store.realm.behave_honestly()
    store.connect_and_wait()


def test_keys_are_unusable_in_transient_states(make_installation, fault_proxy):
    """3.6: right away, at DISCONNECTING; 4.4: Unavailable in every state but CONNECTED."""
    server = make_installation().start()
    tenant = server.create_tenant()
    stores = [connected_store(tenant.client, fault_proxy.realm()) for _ in range(2)]
    keys = [store.create_key() for store in stores]
    stores[0].disconnect_and_wait()
    server.restart_with({"custom_key_stores": {"transition_min_ms": LONG_TRANSITION_MS}})
    client = server.client(tenant.credentials)
    connecting, disconnecting = (ExternalStore(client, store.realm, store.store_id) for store in stores)
    connecting.connect()
    disconnecting.disconnect()
    for key in keys:
        check_unavailable(client, key)
    assert (connecting.state(), disconnecting.state()) == ("CONNECTING", "DISCONNECTING")


def test_keys_come_back_with_the_connection(kms, realm):
    """4.4."""
    store = connected_store(kms, realm)
    key = store.create_key()
    ciphertext = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
    store.disconnect_and_wait()
    check_unavailable(kms, key)
    store.connect_and_wait()
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"
    assert kms.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"x"


def check_unavailable(client, key):
    metadata = client.describe_key(KeyId=key)["KeyMetadata"]
    assert (metadata["KeyState"], metadata["Enabled"]) == ("Unavailable", False)
    refused = refusal(client.encrypt, KeyId=key, Plaintext=b"x")
    assert (refused.code, refused.message) == ("KMSInvalidStateException", NOT_CONNECTED)
    assert refused.cause == "KEY_STORE_NOT_CONNECTED"


@dataclass(frozen=True)
class HeldConnect:
    """A key store whose connect is being worked on: the proxy has the question and does not answer until `release` is set."""

    server: object
    tenant: object
    store: object
    release: threading.Event

    def after_a_crash(self):
        """Kills the server in the middle of the connect, starts it again, and returns the key store as it sees it."""
        self.server.kill()
        self.release.set()
        self.server.start()
        return ExternalStore(self.server.client(self.tenant.credentials), self.store.realm, self.store.store_id)


@pytest.fixture
def held_connect(make_installation, fault_proxy):
    settings = {"custom_key_stores": {"transition_min_ms": 0}}
    server = make_installation(settings, request_timeout_ms=HELD_TIMEOUT_MS).start()
    tenant = server.create_tenant()
    store = create_store(tenant.client, fault_proxy.realm())
    release = threading.Event()
    store.realm.behave("health", faults.hold(release))
    before = len(store.realm.received("health"))
    store.connect()
    wait_until(lambda: len(store.realm.received("health")) > before, "the job asked the proxy")
    assert store.state() == "CONNECTING"
    yield HeldConnect(server, tenant, store, release)
    release.set()


def test_a_crash_in_the_middle_of_a_connect(held_connect):
    """Design, invariant 5: a job whose server died while it worked on it is finished by the next one, without a call."""
    held_connect.store.realm.behave_honestly()
    held_connect.after_a_crash().wait_state("CONNECTED")


def test_a_failing_connect_after_a_crash(held_connect):
    """The job that is taken up again sees what the proxy does now."""
    held_connect.store.realm.behave("health", faults.proxy_error("AuthenticationFailedException"))
    entry = held_connect.after_a_crash().wait_state("FAILED", "CONNECTED")
    assert entry["ConnectionErrorCode"] == "INVALID_CREDENTIALS"


@pytest.mark.parametrize(("transient", "final"), [("CONNECTING", "CONNECTED"), ("DISCONNECTING", "DISCONNECTED")])
def test_a_crash_before_the_job_is_due(make_installation, fault_proxy, transient, final):
    """Invariant 5 again: a job that nobody has begun."""
    server = make_installation({"custom_key_stores": {"transition_min_ms": 1000}}).start()
    tenant = server.create_tenant()
    store = brought_to_transient(transient, tenant.client, fault_proxy)
    server.kill()
    server.start()
    ExternalStore(server.client(tenant.credentials), store.realm, store.store_id).wait_state(final)


@pytest.mark.parametrize("state", LASTING_STATES)
def test_a_crash_in_a_lasting_state(make_installation, fault_proxy, state):
    server = make_installation().start()
    tenant = server.create_tenant()
    store = brought_to_lasting(state, tenant.client, fault_proxy)
    before = store.describe()
    server.kill()
    server.start()
    assert ExternalStore(server.client(tenant.credentials), store.realm, store.store_id).describe() == before


@pytest.mark.parametrize("row", proxy_errors_from("health"), ids=lambda row: row.name)
def test_the_code_of_a_proxy_error(kms, realm, row):
    """3.7, by errorName."""
    store = create_store(kms, realm)
    realm.behave("health", faults.proxy_error(row.name))
    check_failure_and_repair(store, row.connection_error_code)


# 3.7: what a realm does, and the code.
REALM_FAULTS = {
    "malformed": (faults.body(b"not JSON"), "XKS_PROXY_INVALID_RESPONSE"),
    "no HTTP": (faults.garbage(), "XKS_PROXY_INVALID_RESPONSE"),
    "oversized": (faults.oversized(200_000), "XKS_PROXY_INVALID_RESPONSE"),
    "reset": (faults.reset(), "XKS_PROXY_NOT_REACHABLE"),
}


@pytest.mark.parametrize("case", REALM_FAULTS)
def test_the_code_of_a_fault(kms, realm, case):
    behaviour, code = REALM_FAULTS[case]
    store = create_store(kms, realm)
    realm.behave("health", behaviour)
    check_failure_and_repair(store, code)


def test_the_code_of_an_answer_that_does_not_come(impatient_kms, realm):
    """3.7."""
    store = create_store(impatient_kms, realm)
    realm.behave("health", faults.never())
    check_failure_and_repair(store, "XKS_PROXY_TIMED_OUT")


def test_the_code_of_an_unhealthy_key_manager(kms, realm):
    """3.7: all instances UNAVAILABLE is XKS_PROXY_NOT_REACHABLE."""
    store = create_store(kms, realm)
    realm.health = ["UNAVAILABLE"]
    store.connect()
    assert store.wait_state("FAILED", "CONNECTED")["ConnectionErrorCode"] == "XKS_PROXY_NOT_REACHABLE"


def test_the_code_of_a_credential_that_the_proxy_no_longer_knows(kms, fault_proxy, realm):
    store = create_store(kms, realm)
    realm.credential = fault_proxy.realm().credential
    store.connect()
    assert store.wait_state("FAILED", "CONNECTED")["ConnectionErrorCode"] == "INVALID_CREDENTIALS"


def check_failure_and_repair(store, code):
    """FAILED shows the code; only a disconnect leads on, and clears it; then connecting works again (3.6)."""
    store.connect()
    entry = store.wait_state("FAILED", "CONNECTED")
    assert (entry["ConnectionState"], entry["ConnectionErrorCode"]) == ("FAILED", code)
    assert refusal(store.connect).code == INVALID_STATE
    store.realm.behave_honestly()
    store.disconnect_and_wait()
    assert "ConnectionErrorCode" not in store.describe()
    # An open circuit passes by itself; each attempt that meets it fails and is taken back.
    wait_until(lambda: connects(store), "the repaired proxy was connected")


def connects(store):
    store.connect()
    if store.wait_state("CONNECTED", "FAILED")["ConnectionState"] == "CONNECTED":
        return True
    store.disconnect_and_wait()
    return False


def test_the_code_of_a_refused_connection(kms, second_proxy):
    store = create_store(kms, second_proxy.realm())
    second_proxy.stop_listening()
    try:
        store.connect()
        assert store.wait_state("FAILED", "CONNECTED")["ConnectionErrorCode"] == "XKS_PROXY_NOT_REACHABLE"
    finally:
        second_proxy.listen_again()


@pytest.mark.parametrize("fault", ["expired", "not_yet_valid", "self_signed", "issue other"])
def test_the_code_of_a_bad_certificate(kms, authority, second_proxy, fault):
    """3.7: expired, not trusted, or for another name."""
    host = second_proxy.host
    store = create_store(kms, second_proxy.realm())
    bad = authority.issue("other.faults.test") if fault == "issue other" else getattr(authority, fault)(host)
    second_proxy.show_certificate(bad.server_context())
    try:
        store.connect()
        entry = store.wait_state("FAILED", "CONNECTED")
        assert entry["ConnectionErrorCode"] == "XKS_PROXY_INVALID_TLS_CONFIGURATION"
    finally:
        second_proxy.show_certificate(authority.issue(host).server_context())


def test_an_outage_never_leaves_connected(kms, realm):
    """3.6: CONNECTED says only that connecting once succeeded; the key state does not follow the proxy either (4.4)."""
    store = connected_store(kms, realm)
    key = store.create_key()
    realm.behave("encrypt", faults.reset())
    realm.behave("health", faults.reset())
    assert refusal(kms.encrypt, KeyId=key, Plaintext=b"x").code == "KMSInvalidStateException"
    assert store.state() == "CONNECTED"
    assert kms.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled"


def test_connect_and_health_polls_say_why_they_ask(make_installation, fault_proxy):
    """1.4: kmsOperation is ConnectCustomKeyStore, then KmsHealthCheck; nothing while disconnected (1.8)."""
    server = make_installation({"custom_key_stores": {"transition_min_ms": 20, "health_poll_interval_ms": 100}}).start()
    realm = fault_proxy.realm()
    store = connected_store(server.create_tenant().client, realm)

    def operations():
        return [request.json["requestMetadata"]["kmsOperation"] for request in realm.received("health")]

    wait_until(lambda: operations().count("KmsHealthCheck") >= 2, "the proxy was polled")
    assert operations()[:2] == ["CreateCustomKeyStore", "ConnectCustomKeyStore"]
    store.disconnect_and_wait()
    before = len(realm.received())
    # Another store's polls show that time has passed for polls.
    other = fault_proxy.realm()
    connected_store(store.client, other)
    wait_until(lambda: len(other.received("health")) >= 5, "the other store was polled")
    assert len(realm.received()) <= before + 1, "at most a poll that was on its way"


def test_a_failed_poll_changes_no_state(make_installation, fault_proxy):
    """1.8."""
    server = make_installation({"custom_key_stores": {"transition_min_ms": 20, "health_poll_interval_ms": 100}}).start()
    realm = fault_proxy.realm()
    store = connected_store(server.create_tenant().client, realm)
    realm.behave("health", faults.proxy_error("InternalException"))
    before = len(realm.received("health"))
    wait_until(lambda: len(realm.received("health")) >= before + 3, "polls failed")
    assert store.state() == "CONNECTED"


def test_a_credential_is_rotated_without_a_pause(kms, fault_proxy, realm):
    """1.3: add the new one on the proxy, update, remove the old one; no reconnect."""
    store = connected_store(kms, realm)
    key = store.create_key()
    old, new = realm.credential, fault_proxy.realm().credential
    realm.credential, realm.retired_credentials = new, [old]
    kms.update_custom_key_store(CustomKeyStoreId=store.store_id, XksProxyAuthenticationCredential=new.as_parameter())
    assert store.state() == "CONNECTED"

    def uses_the_new_credential():
        kms.encrypt(KeyId=key, Plaintext=b"x")
        return new.access_key_id in realm.received("encrypt")[-1].headers["authorization"]

    wait_until(uses_the_new_credential, "the new credential was used")
    realm.retired_credentials = []
    kms.encrypt(KeyId=key, Plaintext=b"x")


def test_a_credential_that_does_not_open(make_installation, fault_proxy):
    """3.7, INTERNAL_ERROR: our own fault, not the proxy's."""
    server = make_installation().start()
    tenant = server.create_tenant()
    store = create_store(tenant.client, fault_proxy.realm())
    server.stop()
    damage_proxy_credential(server.data_folder / "store.sqlite", store.store_id)
    server.start()
    store = ExternalStore(server.client(tenant.credentials), store.realm, store.store_id)
    store.connect()
    assert store.wait_state("FAILED", "CONNECTED")["ConnectionErrorCode"] == "INTERNAL_ERROR"
