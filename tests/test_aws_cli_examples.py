"""The AWS CLI's own examples for `aws kms`, run as they stand in its documentation: only identifiers, names of hosts, dates and account
numbers are exchanged for real ones, and each prints the members that its documentation shows.

PREPARATIONS says for each command what must be there before it, in the order of the commands in each file; NOT_RUN says why one is not
run. An example that neither knows fails the test.
"""

import datetime
import os
import re
import subprocess
from pathlib import Path

import pytest

from support import second_implementation as second
from support.aws_cli import AwsCli, executable
from support.built_binary import COMMAND_LIMIT_S
from support.cli_examples import examples, literal_block, member_names
from support.conditions import wait_until
from support.external_store import connected_store, create_store
from support.hsm_realm import KMSUSER_PASSWORD
from support.program_environment import aws_variables
from support.sdk_client import OTHER_REGION, service_client

KEY = "1234abcd-12ab-34cd-56ef-1234567890ab"
OTHER_KEY = "0987dcba-09fe-87dc-65ba-ab0987654321"
STORE = "cks-1234567890abcdef0"
EXTERNAL_STORE = "cks-9876543210fedcba9"
GRANT = "1234a2345b8a4e350500d432bccf8ecd6506710e1391880c4f7f7140160c9af3"
ACCOUNTS = re.compile(r"111122223333|123456789012")
KEY_ARN = re.compile(r"arn:aws:kms:[a-z0-9-]+:")
PLAINTEXT = b"plaintext of the examples\n"


class Stage:
    """An account and a folder in which one example runs."""

    def __init__(self, installation, tenant, folder, request):
        self._request = request
        self.installation = installation
        self.tenant = tenant
        self.folder = folder
        self.client = tenant.client
        self.variables = aws_variables(installation, tenant)

    def key(self, **parameters):
        """The ID of a new key."""
        return self.client.create_key(**parameters)["KeyMetadata"]["KeyId"]

    def rsa_key(self, usage="SIGN_VERIFY", spec="RSA_2048"):
        return self.key(KeySpec=spec, KeyUsage=usage)

    def hmac_key(self):
        return self.key(KeySpec="HMAC_384", KeyUsage="GENERATE_VERIFY_MAC")

    def file(self, name, content):
        """A file that the example reads."""
        (self.folder / name).write_bytes(content)

    def alias(self, name, key):
        self.client.create_alias(AliasName=name, TargetKeyId=key)

    def user(self, name):
        """A user of the account, as the examples name some."""
        self.installation.admin("users", "create", "--account", self.tenant.account, "--name", name)
        return f"arn:aws:iam::{self.tenant.account}:user/{name}"

    def realm(self):
        return self._request.getfixturevalue("fault_proxy").realm()

    def in_the_cloud(self):
        """From here on the example runs in an account of a server with HSMs; returns that account."""
        cloud = self._request.getfixturevalue("shared_cloud")
        self.installation, self.tenant, self.client = cloud.installation, cloud.tenant, cloud.kms
        self.variables = cloud.variables()
        return cloud

    def cloudhsm_store(self):
        return self._request.getfixturevalue("cloudhsm_store")

    def run(self, command):
        """Runs a command in a shell, as a person would; returns the completed process."""
        cli = AwsCli(self.variables, self.folder)
        path = os.pathsep.join([str(Path(executable()).parent), cli.environment["PATH"]])
        return subprocess.run(
            ["bash", "-o", "pipefail", "-c", command],
            cwd=self.folder,
            env={**cli.environment, "PATH": path},
            capture_output=True,
            text=True,
            timeout=COMMAND_LIMIT_S,
            check=False,
        )


@pytest.fixture
def stage(keystead, tenant, tmp_path, request):
    return Stage(keystead, tenant, tmp_path, request)


@pytest.fixture(scope="module")
def cloudhsm_store(shared_cloud):
    """A key store over a cluster of HSMs, for the examples that want one."""
    return shared_cloud.connected_store()


