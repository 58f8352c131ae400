//! The journal of backing keys that no KMS key uses yet.

use keystead_core::port::{BackingKeyId, PendingBackingKey, StoreError, UniqueConstraint};
use keystead_model::Timestamp;
use keystead_model::arn::CustomKeyStoreId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::custom_key_stores;
use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, exists, fetch_all, statements};

const LAYOUT: Layout = Layout { table: "pending_backing_keys", identity: &["custom_key_store_id", "label"] };

statements! {
    INSERT = "INSERT INTO pending_backing_keys (backing_key_id, custom_key_store_id, label, created)
        VALUES ($1, $2, $3, $4)";
    EXISTS = "SELECT backing_key_id FROM pending_backing_keys WHERE backing_key_id = $1";
    ABANDON = "UPDATE pending_backing_keys SET abandoned = 1 WHERE backing_key_id = $1";
    TAKE = "DELETE FROM pending_backing_keys
        WHERE backing_key_id = $1 AND custom_key_store_id = $2 AND abandoned = 0";
    DELETE = "DELETE FROM pending_backing_keys WHERE backing_key_id = $1";
    DELETE_OF_CUSTOM_KEY_STORE = "DELETE FROM pending_backing_keys WHERE custom_key_store_id = $1";
    OF_CUSTOM_KEY_STORE = "SELECT backing_key_id, custom_key_store_id, label, created FROM pending_backing_keys
        WHERE custom_key_store_id = $1 AND created <= $2 ORDER BY created LIMIT $3";
}

/// [`keystead_core::port::Store::insert_pending_backing_key`].
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    backing_key: &PendingBackingKey,
) -> Result<(), StoreError> {
    let id = backing_key.backing_key_id.as_bytes().as_slice();
    if exists(connection, sqlx::query(EXISTS).bind(id)).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::BackingKeyId));
    }
    if custom_key_stores::get(connection, &backing_key.custom_key_store_id).await?.is_none() {
        return Err(StoreError::NotFound);
    }
    let insert = sqlx::query(INSERT)
        .bind(id)
        .bind(backing_key.custom_key_store_id.as_str())
        .bind(&backing_key.label)
        .bind(encoding::millis("created", backing_key.created)?);
    execute(connection, insert).await.map(drop)
}

/// [`keystead_core::port::Store::abandon_pending_backing_key`].
pub(crate) async fn abandon(connection: &mut SqliteConnection, id: &BackingKeyId) -> Result<(), StoreError> {
    one_row(execute(connection, sqlx::query(ABANDON).bind(id.as_bytes().as_slice())).await?)
}

/// Takes a backing key out of the journal for the KMS key that is inserted for it in the same transaction. `Conflict` if it is not there,
/// or abandoned.
pub(crate) async fn take(
    connection: &mut SqliteConnection,
    key_store: &CustomKeyStoreId,
    id: &BackingKeyId,
) -> Result<(), StoreError> {
    let take = sqlx::query(TAKE).bind(id.as_bytes().as_slice()).bind(key_store.as_str());
    one_row(execute(connection, take).await?)
}

/// [`keystead_core::port::Store::delete_pending_backing_key`].
pub(crate) async fn delete(connection: &mut SqliteConnection, id: &BackingKeyId) -> Result<(), StoreError> {
    execute(connection, sqlx::query(DELETE).bind(id.as_bytes().as_slice())).await.map(drop)
}

/// Empties the journal of a custom key store.
pub(crate) async fn delete_of_custom_key_store(
    connection: &mut SqliteConnection,
    id: &CustomKeyStoreId,
) -> Result<(), StoreError> {
    execute(connection, sqlx::query(DELETE_OF_CUSTOM_KEY_STORE).bind(id.as_str())).await.map(drop)
}

/// [`keystead_core::port::Store::pending_backing_keys`].
pub(crate) async fn of_custom_key_store(
    connection: &mut SqliteConnection,
    id: &CustomKeyStoreId,
    created_until: Timestamp,
    limit: usize,
) -> Result<Vec<PendingBackingKey>, StoreError> {
    let query =
        sqlx::query(OF_CUSTOM_KEY_STORE).bind(id.as_str()).bind(created_until.millis()).bind(encoding::limit(limit));
    fetch_all(connection, query).await?.iter().map(read).collect()
}

fn one_row(rows: u64) -> Result<(), StoreError> {
    if rows == 0 { Err(StoreError::Conflict) } else { Ok(()) }
}

fn read(row: &SqliteRow) -> Result<PendingBackingKey, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(PendingBackingKey {
        backing_key_id: encoding::read_backing_key_id(&record)?
            .ok_or_else(|| record.damaged("backing_key_id", "is missing"))?,
        custom_key_store_id: record.parsed("custom_key_store_id")?,
        label: record.text("label")?,
        created: record.timestamp("created")?,
    })
}
