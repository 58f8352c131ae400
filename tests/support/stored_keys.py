"""Reaches into a server's store, for what no client can do: moving a date, damaging a secret, taking its log in, reading a journal, filling
it up."""

import sqlite3
import time


def make_deletion_due(store_file, key_id, region=None):
    """Moves the deletion date of a key into the past: of the one in `region`, if related keys are pending deletion as well."""
    with sqlite3.connect(store_file) as store:
        changed = store.execute(
            "UPDATE kms_keys SET deletion_date = ? WHERE id = ? AND status = 'PendingDeletion' AND region = ifnull(?, region)",
            (int(time.time() * 1000) - 1000, key_id, region),
        )
        assert changed.rowcount == 1, f"{key_id} is not pending deletion"
    store.close()


def make_rotation_due(store_file, key_id):
    """Moves the next automatic rotation of a key, and of its replicas, into the past."""
    with sqlite3.connect(store_file) as store:
        changed = store.execute(
            "UPDATE kms_keys SET next_rotation_date = ? WHERE id = ? AND next_rotation_date IS NOT NULL",
            (int(time.time() * 1000) - 1000, key_id),
        )
        assert changed.rowcount > 0, f"{key_id} does not rotate"
    store.close()


def make_material_expired(store_file, key_id):
    """Moves the expiry of all imported material of a key into the past."""
    with sqlite3.connect(store_file) as store:
        changed = store.execute(
            "UPDATE key_materials SET valid_to = ? WHERE key_id = ? AND valid_to IS NOT NULL",
            (int(time.time() * 1000) - 1000, key_id),
        )
        assert changed.rowcount > 0, f"no material of {key_id} expires"
    store.close()


def make_older(store_file, key_id, days):
    """Moves the creation date of a key into the past."""
    with sqlite3.connect(store_file) as store:
        changed = store.execute("UPDATE kms_keys SET created = created - ? WHERE id = ?", (days * 86_400_000, key_id))
        assert changed.rowcount == 1, f"there is no key {key_id}"
    store.close()


def damage_proxy_credential(store_file, custom_key_store_id):
    """Changes a byte of a sealed proxy secret."""
    _damage_sealed(store_file, custom_key_store_id, "xks_proxy_sealed_secret")


def damage_kmsuser_password(store_file, custom_key_store_id):
    """Changes a byte of the sealed passwords of kmsuser."""
    _damage_sealed(store_file, custom_key_store_id, "sealed_kms_user_passwords")


def _damage_sealed(store_file, custom_key_store_id, column):
    with sqlite3.connect(store_file) as store:
        (sealed,) = store.execute(
            f"SELECT {column} FROM custom_key_stores WHERE id = ?", (custom_key_store_id,)
        ).fetchone()
        sealed = sealed[:-1] + bytes([sealed[-1] ^ 1])
        store.execute(f"UPDATE custom_key_stores SET {column} = ? WHERE id = ?", (sealed, custom_key_store_id))
    store.close()


def pending_backing_keys(store_file):
    """How many backing keys an HSM may have that no KMS key uses yet, or never will. The server may run."""
    store = sqlite3.connect(f"file:{store_file}?mode=ro", uri=True)
    (count,) = store.execute("SELECT COUNT(*) FROM pending_backing_keys").fetchone()
    store.close()
    return count


def copy_log_into_store(store_file):
    """Copies what a stopped server left in the write-ahead log, if it left one, into the store."""
    store = sqlite3.connect(store_file)
    (busy, _, _) = store.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    store.close()
    assert busy == 0, f"{store_file} is still in use"


def make_large(store_file):
    """Makes a stopped server's store larger than what is checked before it serves (64 MiB), by changes so old that nobody asks for them."""
    with sqlite3.connect(store_file) as store:
        store.executemany(
            "INSERT INTO changes (sequence, record_kind, record_id) VALUES (?, 'ACCESS_KEY', ?)",
            ((-number, "x" * 1_000_000) for number in range(1, 71)),
        )
    store.close()
    copy_log_into_store(store_file)
    assert store_file.stat().st_size > 64 * 2**20
