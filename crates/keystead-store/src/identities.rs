//! Accounts, users and access keys.

use keystead_core::access::{AccessKey, AccessKeyStatus, Account, User};
use keystead_core::port::{ChangedRecord, StoreError, UniqueConstraint};
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use crate::changes;
use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, exists, fetch_all, fetch_optional, statements};

const ACCOUNTS: Layout = Layout { table: "accounts", identity: &["id"] };
const USERS: Layout = Layout { table: "users", identity: &["account", "user_name"] };
const ACCESS_KEYS: Layout = Layout { table: "access_keys", identity: &["access_key_id"] };

statements! {
    INSERT_ACCOUNT = "INSERT INTO accounts (id, name, created) VALUES ($1, $2, $3)";
    ACCOUNT = "SELECT id, name, created FROM accounts WHERE id = $1";
    ACCOUNT_OF_NAME = "SELECT id FROM accounts WHERE name = $1";
    ALL_ACCOUNTS = "SELECT id, name, created FROM accounts ORDER BY id";
    INSERT_USER = "INSERT INTO users (account, user_name, user_id, created) VALUES ($1, $2, $3, $4)";
    USER = "SELECT user_id FROM users WHERE account = $1 AND user_name = $2";
    USER_OF_ID = "SELECT user_id FROM users WHERE account = $1 AND user_name = $2 AND user_id = $3";
    USERS_OF_ACCOUNT = "SELECT account, user_name, user_id, created FROM users WHERE account = $1 ORDER BY user_name";
    DELETE_USER = "DELETE FROM users WHERE account = $1 AND user_name = $2";
    INSERT_ACCESS_KEY = "INSERT INTO access_keys
        (access_key_id, account, user_name, user_id, sealed_secret, status, created, expires)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";
    ACCESS_KEY = "SELECT access_key_id, account, user_name, user_id, sealed_secret, status, created, expires
        FROM access_keys WHERE access_key_id = $1";
    ACCESS_KEYS_OF_ACCOUNT = "SELECT access_key_id, account, user_name, user_id, sealed_secret, status, created, expires
        FROM access_keys WHERE account = $1 ORDER BY access_key_id";
    ACCESS_KEY_OF_USER = "SELECT access_key_id FROM access_keys WHERE account = $1 AND user_name = $2 LIMIT 1";
    SET_ACCESS_KEY_STATUS = "UPDATE access_keys SET status = $1 WHERE access_key_id = $2";
    DELETE_ACCESS_KEY = "DELETE FROM access_keys WHERE access_key_id = $1";
}

/// [`keystead_core::port::Store::insert_account`].
pub(crate) async fn insert_account(connection: &mut SqliteConnection, account: &Account) -> Result<(), StoreError> {
    if account_exists(connection, &account.id).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::AccountId));
    }
    if exists(connection, sqlx::query(ACCOUNT_OF_NAME).bind(&account.name)).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::AccountName));
    }
    let created = encoding::millis("created", account.created)?;
    let insert = sqlx::query(INSERT_ACCOUNT).bind(account.id.as_str()).bind(&account.name).bind(created);
    execute(connection, insert).await.map(drop)
}

/// Whether there is such an account.
pub(crate) async fn account_exists(connection: &mut SqliteConnection, id: &AccountId) -> Result<bool, StoreError> {
    exists(connection, sqlx::query(ACCOUNT).bind(id.as_str())).await
}

/// [`keystead_core::port::Store::account`].
pub(crate) async fn account(connection: &mut SqliteConnection, id: &AccountId) -> Result<Option<Account>, StoreError> {
    let row = fetch_optional(connection, sqlx::query(ACCOUNT).bind(id.as_str())).await?;
    row.as_ref().map(read_account).transpose()
}

/// [`keystead_core::port::Store::accounts`].
pub(crate) async fn accounts(connection: &mut SqliteConnection) -> Result<Vec<Account>, StoreError> {
    fetch_all(connection, sqlx::query(ALL_ACCOUNTS)).await?.iter().map(read_account).collect()
}

/// [`keystead_core::port::Store::insert_user`].
pub(crate) async fn insert_user(connection: &mut SqliteConnection, user: &User) -> Result<(), StoreError> {
    let account = user.account.as_str();
    if exists(connection, sqlx::query(USER).bind(account).bind(&user.user_name)).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::UserName));
    }
    if !account_exists(connection, &user.account).await? {
        return Err(StoreError::NotFound);
    }
    let created = encoding::millis("created", user.created)?;
    let insert = sqlx::query(INSERT_USER).bind(account).bind(&user.user_name).bind(&user.user_id).bind(created);
    execute(connection, insert).await.map(drop)
}

