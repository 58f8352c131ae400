//! The behaviour of the Store port, over SQLite.

use std::path::Path;

use crate::behaviour::fixtures::{self, *};
use keystead_core::key::{Key, MaterialState};
use keystead_core::port::Store;
use keystead_store::SqliteStore;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

struct Fresh {
    store: SqliteStore,
    _folder: TempDir,
}

impl Fresh {
    fn store(&self) -> &dyn Store {
        &self.store
    }
}

async fn fresh() -> Fresh {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("keystead.db")).await.unwrap();
    Fresh { store, _folder: folder }
}

for_each_case!(fresh);

/// The rows of a key's tags and materials: SQLite numbers each row that it writes anew.
async fn row_numbers(path: &Path) -> Vec<i64> {
    let mut connection = SqliteConnectOptions::new().filename(path).read_only(true).connect().await.unwrap();
    let mut numbers = Vec::new();
    for table in ["key_materials", "key_tags"] {
        let query = format!("SELECT rowid FROM {table} WHERE key_id = '{}' ORDER BY ordinal", key_id(1));
        numbers.extend(sqlx::query_scalar::<_, i64>(&query).fetch_all(&mut connection).await.unwrap());
    }
    connection.close().await.unwrap();
    numbers
}

/// Whoever changes a description does not pay for the key's materials and tags.
#[tokio::test]
async fn an_update_writes_what_differs_only() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("keystead.db");
    let store = SqliteStore::open(&path).await.unwrap();
    with_account(&store).await;
    let key = Key {
        tags: vec![tag("a", "b")],
        materials: vec![material_in(1, MaterialState::NonCurrent), material(2)],
        ..key(1)
    };
    store.insert_key(&key, AMPLE).await.unwrap();
    store.insert_key(&Key { tags: vec![tag("a", "b")], ..fixtures::key(2) }, AMPLE).await.unwrap();
    let before = row_numbers(&path).await;
    store.update_key(&Key { description: "another".to_owned(), ..key.clone() }).await.unwrap();
    assert_eq!(row_numbers(&path).await, before);

    let materials = vec![key.materials[0].clone(), material(3)];
    store.update_key(&Key { materials, tags: Vec::new(), revision: 2, ..key }).await.unwrap();
    let after = row_numbers(&path).await;
    assert_eq!((after.len(), after[0]), (2, before[0]));
    assert_ne!(after[1], before[1]);
}
