"""Imported key material through the SDK: wrapped by a second implementation, for every key type, and a server that dies at any step.

Source: digest kms-core.md, 3.1, 5.5, 5.7, 7.2; KMS Developer Guide, "Importing key material". What takes a clock that can be turned, and
each byte that can be altered, is tested in crates/keystead-core/tests/kms/imported_key_material.rs.
"""

import datetime
import hmac
import os
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from support.conditions import wait_until
from support.crash_points import crash_points
from support.development_server import DevelopmentServer
from support.guide import Guide
from support.sdk_client import OTHER_REGION, refusal, request_id
from support.stored_keys import make_material_expired
from support.wrapping import KEY_WRAP, OAEP, WrappedMaterial, import_material

LIFECYCLE = {"key_lifecycle": {"transition_min_ms": 100, "sweep_interval_ms": 50}}
PLAINTEXT = b"attack at dawn"
MESSAGE = b"a message to sign"
DAY = datetime.timedelta(days=1)
FIRST, SECOND, THIRD = (bytes([number]) * 32 for number in (1, 2, 3))
NEW = {"ImportType": "NEW_KEY_MATERIAL"}
EXISTING = {"ImportType": "EXISTING_KEY_MATERIAL"}
STEPS = [
    "import-key-material.store",
    "import-key-material.stored",
    "delete-imported-key-material.store",
    "delete-imported-key-material.stored",
    "delete-expired-key-material.store",
    "delete-expired-key-material.record",
]


@pytest.fixture(scope="module")
def server(make_module_installation):
    installation = make_module_installation(LIFECYCLE).start()
    yield installation
    assert installation.stop() == 0, installation.server.stderr


@pytest.fixture
def account(server):
    return server.create_tenant()


@pytest.fixture
def kms(account):
    return account.client


def external_key(kms, **members):
    return kms.create_key(Origin="EXTERNAL", **members)["KeyMetadata"]["Arn"]


def imported_key(kms):
    """A symmetric key with material."""
    key = external_key(kms)
    import_material(kms, key, FIRST)
    return key


def describe(kms, key):
    return kms.describe_key(KeyId=key)["KeyMetadata"]


def state(kms, key):
    return describe(kms, key)["KeyState"]


def materials(kms, key):
    return kms.list_key_rotations(KeyId=key, IncludeKeyMaterial="ALL_KEY_MATERIAL")["Rotations"]


def states(kms, key):
    """Import state and material state of each material."""
    return [(entry["ImportState"], entry["KeyMaterialState"]) for entry in materials(kms, key)]


def pkcs8(private_key):
    return private_key.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


# ---- Every key type, with material made elsewhere ----

CURVES = {
    "ECC_NIST_P256": (ec.SECP256R1, hashes.SHA256, "ECDSA_SHA_256"),
    "ECC_NIST_P384": (ec.SECP384R1, hashes.SHA384, "ECDSA_SHA_384"),
    "ECC_NIST_P521": (ec.SECP521R1, hashes.SHA512, "ECDSA_SHA_512"),
    "ECC_SECG_P256K1": (ec.SECP256K1, hashes.SHA256, "ECDSA_SHA_256"),
}
WRAPPING_KEYS = ["RSA_2048", "RSA_3072", "RSA_4096"]


@pytest.mark.parametrize("algorithm", OAEP)
@pytest.mark.parametrize("spec", WRAPPING_KEYS)
def test_symmetric_material(kms, algorithm, spec):
    key = external_key(kms)
    assert state(kms, key) == "PendingImport"
    wrapped = WrappedMaterial(kms, key, os.urandom(32), algorithm, spec)
    parameters = wrapped.parameters
    assert parameters["KeyId"] == key
    assert abs(parameters["ParametersValidTo"] - datetime.datetime.now(datetime.timezone.utc) - DAY) < DAY / 24
    public_key = serialization.load_der_public_key(parameters["PublicKey"])
    assert public_key.key_size == int(spec.removeprefix("RSA_"))
    answer = wrapped.send()
    metadata = describe(kms, key)
    assert (answer["KeyId"], answer["KeyMaterialId"]) == (key, metadata["CurrentKeyMaterialId"])
    assert (metadata["KeyState"], metadata["ExpirationModel"]) == ("Enabled", "KEY_MATERIAL_DOES_NOT_EXPIRE")
    blob = kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT


