"""Resource quotas and request quotas: what comes above is refused with the documented exception, and no other account feels it.

Source: digest kms-core.md, 9.1 and 9.2; docs/quotas.md.
"""

import pytest
from botocore.exceptions import ClientError

from support.installation import Installation
from support.sdk_client import Refusal, refusal

THROTTLED = "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls."
# Far more than any quota of these tests lets through, however slow the machine.
MANY = 300


@pytest.fixture
def limited(tmp_path):
    """A server with small quotas."""
    settings = {
        "resource_quotas": {"kms_keys": 3, "aliases_per_key": 2, "grants_per_key": 2, "key_policy_bytes": 1000},
        "request_quotas": {
            "enabled": True,
            "per_second": {
                "CreateKey": 1000,
                "CreateAlias": 1000,
                "DescribeKey": 3,
                "CryptographicOperationsSymmetric": 5,
                "CryptographicOperationsEcc": 3,
            },
        },
    }
    installation = Installation(tmp_path, settings).start()
    yield installation
    assert installation.stop() == 0


@pytest.fixture
def tenant(limited):
    return limited.create_tenant()


def create_key(client, **parameters):
    return client.create_key(**parameters)["KeyMetadata"]["KeyId"]


def until_throttled(call):
    """Calls until a quota is used up; returns how often it succeeded, and the refusal."""
    for count in range(MANY):
        try:
            call()
        except ClientError as failure:
            refused = Refusal(failure)
            return count, (refused.code, refused.message)
    raise AssertionError(f"{MANY} calls in a row were let through")


def test_resource_quotas(tenant):
    client = tenant.client
    keys = [create_key(client) for _ in range(3)]
    refused = refusal(client.create_key)
    assert refused.code == "LimitExceededException" and "is 3, current usage is 3." in refused.message
    client.schedule_key_deletion(KeyId=keys[0], PendingWindowInDays=7)
    assert refusal(client.create_key).code == "LimitExceededException", "a key that is pending deletion counts"

    for name in ("alias/one", "alias/two"):
        client.create_alias(AliasName=name, TargetKeyId=keys[1])
    refused = refusal(client.create_alias, AliasName="alias/three", TargetKeyId=keys[1])
    assert refused.code == "LimitExceededException"
    assert refused.message == "Aliases per key quota for this account in this region is 2, current usage is 2."

    grantee = f"arn:aws:iam::{tenant.account}:root"
    for _ in range(2):
        client.create_grant(KeyId=keys[1], GranteePrincipal=grantee, Operations=["Encrypt"])
    refused = refusal(client.create_grant, KeyId=keys[1], GranteePrincipal=grantee, Operations=["Decrypt"])
    assert refused.code == "LimitExceededException"

    policy = client.get_key_policy(KeyId=keys[1])["Policy"]
    refused = refusal(client.put_key_policy, KeyId=keys[1], Policy=policy + " " * 1000)
    assert refused.code == "LimitExceededException"


def test_request_quotas_are_each_accounts_own(limited, tenant):
    other = limited.create_tenant()
    key, others_key = create_key(tenant.client), create_key(other.client)
    _, refused = until_throttled(lambda: tenant.client.describe_key(KeyId=key))
    assert refused == ("ThrottlingException", THROTTLED)
    # The other account has all of its own quota while this one has none.
    for _ in range(3):
        other.client.describe_key(KeyId=others_key)


def test_the_algorithm_decides_which_quota_a_cryptographic_operation_counts_against(tenant):
    client = tenant.client
    symmetric = create_key(client)
    curve = create_key(client, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    sign = {"KeyId": curve, "Message": b"message", "SigningAlgorithm": "ECDSA_SHA_256"}
    count, refused = until_throttled(lambda: client.sign(**sign))
    assert count >= 3 and refused == ("ThrottlingException", THROTTLED)
    client.encrypt(KeyId=symmetric, Plaintext=b"plain")
    _, refused = until_throttled(lambda: client.encrypt(KeyId=symmetric, Plaintext=b"plain"))
    assert refused == ("ThrottlingException", THROTTLED)


def test_requests_for_keys_that_do_not_exist_count(tenant):
    missing = "1234abcd-12ab-34cd-56ef-1234567890ab"
    codes = (refusal(tenant.client.encrypt, KeyId=missing, Plaintext=b"plain").code for _ in range(MANY))
    assert next(codes) == "NotFoundException"
    assert next(code for code in codes if code != "NotFoundException") == "ThrottlingException"


def test_a_throttled_request_is_recorded_with_its_cause(limited, tenant):
    key = create_key(tenant.client)
    until_throttled(lambda: tenant.client.describe_key(KeyId=key))
    records = [record for record in limited.audit_records() if record.get("errorCode") == "ThrottlingException"]
    assert records and all(record["additionalEventData"]["errorCause"] == "REQUEST_RATE_EXCEEDED" for record in records)


def test_quotas_as_shipped_hold(tmp_path):
    installation = Installation(tmp_path, {"request_quotas": {"enabled": True}}).start()
    client = installation.create_tenant().client
    count, refused = until_throttled(client.create_key)
    assert count >= 5 and refused == ("ThrottlingException", THROTTLED)
    assert installation.stop() == 0
