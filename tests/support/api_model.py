"""The KMS API model as botocore ships it, and values that violate it."""

import functools

import botocore.session

SERVED_OPERATIONS = [
    "CancelKeyDeletion",
    "ConnectCustomKeyStore",
    "CreateAlias",
    "CreateCustomKeyStore",
    "CreateKey",
    "Decrypt",
    "DeleteAlias",
    "DeleteCustomKeyStore",
    "DescribeCustomKeyStores",
    "DescribeKey",
    "DisableKey",
    "DisconnectCustomKeyStore",
    "EnableKey",
    "Encrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateRandom",
    "ListAliases",
    "ListKeys",
    "ListResourceTags",
    "ReEncrypt",
    "ScheduleKeyDeletion",
    "TagResource",
    "UntagResource",
    "UpdateAlias",
    "UpdateCustomKeyStore",
    "UpdateKeyDescription",
]


@functools.cache
def service_model():
    return botocore.session.Session().get_service_model("kms")


def input_members(operation):
    """(name, shape, required) of each top-level member of a request."""
    shape = service_model().operation_model(operation).input_shape
    return [(name, member, name in shape.required_members) for name, member in shape.members.items()]
