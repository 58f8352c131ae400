//! Connection jobs and their leases.

use keystead_core::key_store::{ConnectionState, CustomKeyStore};
use keystead_core::port::{ConnectionJob, JobKind, Store, StoreError, UniqueConstraint};

use super::fixtures::*;
use crate::assert_error;

fn connecting(key_store: &CustomKeyStore) -> CustomKeyStore {
    CustomKeyStore { connection: ConnectionState::Connecting, ..key_store.clone() }
}

fn connected(key_store: &CustomKeyStore) -> CustomKeyStore {
    CustomKeyStore { connection: ConnectionState::Connected, ..key_store.clone() }
}

/// Adds account 1 and a key store with a connect job that is due at once. The key store as it is then.
async fn with_job(store: &dyn Store) -> CustomKeyStore {
    let key_store = connecting(&with_key_store(store).await);
    store.start_connection_job(&key_store, JobKind::Connect, at(0)).await.unwrap();
    updated(&key_store)
}

async fn claim(store: &dyn Store, owner: &str, now: i64) -> Option<ConnectionJob> {
    store.claim_connection_job(owner, at(now), at(now + 10)).await.unwrap()
}

pub async fn starting_a_job_updates_the_key_store(store: &dyn Store) {
    assert_eq!(claim(store, "a", 0).await, None);
    let key_store = with_job(store).await;
    assert_eq!(store.custom_key_store(&key_store.id).await.unwrap().as_ref(), Some(&key_store));
    let job = claim(store, "a", 0).await.unwrap();
    assert_eq!(
        job,
        ConnectionJob {
            id: job.id,
            custom_key_store_id: key_store.id.clone(),
            kind: JobKind::Connect,
            due: at(0),
            owner: "a".to_owned(),
        }
    );

    let stale = CustomKeyStore { revision: 1, ..key_store.clone() };
    assert_error!(store.start_connection_job(&stale, JobKind::Disconnect, at(0)).await, StoreError::Conflict);
    let gone = super::fixtures::key_store(9);
    assert_error!(store.start_connection_job(&gone, JobKind::Connect, at(0)).await, StoreError::Conflict);
    store.finish_connection_job(&key_store, &job).await.unwrap();
}

pub async fn one_owner_at_a_time(store: &dyn Store) {
    with_job(store).await;
    let first = claim(store, "a", 100).await.unwrap();
    assert_eq!(claim(store, "b", 109).await, None);
    assert_eq!(claim(store, "a", 109).await, None);
    let second = claim(store, "b", 110).await.unwrap();
    assert_eq!(second, ConnectionJob { owner: "b".to_owned(), ..first });
    assert_eq!(claim(store, "a", 119).await, None);
}

pub async fn the_earliest_due_comes_first(store: &dyn Store) {
    with_account(store).await;
    for (number, due) in [(1, 30), (2, 20), (3, 20), (4, 10)] {
        let key_store = key_store(number);
        store.insert_custom_key_store(&key_store, AMPLE).await.unwrap();
        store.start_connection_job(&connecting(&key_store), JobKind::Connect, at(due)).await.unwrap();
    }
    assert_eq!(claim(store, "a", 9).await, None);
    let mut claimed = Vec::new();
    while let Some(job) = store.claim_connection_job("a", at(20), at(1_000)).await.unwrap() {
        claimed.push(job.custom_key_store_id);
    }
    assert_eq!(claimed, [4, 2, 3].map(key_store_id));
    assert_eq!(claim(store, "a", 30).await.unwrap().custom_key_store_id, key_store_id(1));
}

pub async fn a_new_job_replaces_the_old_one(store: &dyn Store) {
    let key_store = with_job(store).await;
    let old = claim(store, "a", 100).await.unwrap();
    let disconnecting = CustomKeyStore { connection: ConnectionState::Disconnecting, ..key_store };
    store.start_connection_job(&disconnecting, JobKind::Disconnect, at(100)).await.unwrap();
    let now = updated(&disconnecting);

    assert_error!(store.finish_connection_job(&connected(&now), &old).await, StoreError::Conflict);
    store.discard_connection_job(&old).await.unwrap();
    // Unleased, although the old one was leased until later.
    let new = claim(store, "b", 101).await.unwrap();
    assert_eq!(new.kind, JobKind::Disconnect);
    assert!(new.id > old.id);
    assert_eq!(claim(store, "a", 101).await, None);
    assert_eq!(store.custom_key_store(&now.id).await.unwrap(), Some(now));
}

