"""For every operation of the model, requests that succeed and together have every member that the model documents.

Each call is a function that makes all of its members, given an account and the names of the members that will be sent. The operations'
tables are those of digest kms-core.md, 2.2 and 2.3.
"""

import itertools
import json
import os
import time
from dataclasses import dataclass

from support import second_implementation as second
from support.api_model import service_model
from support.conditions import wait_until
from support.external_store import ExternalStore, connected_store, create_parameters, create_store
from support.model_values import b64
from support.raw_request import call as raw_call
from support.sdk_client import OTHER_REGION, service_client

CONTEXT = {"department": "finance", "ünïcode": "漢字"}
MESSAGE = b"attack at dawn"
DRY_RUN = "DryRunOperationException"
VPC_SERVICE = "com.amazonaws.vpce.us-east-1.vpce-svc-0123456789abcdef0"
NO_STORE = "cks-00000000000000000"
TAGS = [{"TagKey": "a", "TagValue": "1"}, {"TagKey": "b", "TagValue": ""}]
_names = itertools.count(1)


class _Everything:
    """The set of all names."""

    def __contains__(self, name):
        return True


EVERYTHING = _Everything()


@dataclass(frozen=True)
class ValidCall:
    """`make(account, chosen)` gives the members; `always` are those that the rules beyond the model require; `needs` says which members
    another one must have beside it; `outcomes` are the exceptions to expect, where success cannot be had here."""

    operation: str
    name: str
    make: object
    always: frozenset
    needs: dict
    outcomes: tuple

    def whole(self, account):
        """All members, as JSON."""
        return self.make(account, EVERYTHING)

    def parts(self, members):
        """The smaller sets of these members to send: the least, and each optional one alone."""
        least = frozenset(self._required() | self.always)
        assert least <= set(members), f"{self.name} lacks {least - set(members)}"
        alone = [self._closed(least | {member}) for member in sorted(set(members) - least)]
        return [part for part in dict.fromkeys([least, *alone]) if part != set(members)]

    def part(self, account, chosen):
        """The request with these members only, as JSON."""
        return {name: value for name, value in self.make(account, chosen).items() if name in chosen}

    def _required(self):
        return set(service_model().operation_model(self.operation).input_shape.required_members)

    def _closed(self, chosen):
        closed = frozenset(chosen).union(*(self.needs.get(member, ()) for member in chosen))
        return closed if closed == chosen else self._closed(closed)


CALLS = []


def call_of(operation, always=(), needs=None, outcomes=()):
    """Registers a function as a valid call of the operation."""

    def register(make):
        CALLS.append(ValidCall(operation, make.__name__, make, frozenset(always), needs or {}, tuple(outcomes)))
        return make

    return register


