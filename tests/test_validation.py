"""Every constraint of the API model, and the texts of ValidationException.

Source: digest kms-core.md, 1.5 (grammar), 2.4 (constraints); the model as botocore ships it.
"""

import base64

import pytest

from support.raw_request import call

KEY_ID = "1234abcd-12ab-34cd-56ef-1234567890ab"
DETECTED = " validation error detected: "
REFUSED = " failed to satisfy constraint: "


@pytest.fixture(scope="module")
def refused(keystead, module_tenant):
    """Calls an operation and returns the message of its ValidationException."""

    def refused(operation, parameters):
        answer = call(keystead.endpoint, module_tenant.credentials, operation, parameters)
        assert answer.status == 400, answer
        assert answer.type == "ValidationException", answer
        return answer.message

    return refused


def b64(length):
    return base64.b64encode(b"x" * length).decode()


def credential(**changes):
    return {"AccessKeyId": "A" * 20, "RawSecretAccessKey": "s" * 43, **changes}


def external(**changes):
    """A CreateCustomKeyStore request in which only the changes are wrong."""
    parameters = {
        "CustomKeyStoreName": "validation",
        "CustomKeyStoreType": "EXTERNAL_KEY_STORE",
        "XksProxyConnectivity": "PUBLIC_ENDPOINT",
        "XksProxyUriEndpoint": "https://xks.example.test",
        "XksProxyUriPath": "/kms/xks/v1",
        "XksProxyAuthenticationCredential": credential(),
    }
    return {**parameters, **changes}


# operation, parameters, item of the message. Of a long value only the beginning is shown.
CONSTRAINTS = [
    ("GenerateRandom", {"NumberOfBytes": 0}, "Value '0' at 'numberOfBytes'{}Member must have value greater than or equal to 1"),
    ("GenerateRandom", {"NumberOfBytes": 1025}, "Value '1025' at 'numberOfBytes'{}Member must have value less than or equal to 1024"),
    ("GenerateRandom", {"NumberOfBytes": -5}, "Value '-5' at 'numberOfBytes'{}Member must have value greater than or equal to 1"),
    ("Encrypt", {"KeyId": KEY_ID, "Plaintext": b64(4097)}, "Value at 'plaintext'{}Member must have length less than or equal to 4096"),
    ("Encrypt", {"KeyId": KEY_ID, "Plaintext": ""}, "Value at 'plaintext'{}Member must have length greater than or equal to 1"),
    ("Encrypt", {"KeyId": KEY_ID}, "Value null at 'plaintext'{}Member must not be null"),
    ("Encrypt", {"Plaintext": b64(1)}, "Value null at 'keyId'{}Member must not be null"),
    ("Decrypt", {"CiphertextBlob": b64(6145)}, "Value at 'ciphertextBlob'{}Member must have length less than or equal to 6144"),
    ("Decrypt", {"CiphertextBlob": ""}, "Value at 'ciphertextBlob'{}Member must have length greater than or equal to 1"),
    ("DescribeKey", {}, "Value null at 'keyId'{}Member must not be null"),
    ("DescribeKey", {"KeyId": ""}, "Value '' at 'keyId'{}Member must have length greater than or equal to 1"),
    ("DescribeKey", {"KeyId": "a" * 2049}, "Value '" + "a" * 256 + "...' at 'keyId'{}Member must have length less than or equal to 2048"),
    ("ListKeys", {"Limit": 0}, "Value '0' at 'limit'{}Member must have value greater than or equal to 1"),
    ("ListKeys", {"Limit": 1001}, "Value '1001' at 'limit'{}Member must have value less than or equal to 1000"),
    ("ListKeys", {"Marker": ""}, "Value '' at 'marker'{}Member must have length greater than or equal to 1"),
    ("ListKeys", {"Marker": "m" * 1025}, "Value '" + "m" * 256 + "...' at 'marker'{}Member must have length less than or equal to 1024"),
    (
        "CreateKey",
        {"Tags": [{"TagKey": "a" * 129, "TagValue": ""}]},
        "Value '" + "a" * 129 + "' at 'tags.1.member.tagKey'{}Member must have length less than or equal to 128",
    ),
    (
        "CreateKey",
        {"Tags": [{"TagKey": "a", "TagValue": ""}, {"TagKey": "b", "TagValue": "v" * 257}]},
        "Value '" + "v" * 256 + "...' at 'tags.2.member.tagValue'{}Member must have length less than or equal to 256",
    ),
    (
        "CreateKey",
        {"Tags": [{"TagValue": "v"}]},
        "Value null at 'tags.1.member.tagKey'{}Member must not be null",
    ),
    (
        "CreateAlias",
        {"AliasName": "alias/a b", "TargetKeyId": KEY_ID},
        "Value 'alias/a b' at 'aliasName'{}Member must satisfy regular expression pattern: ^[a-zA-Z0-9:/_-]+$",
    ),
    (
        "ScheduleKeyDeletion",
        {"KeyId": KEY_ID, "PendingWindowInDays": 366},
        "Value '366' at 'pendingWindowInDays'{}Member must have value less than or equal to 365",
    ),
    (
        "CreateCustomKeyStore",
        external(XksProxyUriEndpoint="http://xks.example.test"),
        "Value 'http://xks.example.test' at 'xksProxyUriEndpoint'{}"
        "Member must satisfy regular expression pattern: ^https://[a-zA-Z0-9.-]+$",
    ),
    (
        "CreateCustomKeyStore",
        external(XksProxyUriEndpoint="https://xks.example.test:8443"),
        "Value 'https://xks.example.test:8443' at 'xksProxyUriEndpoint'{}"
        "Member must satisfy regular expression pattern: ^https://[a-zA-Z0-9.-]+$",
    ),
    (
        "CreateCustomKeyStore",
        external(XksProxyAuthenticationCredential=credential(AccessKeyId="a" * 20)),
        "Value at 'xksProxyAuthenticationCredential.accessKeyId'{}Member must satisfy regular expression pattern: ^[A-Z2-7]+$",
    ),
    (
        "CreateCustomKeyStore",
        external(XksProxyAuthenticationCredential=credential(RawSecretAccessKey="s" * 42)),
        "Value at 'xksProxyAuthenticationCredential.rawSecretAccessKey'{}Member must have length greater than or equal to 43",
    ),
    (
        "UpdateCustomKeyStore",
        {"CustomKeyStoreId": "cks-1234567890abcdef0", "XksProxyAuthenticationCredential": {"AccessKeyId": "A" * 20}},
        "Value null at 'xksProxyAuthenticationCredential.rawSecretAccessKey'{}Member must not be null",
    ),
]


