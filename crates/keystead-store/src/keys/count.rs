//! How many keys an account has in a Region.

use keystead_core::key::Key;
use keystead_core::port::StoreError;
use keystead_model::arn::{AccountId, Region};
use sqlx::SqliteConnection;

use crate::statements::{execute, number, statements};

statements! {
    COUNT = "SELECT key_count FROM kms_key_counts WHERE account = $1 AND region = $2";
    ADD = "INSERT INTO kms_key_counts (account, region, key_count) VALUES ($1, $2, 1)
        ON CONFLICT (account, region) DO UPDATE SET key_count = kms_key_counts.key_count + 1";
    SUBTRACT = "UPDATE kms_key_counts SET key_count = key_count - 1 WHERE account = $1 AND region = $2";
}

/// `QuotaExceeded` if the key's account has `quota` keys in its Region.
pub(super) async fn within_quota(connection: &mut SqliteConnection, key: &Key, quota: u64) -> Result<(), StoreError> {
    let count = sqlx::query(COUNT).bind(key.account.as_str()).bind(key.region.as_str());
    let current = number(connection, count).await?;
    if current >= quota { Err(StoreError::QuotaExceeded { current }) } else { Ok(()) }
}

/// Counts a key that was inserted.
pub(super) async fn add(connection: &mut SqliteConnection, key: &Key) -> Result<(), StoreError> {
    execute(connection, sqlx::query(ADD).bind(key.account.as_str()).bind(key.region.as_str())).await.map(drop)
}

/// Counts a key no more that was deleted.
pub(super) async fn subtract(
    connection: &mut SqliteConnection,
    account: &AccountId,
    region: &Region,
) -> Result<(), StoreError> {
    execute(connection, sqlx::query(SUBTRACT).bind(account.as_str()).bind(region.as_str())).await.map(drop)
}