@pytest.mark.parametrize("bits", [224, 256, 384, 512])
@pytest.mark.parametrize("algorithm", OAEP)
def test_hmac_material(kms, bits, algorithm):
    key = external_key(kms, KeySpec=f"HMAC_{bits}", KeyUsage="GENERATE_VERIFY_MAC")
    material = os.urandom(bits // 8)
    assert "KeyMaterialId" not in WrappedMaterial(kms, key, material, algorithm).send()
    mac = kms.generate_mac(KeyId=key, Message=MESSAGE, MacAlgorithm=f"HMAC_SHA_{bits}")["Mac"]
    assert mac == hmac.new(material, MESSAGE, f"sha{bits}").digest()


@pytest.mark.parametrize("spec", CURVES)
@pytest.mark.parametrize("algorithm", [*OAEP, *KEY_WRAP])
def test_elliptic_curve_material(kms, spec, algorithm):
    curve, digest, signing_algorithm = CURVES[spec]
    private_key = ec.generate_private_key(curve())
    key = external_key(kms, KeySpec=spec, KeyUsage="SIGN_VERIFY")
    wrapping_key = "RSA_3072" if spec == "ECC_NIST_P521" and algorithm in OAEP else "RSA_2048"
    WrappedMaterial(kms, key, pkcs8(private_key), algorithm, wrapping_key).send()
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm=signing_algorithm)["Signature"]
    private_key.public_key().verify(signature, MESSAGE, ec.ECDSA(digest()))
    assert_public_key(kms, key, private_key)


@pytest.mark.parametrize("algorithm", [*OAEP, *KEY_WRAP])
def test_ed25519_material(kms, algorithm):
    private_key = ed25519.Ed25519PrivateKey.generate()
    key = external_key(kms, KeySpec="ECC_NIST_EDWARDS25519", KeyUsage="SIGN_VERIFY")
    WrappedMaterial(kms, key, pkcs8(private_key), algorithm).send()
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm="ED25519_SHA_512")["Signature"]
    private_key.public_key().verify(signature, MESSAGE)
    assert_public_key(kms, key, private_key)