# ---- what must be there: each returns what to exchange in the command ----


def a_key(stage):
    return {KEY: stage.key()}


def two_keys(stage):
    return {KEY: stage.key(), OTHER_KEY: stage.key()}


def nothing(stage):
    return {}


def a_key_pending_deletion(stage):
    key = stage.key()
    stage.client.schedule_key_deletion(KeyId=key)
    return {KEY: key}


def a_disabled_key(stage):
    key = stage.key()
    stage.client.disable_key(KeyId=key)
    return {KEY: key}


def a_disabled_rsa_key(stage):
    key = stage.rsa_key()
    stage.client.disable_key(KeyId=key)
    return {KEY: key}


def an_aliased_key(name, written=None):
    def prepare(stage):
        stage.alias(name, stage.key())
        return {written or name: name}

    return prepare


def an_alias_and_a_key(stage):
    stage.alias("alias/test-key", stage.key())
    return {KEY: stage.key()}


def two_aliases(stage):
    key = stage.key()
    for name in ("alias/oregon-test-key", "alias/project121-test"):
        stage.alias(name, key)
    return {KEY: key}


def tagged(stage):
    tags = [{"TagKey": "Dept", "TagValue": "IT"}, {"TagKey": "Purpose", "TagValue": "Test"}]
    return {KEY: stage.key(Tags=tags)}


def two_listed_keys(stage):
    two_keys(stage)
    return {}


def an_hmac_key(stage):
    return {KEY: stage.hmac_key()}


def a_multi_region_key(stage):
    primary = stage.key(MultiRegion=True)
    stage.client.replicate_key(KeyId=primary, ReplicaRegion=OTHER_REGION)
    there = service_client("kms", stage.installation.endpoint, stage.tenant.credentials, region=OTHER_REGION)
    wait_until(
        lambda: there.describe_key(KeyId=primary)["KeyMetadata"]["KeyState"] == "Enabled", "the replica was enabled"
    )
    return {"mrk-1234abcd12ab34cd56ef1234567890ab": primary}


def a_rotating_key(stage):
    key = stage.key()
    stage.client.enable_key_rotation(KeyId=key)
    return {KEY: key}


def a_rotated_key(stage):
    key = stage.key()
    stage.client.rotate_key_on_demand(KeyId=key)
    wait_until(lambda: stage.client.list_key_rotations(KeyId=key)["Rotations"], "the key was rotated")
    return {KEY: key}


# Encryption.


def a_plaintext(stage):
    stage.file("ExamplePlaintextFile", PLAINTEXT)
    return {KEY: stage.key(), "C:\\Temp\\": ""}


def a_plaintext_and_an_rsa_key(stage):
    stage.file("ExamplePlaintextFile", PLAINTEXT)
    return {KEY: stage.rsa_key("ENCRYPT_DECRYPT")}


def a_ciphertext(stage):
    keys = two_keys(stage)
    stage.file("ExampleEncryptedFile", stage.client.encrypt(KeyId=keys[KEY], Plaintext=PLAINTEXT)["CiphertextBlob"])
    return keys


def an_rsa_ciphertext(stage):
    key, algorithm = stage.rsa_key("ENCRYPT_DECRYPT"), "RSAES_OAEP_SHA_256"
    answer = stage.client.encrypt(KeyId=key, Plaintext=PLAINTEXT, EncryptionAlgorithm=algorithm)
    stage.file("ExampleEncryptedFile", answer["CiphertextBlob"])
    return {OTHER_KEY: key}


def a_public_key_to_agree_with(stage):
    stage.file("PublicKey.der", second.Agreement.on("ECC_NIST_P256").public_key)
    (written,) = re.findall(r'"MII[^"]*"', next(one.command for one in examples() if one.file == "derive-shared-secret"))
    # The example is for version 2 of the CLI, which reads base64; and it shows the beginning of an RSA key.
    return {KEY: stage.key(KeySpec="ECC_NIST_P256", KeyUsage="KEY_AGREEMENT"), written: "fileb://PublicKey.der"}


