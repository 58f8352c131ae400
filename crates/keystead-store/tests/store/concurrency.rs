//! Several stores on one file, as a server and `keystead admin` are.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use crate::behaviour::fixtures::*;
use crate::behaviour::identity_fixtures::*;
use keystead_core::access::{Role, User};
use keystead_core::key::{Grant, Key};
use keystead_core::key_store::{ConnectionState, CustomKeyStore};
use keystead_core::port::{IdentityStore, JobKind, Store, StoreError};
use keystead_model::kms::MultiRegionKeyType;
use keystead_store::SqliteStore;
use tempfile::TempDir;
use tokio::task::JoinSet;

async fn two_stores() -> (TempDir, Arc<SqliteStore>, Arc<SqliteStore>) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystead.db");
    let (one, other) = tokio::join!(SqliteStore::open(&path), SqliteStore::open(&path));
    (folder, Arc::new(one.unwrap()), Arc::new(other.unwrap()))
}

/// Two processes that start at once on a new file get one database, and nothing but it is left in the folder.
#[tokio::test(flavor = "multi_thread")]
async fn many_make_one_database() {
    let folder = tempfile::tempdir().unwrap();
    let path: PathBuf = folder.path().join("keystead.db");
    let mut opening = JoinSet::new();
    for _ in 0..8 {
        let path = path.clone();
        opening.spawn(async move { SqliteStore::open(&path).await.unwrap() });
    }
    let stores = opening.join_all().await;
    with_account(&stores[0]).await;
    for store in &stores {
        assert_eq!(store.accounts().await.unwrap(), [account(1)]);
    }
    for store in &stores {
        store.close().await;
    }
    let left: Vec<_> = std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["keystead.db"]);
}

