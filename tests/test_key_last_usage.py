"""GetKeyLastUsage: what counts as use of a key, and what it tells.

Source: digest kms-core.md, 2.8; KMS API Reference, GetKeyLastUsage.
"""

import datetime
import sqlite3

import pytest

from support.conditions import wait_until
from support.sdk_client import refusal, request_id
from support.stored_keys import make_older
from support.typed_keys import AGREE, ENCRYPT, MAC, SIGN, TypedKeys


def new_key(client, **parameters):
    return client.create_key(**parameters)["KeyMetadata"]["Arn"]


def last_usage(client, key):
    return client.get_key_last_usage(KeyId=key)["KeyLastUsage"]


@pytest.fixture(scope="module")
def keys(module_tenant):
    return TypedKeys(module_tenant.client)


def test_a_key_that_was_never_used(kms):
    created = kms.create_key()["KeyMetadata"]
    answer = kms.get_key_last_usage(KeyId=created["KeyId"])
    answer.pop("ResponseMetadata")
    assert answer == {
        "KeyId": created["Arn"],
        "KeyLastUsage": {},
        "TrackingStartDate": created["CreationDate"],
        "KeyCreationDate": created["CreationDate"],
    }


# The tracked operations: key spec and usage, and the parameters. `{...}` is what `outputs` makes.
USES = {
    "Decrypt": ("SYMMETRIC_DEFAULT", ENCRYPT, {"CiphertextBlob": "{blob}"}),
    "DeriveSharedSecret": ("ECC_NIST_P256", AGREE, {"KeyAgreementAlgorithm": "ECDH", "PublicKey": "{public key}"}),
    "Encrypt": ("SYMMETRIC_DEFAULT", ENCRYPT, {"Plaintext": b"text"}),
    "GenerateDataKey": ("SYMMETRIC_DEFAULT", ENCRYPT, {"KeySpec": "AES_128"}),
    "GenerateDataKeyPair": ("SYMMETRIC_DEFAULT", ENCRYPT, {"KeyPairSpec": "ECC_NIST_P256"}),
    "GenerateDataKeyPairWithoutPlaintext": ("SYMMETRIC_DEFAULT", ENCRYPT, {"KeyPairSpec": "ECC_NIST_P256"}),
    "GenerateDataKeyWithoutPlaintext": ("SYMMETRIC_DEFAULT", ENCRYPT, {"KeySpec": "AES_128"}),
    "GenerateMac": ("HMAC_256", MAC, {"Message": b"text", "MacAlgorithm": "HMAC_SHA_256"}),
    "ReEncrypt": ("SYMMETRIC_DEFAULT", ENCRYPT, {"CiphertextBlob": "{blob}", "DestinationKeyId": "{key}"}),
    "Sign": ("ECC_NIST_P256", SIGN, {"Message": b"text", "SigningAlgorithm": "ECDSA_SHA_256"}),
    "Verify": ("ECC_NIST_P256", SIGN, {"Message": b"text", "Signature": "{signature}", "SigningAlgorithm": "ECDSA_SHA_256"}),
    "VerifyMac": ("HMAC_256", MAC, {"Message": b"text", "Mac": "{mac}", "MacAlgorithm": "HMAC_SHA_256"}),
}


@pytest.fixture(scope="module")
def outputs(module_tenant, keys):
    client, key = module_tenant.client, keys.of("SYMMETRIC_DEFAULT", ENCRYPT)
    mac_key, signing_key = keys.of("HMAC_256", MAC), keys.of("ECC_NIST_P256", SIGN)
    return {
        "{key}": key,
        "{blob}": client.encrypt(KeyId=key, Plaintext=b"text")["CiphertextBlob"],
        "{public key}": client.get_public_key(KeyId=keys.of("ECC_NIST_P256", AGREE))["PublicKey"],
        "{signature}": client.sign(KeyId=signing_key, Message=b"text", SigningAlgorithm="ECDSA_SHA_256")["Signature"],
        "{mac}": client.generate_mac(KeyId=mac_key, Message=b"text", MacAlgorithm="HMAC_SHA_256")["Mac"],
    }


def method(client, operation):
    return getattr(client, next(name for name, of in client.meta.method_to_api_mapping.items() if of == operation))


@pytest.mark.parametrize("operation", USES)
def test_every_tracked_operation(keystead, module_tenant, keys, outputs, operation):
    """The operation, the request and its audit record, which tells when."""
    client = module_tenant.client
    assert set(USES) == set(client.meta.service_model.shape_for("KeyLastUsageTrackingOperation").enum)
    spec, usage, parameters = USES[operation]
    key = keys.of(spec, usage)
    parameters = {name: outputs.get(value, value) for name, value in parameters.items()}
    answer = method(client, operation)(**parameters, **({} if operation == "ReEncrypt" else {"KeyId": key}))
    record = keystead.audit_record(request_id(answer))
    seen = last_usage(client, key)
    moment = seen.pop("Timestamp")
    assert moment.strftime("%Y-%m-%dT%H:%M:%SZ") == record["eventTime"]
    assert seen == {
        "Operation": operation,
        "KmsRequestId": request_id(answer),
        "CloudTrailEventId": record["eventID"],
    }


