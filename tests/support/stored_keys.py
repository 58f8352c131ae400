"""Reaches into a stopped server's store, for what no client can do: moving a date, taking its log in."""

import sqlite3
import time


def make_deletion_due(store_file, key_id):
    """Moves the deletion date of a key into the past."""
    with sqlite3.connect(store_file) as store:
        changed = store.execute(
            "UPDATE kms_keys SET deletion_date = ? WHERE id = ? AND status = 'PendingDeletion'",
            (int(time.time() * 1000) - 1000, key_id),
        )
        assert changed.rowcount == 1, f"{key_id} is not pending deletion"
    store.close()


def copy_log_into_store(store_file):
    """Copies what a stopped server left in the write-ahead log, if it left one, into the store."""
    store = sqlite3.connect(store_file)
    (busy, _, _) = store.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    store.close()
    assert busy == 0, f"{store_file} is still in use"
