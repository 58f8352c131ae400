"""A store whose write-ahead log is copied into the database in part only: commands beside the server, and a crash, in that state.

While a reader holds an old snapshot, SQLite copies only those pages of the log that the reader may see. The database file alone can
then name more pages than it holds; with its log it is whole, and nothing may call it damaged.

Source: design, invariant 1; the issue, "Bad input" (damage is detected at start, and only damage).
"""

import os
import sqlite3
import struct

import pytest

ROUNDS_MAX = 200


class Snapshot:
    """A read transaction on a store, kept open as a backup tool does."""

    def __init__(self, store_file):
        self._connection = sqlite3.connect(f"file:{store_file}?mode=ro", uri=True, isolation_level=None)
        self._connection.execute("BEGIN")
        self._connection.execute("SELECT count(*) FROM kms_keys").fetchone()

    def __enter__(self):
        return self

    def __exit__(self, *failure):
        self._connection.close()


class DatabaseFile:
    """Looks at the database file itself. It stays open: closing it would drop the locks of this process's own snapshot."""

    def __init__(self, store_file):
        self._descriptor = os.open(store_file, os.O_RDONLY)

    def is_half_copied(self):
        """Whether the header names more pages than the file holds (sqlite.org/fileformat.html, 1.3)."""
        header = os.pread(self._descriptor, 100, 0)
        page_size = struct.unpack(">H", header[16:18])[0]
        return struct.unpack(">I", header[28:32])[0] * page_size > os.fstat(self._descriptor).st_size

    def close(self):
        os.close(self._descriptor)


def one_round(client, database, store_file, act):
    """Grows the store, holds a snapshot, writes on; calls `act` and returns true once the file is half copied."""
    keys = [client.create_key(Description="x" * 500)["KeyMetadata"]["KeyId"] for _ in range(12)]
    with Snapshot(store_file):
        for number in range(30):
            client.update_key_description(KeyId=keys[-1 - number % 3], Description=f"{number:03}" + "y" * 497)
            if database.is_half_copied():
                act(keys)
                return True
    return False


@pytest.fixture
def in_that_state(make_installation):
    """Brings a new server into that state and calls `act(server, tenant, keys)` there."""

    def in_that_state(act):
        server = make_installation().start()
        tenant = server.create_tenant()
        store_file = server.data_folder / "store.sqlite"
        database = DatabaseFile(store_file)
        try:
            rounds = (
                one_round(tenant.client, database, store_file, lambda keys: act(server, tenant, keys))
                for _ in range(ROUNDS_MAX)
            )
            assert any(rounds), "the state that this test is about was reached"
        finally:
            database.close()

    return in_that_state


def test_admin_commands_work(in_that_state):
    def act(server, tenant, keys):
        assert tenant.account in server.admin("accounts", "list")
        assert server.create_account() in server.admin("accounts", "list")

    in_that_state(act)


def test_the_server_starts_again_after_a_crash(in_that_state):
    def act(server, tenant, keys):
        server.kill()
        server.start()
        client = server.client(tenant.credentials)
        for key in keys:
            assert client.describe_key(KeyId=key)["KeyMetadata"]["KeyId"] == key

    in_that_state(act)
