//! The change feed.

use keystead_core::access::{AccessKeyStatus, User};
use keystead_core::key::{Grant, Key};
use keystead_core::key_store::CustomKeyStore;
use keystead_core::port::{ChangedRecord, JobKind, SessionHolder, Store};
use keystead_model::kms::MultiRegionKeyType;

use super::fixtures::*;
use super::identity_fixtures::*;

/// The records changed since the last time.
async fn news(store: &dyn Store, seen: &mut u64) -> Vec<ChangedRecord> {
    let changes = store.changes_after(*seen, usize::MAX).await.unwrap();
    assert!(changes.first().is_none_or(|change| change.sequence > *seen));
    assert!(changes.is_sorted_by(|a, b| a.sequence < b.sequence));
    *seen = changes.last().map_or(*seen, |change| change.sequence);
    assert_eq!(store.latest_change().await.unwrap(), *seen);
    changes.into_iter().map(|change| change.record).collect()
}

pub async fn every_mutation_is_in_the_feed(store: &dyn Store) {
    let mut seen = 0;
    assert_eq!(news(store, &mut seen).await, []);

    with_account(store).await;
    assert_eq!(news(store, &mut seen).await, []);

    let access_key = access_key("AKIAA", 1, None);
    let access_key_changed = || ChangedRecord::AccessKey("AKIAA".to_owned());
    store.insert_access_key(&access_key, AMPLE).await.unwrap();
    assert_eq!(news(store, &mut seen).await, [access_key_changed()]);
    store.set_access_key_status("AKIAA", AccessKeyStatus::Inactive).await.unwrap();
    assert_eq!(news(store, &mut seen).await, [access_key_changed()]);
    store.delete_access_key("AKIAA").await.unwrap();
    assert_eq!(news(store, &mut seen).await, [access_key_changed()]);

    key_stores_are_in_the_feed(store, &mut seen).await;
    keys_and_aliases_are_in_the_feed(store, &mut seen).await;
}

async fn key_stores_are_in_the_feed(store: &dyn Store, seen: &mut u64) {
    let mut key_store = key_store(1);
    let changed = || ChangedRecord::CustomKeyStore(key_store_id(1));
    store.insert_custom_key_store(&key_store, AMPLE).await.unwrap();
    assert_eq!(news(store, seen).await, [changed()]);
    store.update_custom_key_store(&key_store).await.unwrap();
    assert_eq!(news(store, seen).await, [changed()]);
    key_store = updated(&key_store);
    store.start_connection_job(&key_store, JobKind::Connect, at(0)).await.unwrap();
    assert_eq!(news(store, seen).await, [changed()]);
    key_store = updated(&key_store);
    let job = store.claim_connection_job("a", at(0), at(9)).await.unwrap().unwrap();
    assert_eq!(news(store, seen).await, []);
    store.finish_connection_job(&key_store, &job).await.unwrap();
    assert_eq!(news(store, seen).await, [changed()]);
    store.delete_custom_key_store(&key_store.id, key_store.revision + 1).await.unwrap();
    assert_eq!(news(store, seen).await, [changed()]);
}

async fn keys_and_aliases_are_in_the_feed(store: &dyn Store, seen: &mut u64) {
    let key = key(1);
    let key_changed = || ChangedRecord::Key(home(), key_id(1));
    let alias_changed = |name: &str| ChangedRecord::Alias(account_id(1), home(), alias_name(name));
    store.insert_key(&key, AMPLE).await.unwrap();
    assert_eq!(news(store, seen).await, [key_changed()]);
    store.update_key(&key).await.unwrap();
    assert_eq!(news(store, seen).await, [key_changed()]);
    for name in ["a", "b", "c"] {
        store.insert_alias(&alias(name, &key), AMPLE).await.unwrap();
        // With the key, whose aliases they are.
        assert_eq!(news(store, seen).await, [alias_changed(name), key_changed()]);
    }
    store.update_alias(&alias("a", &key), AMPLE).await.unwrap();
    assert_eq!(news(store, seen).await, [alias_changed("a"), key_changed()]);
    store.delete_alias(&key.account, &key.region, &alias_name("a"), 2).await.unwrap();
    assert_eq!(news(store, seen).await, [alias_changed("a"), key_changed()]);
    store.delete_key(&key.region, &key.id, 2).await.unwrap();
    assert_eq!(news(store, seen).await, [alias_changed("b"), alias_changed("c"), key_changed()]);
}

