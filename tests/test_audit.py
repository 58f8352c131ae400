"""One CloudTrail-shaped record for each request, written before the answer leaves.

Source: digest kms-core.md, section 7; digest external-key-stores.md, 8.5; the issue, "Accounts, audit".
"""

import base64
import json
import re

import pytest

from support.documented_errors import NOT_ENABLED
from support.external_store import connected_store, create_parameters, create_store
from support.proxy_behaviours import proxy_error
from support.raw_request import call, signed_request, unsigned_request
from support.sdk_client import refusal, request_id

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
PLAINTEXT = b"a plaintext that no log may hold: 7f3a9c"


@pytest.fixture
def recorded(keystead):
    """The record of an answer."""
    return lambda response: keystead.audit_record(request_id(response))


def test_the_shape_of_a_record(tenant, recorded):
    """7.1 and 7.2: a success."""
    record = recorded(tenant.client.list_keys(Limit=5))
    assert record["eventVersion"].startswith("1.")
    assert record["userIdentity"] == {
        **record["userIdentity"],
        "type": "IAMUser",
        "arn": f"arn:aws:iam::{tenant.account}:user/alice",
        "accountId": tenant.account,
        "accessKeyId": tenant.credentials.access_key_id,
        "userName": "alice",
    }
    assert record["userIdentity"]["principalId"].startswith("AIDA")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["eventTime"])
    assert (record["eventSource"], record["eventName"]) == ("kms.amazonaws.com", "ListKeys")
    assert (record["awsRegion"], record["sourceIPAddress"]) == ("us-east-1", "127.0.0.1")
    assert "Boto3" in record["userAgent"] or "boto" in record["userAgent"].lower()
    assert record["requestParameters"] == {"limit": 5}
    assert record["responseElements"] is None
    assert UUID.fullmatch(record["eventID"])
    assert (record["eventType"], record["managementEvent"]) == ("AwsApiCall", True)
    assert (record["eventCategory"], record["recipientAccountId"]) == ("Management", tenant.account)
    assert record["readOnly"] is True
    assert "errorCode" not in record and "errorMessage" not in record


def test_the_root_user(keystead, recorded):
    account = keystead.create_account()
    client = keystead.client(keystead.create_access_key(account))
    keystead.wait_accepted(client)
    identity = recorded(client.list_keys())["userIdentity"]
    assert (identity["type"], identity["arn"]) == ("Root", f"arn:aws:iam::{account}:root")


def test_an_operation_on_a_key(tenant, recorded):
    """7.1: resources, algorithm even if defaulted, the encryption context; neither plaintext nor ciphertext."""
    arn = tenant.client.create_key()["KeyMetadata"]["Arn"]
    response = tenant.client.encrypt(KeyId=arn, Plaintext=PLAINTEXT, EncryptionContext={"Department": "Engineering"})
    record = recorded(response)
    assert record["requestParameters"] == {
        "keyId": arn,
        "encryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "encryptionContext": {"Department": "Engineering"},
    }
    assert record["responseElements"] is None
    assert record["resources"] == [{"accountId": tenant.account, "type": "AWS::KMS::Key", "ARN": arn}]


