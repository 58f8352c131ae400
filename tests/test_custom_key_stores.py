"""The six custom key store operations for EXTERNAL_KEY_STORE with PUBLIC_ENDPOINT, less the connection (test_connection.py).

Source: digest external-key-stores.md, section 3 and 5.3.
"""

import datetime
import re

import pytest
from botocore.exceptions import ClientError

from support import proxy_behaviours as faults
from support.conditions import wait_until
from support.documented_errors import (
    AUTH,
    BAD_CONFIGURATION,
    BAD_CREDENTIAL,
    BAD_RESPONSE,
    MALFORMED,
    TCP,
    THROTTLING,
    TIMEOUT,
    TLS,
    UNHEALTHY,
    UNREACHABLE,
    URI_PATH,
    proxy_errors_from,
)
from support.external_key_realm import Realm, new_credential
from support.external_store import connected_store, create_parameters, create_store
from support.sdk_client import Refusal, refusal

VPC_SERVICE = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"


def refused_creates(client):
    """A CreateCustomKeyStore that must fail; checks that it left nothing behind."""

    def create_refused(realm, **changes):
        refused = refusal(client.create_custom_key_store, **create_parameters(realm, **changes))
        assert refused.status == 400
        assert client.describe_custom_key_stores()["CustomKeyStores"] == []
        return refused

    return create_refused


@pytest.fixture
def create_refused(kms):
    return refused_creates(kms)


@pytest.fixture
def create_timed_out(impatient_kms):
    """The same on a server that does not wait long for a proxy."""
    return refused_creates(impatient_kms)


def test_create_and_describe(kms, realm):
    """3.5: the fields of an entry, and those it never has."""
    store = create_store(kms, realm, CustomKeyStoreName="described")
    assert re.fullmatch(r"cks-[0-9a-f]{17}", store.store_id)
    entry = store.describe()
    assert abs(entry.pop("CreationDate") - datetime.datetime.now(datetime.timezone.utc)) < datetime.timedelta(hours=1)
    assert entry == {
        "CustomKeyStoreId": store.store_id,
        "CustomKeyStoreName": "described",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "ConnectionState": "DISCONNECTED",
        "XksProxyConfiguration": {
            "Connectivity": "PUBLIC_ENDPOINT",
            "AccessKeyId": realm.credential.access_key_id,
            "UriEndpoint": realm.uri_endpoint,
            "UriPath": realm.uri_path,
        },
    }


def test_create_asks_the_proxy_for_its_health_once(kms, realm):
    """2.4 and 1.4: GetHealthStatus with kmsOperation CreateCustomKeyStore; no other metadata."""
    create_store(kms, realm)
    (request,) = realm.received()
    assert (request.method, request.path) == ("POST", realm.uri_path + "/health")
    metadata = request.json["requestMetadata"]
    assert metadata == {"kmsOperation": "CreateCustomKeyStore", "kmsRequestId": metadata["kmsRequestId"]}


def test_describe_by_name(kms, realm):
    store = create_store(kms, realm, CustomKeyStoreName="by name")
    found = kms.describe_custom_key_stores(CustomKeyStoreName="by name")["CustomKeyStores"]
    assert [entry["CustomKeyStoreId"] for entry in found] == [store.store_id]


@pytest.mark.parametrize("filter_by", [{"CustomKeyStoreId": "cks-00000000000000000"}, {"CustomKeyStoreName": "none"}])
def test_describe_what_does_not_exist(kms, filter_by):
    assert refusal(kms.describe_custom_key_stores, **filter_by).code == "CustomKeyStoreNotFoundException"


def test_describe_with_both_filters(kms, realm):
    """3.5: unverified; a caller cannot mean both."""
    store = create_store(kms, realm, CustomKeyStoreName="both")
    call = kms.describe_custom_key_stores
    assert refusal(call, CustomKeyStoreId=store.store_id, CustomKeyStoreName="both").code == "ValidationException"


def test_describe_nothing(kms):
    answer = kms.describe_custom_key_stores()
    assert (answer["CustomKeyStores"], answer["Truncated"], "NextMarker" in answer) == ([], False, False)