class CallingAccount:
    """An account with what the calls need, made when it is first asked for."""

    def __init__(self, installation, tenant, fault_proxy, authority, enclave):
        self.installation = installation
        self.tenant = tenant
        self.client = tenant.client
        self._proxy = fault_proxy
        self.authority = authority
        self._enclave = enclave
        self.principal = f"arn:aws:iam::{tenant.account}:user/alice"
        self.there = service_client("kms", installation.endpoint, tenant.credentials, region=OTHER_REGION)
        self._shared = {}

    def raw(self, operation, parameters):
        """Sends a request as it is; the answer is as it came."""
        return raw_call(self.installation.endpoint, self.tenant.credentials, operation, parameters)

    def once(self, name, make):
        """What is made once and shared."""
        if name not in self._shared:
            self._shared[name] = make()
        return self._shared[name]

    def new_key(self, **parameters):
        return self.client.create_key(**parameters)["KeyMetadata"]["Arn"]

    def key(self, spec="SYMMETRIC_DEFAULT", usage="ENCRYPT_DECRYPT"):
        """A shared key of this kind."""
        return self.once((spec, usage), lambda: self.new_key(KeySpec=spec, KeyUsage=usage))

    def tokens(self, *operations, key=None):
        """Grant tokens for operations on a key (the shared symmetric one unless given)."""
        key = key or self.key()
        parameters = {"KeyId": key, "GranteePrincipal": self.principal, "Operations": list(operations)}
        return self.once(("token", key, operations), lambda: [self.client.create_grant(**parameters)["GrantToken"]])

    def new_grant(self, **parameters):
        """The answer of a CreateGrant on the shared symmetric key."""
        parameters = {"GranteePrincipal": self.principal, "RetiringPrincipal": self.principal, **parameters}
        return self.client.create_grant(KeyId=self.key(), Operations=["Encrypt", "DescribeKey"], **parameters)

    def new_alias(self, key=None):
        alias = f"alias/valid-{next(_names)}"
        self.client.create_alias(AliasName=alias, TargetKeyId=key or self.key())
        return alias

    def recipient(self):
        """The parameter `Recipient` as JSON."""
        recipient = self._enclave.recipient()
        return {**recipient, "AttestationDocument": b64(recipient["AttestationDocument"])}

    def awaiting_material(self, **parameters):
        return self.new_key(Origin="EXTERNAL", **parameters)

    def wrapped(self, key, material):
        """The import token and the wrapped material, as JSON."""
        algorithm = "RSAES_OAEP_SHA_256"
        parameters = self.client.get_parameters_for_import(
            KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048"
        )
        return {
            "ImportToken": b64(parameters["ImportToken"]),
            "EncryptedKeyMaterial": b64(second.wrap(material, algorithm, parameters["PublicKey"])),
        }

    def with_material(self):
        """A new symmetric key with imported material: (ARN, material, its ID)."""
        key, material = self.awaiting_material(), os.urandom(32)
        imported = second.import_material(self.client, key, material, "RSAES_OAEP_SHA_256")
        return key, material, imported["KeyMaterialId"]

    def multi_region_pair(self):
        """A new multi-Region primary key with a replica in the other Region; returns the primary's ARN."""
        primary = self.new_key(MultiRegion=True)
        self.client.replicate_key(KeyId=primary, ReplicaRegion=OTHER_REGION)
        self._wait_enabled(self.there, primary.rpartition("/")[2])
        return primary

    def _wait_enabled(self, client, key):
        wait_until(lambda: client.describe_key(KeyId=key)["KeyMetadata"]["KeyState"] == "Enabled", f"{key} was enabled")

    def rotated_key(self):
        """A key with two materials."""
        return self.once("rotated", self._rotate_new_key)

    def _rotate_new_key(self):
        key = self.new_key()
        self.client.rotate_key_on_demand(KeyId=key)
        wait_until(lambda: self.client.list_key_rotations(KeyId=key)["Rotations"], "the key was rotated")
        return key

    def realm(self):
        """A new realm of the proxy, for a new key store; an account may have ten of those."""
        if len(self._stores()) > 7:
            self._delete_unshared_stores()
        return self._proxy.realm()

    def _stores(self):
        return self.client.describe_custom_key_stores()["CustomKeyStores"]

    def _delete_unshared_stores(self):
        shared = self.store().store_id
        for entry in self._stores():
            store = ExternalStore(self.client, None, entry["CustomKeyStoreId"])
            if store.store_id != shared:
                if entry["ConnectionState"] != "DISCONNECTED":
                    store.wait_state("CONNECTED", "DISCONNECTED")
                    store.disconnect_and_wait()
                store.delete()

    def new_store(self):
        """An external key store that is not connected, over a realm of its own."""
        return create_store(self.client, self.realm())

    def store(self):
        """A shared external key store, connected."""
        return self.once("store", lambda: connected_store(self.client, self._proxy.realm()))

    def marker(self, operation, **parameters):
        """The marker of a second page of one entry each."""
        answer = getattr(self.client, operation)(Limit=1, **parameters)
        assert answer["Truncated"], f"{operation} has one page"
        return answer["NextMarker"]

    def policy(self):
        """A key policy that lets the account in."""
        statement = {
            "Sid": "Enable IAM User Permissions",
            "Effect": "Allow",
            "Principal": {"AWS": f"arn:aws:iam::{self.tenant.account}:root"},
            "Action": "kms:*",
            "Resource": "*",
        }
        return json.dumps({"Version": "2012-10-17", "Id": "valid", "Statement": [statement]})

    def encrypted(self, context=None):
        """A ciphertext by the shared symmetric key, as JSON."""
        return b64(self.client.encrypt(KeyId=self.key(), Plaintext=MESSAGE, EncryptionContext=context or {})["CiphertextBlob"])

    def rsa_encrypted(self):
        """A ciphertext by the shared RSA key, as JSON."""
        key = self.key("RSA_2048")
        answer = self.client.encrypt(KeyId=key, Plaintext=MESSAGE, EncryptionAlgorithm="RSAES_OAEP_SHA_256")
        return b64(answer["CiphertextBlob"])


# ---- keys ----

