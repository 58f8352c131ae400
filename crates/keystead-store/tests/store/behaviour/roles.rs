//! Roles.

use keystead_core::access::Role;
use keystead_core::port::{Store, StoreError, UniqueConstraint};

use super::fixtures::*;
use super::identity_fixtures::*;
use crate::assert_error;

pub async fn a_role_comes_back_as_it_was_stored(store: &dyn Store) {
    let policies = with_groups_and_policies(store).await;
    let (plain, full) = (role(1, "plain"), full_role(&policies));
    store.insert_role(&plain, AMPLE).await.unwrap();
    store.insert_role(&full, AMPLE).await.unwrap();
    assert_eq!(store.role(&account_id(1), "plain").await.unwrap(), Some(plain));
    assert_eq!(store.role(&account_id(1), "worker").await.unwrap(), Some(full));
    assert_eq!(store.role(&account_id(1), "Worker").await.unwrap(), None);
    assert_eq!(store.role(&account_id(2), "worker").await.unwrap(), None);
}

pub async fn what_stands_against_a_new_role(store: &dyn Store) {
    let [one, _] = with_groups_and_policies(store).await;
    store.insert_account(&account(2)).await.unwrap();
    store.insert_policy(&policy(2, "of-another"), AMPLE).await.unwrap();
    assert_error!(store.insert_role(&role(3, "a"), AMPLE).await, StoreError::NotFound);
    for missing in MISSING_POLICIES {
        let attaching = Role { policies: attached(&[&one, missing]), ..role(1, "a") };
        assert_error!(store.insert_role(&attaching, AMPLE).await, StoreError::NotFound);
        let bound = Role { permissions_boundary: Some(missing.to_owned()), ..role(1, "a") };
        assert_error!(store.insert_role(&bound, AMPLE).await, StoreError::NotFound);
    }
    assert_eq!(store.policy_references(&account_id(1), &one).await.unwrap(), []);
    assert_error!(store.insert_role(&role(1, "a"), 0).await, StoreError::QuotaExceeded { current: 0 });
    store.insert_role(&role(1, "a"), 1).await.unwrap();
    for name in ["a", "A"] {
        let same = Role { role_id: "AROAOTHER".to_owned(), ..role(1, name) };
        assert_error!(store.insert_role(&same, AMPLE).await, StoreError::Duplicate(UniqueConstraint::RoleName));
    }
    // A user, a group and a policy may have the same name, and another account's role.
    store.insert_user(&user(1, "a"), AMPLE).await.unwrap();
    store.insert_group(&group(1, "a"), AMPLE).await.unwrap();
    store.insert_policy(&policy(1, "a"), AMPLE).await.unwrap();
    store.insert_role(&role(2, "A"), 1).await.unwrap();
}

pub async fn an_update_replaces_what_may_change_of_a_role(store: &dyn Store) {
    let policies = with_groups_and_policies(store).await;
    let plain = Role { path: "/service/".to_owned(), revision: 5, ..role(1, "worker") };
    store.insert_role(&plain, AMPLE).await.unwrap();
    let trust_policy_principals = principals(&[("arn:aws:iam::000000000001:user/b", "AIDAB")]);
    let full = Role { trust_policy: "{}".to_owned(), trust_policy_principals, ..full_role(&policies) };
    store.update_role(&full).await.unwrap();
    let expected = Role { revision: 6, ..full };
    assert_eq!(store.role(&account_id(1), "worker").await.unwrap(), Some(expected.clone()));

    let moved = Role { path: "/other/".to_owned(), created: at(99), ..expected.clone() };
    store.update_role(&moved).await.unwrap();
    assert_eq!(store.role(&account_id(1), "worker").await.unwrap(), Some(Role { revision: 7, ..expected }));
    store.update_role(&Role { revision: 7, ..plain.clone() }).await.unwrap();
    assert_eq!(store.role(&account_id(1), "worker").await.unwrap(), Some(Role { revision: 8, ..plain }));
    // The policies that it had are nobody's now.
    for name in ["one", "two"] {
        store.delete_policy(&account_id(1), name, 1).await.unwrap();
    }
}

pub async fn what_stands_against_an_update_of_a_role(store: &dyn Store) {
    with_groups_and_policies(store).await;
    let worker = role(1, "worker");
    store.insert_role(&worker, AMPLE).await.unwrap();
    let former = Role { role_id: "AROAFORMER".to_owned(), ..worker.clone() };
    for other in [Role { revision: 0, ..worker.clone() }, former, role(1, "Worker"), role(1, "nobody")] {
        assert_error!(store.update_role(&other).await, StoreError::Conflict);
    }
    for missing in MISSING_POLICIES {
        let attaching = Role { policies: attached(&[missing]), ..worker.clone() };
        assert_error!(store.update_role(&attaching).await, StoreError::NotFound);
        let bound = Role { permissions_boundary: Some(missing.to_owned()), ..worker.clone() };
        assert_error!(store.update_role(&bound).await, StoreError::NotFound);
    }
    assert_eq!(store.role(&account_id(1), "worker").await.unwrap(), Some(worker));
}

pub async fn a_role_is_deleted_at_its_revision(store: &dyn Store) {
    let policies = with_groups_and_policies(store).await;
    let full = full_role(&policies);
    store.insert_role(&full, AMPLE).await.unwrap();
    for (name, revision) in [("worker", 4), ("Worker", 5), ("nobody", 5)] {
        assert_error!(store.delete_role(&account_id(1), name, revision).await, StoreError::Conflict);
    }
    store.delete_role(&account_id(1), "worker", 5).await.unwrap();
    assert_eq!(store.role(&account_id(1), "worker").await.unwrap(), None);
    assert_error!(store.delete_role(&account_id(1), "worker", 5).await, StoreError::Conflict);
    for name in ["one", "two"] {
        store.delete_policy(&account_id(1), name, 1).await.unwrap();
    }
}

pub async fn roles_come_in_order_page_by_page(store: &dyn Store) {
    with_account(store).await;
    for name in ["c", "B", "a"] {
        store.insert_role(&role(1, name), AMPLE).await.unwrap();
    }
    assert_eq!(store.roles(&account_id(1), None, 2).await.unwrap(), [role(1, "B"), role(1, "a")]);
    assert_eq!(store.roles(&account_id(1), Some("a"), 2).await.unwrap(), [role(1, "c")]);
    assert_eq!(store.roles(&account_id(1), Some("c"), 2).await.unwrap(), []);
    assert_eq!(store.roles(&account_id(2), None, 2).await.unwrap(), []);
}
