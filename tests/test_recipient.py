"""The parameter `Recipient`: an attested enclave or instance alone reads the plaintext of an answer.

Source: digest kms-core.md, 2.3 (inputs and outputs), 4.4 (which operations), 7.2 (audit records); Nitro Enclaves User Guide, "Verifying the
root of trust". The texts of refusals are unverified.
"""

import base64
import dataclasses
import datetime
import os

import pytest
from cryptography.hazmat.primitives import serialization

from support import second_implementation as second
from support.attestation import DAY, MODULE_ID, AttestationAuthority, Enclave, unix_ms
from support.hsm_realm import HsmRealm
from support.raw_request import call as raw_call

MINUTE_MS = 60_000
PLAINTEXT = b"a plaintext that the caller may not see"
# The member that has the secret in an answer without a recipient.
SECRET_MEMBERS = {
    "Decrypt": "Plaintext",
    "GenerateDataKey": "Plaintext",
    "GenerateDataKeyPair": "PrivateKeyPlaintext",
    "GenerateRandom": "Plaintext",
    "DeriveSharedSecret": "SharedSecret",
}
OPERATIONS = list(SECRET_MEMBERS)
# All members of an answer with one.
MEMBERS = {
    "Decrypt": {"KeyId", "EncryptionAlgorithm"},
    "GenerateDataKey": {"KeyId", "KeyMaterialId", "CiphertextBlob"},
    "GenerateDataKeyPair": {"KeyId", "KeyMaterialId", "KeyPairSpec", "PrivateKeyCiphertextBlob", "PublicKey"},
    "GenerateRandom": set(),
    "DeriveSharedSecret": {"KeyId", "KeyAgreementAlgorithm", "KeyOrigin"},
}
LEFT_OUT_FOR_A_RECIPIENT = {"Decrypt": {"KeyMaterialId"}}
# GenerateRandom has no DryRun.
WITH_DRY_RUN = [operation for operation in OPERATIONS if operation != "GenerateRandom"]


class Account:
    """An account with a key for each operation."""

    def __init__(self, installation):
        self.installation = installation
        self.tenant = installation.create_tenant()
        self.client = self.tenant.client
        self.symmetric = self.client.create_key()["KeyMetadata"]["Arn"]
        agreement = {"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"}
        self.agreement = self.client.create_key(**agreement)["KeyMetadata"]["Arn"]
        self.partner = second.Agreement.on("ECC_NIST_P256")
        self.ciphertext = self.client.encrypt(KeyId=self.symmetric, Plaintext=PLAINTEXT)["CiphertextBlob"]

    def parameters(self, operation):
        """A request that succeeds."""
        agreement = {"KeyId": self.agreement, "KeyAgreementAlgorithm": "ECDH", "PublicKey": self.partner.public_key}
        return {
            "Decrypt": {"CiphertextBlob": self.ciphertext},
            "GenerateDataKey": {"KeyId": self.symmetric, "NumberOfBytes": 64},
            "GenerateDataKeyPair": {"KeyId": self.symmetric, "KeyPairSpec": "ECC_NIST_P521"},
            "GenerateRandom": {"NumberOfBytes": 1024},
            "DeriveSharedSecret": agreement,
        }[operation]

    def call(self, operation, **changes):
        """The answer as it came, whatever it is."""
        parameters = in_json({**self.parameters(operation), **changes})
        return raw_call(self.installation.endpoint, self.tenant.credentials, operation, parameters)

    def answered(self, operation, **changes):
        """The answer, which is a success."""
        answer = self.call(operation, **changes)
        assert answer.status == 200, answer.body
        return answer

    def refused(self, operation, recipient, **changes):
        """The answer, which is a refusal of the recipient and has nothing else in it."""
        answer = self.call(operation, Recipient=recipient, **changes)
        assert (answer.status, answer.type) == (400, "ValidationException"), answer.body
        assert set(answer.json) == {"__type", "message"}
        return answer

    def record_of(self, answer):
        return self.installation.audit_record(answer.headers["x-amzn-requestid"])

    def check_secret(self, operation, secret, answer):
        """Fails unless it is the secret that the operation is to give."""
        if operation == "Decrypt":
            assert secret == PLAINTEXT
        elif operation == "GenerateDataKey":
            assert len(secret) == 64 and secret == self.decrypted(answer["CiphertextBlob"])
        elif operation == "GenerateDataKeyPair":
            assert secret == self.decrypted(answer["PrivateKeyCiphertextBlob"])
            private_key = serialization.load_der_private_key(secret, None)
            assert second.spki(private_key.public_key()) == base64.b64decode(answer["PublicKey"])
        elif operation == "GenerateRandom":
            assert len(secret) == 1024
        else:
            assert secret == self.partner.shared_secret(self.client.get_public_key(KeyId=self.agreement)["PublicKey"])

    def decrypted(self, blob):
        return self.client.decrypt(CiphertextBlob=base64.b64decode(blob))["Plaintext"]


