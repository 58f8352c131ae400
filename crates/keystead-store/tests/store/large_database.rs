//! A database that is too large to be checked before it is opened: what is damaged is still found before anything is written to it.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use crate::behaviour::fixtures::*;
use crate::older_schema::{connect, run, version_2};
use keystead_core::key::{Grant, Key};
use keystead_core::port::{Store, StoreError};
use keystead_store::{OpenError, SqliteStore};
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

/// As many keys as an account may have in a Region, each with an alias, two tags, a policy and two grants: copies of the first.
async fn fill_up(path: &Path, keys: u32) {
    let series = format!("WITH RECURSIVE s (n) AS (SELECT 2 UNION ALL SELECT n + 1 FROM s WHERE n < {keys})");
    let id = "printf('%08x-0000-4000-8000-000000000000', s.n)";
    let mut copies = Vec::new();
    let mut connection = connect(path).await;
    for (table, owner) in [
        ("kms_keys", "id"),
        ("key_materials", "key_id"),
        ("key_tags", "key_id"),
        ("aliases", "target_key_id"),
        ("grants", "key_id"),
    ] {
        let query = format!("SELECT name FROM pragma_table_info('{table}')");
        let columns: Vec<String> = sqlx::query_scalar(&query).fetch_all(&mut connection).await.unwrap();
        let value = |column: &String| match column.as_str() {
            column if column == owner => id.to_owned(),
            "name" if table == "aliases" => "'alias/copy-' || s.n".to_owned(),
            // Random, as IDs and sealed bytes are.
            "id" | "fingerprint" if table == "grants" => "randomblob(32)".to_owned(),
            "sealed_material" => "randomblob(61)".to_owned(),
            column => format!("t.{column}"),
        };
        let values = columns.iter().map(value).collect::<Vec<_>>().join(", ");
        copies.push(format!(
            "{series} INSERT INTO {table} SELECT {values} FROM s CROSS JOIN {table} t WHERE t.{owner} = '{}'",
            key_id(1)
        ));
    }
    for copy in copies {
        run(&mut connection, &copy).await;
    }
    run(&mut connection, &format!("UPDATE kms_key_counts SET key_count = {keys}")).await;
    connection.close().await.unwrap();
}

/// What a full store costs: a start, the check beside it, a list, and a lookup. Prints what it measures.
#[tokio::test(flavor = "multi_thread")]
#[ignore = "a measurement, with a file of 300 MB"]
async fn a_hundred_thousand_keys() {
    const KEYS: u32 = 100_000;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystead.db");
    let store = SqliteStore::open(&path).await.unwrap();
    with_account(&store).await;
    let first = Key { tags: vec![tag("a", "b"), tag("c", "d")], policy: "p".repeat(500), ..key(1) };
    store.insert_key(&first, AMPLE).await.unwrap();
    store.insert_alias(&alias("a", &first), AMPLE).await.unwrap();
    for number in [1, 2] {
        let retiring_principal = Some("arn:aws:iam::000000000001:role/retiring".to_owned());
        store
            .insert_grant(
                &Grant { name: Some(format!("grant {number}")), retiring_principal, ..grant(number, &first) },
                AMPLE,
            )
            .await
            .unwrap();
    }
    store.close().await;
    fill_up(&path, KEYS).await;
    println!("the file has {} bytes", fs::metadata(&path).unwrap().len());

    let begin = Instant::now();
    let store = SqliteStore::open(&path).await.unwrap();
    println!("opened in {:?}", begin.elapsed());
    let begin = Instant::now();
    assert_eq!(store.key_ids(&account_id(1), &home(), Some(&key_id(50_000)), 100).await.unwrap().len(), 100);
    let found = store.key(&home(), &key_id(77_777)).await.unwrap().unwrap();
    assert_eq!((&found.tags, found.materials.len()), (&first.tags, 1));
    assert_eq!(store.grants_of_key(&home(), &key_id(77_777), None, None, 9).await.unwrap().len(), 2);
    println!("listed and looked up in {:?}", begin.elapsed());
    let begin = Instant::now();
    let full = store.insert_key(&key(KEYS + 1), u64::from(KEYS)).await;
    assert!(matches!(full, Err(StoreError::QuotaExceeded { current }) if current == u64::from(KEYS)));
    println!("checked, and refused a key, in {:?}", begin.elapsed());
    let begin = Instant::now();
    store.update_key(&Key { description: "another".to_owned(), ..first }).await.unwrap();
    store.delete_key(&home(), &key_id(2), 1).await.unwrap();
    println!("updated one and deleted one in {:?}", begin.elapsed());
    store.close().await;
}
