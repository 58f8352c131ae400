"""Data key pairs: what they are, under which keys they are made, what opens the private key again, and RSA keys that wait for their turn.

Source: digest kms-core.md, 2.8 (key pair specs), 3.3, 7.1; digests cloudhsm-key-stores.md, 3.4 and external-key-stores.md, 5.3. That
the pairs are right test_second_implementation.py shows.
"""

from concurrent.futures import ThreadPoolExecutor

import pytest
from botocore.exceptions import ClientError

from support import second_implementation as second
from support.api_model import service_model
from support.documented_errors import DRY_RUN, THROTTLING
from support.external_store import connected_store
from support.sdk_client import Refusal, refusal, request_id

CONTEXT = {"purpose": "a data key pair"}
OPERATIONS = ["generate_data_key_pair", "generate_data_key_pair_without_plaintext"]
QUICK = ["ECC_NIST_P256", "ECC_NIST_P384", "ECC_NIST_P521", "ECC_SECG_P256K1", "ECC_NIST_EDWARDS25519", "RSA_2048"]
IN_CHINA = {"SM2"}


@pytest.fixture(scope="module")
def client(module_tenant):
    return module_tenant.client


@pytest.fixture(scope="module")
def key(client):
    return client.create_key()["KeyMetadata"]["Arn"]


def generate(client, operation, **parameters):
    return getattr(client, operation)(**parameters)


def test_every_key_pair_spec_is_tested():
    """RSA_3072 and RSA_4096, which take longer, test_second_implementation.py has."""
    assert {*QUICK, "RSA_3072", "RSA_4096", *IN_CHINA} == set(service_model().shape_for("DataKeyPairSpec").enum)


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("spec", QUICK)
def test_a_pair(client, key, operation, spec):
    pair = generate(client, operation, KeyId=key, KeyPairSpec=spec, EncryptionContext=CONTEXT)
    assert (pair["KeyId"], pair["KeyPairSpec"]) == (key, spec)
    assert pair["KeyMaterialId"] == client.describe_key(KeyId=key)["KeyMetadata"]["CurrentKeyMaterialId"]
    assert ("PrivateKeyPlaintext" in pair) == (operation == OPERATIONS[0])
    opened = client.decrypt(CiphertextBlob=pair["PrivateKeyCiphertextBlob"], EncryptionContext=CONTEXT)
    assert opened["KeyId"] == key
    private_key = second.serialization.load_der_private_key(opened["Plaintext"], None)
    assert second.is_of_spec(private_key, spec)
    assert second.spki(private_key.public_key()) == pair["PublicKey"]
    assert pair.get("PrivateKeyPlaintext", opened["Plaintext"]) == opened["Plaintext"]


