//! The schema's versions, and bringing a database to the newest.

use std::pin::Pin;

use sqlx::migrate::{MigrateError, Migration, MigrationSource, MigrationType, Migrator};
use sqlx::{Connection, SqliteConnection};

/// Every version of the schema: number, name, SQL. Released texts never change.
const VERSIONS: &[(i64, &str, &str)] = &[(1, "initial", include_str!("0001_initial.sql"))];

/// The newest version that this build knows.
pub(crate) fn newest_version() -> i64 {
    VERSIONS.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}

/// The version that a database has. Fails if it has no table of versions.
pub(crate) async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let query = sqlx::query_scalar::<_, Option<i64>>("SELECT max(version) FROM _sqlx_migrations");
    Ok(query.fetch_one(connection).await?.unwrap_or(0))
}

/// Brings a database to the newest version: all of it, or nothing. Several processes may do this at once.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    let migrator = Migrator::new(Versions).await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    // Not `run`: its future is not known to be Send (sqlx names this one for that).
    migrator.run_direct(&mut *transaction).await?;
    Ok(transaction.commit().await?)
}

/// [`VERSIONS`] for the migrator.
#[derive(Debug)]
struct Versions;

type Resolved = Result<Vec<Migration>, Box<dyn std::error::Error + Send + Sync>>;

impl MigrationSource<'static> for Versions {
    fn resolve(self) -> Pin<Box<dyn Future<Output = Resolved> + Send>> {
        let migration = |(version, name, sql): &(i64, &'static str, &'static str)| {
            Migration::new(*version, (*name).into(), MigrationType::Simple, (*sql).into(), false)
        };
        Box::pin(async move { Ok(VERSIONS.iter().map(migration).collect()) })
    }
}