/// Whoever holds a copy of a related key holds what it tells of the others.
pub async fn related_keys_are_in_the_feed(store: &dyn Store) {
    with_account(store).await;
    let mut seen = 0;
    let id = multi_region_key_id(1);
    let changed = |name: &str| ChangedRecord::Key(region(name), id);
    store.insert_key(&primary_key(1), AMPLE).await.unwrap();
    assert_eq!(news(store, &mut seen).await, [changed("us-east-1")]);
    replicate(store, &id, "us-west-2").await;
    assert_eq!(news(store, &mut seen).await, [changed("us-east-1"), changed("us-west-2")]);
    replicate(store, &id, "eu-west-1").await;
    let all = [changed("eu-west-1"), changed("us-east-1"), changed("us-west-2")];
    assert_eq!(news(store, &mut seen).await, all);

    // What is a key's own is in the feed as that key's alone.
    let [replica, primary, _] = &store.related_keys(&account_id(1), &id).await.unwrap()[..] else { panic!() };
    store.update_key(&Key { description: "other".to_owned(), ..replica.clone() }).await.unwrap();
    assert_eq!(news(store, &mut seen).await, [changed("eu-west-1")]);
    let turned = |key: &Key, key_type| Key { multi_region: place(key_type, "eu-west-1", &[]), ..key.clone() };
    let new_primary = Key { revision: replica.revision + 1, ..turned(replica, MultiRegionKeyType::Primary) };
    store.update_keys(&[turned(primary, MultiRegionKeyType::Replica), new_primary]).await.unwrap();
    assert_eq!(news(store, &mut seen).await, all);

    store.delete_key(&region("us-west-2"), &id, 1).await.unwrap();
    let deleted_first = [changed("us-west-2"), changed("eu-west-1"), changed("us-east-1")];
    assert_eq!(news(store, &mut seen).await, deleted_first);
    assert!(store.delete_key(&region("eu-west-1"), &id, 3).await.is_err());
    assert_eq!(news(store, &mut seen).await, []);
}

pub async fn identities_are_in_the_feed(store: &dyn Store) {
    with_account(store).await;
    let account = account_id(1);
    let mut seen = 0;
    /// Does it, and finds one change of the account's identities.
    macro_rules! changes {
        ($($mutation:expr;)+) => {$(
            $mutation.await.unwrap();
            assert_eq!(news(store, &mut seen).await, [ChangedRecord::Identities(account)], stringify!($mutation));
        )+};
    }
    changes! {
        store.insert_policy(&policy(1, "a"), AMPLE);
        store.update_policy(&policy(1, "a"));
        store.insert_group(&group(1, "a"), AMPLE);
        store.update_group(&group(1, "a"));
        store.insert_user(&user(1, "a"), AMPLE);
        store.update_user(&user(1, "a"));
        store.revoke_sessions(SessionHolder::User(&account, "a"), at(5));
        store.insert_role(&role(1, "a"), AMPLE);
        store.update_role(&role(1, "a"));
        store.revoke_sessions(SessionHolder::Role(&account, "a"), at(5));
        store.revoke_sessions(SessionHolder::Root(&account), at(5));
        store.delete_role(&account, "a", 3);
        store.delete_user(&account, "a", 2);
        store.delete_group(&account, "a", 2);
        store.delete_policy(&account, "a", 2);
    }
}

/// Neither what fails, nor a revocation that is there already, nor providers and last uses, which nobody keeps.
pub async fn what_changes_no_identity_is_not_in_the_feed(store: &dyn Store) {
    with_groups_and_policies(store).await;
    let account = account_id(1);
    store.insert_role(&role(1, "a"), AMPLE).await.unwrap();
    store.insert_access_key(&access_key("AKIAA", 1, None), AMPLE).await.unwrap();
    store.revoke_sessions(SessionHolder::Role(&account, "a"), at(5)).await.unwrap();
    store.revoke_sessions(SessionHolder::Root(&account), at(5)).await.unwrap();
    let mut seen = store.latest_change().await.unwrap();
    assert!(store.insert_role(&role(1, "A"), AMPLE).await.is_err());
    assert!(store.update_role(&role(1, "a")).await.is_err());
    assert!(store.delete_role(&account, "a", 1).await.is_err());
    assert!(store.insert_user(&User { groups: texts(&["nobody"]), ..user(1, "a") }, AMPLE).await.is_err());
    assert!(store.update_user(&user(1, "a")).await.is_err());
    assert!(store.delete_user(&account, "a", 0).await.is_err());
    assert!(store.insert_group(&group(1, "a"), 2).await.is_err());
    assert!(store.delete_group(&account, "admins", 9).await.is_err());
    assert!(store.insert_policy(&policy(1, "one"), AMPLE).await.is_err());
    assert!(store.delete_policy(&account, "one", 9).await.is_err());
    assert!(store.revoke_sessions(SessionHolder::User(&account, "a"), at(5)).await.is_err());
    store.revoke_sessions(SessionHolder::Role(&account, "a"), at(5)).await.unwrap();
    store.revoke_sessions(SessionHolder::Root(&account), at(4)).await.unwrap();
    store.insert_oidc_provider(&oidc_provider(1, "issuer.example.com"), AMPLE).await.unwrap();
    store.record_access_key_uses(&[access_key_use("AKIAA", 5, "kms")]).await.unwrap();
    assert_eq!(news(store, &mut seen).await, []);
}

