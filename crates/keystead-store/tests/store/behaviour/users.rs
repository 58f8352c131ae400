//! Users.

use keystead_core::access::User;
use keystead_core::port::{Store, StoreError, UniqueConstraint};
use keystead_model::Timestamp;

use super::fixtures::*;
use super::identity_fixtures::*;
use crate::assert_error;

pub async fn a_user_comes_back_as_it_was_stored(store: &dyn Store) {
    let policies = with_groups_and_policies(store).await;
    let (plain, full) = (user(1, "bob"), full_user(&policies));
    store.insert_user(&plain, AMPLE).await.unwrap();
    store.insert_user(&full, AMPLE).await.unwrap();
    assert_eq!(store.user(&account_id(1), "bob").await.unwrap(), Some(plain));
    assert_eq!(store.user(&account_id(1), "alice").await.unwrap(), Some(full));
    assert_eq!(store.user(&account_id(2), "alice").await.unwrap(), None);
}

/// Names differ in more than the case of their letters, and are found by their exact letters alone.
pub async fn user_names_are_unique_whatever_their_case(store: &dyn Store) {
    with_account(store).await;
    store.insert_account(&account(2)).await.unwrap();
    store.insert_user(&user(1, "Alice"), AMPLE).await.unwrap();
    for name in ["Alice", "alice", "ALICE"] {
        let same = User { user_id: "AIDAOTHER".to_owned(), ..user(1, name) };
        assert_error!(store.insert_user(&same, AMPLE).await, StoreError::Duplicate(UniqueConstraint::UserName));
    }
    store.insert_user(&user(2, "alice"), AMPLE).await.unwrap();
    assert_eq!(store.user(&account_id(1), "alice").await.unwrap(), None);
    assert_eq!(store.user(&account_id(2), "Alice").await.unwrap(), None);
    assert_error!(store.delete_user(&account_id(1), "alice", 0).await, StoreError::Conflict);
    store.delete_user(&account_id(1), "Alice", 0).await.unwrap();
    store.insert_user(&user(1, "alice"), AMPLE).await.unwrap();
}

pub async fn what_stands_against_a_new_user(store: &dyn Store) {
    let [policy, _] = with_groups_and_policies(store).await;
    store.insert_account(&account(2)).await.unwrap();
    store.insert_policy(&super::identity_fixtures::policy(2, "of-another"), AMPLE).await.unwrap();
    assert_error!(store.insert_user(&user(3, "alice"), AMPLE).await, StoreError::NotFound);

    let alice = user(1, "alice");
    let with_policy = |arn: &str| User { policies: attached(&[&policy, arn]), ..alice.clone() };
    let with_boundary = |arn: &str| User { permissions_boundary: Some(arn.to_owned()), ..alice.clone() };
    let with_group = |name: &str| User { groups: texts(&["admins", name]), ..alice.clone() };
    for missing in MISSING_POLICIES {
        assert_error!(store.insert_user(&with_policy(missing), AMPLE).await, StoreError::NotFound);
        assert_error!(store.insert_user(&with_boundary(missing), AMPLE).await, StoreError::NotFound);
    }
    for missing in ["nobody", "Admins", &policy] {
        assert_error!(store.insert_user(&with_group(missing), AMPLE).await, StoreError::NotFound);
    }
    assert_error!(store.insert_user(&alice, 0).await, StoreError::QuotaExceeded { current: 0 });
    // Nothing is left of those that failed.
    assert_eq!(store.users(&account_id(1), None, 9).await.unwrap(), []);
    assert_eq!(store.policy_references(&account_id(1), &policy).await.unwrap(), []);
    store.insert_user(&alice, 1).await.unwrap();
    assert_error!(store.insert_user(&user(1, "bob"), 1).await, StoreError::QuotaExceeded { current: 1 });
    store.insert_user(&user(2, "bob"), 1).await.unwrap();
}

pub async fn an_update_replaces_what_may_change_of_a_user(store: &dyn Store) {
    let policies = with_groups_and_policies(store).await;
    let plain = User { path: "/division/team/".to_owned(), revision: 5, ..user(1, "alice") };
    store.insert_user(&plain, AMPLE).await.unwrap();
    let full = full_user(&policies);
    store.update_user(&full).await.unwrap();
    let expected = User { revision: 6, ..full };
    assert_eq!(store.user(&account_id(1), "alice").await.unwrap(), Some(expected.clone()));

    // What never changes stays as it is, whatever an update says.
    let renamed = User { path: "/other/".to_owned(), created: at(99), ..expected.clone() };
    store.update_user(&renamed).await.unwrap();
    assert_eq!(store.user(&account_id(1), "alice").await.unwrap(), Some(User { revision: 7, ..expected }));

    // All of it can be taken away again.
    store.update_user(&User { revision: 7, ..plain.clone() }).await.unwrap();
    assert_eq!(store.user(&account_id(1), "alice").await.unwrap(), Some(User { revision: 8, ..plain }));
}

pub async fn what_stands_against_an_update_of_a_user(store: &dyn Store) {
    let [policy, _] = with_groups_and_policies(store).await;
    let alice = User { policies: attached(&[&policy]), ..user(1, "alice") };
    store.insert_user(&alice, AMPLE).await.unwrap();
    let another = User { user_id: "AIDAFORMER".to_owned(), ..alice.clone() };
    for other in [User { revision: 1, ..alice.clone() }, user(1, "bob"), user(1, "Alice"), another] {
        assert_error!(store.update_user(&other).await, StoreError::Conflict);
    }
    for missing in MISSING_POLICIES {
        let attaching = User { policies: attached(&[missing]), ..alice.clone() };
        assert_error!(store.update_user(&attaching).await, StoreError::NotFound);
        let bound = User { permissions_boundary: Some(missing.to_owned()), ..alice.clone() };
        assert_error!(store.update_user(&bound).await, StoreError::NotFound);
    }
    let joining = User { groups: texts(&["nobody"]), ..alice.clone() };
    assert_error!(store.update_user(&joining).await, StoreError::NotFound);
    // Neither the user nor what it refers to has changed.
    assert_eq!(store.user(&account_id(1), "alice").await.unwrap(), Some(alice));
    assert_error!(store.delete_policy(&account_id(1), "one", 1).await, StoreError::Referenced);
}

