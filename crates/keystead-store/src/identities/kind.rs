//! What the records of one kind have in common: an account and a name in it, by which they are found, listed and deleted.

use keystead_core::port::{StoreError, UniqueConstraint};
use keystead_model::arn::AccountId;
use sqlx::SqliteConnection;
use sqlx::sqlite::SqliteRow;

use super::account_exists;
use crate::rows::encoding;
use crate::statements::{execute, exists, fetch_all, fetch_optional, number};

/// One kind of record. The first two values of each statement are the account and the name; COUNT takes the account alone.
pub(crate) struct Kind<T> {
    /// Gives a row if the name is taken: as [`Kind::check_new`] has it.
    pub(super) of_name: &'static str,
    /// What a name that is taken breaks.
    pub(super) unique: UniqueConstraint,
    /// Counts the records of the account.
    pub(super) count: &'static str,
    /// The record of the name.
    pub(super) get: &'static str,
    /// The records whose names sort after the name, in order; `$3` is the most of them.
    pub(super) list: &'static str,
    /// Deletes the record of the name if it is at the revision `$3`.
    pub(super) delete: &'static str,
    /// Reads a row of `get` or `list`.
    pub(super) read: fn(&SqliteRow) -> Result<T, StoreError>,
}

impl<T> Kind<T> {
    /// Whether a new record may be added: `NotFound` without the account, `Duplicate` if the name is taken, `QuotaExceeded` when the account
    /// has `quota` of the kind.
    pub(super) async fn check_new(
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

    /// The record of this name.
    pub(crate) async fn get(
        &self,
        connection: &mut SqliteConnection,
        account: &AccountId,
        name: &str,
    ) -> Result<Option<T>, StoreError> {
        let query = sqlx::query(self.get).bind(account.as_str()).bind(name);
        fetch_optional(connection, query).await?.as_ref().map(self.read).transpose()
    }

    /// Up to `limit` records of the account whose names sort after `after`, in order.
    pub(crate) async fn list(
        &self,
        connection: &mut SqliteConnection,
        account: &AccountId,
        after: &str,
        limit: usize,
    ) -> Result<Vec<T>, StoreError> {
        let query = sqlx::query(self.list).bind(account.as_str()).bind(after).bind(encoding::limit(limit));
        fetch_all(connection, query).await?.iter().map(self.read).collect()
    }

    /// Deletes the record of this name; `Conflict` if there is none at this revision.
    pub(super) async fn delete(
        &self,
        connection: &mut SqliteConnection,
        account: &AccountId,
        name: &str,
        revision: u64,
    ) -> Result<(), StoreError> {
        let revision = encoding::whole("revision", revision)?;
        let delete = sqlx::query(self.delete).bind(account.as_str()).bind(name).bind(revision);
        at_revision(execute(connection, delete).await?)
    }
}

/// `Conflict` if a statement that asks for a revision changed nothing.
pub(super) fn at_revision(rows_changed: u64) -> Result<(), StoreError> {
    if rows_changed == 0 { Err(StoreError::Conflict) } else { Ok(()) }
}