/// One that is there already changes nothing. The grants of a deleted key go with it, of which the key's change tells.
pub async fn grants_are_in_the_feed(store: &dyn Store) {
    let key = with_key(store).await;
    let mut seen = store.latest_change().await.unwrap();
    let changed = || ChangedRecord::Grants(home(), key.id);
    let named = Grant { name: Some("name".to_owned()), ..grant(1, &key) };
    store.insert_grant(&named, AMPLE).await.unwrap();
    assert_eq!(news(store, &mut seen).await, [changed()]);
    store.insert_grant(&Grant { id: grant_id(2), ..named.clone() }, AMPLE).await.unwrap();
    assert!(store.insert_grant(&grant(3, &key), 1).await.is_err());
    assert_eq!(news(store, &mut seen).await, []);
    store.delete_grant(&home(), &key.id, &named.id).await.unwrap();
    assert_eq!(news(store, &mut seen).await, [changed()]);
    assert!(store.delete_grant(&home(), &key.id, &named.id).await.is_err());
    assert_eq!(news(store, &mut seen).await, []);
    store.insert_grant(&named, AMPLE).await.unwrap();
    store.delete_key(&home(), &key.id, 1).await.unwrap();
    assert_eq!(news(store, &mut seen).await, [changed(), ChangedRecord::Key(home(), key.id)]);
}

/// Nobody keeps them.
pub async fn usages_are_not_in_the_feed(store: &dyn Store) {
    let key = with_key(store).await;
    let mut seen = store.latest_change().await.unwrap();
    store.record_key_usages(&[last_usage(&key, "Encrypt", 1)]).await.unwrap();
    assert_eq!(news(store, &mut seen).await, []);
}

pub async fn what_fails_is_not_in_the_feed(store: &dyn Store) {
    let key = with_key(store).await;
    let key_store = key_store(1);
    store.insert_custom_key_store(&key_store, AMPLE).await.unwrap();
    let mut seen = store.latest_change().await.unwrap();
    assert!(store.insert_key(&key, AMPLE).await.is_err());
    assert!(store.update_key(&Key { revision: 9, ..key.clone() }).await.is_err());
    assert!(store.delete_key(&key.region, &key.id, 9).await.is_err());
    assert!(store.delete_key(&key.region, &key_id(9), 1).await.is_err());
    assert!(store.insert_alias(&alias("a", &key), 0).await.is_err());
    assert!(store.delete_alias(&key.account, &key.region, &alias_name("a"), 1).await.is_err());
    assert!(store.update_custom_key_store(&CustomKeyStore { revision: 9, ..key_store.clone() }).await.is_err());
    assert!(store.delete_custom_key_store(&key_store.id, 9).await.is_err());
    assert!(store.set_access_key_status("AKIAX", AccessKeyStatus::Active).await.is_err());
    assert!(store.delete_access_key("AKIAX").await.is_err());
    assert_eq!(news(store, &mut seen).await, []);
}

pub async fn the_feed_is_read_page_by_page(store: &dyn Store) {
    with_account(store).await;
    for number in 1..=5 {
        store.insert_key(&key(number), AMPLE).await.unwrap();
    }
    let mut seen = 0;
    for expected in [vec![1, 2], vec![3, 4], vec![5], vec![]] {
        let page = store.changes_after(seen, 2).await.unwrap();
        let expected: Vec<_> = expected.into_iter().map(|number| ChangedRecord::Key(home(), key_id(number))).collect();
        assert_eq!(page.iter().map(|change| change.record.clone()).collect::<Vec<_>>(), expected);
        seen = page.last().map_or(seen, |change| change.sequence);
    }
    assert_eq!(store.changes_after(u64::MAX, 9).await.unwrap(), []);
}
