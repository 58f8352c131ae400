//! Accounts and access keys.

use keystead_core::access::{AccessKey, AccessKeyStatus, Account, User};
use keystead_core::port::{Store, StoreError, UniqueConstraint};

use super::fixtures::*;
use crate::assert_error;

pub async fn accounts_are_unique_by_id_and_by_name(store: &dyn Store) {
    assert_eq!(store.account(&account_id(2)).await.unwrap(), None);
    store.insert_account(&account(2)).await.unwrap();
    store.insert_account(&account(1)).await.unwrap();
    let same_id = Account { name: "another".to_owned(), ..account(1) };
    assert_error!(store.insert_account(&same_id).await, StoreError::Duplicate(UniqueConstraint::AccountId));
    let same_name = Account { id: account_id(3), ..account(1) };
    assert_error!(store.insert_account(&same_name).await, StoreError::Duplicate(UniqueConstraint::AccountName));
    assert_eq!(store.account(&account_id(2)).await.unwrap(), Some(account(2)));
    assert_eq!(store.accounts().await.unwrap(), [account(1), account(2)]);
}

pub async fn access_keys_need_their_owner(store: &dyn Store) {
    with_account(store).await;
    store.insert_account(&account(2)).await.unwrap();
    let alice = user(1, "alice");
    store.insert_user(&alice, AMPLE).await.unwrap();

    let of_alice = AccessKey { expires: Some(at(100)), ..access_key("AKIAB", 1, Some(&alice)) };
    let of_root = access_key("AKIAA", 1, None);
    store.insert_access_key(&of_alice, AMPLE).await.unwrap();
    store.insert_access_key(&of_root, AMPLE).await.unwrap();
    store.insert_access_key(&access_key("AKIAC", 2, None), AMPLE).await.unwrap();

    let same_id = access_key("AKIAB", 2, None);
    assert_error!(store.insert_access_key(&same_id, AMPLE).await, StoreError::Duplicate(UniqueConstraint::AccessKeyId));
    let strangers = [
        access_key("AKIAD", 3, None),
        access_key("AKIAD", 1, Some(&user(1, "bob"))),
        access_key("AKIAD", 2, Some(&alice)),
        access_key("AKIAD", 1, Some(&User { user_id: "AIDAFORMER".to_owned(), ..alice.clone() })),
    ];
    for stranger in strangers {
        assert_error!(store.insert_access_key(&stranger, AMPLE).await, StoreError::NotFound);
    }
    assert_eq!(store.access_key("AKIAD").await.unwrap(), None);
    assert_eq!(store.access_key("AKIAB").await.unwrap(), Some(of_alice.clone()));
    assert_eq!(store.access_keys(&account_id(1)).await.unwrap(), [of_root, of_alice]);
}

pub async fn access_keys_are_activated_and_deactivated(store: &dyn Store) {
    with_account(store).await;
    store.insert_access_key(&access_key("AKIAA", 1, None), AMPLE).await.unwrap();
    for status in [AccessKeyStatus::Inactive, AccessKeyStatus::Active] {
        store.set_access_key_status("AKIAA", status).await.unwrap();
        assert_eq!(store.access_key("AKIAA").await.unwrap().unwrap().status, status);
    }
    assert_error!(store.set_access_key_status("AKIAB", AccessKeyStatus::Active).await, StoreError::NotFound);
    store.delete_access_key("AKIAA").await.unwrap();
    assert_eq!(store.access_key("AKIAA").await.unwrap(), None);
    assert_error!(store.delete_access_key("AKIAA").await, StoreError::NotFound);
}

/// The keys of each user, and of the root user, are counted by themselves.
pub async fn the_access_key_quota_is_each_users_own(store: &dyn Store) {
    with_account(store).await;
    let (alice, bob) = (user(1, "alice"), user(1, "bob"));
    for user in [&alice, &bob] {
        store.insert_user(user, AMPLE).await.unwrap();
    }
    for (letter, owner) in [("A", Some(&alice)), ("B", Some(&bob)), ("C", None)] {
        let key = |number: u8| access_key(&format!("AKIA{letter}{number}"), 1, owner);
        assert_error!(store.insert_access_key(&key(0), 0).await, StoreError::QuotaExceeded { current: 0 });
        store.insert_access_key(&key(1), 2).await.unwrap();
        store.insert_access_key(&key(2), 2).await.unwrap();
        assert_error!(store.insert_access_key(&key(3), 2).await, StoreError::QuotaExceeded { current: 2 });
        store.delete_access_key(&key(1).access_key_id).await.unwrap();
        store.insert_access_key(&key(3), 2).await.unwrap();
    }
}
