//! The tags of KMS keys.

use keystead_core::key::Key;
use keystead_core::port::StoreError;
use keystead_model::arn::{KeyId, Region};
use keystead_model::kms::Tag;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::rows::{Layout, Record};
use crate::statements::{execute, fetch_all, statements};

const LAYOUT: Layout = Layout { table: "key_tags", identity: &["region", "key_id", "tag_key"] };

statements! {
    INSERT = "INSERT INTO key_tags (region, key_id, ordinal, tag_key, tag_value) VALUES ($1, $2, $3, $4, $5)";
    OF_KEY = "SELECT region, key_id, tag_key, tag_value FROM key_tags
        WHERE region = $1 AND key_id = $2 ORDER BY ordinal";
    DELETE = "DELETE FROM key_tags WHERE region = $1 AND key_id = $2";
}

/// Inserts the tags of a key that has none stored.
pub(super) async fn insert(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    for (ordinal, tag) in (0_i64..).zip(&key.tags) {
        let insert = sqlx::query(INSERT)
            .bind(key.region.as_str())
            .bind(key.id.as_str())
            .bind(ordinal)
            .bind(&tag.tag_key)
            .bind(&tag.tag_value);
        execute(connection, insert).await?;
    }
    Ok(())
}

/// Stores the tags of a key in place of those that are stored, if they differ.
pub(super) async fn replace(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    if of_key(connection, &key.region, &key.id).await? == key.tags {
        return Ok(());
    }
    delete(connection, &key.region, &key.id).await?;
    insert(connection, key).await
}

/// The tags of a key, in order.
pub(super) async fn of_key(
    connection: &mut SqliteConnection,
    region: &Region,
    id: &KeyId,
) -> Result<Vec<Tag>, StoreError> {
    let query = sqlx::query(OF_KEY).bind(region.as_str()).bind(id.as_str());
    fetch_all(connection, query).await?.iter().map(read).collect()
}

/// Deletes the tags of a key.
pub(super) async fn delete(connection: &mut SqliteConnection, region: &Region, id: &KeyId) -> Result<(), StoreError> {
    execute(connection, sqlx::query(DELETE).bind(region.as_str()).bind(id.as_str())).await.map(drop)
}

fn read(row: &SqliteRow) -> Result<Tag, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(Tag { tag_key: record.text("tag_key")?, tag_value: record.text("tag_value")? })
}