@pytest.mark.parametrize("bits", [2048, 3072, 4096])
@pytest.mark.parametrize("algorithm", KEY_WRAP)
def test_rsa_material(kms, bits, algorithm):
    private_key = rsa.generate_private_key(65537, bits)
    key = external_key(kms, KeySpec=f"RSA_{bits}", KeyUsage="SIGN_VERIFY")
    WrappedMaterial(kms, key, pkcs8(private_key), algorithm).send()
    signature = kms.sign(KeyId=key, Message=MESSAGE, SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256")["Signature"]
    private_key.public_key().verify(signature, MESSAGE, padding.PKCS1v15(), hashes.SHA256())
    assert_public_key(kms, key, private_key)


def assert_public_key(kms, key, private_key):
    expected = private_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert kms.get_public_key(KeyId=key)["PublicKey"] == expected


def test_no_wrapping_key_is_given_out_twice(server, kms):
    """Whether it was ready or is made for the call."""
    keys = [external_key(kms) for _ in range(4)]
    public_keys = []

    def ask(key):
        for _ in range(4):
            parameters = kms.get_parameters_for_import(
                KeyId=key, WrappingAlgorithm="RSAES_OAEP_SHA_256", WrappingKeySpec="RSA_2048"
            )
            public_keys.append(parameters["PublicKey"])

    threads = [threading.Thread(target=ask, args=(key,)) for key in keys]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(public_keys) == len(set(public_keys)) == 16


REFUSED_WRAPPINGS = [
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", KEY_WRAP, "RSA_4096"),
    ("HMAC_256", "GENERATE_VERIFY_MAC", KEY_WRAP, "RSA_4096"),
    ("RSA_2048", "SIGN_VERIFY", OAEP, "RSA_4096"),
    ("ECC_NIST_P521", "SIGN_VERIFY", OAEP, "RSA_2048"),
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", ["RSAES_PKCS1_V1_5", "SM2PKE"], "RSA_2048"),
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", ["SM2PKE", "RSAES_OAEP_SHA_256"], "SM2"),
]


@pytest.mark.parametrize(("spec", "usage", "algorithms", "wrapping_key"), REFUSED_WRAPPINGS)
def test_wrappings_that_do_not_fit(kms, spec, usage, algorithms, wrapping_key):
    key = external_key(kms, KeySpec=spec, KeyUsage=usage)
    for algorithm in algorithms:
        refused = refusal(
            kms.get_parameters_for_import, KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec=wrapping_key
        )
        assert refused.code == "UnsupportedOperationException", refused


# ---- What is refused ----


def test_bad_input(kms):
    key, other = external_key(kms), external_key(kms)
    good, of_other = WrappedMaterial(kms, key, FIRST), WrappedMaterial(kms, other, FIRST)
    encrypted, token = good.request["EncryptedKeyMaterial"], good.request["ImportToken"]
    cases = [
        ({"ImportToken": of_other.request["ImportToken"]}, "InvalidImportTokenException"),
        ({"ImportToken": token[:-1] + bytes([token[-1] ^ 1])}, "InvalidImportTokenException"),
        ({"ImportToken": os.urandom(len(token))}, "InvalidImportTokenException"),
        ({"EncryptedKeyMaterial": of_other.request["EncryptedKeyMaterial"]}, "InvalidCiphertextException"),
        ({"EncryptedKeyMaterial": encrypted[:-1] + bytes([encrypted[-1] ^ 1])}, "InvalidCiphertextException"),
        ({"EncryptedKeyMaterial": encrypted[:-1]}, "InvalidCiphertextException"),
        ({"EncryptedKeyMaterial": FIRST}, "InvalidCiphertextException"),
        ({"EncryptedKeyMaterial": os.urandom(6144)}, "InvalidCiphertextException"),
        ({"ExpirationModel": "KEY_MATERIAL_EXPIRES"}, "ValidationException"),
    ]
    for changes, expected in cases:
        request = {**good.request, "ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE", **changes}
        assert refusal(kms.import_key_material, **request).code == expected, changes
    for length in (0, 16, 31, 33):
        wrapped = WrappedMaterial(kms, key, bytes(length))
        assert refusal(wrapped.send).code == "IncorrectKeyMaterialException", length
    assert state(kms, key) == "PendingImport"
    good.send()


def test_a_private_key_of_another_kind(kms):
    key = external_key(kms, KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    other_curve = pkcs8(ec.generate_private_key(ec.SECP384R1()))
    for material in (other_curve, os.urandom(32), pkcs8(rsa.generate_private_key(65537, 2048))):
        assert refusal(import_material, client=kms, key=key, material=material).code == "IncorrectKeyMaterialException"


# ---- New and existing material, rotation, deletion, expiry ----


def test_rotation_to_imported_material(server, kms):
    key = imported_key(kms)
    old = kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    refused = refusal(kms.rotate_key_on_demand, KeyId=key)
    assert refused.code == "KMSInvalidStateException"
    assert refused.message == f"No available key material pending rotation for the key: {key}."
    second = import_material(kms, key, SECOND, **NEW, KeyMaterialDescription="of this year")["KeyMaterialId"]
    refused = refusal(import_material, client=kms, key=key, material=THIRD, **NEW)
    assert refused.code == "KMSInvalidStateException"
    assert refused.message.endswith(f"because another key material (id: {second}) is pending rotation.")
    kms.rotate_key_on_demand(KeyId=key)
    wait_until(lambda: describe(kms, key)["CurrentKeyMaterialId"] == second, "the key was rotated")
    assert states(kms, key) == [("IMPORTED", "NON_CURRENT"), ("IMPORTED", "CURRENT")]
    assert materials(kms, key)[1]["KeyMaterialDescription"] == "of this year"
    assert kms.decrypt(CiphertextBlob=old)["Plaintext"] == PLAINTEXT
    for call in (kms.enable_key_rotation, kms.disable_key_rotation, kms.get_key_rotation_status):
        refused = refusal(call, KeyId=key)
        assert refused.code == "UnsupportedOperationException"
        assert refused.message == f"{key} origin is EXTERNAL which is not valid for this operation."


def test_deletion_and_import_again(server, kms):
    key = imported_key(kms)
    material_id = describe(kms, key)["CurrentKeyMaterialId"]
    blob = kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    deleted = kms.delete_imported_key_material(KeyId=key)
    assert (deleted["KeyId"], deleted["KeyMaterialId"]) == (key, material_id)
    recorded = server.audit_record(request_id(deleted))
    assert recorded["responseElements"] == {"keyId": key, "keyMaterialId": material_id}
    assert state(kms, key) == "PendingImport"
    assert "ExpirationModel" not in describe(kms, key)
    for call, members in ((kms.encrypt, {"KeyId": key, "Plaintext": PLAINTEXT}), (kms.decrypt, {"CiphertextBlob": blob})):
        refused = refusal(call, **members)
        assert (refused.code, refused.message) == ("KMSInvalidStateException", f"{key} is pending import.")
    assert refusal(import_material, client=kms, key=key, material=SECOND).code == "IncorrectKeyMaterialException"
    import_material(kms, key, FIRST, KeyMaterialId=material_id)
    assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT


def test_expiry(server, kms):
    key = external_key(kms)
    # The SDK sends whole seconds.
    valid_to = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0) + DAY
    answer = import_material(kms, key, FIRST, ValidTo=valid_to)
    recorded = server.audit_record(request_id(answer))["requestParameters"]
    assert recorded["expirationModel"] == "KEY_MATERIAL_EXPIRES"
    assert datetime.datetime.strptime(recorded["validTo"], "%b %d, %Y, %I:%M:%S %p")
    metadata = describe(kms, key)
    assert metadata["ExpirationModel"] == "KEY_MATERIAL_EXPIRES"
    assert metadata["ValidTo"] == valid_to
    make_material_expired(server.data_folder / "store.sqlite", key.rpartition("/")[2])
    wait_until(lambda: state(kms, key) == "PendingImport", "the material expired")
    wait_until(lambda: expiry_records(server, key), "the expired material was deleted")
    (record,) = expiry_records(server, key)
    details = {"keyId": key.rpartition("/")[2], "keyMaterialId": answer["KeyMaterialId"]}
    assert record["serviceEventDetails"] == details
    assert record["eventType"] == "AwsServiceEvent"
    assert not {"ValidTo", "ExpirationModel"} & set(describe(kms, key))
    import_material(kms, key, FIRST)
    assert state(kms, key) == "Enabled"


def expiry_records(installation, key):
    return [
        record
        for record in installation.audit_records()
        if record["eventName"] == "DeleteExpiredKeyMaterial" and record["resources"][0]["ARN"] == key
    ]


def test_multi_region_keys(server, account, kms):
    elsewhere = server.client(account.credentials, region=OTHER_REGION)
    primary = external_key(kms, MultiRegion=True)
    import_material(kms, primary, FIRST)
    replica = kms.replicate_key(KeyId=primary, ReplicaRegion=OTHER_REGION)["ReplicaKeyMetadata"]["Arn"]
    wait_until(lambda: state(elsewhere, replica) == "PendingImport", "the replica was made")
    import_material(elsewhere, replica, FIRST, **EXISTING)
    assert describe(elsewhere, replica)["CurrentKeyMaterialId"] == describe(kms, primary)["CurrentKeyMaterialId"]

    refused = refusal(import_material, client=elsewhere, key=replica, material=SECOND, **NEW)
    assert refused.code == "UnsupportedOperationException"
    second = import_material(kms, primary, SECOND, **NEW)["KeyMaterialId"]
    assert materials(kms, primary)[1]["KeyMaterialState"] == "PENDING_MULTI_REGION_IMPORT_AND_ROTATION"
    assert refusal(kms.rotate_key_on_demand, KeyId=primary).code == "KMSInvalidStateException"
    import_material(elsewhere, replica, SECOND, **EXISTING)
    assert materials(kms, primary)[1]["KeyMaterialState"] == "PENDING_ROTATION"
    kms.rotate_key_on_demand(KeyId=primary)
    wait_until(lambda: describe(elsewhere, replica)["CurrentKeyMaterialId"] == second, "the keys were rotated")
    blob = elsewhere.encrypt(KeyId=replica, Plaintext=PLAINTEXT)["CiphertextBlob"]
    assert kms.decrypt(CiphertextBlob=blob)["KeyId"] == primary

    kms.delete_imported_key_material(KeyId=primary)
    assert (state(kms, primary), state(elsewhere, replica)) == ("PendingImport", "Enabled")


# ---- Secrets, and crashes ----


def test_no_material_is_readable_in_files(make_installation):
    """Neither store, log nor audit log has the material, nor a wrapping key, in clear."""
    server = make_installation(LIFECYCLE).start()
    kms = server.create_tenant().client
    key = external_key(kms)
    material = os.urandom(32)
    wrapped = WrappedMaterial(kms, key, material)
    wrapped.send()
    refusal(kms.import_key_material, **{**wrapped.request, "EncryptedKeyMaterial": material})
    kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)
    kms.delete_imported_key_material(KeyId=key)
    assert server.stop() == 0
    needles = [material, material.hex().encode(), *(wrapped.request[name] for name in ("ImportToken", "EncryptedKeyMaterial"))]
    for file in server.folder.rglob("*"):
        if file.is_file():
            content = file.read_bytes()
            assert not any(needle in content for needle in needles), file