def test_re_encrypt_lists_source_and_destination(tenant, recorded):
    source, destination = (tenant.client.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    ciphertext = tenant.client.encrypt(KeyId=source, Plaintext=PLAINTEXT)["CiphertextBlob"]
    record = recorded(tenant.client.re_encrypt(CiphertextBlob=ciphertext, DestinationKeyId=destination))
    assert [resource["ARN"] for resource in record["resources"]] == [source, destination]


def test_create_key_records_its_metadata(tenant, recorded):
    response = tenant.client.create_key(Description="recorded", Tags=[{"TagKey": "a", "TagValue": "b"}])
    record = recorded(response)
    assert record["readOnly"] is False
    assert record["requestParameters"]["description"] == "recorded"
    assert record["requestParameters"]["tags"] == [{"tagKey": "a", "tagValue": "b"}]
    assert record["responseElements"]["keyMetadata"]["arn"] == response["KeyMetadata"]["Arn"]


# 7.1: readOnly. `{key}`, `{store}` and `{ciphertext}` are filled in.
READ_ONLY = [
    ("describe_key", {"KeyId": "{key}"}, True),
    ("list_aliases", {}, True),
    ("list_resource_tags", {"KeyId": "{key}"}, True),
    ("generate_random", {"NumberOfBytes": 8}, True),
    ("generate_data_key", {"KeyId": "{key}", "KeySpec": "AES_128"}, True),
    ("generate_data_key_without_plaintext", {"KeyId": "{key}", "KeySpec": "AES_128"}, True),
    ("describe_custom_key_stores", {}, True),
    ("disable_key", {"KeyId": "{key}"}, False),
    ("enable_key", {"KeyId": "{key}"}, False),
    ("update_key_description", {"KeyId": "{key}", "Description": "d"}, False),
    ("tag_resource", {"KeyId": "{key}", "Tags": [{"TagKey": "a", "TagValue": "b"}]}, False),
    ("untag_resource", {"KeyId": "{key}", "TagKeys": ["a"]}, False),
    ("create_alias", {"AliasName": "alias/audited", "TargetKeyId": "{key}"}, False),
    ("update_alias", {"AliasName": "alias/audited", "TargetKeyId": "{key}"}, False),
    ("delete_alias", {"AliasName": "alias/audited"}, False),
    ("schedule_key_deletion", {"KeyId": "{key}"}, False),
    ("cancel_key_deletion", {"KeyId": "{key}"}, False),
]


@pytest.fixture(scope="module")
def audited_key(module_tenant):
    return module_tenant.client.create_key()["KeyMetadata"]["Arn"]


@pytest.mark.parametrize(("operation", "parameters", "read_only"), READ_ONLY, ids=lambda value: str(value)[:32])
def test_read_only(module_tenant, recorded, audited_key, operation, parameters, read_only):
    filled = {name: audited_key if value == "{key}" else value for name, value in parameters.items()}
    assert recorded(getattr(module_tenant.client, operation)(**filled))["readOnly"] is read_only


def test_a_state_change_without_a_response_body_records_the_key(module_tenant, recorded, audited_key):
    """7.1: `responseElements: {"keyId": "<arn>"}` since December 2022."""
    record = recorded(module_tenant.client.update_key_description(KeyId=audited_key, Description="d"))
    assert record["responseElements"] == {"keyId": audited_key}


def test_a_failure_has_code_and_message(tenant, keystead):
    refused = refusal(tenant.client.describe_key, KeyId="no such key")
    record = keystead.audit_record(refused.request_id)
    assert (record["errorCode"], record["errorMessage"]) == (refused.code, refused.message)
    assert record["responseElements"] is None


# Requests that never reach an operation are recorded, too.
NOT_SERVED = {
    "unsigned": lambda endpoint, credentials: unsigned_request(endpoint),
    "unknown operation": lambda endpoint, credentials: signed_request(endpoint, credentials, "NoSuchOperation"),
    "no JSON": lambda endpoint, credentials: signed_request(endpoint, credentials, body=b"{"),
    "another Region": lambda endpoint, credentials: signed_request(endpoint, credentials, region="eu-north-1"),
    "invalid": lambda endpoint, credentials: signed_request(endpoint, credentials, parameters={"Limit": 0}),
}


@pytest.mark.parametrize("case", NOT_SERVED)
def test_a_request_that_is_not_served(keystead, module_tenant, case):
    answer = NOT_SERVED[case](keystead.endpoint, module_tenant.credentials).send()
    record = keystead.audit_record(answer.headers["x-amzn-requestid"])
    assert record["errorCode"] == answer.type


def test_one_record_for_each_request(keystead, tenant):
    """No request without a record, and none with two."""
    answers = [call(keystead.endpoint, tenant.credentials, "GenerateRandom", {"NumberOfBytes": 1}) for _ in range(30)]
    sent = [answer.headers["x-amzn-requestid"] for answer in answers]
    written = [record["requestID"] for record in keystead.audit_records() if record.get("requestID") in set(sent)]
    assert sorted(written) == sorted(sent)
    identities = [record["eventID"] for record in keystead.audit_records()]
    assert len(set(identities)) == len(identities)


def test_custom_key_store_operations(tenant, realm, recorded):
    """8.5: no resources; the name beside the ID; the credential left out."""
    created = tenant.client.create_custom_key_store(**create_parameters(realm, CustomKeyStoreName="audited"))
    store = created["CustomKeyStoreId"]
    record = recorded(created)
    assert record["requestParameters"]["customKeyStoreName"] == "audited"
    assert record["requestParameters"]["xksProxyUriEndpoint"] == realm.uri_endpoint
    assert record["responseElements"] == {"customKeyStoreId": store}
    assert "resources" not in record
    assert realm.credential.raw_secret_access_key not in json.dumps(record)
    record = recorded(tenant.client.connect_custom_key_store(CustomKeyStoreId=store))
    assert record["requestParameters"] == {"customKeyStoreId": store}
    assert record["additionalEventData"]["customKeyStoreName"] == "audited"
    assert (record["responseElements"], record["readOnly"]) == (None, False)


def test_a_cryptographic_operation_on_an_external_key(tenant, realm, recorded):
    """8.5: both IDs; requestID equals the kmsRequestId that the proxy got."""
    store = connected_store(tenant.client, realm)
    external_key = realm.add_key()
    arn = store.create_key(external_key)
    record = recorded(tenant.client.encrypt(KeyId=arn, Plaintext=PLAINTEXT))
    data = record["additionalEventData"]
    assert (data["customKeyStoreId"], data["xksKeyId"]) == (store.store_id, external_key.identifier)
    seen_by_proxy = realm.received("encrypt")[-1].json["requestMetadata"]["kmsRequestId"]
    assert record["requestID"] == seen_by_proxy


def test_a_failure_of_the_proxy(tenant, realm, keystead):
    """8.5, failed events; the issue: a stable machine-readable cause in header and record."""
    store = connected_store(tenant.client, realm)
    arn = store.create_key()
    realm.behave("encrypt", proxy_error("InvalidStateException"))
    refused = refusal(tenant.client.encrypt, KeyId=arn, Plaintext=PLAINTEXT)
    record = keystead.audit_record(refused.request_id)
    assert (record["errorCode"], record["errorMessage"]) == ("KMSInvalidStateException", NOT_ENABLED)
    assert record["additionalEventData"]["errorCause"] == refused.cause == "EXTERNAL_KEY_DISABLED"
    assert record["additionalEventData"]["customKeyStoreId"] == store.store_id
    assert [resource["ARN"] for resource in record["resources"]] == [arn]


def test_a_failed_create_records_the_cause_and_no_secret(tenant, realm, keystead):
    realm.behave("health", proxy_error("AccessDeniedException"))
    refused = refusal(tenant.client.create_custom_key_store, **create_parameters(realm))
    record = keystead.audit_record(refused.request_id)
    assert record["additionalEventData"]["errorCause"] == refused.cause == "XKS_PROXY_ACCESS_DENIED"
    assert realm.credential.raw_secret_access_key not in json.dumps(record)


def test_no_secret_in_the_log(tenant, realm, keystead):
    """7.1, "Omitted always"; design invariant 2."""
    client = tenant.client
    store = connected_store(client, realm)
    keys = [client.create_key()["KeyMetadata"]["Arn"], store.create_key()]
    secrets = [PLAINTEXT, realm.credential.raw_secret_access_key.encode(), tenant.credentials.secret_access_key.encode()]
    for key in keys:
        ciphertext = client.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
        data_key = client.generate_data_key(KeyId=key, KeySpec="AES_256")
        client.decrypt(CiphertextBlob=ciphertext)
        secrets += [ciphertext, data_key["Plaintext"], data_key["CiphertextBlob"]]
    secrets.append(client.generate_random(NumberOfBytes=32)["Plaintext"])
    log = (keystead.data_folder / "audit.jsonl").read_bytes() + keystead.server.stderr.encode() + keystead.server.stdout.encode()
    for secret in secrets:
        assert secret not in log
        assert base64.b64encode(secret) not in log
        assert secret.hex().encode() not in log


def test_a_refused_plaintext_is_not_logged(keystead, tenant):
    """A validation error names the member, and neither answer nor record holds the value."""
    plaintext = base64.b64encode(PLAINTEXT * 200).decode()
    answer = call(keystead.endpoint, tenant.credentials, "Encrypt", {"KeyId": "alias/a", "Plaintext": plaintext})
    assert answer.type == "ValidationException"
    record = json.dumps(keystead.audit_record(answer.headers["x-amzn-requestid"]))
    assert base64.b64encode(PLAINTEXT).decode()[:24] not in record + answer.message


def test_disconnected_store_calls_are_recorded_with_their_cause(tenant, realm, keystead):
    store = connected_store(tenant.client, realm)
    arn = store.create_key()
    store.disconnect_and_wait()
    refused = refusal(tenant.client.encrypt, KeyId=arn, Plaintext=PLAINTEXT)
    record = keystead.audit_record(refused.request_id)
    assert record["additionalEventData"]["errorCause"] == "KEY_STORE_NOT_CONNECTED"


def test_an_unconnected_store_has_no_secret_in_its_description(tenant, realm):
    store = create_store(tenant.client, realm)
    assert realm.credential.raw_secret_access_key not in json.dumps(store.describe(), default=str)