KEY_TYPES = [
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
    *((spec, "GENERATE_VERIFY_MAC") for spec in second.HMAC_SPECS),
    *((spec, "SIGN_VERIFY") for spec in second.SIGNING_ALGORITHMS),
    *((spec, "KEY_AGREEMENT") for spec in second.AGREEMENT_SPECS),
    ("RSA_2048", "ENCRYPT_DECRYPT"),
]


@call_of("CreateKey")
def create_symmetric_key(account, chosen):
    return {
        "Policy": account.policy(),
        "Description": "a key",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "Origin": "AWS_KMS",
        "BypassPolicyLockoutSafetyCheck": True,
        "Tags": TAGS,
        "MultiRegion": True,
    }


@call_of("CreateKey", always=["CustomerMasterKeySpec", "KeyUsage"])
def create_key_by_the_old_name(account, chosen):
    return {"CustomerMasterKeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC", "Origin": "EXTERNAL", "MultiRegion": False}


@call_of("CreateKey", always=["Origin", "CustomKeyStoreId", "XksKeyId"])
def create_key_in_an_external_key_store(account, chosen):
    store = account.store()
    return {
        "Origin": "EXTERNAL_KEY_STORE",
        "CustomKeyStoreId": store.store_id,
        "XksKeyId": store.realm.add_key().identifier,
        "Description": "an external key",
        "KeySpec": "SYMMETRIC_DEFAULT",
        "KeyUsage": "ENCRYPT_DECRYPT",
        "MultiRegion": False,
    }


def _register_key_types():
    for spec, usage in KEY_TYPES:

        def create(account, chosen, spec=spec, usage=usage):
            return {"KeySpec": spec, "KeyUsage": usage}

        create.__name__ = f"create_{spec}_for_{usage}"
        call_of("CreateKey", always=["KeySpec", "KeyUsage"])(create)

        def describe(account, chosen, spec=spec, usage=usage):
            return {"KeyId": account.key(spec, usage)}

        describe.__name__ = f"describe_{spec}_for_{usage}"
        call_of("DescribeKey")(describe)


_register_key_types()


@call_of("DescribeKey")
def describe_key(account, chosen):
    return {"KeyId": account.key(), "GrantTokens": account.tokens("DescribeKey")}


@call_of("DescribeKey")
def describe_a_multi_region_key(account, chosen):
    return {"KeyId": account.once("pair", account.multi_region_pair)}


@call_of("DescribeKey")
def describe_a_key_with_imported_material(account, chosen):
    return {"KeyId": account.with_material()[0]}


@call_of("DescribeKey")
def describe_a_key_in_an_external_key_store(account, chosen):
    return {"KeyId": account.store().create_key()}


@call_of("DescribeKey")
def describe_a_key_pending_deletion(account, chosen):
    return {"KeyId": pending_deletion(account)}


@call_of("DescribeKey")
def describe_a_primary_key_pending_deletion(account, chosen):
    primary = account.multi_region_pair()
    account.client.schedule_key_deletion(KeyId=primary, PendingWindowInDays=7)
    return {"KeyId": primary}


@call_of("ListKeys")
def list_keys(account, chosen):
    for spec, usage in KEY_TYPES[:2]:
        account.key(spec, usage)
    return {"Limit": 1, "Marker": account.marker("list_keys")}


@call_of("EnableKey")
def enable_key(account, chosen):
    return {"KeyId": account.new_key()}


@call_of("DisableKey")
def disable_key(account, chosen):
    return {"KeyId": account.new_key()}


@call_of("UpdateKeyDescription")
def update_key_description(account, chosen):
    return {"KeyId": account.key(), "Description": "ünïcode 漢字"}


@call_of("ScheduleKeyDeletion")
def schedule_key_deletion(account, chosen):
    return {"KeyId": account.new_key(), "PendingWindowInDays": 7}


@call_of("ScheduleKeyDeletion")
def schedule_the_deletion_of_a_primary_key(account, chosen):
    return {"KeyId": account.multi_region_pair(), "PendingWindowInDays": 30}


def pending_deletion(account):
    key = account.new_key()
    account.client.schedule_key_deletion(KeyId=key)
    return key


@call_of("CancelKeyDeletion")
def cancel_key_deletion(account, chosen):
    return {"KeyId": pending_deletion(account)}


@call_of("GetKeyLastUsage")
def get_key_last_usage(account, chosen):
    account.encrypted()
    return {"KeyId": account.key()}


@call_of("GetKeyLastUsage")
def get_key_last_usage_of_an_unused_key(account, chosen):
    return {"KeyId": account.new_key()}


# ---- aliases and tags ----