def test_every_step_is_tested():
    assert crash_points("test_imported_key_material.py") == STEPS


class CrashingServer:
    """A server that may crash, and a client of it."""

    def __init__(self, installation):
        self.installation = installation.start()
        self.tenant = installation.create_tenant()
        self.kms = self.tenant.client

    def start(self, environment=None):
        self.installation.start(environment)
        self.kms = self.installation.client(self.tenant.credentials)

    def restart_to_crash_at(self, step):
        assert self.installation.stop() == 0, self.installation.server.stderr
        self.start({"KEYSTEAD_CRASH_AT": step})

    def wait_for_crash(self):
        server = self.installation.server
        wait_until(lambda: not server.is_running, "the server crashed")
        assert server.wait() != 0
        assert "asks for the end of the process here" in server.stderr, server.stderr

    def crash_in(self, step, call, **parameters):
        """A call that the crash cuts off."""
        self.restart_to_crash_at(step)
        with pytest.raises((BotoCoreError, ClientError)):
            getattr(self.kms, call)(**parameters)
        self.wait_for_crash()
        self.start()


@pytest.mark.parametrize("step", [step for step in STEPS if step.startswith("import")])
def test_a_crash_in_an_import(make_installation, step):
    """The material is there as a whole, or not at all; the token is good for another try."""
    server = CrashingServer(make_installation(LIFECYCLE))
    stored = step.endswith("stored")
    key = external_key(server.kms)
    first = WrappedMaterial(server.kms, key, FIRST)
    server.crash_in(step, "import_key_material", **first.request, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE")
    assert state(server.kms, key) == ("Enabled" if stored else "PendingImport")
    first.send(server.kms)
    blob = server.kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]

    second = WrappedMaterial(server.kms, key, SECOND)
    server.crash_in(
        step, "import_key_material", **second.request, **NEW, ExpirationModel="KEY_MATERIAL_DOES_NOT_EXPIRE"
    )
    waiting = [("IMPORTED", "PENDING_ROTATION")]
    assert states(server.kms, key) == [("IMPORTED", "CURRENT"), *(waiting if stored else [])]
    second.send(server.kms, ImportType="EXISTING_KEY_MATERIAL" if stored else "NEW_KEY_MATERIAL")
    assert states(server.kms, key) == [("IMPORTED", "CURRENT"), *waiting]
    assert server.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT
    assert server.installation.stop() == 0


