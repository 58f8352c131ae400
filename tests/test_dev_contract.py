"""What `keystead dev` promises to the person and to other tools.

Source: the issue "External key stores, end to end", "The binary's contract"; digest external-key-stores.md, section 7 (xks-proxy.json).
"""

import json
import re
import shlex
import signal
import socket
import stat
import subprocess

import pytest

from support.aws_cli import executable
from support.built_binary import clean_environment
from support.development_server import DevelopmentServer
from support.external_store import ExternalStore

KEY_STORE_NAME = "contract"


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """A server of this module's own: it is stopped and started."""
    server = DevelopmentServer(tmp_path_factory.mktemp("contract"), "--connection-transition-ms", "20").start()
    yield server
    if server.server.is_running:
        server.server.kill()


def create_store(server):
    proxy = server.proxy_configuration
    client = server.client()
    created = client.create_custom_key_store(
        CustomKeyStoreName=KEY_STORE_NAME,
        CustomKeyStoreType="EXTERNAL_KEY_STORE",
        XksProxyConnectivity="PUBLIC_ENDPOINT",
        XksProxyUriEndpoint=proxy["XksProxyUriEndpoint"],
        XksProxyUriPath=proxy["XksProxyUriPath"],
        XksProxyAuthenticationCredential=proxy["XksProxyAuthenticationCredential"],
    )
    return ExternalStore(client, None, created["CustomKeyStoreId"])


def test_the_ready_line_names_the_endpoint_of_env(server):
    assert server.endpoint == server.variables["AWS_ENDPOINT_URL"]
    assert re.fullmatch(r"http://127\.0\.0\.1:[1-9]\d*", server.endpoint), "port 0 chooses a free port"


def test_env_is_shell_and_private(server):
    env = server.data_folder / "env"
    assert stat.S_IMODE(env.stat().st_mode) == 0o600
    script = f'. {shlex.quote(str(env))} && printf "%s %s" "$AWS_ENDPOINT_URL" "$AWS_REGION"'
    done = subprocess.run(
        ["sh", "-eu", "-c", script], capture_output=True, text=True, check=True, env=clean_environment()
    )
    assert done.stdout == f"{server.endpoint} us-east-1"


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"])
def test_env_exports(server, name):
    lines = (server.data_folder / "env").read_text().splitlines()
    assert any(line.startswith(f"export {name}=") for line in lines)


def test_plain_http_needs_no_ca_bundle(server):
    assert "AWS_CA_BUNDLE" not in server.variables


def test_xks_proxy_json_has_the_members_of_a_proxy_configuration_file(server):
    """Digest, section 7, and 1.3 and 3.1 for the constraints."""
    proxy = server.proxy_configuration
    credential = proxy["XksProxyAuthenticationCredential"]
    assert re.fullmatch(r"[A-Z2-7]{20,30}", credential["AccessKeyId"])
    assert re.fullmatch(r"[a-zA-Z0-9/+=]{43,64}", credential["RawSecretAccessKey"])
    assert re.fullmatch(r"(/[a-zA-Z0-9/_-]+)?/kms/xks/v1", proxy["XksProxyUriPath"])
    assert proxy["XksProxyUriEndpoint"] == "https://xks-proxy.keystead.test"
    assert re.fullmatch(r"[a-zA-Z0-9._-]{1,128}", proxy["XksKeyId"])


def test_cluster_json_has_what_create_custom_key_store_asks_for(server):
    """The issue, "Sample and docs"."""
    members = server.cluster_configuration
    assert set(members) == {"CloudHsmClusterId", "TrustAnchorCertificate", "KeyStorePassword"}
    assert re.fullmatch(r"cluster-[2-7a-zA-Z]{11,16}", members["CloudHsmClusterId"])
    assert re.fullmatch(r"[a-zA-Z0-9]{7,32}", members["KeyStorePassword"])
    assert members["TrustAnchorCertificate"].startswith("-----BEGIN CERTIFICATE-----\n")


def test_the_sample_cluster_is_ready(server):
    """Active, with two HSMs in two zones of the sample VPC."""
    cluster_id = server.cluster_configuration["CloudHsmClusterId"]
    (cluster,) = server.client("cloudhsmv2").describe_clusters(Filters={"clusterIds": [cluster_id]})["Clusters"]
    assert cluster["State"] == "ACTIVE"
    assert [hsm["State"] for hsm in cluster["Hsms"]] == ["ACTIVE", "ACTIVE"]
    assert len({hsm["AvailabilityZone"] for hsm in cluster["Hsms"]}) == 2
    (vpc,) = server.client("ec2").describe_vpcs(VpcIds=[cluster["VpcId"]])["Vpcs"]
    assert vpc["State"] == "available"


