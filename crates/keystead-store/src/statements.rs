//! SQL as data: each module lists its statements once, for the code and for the query plan test.

use keystead_core::port::StoreError;
use sqlx::SqliteConnection;
use sqlx::sqlite::{SqliteArguments, SqliteRow};

use crate::error::engine;

/// Constants for SQL texts, and in tests a table of all of them. Parameters are `$1`, `$2`, which SQLite and PostgreSQL both take.
macro_rules! statements {
    ($($name:ident = $sql:expr;)+) => {
        $(const $name: &str = $sql;)+

        /// Every statement of this module with its name.
        #[cfg(test)]
        pub(crate) const STATEMENTS: &[(&str, &str)] = &[$((stringify!($name), $name)),+];
    };
}

pub(crate) use statements;

/// A statement with its values.
pub(crate) type Query<'q> = sqlx::query::Query<'q, sqlx::Sqlite, SqliteArguments<'q>>;

/// Runs a statement; the number of rows it changed.
pub(crate) async fn execute(connection: &mut SqliteConnection, query: Query<'_>) -> Result<u64, StoreError> {
    Ok(query.execute(connection).await.map_err(engine)?.rows_affected())
}

/// All rows of a query.
pub(crate) async fn fetch_all(
    connection: &mut SqliteConnection,
    query: Query<'_>,
) -> Result<Vec<SqliteRow>, StoreError> {
    query.fetch_all(connection).await.map_err(engine)
}

/// The row of a query that gives one at most.
pub(crate) async fn fetch_optional(
    connection: &mut SqliteConnection,
    query: Query<'_>,
) -> Result<Option<SqliteRow>, StoreError> {
    query.fetch_optional(connection).await.map_err(engine)
}

/// Whether a query gives any row.
pub(crate) async fn exists(connection: &mut SqliteConnection, query: Query<'_>) -> Result<bool, StoreError> {
    Ok(fetch_optional(connection, query).await?.is_some())
}

/// The whole number that a query gives in its only column, and 0 if it gives no row.
pub(crate) async fn number(connection: &mut SqliteConnection, query: Query<'_>) -> Result<u64, StoreError> {
    use sqlx::Row;
    let Some(row) = fetch_optional(connection, query).await? else {
        return Ok(0);
    };
    let number: i64 = row.try_get(0).map_err(engine)?;
    u64::try_from(number).map_err(|_| StoreError::Damaged(format!("a number that cannot be negative is {number}")))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use sqlx::Row;

    use crate::SqliteStore;

    /// The one statement that is to read a whole table.
    const READS_ALL: &[&str] = &["ALL_ACCOUNTS"];

    fn every_statement() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
        [
            crate::aliases::STATEMENTS,
            crate::changes::STATEMENTS,
            crate::connection_jobs::STATEMENTS,
            crate::custom_key_stores::STATEMENTS,
            crate::documents::STATEMENTS,
            crate::grants::STATEMENTS,
            crate::identities::access_key_uses::STATEMENTS,
            crate::identities::access_keys::STATEMENTS,
            crate::identities::accounts::STATEMENTS,
            crate::identities::counts::STATEMENTS,
            crate::identities::groups::STATEMENTS,
            crate::identities::oidc_providers::STATEMENTS,
            crate::identities::policies::STATEMENTS,
            crate::identities::references::STATEMENTS,
            crate::identities::revocation::STATEMENTS,
            crate::identities::roles::STATEMENTS,
            crate::identities::users::STATEMENTS,
            crate::key_last_usages::STATEMENTS,
            crate::keys::STATEMENTS,
            crate::keys::count::STATEMENTS,
            crate::keys::due::STATEMENTS,
            crate::keys::materials::STATEMENTS,
            crate::keys::related::STATEMENTS,
            crate::keys::rows::STATEMENTS,
            crate::keys::tags::STATEMENTS,
            crate::metadata::STATEMENTS,
            crate::pending_backing_keys::STATEMENTS,
        ]
        .into_iter()
        .flatten()
    }

    /// No statement walks through a table, and none sorts what an index could give in order.
    #[tokio::test]
    async fn every_statement_uses_an_index() {
        let folder = tempfile::tempdir().unwrap();
        let store = SqliteStore::open(&folder.path().join("keystead.db")).await.unwrap();
        let mut connection = crate::begin_write(&store.writer).await.unwrap();
        let mut explained = 0;
        for (name, sql) in every_statement().filter(|(name, _)| !READS_ALL.contains(name)) {
            let explain = format!("EXPLAIN QUERY PLAN {sql}");
            for row in sqlx::raw_sql(&explain).fetch_all(&mut *connection).await.unwrap() {
                let step: String = row.get("detail");
                assert!(!step.contains("SCAN") && !step.contains("TEMP B-TREE"), "{name} ({sql}): {step}");
                explained += 1;
            }
        }
        assert!(explained > 30, "{explained} steps");
    }
}
