//! Access keys.

use keystead_core::access::{AccessKey, AccessKeyStatus};
use keystead_core::port::{ChangedRecord, StoreError, UniqueConstraint};
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::{access_key_uses, account_exists, found};
use crate::changes;
use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, exists, fetch_all, fetch_optional, number, statements};

const LAYOUT: Layout = Layout { table: "access_keys", identity: &["access_key_id"] };

statements! {
    INSERT = "INSERT INTO access_keys
        (access_key_id, account, user_name, user_id, sealed_secret, status, created, expires)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    OWNER = "SELECT user_id FROM users WHERE account = $1 AND user_name = $2 AND user_id = $3";
    GET = "SELECT access_key_id, account, user_name, user_id, sealed_secret, status, created, expires
        FROM access_keys WHERE access_key_id = $1";
    OF_ACCOUNT = "SELECT access_key_id, account, user_name, user_id, sealed_secret, status, created, expires
        FROM access_keys WHERE account = $1 ORDER BY access_key_id";
    OF_USER = "SELECT access_key_id FROM access_keys WHERE account = $1 AND user_name = $2 LIMIT 1";
    // The root user's have no name.
    COUNT_OF_OWNER = "SELECT count(*) FROM access_keys
        WHERE account = $1 AND user_name IS NOT DISTINCT FROM $2";
    SET_STATUS = "UPDATE access_keys SET status = $1 WHERE access_key_id = $2";
    DELETE = "DELETE FROM access_keys WHERE access_key_id = $1";
}

/// [`keystead_core::port::Store::insert_access_key`].
pub(crate) async fn insert(
    connection: &mut SqliteConnection,
    access_key: &AccessKey,
    quota: u64,
) -> Result<(), StoreError> {
    if is_there(connection, &access_key.access_key_id).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::AccessKeyId));
    }
    if !owner_exists(connection, access_key).await? {
        return Err(StoreError::NotFound);
    }
    let of_owner = sqlx::query(COUNT_OF_OWNER).bind(access_key.account.as_str()).bind(&access_key.user_name);
    let current = number(connection, of_owner).await?;
    if current >= quota {
        return Err(StoreError::QuotaExceeded { current });
    }
    let expires = access_key.expires.map(|expires| encoding::millis("expires", expires)).transpose()?;
    let insert = sqlx::query(INSERT)
        .bind(&access_key.access_key_id)
        .bind(access_key.account.as_str())
        .bind(&access_key.user_name)
        .bind(&access_key.user_id)
        .bind(access_key.sealed_secret.as_bytes())
        .bind(encoding::access_key_status(access_key.status))
        .bind(encoding::millis("created", access_key.created)?)
        .bind(expires);
    execute(connection, insert).await?;
    append_change(connection, &access_key.access_key_id).await
}

/// Whether the account is there, and the user, if it is one's key.
async fn owner_exists(connection: &mut SqliteConnection, access_key: &AccessKey) -> Result<bool, StoreError> {
    match (&access_key.user_name, &access_key.user_id) {
        (None, None) => account_exists(connection, &access_key.account).await,
        (Some(user_name), Some(user_id)) => {
            let query = sqlx::query(OWNER).bind(access_key.account.as_str()).bind(user_name).bind(user_id);
            exists(connection, query).await
        }
        _ => Err(StoreError::Engine("an access key has both user_name and user_id, or neither".to_owned())),
    }
}

/// [`keystead_core::port::Store::access_key`].
pub(crate) async fn get(
    connection: &mut SqliteConnection,
    access_key_id: &str,
) -> Result<Option<AccessKey>, StoreError> {
    let row = fetch_optional(connection, sqlx::query(GET).bind(access_key_id)).await?;
    row.as_ref().map(read).transpose()
}

/// [`keystead_core::port::Store::access_keys`].
pub(crate) async fn of_account(
    connection: &mut SqliteConnection,
    account: &AccountId,
) -> Result<Vec<AccessKey>, StoreError> {
    let query = sqlx::query(OF_ACCOUNT).bind(account.as_str());
    fetch_all(connection, query).await?.iter().map(read).collect()
}

/// Whether there is such an access key.
pub(super) async fn is_there(connection: &mut SqliteConnection, access_key_id: &str) -> Result<bool, StoreError> {
    exists(connection, sqlx::query(GET).bind(access_key_id)).await
}

/// Whether a user has any.
pub(super) async fn any_of_user(
    connection: &mut SqliteConnection,
    account: &AccountId,
    user_name: &str,
) -> Result<bool, StoreError> {
    exists(connection, sqlx::query(OF_USER).bind(account.as_str()).bind(user_name)).await
}

/// [`keystead_core::port::Store::set_access_key_status`].
pub(crate) async fn set_status(
    connection: &mut SqliteConnection,
    access_key_id: &str,
    status: AccessKeyStatus,
) -> Result<(), StoreError> {
    let update = sqlx::query(SET_STATUS).bind(encoding::access_key_status(status)).bind(access_key_id);
    found(execute(connection, update).await?)?;
    append_change(connection, access_key_id).await
}

/// [`keystead_core::port::Store::delete_access_key`].
pub(crate) async fn delete(connection: &mut SqliteConnection, access_key_id: &str) -> Result<(), StoreError> {
    access_key_uses::delete(connection, access_key_id).await?;
    found(execute(connection, sqlx::query(DELETE).bind(access_key_id)).await?)?;
    append_change(connection, access_key_id).await
}

async fn append_change(connection: &mut SqliteConnection, access_key_id: &str) -> Result<(), StoreError> {
    changes::append(connection, &ChangedRecord::AccessKey(access_key_id.to_owned())).await
}

fn read(row: &SqliteRow) -> Result<AccessKey, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(AccessKey {
        access_key_id: record.text("access_key_id")?,
        account: record.parsed("account")?,
        user_name: record.value("user_name")?,
        user_id: record.value("user_id")?,
        sealed_secret: record.sealed("sealed_secret")?,
        status: encoding::read_access_key_status(&record)?,
        created: record.timestamp("created")?,
        expires: record.optional_timestamp("expires")?,
    })
}