@call_of("CreateAlias")
def create_alias(account, chosen):
    return {"AliasName": f"alias/valid/{next(_names)}_-", "TargetKeyId": account.new_key()}


@call_of("UpdateAlias")
def update_alias(account, chosen):
    return {"AliasName": account.new_alias(account.new_key()), "TargetKeyId": account.new_key()}


@call_of("DeleteAlias")
def delete_alias(account, chosen):
    return {"AliasName": account.new_alias(account.new_key())}


@call_of("ListAliases")
def list_aliases(account, chosen):
    key = account.once("key with aliases", account.new_key)
    account.once("aliases", lambda: [account.new_alias(key) for _ in range(2)])
    only = {"KeyId": key} if "KeyId" in chosen else {}
    return {"KeyId": key, "Limit": 1, "Marker": account.marker("list_aliases", **only)}


@call_of("TagResource")
def tag_resource(account, chosen):
    return {"KeyId": account.key(), "Tags": TAGS}


@call_of("UntagResource")
def untag_resource(account, chosen):
    return {"KeyId": account.key(), "TagKeys": ["a", "there is no such tag"]}


@call_of("ListResourceTags")
def list_resource_tags(account, chosen):
    key = account.once("tagged", lambda: account.new_key(Tags=TAGS))
    return {"KeyId": key, "Limit": 1, "Marker": account.marker("list_resource_tags", KeyId=key)}


# ---- key policies ----


@call_of("GetKeyPolicy")
def get_key_policy(account, chosen):
    return {"KeyId": account.key(), "PolicyName": "default"}


@call_of("PutKeyPolicy")
def put_key_policy(account, chosen):
    return {
        "KeyId": account.new_key(),
        "PolicyName": "default",
        "Policy": account.policy(),
        "BypassPolicyLockoutSafetyCheck": True,
    }


@call_of("ListKeyPolicies")
def list_key_policies(account, chosen):
    return {"KeyId": account.key(), "Limit": 1}


# A key has one policy, so that no page gives a marker.
@call_of("ListKeyPolicies", always=["Marker"], outcomes=["InvalidMarkerException"])
def list_key_policies_from_a_marker(account, chosen):
    return {"KeyId": account.key(), "Marker": "a marker"}


# ---- grants ----


@call_of("CreateGrant")
def create_grant(account, chosen):
    parent = account.tokens("CreateGrant", "Encrypt", "Decrypt", key=account.key())
    return {
        "KeyId": account.key(),
        "GranteePrincipal": account.principal,
        "RetiringPrincipal": account.principal,
        "Operations": ["Encrypt", "Decrypt", "GenerateDataKey"],
        "Constraints": {"EncryptionContextSubset": CONTEXT},
        "GrantTokens": parent,
        "Name": f"grant-{next(_names)}",
        "DryRun": False,
    }


@call_of("CreateGrant", always=["Constraints"])
def create_grant_with_an_exact_context(account, chosen):
    return {
        "KeyId": account.key(),
        "GranteePrincipal": account.principal,
        "Operations": ["Encrypt"],
        "Constraints": {"EncryptionContextEquals": CONTEXT},
    }


def _grants(account):
    grants = account.once("grants", lambda: [account.new_grant(Name=f"listed-{n}") for n in range(2)])
    return [grant["GrantId"] for grant in grants]


@call_of("ListGrants")
def list_grants(account, chosen):
    _grants(account)
    only = {"GranteePrincipal": account.principal} if "GranteePrincipal" in chosen else {}
    return {
        "KeyId": account.key(),
        "Limit": 1,
        "Marker": account.marker("list_grants", KeyId=account.key(), **only),
        "GranteePrincipal": account.principal,
    }


@call_of("ListGrants", always=["GrantId"])
def list_one_grant(account, chosen):
    return {"KeyId": account.key(), "GrantId": _grants(account)[0], "GranteePrincipal": account.principal, "Limit": 100}


@call_of("ListRetirableGrants")
def list_retirable_grants(account, chosen):
    _grants(account)
    marker = account.marker("list_retirable_grants", RetiringPrincipal=account.principal)
    return {"RetiringPrincipal": account.principal, "Limit": 1, "Marker": marker}


@call_of("RetireGrant", always=["GrantToken"])
def retire_grant_by_token(account, chosen):
    return {"GrantToken": account.new_grant()["GrantToken"], "DryRun": False}


@call_of("RetireGrant", always=["KeyId", "GrantId"])
def retire_grant_by_its_id(account, chosen):
    return {"KeyId": account.key(), "GrantId": account.new_grant()["GrantId"], "DryRun": False}


