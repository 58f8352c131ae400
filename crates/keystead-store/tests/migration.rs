//! A database of an older schema version is brought to the newest one, and everything is still there.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod behaviour;

use std::path::{Path, PathBuf};

use behaviour::fixtures::*;
use keystead_core::key::{Key, KeyStatus};
use keystead_core::key_store::{ConnectionState, CustomKeyStore};
use keystead_core::port::{Change, ChangedRecord, ConnectionJob, JobKind, Store, StoreError};
use keystead_model::kms::ConnectionErrorCodeType;
use keystead_store::{OpenError, SqliteStore};
use sqlx::migrate::{Migration, MigrationType, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode};
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tempfile::TempDir;

const VERSION_1: &str = include_str!("../src/schema/0001_initial.sql");

const STATES: [ConnectionState; 5] = [
    ConnectionState::Disconnected,
    ConnectionState::Connecting,
    ConnectionState::Connected,
    ConnectionState::Failed(ConnectionErrorCodeType::XksProxyTimedOut),
    ConnectionState::Disconnecting,
];

async fn connect(path: &Path) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .foreign_keys(true);
    options.connect().await.unwrap()
}

async fn run(connection: &mut SqliteConnection, sql: &str) {
    sqlx::raw_sql(sql).execute(connection).await.unwrap();
}

/// A database as version 1 of the schema left it, filled by statements of its own time.
async fn version_1() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystead.db");
    let mut connection = connect(&path).await;
    run(&mut connection, &format!("PRAGMA application_id = {}", u32::from_be_bytes(*b"KSTD"))).await;
    let initial = Migration::new(1, "initial".into(), MigrationType::Simple, VERSION_1.into(), false);
    let migrator = Migrator { migrations: vec![initial].into(), ..Migrator::DEFAULT };
    migrator.run(&mut connection).await.unwrap();
    run(&mut connection, "INSERT INTO accounts VALUES ('000000000001', 'account 1', 1790000001000)").await;
    for (number, state) in (1_u8..).zip(STATES) {
        insert_key_store(&mut connection, &external_key_store(number, state)).await;
    }
    for key in keys() {
        insert_key(&mut connection, &key).await;
    }
    run(&mut connection, "INSERT INTO kms_key_counts VALUES ('000000000001', 'us-east-1', 3)").await;
    let alias = format!(
        "INSERT INTO aliases VALUES ('000000000001', 'us-east-1', 'alias/a', '{}', 1790000005000, 1790000005000, 1)",
        key_id(2)
    );
    run(&mut connection, &alias).await;
    let job =
        format!("INSERT INTO connection_jobs VALUES (1, '{}', 'CONNECT', 1790000000000, NULL, 0)", key_store_id(2));
    run(&mut connection, &job).await;
    run(&mut connection, "UPDATE counters SET value = 1").await;
    let change = format!("INSERT INTO changes VALUES (1, 'CUSTOM_KEY_STORE', NULL, NULL, '{}')", key_store_id(2));
    run(&mut connection, &change).await;
    connection.close().await.unwrap();
    (folder, path)
}

fn external_key_store(number: u8, connection: ConnectionState) -> CustomKeyStore {
    CustomKeyStore { connection, ..key_store(number) }
}

fn keys() -> [Key; 3] {
    let pending = KeyStatus::PendingDeletion { deletion_date: at(900), pending_window_in_days: 7 };
    [
        Key { status: KeyStatus::Disabled, ..key(1) },
        Key { tags: vec![tag("z", "1"), tag("a", "")], ..external_key(2, &key_store(3), "foo") },
        Key { status: pending, ..key(3) },
    ]
}

async fn insert_key_store(connection: &mut SqliteConnection, key_store: &CustomKeyStore) {
    let proxy = key_store.external().unwrap();
    sqlx::query(
        "INSERT INTO custom_key_stores VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
    )
    .bind(key_store.id.as_str())
    .bind(key_store.account.as_str())
    .bind(key_store.region.as_str())
    .bind(&key_store.name)
    .bind(key_store.created.millis())
    .bind(proxy.connectivity.as_str())
    .bind(&proxy.uri_endpoint)
    .bind(&proxy.uri_path)
    .bind(proxy.uri_endpoint.to_ascii_lowercase() + &proxy.uri_path)
    .bind(&proxy.access_key_id)
    .bind(proxy.sealed_secret_access_key.as_bytes())
    .bind(proxy.credential_set.millis())
    .bind(key_store.connection.state_type().as_str())
    .bind(key_store.connection.error_code().map(|code| code.as_str()))
    .bind(1)
    .execute(connection)
    .await
    .unwrap();
}

