//! When access keys were last used.

use keystead_core::access::AccessKeyUse;
use keystead_core::port::StoreError;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::access_keys;
use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, fetch_optional, statements};

const LAYOUT: Layout = Layout { table: "access_key_uses", identity: &["access_key_id"] };

statements! {
    RECORD = "INSERT INTO access_key_uses (access_key_id, used, region, service) VALUES ($1, $2, $3, $4)
        ON CONFLICT (access_key_id) DO UPDATE SET used = excluded.used, region = excluded.region,
            service = excluded.service
        WHERE access_key_uses.used <= excluded.used";
    GET = "SELECT access_key_id, used, region, service FROM access_key_uses WHERE access_key_id = $1";
    DELETE = "DELETE FROM access_key_uses WHERE access_key_id = $1";
}

/// [`keystead_core::port::IdentityStore::record_access_key_uses`].
pub(crate) async fn record(connection: &mut SqliteConnection, uses: &[AccessKeyUse]) -> Result<(), StoreError> {
    for last_use in uses {
        if access_keys::is_there(connection, &last_use.access_key_id).await? {
            record_one(connection, last_use).await?;
        }
    }
    Ok(())
}

async fn record_one(connection: &mut SqliteConnection, last_use: &AccessKeyUse) -> Result<(), StoreError> {
    let record = sqlx::query(RECORD)
        .bind(&last_use.access_key_id)
        .bind(encoding::millis("used", last_use.date)?)
        .bind(&last_use.region)
        .bind(&last_use.service);
    execute(connection, record).await.map(drop)
}

/// [`keystead_core::port::IdentityStore::access_key_use`].
pub(crate) async fn get(
    connection: &mut SqliteConnection,
    access_key_id: &str,
) -> Result<Option<AccessKeyUse>, StoreError> {
    fetch_optional(connection, sqlx::query(GET).bind(access_key_id)).await?.as_ref().map(read).transpose()
}

/// Deletes the last use of an access key that is about to go.
pub(super) async fn delete(connection: &mut SqliteConnection, access_key_id: &str) -> Result<(), StoreError> {
    execute(connection, sqlx::query(DELETE).bind(access_key_id)).await.map(drop)
}

fn read(row: &SqliteRow) -> Result<AccessKeyUse, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(AccessKeyUse {
        access_key_id: record.text("access_key_id")?,
        date: record.timestamp("used")?,
        region: record.text("region")?,
        service: record.text("service")?,
    })
}