def test_the_request_of_the_sample_key_store(server):
    """The whole input of CreateCustomKeyStore, as for the external key store."""
    members = server.cluster_configuration
    request = json.loads((server.data_folder / "create-cloudhsm-key-store.json").read_text())
    assert request == {**members, "CustomKeyStoreName": "sample-hsm", "CustomKeyStoreType": "AWS_CLOUDHSM"}


def test_without_hsms(tmp_path):
    server = DevelopmentServer(tmp_path, "--no-hsm").start()
    try:
        assert server.client("cloudhsmv2").describe_clusters()["Clusters"] == []
    finally:
        assert server.stop() == 0
    assert not (server.data_folder / "cluster.json").exists()


SECRET_FILES = [
    "xks-proxy.json",
    "cluster.json",
    "create-cloudhsm-key-store.json",
    "co-password",
    "root.key",
    "store.sqlite",
]


@pytest.mark.parametrize("name", SECRET_FILES)
def test_files_with_secrets_are_for_the_owner_alone(server, name):
    assert server.cluster_configuration
    assert stat.S_IMODE((server.data_folder / name).stat().st_mode) & 0o077 == 0


@pytest.mark.parametrize("name", ["keystead.toml", "xks-proxy.toml", "ca.pem", "audit.jsonl"])
def test_the_other_files_are_there(server, name):
    assert (server.data_folder / name).is_file()


def test_the_sample_external_key_is_listed(server):
    assert server.proxy_configuration["XksKeyId"] in server.external_keys("list")


def test_it_prints_the_next_commands_before_ready(server):
    printed = server.server.stdout
    before_ready = printed[: printed.index("\nready")]
    for command in ("create-custom-key-store", "connect-custom-key-store", "create-key"):
        assert command in before_ready, f"{command} is among the next five commands"


def test_a_second_instance_on_the_same_folder_is_refused(server):
    """The message names the folder and what to do; the first instance goes on."""
    second = server.launch()
    assert second.wait() != 0
    assert str(server.data_folder) in second.stderr
    assert "panicked" not in second.stderr
    assert server.client().list_keys()["Keys"] is not None


def test_a_restart_keeps_everything(server):
    store = create_store(server).connect_and_wait()
    client = server.client()
    key = client.create_key(
        Origin="EXTERNAL_KEY_STORE",
        CustomKeyStoreId=store.store_id,
        XksKeyId=server.proxy_configuration["XksKeyId"],
        Description="kept",
    )["KeyMetadata"]["Arn"]
    ciphertext = client.encrypt(KeyId=key, Plaintext=b"kept", EncryptionContext={"a": "b"})["CiphertextBlob"]
    before = (server.variables["AWS_ACCESS_KEY_ID"], server.proxy_configuration)
    assert server.stop() == 0, server.server.stderr
    server.start()
    assert (server.variables["AWS_ACCESS_KEY_ID"], server.proxy_configuration) == before
    client = server.client()
    assert client.describe_key(KeyId=key)["KeyMetadata"]["Description"] == "kept"
    assert client.decrypt(CiphertextBlob=ciphertext, EncryptionContext={"a": "b"})["Plaintext"] == b"kept"


def test_a_restart_keeps_the_sample_cluster(server):
    """Its HSMs, its users, and a key store that was connected: KMS logs in again by itself."""
    client = server.client()
    created = client.create_custom_key_store(CustomKeyStoreName="hsms", **server.cluster_configuration)
    store = ExternalStore(client, None, created["CustomKeyStoreId"]).connect_and_wait()
    key = client.create_key(Origin="AWS_CLOUDHSM", CustomKeyStoreId=store.store_id)["KeyMetadata"]["Arn"]
    ciphertext = client.encrypt(KeyId=key, Plaintext=b"kept")["CiphertextBlob"]
    before = server.cluster_configuration
    assert server.stop() == 0, server.server.stderr
    server.start()
    assert server.cluster_configuration == before
    client = server.client()
    assert client.decrypt(CiphertextBlob=ciphertext)["Plaintext"] == b"kept"
    listed = server.client("cloudhsmv2").describe_clusters()["Clusters"]
    assert [cluster["ClusterId"] for cluster in listed] == [before["CloudHsmClusterId"]]