def test_pages(kms, fault_proxy):
    """3.5: NextMarker only if truncated; every store exactly once."""
    made = {create_store(kms, fault_proxy.realm()).store_id for _ in range(5)}
    seen, marker = [], {}
    while True:
        page = kms.describe_custom_key_stores(Limit=2, **marker)
        assert len(page["CustomKeyStores"]) <= 2
        seen += [entry["CustomKeyStoreId"] for entry in page["CustomKeyStores"]]
        assert page["Truncated"] is ("NextMarker" in page)
        if not page["Truncated"]:
            break
        marker = {"Marker": page["NextMarker"]}
    assert len(seen) == 5 and set(seen) == made


def test_a_marker_that_no_page_gave(kms):
    assert refusal(kms.describe_custom_key_stores, Marker="not a marker").code == "InvalidMarkerException"


# 3.1: the parameters that this type of key store requires, and those it must not have.
WRONG_PARAMETERS = {
    "no connectivity": {"XksProxyConnectivity": None},
    "no endpoint": {"XksProxyUriEndpoint": None},
    "no path": {"XksProxyUriPath": None},
    "no credential": {"XksProxyAuthenticationCredential": None},
    "a cluster": {"CloudHsmClusterId": "cluster-2a34b5cdefg"},
    "a password": {"KeyStorePassword": "kmsPswd123"},
    "a trust anchor": {"TrustAnchorCertificate": "-----BEGIN CERTIFICATE-----"},
    "a VPC service without VPC connectivity": {"XksProxyVpcEndpointServiceName": VPC_SERVICE},
    "path of another version": {"XksProxyUriPath": "/kms/xks/v2"},
    "endpoint that is an address": {"XksProxyUriEndpoint": "https://127.0.0.1"},
    "endpoint without a domain": {"XksProxyUriEndpoint": "https://localhost"},
    "endpoint with an empty label": {"XksProxyUriEndpoint": "https://xks..faults.test"},
    "endpoint with a label that begins with a hyphen": {"XksProxyUriEndpoint": "https://-xks.faults.test"},
}
# Section 10, row 12: the path pattern admits v0..v99, only v1 exists; which exception is unverified.
EITHER = {"path of another version": ("ValidationException", BAD_CONFIGURATION)}


@pytest.mark.parametrize("case", WRONG_PARAMETERS)
def test_wrong_parameters(create_refused, realm, case):
    refused = create_refused(realm, **WRONG_PARAMETERS[case])
    assert refused.code in EITHER.get(case, ("ValidationException",)), refused
    assert realm.received() == [], "the proxy hears nothing of a request that is wrong in itself"


# The kinds that later issues bring: a clear answer until then.
NOT_YET = {
    "VPC_ENDPOINT_SERVICE": {
        "XksProxyConnectivity": "VPC_ENDPOINT_SERVICE",
        "XksProxyVpcEndpointServiceName": VPC_SERVICE,
    },
}


@pytest.mark.parametrize("case", NOT_YET)
def test_what_is_not_supported_yet(create_refused, realm, case):
    refused = create_refused(realm, **NOT_YET[case])
    assert refused.code == "UnsupportedOperationException", refused
    assert refused.message, "it says what is not supported"


# 3.2: what must be unique in an account and Region.
def test_a_name_in_use(kms, fault_proxy, realm):
    create_store(kms, realm, CustomKeyStoreName="taken")
    refused = refusal(kms.create_custom_key_store, **create_parameters(fault_proxy.realm(), CustomKeyStoreName="taken"))
    assert refused.code == "CustomKeyStoreNameInUseException"


def test_a_uri_in_use(kms, realm):
    create_store(kms, realm)
    assert refusal(kms.create_custom_key_store, **create_parameters(realm)).code == "XksProxyUriInUseException"


def test_a_uri_in_use_in_other_letters(kms, realm):
    """3.2: host names are compared in lower case (choice)."""
    create_store(kms, realm)
    louder = create_parameters(realm, XksProxyUriEndpoint=realm.uri_endpoint.replace("proxy.", "PROXY."))
    assert refusal(kms.create_custom_key_store, **louder).code == "XksProxyUriInUseException"


def test_one_endpoint_with_two_paths(kms, fault_proxy):
    assert create_store(kms, fault_proxy.realm()).store_id != create_store(kms, fault_proxy.realm()).store_id