@call_of("RevokeGrant")
def revoke_grant(account, chosen):
    return {"KeyId": account.key(), "GrantId": account.new_grant()["GrantId"], "DryRun": False}


# ---- encryption ----


@call_of("Encrypt")
def encrypt(account, chosen):
    return {
        "KeyId": account.key(),
        "Plaintext": b64(MESSAGE),
        "EncryptionContext": CONTEXT,
        "GrantTokens": account.tokens("Encrypt"),
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DryRun": False,
    }


@call_of("Encrypt", always=["EncryptionAlgorithm"])
def encrypt_with_rsa(account, chosen):
    return {"KeyId": account.key("RSA_2048"), "Plaintext": b64(MESSAGE), "EncryptionAlgorithm": "RSAES_OAEP_SHA_1", "DryRun": False}


@call_of("Decrypt", always=["CiphertextBlob"])
def decrypt(account, chosen):
    return {
        "CiphertextBlob": account.encrypted(CONTEXT if "EncryptionContext" in chosen else None),
        "EncryptionContext": CONTEXT,
        "GrantTokens": account.tokens("Decrypt"),
        "KeyId": account.key(),
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DryRun": False,
    }


@call_of("Decrypt", always=["CiphertextBlob", "KeyId", "EncryptionAlgorithm"])
def decrypt_with_rsa(account, chosen):
    return {
        "CiphertextBlob": account.rsa_encrypted(),
        "KeyId": account.key("RSA_2048"),
        "EncryptionAlgorithm": "RSAES_OAEP_SHA_256",
        "DryRun": False,
    }


@call_of("Decrypt", always=["CiphertextBlob", "Recipient"])
def decrypt_for_a_recipient(account, chosen):
    return {"CiphertextBlob": account.encrypted(), "Recipient": account.recipient(), "KeyId": account.key(), "DryRun": False}


# 2.3: then the ciphertext may be absent and KeyId is required.
@call_of("Decrypt", always=["KeyId", "DryRun", "DryRunModifiers"], outcomes=[DRY_RUN])
def decrypt_without_a_ciphertext(account, chosen):
    return {
        "KeyId": account.key(),
        "DryRun": True,
        "DryRunModifiers": ["IGNORE_CIPHERTEXT"],
        "EncryptionContext": CONTEXT,
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    }


@call_of("ReEncrypt", always=["CiphertextBlob"])
def re_encrypt(account, chosen):
    return {
        "CiphertextBlob": account.encrypted(CONTEXT if "SourceEncryptionContext" in chosen else None),
        "SourceEncryptionContext": CONTEXT,
        "SourceKeyId": account.key(),
        "DestinationKeyId": account.key(),
        "DestinationEncryptionContext": CONTEXT,
        "SourceEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "DestinationEncryptionAlgorithm": "SYMMETRIC_DEFAULT",
        "GrantTokens": account.tokens("ReEncryptFrom", "ReEncryptTo"),
        "DryRun": False,
    }


@call_of("ReEncrypt", always=["SourceKeyId", "DryRun", "DryRunModifiers"], outcomes=[DRY_RUN])
def re_encrypt_without_a_ciphertext(account, chosen):
    return {
        "SourceKeyId": account.key(),
        "DestinationKeyId": account.key(),
        "DryRun": True,
        "DryRunModifiers": ["IGNORE_CIPHERTEXT"],
        "SourceEncryptionContext": CONTEXT,
        "DestinationEncryptionContext": CONTEXT,
    }


# ---- data keys ----


def _data_key(account, operation):
    return {
        "KeyId": account.key(),
        "EncryptionContext": CONTEXT,
        "GrantTokens": account.tokens(operation),
        "DryRun": False,
    }


@call_of("GenerateDataKey", always=["KeySpec"])
def generate_data_key(account, chosen):
    return {**_data_key(account, "GenerateDataKey"), "KeySpec": "AES_128"}


@call_of("GenerateDataKey", always=["NumberOfBytes"])
def generate_data_key_of_a_length(account, chosen):
    return {**_data_key(account, "GenerateDataKey"), "NumberOfBytes": 1024}


@call_of("GenerateDataKey", always=["KeySpec", "Recipient"])
def generate_data_key_for_a_recipient(account, chosen):
    return {**_data_key(account, "GenerateDataKey"), "KeySpec": "AES_256", "Recipient": account.recipient()}


