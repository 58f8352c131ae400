"""The AWS SDK and the AWS Encryption SDK for JavaScript do their part, in the files of the folder `javascript`."""

import botocore.session
import pytest
from aws_encryption_sdk import CommitmentPolicy, EncryptionSDKClient, StrictAwsKmsMasterKeyProvider

from support.built_binary import clean_environment
from support.node import run_node, run_tests
from support.program_environment import aws_variables
from support.sdk_client import OTHER_REGION

CONTEXT = {"department": "finance", "ünïcode": "漢字"}


def test_the_sdk(keystead, tenant):
    run_tests("sdk.test.mjs", aws_variables(keystead, tenant))


def test_the_encryption_sdk(keystead, tenant):
    run_tests("encryption_sdk.test.mjs", {**aws_variables(keystead, tenant), "REPLICA_REGION": OTHER_REGION})


@pytest.mark.parametrize("plaintext", [b"p", b"the quick brown fox " * 1000], ids=["short", "many frames"])
def test_what_python_encrypts_javascript_decrypts_and_back(keystead, tenant, monkeypatch, plaintext):
    variables = aws_variables(keystead, tenant)
    for name, value in clean_environment(variables).items():
        monkeypatch.setenv(name, value)
    key = tenant.client.create_key()["KeyMetadata"]["Arn"]
    sdk = EncryptionSDKClient(commitment_policy=CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT)
    provider = StrictAwsKmsMasterKeyProvider(key_ids=[key], botocore_session=botocore.session.Session())
    there, _ = sdk.encrypt(source=plaintext, key_provider=provider, encryption_context=CONTEXT)
    relayed = run_node("relay.mjs", key, variables=variables, standard_input=there)
    assert relayed.returncode == 0, relayed.stderr.decode()
    back, header = sdk.decrypt(source=relayed.stdout, key_provider=provider)
    assert back == plaintext
    assert relayed.stdout != there
    assert header.encryption_context.items() >= CONTEXT.items()