# Signatures and MACs.


def a_message(name, make):
    def prepare(stage):
        stage.file(name, b"aGVsbG8gd29ybGQK\n")
        return {KEY: make(stage)}

    return prepare


def a_mac(stage):
    key = stage.hmac_key()
    message = b"Hello World\n"
    stage.file("Message", message)
    stage.file("ExampleMac", stage.client.generate_mac(KeyId=key, Message=message, MacAlgorithm="HMAC_SHA_384")["Mac"])
    return {KEY: key}


def a_signature(stage):
    key = stage.rsa_key()
    message = b"aGVsbG8gd29ybGQK\n"
    stage.file("EncodedMessage", message)
    signed = stage.client.sign(KeyId=key, Message=message, SigningAlgorithm="RSASSA_PKCS1_V1_5_SHA_256")
    stage.file("ExampleSignature", signed["Signature"])
    return {KEY: key}


# Imported key material.


def a_key_awaiting_material(stage):
    return {KEY: stage.key(Origin="EXTERNAL")}


def a_key_with_material(stage):
    key = stage.key(Origin="EXTERNAL")
    second.import_material(stage.client, key, os.urandom(32), "RSAES_OAEP_SHA_256")
    return {KEY: key}


def wrapped_material(stage):
    key, algorithm = stage.key(Origin="EXTERNAL"), "RSAES_OAEP_SHA_256"
    parameters = stage.client.get_parameters_for_import(
        KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048"
    )
    stage.file("ImportToken.bin", parameters["ImportToken"])
    stage.file("EncryptedKeyMaterial.bin", second.wrap(os.urandom(32), algorithm, parameters["PublicKey"]))
    tomorrow = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=1)
    return {KEY: key, "2021-09-21T19:00:00Z": tomorrow.strftime("%Y-%m-%dT%H:%M:%SZ")}


# Grants and policies.


def grantees(stage):
    stage.user("exampleUser")
    # The server knows users, and no roles.
    return {KEY: stage.key(), f"arn:aws:iam::{stage.tenant.account}:role/adminRole": stage.user("adminUser")}


def grant(stage, key, **parameters):
    parameters = {"GranteePrincipal": f"arn:aws:iam::{stage.tenant.account}:user/alice", "Operations": ["Encrypt"], **parameters}
    return stage.client.create_grant(KeyId=key, **parameters)["GrantId"]


def a_grant(stage):
    key = stage.key()
    principal = f"arn:aws:iam::{stage.tenant.account}:user/alice"
    return {KEY: key, GRANT: grant(stage, key, RetiringPrincipal=principal)}


def a_grant_on_a_table(stage):
    key = stage.key()
    context = {"aws:dynamodb:subscriberId": stage.tenant.account, "aws:dynamodb:tableName": "Services"}
    principal = f"arn:aws:iam::{stage.tenant.account}:user/alice"
    grant(stage, key, Name="for-a-table", RetiringPrincipal=principal, Constraints={"EncryptionContextSubset": context})
    return {KEY: key}


def a_retirable_grant(stage):
    constraints = {"EncryptionContextSubset": {"Department": "IT"}}
    grant(stage, stage.key(), RetiringPrincipal=stage.user("ExampleAdmin"), Constraints=constraints)
    return {}


def a_policy_file(stage):
    stage.user("test-user")
    policy = literal_block("put-key-policy", "``key_policy.json``::")
    stage.file("key_policy.json", ACCOUNTS.sub(stage.tenant.account, policy).encode())
    return {KEY: stage.key()}


def a_copied_policy(stage):
    keys = two_keys(stage)
    stage.file("policy.txt", stage.client.get_key_policy(KeyId=keys[KEY])["Policy"].encode())
    return keys


# Custom key stores.