@call_of("GenerateDataKeyWithoutPlaintext", always=["KeySpec"])
def generate_data_key_without_plaintext(account, chosen):
    return {**_data_key(account, "GenerateDataKeyWithoutPlaintext"), "KeySpec": "AES_256"}


@call_of("GenerateDataKeyWithoutPlaintext", always=["NumberOfBytes"])
def generate_data_key_of_a_length_without_plaintext(account, chosen):
    return {**_data_key(account, "GenerateDataKeyWithoutPlaintext"), "NumberOfBytes": 1}


@call_of("GenerateDataKeyPair")
def generate_data_key_pair(account, chosen):
    return {**_data_key(account, "GenerateDataKeyPair"), "KeyPairSpec": "ECC_NIST_P256"}


@call_of("GenerateDataKeyPair", always=["Recipient"])
def generate_data_key_pair_for_a_recipient(account, chosen):
    return {**_data_key(account, "GenerateDataKeyPair"), "KeyPairSpec": "ECC_NIST_EDWARDS25519", "Recipient": account.recipient()}


@call_of("GenerateDataKeyPairWithoutPlaintext")
def generate_data_key_pair_without_plaintext(account, chosen):
    return {**_data_key(account, "GenerateDataKeyPairWithoutPlaintext"), "KeyPairSpec": "RSA_2048"}


@call_of("GenerateRandom", always=["NumberOfBytes"])
def generate_random(account, chosen):
    return {"NumberOfBytes": 32, "Recipient": account.recipient()}


@call_of("GenerateRandom", always=["NumberOfBytes", "CustomKeyStoreId"], outcomes=["CustomKeyStoreNotFoundException"])
def generate_random_in_a_key_store_that_is_not_there(account, chosen):
    return {"NumberOfBytes": 32, "CustomKeyStoreId": NO_STORE}


# ---- signatures, MACs, key agreement ----


@call_of("GetPublicKey")
def get_public_key(account, chosen):
    key = account.key("ECC_NIST_P256", "SIGN_VERIFY")
    return {"KeyId": key, "GrantTokens": account.tokens("GetPublicKey", key=key)}


@call_of("GetPublicKey")
def get_public_key_for_encryption(account, chosen):
    return {"KeyId": account.key("RSA_2048")}


@call_of("GetPublicKey")
def get_public_key_of_ml_dsa(account, chosen):
    return {"KeyId": account.key("ML_DSA_87", "SIGN_VERIFY")}


@call_of("GetPublicKey")
def get_public_key_for_agreement(account, chosen):
    return {"KeyId": account.key("ECC_NIST_P384", "KEY_AGREEMENT")}


def _signature(account, operation):
    key = account.key("RSA_2048", "SIGN_VERIFY")
    return {
        "KeyId": key,
        "Message": b64(MESSAGE),
        "MessageType": "RAW",
        "GrantTokens": account.tokens(operation, key=key),
        "SigningAlgorithm": "RSASSA_PSS_SHA_256",
        "DryRun": False,
    }


@call_of("Sign")
def sign(account, chosen):
    return _signature(account, "Sign")


@call_of("Sign")
def sign_with_ml_dsa(account, chosen):
    key = account.key("ML_DSA_44", "SIGN_VERIFY")
    return {"KeyId": key, "Message": b64(bytes(64)), "MessageType": "EXTERNAL_MU", "SigningAlgorithm": "ML_DSA_SHAKE_256"}


@call_of("Verify")
def verify(account, chosen):
    key = account.key("RSA_2048", "SIGN_VERIFY")
    signature = account.client.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm="RSASSA_PSS_SHA_256")["Signature"]
    return {**_signature(account, "Verify"), "Signature": b64(signature)}


def _mac(account, operation):
    key = account.key("HMAC_256", "GENERATE_VERIFY_MAC")
    return {
        "KeyId": key,
        "Message": b64(MESSAGE),
        "MacAlgorithm": "HMAC_SHA_256",
        "GrantTokens": account.tokens(operation, key=key),
        "DryRun": False,
    }


@call_of("GenerateMac")
def generate_mac(account, chosen):
    return _mac(account, "GenerateMac")


@call_of("VerifyMac")
def verify_mac(account, chosen):
    key = account.key("HMAC_256", "GENERATE_VERIFY_MAC")
    mac = account.client.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm="HMAC_SHA_256")["Mac"]
    return {**_mac(account, "VerifyMac"), "Mac": b64(mac)}


