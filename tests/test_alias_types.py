"""UpdateAlias moves an alias to a key of the same type and usage alone.

Source: digest kms-core.md, 5.2; KMS API Reference, UpdateAlias.
"""

import itertools

import pytest

from support.sdk_client import refusal
from support.typed_keys import AGREE, ENCRYPT, MAC, SIGN, TypedKeys

# Key types: those in one row may take each other's aliases.
FAMILIES = [
    [("SYMMETRIC_DEFAULT", ENCRYPT)],
    [("RSA_2048", ENCRYPT), ("RSA_3072", ENCRYPT)],
    [("RSA_2048", SIGN), ("ECC_NIST_P256", SIGN), ("ECC_NIST_EDWARDS25519", SIGN), ("ML_DSA_44", SIGN)],
    [("ECC_NIST_P256", AGREE), ("ECC_NIST_P384", AGREE)],
    [("HMAC_256", MAC), ("HMAC_512", MAC)],
]
FAMILY_OF = {key_type: number for number, family in enumerate(FAMILIES) for key_type in family}
_numbers = itertools.count(1)


@pytest.fixture(scope="module")
def keys(module_tenant):
    return TypedKeys(module_tenant.client)


@pytest.mark.parametrize("current", FAMILY_OF, ids=str)
def test_which_keys_an_alias_may_move_to(module_tenant, keys, current):
    client, alias = module_tenant.client, f"alias/moving-{next(_numbers)}"
    client.create_alias(AliasName=alias, TargetKeyId=keys.of(*current))
    for new in FAMILY_OF:
        if FAMILY_OF[new] == FAMILY_OF[current]:
            client.update_alias(AliasName=alias, TargetKeyId=keys.of(*new))
            assert target(client, alias) == keys.of(*new)
            client.update_alias(AliasName=alias, TargetKeyId=keys.of(*current))
            continue
        refused = refusal(client.update_alias, AliasName=alias, TargetKeyId=keys.of(*new))
        assert refused.code == "ValidationException"
        assert target(client, alias) == keys.of(*current)


def test_the_way_around(module_tenant, keys):
    """The documentation's: delete the alias and make it anew."""
    client, alias = module_tenant.client, f"alias/remade-{next(_numbers)}"
    client.create_alias(AliasName=alias, TargetKeyId=keys.of("HMAC_256", MAC))
    client.delete_alias(AliasName=alias)
    client.create_alias(AliasName=alias, TargetKeyId=keys.of("RSA_2048", SIGN))
    assert target(client, alias) == keys.of("RSA_2048", SIGN)


def test_a_key_of_another_type_is_told_whatever_its_state(kms):
    kms.create_alias(AliasName="alias/stays", TargetKeyId=kms.create_key()["KeyMetadata"]["KeyId"])
    other = kms.create_key(KeySpec="HMAC_256", KeyUsage=MAC)["KeyMetadata"]["KeyId"]
    kms.schedule_key_deletion(KeyId=other, PendingWindowInDays=7)
    assert refusal(kms.update_alias, AliasName="alias/stays", TargetKeyId=other).code == "ValidationException"


def target(client, alias):
    return client.describe_key(KeyId=alias)["KeyMetadata"]["Arn"]
