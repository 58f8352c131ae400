"""HMAC keys: the metadata, tags of every algorithm, altered and foreign ones, dry runs, audit records.

Source: digest kms-core.md, 3.1, 3.2 (sizes), 3.3 (refusals), 7.1 (records). Which key an operation takes and what each state refuses is in
test_asymmetric_keys.py; that tags are right, in test_second_implementation.py.
"""

import pytest

from support import second_implementation as second
from support.api_model import service_model
from support.documented_errors import DRY_RUN
from support.sdk_client import refusal, request_id
from support.typed_keys import ALGORITHMS, MAC, TypedKeys

MESSAGE = b"attack at dawn"
INVALID = ("KMSInvalidMacException", "")


@pytest.fixture(scope="module")
def keys(module_tenant):
    return TypedKeys(module_tenant.client)


def calls(keys, spec, message=MESSAGE):
    """The members of both operations."""
    [algorithm] = ALGORITHMS[spec, MAC]
    return {"KeyId": keys.of(spec, MAC), "Message": message, "MacAlgorithm": algorithm}


@pytest.mark.parametrize("spec", second.HMAC_SPECS)
def test_the_metadata_of_a_key(keys, spec):
    described = keys.client.describe_key(KeyId=keys.of(spec, MAC))["KeyMetadata"]
    assert (described["KeySpec"], described["KeyUsage"], described["KeyState"]) == (spec, MAC, "Enabled")
    assert described["MacAlgorithms"] == ALGORITHMS[spec, MAC]
    assert not {"EncryptionAlgorithms", "SigningAlgorithms", "KeyAgreementAlgorithms", "CurrentKeyMaterialId"} & set(described)


@pytest.mark.parametrize(("spec", "length"), second.HMAC_SPECS.items())
@pytest.mark.parametrize("size", [1, 63, 64, 65, 4096])
def test_tags(keys, spec, length, size):
    """3.2: the whole output. A tag is of one message and one key, and the same each time."""
    call = calls(keys, spec, bytes(size))
    answer = keys.client.generate_mac(**call)
    assert (answer["KeyId"], answer["MacAlgorithm"], len(answer["Mac"])) == (call["KeyId"], call["MacAlgorithm"], length)
    assert keys.client.generate_mac(**call)["Mac"] == answer["Mac"]
    verified = keys.client.verify_mac(Mac=answer["Mac"], **call)
    assert (verified["KeyId"], verified["MacAlgorithm"], verified["MacValid"]) == (call["KeyId"], call["MacAlgorithm"], True)


def refused(client, **call):
    found = refusal(client.verify_mac, **call)
    return found.code, found.message


@pytest.mark.parametrize("spec", second.HMAC_SPECS)
def test_other_tags(keys, spec):
    call = calls(keys, spec)
    mac = keys.client.generate_mac(**call)["Mac"]
    foreign = keys.client.generate_mac(**{**call, "KeyId": keys.new(spec, MAC)})["Mac"]
    assert foreign != mac
    longest = service_model().shape_for("CiphertextType").metadata["max"]
    for other in (foreign, mac[:-1], mac[1:], mac + b"\0", mac[:1], bytes(len(mac)), bytes(longest)):
        assert refused(keys.client, Mac=other, **call) == INVALID
        assert refused(keys.client, Mac=other, DryRun=True, **call) == INVALID
    for message in (MESSAGE + b"\0", MESSAGE[:-1], b"\0" + MESSAGE):
        assert refused(keys.client, Mac=mac, **{**call, "Message": message}) == INVALID


@pytest.mark.parametrize("spec", second.HMAC_SPECS)
def test_dry_runs(keys, spec):
    call = calls(keys, spec)
    mac = keys.client.generate_mac(**call)["Mac"]
    for operation, members in ((keys.client.generate_mac, {}), (keys.client.verify_mac, {"Mac": mac})):
        found = refusal(operation, DryRun=True, **call, **members)
        assert (found.code, found.message) == ("DryRunOperationException", DRY_RUN)


def test_an_algorithm_that_is_none(keys):
    """1.5: the enum's values come in any order."""
    found = refusal(keys.client.generate_mac, **{**calls(keys, "HMAC_256"), "MacAlgorithm": "INVALID"})
    start = (
        "1 validation error detected: Value 'INVALID' at 'macAlgorithm' failed to satisfy constraint: "
        "Member must satisfy enum value set: ["
    )
    assert (found.code, found.message[: len(start)]) == ("ValidationException", start)
    values = found.message[len(start) : -1].split(", ")
    assert sorted(values) == sorted(service_model().shape_for("MacAlgorithmSpec").enum)


def test_the_records(keystead, keys):
    call = calls(keys, "HMAC_384", b"a message that no log may hold: 1f9c")
    generated = keys.client.generate_mac(**call)
    verified = keys.client.verify_mac(Mac=generated["Mac"], **call)
    for name, answer in (("GenerateMac", generated), ("VerifyMac", verified)):
        record = keystead.audit_record(request_id(answer))
        assert (record["eventName"], record["readOnly"], record["responseElements"]) == (name, True, None)
        assert record["requestParameters"] == {"keyId": call["KeyId"], "macAlgorithm": "HMAC_SHA_384"}
        assert [resource["ARN"] for resource in record["resources"]] == [call["KeyId"]]
