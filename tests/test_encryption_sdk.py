"""Round trips with the AWS Encryption SDK for Python: its master key providers, and the keyrings of the Material Providers Library.
They call GenerateDataKey, Encrypt, Decrypt, GetPublicKey and DeriveSharedSecret in their own ways.

The master key providers are led to the server as anybody's would be: by variables of the environment.
"""

import collections

import botocore.session
import pytest
from aws_cryptographic_material_providers.mpl import AwsCryptographicMaterialProviders
from aws_cryptographic_material_providers.mpl.config import MaterialProvidersConfig
from aws_cryptographic_material_providers.mpl.models import (
    CreateAwsKmsEcdhKeyringInput,
    CreateAwsKmsKeyringInput,
    CreateAwsKmsMrkKeyringInput,
    CreateAwsKmsRsaKeyringInput,
    CreateMultiKeyringInput,
    KmsEcdhStaticConfigurationsKmsPrivateKeyToStaticPublicKey,
    KmsEcdhStaticConfigurationsKmsPublicKeyDiscovery,
    KmsPrivateKeyToStaticPublicKeyInput,
    KmsPublicKeyDiscoveryInput,
)
from aws_encryption_sdk import (
    CachingCryptoMaterialsManager,
    CommitmentPolicy,
    DiscoveryAwsKmsMasterKeyProvider,
    EncryptionSDKClient,
    LocalCryptoMaterialsCache,
    StrictAwsKmsMasterKeyProvider,
)
from aws_encryption_sdk.exceptions import AWSEncryptionSDKClientError
from aws_encryption_sdk.identifiers import AlgorithmSuite
from aws_encryption_sdk.key_providers.kms import (
    DiscoveryFilter,
    MRKAwareDiscoveryAwsKmsMasterKeyProvider,
    MRKAwareStrictAwsKmsMasterKeyProvider,
)

from cryptography.hazmat.primitives import serialization

from support import second_implementation as second
from support.built_binary import clean_environment
from support.conditions import wait_until
from support.external_store import connected_store
from support.program_environment import aws_variables
from support.sdk_client import OTHER_REGION, service_client

PLAINTEXT = b"the quick brown fox " * 1000
CONTEXT = {"department": "finance", "purpose": "test", "ünïcode": "漢字"}


@pytest.fixture(autouse=True)
def environment(monkeypatch, keystead, module_tenant):
    """What this process's own SDK reads: the module's account, and nothing of a developer's."""
    for name, value in clean_environment(aws_variables(keystead, module_tenant)).items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def kms(module_tenant):
    return module_tenant.client


@pytest.fixture
def session():
    """A fresh botocore session for a provider; `operations` counts what was called through it."""
    session = botocore.session.Session()
    session.operations = collections.Counter()
    session.register("before-call.kms", lambda model, **_: session.operations.update([model.name]))
    return session


@pytest.fixture
def sdk():
    return EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)


def new_key(client, **parameters):
    return client.create_key(**parameters)["KeyMetadata"]["Arn"]


def plaintext_of(answer):
    """The plaintext, after a look at the context that came with it."""
    plaintext, header = answer
    assert header.encryption_context.items() >= CONTEXT.items()
    return plaintext


# ---- master key providers ----


@pytest.mark.parametrize("suite", [suite for suite in AlgorithmSuite if suite.is_committing()], ids=lambda suite: suite.name)
@pytest.mark.parametrize("plaintext", [b"", b"p", PLAINTEXT], ids=["empty", "short", "many frames"])
def test_a_round_trip(kms, session, sdk, suite, plaintext):
    provider = StrictAwsKmsMasterKeyProvider(key_ids=[new_key(kms)], botocore_session=session)
    ciphertext, _ = sdk.encrypt(source=plaintext, key_provider=provider, encryption_context=CONTEXT, algorithm=suite)
    assert plaintext_of(sdk.decrypt(source=ciphertext, key_provider=provider)) == plaintext
    assert session.operations == {"GenerateDataKey": 1, "Decrypt": 1}