def _agreement(account):
    key = account.key("ECC_NIST_P256", "KEY_AGREEMENT")
    return {
        "KeyId": key,
        "KeyAgreementAlgorithm": "ECDH",
        "PublicKey": b64(second.Agreement.on("ECC_NIST_P256").public_key),
        "GrantTokens": account.tokens("DeriveSharedSecret", key=key),
        "DryRun": False,
    }


@call_of("DeriveSharedSecret")
def derive_shared_secret(account, chosen):
    return _agreement(account)


@call_of("DeriveSharedSecret", always=["Recipient"])
def derive_shared_secret_for_a_recipient(account, chosen):
    return {**_agreement(account), "Recipient": account.recipient()}


# ---- rotation ----


@call_of("EnableKeyRotation")
def enable_key_rotation(account, chosen):
    return {"KeyId": account.new_key(), "RotationPeriodInDays": 90}


@call_of("DisableKeyRotation")
def disable_key_rotation(account, chosen):
    return {"KeyId": account.new_key()}


@call_of("GetKeyRotationStatus")
def get_key_rotation_status(account, chosen):
    key = account.new_key()
    account.client.enable_key_rotation(KeyId=key)
    return {"KeyId": key}


@call_of("GetKeyRotationStatus")
def get_key_rotation_status_of_a_key_that_does_not_rotate(account, chosen):
    return {"KeyId": account.new_key()}


@call_of("RotateKeyOnDemand")
def rotate_key_on_demand(account, chosen):
    return {"KeyId": account.new_key()}