def test_uniqueness_comes_before_the_proxy(kms, realm):
    """3.3, order of checks."""
    create_store(kms, realm)
    before = len(realm.received())
    refusal(kms.create_custom_key_store, **create_parameters(realm))
    assert len(realm.received()) == before


def test_the_limit_of_ten(kms, fault_proxy):
    """9.1: ten in an account and Region, in any state; a deleted one makes room."""
    stores = [create_store(kms, fault_proxy.realm()) for _ in range(10)]
    refused = refusal(kms.create_custom_key_store, **create_parameters(fault_proxy.realm()))
    assert refused.code == "LimitExceededException"
    stores[0].delete()
    create_store(kms, fault_proxy.realm())


@pytest.mark.parametrize("row", proxy_errors_from("health"), ids=lambda row: row.name)
def test_create_when_the_proxy_answers_an_error(create_refused, realm, row):
    """5.3."""
    realm.behave("health", faults.proxy_error(row.name))
    refused = create_refused(realm)
    assert (refused.code, refused.message, refused.cause) == (row.store_exception, row.message, row.cause)


@pytest.mark.parametrize("row", proxy_errors_from("health"), ids=lambda row: row.name)
def test_the_error_name_decides_and_not_the_status(create_refused, realm, row):
    """1.9."""
    realm.behave("health", faults.proxy_error(row.name, status=418))
    assert create_refused(realm).code == row.store_exception


def test_the_proxys_own_message_is_kept_from_the_caller(create_refused, realm):
    """1.9: errorMessage is never put in the KMS error."""
    realm.behave("health", faults.proxy_error("InternalException", message="secret of the house"))
    refused = create_refused(realm)
    assert "secret of the house" not in refused.message + str(refused.headers)


def fleet(*states):
    return [{"id": str(n), "model": "m", "healthStatus": state} for n, state in enumerate(states)]


# 1.9: what is malformed in a health answer.
MALFORMED_HEALTH = {
    "no JSON": faults.body(b"hello"),
    "HTML": faults.body(b"<html></html>", content_type="text/html"),
    "an empty body": faults.body(b""),
    "a list": faults.body(b"[]"),
    "null": faults.body(b"null"),
    "an error without a name": faults.body(b"{}", status=500),
    "an error that is no JSON": faults.body(b"Bad Gateway", status=502),
    "an unknown error name": faults.body(b'{"errorName":"OutOfCoffeeException"}', status=500),
    "a redirect": faults.body(b"", status=307),
    "fleet size 0": faults.with_member("xksProxyFleetSize", 0),
    "fleet size as text": faults.with_member("xksProxyFleetSize", "1"),
    "no vendor": faults.without_member("xksProxyVendor"),
    "no model": faults.without_member("xksProxyModel"),
    "no manager vendor": faults.without_member("ekmVendor"),
    "no instances": faults.with_member("ekmFleetDetails", []),
    "eleven instances": faults.with_member("ekmFleetDetails", fleet(*["ACTIVE"] * 11)),
    "an unknown health status": faults.with_member("ekmFleetDetails", fleet("SLEEPY")),
    "instances missing": faults.without_member("ekmFleetDetails"),
    "no HTTP": faults.garbage(),
}


@pytest.mark.parametrize("case", MALFORMED_HEALTH)
def test_create_when_the_answer_is_malformed(create_refused, realm, case):
    realm.behave("health", MALFORMED_HEALTH[case])
    refused = create_refused(realm)
    assert (refused.code, refused.message, refused.cause) == (BAD_RESPONSE, MALFORMED, "XKS_PROXY_INVALID_RESPONSE")


def test_create_when_the_answer_is_oversized(create_refused, realm):
    """1.1: a cap of 64 KiB (choice)."""
    realm.behave("health", faults.oversized(200_000))
    refused = create_refused(realm)
    assert (refused.code, refused.message, refused.cause) == (BAD_RESPONSE, MALFORMED, "XKS_PROXY_OVERSIZED_RESPONSE")


def test_create_when_every_instance_is_unavailable(create_refused, realm):
    """1.8 and 5.3."""
    realm.health = ["UNAVAILABLE", "UNAVAILABLE"]
    refused = create_refused(realm)
    expected = (UNREACHABLE, UNHEALTHY, "EXTERNAL_KEY_MANAGER_UNAVAILABLE")
    assert (refused.code, refused.message, refused.cause) == expected


