"""A server that cannot start says why: the file, the key, the remedy; and it never panics.

Source: the issue, "Bad input".
"""

import socket
import subprocess

import pytest

from support.built_binary import BINARY, run_command, run_successfully
from support.installation import Installation, merged
from support.stored_keys import copy_log_into_store, make_large


@pytest.fixture
def refused_start(tmp_path):
    """Prepares an installation, lets `spoil(installation)` break it, starts it, and returns what it said."""

    def refused_start(spoil, environment=None):
        installation = Installation(tmp_path / "spoilt")
        spoil(installation)
        server = installation.launch(environment)
        try:
            assert server.wait() != 0
        finally:
            if server.is_running:
                server.kill()
        check_is_for_people(server.stderr)
        assert "ready" not in server.stdout
        return server.stderr

    return refused_start


def check_is_for_people(said):
    for word in ("panicked", "RUST_BACKTRACE", "unwrap()", "stack backtrace"):
        assert word not in said, said
    assert said.strip(), "it says why"


def setting(**changes):
    def spoil(installation):
        installation.settings = merged(installation.settings, changes)
        installation.write_configuration()

    return spoil


def file_content(name, content):
    def spoil(installation):
        (installation.folder / name).write_bytes(content)

    return spoil


def no_file(name):
    return lambda installation: (installation.folder / name).unlink()


def appended(text):
    def spoil(installation):
        with installation.configuration_file.open("a") as configuration:
            configuration.write(text)

    return spoil


def issuer(**keys):
    return setting(oidc_issuer=[{"issuer": "https://id.example", **keys}])


# what is spoilt, and the words that the message must have
SPOILT = {
    "unknown key": (lambda i: prepend(i, "listne = 1\n"), ["keystead.toml", "listne"]),
    "unknown section": (appended("\n[no_such_section]\na = 1\n"), ["keystead.toml", "no_such_section"]),
    "unknown key in a section": (setting(xks={"request_timeout": 250}), ["keystead.toml", "request_timeout"]),
    "wrong type": (setting(xks={"request_timeout_ms": "fast"}), ["keystead.toml", "request_timeout_ms"]),
    "no TOML": (file_content("keystead.toml", b"listen = = 5"), ["keystead.toml"]),
    "not UTF-8": (file_content("keystead.toml", b"listen = '\xff'"), ["keystead.toml"]),
    "no address": (setting(listen="nowhere"), ["listen"]),
    "no Region": (setting(region="not a region"), ["region"]),
    "no configuration": (no_file("keystead.toml"), ["keystead.toml"]),
    "no root key": (no_file("root.key"), ["root.key"]),
    "root key of half the length": (file_content("root.key", b"00" * 16 + b"\n"), ["root.key", "32"]),
    "root key that is no hex": (file_content("root.key", b"zz" * 32 + b"\n"), ["root.key"]),
    "root key that is empty": (file_content("root.key", b""), ["root.key"]),
    "no certificate": (setting(tls={"certificate": "absent.pem", "private_key": "absent.key"}), ["absent.pem"]),
    "no trust roots": (setting(xks={"trust_roots": ["absent-ca.pem"]}), ["absent-ca.pem"]),
    "no attestation roots": (setting(attestation={"roots": ["absent-root.pem"]}), ["attestation.roots", "absent-root.pem"]),
    "attestation roots that are no list": (setting(attestation={"roots": "root.pem"}), ["keystead.toml", "roots"]),
    "a network that is none": (setting(xks={"allowed_networks": ["127.0.0.0/99"]}), ["allowed_networks"]),
    "a connect_to that is no address": (setting(xks={"connect_to": {"a.faults.test": "somewhere"}}), ["a.faults.test"]),
    "an issuer without keys": (issuer(), ["keystead.toml", "https://id.example", "jwks_file", "jwks_uri"]),
    "an issuer whose keys are not there": (issuer(jwks_file="absent.json"), ["oidc_issuer.jwks_file", "absent.json"]),
    "an issuer whose keys are at no URI": (issuer(jwks_uri="keys.json"), ["oidc_issuer.jwks_uri", "keys.json"]),
    "an issuer's CAs that are not there": (
        issuer(jwks_uri="https://id.example/keys", ca_file="absent-ca.pem"),
        ["oidc_issuer.ca_file", "absent-ca.pem"],
    ),
    "an unknown key of an issuer": (issuer(jwks_url="https://id.example/keys"), ["keystead.toml", "jwks_url"]),
}


