//! The [`Store`](keystead_core::port::Store), [`IdentityStore`](keystead_core::port::IdentityStore) and
//! [`DocumentStore`](keystead_core::port::DocumentStore) ports on SQLite.
//!
//! - [`open`](SqliteStore::open): what is checked before a database is used; `whole_check`: what of it may take longer;
//! - `schema/`: tables and rules, in the SQL that SQLite and PostgreSQL share;
//! - one module for each concept: its statements, and what stands against each change;
//! - `store`, `identity_store`, `document_store`: the ports, which hand each call to the module of its concept;
//! - `rows`: values to columns and back.
//!
//! Durability: the write-ahead log is flushed to disk with each commit (`synchronous=FULL`). Writers of one process queue for the one
//! connection that writes; writers of several processes wait up to 5 seconds for each other. Every change begins with
//! `BEGIN IMMEDIATE`, so what a transaction has looked at stays so until it commits: the rules are checked in plain queries first, and
//! the schema's constraints stand behind them.
//!
//! The change feed has no gaps here: a reader that finds one has missed changes that were pruned, because it was more than 10,000
//! changes behind, and must forget all it has cached.

mod aliases;
mod changes;
mod connection_jobs;
mod custom_key_stores;
mod document_store;
mod documents;
mod error;
mod grants;
mod identities;
mod identity_store;
mod key_last_usages;
mod keys;
mod metadata;
mod open;
mod pending_backing_keys;
mod rows;
mod schema;
mod statements;
mod store;
mod whole_check;

use std::pin::Pin;

use keystead_core::port::StoreError;
use sqlx::{Sqlite, SqliteConnection, SqlitePool, Transaction};

use crate::error::engine;
pub use crate::open::OpenError;
use crate::whole_check::WholeCheck;

/// Everything Keystead must not lose, in one SQLite file.
pub struct SqliteStore {
    readers: SqlitePool,
    writer: SqlitePool,
    check: WholeCheck,
}

impl SqliteStore {
    /// Closes the database; calls that come later fail. The last process to close copies the log into the database file.
    pub async fn close(&self) {
        self.check.stop().await;
        close_pool(&self.readers).await;
        close_pool(&self.writer).await;
    }

    /// Waits until all of the database has been looked at for damage, as [`SqliteStore::open`] does not for a large one. After an error
    /// nothing is written any more, and after damage nothing is read: the process should end. No error if the store is closed before.
    pub async fn checked(&self) -> Result<(), OpenError> {
        self.check.outcome().await
    }

    /// Runs `operation` in a transaction that sees one moment.
    async fn read<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Step<'c, T> + Send + 'static,
    {
        self.check.found_nothing()?;
        let readers = self.readers.clone();
        uninterrupted(async move { conclude(readers.begin().await.map_err(engine)?, operation).await }).await
    }

    /// Runs `operation` in a transaction that has the write lock from the beginning; commits if it succeeds and undoes it if not. Waits for
    /// the check of the whole database.
    async fn write<T, F>(&self, operation: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: for<'c> FnOnce(&'c mut SqliteConnection) -> Step<'c, T> + Send + 'static,
    {
        self.check.passed().await?;
        let writer = self.writer.clone();
        uninterrupted(async move { conclude(begin_write(&writer).await?, operation).await }).await
    }
}

/// What is done in a transaction.
type Step<'c, T> = Pin<Box<dyn Future<Output = Result<T, StoreError>> + Send + 'c>>;

/// Runs the work in a task of its own. A caller may go away at any moment (a client hangs up, a time is over); what it has begun goes on,
/// and no connection is given back in the middle of a transaction.
async fn uninterrupted<T: Send + 'static>(
    work: impl Future<Output = Result<T, StoreError>> + Send + 'static,
) -> Result<T, StoreError> {
    let failed = |error| StoreError::Engine(format!("the store's task did not end: {error}"));
    tokio::spawn(work).await.map_err(failed)?
}

async fn begin_write(writer: &SqlitePool) -> Result<Transaction<'static, Sqlite>, StoreError> {
    writer.begin_with("BEGIN IMMEDIATE").await.map_err(engine)
}

async fn conclude<T, F>(mut transaction: Transaction<'static, Sqlite>, operation: F) -> Result<T, StoreError>
where
    F: for<'c> FnOnce(&'c mut SqliteConnection) -> Step<'c, T>,
{
    match operation(&mut transaction).await {
        Ok(value) => transaction.commit().await.map_err(engine).map(|()| value),
        Err(refusal) => {
            // The refusal is what the caller must hear, also if the engine cannot even roll back.
            if let Err(error) = transaction.rollback().await {
                tracing::error!(%error, "a transaction was not rolled back");
            }
            Err(refusal)
        }
    }
}

/// Closes every connection. The first call ends when all have been given back, and overlooks one that comes back just then (sqlx 0.8);
/// the second closes that.
async fn close_pool(pool: &SqlitePool) {
    pool.close().await;
    pool.close().await;
}
