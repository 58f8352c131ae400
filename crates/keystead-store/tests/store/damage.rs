//! What a disk, another program or another version leaves in the database's place is noticed and told, and never overwritten.

use std::fs;
use std::path::{Path, PathBuf};

use crate::behaviour::fixtures::*;
use crate::behaviour::identity_fixtures::*;
use keystead_core::key::{Grant, Key};
use keystead_core::port::{JobKind, Store, StoreError};
use keystead_model::arn::KeyId;
use keystead_store::{OpenError, SqliteStore};
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

/// A closed database with some of everything.
async fn database() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystead.db");
    let store = SqliteStore::open(&path).await.unwrap();
    fill(&store, 40).await;
    fill_with_other_keys(&store).await;
    store.close().await;
    (folder, path)
}

async fn fill(store: &dyn Store, keys: u32) {
    let key_store = with_key_store(store).await;
    store.start_connection_job(&key_store, JobKind::Connect, at(0)).await.unwrap();
    let policies = policies_and_groups(store).await;
    store.insert_user(&full_user(&policies), AMPLE).await.unwrap();
    store.insert_role(&full_role(&policies), AMPLE).await.unwrap();
    store.insert_oidc_provider(&oidc_provider(1, "issuer.example.com"), AMPLE).await.unwrap();
    store.insert_access_key(&access_key("AKIAA", 1, None), AMPLE).await.unwrap();
    store.record_access_key_uses(&[access_key_use("AKIAA", 1, "kms")]).await.unwrap();
    for number in 1..=keys {
        let key = Key { tags: vec![tag("a", "b")], ..key(number) };
        store.insert_key(&key, AMPLE).await.unwrap();
        store.insert_grant(&Grant { name: Some("name".to_owned()), ..grant(1, &key) }, AMPLE).await.unwrap();
        store.record_key_usages(&[last_usage(&key, "Encrypt", 1)]).await.unwrap();
        store.insert_alias(&alias(&format!("alias-{number}"), &key), AMPLE).await.unwrap();
    }
}

/// A key in HSMs, an imported one, and a multi-Region key with a replica: what the keys above do not have.
async fn fill_with_other_keys(store: &dyn Store) {
    let key_store = cloudhsm_key_store(2);
    store.insert_custom_key_store(&key_store, AMPLE).await.unwrap();
    store.insert_pending_backing_key(&pending_backing_key(50, &key_store)).await.unwrap();
    store.insert_key(&cloudhsm_key(50, &key_store), AMPLE).await.unwrap();
    store.insert_key(&imported_key(51, vec![imported(1, Some(9))]), AMPLE).await.unwrap();
    store.insert_key(&primary_key(52), AMPLE).await.unwrap();
    replicate(store, &multi_region_key_id(52), "eu-west-1").await;
}

