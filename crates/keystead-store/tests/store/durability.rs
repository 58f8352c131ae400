//! What was acknowledged is there after a restart, however the process ended.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::behaviour::fixtures::*;
use crate::behaviour::identity_fixtures::*;
use keystead_core::key_store::{ConnectionState, CustomKeyStore};
use keystead_core::port::{IdentityStore, JobKind, Store, StoreError};
use keystead_model::arn::KeyId;
use keystead_store::SqliteStore;

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystead.db");
    let store = SqliteStore::open(&path).await.unwrap();
    store.set_root_key_check(&sealed(1)).await.unwrap();
    let key = with_key(&store).await;
    store.insert_alias(&alias("a", &key), AMPLE).await.unwrap();
    let key_store = CustomKeyStore { connection: ConnectionState::Connecting, ..key_store(1) };
    store.insert_custom_key_store(&key_store, AMPLE).await.unwrap();
    store.start_connection_job(&key_store, JobKind::Connect, at(0)).await.unwrap();
    let policies = policies_and_groups(&store).await;
    let (alice, worker) = (full_user(&policies), full_role(&policies));
    store.insert_user(&alice, AMPLE).await.unwrap();
    store.insert_role(&worker, AMPLE).await.unwrap();
    let latest = store.latest_change().await.unwrap();
    store.close().await;
    assert!(matches!(store.accounts().await, Err(StoreError::Engine(_))), "a closed store says so");

    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.root_key_check().await.unwrap(), Some(sealed(1)));
    assert_eq!(store.accounts().await.unwrap(), [account(1)]);
    assert_eq!(store.key(&key.region, &key.id).await.unwrap().as_ref(), Some(&key));
    assert_eq!(store.aliases(&key.account, &key.region, None, None, 9).await.unwrap(), [alias("a", &key)]);
    let job = store.claim_connection_job("a", at(0), at(9)).await.unwrap().unwrap();
    assert_eq!(job.custom_key_store_id, key_store.id);
    assert_eq!(store.user(&account_id(1), "alice").await.unwrap(), Some(alice));
    assert_eq!(store.role(&account_id(1), "worker").await.unwrap(), Some(worker));
    assert_eq!(store.policy_references(&account_id(1), &policies[0]).await.unwrap().len(), 2);
    assert_error!(store.delete_group(&account_id(1), "admins", 1).await, StoreError::Referenced);
    assert_eq!(store.latest_change().await.unwrap(), latest);
}

/// The database and its log are for the owner alone.
#[tokio::test]
async fn others_cannot_read_the_files() {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("keystead.db")).await.unwrap();
    with_account(&store).await;
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.path()).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(entry.metadata().unwrap().permissions().mode() & 0o777, 0o600, "{:?}", entry.file_name());
        names.push(entry.file_name());
    }
    names.sort();
    assert_eq!(names, ["keystead.db", "keystead.db-shm", "keystead.db-wal"]);
}

const WRITER_DATABASE: &str = "KEYSTEAD_STORE_TEST_WRITER_DATABASE";
const ACKNOWLEDGED: &str = "acknowledged ";

/// The child of [`acknowledged_keys_survive_kill_9`]: adds keys for ever and tells each that was acknowledged.
#[tokio::test]
#[ignore = "run by acknowledged_keys_survive_kill_9 as a process of its own"]
async fn writer_process() {
    let Some(path) = std::env::var_os(WRITER_DATABASE) else {
        println!("skipped: {WRITER_DATABASE} is not set");
        return;
    };
    let store = SqliteStore::open(Path::new(&path)).await.unwrap();
    let first = store.key_ids(&account_id(1), &home(), None, usize::MAX).await.unwrap().len();
    for number in u32::try_from(first).unwrap()..u32::MAX {
        match store.insert_key(&key(number), AMPLE).await {
            Ok(()) => println!("\n{ACKNOWLEDGED}{}", key_id(number)),
            Err(error) => panic!("{error}"),
        }
    }
}

/// Kills a writer in full flight, several times over one database.
#[tokio::test]
async fn acknowledged_keys_survive_kill_9() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystead.db");
    let store = SqliteStore::open(&path).await.unwrap();
    with_account(&store).await;
    store.close().await;

    let mut acknowledged: Vec<KeyId> = Vec::new();
    for enough in [1, 40, 25] {
        acknowledged.extend(write_until_killed(&path, enough));
        let store = SqliteStore::open(&path).await.unwrap();
        for id in &acknowledged {
            assert!(store.key(&home(), id).await.unwrap().is_some(), "{id} was acknowledged and is lost");
        }
        // At most one more: committed, and killed before it could say so.
        let stored = store.key_ids(&account_id(1), &home(), None, usize::MAX).await.unwrap();
        assert_eq!(stored.len() as u64, store.latest_change().await.unwrap());
        store.close().await;
    }
}

/// Runs [`writer_process`], kills it once it has acknowledged `enough` keys, and gives all that it has acknowledged.
fn write_until_killed(path: &Path, enough: usize) -> Vec<KeyId> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "durability::writer_process", "--ignored", "--nocapture"])
        .env(WRITER_DATABASE, path)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut acknowledged = Vec::new();
    for line in BufReader::new(child.stdout.take().unwrap()).lines() {
        let line = line.unwrap();
        // The last line may be cut off: it does not parse then.
        acknowledged.extend(line.strip_prefix(ACKNOWLEDGED).and_then(KeyId::parse));
        if acknowledged.len() == enough {
            child.kill().unwrap();
        }
    }
    let status = child.wait().unwrap();
    assert!(acknowledged.len() >= enough, "the writer ended early: {status}");
    acknowledged
}