def in_json(value):
    """Bytes as the wire has them."""
    if isinstance(value, bytes):
        return base64.b64encode(value).decode()
    return {name: in_json(member) for name, member in value.items()} if isinstance(value, dict) else value


def ciphertext_of(answer):
    return base64.b64decode(answer.json["CiphertextForRecipient"])


@pytest.fixture(scope="module")
def account(keystead):
    return Account(keystead)


@pytest.fixture(scope="module")
def enclave(attestation_authority):
    return Enclave(attestation_authority)


# ---- the answer ----


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_recipient_alone_reads_the_answer(account, enclave, tmp_path, operation):
    answer = account.answered(operation, Recipient=enclave.recipient())
    assert set(answer.json) == MEMBERS[operation] | {"CiphertextForRecipient"}
    secret = enclave.open_with_openssl(tmp_path, ciphertext_of(answer))
    account.check_secret(operation, secret, answer.json)
    assert enclave.open(ciphertext_of(answer)) == secret


@pytest.mark.parametrize("operation", OPERATIONS)
def test_nothing_of_the_plaintext_is_in_the_answer(account, enclave, operation):
    answer = account.answered(operation, Recipient=enclave.recipient())
    secret = enclave.open(ciphertext_of(answer))
    pieces = [secret[at : at + 16] for at in range(0, len(secret) - 15, 16)]
    # The public half of a key pair is in its private key, too.
    public = base64.b64decode(answer.json.get("PublicKey", ""))
    for value in answer.json.values():
        sent = value.encode()
        for piece in pieces:
            assert piece in public or (piece not in decoded(sent) and piece not in sent and piece.hex() not in value)


def decoded(text):
    """The bytes of base64, or none of what is something else."""
    try:
        return base64.b64decode(text, validate=True)
    except ValueError:
        return b""


@pytest.mark.parametrize("operation", OPERATIONS)
def test_without_a_recipient_the_caller_reads_it(account, operation):
    answer = account.answered(operation)
    assert set(answer.json) == MEMBERS[operation] | LEFT_OUT_FOR_A_RECIPIENT.get(operation, set()) | {SECRET_MEMBERS[operation]}
    account.check_secret(operation, base64.b64decode(answer.json[SECRET_MEMBERS[operation]]), answer.json)


def test_each_answer_is_encrypted_anew(account, enclave):
    recipient = enclave.recipient()
    first, second_ = (ciphertext_of(account.answered("Decrypt", Recipient=recipient)) for _ in range(2))
    assert first != second_
    assert enclave.open(first) == enclave.open(second_) == PLAINTEXT


def test_the_longest_answer(account, enclave, tmp_path):
    """4096 bytes, and an RSA_4096 key pair's private key: in several octet strings of the CMS structure."""
    plaintext = os.urandom(4096)
    blob = account.client.encrypt(KeyId=account.symmetric, Plaintext=plaintext)["CiphertextBlob"]
    answer = account.answered("Decrypt", CiphertextBlob=blob, Recipient=enclave.recipient())
    assert enclave.open_with_openssl(tmp_path, ciphertext_of(answer)) == plaintext
    answer = account.answered("GenerateDataKeyPair", KeyPairSpec="RSA_4096", Recipient=enclave.recipient())
    secret = enclave.open_with_openssl(tmp_path, ciphertext_of(answer))
    account.check_secret("GenerateDataKeyPair", secret, answer.json)


def test_random_bytes_of_an_hsm(kryoptic_server, enclave):
    """GenerateRandom in an AWS CloudHSM key store."""
    store = HsmRealm(kryoptic_server).connected_store()
    parameters = {"NumberOfBytes": 333, "CustomKeyStoreId": store.store_id, "Recipient": enclave.recipient()}
    answers = [store.client.generate_random(**parameters) for _ in range(2)]
    assert all("Plaintext" not in answer for answer in answers)
    opened = [enclave.open(answer["CiphertextForRecipient"]) for answer in answers]
    assert [len(bytes_) for bytes_ in opened] == [333, 333] and opened[0] != opened[1]


# ---- what is refused ----


def expired(authority):
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"signer": authority.new_signer((now - 2 * DAY, now - DAY))}


def not_yet_valid(authority):
    now = datetime.datetime.now(datetime.timezone.utc)
    return {"signer": authority.new_signer((now + DAY, now + 2 * DAY))}


