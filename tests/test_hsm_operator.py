"""The operator's way into a running server, and the processes that drive HSMs: who may, what is recorded, and that nobody is left behind.

Source: the issue, "Clusters of HSMs" and "HSM users".
"""

import os
import socket
import stat
from pathlib import Path

import pytest

from support.built_binary import run_command
from support.conditions import wait_until
from support.hsm_modules import module_settings
from support.hsm_realm import KMSUSER, KMSUSER_PASSWORD, HsmRealm
from support.hsm_workers import worker_pids

OPERATOR_EVENTS = {"HsmUserList": True, "HsmUserLogin": False, "HsmKeyList": True, "HsmUserLogout": False}


@pytest.fixture(scope="module")
def realm(make_module_installation):
    """An account on a server of this module's own: it is stopped and killed."""
    return HsmRealm(make_module_installation(module_settings("kryoptic")).start())


@pytest.fixture(scope="module")
def cluster(realm):
    return realm.active_cluster()


def is_running(pid):
    """Whether a process is there; a dead one that nobody has collected counts as gone."""
    try:
        return (Path("/proc") / str(pid) / "stat").read_text().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


def test_the_socket_is_for_the_owner_alone(realm, cluster):
    file = realm.installation.data_folder / "admin.sock"
    assert stat.S_ISSOCK(file.stat().st_mode)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE((file.parent / "hsm-sockets").stat().st_mode) == 0o700


def test_what_the_operator_does_is_recorded(realm, cluster):
    cluster.users.succeed("list")
    cluster.users.succeed("login", user=KMSUSER, password=KMSUSER_PASSWORD)
    cluster.users.succeed("keys")
    cluster.users.succeed("logout", user=KMSUSER)
    records = realm.installation.audit_records()[-len(OPERATOR_EVENTS) :]
    assert {record["eventName"]: record["readOnly"] for record in records} == OPERATOR_EVENTS
    for record in records:
        assert record["eventSource"] == "cloudhsm.amazonaws.com"
        assert record["userIdentity"] == {"type": "Operator", "principalId": f"uid {os.getuid()}"}
        assert record["recipientAccountId"] == realm.tenant.account
        assert record["requestParameters"]["clusterId"] == cluster.cluster_id
        assert KMSUSER_PASSWORD not in str(record)
    assert [hsm["hsmId"] for hsm in records[1]["responseElements"]["hsms"]] == [hsm["HsmId"] for hsm in cluster.hsms()]


def test_what_is_refused_is_recorded_too(realm, cluster):
    cluster.users.refuse("create", user="somebody", new_password=KMSUSER_PASSWORD, co_password=KMSUSER_PASSWORD)
    record = realm.installation.audit_records()[-1]
    assert (record["eventName"], record["errorCode"]) == ("HsmUserCreate", "Invalid")
    assert record["requestParameters"]["userName"] == "somebody"


@pytest.mark.parametrize("sent", [b"\n", b"nonsense\n", b'{"request":"unknown"}\n', b'{"request":' + b"[" * 10_000 + b"\n"])
def test_nonsense_at_the_socket(realm, cluster, sent):
    with socket.socket(socket.AF_UNIX) as client:
        # An address is short; the folder of a test may not be.
        folder = os.open(realm.installation.data_folder, os.O_RDONLY)
        client.connect(f"/proc/self/fd/{folder}/admin.sock")
        os.close(folder)
        client.sendall(sent)
        answer = b"".join(iter(lambda: client.recv(1000), b""))
    assert b"refused" in answer and b"cannot be read" in answer
    cluster.users.succeed("list")


def test_a_second_server_on_the_folder_is_refused(realm, tmp_path):
    """Each HSM must have one server only."""
    second = realm.installation.launch({"KEYSTEAD__AUDIT__FILE": str(tmp_path / "other.jsonl")})
    assert second.wait() != 0
    assert "another server" in second.stderr and str(realm.installation.data_folder) in second.stderr


def test_sigterm_ends_the_workers(realm, cluster):
    server = realm.installation
    workers = worker_pids(server.server.process.pid).values()
    assert len(workers) == 2
    assert server.stop() == 0, server.server.stderr
    assert not any(is_running(pid) for pid in workers)
    assert not (server.data_folder / "admin.sock").exists()
    assert "server" in cluster.users.refuse("list")
    server.start()
    realm.reconnect()
    cluster.users.succeed("list")


def test_no_worker_outlives_a_server_that_is_killed(realm, cluster):
    server = realm.installation
    workers = worker_pids(server.server.process.pid).values()
    assert len(workers) == 2
    server.kill()
    wait_until(lambda: not any(is_running(pid) for pid in workers), "the workers noticed")
    assert "no server runs" in cluster.users.refuse("list")
    server.start()
    realm.reconnect()
    cluster.users.succeed("list")


def test_help_shows_no_worker():
    """It is started by the server, not by people."""
    done = run_command("--help")
    assert "hsm-users" in done.stdout and "hsm-worker" not in done.stdout
