//! When keys were last used.

use keystead_core::key::KeyLastUsage;
use keystead_core::port::StoreError;
use keystead_model::arn::{KeyId, Region};
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::keys;
use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, fetch_optional, statements};

const LAYOUT: Layout = Layout { table: "key_last_usages", identity: &["region", "key_id"] };

statements! {
    RECORD = "INSERT INTO key_last_usages (region, key_id, operation, used, event_id, request_id)
        VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (region, key_id) DO UPDATE SET operation = excluded.operation, used = excluded.used,
            event_id = excluded.event_id, request_id = excluded.request_id
        WHERE key_last_usages.used <= excluded.used";
    GET = "SELECT region, key_id, operation, used, event_id, request_id FROM key_last_usages
        WHERE region = $1 AND key_id = $2";
    DELETE = "DELETE FROM key_last_usages WHERE region = $1 AND key_id = $2";
}

/// [`keystead_core::port::Store::record_key_usages`].
pub(crate) async fn record(connection: &mut SqliteConnection, usages: &[KeyLastUsage]) -> Result<(), StoreError> {
    for usage in usages {
        if keys::exists_in_region(connection, &usage.region, &usage.key_id).await? {
            record_one(connection, usage).await?;
        }
    }
    Ok(())
}

async fn record_one(connection: &mut SqliteConnection, usage: &KeyLastUsage) -> Result<(), StoreError> {
    let record = sqlx::query(RECORD)
        .bind(usage.region.as_str())
        .bind(usage.key_id.as_str())
        .bind(usage.operation.as_str())
        .bind(encoding::millis("used", usage.timestamp)?)
        .bind(&usage.event_id)
        .bind(&usage.request_id);
    execute(connection, record).await.map(drop)
}

/// [`keystead_core::port::Store::key_last_usage`].
pub(crate) async fn get(
    connection: &mut SqliteConnection,
    region: &Region,
    id: &KeyId,
) -> Result<Option<KeyLastUsage>, StoreError> {
    let query = sqlx::query(GET).bind(region.as_str()).bind(id.as_str());
    fetch_optional(connection, query).await?.as_ref().map(read).transpose()
}

/// Deletes the last usage of a key that is about to go.
pub(crate) async fn delete(connection: &mut SqliteConnection, region: &Region, id: &KeyId) -> Result<(), StoreError> {
    execute(connection, sqlx::query(DELETE).bind(region.as_str()).bind(id.as_str())).await.map(drop)
}

fn read(row: &SqliteRow) -> Result<KeyLastUsage, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(KeyLastUsage {
        region: record.parsed("region")?,
        key_id: record.parsed("key_id")?,
        operation: record.parsed("operation")?,
        timestamp: record.timestamp("used")?,
        event_id: record.text("event_id")?,
        request_id: record.text("request_id")?,
    })
}