@pytest.mark.parametrize("signal_number", [signal.SIGTERM, signal.SIGINT], ids=["SIGTERM", "SIGINT"])
def test_a_signal_ends_it_with_status_0(server, signal_number):
    assert server.server.terminate(signal_number) == 0, server.server.stderr
    server.start()


def test_the_printed_commands_work_as_typed(tmp_path):
    """What a new user copies from the terminal ends in a data key under an external key."""
    server = DevelopmentServer(tmp_path, "--connection-transition-ms", "0", "--aws-cli", executable()).start()
    try:
        printed = server.server.stdout
        commands = printed[printed.index("\n  . ") : printed.index("Each start keeps")]
        done = subprocess.run(["bash", "-eu", "-c", commands], capture_output=True, text=True, env=clean_environment())
        assert done.returncode == 0, done.stderr
        assert '"Plaintext"' in done.stdout and '"CiphertextBlob"' in done.stdout
    finally:
        assert server.stop() == 0


def test_account_region_and_port_are_options(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    options = ("--account", "444455556666", "--region", "eu-west-3")
    server = DevelopmentServer(tmp_path, *options, listen=f"127.0.0.1:{port}").start()
    try:
        assert server.endpoint.endswith(f":{port}")
        assert server.variables["AWS_REGION"] == "eu-west-3"
        arn = server.client().create_key()["KeyMetadata"]["Arn"]
        assert arn.startswith("arn:aws:kms:eu-west-3:444455556666:key/")
    finally:
        assert server.stop() == 0


def test_it_serves_a_second_region(server):
    """So that multi-Region keys can be tried: what it prints names both, and the sample proxy takes calls from both."""
    printed = server.server.stdout
    assert re.search(r"Regions us-east-1 and eu-west-1, account 111122223333", printed)
    there = server.client(region="eu-west-1")
    primary = server.client().create_key(MultiRegion=True)["KeyMetadata"]["Arn"]
    made = server.client().replicate_key(KeyId=primary, ReplicaRegion="eu-west-1")
    assert made["ReplicaKeyMetadata"]["Arn"].startswith("arn:aws:kms:eu-west-1:")
    parameters = json.loads((server.data_folder / "create-custom-key-store.json").read_text())
    store = ExternalStore(there, None, there.create_custom_key_store(**parameters)["CustomKeyStoreId"]).connect_and_wait()
    sample_key = server.proxy_configuration["XksKeyId"]
    created = there.create_key(Origin="EXTERNAL_KEY_STORE", CustomKeyStoreId=store.store_id, XksKeyId=sample_key)
    blob = there.encrypt(KeyId=created["KeyMetadata"]["Arn"], Plaintext=b"there")["CiphertextBlob"]
    assert there.decrypt(CiphertextBlob=blob)["Plaintext"] == b"there"


@pytest.mark.parametrize(
    ("options", "served"),
    [
        (("--region", "eu-west-1"), ["eu-west-1", "us-east-1"]),
        (("--other-regions", "eu-west-2,eu-north-1"), ["us-east-1", "eu-west-2", "eu-north-1"]),
    ],
    ids=str,
)
def test_regions_are_options(tmp_path, options, served):
    server = DevelopmentServer(tmp_path, "--no-hsm", *options).start()
    try:
        assert f"Regions {' and '.join(served)}, account" in server.server.stdout
        assert server.variables["AWS_REGION"] == served[0]
        for region in served:
            assert f":{region}:" in server.client(region=region).create_key()["KeyMetadata"]["Arn"]
    finally:
        assert server.stop() == 0


def test_a_region_that_is_named_twice_is_said_so(tmp_path):
    server = DevelopmentServer(tmp_path, "--no-hsm", "--region", "eu-west-1", "--other-regions", "eu-west-1").launch()
    assert server.wait() != 0
    assert 'other_regions: "eu-west-1" is named twice' in server.stderr
    assert "panicked" not in server.stderr


def test_a_port_in_use_is_said_so(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        server = DevelopmentServer(tmp_path, listen=address).launch()
        assert server.wait() != 0
    assert address in server.stderr
    assert "panicked" not in server.stderr


def test_tls_exports_the_ca_bundle(tmp_path):
    server = DevelopmentServer(tmp_path, "--tls").start()
    try:
        assert server.endpoint.startswith("https://")
        assert server.variables["AWS_CA_BUNDLE"].endswith("ca.pem")
        assert server.client().list_keys()["Keys"] == []
    finally:
        assert server.stop() == 0
