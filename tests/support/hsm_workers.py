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
            with contextlib.suppress(OSError):
                words = (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
                if "hsm-worker" in words and parent_of(process) == server_pid:
                    found[hsm_id_of(words)] = int(process.name)
    return found


def parent_of(process):
    """The fourth field of /proc/PID/stat; the second, in brackets, may hold anything."""
    return int((process / "stat").read_text().rpartition(")")[2].split()[1])


def hsm_id_of(words):
    """The HSM that a worker's command line names."""
    return next(part for word in words for part in [Path(word).stem] if part.startswith("hsm-") and part != "hsm-worker")


def kill_worker(cluster, hsm_id):
    """Kills the worker of an HSM with no warning, and waits until another one runs in its place."""
    server = cluster.realm.installation.server.process.pid
    killed = worker_pids(server)[hsm_id]
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: worker_pids(server).get(hsm_id, killed) != killed, f"{hsm_id} had a new worker")


def token_storage(cluster, hsm_id):
    """The folder of an HSM's soft token."""
    data_folder = cluster.realm.installation.data_folder
    (folder,) = [path for path in data_folder.rglob(hsm_id) if path.is_dir()]
    return folder


@contextlib.contextmanager
def moved_away(cluster, *hsm_ids):
    """Takes the tokens of these HSMs (of all, unless some are named) away, and brings them back."""
    hsm_ids = hsm_ids or [hsm["HsmId"] for hsm in cluster.hsms("ACTIVE")]
    moved = [(folder, folder.with_name(folder.name + "-away")) for folder in (token_storage(cluster, id) for id in hsm_ids)]
    for folder, away in moved:
        folder.rename(away)
    try:
        yield
    finally:
        for folder, away in moved:
            if folder.exists():
                raise AssertionError(f"{folder} was made anew while it was away")
            away.rename(folder)
