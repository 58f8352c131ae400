"""The processes and files behind a cluster's HSMs: for tests that take one away."""

import contextlib
import os
import signal
from pathlib import Path

from support.conditions import wait_until


def worker_pids(server_pid):
    """The `hsm-worker` processes of a server, by HSM ID."""
    found = {}
    for process in Path("/proc").iterdir():
        if process.name.isdigit():
            # A process may end while it is looked at.
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if "hsm-worker" in words and parent_of(process) == server_pid:
                    found[hsm_id_of(words)] = int(process.name)
    return found


def parent_of(process):
    """The fourth field of /proc/PID/stat; the second, in brackets, may hold anything."""
    return int((process / "stat").read_text().rpartition(")")[2].split()[1])


def hsm_id_of(words):
    """The HSM whose settings a worker's command line names."""
    return Path(words[words.index("--settings") + 1]).stem


def kill_worker(cluster, hsm_id):
    """Kills the worker of an HSM with no warning, and waits until another one runs in its place."""
    server = cluster.realm.installation.server.process.pid
    killed = wait_until(lambda: worker_pids(server).get(hsm_id), f"{hsm_id} had a worker")
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: worker_pids(server).get(hsm_id, killed) != killed, f"{hsm_id} had a new worker")


def token_folder(cluster, hsm_id):
    """Where an HSM's soft token is, with its module's configuration."""
    return cluster.realm.installation.data_folder / "hsm" / cluster.cluster_id / hsm_id / "token"


@contextlib.contextmanager
def moved_away(cluster, *hsm_ids):
    """Takes the tokens of these HSMs (of all, unless some are named) away, and brings them back."""
    hsm_ids = hsm_ids or [hsm["HsmId"] for hsm in cluster.hsms()]
    folders = [token_folder(cluster, hsm_id) for hsm_id in hsm_ids]
    for folder in folders:
        folder.rename(away(folder))
    try:
        yield
    finally:
        for folder in folders:
            assert not folder.exists(), f"{folder} was made anew while it was away"
            away(folder).rename(folder)


def away(folder):
    return folder.with_name(folder.name + "-away")