/// Of many updates read at one revision exactly one gets through; the others conflict, none fails otherwise.
#[tokio::test(flavor = "multi_thread")]
async fn one_of_many_updates_wins() {
    let (_folder, one, other) = two_stores().await;
    let key = with_key(&*one).await;
    let mut updates = JoinSet::new();
    for number in 0..40 {
        let store = if number % 2 == 0 { one.clone() } else { other.clone() };
        let change = Key { description: format!("by {number}"), ..key.clone() };
        updates.spawn(async move { (change.description.clone(), store.update_key(&change).await) });
    }
    let mut winners = Vec::new();
    for (description, result) in updates.join_all().await {
        match result {
            Ok(()) => winners.push(description),
            Err(StoreError::Conflict) => {}
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(winners.len(), 1);
    let stored = other.key(&key.region, &key.id).await.unwrap().unwrap();
    assert_eq!((stored.revision, &stored.description), (2, &winners[0]));
}

/// Many workers of two processes: each job is leased exactly once.
#[tokio::test(flavor = "multi_thread")]
async fn each_job_has_one_lease_holder() {
    const JOBS: u8 = 20;
    let (_folder, one, other) = two_stores().await;
    with_account(&*one).await;
    for number in 0..JOBS {
        let key_store = key_store(number);
        one.insert_custom_key_store(&key_store, AMPLE).await.unwrap();
        let connecting = CustomKeyStore { connection: ConnectionState::Connecting, ..key_store };
        other.start_connection_job(&connecting, JobKind::Connect, at(0)).await.unwrap();
    }
    let mut workers = JoinSet::new();
    for worker in 0..8 {
        let store = if worker % 2 == 0 { one.clone() } else { other.clone() };
        workers.spawn(async move {
            let mut leased = Vec::new();
            let owner = format!("worker {worker}");
            while let Some(job) = store.claim_connection_job(&owner, at(1), at(100)).await.unwrap() {
                assert_eq!(job.owner, owner);
                leased.push(job.id);
            }
            leased
        });
    }
    let leased: Vec<u64> = workers.join_all().await.into_iter().flatten().collect();
    assert_eq!(leased.len(), usize::from(JOBS));
    assert_eq!(leased.iter().collect::<BTreeSet<_>>().len(), usize::from(JOBS));
}

/// Writers of both processes queue instead of failing, the quota holds to the last, and the feed has each change once.
#[tokio::test(flavor = "multi_thread")]
async fn the_quota_holds_under_contention() {
    const QUOTA: u64 = 30;
    let (_folder, one, other) = two_stores().await;
    with_account(&*one).await;
    let mut inserts = JoinSet::new();
    for number in 0..50 {
        let store = if number % 2 == 0 { one.clone() } else { other.clone() };
        inserts.spawn(async move { store.insert_key(&key(number), QUOTA).await });
    }
    let mut inserted = 0;
    for result in inserts.join_all().await {
        match result {
            Ok(()) => inserted += 1,
            Err(StoreError::QuotaExceeded { current }) => assert_eq!(current, QUOTA),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(inserted, QUOTA);
    assert_eq!(one.key_ids(&account_id(1), &home(), None, 99).await.unwrap().len() as u64, QUOTA);
    assert_eq!(other.changes_after(0, 99).await.unwrap().len() as u64, QUOTA);
}

/// A caller that goes away in the middle of a write leaves the writer usable, and nothing half-written.
#[tokio::test(flavor = "multi_thread")]
async fn an_abandoned_write_blocks_nobody() {
    let (_folder, store, _other) = two_stores().await;
    with_account(&*store).await;
    for number in 0..50 {
        let writer = store.clone();
        let write =
            tokio::spawn(
                async move { writer.insert_key(&Key { tags: vec![tag("a", "b")], ..key(number) }, AMPLE).await },
            );
        for _ in 0..number % 10 {
            tokio::task::yield_now().await;
        }
        write.abort();
        let _outcome = write.await;
    }
    store.insert_key(&key(1_000), AMPLE).await.unwrap();
    for id in store.key_ids(&account_id(1), &home(), None, 99).await.unwrap() {
        let stored = store.key(&home(), &id).await.unwrap().unwrap();
        assert_eq!(stored.tags.len(), usize::from(id != key_id(1_000)));
    }
}

/// Of two replicas that are made at once of one reading of the primary, one is; the other is told, tries again, and is made as well.
#[tokio::test(flavor = "multi_thread")]
async fn replicas_made_at_once_are_all_there() {
    const REGIONS: [&str; 6] = ["eu-west-1", "eu-west-2", "eu-west-3", "us-west-1", "us-west-2", "ap-south-1"];
    let (_folder, one, other) = two_stores().await;
    with_account(&*one).await;
    let primary = primary_key(1);
    one.insert_key(&primary, AMPLE).await.unwrap();
    let mut first_tries = JoinSet::new();
    for (number, name) in REGIONS.into_iter().enumerate() {
        let store = if number % 2 == 0 { one.clone() } else { other.clone() };
        let primary = primary.clone();
        first_tries
            .spawn(async move { (name, store.insert_replica(&primary, &replica_key(&primary, name), AMPLE).await) });
    }
    let mut conflicts = Vec::new();
    for (name, result) in first_tries.join_all().await {
        match result {
            Ok(()) => {}
            Err(StoreError::Conflict) => conflicts.push(name),
            Err(error) => panic!("{error}"),
        }
    }
    assert_eq!(conflicts.len(), REGIONS.len() - 1);
    for name in conflicts {
        replicate(&*other, &primary.id, name).await;
    }
    let mut sorted = REGIONS;
    sorted.sort();
    let set = place(MultiRegionKeyType::Primary, "us-east-1", &sorted);
    let stored_primary = stored(&*one, &home(), &primary.id).await;
    assert_eq!(stored_primary.revision, 1 + REGIONS.len() as u64);
    assert_eq!(stored_primary.multi_region, set);
}

/// Whoever asks for a grant of one name gets the one grant there is, and it counts once.
#[tokio::test(flavor = "multi_thread")]
async fn a_grant_asked_for_by_many_is_one() {
    let (_folder, one, other) = two_stores().await;
    let key = with_key(&*one).await;
    let mut inserts = JoinSet::new();
    for number in 0..20 {
        let store = if number % 2 == 0 { one.clone() } else { other.clone() };
        let grant = Grant { name: Some("name".to_owned()), ..grant(number, &key) };
        inserts.spawn(async move { store.insert_grant(&grant, 2).await.unwrap() });
    }
    let grants = inserts.join_all().await;
    assert_eq!(one.grants_of_key(&home(), &key.id, None, None, 9).await.unwrap(), grants[..1]);
    assert!(grants.iter().all(|grant| *grant == grants[0]));
    other.insert_grant(&grant(99, &key), 2).await.unwrap();
    assert!(matches!(one.insert_grant(&grant(98, &key), 2).await, Err(StoreError::QuotaExceeded { current: 2 })));
}

/// A policy is deleted or attached, whoever is first: nothing ever refers to a policy that is gone.
#[tokio::test(flavor = "multi_thread")]
async fn a_policy_is_deleted_or_attached() {
    let (_folder, one, other) = two_stores().await;
    with_account(&*one).await;
    for number in 0..30 {
        let policy = policy(1, &format!("policy-{number}"));
        one.insert_policy(&policy, AMPLE).await.unwrap();
        let role = Role { policies: attached(&[&policy.arn()]), ..role(1, &format!("role-{number}")) };
        let deletion = one.delete_policy(&policy.account, &policy.policy_name, policy.revision);
        match tokio::join!(deletion, other.insert_role(&role, AMPLE)) {
            (Ok(()), Err(StoreError::NotFound)) | (Err(StoreError::Referenced), Ok(())) => {}
            outcome => panic!("{outcome:?}"),
        }
    }
}

/// Of many who ask for names that differ in their case alone, one gets his.
#[tokio::test(flavor = "multi_thread")]
async fn a_user_name_is_taken_once() {
    let (_folder, one, other) = two_stores().await;
    with_account(&*one).await;
    let mut inserts = JoinSet::new();
    for (number, name) in ["alice", "Alice", "aLice", "alIce", "alicE", "ALICE"].into_iter().enumerate() {
        let store = if number % 2 == 0 { one.clone() } else { other.clone() };
        inserts.spawn(async move { store.insert_user(&user(1, name), AMPLE).await });
    }
    let results = inserts.join_all().await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "{results:?}");
    let [_]: [User; 1] = one.users(&account_id(1), None, 9).await.unwrap().try_into().unwrap();
}