@pytest.mark.parametrize("suite", [suite for suite in AlgorithmSuite if not suite.is_committing()], ids=lambda suite: suite.name)
def test_a_round_trip_with_data_keys_of_every_length(kms, session, suite):
    """The suites without key commitment want data keys of 16, 24 and 32 bytes."""
    sdk = EncryptionSDKClient(commitment_policy=CommitmentPolicy.FORBID_ENCRYPT_ALLOW_DECRYPT)
    provider = StrictAwsKmsMasterKeyProvider(key_ids=[new_key(kms)], botocore_session=session)
    ciphertext, _ = sdk.encrypt(source=PLAINTEXT, key_provider=provider, encryption_context=CONTEXT, algorithm=suite)
    assert plaintext_of(sdk.decrypt(source=ciphertext, key_provider=provider)) == PLAINTEXT


def test_any_of_several_keys_decrypts(kms, session, sdk):
    """The first makes the data key, the others encrypt it."""
    keys = [new_key(kms) for _ in range(3)]
    provider = StrictAwsKmsMasterKeyProvider(key_ids=keys, botocore_session=session)
    ciphertext, header = sdk.encrypt(source=PLAINTEXT, key_provider=provider, encryption_context=CONTEXT)
    assert session.operations == {"GenerateDataKey": 1, "Encrypt": 2}
    assert {entry.key_provider.key_info.decode() for entry in header.encrypted_data_keys} == set(keys)
    for key in keys:
        one = StrictAwsKmsMasterKeyProvider(key_ids=[key], botocore_session=session)
        assert plaintext_of(sdk.decrypt(source=ciphertext, key_provider=one)) == PLAINTEXT
    # While one key cannot be used, the next is.
    kms.disable_key(KeyId=keys[0])
    assert plaintext_of(sdk.decrypt(source=ciphertext, key_provider=provider)) == PLAINTEXT


def test_an_alias_to_encrypt_and_discovery_to_decrypt(kms, module_tenant, session, sdk):
    key = new_key(kms)
    kms.create_alias(AliasName="alias/encryption-sdk", TargetKeyId=key)
    provider = StrictAwsKmsMasterKeyProvider(key_ids=["alias/encryption-sdk"], botocore_session=session)
    ciphertext, header = sdk.encrypt(source=PLAINTEXT, key_provider=provider, encryption_context=CONTEXT)
    # The header names the key by what GenerateDataKey answered.
    (entry,) = header.encrypted_data_keys
    assert entry.key_provider.key_info.decode() == key
    ours = DiscoveryFilter(account_ids=[module_tenant.account], partition="aws")
    discovery = DiscoveryAwsKmsMasterKeyProvider(discovery_filter=ours, botocore_session=session)
    assert plaintext_of(sdk.decrypt(source=ciphertext, key_provider=discovery)) == PLAINTEXT


def test_a_context_that_was_altered(kms, session, sdk):
    """The context travels in clear in the message's header; Keystead refuses to decrypt the data key under another."""
    provider = StrictAwsKmsMasterKeyProvider(key_ids=[new_key(kms)], botocore_session=session)
    ciphertext, _ = sdk.encrypt(source=PLAINTEXT, key_provider=provider, encryption_context=CONTEXT)
    assert ciphertext.count(b"finance") == 1
    with pytest.raises(AWSEncryptionSDKClientError, match="Unable to decrypt any data key"):
        sdk.decrypt(source=ciphertext.replace(b"finance", b"Finance"), key_provider=provider)


def test_streams(kms, session, sdk):
    provider = StrictAwsKmsMasterKeyProvider(key_ids=[new_key(kms)], botocore_session=session)
    encrypted = b"".join(sdk.stream(mode="e", source=PLAINTEXT, key_provider=provider, encryption_context=CONTEXT))
    assert b"".join(sdk.stream(mode="d", source=encrypted, key_provider=provider)) == PLAINTEXT