def prepend(installation, text):
    installation.configuration_file.write_text(text + installation.configuration_file.read_text())


@pytest.mark.parametrize("case", SPOILT)
def test_a_spoilt_configuration(refused_start, case):
    spoil, words = SPOILT[case]
    said = refused_start(spoil)
    for word in words:
        assert word in said, said


def test_a_certificate_that_is_none(refused_start, authority):
    def spoil(installation):
        (installation.folder / "server.pem").write_text("this is no certificate")
        setting(tls={"certificate": "server.pem", "private_key": str(authority.issue("localhost").private_key)})(installation)

    assert "server.pem" in refused_start(spoil)


def test_attestation_roots_without_a_certificate(refused_start):
    def spoil(installation):
        (installation.folder / "nitro.pem").write_text("this is no certificate")
        setting(attestation={"roots": ["nitro.pem"]})(installation)

    said = refused_start(spoil)
    assert "nitro.pem" in said and "attestation.roots" in said and "no certificate" in said


def test_an_attestation_root_that_is_no_authority(refused_start, authority):
    leaf = authority.issue("localhost").certificate
    said = refused_start(setting(attestation={"roots": [str(leaf)]}))
    assert str(leaf) in said and "attestation.roots" in said and "not that of a certificate authority" in said


def test_a_private_key_of_another_certificate(refused_start, authority):
    first, second = authority.issue("localhost"), authority.issue("localhost")
    tls = {"certificate": str(first.certificate), "private_key": str(second.private_key)}
    said = refused_start(setting(tls=tls))
    assert str(first.certificate) in said or str(second.private_key) in said


def test_a_port_in_use(refused_start):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        said = refused_start(setting(listen=address))
    assert address in said


@pytest.mark.parametrize(
    ("name", "value", "word"),
    [("KEYSTEAD__XKS__REQUEST_TIMEOUT_MS", "soon", "request_timeout_ms"), ("KEYSTEAD__LIMITS__NO_SUCH_KEY", "1", "no_such_key")],
    ids=["wrong value", "unknown key"],
)
def test_a_spoilt_environment(refused_start, name, value, word):
    said = refused_start(lambda installation: None, environment={name: value})
    assert word in said.lower(), said


def test_the_environment_overrides_the_file(tmp_path):
    installation = Installation(tmp_path / "overridden")
    installation.settings["region"] = "eu-central-1"
    installation.write_configuration()
    installation.settings["region"] = "eu-west-2"
    installation.start(environment={"KEYSTEAD__REGION": "eu-west-2"})
    try:
        assert ":eu-west-2:" in installation.create_tenant().client.create_key()["KeyMetadata"]["Arn"]
    finally:
        assert installation.stop() == 0


@pytest.fixture
def used(make_installation):
    """A server that has stored something and was stopped; its store is one file without a log beside it."""
    server = make_installation().start()
    tenant = server.create_tenant()
    for number in range(50):
        tenant.client.create_key(Description="x" * 4000, Tags=[{"TagKey": "n", "TagValue": str(number)}])
    assert server.stop() == 0
    copy_log_into_store(server.data_folder / "store.sqlite")
    return server


def refused_again(server):
    process = server.launch()
    assert process.wait() != 0
    check_is_for_people(process.stderr)
    return process.stderr


def test_another_root_key(used):
    """Detected at start, and nothing is written: with the right key it starts again."""
    right = (used.folder / "root.key").read_bytes()
    (used.folder / "root.key").unlink()
    run_successfully("root-key", "create", used.folder / "root.key")
    said = refused_again(used)
    assert "root.key" in said
    (used.folder / "root.key").write_bytes(right)
    used.start()


