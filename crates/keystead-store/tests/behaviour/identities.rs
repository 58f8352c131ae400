//! Accounts, users and access keys.

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

pub async fn users_are_unique_in_their_account(store: &dyn Store) {
    with_account(store).await;
    store.insert_account(&account(2)).await.unwrap();
    for user in [user(1, "bob"), user(1, "alice"), user(2, "alice")] {
        store.insert_user(&user).await.unwrap();
    }
    let same_name = User { user_id: "AIDAOTHER".to_owned(), ..user(1, "alice") };
    assert_error!(store.insert_user(&same_name).await, StoreError::Duplicate(UniqueConstraint::UserName));
    assert_error!(store.insert_user(&user(3, "alice")).await, StoreError::NotFound);
    assert_eq!(store.users(&account_id(1)).await.unwrap(), [user(1, "alice"), user(1, "bob")]);
    assert_eq!(store.users(&account_id(3)).await.unwrap(), []);
}

pub async fn access_keys_need_their_owner(store: &dyn Store) {
    with_account(store).await;
    store.insert_account(&account(2)).await.unwrap();
    let alice = user(1, "alice");
    store.insert_user(&alice).await.unwrap();

    let of_alice = AccessKey { expires: Some(at(100)), ..access_key("AKIAB", 1, Some(&alice)) };
    let of_root = access_key("AKIAA", 1, None);
    store.insert_access_key(&of_alice, u64::MAX).await.unwrap();
    store.insert_access_key(&of_root, u64::MAX).await.unwrap();
    store.insert_access_key(&access_key("AKIAC", 2, None), u64::MAX).await.unwrap();

    let same_id = access_key("AKIAB", 2, None);
    assert_error!(store.insert_access_key(&same_id, u64::MAX).await, StoreError::Duplicate(UniqueConstraint::AccessKeyId));
    let strangers = [
        access_key("AKIAD", 3, None),
        access_key("AKIAD", 1, Some(&user(1, "bob"))),
        access_key("AKIAD", 2, Some(&alice)),
        access_key("AKIAD", 1, Some(&User { user_id: "AIDAFORMER".to_owned(), ..alice.clone() })),
    ];
    for stranger in strangers {
        assert_error!(store.insert_access_key(&stranger, u64::MAX).await, StoreError::NotFound);
    }
    assert_eq!(store.access_key("AKIAD").await.unwrap(), None);
    assert_eq!(store.access_key("AKIAB").await.unwrap(), Some(of_alice.clone()));
    assert_eq!(store.access_keys(&account_id(1)).await.unwrap(), [of_root, of_alice]);
}

pub async fn access_keys_are_activated_and_deactivated(store: &dyn Store) {
    with_account(store).await;
    store.insert_access_key(&access_key("AKIAA", 1, None), u64::MAX).await.unwrap();
    for status in [AccessKeyStatus::Inactive, AccessKeyStatus::Active] {
        store.set_access_key_status("AKIAA", status).await.unwrap();
        assert_eq!(store.access_key("AKIAA").await.unwrap().unwrap().status, status);
    }
    assert_error!(store.set_access_key_status("AKIAB", AccessKeyStatus::Active).await, StoreError::NotFound);
    store.delete_access_key("AKIAA").await.unwrap();
    assert_eq!(store.access_key("AKIAA").await.unwrap(), None);
    assert_error!(store.delete_access_key("AKIAA").await, StoreError::NotFound);
}

pub async fn a_user_with_access_keys_stays(store: &dyn Store) {
    with_account(store).await;
    let alice = user(1, "alice");
    store.insert_user(&alice).await.unwrap();
    store.insert_access_key(&access_key("AKIAA", 1, Some(&alice)), u64::MAX).await.unwrap();
    assert_error!(store.delete_user(&account_id(1), "alice").await, StoreError::Referenced);
    store.delete_access_key("AKIAA").await.unwrap();
    store.delete_user(&account_id(1), "alice").await.unwrap();
    assert_error!(store.delete_user(&account_id(1), "alice").await, StoreError::NotFound);
    assert_eq!(store.users(&account_id(1)).await.unwrap(), []);
}