def test_no_two_pairs_are_equal(client, key):
    pairs = [client.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P256") for _ in range(5)]
    assert len({pair["PublicKey"] for pair in pairs}) == 5


@pytest.mark.parametrize("context", [{}, {"purpose": "another"}, {**CONTEXT, "more": ""}])
def test_a_private_key_opens_in_its_context_alone(client, key, context):
    blob = client.generate_data_key_pair_without_plaintext(KeyId=key, KeyPairSpec="ECC_NIST_P256", EncryptionContext=CONTEXT)
    refused = refusal(client.decrypt, CiphertextBlob=blob["PrivateKeyCiphertextBlob"], EncryptionContext=context)
    assert (refused.code, refused.message) == ("InvalidCiphertextException", "")


def test_a_private_key_moves_to_another_key(client, key):
    """ReEncrypt, as with every ciphertext."""
    other = client.create_key()["KeyMetadata"]["Arn"]
    pair = client.generate_data_key_pair(KeyId=key, KeyPairSpec="ECC_NIST_P521", EncryptionContext=CONTEXT)
    moved = client.re_encrypt(
        CiphertextBlob=pair["PrivateKeyCiphertextBlob"], SourceEncryptionContext=CONTEXT, DestinationKeyId=other
    )
    opened = client.decrypt(CiphertextBlob=moved["CiphertextBlob"], KeyId=other)
    assert opened["Plaintext"] == pair["PrivateKeyPlaintext"]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("spec", IN_CHINA)
def test_pairs_of_china_regions(client, key, operation, spec):
    """The text is unverified."""
    refused = refusal(getattr(client, operation), KeyId=key, KeyPairSpec=spec)
    expected = f"KeyPairSpec {spec} is available in China Regions only."
    assert (refused.code, refused.message) == ("UnsupportedOperationException", expected)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_keys_in_custom_key_stores_make_none(tenant, realm, operation):
    """Whether the key store is connected or not, and in a dry run, too. The text is unverified."""
    client = tenant.client
    store = connected_store(client, realm)
    name = operation.title().replace("_", "")
    arn = store.create_key()
    for state in ("Enabled", "Unavailable"):
        if state == "Unavailable":
            store.disconnect_and_wait()
        assert client.describe_key(KeyId=arn)["KeyMetadata"]["KeyState"] == state
        for dry_run in (False, True):
            refused = refusal(getattr(client, operation), KeyId=arn, KeyPairSpec="ECC_NIST_P256", DryRun=dry_run)
            assert refused.code == "UnsupportedOperationException"
            assert refused.message == (
                f"{name} is not supported for KMS keys of origin EXTERNAL_KEY_STORE, which are in custom key stores."
            )


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_dry_run_makes_none(client, key, operation):
    for spec in ("ECC_NIST_P256", "RSA_4096"):
        refused = refusal(getattr(client, operation), KeyId=key, KeyPairSpec=spec, DryRun=True)
        assert (refused.code, refused.message) == ("DryRunOperationException", DRY_RUN)


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_record(keystead, client, key, operation):
    """7.1: a read-only event; neither key is in it."""
    pair = generate(client, operation, KeyId=key, KeyPairSpec="ECC_NIST_P384", EncryptionContext=CONTEXT)
    record = keystead.audit_record(request_id(pair))
    assert (record["eventName"], record["readOnly"]) == (operation.title().replace("_", ""), True)
    assert record["responseElements"] is None
    assert record["requestParameters"] == {"keyId": key, "keyPairSpec": "ECC_NIST_P384", "encryptionContext": CONTEXT}


def test_a_key_that_is_disabled_while_its_pair_is_made(make_installation):
    """No private key is encrypted under it any more: RSA pairs wait for others of the account, and then the key is looked at again."""
    installation = make_installation({"request_quotas": {"enabled": False}}).start()
    client = installation.create_tenant().client
    key, other = (client.create_key()["KeyMetadata"]["Arn"] for _ in range(2))
    with ThreadPoolExecutor(7) as callers:
        # Until all are made seconds pass; disabling takes none.
        before = [callers.submit(client.generate_data_key_pair, KeyId=other, KeyPairSpec="RSA_3072") for _ in range(6)]
        last = callers.submit(refusal, client.generate_data_key_pair_without_plaintext, KeyId=key, KeyPairSpec="RSA_2048")
        client.disable_key(KeyId=key)
        assert last.result().code == "DisabledException"
        assert len({made.result()["PublicKey"] for made in before}) == 6
    assert installation.stop() == 0


def test_rsa_keys_that_wait_are_bounded_and_others_go_on(make_installation):
    """docs/error-causes.md, KEY_GENERATION_BUSY. While one account's keys are made, another's are not behind them all, and what makes
    no RSA key waits for none."""
    installation = make_installation({"request_quotas": {"enabled": False}}).start()
    greedy, modest = (installation.create_tenant().client for _ in range(2))
    key, own = (client.create_key()["KeyMetadata"]["Arn"] for client in (greedy, modest))

    def attempt():
        try:
            return greedy.generate_data_key_pair(KeyId=key, KeyPairSpec="RSA_2048")
        except ClientError as error:
            return Refusal(error)

    with ThreadPoolExecutor(40) as callers:
        attempts = [callers.submit(attempt) for _ in range(40)]
        while not any(done.done() and isinstance(done.result(), Refusal) for done in attempts):
            assert modest.encrypt(KeyId=own, Plaintext=b"p")["KeyId"] == own
        assert modest.create_key(KeySpec="ECC_NIST_P521", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyState"] == "Enabled"
        assert modest.create_key(KeySpec="RSA_2048", KeyUsage="SIGN_VERIFY")["KeyMetadata"]["KeyState"] == "Enabled"
        assert not all(done.done() for done in attempts), "the other account's key came after all of these"
        answers = [done.result() for done in attempts]
    refused = [answer for answer in answers if isinstance(answer, Refusal)]
    assert {(answer.code, answer.message, answer.cause) for answer in refused} == {
        ("ThrottlingException", THROTTLING, "KEY_GENERATION_BUSY")
    }
    # One is made while sixteen wait; those that were asked later found room as others were done.
    assert len(answers) - len(refused) >= 17
    assert installation.stop() == 0