HOST = "https://myproxy.xks.example.com"
PATH = "/example-prefix/kms/xks/v1"
CREDENTIAL = "AccessKeyId=ABCDE12345670EXAMPLE, RawSecretAccessKey=DXjSUawnel2fr6SKC7G25CNxTyWKE5PF9XX6H/u9pSo="


def written_credential(realm):
    """The example has the blank after the comma, too."""
    members = realm.credential.as_parameter()
    return f"AccessKeyId={members['AccessKeyId']}, RawSecretAccessKey={members['RawSecretAccessKey']}"


def a_proxy(stage):
    realm = stage.realm()
    return {HOST: realm.uri_endpoint, PATH: realm.uri_path, CREDENTIAL: written_credential(realm)}


def a_disconnected_store(stage):
    return {STORE: create_store(stage.client, stage.realm()).store_id}


def a_store_with_a_new_credential(stage):
    store = create_store(stage.client, stage.realm())
    return {STORE: store.store_id, CREDENTIAL: written_credential(store.realm)}


def a_connected_store(stage):
    store = connected_store(stage.client, stage.realm())
    return {STORE: store.store_id, EXTERNAL_STORE: store.store_id}


def a_connected_store_with_an_external_key(stage):
    store = connected_store(stage.client, stage.realm())
    return {EXTERNAL_STORE: store.store_id, "bb8562717f809024": store.realm.add_key().identifier}


def an_active_cluster(stage):
    cloud = stage.in_the_cloud()
    cluster = cloud.active_cluster()
    stage.file("customerCA.crt", cloud.authority.trust_anchor.encode())
    return {"cluster-1a23b4cdefg": cluster.cluster_id, "kmsPswd": KMSUSER_PASSWORD}


def a_cloudhsm_store(state):
    """The shared key store over a cluster, connected or not."""

    def prepare(stage):
        stage.in_the_cloud()
        store = stage.cloudhsm_store()
        if store.state() != state:
            reach = {"CONNECTED": store.connect_and_wait, "DISCONNECTED": store.disconnect_and_wait}
            reach[state]()
        entry = store.describe()
        return {
            STORE: store.store_id,
            "ExampleCloudHSMKeyStore": entry["CustomKeyStoreName"],
            "cluster-1a23b4cdefg": entry["CloudHsmClusterId"],
            "ExamplePassword": KMSUSER_PASSWORD,
        }

    return prepare


