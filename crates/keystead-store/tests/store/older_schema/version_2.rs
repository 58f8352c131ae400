//! Version 2: symmetric keys of Keystead's own, in external key stores, and in HSMs.

use std::path::PathBuf;

use keystead_core::key::{Key, KeyOrigin, KeyStatus};
use keystead_core::key_store::CustomKeyStore;
use keystead_core::port::{DocumentKind, DocumentStore, Store};
use keystead_core::sealing::Sealed;
use keystead_store::SqliteStore;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

use super::{empty, run, status_columns};
use crate::behaviour::fixtures::*;

/// An external and an AWS CloudHSM key store.
pub fn key_stores() -> [CustomKeyStore; 2] {
    [key_store(1), cloudhsm_key_store(2)]
}

/// A key of every origin and status.
pub fn keys() -> [Key; 4] {
    let [external, cloud_hsm] = key_stores();
    let pending = KeyStatus::PendingDeletion { deletion_date: at(900), pending_window_in_days: 7 };
    [
        Key { status: KeyStatus::Disabled, revision: 7, ..key(1) },
        Key { tags: vec![tag("z", "1"), tag("a", "")], ..external_key(2, &external, "foo") },
        Key { status: pending, policy: "p".repeat(32768), materials: vec![material(30)], ..key(3) },
        cloudhsm_key(4, &cloud_hsm),
    ]
}

/// The database.
pub async fn database() -> (TempDir, PathBuf) {
    let (folder, path, mut connection) = empty(2).await;
    run(&mut connection, "INSERT INTO accounts VALUES ('000000000001', 'account 1', 1790000001000)").await;
    for key_store in key_stores() {
        insert_key_store(&mut connection, &key_store).await;
    }
    for key in keys() {
        insert_key(&mut connection, &key).await;
    }
    run(&mut connection, "INSERT INTO kms_key_counts VALUES ('000000000001', 'us-east-1', 4)").await;
    let rows = [
        format!(
            "aliases VALUES ('000000000001', 'us-east-1', 'alias/a', '{}', 1790000005000, 1790000005000, 1)",
            key_id(2)
        ),
        format!(
            "pending_backing_keys VALUES (x'{}', '{}', 'key 9', 1790000009000, 0)",
            "09".repeat(16),
            key_store_id(2)
        ),
        "documents VALUES ('VPC', 'vpc-1', '000000000001', 'us-east-1', '{\"id\":\"vpc-1\"}', 1)".to_owned(),
    ];
    for row in rows {
        run(&mut connection, &format!("INSERT INTO {row}")).await;
    }
    connection.close().await.unwrap();
    (folder, path)
}

async fn insert_key_store(connection: &mut SqliteConnection, key_store: &CustomKeyStore) {
    let (external, cloud_hsm) = (key_store.external(), key_store.cloud_hsm());
    sqlx::query(
        "INSERT INTO custom_key_stores VALUES
        ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20)",
    )
    .bind(key_store.id.as_str())
    .bind(key_store.account.as_str())
    .bind(key_store.region.as_str())
    .bind(&key_store.name)
    .bind(key_store.created.millis())
    .bind(key_store.store_type().as_str())
    .bind(external.map(|proxy| proxy.connectivity.as_str()))
    .bind(external.map(|proxy| &proxy.uri_endpoint))
    .bind(external.map(|proxy| &proxy.uri_path))
    .bind(external.map(|proxy| proxy.uri_endpoint.to_ascii_lowercase() + &proxy.uri_path))
    .bind(external.map(|proxy| &proxy.access_key_id))
    .bind(external.map(|proxy| proxy.sealed_secret_access_key.as_bytes()))
    .bind(external.map(|proxy| proxy.credential_set.millis()))
    .bind(cloud_hsm.map(|cluster| &cluster.cluster_id))
    .bind(cloud_hsm.map(|cluster| &cluster.trust_anchor))
    .bind(cloud_hsm.map(|cluster| &cluster.cluster_certificate))
    .bind(cloud_hsm.map(|cluster| cluster.sealed_passwords.as_bytes()))
    .bind(key_store.connection.state_type().as_str())
    .bind(key_store.connection.error_code().map(|code| code.as_str()))
    .bind(1)
    .execute(connection)
    .await
    .unwrap();
}

async fn insert_key(connection: &mut SqliteConnection, key: &Key) {
    let (status, deletion_date, window) = status_columns(key.status);
    let (xks_key_id, backing_key_id) = match &key.origin {
        KeyOrigin::ExternalKeyStore { xks_key_id, .. } => (Some(xks_key_id.as_str()), None),
        KeyOrigin::AwsCloudhsm { backing_key_id, .. } => (None, Some(backing_key_id.as_bytes().as_slice())),
        KeyOrigin::AwsKms | KeyOrigin::External => (None, None),
    };
    let [material] = &key.materials[..] else { panic!("older versions have one material") };
    sqlx::query("INSERT INTO kms_keys VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)")
        .bind(key.region.as_str())
        .bind(key.id.as_str())
        .bind(key.account.as_str())
        .bind(key.created.millis())
        .bind(&key.description)
        .bind(key.origin.origin_type().as_str())
        .bind(key.origin.custom_key_store_id().map(|id| id.as_str()))
        .bind(xks_key_id)
        .bind(backing_key_id)
        .bind(status)
        .bind(deletion_date)
        .bind(window)
        .bind(&key.policy)
        .bind(material.id.as_bytes().as_slice())
        .bind(material.sealed.as_ref().map(Sealed::as_bytes))
        .bind(i64::try_from(key.revision).unwrap())
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
    for key_store in key_stores() {
        assert_eq!(store.custom_key_store(&key_store.id).await.unwrap(), Some(key_store));
    }
    for key in keys() {
        assert_eq!(store.key(&home(), &key.id).await.unwrap(), Some(key));
    }
    assert_eq!(store.key_ids(&account_id(1), &home(), None, 9).await.unwrap().len(), 4);
    assert_eq!(store.keys_due_for_deletion(at(900), 9).await.unwrap(), [keys()[2].clone()]);
    let aliased = store.alias(&account_id(1), &home(), &alias_name("a")).await.unwrap().unwrap();
    assert_eq!(aliased.target_key_id, key_id(2));
    let journal = store.pending_backing_keys(&key_store_id(2), at(99), 9).await.unwrap();
    assert_eq!(journal, [pending_backing_key(9, &key_stores()[1])]);
    let document_is = document(DocumentKind::Vpc, "vpc-1");
    assert_eq!(store.document(DocumentKind::Vpc, "vpc-1").await.unwrap(), Some(document_is));
}