@pytest.mark.parametrize("health", [["DEGRADED"], ["UNAVAILABLE", "DEGRADED"], ["UNAVAILABLE", "ACTIVE"]], ids=str)
def test_one_instance_that_serves_is_enough(kms, realm, health):
    """1.8."""
    realm.health = health
    create_store(kms, realm)


def test_create_when_the_proxy_is_late(create_timed_out, realm):
    realm.behave("health", faults.never())
    refused = create_timed_out(realm)
    assert (refused.code, refused.message, refused.cause) == (UNREACHABLE, TIMEOUT, "XKS_PROXY_TIMED_OUT")


def test_create_with_a_wrong_secret(create_refused, realm):
    """The proxy's own check of the signature, not a scripted answer."""
    wrong = new_credential().as_parameter()
    right = realm.credential.as_parameter()
    for credential in ({**right, "RawSecretAccessKey": wrong["RawSecretAccessKey"]}, wrong):
        refused = create_refused(realm, XksProxyAuthenticationCredential=credential)
        assert (refused.code, refused.message) == (BAD_CREDENTIAL, AUTH)


def test_create_with_a_path_that_the_proxy_does_not_serve(create_refused, realm):
    refused = create_refused(realm, XksProxyUriPath="/nowhere/kms/xks/v1")
    assert (refused.code, refused.message) == (BAD_CONFIGURATION, URI_PATH)


# 5.3, TCP and TLS: the listener, exception, text, and the causes that tell more.
UNREACHED = {
    "expired": (BAD_CONFIGURATION, TLS, "XKS_PROXY_TLS_EXPIRED"),
    "not-yet-valid": (BAD_CONFIGURATION, TLS, "XKS_PROXY_TLS_NOT_YET_VALID"),
    "self-signed": (BAD_CONFIGURATION, TLS, "XKS_PROXY_TLS_UNTRUSTED"),
    "wrong-name": (BAD_CONFIGURATION, TLS, "XKS_PROXY_TLS_NAME_MISMATCH"),
    "old-tls": (BAD_CONFIGURATION, TLS, "XKS_PROXY_TLS_HANDSHAKE_FAILED"),
    "no-tls": (BAD_CONFIGURATION, TLS, "XKS_PROXY_TLS_HANDSHAKE_FAILED"),
    "refused": (UNREACHABLE, TCP, "XKS_PROXY_CONNECTION_REFUSED"),
}
NOT_IN_TIME = {
    "unanswered-connect": (UNREACHABLE, TCP, "XKS_PROXY_CONNECT_TIMED_OUT"),
    "silent": (UNREACHABLE, TIMEOUT, "XKS_PROXY_TIMED_OUT"),
}


@pytest.mark.parametrize("case", UNREACHED)
def test_create_when_the_proxy_cannot_be_reached(create_refused, faulty_listeners, case):
    refused = create_refused(Realm(faulty_listeners[case].uri_endpoint))
    assert (refused.code, refused.message, refused.cause) == UNREACHED[case], refused


@pytest.mark.parametrize("case", NOT_IN_TIME)
def test_create_when_the_proxy_cannot_be_reached_in_time(create_timed_out, faulty_listeners, case):
    refused = create_timed_out(Realm(faulty_listeners[case].uri_endpoint))
    assert (refused.code, refused.message, refused.cause) == NOT_IN_TIME[case], refused


def test_create_with_a_host_that_does_not_resolve(create_timed_out):
    """A resolver without an answer may also use the whole budget."""
    refused = create_timed_out(Realm("https://unmapped.faults.test"))
    assert (refused.code, refused.message) == (UNREACHABLE, TCP), refused
    assert refused.cause in ("XKS_PROXY_DNS_FAILED", "XKS_PROXY_CONNECT_TIMED_OUT")


@pytest.mark.parametrize("fault", [faults.reset, faults.close, faults.truncated], ids=lambda fault: fault.__name__)
def test_create_when_the_connection_breaks(create_refused, realm, fault):
    realm.behave("health", fault())
    refused = create_refused(realm)
    assert (refused.code, refused.message, refused.cause) == (UNREACHABLE, TCP, "XKS_PROXY_CONNECTION_CLOSED")


