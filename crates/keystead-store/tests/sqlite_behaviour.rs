//! The behaviour of the Store port, over SQLite.
#![allow(missing_docs, unreachable_pub, clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod behaviour;

use keystead_core::port::Store;
use keystead_store::SqliteStore;
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
