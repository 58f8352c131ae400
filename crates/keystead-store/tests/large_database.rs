//! A database that is too large to be checked before it is opened: what is damaged is still found before anything is written to it.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod behaviour;
mod older_schema;

use std::fs;
use std::path::{Path, PathBuf};

use behaviour::fixtures::*;
use keystead_core::port::{Store, StoreError};
use keystead_store::{OpenError, SqliteStore};
use older_schema::{connect, run, version_2};
use sqlx::Connection;
use tempfile::TempDir;

/// What is larger is opened before it is checked.
const CHECKED_FIRST_BYTES_MAX: u64 = 64 << 20;

/// A closed database with one key.
async fn large_database() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystead.db");
    let store = SqliteStore::open(&path).await.unwrap();
    with_key(&store).await;
    store.close().await;
    make_large(&path).await;
    (folder, path)
}

/// Fills a database with 70 documents of a megabyte, and changes it as no constraint would let it.
async fn make_large(path: &Path) {
    let sql = "WITH RECURSIVE series (number) AS (SELECT 1 UNION ALL SELECT number + 1 FROM series WHERE number < 70)
        INSERT INTO documents (kind, id, account, region, body, revision)
        SELECT 'VPC', 'large-' || number, '000000000001', 'us-east-1', hex(zeroblob(500000)), 1 FROM series";
    tamper(path, sql).await;
    assert!(fs::metadata(path).unwrap().len() > CHECKED_FIRST_BYTES_MAX);
}

async fn tamper(path: &Path, sql: &str) {
    let mut connection = connect(path).await;
    run(&mut connection, "PRAGMA ignore_check_constraints = ON").await;
    run(&mut connection, sql).await;
    connection.close().await.unwrap();
}

fn overwrite_last_page(path: &Path) {
    let mut bytes = fs::read(path).unwrap();
    let first = bytes.len() - 4096;
    bytes[first..].fill(0xa5);
    fs::write(path, bytes).unwrap();
}

#[tokio::test]
async fn one_that_is_sound_is_used_as_any_other() {
    let (_folder, path) = large_database().await;
    let store = SqliteStore::open(&path).await.unwrap();
    assert_eq!(store.key(&home(), &key_id(1)).await.unwrap(), Some(key(1)));
    store.insert_key(&key(2), AMPLE).await.unwrap();
    store.checked().await.unwrap();
    assert_eq!(store.key(&home(), &key_id(2)).await.unwrap(), Some(key(2)));
    store.close().await;
}

#[tokio::test]
async fn nothing_is_written_to_one_that_is_damaged() {
    let (_folder, path) = large_database().await;
    let whole = fs::read(&path).unwrap();
    for damage in ["a page", "a row"] {
        fs::write(&path, &whole).unwrap();
        match damage {
            "a page" => overwrite_last_page(&path),
            _ => tamper(&path, "UPDATE documents SET revision = -1 WHERE id = 'large-70'").await,
        }
        let damaged = fs::read(&path).unwrap();
        let store = SqliteStore::open(&path).await.unwrap();
        let written = store.insert_key(&key(2), AMPLE).await;
        let Err(StoreError::Damaged(what)) = written else { panic!("{damage}: {written:?}") };
        assert!(what.contains("restore it from a backup"), "{what}");
        let Err(error @ OpenError::Damaged { .. }) = store.checked().await else { panic!("{damage} was not found") };
        assert!(error.to_string().contains(path.to_str().unwrap()), "{error}");
        // Nor is anything read that may be wrong.
        let read = store.key(&home(), &key_id(1)).await;
        assert!(matches!(read, Err(StoreError::Damaged(_))), "{damage}: {read:?}");
        store.close().await;
        assert!(fs::read(&path).unwrap() == damaged, "the file was changed");
    }
}

/// A migration writes: whatever its size, a database is checked before it.
#[tokio::test]
async fn one_of_an_older_version_is_checked_before_it_is_opened() {
    let (_folder, path) = version_2::database().await;
    make_large(&path).await;
    let whole = fs::read(&path).unwrap();
    tamper(&path, "UPDATE documents SET revision = -1 WHERE id = 'large-70'").await;
    let damaged = fs::read(&path).unwrap();
    assert!(matches!(SqliteStore::open(&path).await, Err(OpenError::Damaged { .. })));
    assert!(fs::read(&path).unwrap() == damaged, "the file was changed");
    fs::write(&path, &whole).unwrap();
    let store = SqliteStore::open(&path).await.unwrap();
    store.checked().await.unwrap();
    version_2::is_all_there(&store).await;
    store.close().await;
}

/// The end of a process does not wait for the check, and is an orderly one.
#[tokio::test]
async fn one_that_is_closed_is_checked_no_further() {
    let (folder, path) = large_database().await;
    let store = SqliteStore::open(&path).await.unwrap();
    store.close().await;
    store.checked().await.unwrap();
    assert!(matches!(store.insert_key(&key(2), AMPLE).await, Err(StoreError::Engine(_))));
    let left: Vec<_> = fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["keystead.db"]);
}
