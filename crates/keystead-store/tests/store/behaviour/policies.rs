//! Managed policies, and who refers to them.

use keystead_core::access::{Group, ManagedPolicy, PolicyVersion, Role, User};
use keystead_core::port::{PolicyHolder, PolicyReference, Store, StoreError, UniqueConstraint};

use super::fixtures::*;
use super::identity_fixtures::*;
use crate::assert_error;

pub async fn a_policy_comes_back_as_it_was_stored(store: &dyn Store) {
    with_account(store).await;
    let document = "{\"Statement\":\n\t[\"\u{1f511}\\u0000\"]}".to_owned();
    let full = ManagedPolicy {
        path: "/team/".to_owned(),
        updated: at(9),
        tags: pairs(&[("z", "1"), ("a", "")]),
        versions: vec![policy_version(3), PolicyVersion { document, ..policy_version(7) }],
        default_version: 7,
        next_version: 8,
        revision: 5,
        ..policy(1, "full")
    };
    store.insert_policy(&full, AMPLE).await.unwrap();
    assert_eq!(store.policy(&account_id(1), "full").await.unwrap(), Some(full));
    assert_eq!(store.policy(&account_id(1), "Full").await.unwrap(), None);
    assert_eq!(store.policy(&account_id(2), "full").await.unwrap(), None);
}

pub async fn what_stands_against_a_new_policy(store: &dyn Store) {
    with_account(store).await;
    store.insert_account(&account(2)).await.unwrap();
    assert_error!(store.insert_policy(&policy(3, "a"), AMPLE).await, StoreError::NotFound);
    assert_error!(store.insert_policy(&policy(1, "a"), 0).await, StoreError::QuotaExceeded { current: 0 });
    store.insert_policy(&policy(1, "a"), 1).await.unwrap();
    for name in ["a", "A"] {
        let same = ManagedPolicy { path: "/other/".to_owned(), ..policy(1, name) };
        assert_error!(store.insert_policy(&same, AMPLE).await, StoreError::Duplicate(UniqueConstraint::PolicyName));
    }
    assert_error!(store.insert_policy(&policy(1, "b"), 1).await, StoreError::QuotaExceeded { current: 1 });
    store.insert_policy(&policy(2, "A"), 1).await.unwrap();
}

pub async fn an_update_replaces_what_may_change_of_a_policy(store: &dyn Store) {
    with_account(store).await;
    store.insert_policy(&policy(1, "a"), AMPLE).await.unwrap();
    let changed = ManagedPolicy {
        updated: at(8),
        tags: pairs(&[("a", "b")]),
        versions: vec![policy_version(1), policy_version(2)],
        default_version: 2,
        next_version: 3,
        ..policy(1, "a")
    };
    let beside = ManagedPolicy {
        path: "/other/".to_owned(),
        created: at(99),
        description: "other".to_owned(),
        ..changed.clone()
    };
    store.update_policy(&beside).await.unwrap();
    let expected = ManagedPolicy { revision: 2, ..changed.clone() };
    assert_eq!(store.policy(&account_id(1), "a").await.unwrap(), Some(expected.clone()));
    let former = ManagedPolicy { policy_id: "ANPAFORMER".to_owned(), ..expected.clone() };
    let other_case = ManagedPolicy { policy_name: "A".to_owned(), ..expected.clone() };
    for other in [changed, former, other_case, policy(1, "nothing")] {
        assert_error!(store.update_policy(&other).await, StoreError::Conflict);
    }
    assert_eq!(store.policy(&account_id(1), "a").await.unwrap(), Some(expected));
}

pub async fn a_policy_that_is_referred_to_stays(store: &dyn Store) {
    let [one, _] = with_groups_and_policies(store).await;
    let account = account_id(1);
    let delete = |revision| store.delete_policy(&account, "one", revision);

    let alice = user(1, "alice");
    store.insert_user(&alice, AMPLE).await.unwrap();
    let user_references = [
        User { policies: attached(&[&one]), ..alice.clone() },
        User { permissions_boundary: Some(one.clone()), revision: 1, ..alice.clone() },
    ];
    for referring in user_references {
        store.update_user(&referring).await.unwrap();
        assert_error!(delete(1).await, StoreError::Referenced);
    }
    store.update_user(&User { revision: 2, ..alice }).await.unwrap();

    store.update_group(&Group { policies: attached(&[&one]), ..group(1, "admins") }).await.unwrap();
    assert_error!(delete(1).await, StoreError::Referenced);
    store.update_group(&Group { revision: 2, ..group(1, "admins") }).await.unwrap();

    store.insert_role(&Role { policies: attached(&[&one]), ..role(1, "a") }, AMPLE).await.unwrap();
    assert_error!(delete(1).await, StoreError::Referenced);
    store.update_role(&Role { permissions_boundary: Some(one), ..role(1, "a") }).await.unwrap();
    assert_error!(delete(1).await, StoreError::Referenced);
    store.update_role(&Role { revision: 2, ..role(1, "a") }).await.unwrap();

    assert_error!(delete(0).await, StoreError::Conflict);
    delete(1).await.unwrap();
    assert_eq!(store.policy(&account_id(1), "one").await.unwrap(), None);
    assert_error!(delete(1).await, StoreError::Conflict);
    assert_error!(store.delete_policy(&account_id(1), "Two", 1).await, StoreError::Conflict);
}

