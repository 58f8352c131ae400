//! The schema's versions, and bringing a database to the newest.

use std::pin::Pin;

use keystead_model::Timestamp;
use sqlx::migrate::{MigrateError, Migration, MigrationSource, MigrationType, Migrator};
use sqlx::{Connection, Row, SqliteConnection};

/// Every version of the schema: number, name, SQL. Released texts never change.
const VERSIONS: &[(i64, &str, &str)] = &[
    (1, "initial", include_str!("0001_initial.sql")),
    (2, "cloudhsm key stores", include_str!("0002_cloudhsm_key_stores.sql")),
    (3, "key types and grants", include_str!("0003_key_types_and_grants.sql")),
    (4, "identities", include_str!("0004_identities.sql")),
];

/// The version that brought last usages of keys.
pub(crate) const KEY_LAST_USAGES_VERSION: i64 = 3;

/// The newest version that this build knows.
pub(crate) fn newest_version() -> i64 {
    VERSIONS.iter().map(|(version, ..)| *version).max().unwrap_or(0)
}

/// The version that a database has. Fails if it has no table of versions.
pub(crate) async fn version(connection: &mut SqliteConnection) -> Result<i64, sqlx::Error> {
    let query = sqlx::query_scalar::<_, Option<i64>>("SELECT max(version) FROM _sqlx_migrations");
    Ok(query.fetch_one(connection).await?.unwrap_or(0))
}

/// When a database was brought to a version that it has.
pub(crate) async fn installed(connection: &mut SqliteConnection, version: i64) -> Result<Timestamp, sqlx::Error> {
    let query = "SELECT CAST(strftime('%s', installed_on) AS INTEGER) FROM _sqlx_migrations WHERE version = $1";
    let seconds: i64 = sqlx::query_scalar(query).bind(version).fetch_one(connection).await?;
    Ok(Timestamp::from_millis(seconds.saturating_mul(1000)))
}

/// Brings a database to the newest version: all of it, or nothing. Several processes may do this at once.
pub(crate) async fn migrate(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    // A version may build a table anew that others refer to. The engine takes this setting outside of a transaction only.
    sqlx::query("PRAGMA foreign_keys = OFF").execute(&mut *connection).await?;
    let migrated = migrate_in_one(connection).await;
    // Whatever has happened: nothing else may run without them.
    sqlx::query("PRAGMA foreign_keys = ON").execute(&mut *connection).await?;
    migrated
}

async fn migrate_in_one(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    let migrator = Migrator::new(Versions).await?;
    let mut transaction = connection.begin_with("BEGIN IMMEDIATE").await?;
    let before = version_of_any(&mut transaction).await?;
    // Not `run`: its future is not known to be Send (sqlx names this one for that).
    migrator.run_direct(&mut *transaction).await?;
    if before != Some(newest_version()) {
        check_references(&mut transaction).await?;
    }
    Ok(transaction.commit().await?)
}

/// The version that a database has, `None` for a new one.
async fn version_of_any(connection: &mut SqliteConnection) -> Result<Option<i64>, sqlx::Error> {
    let table = sqlx::query("SELECT name FROM sqlite_schema WHERE name = '_sqlx_migrations'");
    match table.fetch_optional(&mut *connection).await? {
        Some(_) => version(connection).await.map(Some),
        None => Ok(None),
    }
}

/// Every row refers to what is there, as it would have been refused otherwise had foreign keys been on.
async fn check_references(connection: &mut SqliteConnection) -> Result<(), MigrateError> {
    match sqlx::query("PRAGMA foreign_key_check").fetch_optional(connection).await? {
        None => Ok(()),
        Some(row) => {
            let table: String = row.try_get(0)?;
            Err(MigrateError::Source(format!("a row of table {table} refers to one that is not there").into()))
        }
    }
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
