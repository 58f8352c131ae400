//! Sessions that are refused from a time on.

use keystead_core::access::{Account, Role, User};
use keystead_core::port::{SessionHolder, Store, StoreError};
use keystead_model::Timestamp;

use super::fixtures::*;
use super::identity_fixtures::*;
use crate::assert_error;

/// Times to revoke at, what is stored then, and at which revision. Nothing is taken back.
const REVOCATIONS: [(i64, i64, u64); 4] = [(5, 5, 2), (4, 5, 2), (5, 5, 2), (6, 6, 3)];

pub async fn sessions_of_a_user_are_revoked(store: &dyn Store) {
    with_account(store).await;
    let alice = User { revision: 1, tags: pairs(&[("a", "b")]), ..user(1, "alice") };
    store.insert_user(&alice, AMPLE).await.unwrap();
    store.insert_user(&user(1, "bob"), AMPLE).await.unwrap();
    let account = account_id(1);
    for (second, stored, revision) in REVOCATIONS {
        store.revoke_sessions(SessionHolder::User(&account, "alice"), at(second)).await.unwrap();
        let expected = User { sessions_revoked_before: Some(at(stored)), revision, ..alice.clone() };
        assert_eq!(store.user(&account, "alice").await.unwrap(), Some(expected));
    }
    assert_eq!(store.user(&account, "bob").await.unwrap(), Some(user(1, "bob")));
    // An update of what was read before would take it back.
    assert_error!(store.update_user(&alice).await, StoreError::Conflict);
}

pub async fn sessions_of_a_role_are_revoked(store: &dyn Store) {
    with_account(store).await;
    let worker = role(1, "worker");
    store.insert_role(&worker, AMPLE).await.unwrap();
    let account = account_id(1);
    for (second, stored, revision) in REVOCATIONS {
        store.revoke_sessions(SessionHolder::Role(&account, "worker"), at(second)).await.unwrap();
        let expected = Role { sessions_revoked_before: Some(at(stored)), revision, ..worker.clone() };
        assert_eq!(store.role(&account, "worker").await.unwrap(), Some(expected));
    }
    assert_error!(store.update_role(&worker).await, StoreError::Conflict);
}

/// An account has no revision; nothing else of it changes.
pub async fn sessions_of_a_root_user_are_revoked(store: &dyn Store) {
    with_account(store).await;
    store.insert_account(&account(2)).await.unwrap();
    let access_key = access_key("AKIAA", 1, None);
    store.insert_access_key(&access_key, AMPLE).await.unwrap();
    let id = account_id(1);
    for (second, stored, _) in REVOCATIONS {
        store.revoke_sessions(SessionHolder::Root(&id), at(second)).await.unwrap();
        let expected = Account { sessions_revoked_before: Some(at(stored)), ..account(1) };
        assert_eq!(store.account(&id).await.unwrap(), Some(expected.clone()));
        assert_eq!(store.accounts().await.unwrap(), [expected, account(2)]);
    }
    assert_eq!(store.access_key("AKIAA").await.unwrap(), Some(access_key));
}

pub async fn an_account_may_come_with_a_revocation(store: &dyn Store) {
    let account = Account { sessions_revoked_before: Some(at(7)), ..account(1) };
    store.insert_account(&account).await.unwrap();
    assert_eq!(store.account(&account.id).await.unwrap(), Some(account));
}

pub async fn sessions_of_nobody_cannot_be_revoked(store: &dyn Store) {
    with_account(store).await;
    store.insert_user(&user(1, "alice"), AMPLE).await.unwrap();
    store.insert_role(&role(1, "worker"), AMPLE).await.unwrap();
    let (account, other) = (account_id(1), account_id(2));
    let nobody = [
        SessionHolder::User(&account, "worker"),
        SessionHolder::User(&account, "Alice"),
        SessionHolder::User(&other, "alice"),
        SessionHolder::Role(&account, "alice"),
        SessionHolder::Role(&account, "Worker"),
        SessionHolder::Role(&other, "worker"),
        SessionHolder::Root(&other),
    ];
    for holder in nobody {
        assert_error!(store.revoke_sessions(holder, at(5)).await, StoreError::NotFound);
    }
    let too_late = Timestamp::from_millis(i64::MAX);
    for holder in [SessionHolder::User(&account, "alice"), SessionHolder::Root(&account)] {
        assert_error!(store.revoke_sessions(holder, too_late).await, StoreError::Engine(_));
    }
    assert_eq!(store.user(&account, "alice").await.unwrap(), Some(user(1, "alice")));
    assert_eq!(store.account(&account).await.unwrap(), Some(self::account(1)));
}