@pytest.mark.parametrize(("operation", "parameters", "item"), CONSTRAINTS, ids=lambda value: str(value)[:60])
def test_the_message_of_one_violation(refused, operation, parameters, item):
    assert refused(operation, parameters) == "1" + DETECTED + item.format(REFUSED)


# 1.5: the order within the set is not to be relied on.
ENUMERATIONS = [
    ("CreateKey", {"KeyUsage": "RANDOM"}, "keyUsage", "RANDOM", ["ENCRYPT_DECRYPT", "SIGN_VERIFY", "GENERATE_VERIFY_MAC", "KEY_AGREEMENT"]),
    ("CreateKey", {"Origin": "SOMEWHERE"}, "origin", "SOMEWHERE", ["AWS_KMS", "EXTERNAL", "AWS_CLOUDHSM", "EXTERNAL_KEY_STORE"]),
    ("GenerateDataKey", {"KeyId": KEY_ID, "KeySpec": "AES_512"}, "keySpec", "AES_512", ["AES_256", "AES_128"]),
    (
        "CreateCustomKeyStore",
        external(XksProxyConnectivity="TUNNEL"),
        "xksProxyConnectivity",
        "TUNNEL",
        ["PUBLIC_ENDPOINT", "VPC_ENDPOINT_SERVICE"],
    ),
]


@pytest.mark.parametrize(("operation", "parameters", "path", "value", "allowed"), ENUMERATIONS, ids=lambda value: str(value)[:40])
def test_the_message_of_a_value_outside_an_enumeration(refused, operation, parameters, path, value, allowed):
    head, _, rest = refused(operation, parameters).partition("Member must satisfy enum value set: [")
    assert head == f"1{DETECTED}Value '{value}' at '{path}'{REFUSED}"
    assert rest.endswith("]") and set(rest[:-1].split(", ")) == set(allowed)


def test_several_violations_are_all_named(refused):
    """1.5: plural, joined by a semicolon (unverified for KMS)."""
    message = refused("CreateAlias", {})
    head, _, items = message.partition(": ")
    assert head == "2 validation errors detected"
    assert set(items.split("; ")) == {
        f"Value null at '{name}'{REFUSED}Member must not be null" for name in ("aliasName", "targetKeyId")
    }


# 1.5: rules beyond the model, without the prefix. An alternative text stands where the digest has only an emulator's word for it.
ALIAS_PREFIX = (
    'Alias must start with the prefix "alias/". Please see https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html'
)
SEMANTIC = [
    ("GenerateRandom", {}, "NumberOfBytes is required."),
    ("GenerateDataKey", {"KeyId": "{key}"}, "Please specify either number of bytes or key spec."),
    (
        "GenerateDataKey",
        {"KeyId": "{key}", "NumberOfBytes": 16, "KeySpec": "AES_128"},
        "Please specify either number of bytes or key spec.",
    ),
    ("GenerateDataKeyWithoutPlaintext", {"KeyId": "{key}"}, "Please specify either number of bytes or key spec."),
    (
        "CreateKey",
        {"KeySpec": "SYMMETRIC_DEFAULT", "CustomerMasterKeySpec": "SYMMETRIC_DEFAULT"},
        "You cannot specify KeySpec and CustomerMasterKeySpec in the same request. CustomerMasterKeySpec is deprecated.",
    ),
    ("CreateAlias", {"AliasName": "no-prefix", "TargetKeyId": "{key}"}, ALIAS_PREFIX),
    ("UpdateAlias", {"AliasName": "no-prefix", "TargetKeyId": "{key}"}, ALIAS_PREFIX),
    ("DeleteAlias", {"AliasName": "no-prefix"}, ALIAS_PREFIX),
    ("CreateAlias", {"AliasName": "alias/a", "TargetKeyId": "alias/b"}, "Aliases must refer to keys. Not aliases"),
    (
        "ScheduleKeyDeletion",
        {"KeyId": "{key}", "PendingWindowInDays": 6},
        "PendingWindowInDays should be between 7 and 30, but it is 6",
    ),
    (
        "ScheduleKeyDeletion",
        {"KeyId": "{key}", "PendingWindowInDays": 31},
        "PendingWindowInDays should be between 7 and 30, but it is 31",
    ),
]


@pytest.mark.parametrize(("operation", "parameters", "message"), SEMANTIC, ids=lambda value: str(value)[:60])
def test_rules_beyond_the_model(refused, module_tenant, operation, parameters, message):
    key = module_tenant.client.create_key()["KeyMetadata"]["KeyId"]
    filled = {name: key if value == "{key}" else value for name, value in parameters.items()}
    assert refused(operation, filled) == message