def signed_by_another(authority):
    """The certificate is the right one, the key is not."""
    return {"signer": dataclasses.replace(authority.signer, key=authority.new_signer().key)}


def under_these_issuers(authority):
    """Nor does a name prove anything: the other authority's certificates have the same ones."""
    return {"signer": dataclasses.replace(AttestationAuthority().signer, above=authority.signer.above)}


# what is changed of a good document, and the words of the refusal
REFUSED = {
    "of another authority": (lambda _: {"signer": AttestationAuthority("other.example").signer}, "no configured root issued them"),
    "of another authority of the same name": (lambda _: {"signer": AttestationAuthority().signer}, "signature does not verify"),
    "of another authority, under this one's issuers": (under_these_issuers, "certificates are not trusted"),
    "an expired certificate": (expired, "has expired"),
    "a certificate of tomorrow": (not_yet_valid, "not valid yet"),
    "a foreign signature": (signed_by_another, "signature does not verify"),
    "too old": (lambda _: {"timestamp": unix_ms() - 6 * MINUTE_MS}, "too old"),
    "of the future": (lambda _: {"timestamp": unix_ms() + 6 * MINUTE_MS}, "in the future"),
    "no public key": (lambda _: {"public_key": None}, "no public_key"),
    "a field for the public key that is not there": (lambda _: {"without": ["public_key"]}, "no public_key"),
    "a public key that is none": (lambda _: {"public_key": os.urandom(294)}, "public_key is not an RSA key"),
    "a public key of a curve": (lambda _: {"public_key": second.Agreement.on("ECC_NIST_P256").public_key}, "not an RSA key"),
    "no registers": (lambda _: {"without": ["pcrs"]}, "no pcrs"),
    "another digest": (lambda _: {"digest": "SHA256"}, "digest must be"),
}


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("case", REFUSED)
def test_a_document_that_is_refused(account, enclave, attestation_authority, case, operation):
    changes, words = REFUSED[case]
    answer = account.refused(operation, enclave.recipient(**changes(attestation_authority)))
    assert answer.message.startswith("Recipient is refused: ") and words in answer.message


def test_a_document_of_some_minutes_ago(account, enclave):
    """Clocks differ, and documents take their time."""
    for timestamp in (unix_ms() - 4 * MINUTE_MS, unix_ms() + 4 * MINUTE_MS):
        account.answered("GenerateRandom", Recipient=enclave.recipient(timestamp=timestamp))


def test_an_altered_byte_anywhere(account, enclave):
    recipient = enclave.recipient()
    document = recipient["AttestationDocument"]
    for at in range(0, len(document), 37):
        altered = document[:at] + bytes([document[at] ^ 0x01]) + document[at + 1 :]
        account.refused("Decrypt", {**recipient, "AttestationDocument": altered})
    account.answered("Decrypt", Recipient=recipient)


@pytest.mark.parametrize("cut", [1, 96, 1000])
def test_a_document_that_is_cut_short(account, enclave, cut):
    recipient = enclave.recipient()
    account.refused("Decrypt", {**recipient, "AttestationDocument": recipient["AttestationDocument"][:-cut]})


@pytest.mark.parametrize("document", [b"x", os.urandom(4096), b"\x84" * 262_144], ids=["one byte", "noise", "the longest"])
def test_a_document_that_is_none(account, enclave, document):
    account.refused("Decrypt", {**enclave.recipient(), "AttestationDocument": document})


@pytest.mark.parametrize("document", [b"", bytes(262_145)], ids=["empty", "too long"])
def test_a_document_of_a_wrong_length(account, enclave, document):
    """2.4: 1 to 262144 bytes."""
    answer = account.refused("Decrypt", {**enclave.recipient(), "AttestationDocument": document})
    assert "'recipient.attestationDocument' failed to satisfy constraint" in answer.message


@pytest.mark.parametrize("algorithm", ["RSAES_OAEP_SHA_1", "RSAES_PKCS1_V1_5", "SYMMETRIC_DEFAULT", "rsaes_oaep_sha_256"])
def test_another_algorithm(account, enclave, algorithm):
    answer = account.refused("Decrypt", {**enclave.recipient(), "KeyEncryptionAlgorithm": algorithm})
    assert "'recipient.keyEncryptionAlgorithm' failed to satisfy constraint" in answer.message


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("members", [["AttestationDocument"], ["KeyEncryptionAlgorithm"], []], ids=["document", "algorithm", "nothing"])
def test_half_a_recipient(account, enclave, operation, members):
    """The model has both optional; plaintext is no answer to any of it (unverified)."""
    recipient = enclave.recipient()
    answer = account.refused(operation, {name: recipient[name] for name in members})
    assert any(name in answer.message for name in recipient if name not in members)