@pytest.mark.parametrize("step", [step for step in STEPS if step.startswith("delete-imported")])
def test_a_crash_in_a_deletion(make_installation, step):
    server = CrashingServer(make_installation(LIFECYCLE))
    key = imported_key(server.kms)
    blob = server.kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    server.crash_in(step, "delete_imported_key_material", KeyId=key)
    assert state(server.kms, key) == ("PendingImport" if step.endswith("stored") else "Enabled")
    import_material(server.kms, key, FIRST)
    assert server.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT
    assert server.installation.stop() == 0


@pytest.mark.parametrize("step", [step for step in STEPS if step.startswith("delete-expired")])
def test_a_crash_in_an_expiry(make_installation, step):
    """Expired material is of no use whenever its bytes go, and they do."""
    server = CrashingServer(make_installation(LIFECYCLE))
    key = external_key(server.kms)
    valid_to = datetime.datetime.now(datetime.timezone.utc) + DAY
    import_material(server.kms, key, FIRST, ValidTo=valid_to)
    blob = server.kms.encrypt(KeyId=key, Plaintext=PLAINTEXT)["CiphertextBlob"]
    assert server.installation.stop() == 0
    make_material_expired(server.installation.data_folder / "store.sqlite", key.rpartition("/")[2])
    server.installation.server = server.installation.launch({"KEYSTEAD_CRASH_AT": step})
    server.wait_for_crash()
    server.start()
    assert state(server.kms, key) == "PendingImport"
    if step.endswith("store"):
        wait_until(lambda: expiry_records(server.installation, key), "the expired material was deleted")
    assert states(server.kms, key) == [("PENDING_IMPORT", "CURRENT")]
    import_material(server.kms, key, FIRST)
    assert server.kms.decrypt(CiphertextBlob=blob)["Plaintext"] == PLAINTEXT
    assert server.installation.stop() == 0


def test_the_guide(tmp_path):
    server = DevelopmentServer(tmp_path / "server").start()
    try:
        printed = Guide("imported-key-material.md").follow(tmp_path, server)
        assert printed.count("attack at dawn") == 3, printed
        assert "Verified OK" in printed
    finally:
        assert server.stop() == 0, server.server.stderr
