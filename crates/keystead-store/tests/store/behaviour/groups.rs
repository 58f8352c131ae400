//! Groups.

use keystead_core::access::{Group, User};
use keystead_core::port::{Store, StoreError, UniqueConstraint};

use super::fixtures::*;
use super::identity_fixtures::*;
use crate::assert_error;

pub async fn a_group_comes_back_as_it_was_stored(store: &dyn Store) {
    let [one, _] = with_groups_and_policies(store).await;
    let full = Group {
        path: "/team/".to_owned(),
        policies: attached_and_inline(&[&one, ADMINISTRATOR_ACCESS]),
        revision: 5,
        ..group(1, "full")
    };
    store.insert_group(&full, AMPLE).await.unwrap();
    assert_eq!(store.group(&account_id(1), "full").await.unwrap(), Some(full));
    assert_eq!(store.group(&account_id(1), "admins").await.unwrap(), Some(group(1, "admins")));
    assert_eq!(store.group(&account_id(1), "Admins").await.unwrap(), None);
    assert_eq!(store.group(&account_id(2), "admins").await.unwrap(), None);
}

pub async fn what_stands_against_a_new_group(store: &dyn Store) {
    let [one, _] = with_groups_and_policies(store).await;
    store.insert_account(&account(2)).await.unwrap();
    store.insert_policy(&policy(2, "of-another"), AMPLE).await.unwrap();
    assert_error!(store.insert_group(&group(3, "a"), AMPLE).await, StoreError::NotFound);
    for name in ["admins", "Admins", "ADMINS"] {
        let same = Group { group_id: "AGPAOTHER".to_owned(), ..group(1, name) };
        assert_error!(store.insert_group(&same, AMPLE).await, StoreError::Duplicate(UniqueConstraint::GroupName));
    }
    for missing in MISSING_POLICIES {
        let attaching = Group { policies: attached(&[&one, missing]), ..group(1, "a") };
        assert_error!(store.insert_group(&attaching, AMPLE).await, StoreError::NotFound);
    }
    assert_eq!(store.policy_references(&account_id(1), &one).await.unwrap(), []);
    assert_error!(store.insert_group(&group(1, "a"), 2).await, StoreError::QuotaExceeded { current: 2 });
    store.insert_group(&group(1, "a"), 3).await.unwrap();
    store.insert_group(&group(2, "Admins"), 1).await.unwrap();
}

pub async fn an_update_replaces_the_policies_of_a_group(store: &dyn Store) {
    let [one, _] = with_groups_and_policies(store).await;
    let changed = Group {
        path: "/other/".to_owned(),
        created: at(99),
        policies: attached_and_inline(&[&one]),
        ..group(1, "admins")
    };
    store.update_group(&changed).await.unwrap();
    let expected = Group { path: "/".to_owned(), created: at(2), revision: 2, ..changed.clone() };
    assert_eq!(store.group(&account_id(1), "admins").await.unwrap(), Some(expected.clone()));

    let former = Group { group_id: "AGPAFORMER".to_owned(), ..expected.clone() };
    for other in [changed, former, group(1, "nobody"), Group { revision: 2, ..group(1, "Admins") }] {
        assert_error!(store.update_group(&other).await, StoreError::Conflict);
    }
    for missing in MISSING_POLICIES {
        let attaching = Group { policies: attached(&[missing]), ..expected.clone() };
        assert_error!(store.update_group(&attaching).await, StoreError::NotFound);
    }
    assert_eq!(store.group(&account_id(1), "admins").await.unwrap(), Some(expected));
}

pub async fn a_group_with_users_stays(store: &dyn Store) {
    let [one, _] = with_groups_and_policies(store).await;
    store.update_group(&Group { policies: attached(&[&one]), ..group(1, "admins") }).await.unwrap();
    let alice = User { groups: texts(&["admins"]), ..user(1, "alice") };
    store.insert_user(&alice, AMPLE).await.unwrap();
    assert_error!(store.delete_group(&account_id(1), "admins", 2).await, StoreError::Referenced);
    store.update_user(&User { groups: texts(&["readers"]), ..alice }).await.unwrap();
    for (name, revision) in [("admins", 1), ("Admins", 2), ("nobody", 1)] {
        assert_error!(store.delete_group(&account_id(1), name, revision).await, StoreError::Conflict);
    }
    store.delete_group(&account_id(1), "admins", 2).await.unwrap();
    assert_eq!(store.group(&account_id(1), "admins").await.unwrap(), None);
    assert_error!(store.delete_group(&account_id(1), "admins", 2).await, StoreError::Conflict);
    // It refers to nothing any more.
    store.delete_policy(&account_id(1), "one", 1).await.unwrap();
    let joining = User { groups: texts(&["admins"]), revision: 1, ..user(1, "alice") };
    assert_error!(store.update_user(&joining).await, StoreError::NotFound);
}

pub async fn groups_come_in_order_page_by_page(store: &dyn Store) {
    with_account(store).await;
    for name in ["c", "B", "a"] {
        store.insert_group(&group(1, name), AMPLE).await.unwrap();
    }
    assert_eq!(store.groups(&account_id(1), None, 2).await.unwrap(), [group(1, "B"), group(1, "a")]);
    assert_eq!(store.groups(&account_id(1), Some("a"), 2).await.unwrap(), [group(1, "c")]);
    assert_eq!(store.groups(&account_id(1), Some("c"), 2).await.unwrap(), []);
    assert_eq!(store.groups(&account_id(2), None, 2).await.unwrap(), []);
}