def test_update_name_path_and_credential(kms, fault_proxy, realm):
    """3.4: several properties in one call; the probe carries the new values."""
    store = create_store(kms, realm)
    target = fault_proxy.realm()
    answer = kms.update_custom_key_store(
        CustomKeyStoreId=store.store_id,
        NewCustomKeyStoreName="renamed",
        XksProxyUriPath=target.uri_path,
        XksProxyAuthenticationCredential=target.credential.as_parameter(),
    )
    assert {name for name in answer if name != "ResponseMetadata"} == set()
    entry = store.describe()
    assert entry["CustomKeyStoreName"] == "renamed"
    assert entry["XksProxyConfiguration"]["UriPath"] == target.uri_path
    assert entry["XksProxyConfiguration"]["AccessKeyId"] == target.credential.access_key_id
    (probe,) = target.received("health")
    assert probe.json["requestMetadata"]["kmsOperation"] == "UpdateCustomKeyStore"


def test_update_the_endpoint(kms, realm, second_proxy):
    store = create_store(kms, realm)
    target = second_proxy.realm()
    kms.update_custom_key_store(
        CustomKeyStoreId=store.store_id,
        XksProxyUriEndpoint=target.uri_endpoint,
        XksProxyUriPath=target.uri_path,
        XksProxyAuthenticationCredential=target.credential.as_parameter(),
    )
    assert store.describe()["XksProxyConfiguration"]["UriEndpoint"] == second_proxy.uri_endpoint
    store.connect_and_wait()


def test_a_new_name_alone_does_not_probe(kms, realm):
    """3.4: unverified; a rename must work while the proxy is away."""
    store = create_store(kms, realm)
    before = len(realm.received())
    kms.update_custom_key_store(CustomKeyStoreId=store.store_id, NewCustomKeyStoreName="only the name")
    assert len(realm.received()) == before
    assert store.describe()["CustomKeyStoreName"] == "only the name"


@pytest.mark.parametrize("row", proxy_errors_from("health"), ids=lambda row: row.name)
def test_a_failing_update_changes_nothing(kms, fault_proxy, realm, row):
    """3.4 and 5.3: all or nothing."""
    store = create_store(kms, realm)
    before = store.describe()
    target = fault_proxy.realm()
    target.behave("health", faults.proxy_error(row.name))
    refused = refusal(
        kms.update_custom_key_store,
        CustomKeyStoreId=store.store_id,
        NewCustomKeyStoreName="must not stick",
        XksProxyUriPath=target.uri_path,
        XksProxyAuthenticationCredential=target.credential.as_parameter(),
    )
    assert (refused.code, refused.message, refused.cause) == (row.store_exception, row.message, row.cause)
    assert store.describe() == before


def test_update_to_what_is_in_use(kms, fault_proxy):
    first, second = (create_store(kms, fault_proxy.realm()) for _ in range(2))
    name = first.describe()["CustomKeyStoreName"]
    call = kms.update_custom_key_store
    refused = refusal(call, CustomKeyStoreId=second.store_id, NewCustomKeyStoreName=name)
    assert refused.code == "CustomKeyStoreNameInUseException"
    refused = refusal(call, CustomKeyStoreId=second.store_id, XksProxyUriPath=first.realm.uri_path)
    assert refused.code == "XksProxyUriInUseException"


def test_update_to_its_own_values(kms, realm):
    """What is its own is not in use by another."""
    store = create_store(kms, realm, CustomKeyStoreName="itself")
    kms.update_custom_key_store(
        CustomKeyStoreId=store.store_id, NewCustomKeyStoreName="itself", XksProxyUriPath=realm.uri_path
    )


def test_an_empty_update(kms, realm):
    """3.4: the ID alone; unverified."""
    store = create_store(kms, realm)
    assert refusal(kms.update_custom_key_store, CustomKeyStoreId=store.store_id).code == "ValidationException"


