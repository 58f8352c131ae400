//! Version 3: users without policies, keys of every type and grants.

use std::path::PathBuf;

use keystead_core::access::{AccessKey, User};
use keystead_core::key::{Grant, Key};
use keystead_core::port::{Change, ChangedRecord, IdentityStore, Store};
use keystead_store::SqliteStore;
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

use super::{empty, run};
use crate::behaviour::fixtures::*;
use crate::behaviour::identity_fixtures::*;

/// Users of two accounts. Two names differ in the case of a letter only.
pub const USERS: [(u64, &str); 4] = [(1, "Alice"), (1, "alice"), (1, "bob"), (2, "alice")];

/// The same as they are to be.
pub fn users() -> Vec<User> {
    let user = |(account, name)| User { policies: attached(&[ADMINISTRATOR_ACCESS]), ..user(account, name) };
    USERS.into_iter().map(user).collect()
}

/// An access key of each user of account 1, and of its root user.
pub fn access_keys() -> [AccessKey; 4] {
    [
        AccessKey { expires: Some(at(100)), ..access_key("AKIAA", 1, Some(&user(1, "Alice"))) },
        access_key("AKIAB", 1, Some(&user(1, "alice"))),
        access_key("AKIAC", 1, Some(&user(1, "bob"))),
        access_key("AKIAD", 1, None),
    ]
}

/// A grant on key 1.
pub fn stored_grant() -> Grant {
    grant(1, &key(1))
}

/// The database.
pub async fn database() -> (TempDir, PathBuf) {
    let (folder, path, mut connection) = empty(3).await;
    for number in 1..=2 {
        let row = format!("'{}', 'account {number}', {}", account_id(number), at(1).millis());
        run(&mut connection, &format!("INSERT INTO accounts VALUES ({row})")).await;
    }
    for (account, name) in USERS {
        let user = user(account, name);
        let row = format!("'{}', '{name}', '{}', {}", user.account, user.user_id, user.created.millis());
        run(&mut connection, &format!("INSERT INTO users VALUES ({row})")).await;
    }
    for access_key in access_keys() {
        insert_access_key(&mut connection, &access_key).await;
    }
    insert_key(&mut connection, &key(1)).await;
    insert_grant(&mut connection, &stored_grant()).await;
    let change = format!("INSERT INTO changes VALUES (1, 'KEY', NULL, 'us-east-1', '{}')", key_id(1));
    run(&mut connection, &change).await;
    run(&mut connection, "INSERT INTO changes VALUES (2, 'ACCESS_KEY', NULL, NULL, 'AKIAA')").await;
    run(&mut connection, "UPDATE counters SET value = 2 WHERE name = 'change'").await;
    connection.close().await.unwrap();
    (folder, path)
}

async fn insert_access_key(connection: &mut SqliteConnection, access_key: &AccessKey) {
    sqlx::query("INSERT INTO access_keys VALUES ($1, $2, $3, $4, $5, 'Active', $6, $7)")
        .bind(&access_key.access_key_id)
        .bind(access_key.account.as_str())
        .bind(&access_key.user_name)
        .bind(&access_key.user_id)
        .bind(access_key.sealed_secret.as_bytes())
        .bind(access_key.created.millis())
        .bind(access_key.expires.map(|expires| expires.millis()))
        .execute(connection)
        .await
        .unwrap();
}

/// A symmetric key of Keystead's own.
async fn insert_key(connection: &mut SqliteConnection, key: &Key) {
    let columns =
        "region, id, account, created, key_spec, key_usage, origin, status, on_demand_rotation_count, grant_count,
        revision, description, policy";
    let values = "$1, $2, $3, $4, 'SYMMETRIC_DEFAULT', 'ENCRYPT_DECRYPT', 'AWS_KMS', 'Enabled', 0, 1, 1, $5, $6";
    sqlx::query(&format!("INSERT INTO kms_keys ({columns}) VALUES ({values})"))
        .bind(key.region.as_str())
        .bind(key.id.as_str())
        .bind(key.account.as_str())
        .bind(key.created.millis())
        .bind(&key.description)
        .bind(&key.policy)
        .execute(&mut *connection)
        .await
        .unwrap();
    let [material] = &key.materials[..] else { panic!("one material is to be stored") };
    sqlx::query(
        "INSERT INTO key_materials (region, key_id, ordinal, material_id, state, sealed_material, imported)
        VALUES ($1, $2, 0, $3, 'CURRENT', $4, 0)",
    )
    .bind(key.region.as_str())
    .bind(key.id.as_str())
    .bind(material.id.as_bytes().as_slice())
    .bind(material.sealed.as_ref().unwrap().as_bytes())
    .execute(&mut *connection)
    .await
    .unwrap();
    run(connection, "INSERT INTO kms_key_counts VALUES ('000000000001', 'us-east-1', 1)").await;
}

async fn insert_grant(connection: &mut SqliteConnection, grant: &Grant) {
    sqlx::query(
        "INSERT INTO grants (region, key_id, id, account, created, grantee_principal, issuing_account, operations)
        VALUES ($1, $2, $3, $4, $5, $6, $7, '[\"Decrypt\",\"Encrypt\"]')",
    )
    .bind(grant.region.as_str())
    .bind(grant.key_id.as_str())
    .bind(grant.id.as_bytes().as_slice())
    .bind(grant.key_account.as_str())
    .bind(grant.created.millis())
    .bind(&grant.grantee_principal)
    .bind(&grant.issuing_account)
    .execute(connection)
    .await
    .unwrap();
}

/// What was in it is in the store.
pub async fn is_all_there(store: &SqliteStore) {
    assert_eq!(store.accounts().await.unwrap(), [account(1), account(2)]);
    for user in users() {
        assert_eq!(store.user(&user.account, &user.user_name).await.unwrap(), Some(user));
    }
    assert_eq!(store.access_keys(&account_id(1)).await.unwrap(), access_keys());
    assert_eq!(store.key(&home(), &key_id(1)).await.unwrap(), Some(key(1)));
    assert_eq!(store.grants_of_key(&home(), &key_id(1), None, None, 9).await.unwrap(), [stored_grant()]);
    let changes = [
        Change { sequence: 1, record: ChangedRecord::Key(home(), key_id(1)) },
        Change { sequence: 2, record: ChangedRecord::AccessKey("AKIAA".to_owned()) },
    ];
    assert_eq!(store.changes_after(0, 9).await.unwrap(), changes);
}
