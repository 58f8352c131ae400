//! A database of an older schema version is brought to the newest one, and everything is still there.

use std::path::Path;

use crate::behaviour::fixtures::*;
use crate::behaviour::identity_fixtures::*;
use crate::older_schema::{connect, run, version_1, version_2, version_3};
use keystead_core::access::{Account, User};
use keystead_core::key::{Key, MaterialState};
use keystead_core::port::{
    ConnectionJob, IdentityStore, JobKind, PolicyHolder, SessionHolder, Store, StoreError, UniqueConstraint,
};
use keystead_store::{OpenError, SqliteStore};
use sqlx::Connection;

#[tokio::test]
async fn version_1_is_brought_to_the_newest() {
    let (_folder, path) = version_1::database().await;
    let store = SqliteStore::open(&path).await.unwrap();
    version_1::is_all_there(&store).await;
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
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.custom_key_stores(&account_id(1), &home(), None, 9).await.unwrap().len(), 6);
    store.close().await;
}

#[tokio::test]
async fn version_2_is_brought_to_the_newest() {
    let (_folder, path) = version_2::database().await;
    let store = SqliteStore::open(&path).await.unwrap();
    version_2::is_all_there(&store).await;
    let [first, external, ..] = version_2::keys();

    // What is new is there for old keys, and counted from nothing.
    let rotated = Key {
        materials: vec![material_in(9, MaterialState::NonCurrent), material(10)],
        policy: "another".to_owned(),
        ..first.clone()
    };
    store.update_key(&rotated).await.unwrap();
    assert_eq!(store.key(&home(), &first.id).await.unwrap(), Some(Key { revision: 8, ..rotated }));
    store.insert_grant(&grant(1, &external), 1).await.unwrap();
    assert_error!(store.insert_grant(&grant(2, &external), 1).await, StoreError::QuotaExceeded { current: 1 });
    store.record_key_usages(&[last_usage(&external, "Encrypt", 1)]).await.unwrap();
    assert_error!(store.insert_key(&key(5), 4).await, StoreError::QuotaExceeded { current: 4 });
    // The rules between the tables still hold.
    assert_error!(store.delete_custom_key_store(&key_store_id(1), 1).await, StoreError::Referenced);
    store.delete_key(&home(), &external.id, 1).await.unwrap();
    store.delete_custom_key_store(&key_store_id(1), 1).await.unwrap();
    store.close().await;
    only_the_rules_of_the_newest_hold(&path).await;
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.key(&home(), &external.id).await.unwrap(), None);
    store.close().await;
}

#[tokio::test]
async fn version_3_is_brought_to_the_newest() {
    let (_folder, path) = version_3::database().await;
    let store = SqliteStore::open(&path).await.unwrap();
    version_3::is_all_there(&store).await;

    // Who has AdministratorAccess is known by it, and not only by the users.
    let of_account = |account: u64| version_3::USERS.into_iter().filter(move |user| user.0 == account);
    for account in 1..=2 {
        let expected: Vec<_> = of_account(account).map(|(_, name)| attaches(PolicyHolder::User, name)).collect();
        let references = store.policy_references(&account_id(account), ADMINISTRATOR_ACCESS).await.unwrap();
        assert_eq!(references, expected);
    }
    // Two names that differ in their case alone stay, and no more of them come.
    for name in ["ALICE", "BOB"] {
        let taken = store.insert_user(&user(1, name), AMPLE).await;
        assert_error!(taken, StoreError::Duplicate(UniqueConstraint::UserName));
    }
    let [alice, other_alice, bob, _] = &version_3::users()[..] else { panic!("there are four users") };
    assert_error!(store.delete_user(&alice.account, "Alice", 0).await, StoreError::Referenced);
    store.delete_access_key("AKIAA").await.unwrap();
    store.delete_user(&alice.account, "Alice", 0).await.unwrap();
    assert_eq!(store.user(&alice.account, "alice").await.unwrap().as_ref(), Some(other_alice));
    // A user from before is like any other.
    store.insert_group(&group(1, "admins"), AMPLE).await.unwrap();
    store.update_user(&User { groups: texts(&["admins"]), ..user(1, "bob") }).await.unwrap();
    assert_error!(store.update_user(bob).await, StoreError::Conflict);
    store.record_access_key_uses(&[access_key_use("AKIAC", 5, "kms")]).await.unwrap();
    store.delete_grant(&home(), &key_id(1), &grant_id(1)).await.unwrap();
    store.revoke_sessions(SessionHolder::Root(&account_id(2)), at(5)).await.unwrap();
    let revoked = Account { sessions_revoked_before: Some(at(5)), ..account(2) };
    assert_eq!(store.accounts().await.unwrap(), [account(1), revoked]);
    // Key AKIAA and user Alice are gone, a group has come, a user has changed, a grant is gone, and sessions are revoked: the feed goes on
    // from there.
    assert_eq!(store.latest_change().await.unwrap(), 8);
    store.close().await;
    only_the_rules_of_the_newest_hold(&path).await;
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.users_of_group(&account_id(1), "admins", None, 9).await.unwrap().len(), 1);
    store.close().await;
}

/// Nothing is left of the tables that were built anew, and what refers to them refers to the new ones.
async fn only_the_rules_of_the_newest_hold(path: &Path) {
    let mut connection = connect(path).await;
    let leftovers: Vec<String> =
        sqlx::query_scalar("SELECT name FROM sqlite_schema WHERE sql LIKE '%new\\_%' ESCAPE '\\'")
            .fetch_all(&mut connection)
            .await
            .unwrap();
    assert_eq!(leftovers, Vec::<String>::new());
    let refused = sqlx::query("DELETE FROM kms_keys").execute(&mut connection).await.unwrap_err();
    assert!(refused.to_string().contains("FOREIGN KEY"), "{refused}");
    connection.close().await.unwrap();
}

#[tokio::test]
async fn several_may_migrate_at_once() {
    let (_folder, path) = version_1::database().await;
    let opened = tokio::join!(SqliteStore::open(&path), SqliteStore::open(&path), SqliteStore::open(&path));
    for store in [opened.0, opened.1, opened.2] {
        let store = store.unwrap();
        version_1::is_all_there(&store).await;
        store.close().await;
    }
}

#[tokio::test]
async fn a_row_that_refers_to_nothing_stops_the_migration() {
    let (_folder, path) = version_1::database().await;
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
    version_1::is_all_there(&store).await;
    store.close().await;
}