# 3.1 and 3.4: parameters that do not belong to this type, or not to this connectivity.
WRONG_UPDATES = {
    "a cluster": ({"CloudHsmClusterId": "cluster-2a34b5cdefg"}, "ValidationException"),
    "a password": ({"KeyStorePassword": "kmsPswd123"}, "ValidationException"),
    "a VPC service": ({"XksProxyVpcEndpointServiceName": VPC_SERVICE}, "ValidationException"),
    "to VPC": (
        {
            "XksProxyConnectivity": "VPC_ENDPOINT_SERVICE",
            "XksProxyUriEndpoint": "https://private.faults.test",
            "XksProxyVpcEndpointServiceName": VPC_SERVICE,
        },
        "UnsupportedOperationException",
    ),
}


@pytest.mark.parametrize("case", WRONG_UPDATES)
def test_wrong_updates(kms, realm, case):
    changes, code = WRONG_UPDATES[case]
    store = create_store(kms, realm)
    before = store.describe()
    assert refusal(kms.update_custom_key_store, CustomKeyStoreId=store.store_id, **changes).code == code
    assert store.describe() == before


@pytest.mark.parametrize("operation", ["connect", "disconnect", "update", "delete"])
def test_a_store_that_does_not_exist(kms, operation):
    call = getattr(kms, f"{operation}_custom_key_store")
    changes = {"NewCustomKeyStoreName": "a name"} if operation == "update" else {}
    refused = refusal(call, CustomKeyStoreId="cks-0123456789abcdef0", **changes)
    assert (refused.code, refused.status) == ("CustomKeyStoreNotFoundException", 400)


def test_delete_frees_name_and_uri(kms, realm):
    """3.8."""
    store = create_store(kms, realm, CustomKeyStoreName="again")
    store.delete()
    gone = refusal(kms.describe_custom_key_stores, CustomKeyStoreId=store.store_id)
    assert gone.code == "CustomKeyStoreNotFoundException"
    assert create_store(kms, realm, CustomKeyStoreName="again").store_id != store.store_id


def test_delete_with_keys(kms, realm):
    """3.8: a key that waits for its deletion still counts."""
    store = connected_store(kms, realm)
    key = store.create_key()
    store.disconnect_and_wait()
    assert refusal(store.delete).code == "CustomKeyStoreHasCMKsException"
    kms.schedule_key_deletion(KeyId=key, PendingWindowInDays=7)
    assert refusal(store.delete).code == "CustomKeyStoreHasCMKsException"
    assert store.state() == "DISCONNECTED"


def test_deleting_touches_nothing_outside(kms, realm):
    """2.4: Describe, Disconnect and Delete never call the proxy."""
    store = connected_store(kms, realm)
    before = len(realm.received())
    store.describe()
    store.disconnect_and_wait()
    store.delete()
    assert len(realm.received()) == before


@pytest.fixture(scope="module")
def sparing(make_module_installation):
    """A server on which an account may have one proxy asked a second."""
    return make_module_installation({"custom_key_stores": {"probes_per_second": 1}}).start()


def test_the_rate_of_creates_and_updates_that_ask_a_proxy(sparing, realm, fault_proxy):
    """Nobody learns of the network by asking often; 9.2 for the exception. Other accounts and a mere rename are not slowed down."""
    client = sparing.create_tenant().client
    store = create_store(client, realm)
    refused = wait_until(lambda: refused_update(store), "the rate was used up")
    assert (refused.code, refused.status, refused.message) == ("ThrottlingException", 400, THROTTLING)
    client.update_custom_key_store(CustomKeyStoreId=store.store_id, NewCustomKeyStoreName="renamed meanwhile")
    create_store(sparing.create_tenant().client, fault_proxy.realm())
    wait_until(lambda: refused_update(store) is None, "the rate recovered")
    wait_until(lambda: refused_create(client, fault_proxy.realm()), "creates count as well")


def refused_update(store):
    """The refusal of an update to the credential in use, of which the proxy then hears nothing; `None` if it succeeded."""
    before = len(store.realm.received())
    credential = store.realm.credential.as_parameter()
    try:
        store.client.update_custom_key_store(CustomKeyStoreId=store.store_id, XksProxyAuthenticationCredential=credential)
    except ClientError as failure:
        assert len(store.realm.received()) == before
        return Refusal(failure)
    return None


def refused_create(client, realm):
    """The same of a create."""
    try:
        create_store(client, realm).delete()
    except ClientError as failure:
        assert realm.received() == []
        return Refusal(failure)
    return None
