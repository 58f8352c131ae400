//! Accounts and who is in them: users, groups, roles, their policies and credentials, and identity providers.

pub(crate) mod access_key_uses;
pub(crate) mod access_keys;
pub(crate) mod accounts;
pub(crate) mod counts;
pub(crate) mod groups;
pub(crate) mod kind;
mod members;
pub(crate) mod oidc_providers;
pub(crate) mod policies;
pub(crate) mod references;
pub(crate) mod revocation;
pub(crate) mod roles;
pub(crate) mod users;

pub(crate) use accounts::account_exists;
use keystead_core::port::{ChangedRecord, StoreError};
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;

use crate::changes;

/// Tells the change feed of a user, group, role or managed policy of an account.
async fn append_change(connection: &mut SqliteConnection, account: &AccountId) -> Result<(), StoreError> {
    changes::append(connection, &ChangedRecord::Identities(*account)).await
}

/// `NotFound` if a statement changed nothing.
fn found(rows_changed: u64) -> Result<(), StoreError> {
    if rows_changed == 0 { Err(StoreError::NotFound) } else { Ok(()) }
}