/// Changes a database behind the store's back, as no constraint would let it.
async fn tamper(path: &Path, sql: &str) {
    let mut connection = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(false)
        .pragma("ignore_check_constraints", "ON")
        .connect()
        .await
        .unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

/// The text of the error: it names the file, says what, and says what to do. The file is as it was.
async fn refusal(path: &Path) -> OpenError {
    let before = fs::read(path).ok();
    let Err(error) = SqliteStore::open(path).await else {
        panic!("{} was opened", path.display());
    };
    assert_eq!(fs::read(path).ok(), before, "the file was changed");
    let text = error.to_string();
    assert!(text.contains(path.to_str().unwrap()), "{text}");
    let remedies = ["restore", "name another file", "start the newer", "check that", "try again"];
    assert!(remedies.iter().any(|remedy| text.contains(remedy)), "{text}");
    error
}

#[tokio::test]
async fn what_is_no_database() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystead.db");
    let noise: Vec<u8> = (0..20_000_u32).map(|number| (number.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let contents: [&[u8]; 5] = [b"", b"x", b"SQLite format 3\0", b"hello, this is a text file\n", &noise];
    for content in contents {
        fs::write(&path, content).unwrap();
        assert!(matches!(refusal(&path).await, OpenError::NotADatabase { .. }));
    }
}

#[tokio::test]
async fn a_database_of_another_program() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("other.db");
    for pragma in ["", "PRAGMA application_id = 252006674;"] {
        let options = SqliteConnectOptions::new().filename(&path).create_if_missing(true);
        let mut connection = options.connect().await.unwrap();
        let sql = format!("{pragma} CREATE TABLE IF NOT EXISTS accounts (id TEXT)");
        sqlx::raw_sql(&sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
        assert!(matches!(refusal(&path).await, OpenError::Foreign { .. }));
    }
}

#[tokio::test]
async fn a_schema_of_the_future() {
    let (_folder, path) = database().await;
    let sql = "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
        VALUES (999, 'future', TRUE, x'00', 0)";
    tamper(&path, sql).await;
    assert!(matches!(refusal(&path).await, OpenError::Newer { found: 999, .. }));
}

#[tokio::test]
async fn a_schema_that_is_not_ours() {
    let (_folder, path) = database().await;
    for sql in ["UPDATE _sqlx_migrations SET checksum = x'00'", "DROP TABLE _sqlx_migrations"] {
        tamper(&path, sql).await;
        assert!(matches!(refusal(&path).await, OpenError::Damaged { .. }));
    }
}

#[tokio::test]
async fn a_truncated_file() {
    let (_folder, path) = database().await;
    let whole = fs::read(&path).unwrap();
    for length in [whole.len() - 1, whole.len() / 2, 4096, 4095, 100] {
        fs::write(&path, &whole[..length]).unwrap();
        assert!(matches!(refusal(&path).await, OpenError::Damaged { .. }), "{length} bytes");
    }
    fs::write(&path, &whole[..99]).unwrap();
    assert!(matches!(refusal(&path).await, OpenError::NotADatabase { .. }));
}

/// Whichever page is overwritten, and whatever with, the next start notices.
#[tokio::test]
async fn an_overwritten_page() {
    let (_folder, path) = database().await;
    let whole = fs::read(&path).unwrap();
    let page_length = usize::from(u16::from_be_bytes([whole[16], whole[17]]));
    for page in 0..whole.len() / page_length {
        // The header has tests of its own.
        let first = if page == 0 { 100 } else { page * page_length };
        for byte in [0x00, 0xa5, 0xff] {
            let mut damaged = whole.clone();
            damaged[first..(page + 1) * page_length].fill(byte);
            fs::write(&path, damaged).unwrap();
            println!("page {page} of {} filled with {byte:#x}", whole.len() / page_length);
            let error = refusal(&path).await;
            assert!(matches!(error, OpenError::Damaged { .. }), "{error}");
        }
    }
}

#[tokio::test]
async fn a_log_without_its_database() {
    let (_folder, path) = database().await;
    let log = path.with_file_name("keystead.db-wal");
    fs::write(&log, b"left behind").unwrap();
    fs::remove_file(&path).unwrap();
    assert!(matches!(refusal(&path).await, OpenError::LogWithoutDatabase { .. }));
    assert!(!path.exists());
    assert_eq!(fs::read(&log).unwrap(), b"left behind");
}

#[tokio::test]
async fn no_folder_and_no_file() {
    let folder = tempfile::tempdir().unwrap();
    for path in [folder.path().join("missing/keystead.db"), folder.path().to_owned()] {
        assert!(matches!(refusal(&path).await, OpenError::Io { .. }));
    }
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

/// Values that no constraint would let in are refused at the start, and reported by table and record when they turn up later.
#[tokio::test]
async fn rows_that_make_no_sense() {
    let of_key = |table: &'static str, id: KeyId| format!("table {table}, record us-east-1 {id}");
    let first_key = of_key("kms_keys", key_id(1));
    let material = of_key("key_materials", key_id(1));
    let grant = of_key("grants", key_id(1));
    let alias = "table aliases, record 000000000001 us-east-1 alias/alias-1".to_owned();
    let key_store = format!("record {}", key_store_id(1));
    let account = "record 000000000001, ".to_owned();
    let access_key = "record AKIAA, ".to_owned();
    let alice = "record 000000000001 alice, ".to_owned();
    let admins = "record 000000000001 admins, ".to_owned();
    let worker = "record 000000000001 worker, ".to_owned();
    let policy = "record 000000000001 one, ".to_owned();
    let provider = "record 000000000001 issuer.example.com, ".to_owned();
    let reference = "record 000000000001 USER alice, ".to_owned();
    let table = [
        ("kms_keys SET status = 'Melted'", &first_key),
        ("kms_keys SET created = 'yesterday'", &first_key),
        ("kms_keys SET created = 9223372036854775807", &first_key),
        ("kms_keys SET origin = 'EXTERNAL_KEY_STORE'", &first_key),
        ("kms_keys SET key_spec = 'AES_512'", &first_key),
        ("kms_keys SET key_usage = 'DANCE'", &first_key),
        ("kms_keys SET status = 'PendingReplicaDeletion'", &first_key),
        ("kms_keys SET multi_region_key_type = 'REPLICA'", &first_key),
        ("kms_keys SET transition = 'Updating'", &first_key),
        ("kms_keys SET next_rotation_date = 1", &first_key),
        ("kms_keys SET on_demand_rotation_count = -1", &first_key),
        ("kms_keys SET revision = -1", &first_key),
        ("kms_keys SET policy_principals = '[]'", &first_key),
        ("kms_keys SET policy_principals = '{\"a\":1}'", &first_key),
        ("key_materials SET material_id = x'00'", &material),
        ("key_materials SET state = 'MELTED'", &material),
        ("key_materials SET material_description = 'of nothing'", &material),
        ("key_materials SET rotation_date = 1", &material),
        ("key_materials SET ordinal = 1", &material),
        ("key_materials SET state = 'NON_CURRENT'", &first_key),
        ("key_materials SET sealed_material = NULL", &first_key),
        ("grants SET id = x'00'", &grant),
        ("grants SET operations = '[\"Dance\"]'", &grant),
        ("grants SET operations = 'Encrypt'", &grant),
        ("grants SET grantee_id = x'00'", &grant),
        ("grants SET retiring_principal_id = x'00'", &grant),
        ("grants SET encryption_context_equals = '{'", &grant),
        ("key_last_usages SET used = -1", &of_key("key_last_usages", key_id(1))),
        ("aliases SET target_key_id = 'nothing'", &alias),
        ("custom_key_stores SET connection_state = 'FAILED'", &key_store),
        ("connection_jobs SET kind = 'DANCE'", &key_store),
        ("accounts SET sessions_revoked_before = -1", &account),
        ("access_keys SET status = 'Sleepy'", &access_key),
        ("access_key_uses SET used = -1", &access_key),
        ("users SET tags = '[]'", &alice),
        ("users SET inline_policies = '{'", &alice),
        ("users SET managed_policies = '{}'", &alice),
        ("users SET group_names = 'admins'", &alice),
        ("users SET sessions_revoked_before = -1", &alice),
        ("users SET revision = -1", &alice),
        ("iam_groups SET inline_policies = '[]'", &admins),
        ("iam_groups SET created = -1", &admins),
        ("iam_roles SET max_session_duration = -1", &worker),
        ("iam_roles SET tags = ''", &worker),
        ("iam_roles SET managed_policies = '[1]'", &worker),
        ("iam_roles SET trust_policy_principals = 'a'", &worker),
        ("iam_policies SET versions = '[]'", &policy),
        ("iam_policies SET versions = '[{}]'", &policy),
        ("iam_policies SET versions = '[{\"number\":1,\"created\":-1,\"document\":\"\"}]'", &policy),
        ("iam_policies SET default_version = 7", &policy),
        ("iam_policies SET next_version = 0.5", &policy),
        ("oidc_providers SET client_ids = 'a'", &provider),
        ("oidc_providers SET thumbprints = '[1]'", &provider),
        ("iam_references SET attached = -1", &reference),
    ];
    for (sql, record) in table {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keystead.db");
        let store = SqliteStore::open(&path).await.unwrap();
        fill(&store, 1).await;
        tamper(&path, &format!("UPDATE {sql}")).await;
        let error = read_everything(&store).await.expect_err(sql);
        let StoreError::Damaged(what) = &error else { panic!("{sql}: {error:?}") };
        let table = sql.split(' ').next().unwrap();
        assert!(what.contains(record.as_str()) && what.contains(", column "), "{sql}: {what}");
        assert!(what.contains(&format!("table {table}, ")) || FOUND_IN_THE_KEY.contains(&sql), "{sql}: {what}");
        store.close().await;
        let refused = refusal_by_constraint(sql);
        let reopened = SqliteStore::open(&path).await;
        assert_eq!(reopened.is_err(), refused, "{sql}: {:?}", reopened.err());
    }
}

/// What is wrong with all materials of a key together is told of the key.
const FOUND_IN_THE_KEY: [&str; 2] =
    ["key_materials SET state = 'NON_CURRENT'", "key_materials SET sealed_material = NULL"];

/// What the schema's CHECK constraints cannot say is found when the row is read, and not at the start.
fn refusal_by_constraint(sql: &str) -> bool {
    let not_said = [
        "SET ordinal",
        "SET operations",
        "SET encryption_context",
        "SET target_key_id",
        "SET policy_principals",
        "SET trust_policy_principals",
        "SET grantee_id",
        "SET retiring_principal_id",
        "SET tags",
        "SET inline_policies",
        "SET managed_policies",
        "SET group_names",
        "SET versions",
        "SET default_version",
        "SET client_ids",
        "SET thumbprints",
    ];
    !FOUND_IN_THE_KEY.contains(&sql) && !not_said.iter().any(|column| sql.contains(column))
}

async fn read_everything(store: &dyn Store) -> Result<(), StoreError> {
    store.accounts().await?;
    store.access_keys(&account_id(1)).await?;
    store.access_key_use("AKIAA").await?;
    read_identities(store).await?;
    store.custom_key_stores(&account_id(1), &home(), None, 9).await?;
    store.aliases(&account_id(1), &home(), None, None, 1).await?;
    store.key(&home(), &key_id(1)).await?;
    store.grants_of_key(&home(), &key_id(1), None, None, 1).await?;
    store.key_last_usage(&home(), &key_id(1)).await?;
    store.claim_connection_job("a", at(0), at(9)).await.map(drop)
}

async fn read_identities(store: &dyn Store) -> Result<(), StoreError> {
    store.users(&account_id(1), None, 9).await?;
    store.groups(&account_id(1), None, 9).await?;
    store.roles(&account_id(1), None, 9).await?;
    store.policies(&account_id(1), None, 9).await?;
    store.oidc_providers(&account_id(1)).await?;
    store.policy_references(&account_id(1), ADMINISTRATOR_ACCESS).await.map(drop)
}

/// A multi-Region set without its primary key is told of each of its keys.
#[tokio::test]
async fn a_set_without_a_primary_key() {
    let (_folder, path) = database().await;
    tamper(&path, "UPDATE kms_keys SET multi_region_key_type = 'REPLICA' WHERE multi_region_key_type = 'PRIMARY'")
        .await;
    let store = SqliteStore::open(&path).await.unwrap();
    let id = multi_region_key_id(52);
    for name in ["us-east-1", "eu-west-1"] {
        let Err(StoreError::Damaged(what)) = store.key(&region(name), &id).await else { panic!("{name} was read") };
        assert!(what.contains(&format!("record {name} {id}, column multi_region_key_type")), "{what}");
    }
    store.close().await;
}