@call_of("ListKeyRotations", needs={"Marker": ["IncludeKeyMaterial"]})
def list_key_rotations(account, chosen):
    key = account.rotated_key()
    marker = account.marker("list_key_rotations", KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")
    return {"KeyId": key, "IncludeKeyMaterial": "ALL_KEY_MATERIAL", "Limit": 1, "Marker": marker}


@call_of("ListKeyRotations")
def list_key_rotations_of_imported_material(account, chosen):
    return {"KeyId": account.with_material()[0], "IncludeKeyMaterial": "ALL_KEY_MATERIAL"}


# ---- imported key material ----


@call_of("GetParametersForImport")
def get_parameters_for_import(account, chosen):
    return {
        "KeyId": account.awaiting_material(),
        "WrappingAlgorithm": "RSAES_OAEP_SHA_256",
        "WrappingKeySpec": "RSA_2048",
    }


@call_of("ImportKeyMaterial", always=["ValidTo"])
def import_key_material(account, chosen):
    key = account.awaiting_material()
    return {
        "KeyId": key,
        **account.wrapped(key, os.urandom(32)),
        "ValidTo": in_a_month(),
        "ExpirationModel": "KEY_MATERIAL_EXPIRES",
        "ImportType": "NEW_KEY_MATERIAL",
        "KeyMaterialDescription": "first material_1.0",
    }


@call_of("ImportKeyMaterial", always=["ExpirationModel"], needs={"KeyMaterialId": ["ImportType"]})
def import_key_material_again(account, chosen):
    key, material, material_id = account.with_material()
    return {
        "KeyId": key,
        **account.wrapped(key, material),
        "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE",
        "ImportType": "EXISTING_KEY_MATERIAL",
        "KeyMaterialId": material_id,
        "KeyMaterialDescription": "the same",
    }


def in_a_month():
    return time.time() + 30 * 86400


@call_of("DeleteImportedKeyMaterial")
def delete_imported_key_material(account, chosen):
    key, _, material_id = account.with_material()
    return {"KeyId": key, "KeyMaterialId": material_id}


# ---- multi-Region keys ----


@call_of("ReplicateKey")
def replicate_key(account, chosen):
    return {
        "KeyId": account.new_key(MultiRegion=True),
        "ReplicaRegion": OTHER_REGION,
        "Policy": account.policy(),
        "BypassPolicyLockoutSafetyCheck": True,
        "Description": "a replica",
        "Tags": TAGS,
    }


@call_of("UpdatePrimaryRegion")
def update_primary_region(account, chosen):
    return {"KeyId": account.multi_region_pair(), "PrimaryRegion": OTHER_REGION}


# ---- custom key stores; those of type AWS_CLOUDHSM have tests of their own ----


@call_of(
    "CreateCustomKeyStore",
    always=[
        "CustomKeyStoreType",
        "XksProxyConnectivity",
        "XksProxyUriEndpoint",
        "XksProxyUriPath",
        "XksProxyAuthenticationCredential",
    ],
)
def create_external_key_store(account, chosen):
    return create_parameters(account.realm())


@call_of(
    "CreateCustomKeyStore",
    always=["CloudHsmClusterId", "TrustAnchorCertificate", "KeyStorePassword"],
    outcomes=["CloudHsmClusterNotFoundException"],
)
def create_cloudhsm_key_store_over_a_cluster_that_is_not_there(account, chosen):
    return {
        "CustomKeyStoreName": f"cloudhsm-{next(_names)}",
        "CustomKeyStoreType": "AWS_CLOUDHSM",
        "CloudHsmClusterId": "cluster-aaaaaaaaaaa",
        "TrustAnchorCertificate": account.authority.certificate.read_text(),
        "KeyStorePassword": "kmsPswd123",
    }


# There is no VPC endpoint service on this network.
NO_VPC_SERVICE = ["XksProxyVpcEndpointServiceNotFoundException", "UnsupportedOperationException"]


@call_of(
    "CreateCustomKeyStore",
    always=[
        "CustomKeyStoreType",
        "XksProxyConnectivity",
        "XksProxyUriEndpoint",
        "XksProxyUriPath",
        "XksProxyAuthenticationCredential",
        "XksProxyVpcEndpointServiceName",
    ],
    outcomes=NO_VPC_SERVICE,
)
def create_external_key_store_behind_a_vpc_service(account, chosen):
    return create_parameters(
        account.realm(),
        XksProxyConnectivity="VPC_ENDPOINT_SERVICE",
        XksProxyVpcEndpointServiceName=VPC_SERVICE,
        XksProxyVpcEndpointServiceOwner="111122223333",
    )


@call_of("ConnectCustomKeyStore")
def connect_custom_key_store(account, chosen):
    return {"CustomKeyStoreId": account.new_store().store_id}


@call_of("DisconnectCustomKeyStore")
def disconnect_custom_key_store(account, chosen):
    return {"CustomKeyStoreId": connected_store(account.client, account.realm()).store_id}


@call_of("DeleteCustomKeyStore")
def delete_custom_key_store(account, chosen):
    return {"CustomKeyStoreId": account.new_store().store_id}


@call_of("DescribeCustomKeyStores")
def describe_custom_key_stores(account, chosen):
    account.store()
    account.new_store()
    return {"Limit": 1, "Marker": account.marker("describe_custom_key_stores")}


@call_of("DescribeCustomKeyStores")
def describe_a_custom_key_store(account, chosen):
    return {"CustomKeyStoreId": account.store().store_id}


@call_of("DescribeCustomKeyStores")
def describe_a_custom_key_store_by_name(account, chosen):
    return {"CustomKeyStoreName": account.store().describe()["CustomKeyStoreName"]}


@call_of("UpdateCustomKeyStore", always=["NewCustomKeyStoreName"])
def update_external_key_store(account, chosen):
    # In this order: a new realm may take the place of key stores that no call uses any more.
    new_realm = account.realm()
    store = account.new_store()
    # The proxy answers at the old path with the new credential, too: each member may come alone.
    store.realm.retired_credentials.append(new_realm.credential)
    new_realm.retired_credentials.append(store.realm.credential)
    parameters = create_parameters(new_realm)
    return {
        "CustomKeyStoreId": store.store_id,
        "NewCustomKeyStoreName": f"renamed-{next(_names)}",
        **{name: parameters[name] for name in ("XksProxyUriEndpoint", "XksProxyUriPath", "XksProxyConnectivity")},
        "XksProxyAuthenticationCredential": parameters["XksProxyAuthenticationCredential"],
    }


@call_of(
    "UpdateCustomKeyStore",
    always=["XksProxyConnectivity", "XksProxyVpcEndpointServiceName"],
    outcomes=NO_VPC_SERVICE,
)
def update_external_key_store_to_a_vpc_service(account, chosen):
    return {
        "CustomKeyStoreId": account.new_store().store_id,
        "XksProxyConnectivity": "VPC_ENDPOINT_SERVICE",
        "XksProxyVpcEndpointServiceName": VPC_SERVICE,
        "XksProxyVpcEndpointServiceOwner": "111122223333",
    }


# 1.2 of digest cloudhsm-key-stores.md: members of the other type of key store.
@call_of("UpdateCustomKeyStore", always=["KeyStorePassword", "CloudHsmClusterId"], outcomes=["ValidationException"])
def update_external_key_store_as_if_of_cloudhsm(account, chosen):
    return {
        "CustomKeyStoreId": account.new_store().store_id,
        "KeyStorePassword": "kmsPswd123",
        "CloudHsmClusterId": "cluster-aaaaaaaaaaa",
    }