def test_the_caching_materials_manager(kms, session, sdk):
    """One data key for so many messages as its limit says."""
    provider = StrictAwsKmsMasterKeyProvider(key_ids=[new_key(kms)], botocore_session=session)
    manager = CachingCryptoMaterialsManager(
        master_key_provider=provider,
        cache=LocalCryptoMaterialsCache(capacity=10),
        max_age=3600.0,
        max_messages_encrypted=5,
    )
    messages = [
        sdk.encrypt(source=b"message %d" % number, materials_manager=manager, encryption_context=CONTEXT)[0]
        for number in range(7)
    ]
    assert session.operations == {"GenerateDataKey": 2}
    for number, message in enumerate(messages):
        assert plaintext_of(sdk.decrypt(source=message, materials_manager=manager)) == b"message %d" % number
    assert session.operations == {"GenerateDataKey": 2, "Decrypt": 2}


def test_a_key_in_an_external_key_store(kms, realm, session, sdk):
    provider = StrictAwsKmsMasterKeyProvider(
        key_ids=[connected_store(kms, realm).create_key()], botocore_session=session
    )
    ciphertext, _ = sdk.encrypt(source=PLAINTEXT, key_provider=provider, encryption_context=CONTEXT)
    assert plaintext_of(sdk.decrypt(source=ciphertext, key_provider=provider)) == PLAINTEXT


# ---- multi-Region keys ----


@pytest.fixture(scope="module")
def there(keystead, module_tenant):
    """A client in another Region."""
    return service_client("kms", keystead.endpoint, module_tenant.credentials, region=OTHER_REGION)


@pytest.fixture(scope="module")
def related_keys(module_tenant, there):
    """The ARNs of a primary key and its replica."""
    primary = new_key(module_tenant.client, MultiRegion=True)
    replica = module_tenant.client.replicate_key(KeyId=primary, ReplicaRegion=there.meta.region_name)["ReplicaKeyMetadata"]["Arn"]
    wait_until(
        lambda: there.describe_key(KeyId=replica)["KeyMetadata"]["KeyState"] == "Enabled", "the replica was enabled"
    )
    return primary, replica


def strict(key, session):
    return MRKAwareStrictAwsKmsMasterKeyProvider(key_ids=[key], botocore_session=session)


@pytest.mark.parametrize("direction", ["primary to replica", "replica to primary"])
def test_a_related_key_decrypts(related_keys, session, sdk, direction):
    source, destination = related_keys if direction == "primary to replica" else reversed(related_keys)
    ciphertext, _ = sdk.encrypt(source=PLAINTEXT, key_provider=strict(source, session), encryption_context=CONTEXT)
    assert plaintext_of(sdk.decrypt(source=ciphertext, key_provider=strict(destination, session))) == PLAINTEXT
    # A provider that knows nothing of related keys finds no key of its own in the message.
    unaware = StrictAwsKmsMasterKeyProvider(key_ids=[destination], botocore_session=session)
    with pytest.raises(AWSEncryptionSDKClientError):
        sdk.decrypt(source=ciphertext, key_provider=unaware)


def test_discovery_in_another_region(related_keys, module_tenant, there, session, sdk):
    primary, _ = related_keys
    ciphertext, _ = sdk.encrypt(source=PLAINTEXT, key_provider=strict(primary, session), encryption_context=CONTEXT)
    ours = DiscoveryFilter(account_ids=[module_tenant.account], partition="aws")
    discovery = MRKAwareDiscoveryAwsKmsMasterKeyProvider(
        discovery_filter=ours, discovery_region=there.meta.region_name, botocore_session=session
    )
    assert plaintext_of(sdk.decrypt(source=ciphertext, key_provider=discovery)) == PLAINTEXT


# ---- keyrings of the Material Providers Library ----


@pytest.fixture(scope="module")
def providers():
    return AwsCryptographicMaterialProviders(config=MaterialProvidersConfig())


