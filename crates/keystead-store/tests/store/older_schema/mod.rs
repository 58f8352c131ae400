//! Databases as older versions of the schema left them, filled by statements of their own time.

pub mod version_1;
pub mod version_2;
pub mod version_3;

use std::path::{Path, PathBuf};

use keystead_core::key::KeyStatus;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, SqliteConnection};
use tempfile::TempDir;

const VERSIONS: [(i64, &str, &str); 3] = [
    (1, "initial", include_str!("../../../src/schema/0001_initial.sql")),
    (2, "cloudhsm key stores", include_str!("../../../src/schema/0002_cloudhsm_key_stores.sql")),
    (3, "key types and grants", include_str!("../../../src/schema/0003_key_types_and_grants.sql")),
];

pub async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .foreign_keys(true);
    options.connect().await.unwrap()
}

pub async fn run(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

/// An empty database of this version. The connection is to be closed when it is filled.
async fn empty(version: i64) -> (TempDir, PathBuf, SqliteConnection) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystead.db");
    let mut connection = connect(&path).await;
    run(&mut connection, &format!("PRAGMA application_id = {}", u32::from_be_bytes(*b"KSTD"))).await;
    let versions = VERSIONS.into_iter().filter(|(number, ..)| *number <= version);
    let migration = |(number, name, sql): (i64, &'static str, &'static str)| {
        Migration::new(number, name.into(), MigrationType::Simple, sql.into(), false)
    };
    let migrations: Vec<Migration> = versions.map(migration).collect();
    // A table that others refer to is built anew.
    run(&mut connection, "PRAGMA foreign_keys = OFF").await;
    Migrator { migrations: migrations.into(), ..Migrator::DEFAULT }.run(&mut connection).await.unwrap();
    run(&mut connection, "PRAGMA foreign_keys = ON").await;
    (folder, path, connection)
}

/// `status`, `deletion_date` and `pending_window_in_days`.
fn status_columns(status: KeyStatus) -> (&'static str, Option<i64>, Option<i64>) {
    match status {
        KeyStatus::Enabled => ("Enabled", None, None),
        KeyStatus::Disabled => ("Disabled", None, None),
        KeyStatus::PendingDeletion { deletion_date, pending_window_in_days } => {
            ("PendingDeletion", Some(deletion_date.millis()), Some(i64::from(pending_window_in_days)))
        }
        KeyStatus::PendingReplicaDeletion { .. } => panic!("older versions have no multi-Region keys"),
    }
}
