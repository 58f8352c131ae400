//! What stands against a new record of an account, whatever its kind.

use keystead_core::port::{StoreError, UniqueConstraint};
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;

use super::account_exists;
use crate::statements::{exists, number};

/// The rules of one kind.
pub(super) struct Rules {
    /// The statement that gives a row if an account (`$1`) has a record of a name (`$2`).
    pub(super) of_name: &'static str,
    /// What a name that is taken breaks.
    pub(super) unique: UniqueConstraint,
    /// The statement that counts the records of an account (`$1`).
    pub(super) count: &'static str,
}

impl Rules {
    /// `NotFound` without the account, `Duplicate` if the name is taken, `QuotaExceeded` when the account has `quota` of the kind.
    /// `name` is as the statement takes it.
    pub(super) async fn check(
        &self,
        connection: &mut SqliteConnection,
        account: &AccountId,
        name: &str,
        quota: u64,
    ) -> Result<(), StoreError> {
        if !account_exists(connection, account).await? {
            return Err(StoreError::NotFound);
        }
        if exists(connection, sqlx::query(self.of_name).bind(account.as_str()).bind(name)).await? {
            return Err(StoreError::Duplicate(self.unique));
        }
        let current = number(connection, sqlx::query(self.count).bind(account.as_str())).await?;
        if current < quota { Ok(()) } else { Err(StoreError::QuotaExceeded { current }) }
    }
}