/// [`keystead_core::port::Store::users`].
pub(crate) async fn users(connection: &mut SqliteConnection, account: &AccountId) -> Result<Vec<User>, StoreError> {
    let query = sqlx::query(USERS_OF_ACCOUNT).bind(account.as_str());
    fetch_all(connection, query).await?.iter().map(read_user).collect()
}

/// [`keystead_core::port::Store::delete_user`].
pub(crate) async fn delete_user(
    connection: &mut SqliteConnection,
    account: &AccountId,
    user_name: &str,
) -> Result<(), StoreError> {
    if exists(connection, sqlx::query(ACCESS_KEY_OF_USER).bind(account.as_str()).bind(user_name)).await? {
        return Err(StoreError::Referenced);
    }
    let deleted = execute(connection, sqlx::query(DELETE_USER).bind(account.as_str()).bind(user_name)).await?;
    found(deleted)
}

/// [`keystead_core::port::Store::insert_access_key`].
pub(crate) async fn insert_access_key(
    connection: &mut SqliteConnection,
    access_key: &AccessKey,
) -> Result<(), StoreError> {
    if exists(connection, sqlx::query(ACCESS_KEY).bind(&access_key.access_key_id)).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::AccessKeyId));
    }
    if !owner_exists(connection, access_key).await? {
        return Err(StoreError::NotFound);
    }
    let expires = access_key.expires.map(|expires| encoding::millis("expires", expires)).transpose()?;
    let insert = sqlx::query(INSERT_ACCESS_KEY)
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
            let query = sqlx::query(USER_OF_ID).bind(access_key.account.as_str()).bind(user_name).bind(user_id);
            exists(connection, query).await
        }
        _ => Err(StoreError::Engine("an access key has both user_name and user_id, or neither".to_owned())),
    }
}

/// [`keystead_core::port::Store::access_key`].
pub(crate) async fn access_key(
    connection: &mut SqliteConnection,
    access_key_id: &str,
) -> Result<Option<AccessKey>, StoreError> {
    let row = fetch_optional(connection, sqlx::query(ACCESS_KEY).bind(access_key_id)).await?;
    row.as_ref().map(read_access_key).transpose()
}

/// [`keystead_core::port::Store::access_keys`].
pub(crate) async fn access_keys(
    connection: &mut SqliteConnection,
    account: &AccountId,
) -> Result<Vec<AccessKey>, StoreError> {
    let query = sqlx::query(ACCESS_KEYS_OF_ACCOUNT).bind(account.as_str());
    fetch_all(connection, query).await?.iter().map(read_access_key).collect()
}

/// [`keystead_core::port::Store::set_access_key_status`].
pub(crate) async fn set_access_key_status(
    connection: &mut SqliteConnection,
    access_key_id: &str,
    status: AccessKeyStatus,
) -> Result<(), StoreError> {
    let update = sqlx::query(SET_ACCESS_KEY_STATUS).bind(encoding::access_key_status(status)).bind(access_key_id);
    found(execute(connection, update).await?)?;
    append_change(connection, access_key_id).await
}

/// [`keystead_core::port::Store::delete_access_key`].
pub(crate) async fn delete_access_key(
    connection: &mut SqliteConnection,
    access_key_id: &str,
) -> Result<(), StoreError> {
    found(execute(connection, sqlx::query(DELETE_ACCESS_KEY).bind(access_key_id)).await?)?;
    append_change(connection, access_key_id).await
}

async fn append_change(connection: &mut SqliteConnection, access_key_id: &str) -> Result<(), StoreError> {
    changes::append(connection, &ChangedRecord::AccessKey(access_key_id.to_owned())).await
}

/// `NotFound` if a statement changed nothing.
fn found(rows_changed: u64) -> Result<(), StoreError> {
    if rows_changed == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}

fn read_account(row: &SqliteRow) -> Result<Account, StoreError> {
    let record = Record::new(row, ACCOUNTS);
    Ok(Account { id: record.parsed("id")?, name: record.text("name")?, created: record.timestamp("created")? })
}

fn read_user(row: &SqliteRow) -> Result<User, StoreError> {
    let record = Record::new(row, USERS);
    Ok(User {
        account: record.parsed("account")?,
        user_name: record.text("user_name")?,
        user_id: record.text("user_id")?,
        created: record.timestamp("created")?,
    })
}

fn read_access_key(row: &SqliteRow) -> Result<AccessKey, StoreError> {
    let record = Record::new(row, ACCESS_KEYS);
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