pub async fn who_refers_to_a_policy(store: &dyn Store) {
    let policies = with_groups_and_policies(store).await;
    let [one, two] = &policies;
    store.insert_account(&account(2)).await.unwrap();
    let both = |name: &str| User {
        policies: attached(&[one, ADMINISTRATOR_ACCESS]),
        permissions_boundary: Some(one.clone()),
        ..user(1, name)
    };
    store.insert_role(&full_role(&policies), AMPLE).await.unwrap();
    store.insert_user(&both("zoe"), AMPLE).await.unwrap();
    store.insert_user(&both("Bob"), AMPLE).await.unwrap();
    store.insert_user(&User { policies: attached(&[ADMINISTRATOR_ACCESS]), ..user(2, "eve") }, AMPLE).await.unwrap();
    store.update_group(&Group { policies: attached(&[one]), ..group(1, "admins") }).await.unwrap();

    let of_user = |name| PolicyReference { boundary: true, ..attaches(PolicyHolder::User, name) };
    let of_role = PolicyReference { path: "/service/".to_owned(), ..attaches(PolicyHolder::Role, "worker") };
    let expected = [of_user("Bob"), of_user("zoe"), attaches(PolicyHolder::Group, "admins"), of_role.clone()];
    assert_eq!(store.policy_references(&account_id(1), one).await.unwrap(), expected);
    let bound = PolicyReference { attached: false, boundary: true, ..of_role.clone() };
    assert_eq!(store.policy_references(&account_id(1), two).await.unwrap(), [bound]);

    // A policy of AWS is attached in each account by itself.
    let attached_by = [attaches(PolicyHolder::User, "Bob"), attaches(PolicyHolder::User, "zoe"), of_role];
    assert_eq!(store.policy_references(&account_id(1), ADMINISTRATOR_ACCESS).await.unwrap(), attached_by);
    let of_eve = [attaches(PolicyHolder::User, "eve")];
    assert_eq!(store.policy_references(&account_id(2), ADMINISTRATOR_ACCESS).await.unwrap(), of_eve);
    for (account, arn) in [(2, one.as_str()), (1, "admins"), (1, "arn:aws:iam::aws:policy/Nothing")] {
        assert_eq!(store.policy_references(&account_id(account), arn).await.unwrap(), [], "{arn}");
    }
}

/// A group is no policy, whatever refers to it.
pub async fn members_refer_to_no_policy(store: &dyn Store) {
    with_groups_and_policies(store).await;
    store.insert_user(&User { groups: texts(&["admins"]), ..user(1, "alice") }, AMPLE).await.unwrap();
    store.insert_policy(&policy(1, "admins"), AMPLE).await.unwrap();
    let arn = policy(1, "admins").arn();
    assert_eq!(store.policy_references(&account_id(1), &arn).await.unwrap(), []);
    assert_eq!(store.policy_references(&account_id(1), "admins").await.unwrap(), []);
    store.delete_policy(&account_id(1), "admins", 1).await.unwrap();
}

pub async fn policies_come_in_order_page_by_page(store: &dyn Store) {
    with_account(store).await;
    for name in ["c", "B", "a"] {
        store.insert_policy(&policy(1, name), AMPLE).await.unwrap();
    }
    assert_eq!(store.policies(&account_id(1), None, 2).await.unwrap(), [policy(1, "B"), policy(1, "a")]);
    assert_eq!(store.policies(&account_id(1), Some("a"), 2).await.unwrap(), [policy(1, "c")]);
    assert_eq!(store.policies(&account_id(1), Some("c"), 2).await.unwrap(), []);
    assert_eq!(store.policies(&account_id(2), None, 2).await.unwrap(), []);
}