def round_trip(sdk, encrypting, decrypting=None):
    """Encrypts with one keyring and decrypts with another, or the same."""
    ciphertext, _ = sdk.encrypt(source=PLAINTEXT, keyring=encrypting, encryption_context=CONTEXT)
    answer = sdk.decrypt(source=ciphertext, keyring=decrypting or encrypting, encryption_context=CONTEXT)
    assert plaintext_of(answer) == PLAINTEXT


def kms_keyring(providers, client, key):
    return providers.create_aws_kms_keyring(CreateAwsKmsKeyringInput(kms_key_id=key, kms_client=client))


def test_a_keyring(kms, sdk, providers):
    round_trip(sdk, kms_keyring(providers, kms, new_key(kms)))


def test_a_multi_keyring(kms, sdk, providers):
    first, second_one = (kms_keyring(providers, kms, new_key(kms)) for _ in range(2))
    both = providers.create_multi_keyring(CreateMultiKeyringInput(generator=first, child_keyrings=[second_one]))
    round_trip(sdk, both, first)
    round_trip(sdk, both, second_one)


def test_a_multi_region_keyring(kms, there, related_keys, sdk, providers):
    here, elsewhere = (
        providers.create_aws_kms_mrk_keyring(CreateAwsKmsMrkKeyringInput(kms_key_id=key, kms_client=client))
        for key, client in zip(related_keys, (kms, there), strict=True)
    )
    round_trip(sdk, here, elsewhere)
    round_trip(sdk, elsewhere, here)


@pytest.mark.parametrize("algorithm", second.OAEP)
def test_an_rsa_keyring(kms, sdk, providers, algorithm):
    """Encrypts here with the public key; KMS decrypts."""
    key = new_key(kms, KeySpec="RSA_2048", KeyUsage="ENCRYPT_DECRYPT")
    public_key = serialization.load_der_public_key(kms.get_public_key(KeyId=key)["PublicKey"])
    pem = public_key.public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    keyring = providers.create_aws_kms_rsa_keyring(
        CreateAwsKmsRsaKeyringInput(kms_key_id=key, public_key=pem, encryption_algorithm=algorithm, kms_client=kms)
    )
    # With an asymmetric key the suites that sign are not to be had.
    suite = AlgorithmSuite.AES_256_GCM_HKDF_SHA512_COMMIT_KEY
    ciphertext, _ = sdk.encrypt(source=PLAINTEXT, keyring=keyring, encryption_context=CONTEXT, algorithm=suite)
    assert plaintext_of(sdk.decrypt(source=ciphertext, keyring=keyring, encryption_context=CONTEXT)) == PLAINTEXT


@pytest.mark.parametrize("spec", second.AGREEMENT_SPECS)
def test_an_ecdh_keyring(kms, sdk, providers, spec):
    """From one key pair in KMS to another: each side derives the same secret."""
    sender, recipient = (new_key(kms, KeySpec=spec, KeyUsage="KEY_AGREEMENT") for _ in range(2))
    recipient_public_key = kms.get_public_key(KeyId=recipient)["PublicKey"]
    to_recipient = KmsEcdhStaticConfigurationsKmsPrivateKeyToStaticPublicKey(
        KmsPrivateKeyToStaticPublicKeyInput(sender_kms_identifier=sender, recipient_public_key=recipient_public_key)
    )
    as_recipient = KmsEcdhStaticConfigurationsKmsPublicKeyDiscovery(
        KmsPublicKeyDiscoveryInput(recipient_kms_identifier=recipient)
    )
    encrypting, decrypting = (
        providers.create_aws_kms_ecdh_keyring(
            CreateAwsKmsEcdhKeyringInput(key_agreement_scheme=scheme, curve_spec=spec, kms_client=kms)
        )
        for scheme in (to_recipient, as_recipient)
    )
    round_trip(sdk, encrypting, decrypting)