pub async fn only_the_lease_holder_finishes(store: &dyn Store) {
    let key_store = with_job(store).await;
    let late = claim(store, "a", 100).await.unwrap();
    let current = claim(store, "b", 200).await.unwrap();
    assert_error!(store.finish_connection_job(&connected(&key_store), &late).await, StoreError::Conflict);
    assert_eq!(store.custom_key_store(&key_store.id).await.unwrap().as_ref(), Some(&key_store));

    store.finish_connection_job(&connected(&key_store), &current).await.unwrap();
    let after = updated(&connected(&key_store));
    assert_eq!(store.custom_key_store(&key_store.id).await.unwrap().as_ref(), Some(&after));
    assert_error!(store.finish_connection_job(&after, &current).await, StoreError::Conflict);
    assert_eq!(claim(store, "c", 10_000).await, None);

    // Numbers are not given again after the newest job is gone.
    store.start_connection_job(&connecting(&after), JobKind::Connect, at(0)).await.unwrap();
    assert!(claim(store, "c", 10_000).await.unwrap().id > current.id);
}

pub async fn a_job_that_cannot_finish_stays(store: &dyn Store) {
    let key_store = with_job(store).await;
    let other = super::fixtures::key_store(9);
    store.insert_custom_key_store(&other, AMPLE).await.unwrap();
    let job = claim(store, "a", 100).await.unwrap();
    let stale = CustomKeyStore { revision: 1, ..connected(&key_store) };
    assert_error!(store.finish_connection_job(&stale, &job).await, StoreError::Conflict);
    let renamed = CustomKeyStore { name: other.name.clone(), ..connected(&key_store) };
    let name_taken = store.finish_connection_job(&renamed, &job).await;
    assert_error!(name_taken, StoreError::Duplicate(UniqueConstraint::CustomKeyStoreName));
    assert_error!(store.finish_connection_job(&connected(&other), &job).await, StoreError::Conflict);
    assert_eq!(claim(store, "b", 110).await.unwrap().id, job.id);
}

pub async fn discarding_is_idempotent(store: &dyn Store) {
    let key_store = with_job(store).await;
    let job = claim(store, "a", 100).await.unwrap();
    store.discard_connection_job(&job).await.unwrap();
    store.discard_connection_job(&job).await.unwrap();
    assert_eq!(claim(store, "a", 10_000).await, None);
    assert_eq!(store.custom_key_store(&key_store.id).await.unwrap(), Some(key_store));
}

pub async fn a_deleted_key_store_takes_its_job_along(store: &dyn Store) {
    let key_store = with_job(store).await;
    store.delete_custom_key_store(&key_store.id, key_store.revision).await.unwrap();
    assert_eq!(claim(store, "a", 100).await, None);
}

pub async fn a_lease_is_renewed_by_its_holder(store: &dyn Store) {
    let key_store = with_job(store).await;
    let job = claim(store, "a", 100).await.unwrap();
    store.renew_connection_job(&job, at(200)).await.unwrap();
    assert_eq!(claim(store, "b", 199).await, None, "leased on");
    let late = job;
    let job = claim(store, "b", 200).await.unwrap();
    assert_error!(store.renew_connection_job(&late, at(300)).await, StoreError::Conflict);
    let disconnecting = CustomKeyStore { connection: ConnectionState::Disconnecting, ..key_store };
    store.start_connection_job(&disconnecting, JobKind::Disconnect, at(0)).await.unwrap();
    assert_error!(store.renew_connection_job(&job, at(300)).await, StoreError::Conflict);
    let new = claim(store, "b", 201).await.unwrap();
    store.discard_connection_job(&new).await.unwrap();
    assert_error!(store.renew_connection_job(&new, at(300)).await, StoreError::Conflict);
}
