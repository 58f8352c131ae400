//! Version 1: symmetric keys of Keystead's own and in external key stores.

use std::path::PathBuf;

use keystead_core::key::{Key, KeyStatus};
use keystead_core::key_store::{ConnectionState, CustomKeyStore};
use keystead_core::port::{Change, ChangedRecord, Store};
use keystead_model::kms::ConnectionErrorCodeType;
use keystead_store::SqliteStore;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

use super::{empty, run, status_columns};
use crate::behaviour::fixtures::*;

const STATES: [ConnectionState; 5] = [
    ConnectionState::Disconnected,
    ConnectionState::Connecting,
    ConnectionState::Connected,
    ConnectionState::Failed(ConnectionErrorCodeType::XksProxyTimedOut),
    ConnectionState::Disconnecting,
];

/// The database.
pub async fn database() -> (TempDir, PathBuf) {
    let (folder, path, mut connection) = empty(1).await;
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
    let (status, deletion_date, window) = status_columns(key.status);
    let [material] = &key.materials[..] else { panic!("older versions have one material") };
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
        .bind(material.id.as_bytes().as_slice())
        .bind(material.sealed.as_ref().unwrap().as_bytes())
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

/// What was in it is in the store.
pub async fn is_all_there(store: &SqliteStore) {
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