pub async fn a_user_with_access_keys_stays(store: &dyn Store) {
    with_account(store).await;
    let alice = user(1, "alice");
    store.insert_user(&alice, AMPLE).await.unwrap();
    store.insert_access_key(&access_key("AKIAA", 1, Some(&alice)), AMPLE).await.unwrap();
    assert_error!(store.delete_user(&account_id(1), "alice", 0).await, StoreError::Referenced);
    store.delete_access_key("AKIAA").await.unwrap();
    assert_error!(store.delete_user(&account_id(1), "alice", 1).await, StoreError::Conflict);
    store.delete_user(&account_id(1), "alice", 0).await.unwrap();
    assert_error!(store.delete_user(&account_id(1), "alice", 0).await, StoreError::Conflict);
    assert_eq!(store.users(&account_id(1), None, 9).await.unwrap(), []);
}

/// A deleted user holds nothing any more, also if another one of its name comes.
pub async fn a_deleted_user_refers_to_nothing(store: &dyn Store) {
    let policies = with_groups_and_policies(store).await;
    let full = full_user(&policies);
    store.insert_user(&full, AMPLE).await.unwrap();
    store.delete_user(&account_id(1), "alice", full.revision).await.unwrap();
    store.insert_user(&user(1, "alice"), AMPLE).await.unwrap();
    assert_eq!(store.users_of_group(&account_id(1), "admins", None, 9).await.unwrap(), []);
    for name in ["admins", "readers"] {
        store.delete_group(&account_id(1), name, 1).await.unwrap();
    }
    for name in ["one", "two"] {
        store.delete_policy(&account_id(1), name, 1).await.unwrap();
    }
}

/// The order is that of the names' bytes: upper case comes first.
pub async fn users_come_in_order_page_by_page(store: &dyn Store) {
    with_account(store).await;
    store.insert_account(&account(2)).await.unwrap();
    for name in ["carol", "_dave", "Bob", "alice", "+eve"] {
        store.insert_user(&user(1, name), AMPLE).await.unwrap();
    }
    store.insert_user(&user(2, "alice"), AMPLE).await.unwrap();
    let pages = [(None, vec!["+eve", "Bob"]), (Some("Bob"), vec!["_dave", "alice"]), (Some("alice"), vec!["carol"])];
    for (after, names) in pages {
        let page = store.users(&account_id(1), after, 2).await.unwrap();
        assert_eq!(page, names.into_iter().map(|name| user(1, name)).collect::<Vec<_>>());
    }
    assert_eq!(store.users(&account_id(1), Some("carol"), 2).await.unwrap(), []);
    // Where a page begins need not be there any more.
    assert_eq!(store.users(&account_id(1), Some("b"), 9).await.unwrap(), [user(1, "carol")]);
    assert_eq!(store.users(&account_id(3), None, 9).await.unwrap(), []);
}

pub async fn users_of_a_group_come_in_order_page_by_page(store: &dyn Store) {
    with_groups_and_policies(store).await;
    store.insert_account(&account(2)).await.unwrap();
    store.insert_group(&group(2, "admins"), AMPLE).await.unwrap();
    let member = |account: u64, name: &str| User { groups: texts(&["admins"]), ..user(account, name) };
    let of_both = User { groups: texts(&["readers", "admins"]), ..user(1, "carol") };
    for user in [of_both.clone(), member(1, "bob"), user(1, "dave"), member(2, "eve"), member(1, "Alice")] {
        store.insert_user(&user, AMPLE).await.unwrap();
    }
    let account = account_id(1);
    let admins = |after| store.users_of_group(&account, "admins", after, 2);
    assert_eq!(admins(None).await.unwrap(), [member(1, "Alice"), member(1, "bob")]);
    assert_eq!(admins(Some("bob")).await.unwrap(), std::slice::from_ref(&of_both));
    assert_eq!(admins(Some("carol")).await.unwrap(), []);
    assert_eq!(store.users_of_group(&account_id(1), "readers", None, 9).await.unwrap(), [of_both]);
    for name in ["Admins", "nobody"] {
        assert_eq!(store.users_of_group(&account_id(1), name, None, 9).await.unwrap(), []);
    }
    store.update_user(&user(1, "bob")).await.unwrap();
    assert_eq!(admins(Some("Alice")).await.unwrap().len(), 1);
}

/// A date that no column takes is refused, and does not become another one.
pub async fn a_user_has_dates_that_can_be_stored(store: &dyn Store) {
    with_account(store).await;
    let far = Timestamp::from_millis(i64::MAX);
    let created = User { created: far, ..user(1, "alice") };
    assert_error!(store.insert_user(&created, AMPLE).await, StoreError::Engine(_));
    let revoked = User { sessions_revoked_before: Some(far), ..user(1, "alice") };
    assert_error!(store.insert_user(&revoked, AMPLE).await, StoreError::Engine(_));
    assert_eq!(store.users(&account_id(1), None, 9).await.unwrap(), []);
}