# how a database is damaged
DAMAGES = {
    "no database at all": lambda content: b"this is not a database" * 1000,
    "a zeroed header": lambda content: b"\x00" * 100 + content[100:],
    "cut in half": lambda content: content[: len(content) // 2],
    "zeroed pages": lambda content: content[:8192] + b"\x00" * (len(content) // 2 - 8192) + content[len(content) // 2 :],
    "noise in the middle": lambda content: content[: len(content) // 2] + b"\xa5" * 8192 + content[len(content) // 2 + 8192 :],
}


@pytest.mark.parametrize("case", DAMAGES)
def test_a_damaged_database(used, case):
    """Detected at start; the damaged file is left as it is."""
    store = used.data_folder / "store.sqlite"
    damaged = DAMAGES[case](store.read_bytes())
    store.write_bytes(damaged)
    said = refused_again(used)
    assert "store.sqlite" in said
    assert store.read_bytes() == damaged, "nothing was repaired away"


def test_a_large_database(used):
    """Serves at once, and writes once it is checked."""
    make_large(used.data_folder / "store.sqlite")
    used.start()
    tenant = used.create_tenant()
    key_id = tenant.client.create_key()["KeyMetadata"]["KeyId"]
    assert tenant.client.describe_key(KeyId=key_id)["KeyMetadata"]["Enabled"]


def test_a_damaged_large_database(used):
    """The server may serve before it has detected that. Then it ends by itself; the damaged file is left as it is."""
    store = used.data_folder / "store.sqlite"
    make_large(store)
    damaged = DAMAGES["noise in the middle"](store.read_bytes())
    store.write_bytes(damaged)
    said = refused_again(used)
    assert "store.sqlite" in said and "restore it from a backup" in said
    assert store.read_bytes() == damaged, "nothing was repaired away, and nothing written"


def test_a_damaged_audit_log_line_does_not_stop_it(used):
    """A record cut short by a power failure stays where it is, and new records follow on lines of their own."""
    log = used.data_folder / "audit.jsonl"
    with log.open("ab") as file:
        file.write(b'{"eventVersion":"1.11","cut')
    used.start()
    tenant = used.create_tenant()
    request_id = tenant.client.list_keys()["ResponseMetadata"]["RequestId"]
    lines = log.read_text().splitlines()
    assert any(request_id in line and line.startswith('{"eventVersion"') and line.endswith("}") for line in lines)


def test_a_data_folder_that_cannot_be_made(refused_start):
    def spoil(installation):
        (installation.folder / "in-the-way").write_text("a file")
        setting(data_dir="in-the-way/data")(installation)

    assert "in-the-way" in refused_start(spoil)


# commands that are wrong in themselves
WRONG_COMMANDS = [
    [],
    ["no-such-command"],
    ["serve", "--config"],
    ["serve", "--no-such-option"],
    ["dev", "--listen", "127.0.0.1:0", "--data-dir"],
    ["xks-proxy", "keys"],
    ["admin"],
]


@pytest.mark.parametrize("arguments", WRONG_COMMANDS, ids=lambda arguments: " ".join(arguments) or "nothing")
def test_a_wrong_command_line(arguments):
    done = run_command(*arguments)
    assert done.returncode != 0
    check_is_for_people(done.stderr)
    assert "Usage" in done.stderr or "help" in done.stderr


@pytest.mark.parametrize("arguments", [["--help"], ["serve", "--help"], ["dev", "--help"], ["xks-proxy", "--help"], ["admin", "--help"]], ids=" ".join)
def test_help(arguments):
    assert "Usage" in run_successfully(*arguments)


def test_version():
    assert run_successfully("--version").startswith("keystead ")


@pytest.mark.parametrize("arguments", [["--account", "12"], ["--region", "nowhere!"], ["--listen", "here"]], ids=" ".join)
def test_wrong_options_of_dev(tmp_path, arguments):
    done = run_command("dev", "--data-dir", tmp_path / "data", *arguments)
    assert done.returncode != 0
    check_is_for_people(done.stderr)


def test_a_root_key_is_never_overwritten(tmp_path):
    run_successfully("root-key", "create", tmp_path / "root.key")
    before = (tmp_path / "root.key").read_bytes()
    done = run_command("root-key", "create", tmp_path / "root.key")
    assert done.returncode != 0 and "root.key" in done.stderr
    assert (tmp_path / "root.key").read_bytes() == before
    assert (tmp_path / "root.key").stat().st_mode & 0o077 == 0
    assert len(bytes.fromhex(before.decode().strip())) == 32


def test_output_into_a_closed_pipe_is_no_panic():
    command = subprocess.Popen([str(BINARY), "--help"], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    command.stdout.close()
    said = command.stderr.read().decode()
    command.stderr.close()
    command.wait(60)
    assert "panicked" not in said