def test_re_encrypt_uses_both_keys(kms):
    source, destination = new_key(kms), new_key(kms)
    blob = kms.encrypt(KeyId=source, Plaintext=b"x")["CiphertextBlob"]
    answer = kms.re_encrypt(CiphertextBlob=blob, DestinationKeyId=destination)
    for key in (source, destination):
        seen = last_usage(kms, key)
        assert (seen["Operation"], seen["KmsRequestId"]) == ("ReEncrypt", request_id(answer))


def test_an_alias_stands_for_its_key(kms):
    key, other = new_key(kms), new_key(kms)
    kms.create_alias(AliasName="alias/used", TargetKeyId=key)
    kms.encrypt(KeyId="alias/used", Plaintext=b"x")
    assert last_usage(kms, key)["Operation"] == "Encrypt" and last_usage(kms, other) == {}
    refused = refusal(kms.get_key_last_usage, KeyId="alias/used")
    assert refused.message == "Key Aliases are not supported for this operation."


def test_what_is_no_use(kms):
    """What fails, what is only tried, and what is no cryptographic operation."""
    key, signing_key = new_key(kms), new_key(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    other_blob = kms.encrypt(KeyId=new_key(kms), Plaintext=b"x")["CiphertextBlob"]
    assert refusal(kms.encrypt, KeyId=key, Plaintext=b"x", DryRun=True).code == "DryRunOperationException"
    assert refusal(kms.decrypt, KeyId=key, CiphertextBlob=other_blob).code == "IncorrectKeyException"
    kms.disable_key(KeyId=key)
    assert refusal(kms.encrypt, KeyId=key, Plaintext=b"x").code == "DisabledException"
    kms.enable_key(KeyId=key)
    wrong = {"KeyId": signing_key, "Message": b"x", "Signature": b"x" * 70, "SigningAlgorithm": "ECDSA_SHA_256"}
    assert refusal(kms.verify, **wrong).code == "KMSInvalidSignatureException"
    kms.get_public_key(KeyId=signing_key)
    for used in (key, signing_key):
        kms.describe_key(KeyId=used)
        kms.get_key_policy(KeyId=used)
        kms.get_key_last_usage(KeyId=used)
        assert last_usage(kms, used) == {}


def test_the_last_use_counts(kms):
    key = new_key(kms)
    for _ in range(3):
        kms.encrypt(KeyId=key, Plaintext=b"x")
    answer = kms.generate_data_key(KeyId=key, KeySpec="AES_128")
    assert last_usage(kms, key)["KmsRequestId"] == request_id(answer)
    # A later failure does not change it.
    assert refusal(kms.decrypt, CiphertextBlob=b"x", KeyId=key).code == "InvalidCiphertextException"
    assert last_usage(kms, key)["Operation"] == "GenerateDataKey"


def test_the_end_of_a_server_loses_nothing(make_installation):
    """What was noted is stored when the server is told to stop."""
    installation = make_installation().start()
    tenant = installation.create_tenant()
    key = new_key(tenant.client)
    tenant.client.encrypt(KeyId=key, Plaintext=b"x")
    before = tenant.client.get_key_last_usage(KeyId=key)
    client = installation.restart().client(tenant.credentials)
    after = client.get_key_last_usage(KeyId=key)
    for answer in (before, after):
        answer.pop("ResponseMetadata")
    assert after == before and after["KeyLastUsage"]["Operation"] == "Encrypt"
    # And what is used again, is told again.
    answer = client.encrypt(KeyId=key, Plaintext=b"x")
    assert last_usage(client, key)["KmsRequestId"] == request_id(answer)
    assert installation.stop() == 0


def test_a_killed_server_loses_little(make_installation):
    """What was noted is stored after a few seconds, whether the server ends well or not."""
    installation = make_installation().start()
    tenant = installation.create_tenant()
    key = new_key(tenant.client)
    answer = tenant.client.encrypt(KeyId=key, Plaintext=b"x")
    wait_until(lambda: stored_requests(installation) == [request_id(answer)], "the last usage was stored")
    installation.kill()
    client = installation.start().client(tenant.credentials)
    assert last_usage(client, key)["KmsRequestId"] == request_id(answer)
    assert installation.stop() == 0


def stored_requests(installation):
    store = sqlite3.connect(f"file:{installation.data_folder / 'store.sqlite'}?mode=ro", uri=True)
    try:
        return [request for (request,) in store.execute("SELECT request_id FROM key_last_usages")]
    finally:
        store.close()


def test_a_key_that_is_older_than_tracking(make_installation):
    """TrackingStartDate is when the store came to track, for a key that was there before."""
    installation = make_installation().start()
    tenant = installation.create_tenant()
    key, began = new_key(tenant.client), datetime.datetime.now(datetime.timezone.utc)
    assert installation.stop() == 0
    make_older(installation.data_folder / "store.sqlite", key.rpartition("/")[2], days=30)
    answer = installation.start().client(tenant.credentials).get_key_last_usage(KeyId=key)
    assert answer["KeyCreationDate"] < began - datetime.timedelta(days=29)
    assert began - datetime.timedelta(hours=1) < answer["TrackingStartDate"] <= began
    assert installation.stop() == 0


def test_a_strangers_key(keystead, tenant):
    key = new_key(tenant.client)
    assert refusal(keystead.create_tenant().client.get_key_last_usage, KeyId=key).code == "AccessDeniedException"
