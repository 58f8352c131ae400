//! Accounts.

use keystead_core::access::Account;
use keystead_core::port::{StoreError, UniqueConstraint};
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::members::revoked_before;
use crate::rows::{Layout, Record, encoding};
use crate::statements::{execute, exists, fetch_all, fetch_optional, statements};

const LAYOUT: Layout = Layout { table: "accounts", identity: &["id"] };

statements! {
    INSERT = "INSERT INTO accounts (id, name, created, sessions_revoked_before) VALUES ($1, $2, $3, $4)";
    GET = "SELECT id, name, created, sessions_revoked_before FROM accounts WHERE id = $1";
    OF_NAME = "SELECT id FROM accounts WHERE name = $1";
    ALL_ACCOUNTS = "SELECT id, name, created, sessions_revoked_before FROM accounts ORDER BY id";
}

/// [`keystead_core::port::Store::insert_account`].
pub(crate) async fn insert(connection: &mut SqliteConnection, account: &Account) -> Result<(), StoreError> {
    if account_exists(connection, &account.id).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::AccountId));
    }
    if exists(connection, sqlx::query(OF_NAME).bind(&account.name)).await? {
        return Err(StoreError::Duplicate(UniqueConstraint::AccountName));
    }
    let insert = sqlx::query(INSERT)
        .bind(account.id.as_str())
        .bind(&account.name)
        .bind(encoding::millis("created", account.created)?)
        .bind(revoked_before(account.sessions_revoked_before)?);
    execute(connection, insert).await.map(drop)
}

/// Whether there is such an account.
pub(crate) async fn account_exists(connection: &mut SqliteConnection, id: &AccountId) -> Result<bool, StoreError> {
    exists(connection, sqlx::query(GET).bind(id.as_str())).await
}

/// [`keystead_core::port::Store::account`].
pub(crate) async fn get(connection: &mut SqliteConnection, id: &AccountId) -> Result<Option<Account>, StoreError> {
    let row = fetch_optional(connection, sqlx::query(GET).bind(id.as_str())).await?;
    row.as_ref().map(read).transpose()
}

/// [`keystead_core::port::Store::accounts`].
pub(crate) async fn all(connection: &mut SqliteConnection) -> Result<Vec<Account>, StoreError> {
    fetch_all(connection, sqlx::query(ALL_ACCOUNTS)).await?.iter().map(read).collect()
}

fn read(row: &SqliteRow) -> Result<Account, StoreError> {
    let record = Record::new(row, LAYOUT);
    Ok(Account {
        id: record.parsed("id")?,
        name: record.text("name")?,
        created: record.timestamp("created")?,
        sessions_revoked_before: record.optional_timestamp("sessions_revoked_before")?,
    })
}