async fn insert_key(connection: &mut SqliteConnection, key: &Key) {
    let (status, deletion_date, window) = match key.status {
        KeyStatus::Enabled => ("Enabled", None, None),
        KeyStatus::Disabled => ("Disabled", None, None),
        KeyStatus::PendingDeletion { deletion_date, pending_window_in_days } => {
            ("PendingDeletion", Some(deletion_date.millis()), Some(i64::from(pending_window_in_days)))
        }
    };
    let xks_key_id = key.origin.custom_key_store_id().map(|_| "foo");
    sqlx::query("INSERT INTO kms_keys VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)")
        .bind(key.region.as_str())
        .bind(key.id.as_str())
        .bind(key.account.as_str())
        .bind(key.created.millis())
        .bind(&key.description)
        .bind(key.origin.origin_type().as_str())
        .bind(key.origin.custom_key_store_id().map(|id| id.as_str()))
        .bind(xks_key_id)
        .bind(status)
        .bind(deletion_date)
        .bind(window)
        .bind(&key.policy)
        .bind(key.material.id.as_bytes().as_slice())
        .bind(key.material.sealed.as_ref().unwrap().as_bytes())
        .bind(1)
        .execute(&mut *connection)
        .await
        .unwrap();
    for (ordinal, tag) in (0_i64..).zip(&key.tags) {
        sqlx::query("INSERT INTO key_tags VALUES ($1, $2, $3, $4, $5)")
            .bind(key.region.as_str())
            .bind(key.id.as_str())
            .bind(ordinal)
            .bind(&tag.tag_key)
            .bind(&tag.tag_value)
            .execute(&mut *connection)
            .await
            .unwrap();
    }
}

async fn everything_is_there(store: &SqliteStore) {
    for (number, state) in (1_u8..).zip(STATES) {
        let stored = store.custom_key_store(&key_store_id(number)).await.unwrap();
        assert_eq!(stored, Some(external_key_store(number, state)));
    }
    for key in keys() {
        assert_eq!(store.key(&home(), &key.id).await.unwrap(), Some(key));
    }
    let aliased = store.alias(&account_id(1), &home(), &alias_name("a")).await.unwrap().unwrap();
    assert_eq!(aliased.target_key_id, key_id(2));
    let change = Change { sequence: 1, record: ChangedRecord::CustomKeyStore(key_store_id(2)) };
    assert_eq!(store.changes_after(0, 9).await.unwrap(), [change]);
}

#[tokio::test]
async fn version_1_is_brought_to_version_2() {
    let (_folder, path) = version_1().await;
    let store = SqliteStore::open(&path).await.unwrap();
    everything_is_there(&store).await;
    let job = store.claim_connection_job("a", at(0), at(10)).await.unwrap();
    let expected = ConnectionJob {
        id: 1,
        custom_key_store_id: key_store_id(2),
        kind: JobKind::Connect,
        due: at(0),
        owner: "a".to_owned(),
    };
    assert_eq!(job, Some(expected));
    // The rules between the tables still hold.
    assert_error!(store.delete_custom_key_store(&key_store_id(3), 1).await, StoreError::Referenced);
    store.insert_custom_key_store(&cloudhsm_key_store(6), AMPLE).await.unwrap();
    store.insert_pending_backing_key(&pending_backing_key(9, &cloudhsm_key_store(6))).await.unwrap();
    store.insert_key(&cloudhsm_key(9, &cloudhsm_key_store(6)), AMPLE).await.unwrap();
    store.delete_key(&home(), &key_id(2), 1).await.unwrap();
    assert_eq!(store.alias(&account_id(1), &home(), &alias_name("a")).await.unwrap(), None);
    store.close().await;

    let mut connection = connect(&path).await;
    let refused = sqlx::query("DELETE FROM custom_key_stores").execute(&mut connection).await.unwrap_err();
    assert!(refused.to_string().contains("FOREIGN KEY"), "{refused}");
    let leftovers: Vec<String> = sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE name LIKE 'new_%'")
        .fetch_all(&mut connection)
        .await
        .unwrap();
    assert_eq!(leftovers, Vec::<String>::new());
    connection.close().await.unwrap();
    everything_opens_again(&path).await;
}

async fn everything_opens_again(path: &Path) {
    let store = SqliteStore::open(path).await.unwrap();
    assert_eq!(store.custom_key_stores(&account_id(1), &home(), None, 9).await.unwrap().len(), 6);
    store.close().await;
}

#[tokio::test]
async fn several_may_migrate_at_once() {
    let (_folder, path) = version_1().await;
    let opened = tokio::join!(SqliteStore::open(&path), SqliteStore::open(&path), SqliteStore::open(&path));
    for store in [opened.0, opened.1, opened.2] {
        let store = store.unwrap();
        everything_is_there(&store).await;
        store.close().await;
    }
}

#[tokio::test]
async fn a_row_that_refers_to_nothing_stops_the_migration() {
    let (_folder, path) = version_1().await;
    let mut connection = connect(&path).await;
    run(&mut connection, "PRAGMA foreign_keys = OFF").await;
    run(&mut connection, "UPDATE connection_jobs SET custom_key_store_id = 'cks-00000000000000000'").await;
    connection.close().await.unwrap();
    match SqliteStore::open(&path).await {
        Err(OpenError::Damaged { what, .. }) => assert!(what.contains("connection_jobs"), "{what}"),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was opened"),
    }
    // Nothing of it was migrated.
    let mut connection = connect(&path).await;
    let version: i64 =
        sqlx::query_scalar("SELECT max(version) FROM _sqlx_migrations").fetch_one(&mut connection).await.unwrap();
    assert_eq!(version, 1);
    run(&mut connection, &format!("UPDATE connection_jobs SET custom_key_store_id = '{}'", key_store_id(2))).await;
    connection.close().await.unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    everything_is_there(&store).await;
    store.close().await;
}