PREPARATIONS = {
    "cancel-key-deletion": [a_key_pending_deletion],
    "connect-custom-key-store": [a_disconnected_store],
    "create-alias": [a_key],
    "create-custom-key-store": [an_active_cluster, a_proxy, None],
    "create-grant": [grantees],
    "create-key": [*[nothing] * 7, a_cloudhsm_store("CONNECTED"), a_connected_store_with_an_external_key],
    "decrypt": [a_ciphertext, a_ciphertext, an_rsa_ciphertext],
    "delete-alias": [an_aliased_key("alias/example-alias")],
    "delete-custom-key-store": [a_disconnected_store],
    "delete-imported-key-material": [a_key_with_material],
    "derive-shared-secret": [a_public_key_to_agree_with],
    "describe-custom-key-stores": [a_cloudhsm_store("CONNECTED"), a_connected_store, None],
    "describe-key": [an_aliased_key("alias/s3", "alias/aws/s3"), a_disabled_rsa_key, a_multi_region_key, an_hmac_key],
    "disable-key-rotation": [a_rotating_key],
    "disable-key": [a_key],
    "disconnect-custom-key-store": [a_connected_store],
    "enable-key-rotation": [a_key],
    "enable-key": [a_disabled_key],
    "encrypt": [a_plaintext, a_plaintext, a_plaintext_and_an_rsa_key],
    "generate-data-key-pair-without-plaintext": [a_key],
    "generate-data-key-pair": [a_key],
    "generate-data-key-without-plaintext": [a_key],
    "generate-data-key": [an_aliased_key("alias/ExampleAlias"), a_key],
    "generate-mac": [a_message("Message", Stage.hmac_key), a_message("EncodedMessage", Stage.hmac_key)],
    "generate-random": [nothing, nothing],
    "get-key-policy": [a_key, a_copied_policy],
    "get-key-rotation-status": [a_rotating_key],
    "get-parameters-for-import": [a_key_awaiting_material],
    "get-public-key": [lambda stage: {KEY: stage.rsa_key("ENCRYPT_DECRYPT")}] * 2,
    "import-key-material": [wrapped_material],
    "list-aliases": [two_aliases, two_aliases],
    "list-grants": [a_grant_on_a_table],
    "list-key-policies": [a_key],
    "list-key-rotations": [a_rotated_key],
    "list-keys": [two_listed_keys],
    "list-resource-tags": [tagged],
    "list-retirable-grants": [a_retirable_grant],
    "put-key-policy": [a_policy_file, a_key],
    "re-encrypt": [a_ciphertext, a_ciphertext],
    "retire-grant": [a_grant],
    "revoke-grant": [a_grant],
    "rotate-key-on-demand": [a_key],
    "schedule-key-deletion": [a_key],
    "sign": [a_message("UnsignedMessage", Stage.rsa_key), a_message("EncodedMessage", Stage.rsa_key)],
    "tag-resource": [a_key],
    "untag-resource": [tagged],
    "update-alias": [an_alias_and_a_key],
    "update-custom-key-store": [
        a_disconnected_store,
        a_cloudhsm_store("DISCONNECTED"),
        a_cloudhsm_store("DISCONNECTED"),
        a_store_with_a_new_credential,
        None,
    ],
    "update-key-description": [a_key, lambda stage: {OTHER_KEY: stage.key(Description="before")}],
    "verify-mac": [a_mac],
    "verify": [a_signature],
}

NO_VPC_SERVICE = "there is no VPC endpoint service on a network of one machine"
NOT_RUN = {
    "create-custom-key-store-3": NO_VPC_SERVICE,
    "describe-custom-key-stores-3": NO_VPC_SERVICE,
    "update-custom-key-store-5": NO_VPC_SERVICE,
}

EXAMPLES = examples()


def preparation_of(example):
    return PREPARATIONS[example.file][example.number - 1]


def test_each_example_is_known():
    counted = {file: sum(1 for one in EXAMPLES if one.file == file) for file in {one.file for one in EXAMPLES}}
    assert counted == {file: len(prepared) for file, prepared in PREPARATIONS.items()}
    assert set(NOT_RUN) == {one.name for one in EXAMPLES if preparation_of(one) is None}
    assert len(EXAMPLES) > 80, "the parser reads all of them"


# Examples older than the CLI's own walk through the pages show it.
LEFT_OUT = {"Truncated"}
RUN = [one for one in EXAMPLES if one.name not in NOT_RUN]


@pytest.mark.parametrize("example", RUN, ids=lambda one: one.name)
def test_an_example(stage, example):
    exchanged = preparation_of(example)(stage)
    done = stage.run(as_of(stage, example.command, exchanged))
    assert done.returncode == 0 and done.stderr == "", done
    if example.output is None:
        assert done.stdout == "", done
    elif example.prints_json:
        # An answer may have members that are younger than the example; the model knows them.
        assert member_names(example.output) - LEFT_OUT <= member_names(done.stdout), done.stdout
    written = re.search(r"> *(\S+)$", example.command)
    if written:
        name = written.group(1).replace("C:\\Temp\\", "")
        assert (stage.folder / name).stat().st_size > 0


def as_of(stage, command, exchanged):
    """The command with what is real in place of what the example names."""
    command = KEY_ARN.sub(f"arn:aws:kms:{stage.variables['AWS_DEFAULT_REGION']}:", command)
    command = ACCOUNTS.sub(stage.tenant.account, command)
    for written, real in exchanged.items():
        command = command.replace(written, real)
    return command