@pytest.mark.parametrize("roots", [{}, {"roots": []}], ids=["no section", "no root"])
def test_a_server_without_roots(make_installation, enclave, roots):
    installation = make_installation()
    installation.settings["attestation"] = roots
    installation.write_configuration()
    account = Account(installation.start())
    for operation in OPERATIONS:
        answer = account.refused(operation, enclave.recipient())
        assert "no root certificate" in answer.message and "attestation.roots" in answer.message
        account.answered(operation)
    assert installation.stop() == 0


def test_several_roots(make_installation, attestation_authority):
    """In one file after the other, and several in one."""
    others = [AttestationAuthority() for _ in range(2)]
    installation = make_installation()
    (installation.folder / "two.pem").write_bytes(b"".join(other.root_pem for other in others))
    installation.settings["attestation"] = {"roots": [*installation.settings["attestation"]["roots"], "two.pem"]}
    installation.write_configuration()
    account = Account(installation.start())
    for authority in (attestation_authority, *others):
        account.answered("GenerateRandom", Recipient=Enclave(authority).recipient())
    account.refused("GenerateRandom", Enclave(AttestationAuthority()).recipient())
    assert installation.stop() == 0


# ---- the order of checks, and dry runs ----


@pytest.mark.parametrize("operation", WITH_DRY_RUN)
def test_a_dry_run(account, enclave, operation):
    account.refused(operation, enclave.recipient(public_key=None), DryRun=True)
    answer = account.call(operation, Recipient=enclave.recipient(), DryRun=True)
    assert answer.type == "DryRunOperationException" and "CiphertextForRecipient" not in answer.json


def test_a_good_document_opens_no_other_door(keystead, enclave):
    """A stranger's key, a disabled one, and a ciphertext that is none stay what they are."""
    account, stranger = Account(keystead), Account(keystead)
    recipient = enclave.recipient()
    assert account.call("GenerateDataKey", KeyId=stranger.symmetric, Recipient=recipient).type == "AccessDeniedException"
    assert account.call("Decrypt", CiphertextBlob=b"none", Recipient=recipient).type == "InvalidCiphertextException"
    account.client.disable_key(KeyId=account.symmetric)
    for operation in ("Decrypt", "GenerateDataKey", "GenerateDataKeyPair"):
        assert account.call(operation, Recipient=recipient).type == "DisabledException"


# ---- audit records: 7.2 ----


def registers(*indexes):
    return {index: bytes([index + 1]) * 48 for index in indexes}


def recorded_register(index):
    return base64.b64encode(bytes([index + 1]) * 48).decode()


@pytest.mark.parametrize("operation", OPERATIONS)
def test_the_record_tells_the_recipient(account, enclave, operation):
    answer = account.answered(operation, Recipient=enclave.recipient(pcrs=registers(0, 1, 2, 3, 4, 5, 8, 16)))
    record = account.record_of(answer)
    assert record["additionalEventData"]["recipient"] == {
        "attestationDocumentModuleId": MODULE_ID,
        "attestationDocumentEnclaveImageDigest": recorded_register(0),
        **{f"attestationDocumentEnclavePCR{index}": recorded_register(index) for index in (1, 2, 3, 4, 8)},
    }
    assert "recipient" not in (record["requestParameters"] or {})
    assert record["responseElements"] is None and "errorCode" not in record


def test_the_record_of_an_instance_with_a_nitro_tpm(account, enclave):
    recipient = enclave.recipient(without=["pcrs"], nitrotpm_pcrs=registers(0, 4, 7), module_id="i-0123456789abcdef0")
    record = account.record_of(account.answered("GenerateRandom", Recipient=recipient))
    assert record["additionalEventData"]["recipient"] == {
        "attestationDocumentModuleId": "i-0123456789abcdef0",
        "attestationDocumentNitroTPMPCR4": recorded_register(4),
        "attestationDocumentNitroTPMPCR7": recorded_register(7),
    }


def test_nothing_unverified_is_recorded(account, enclave):
    """Anybody can write anything into a document."""
    recipient = enclave.recipient(signer=AttestationAuthority().signer, module_id="i-forged")
    record = account.record_of(account.refused("Decrypt", recipient))
    assert record["errorCode"] == "ValidationException"
    assert "recipient" not in record.get("additionalEventData", {})
    assert "i-forged" not in str(record)


def test_a_call_that_fails_later_tells_who_called(account, enclave):
    answer = account.call("Decrypt", CiphertextBlob=b"none", Recipient=enclave.recipient())
    record = account.record_of(answer)
    assert record["errorCode"] == "InvalidCiphertextException"
    assert record["additionalEventData"]["recipient"]["attestationDocumentModuleId"] == MODULE_ID
