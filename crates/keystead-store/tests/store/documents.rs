//! The DocumentStore port on SQLite.

use crate::behaviour::fixtures::*;
use keystead_core::port::{Document, DocumentKind, DocumentStore, Store, StoreError, UniqueConstraint};
use keystead_store::SqliteStore;
use tempfile::TempDir;

async fn store() -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let store = SqliteStore::open(&folder.path().join("keystead.db")).await.unwrap();
    store.insert_account(&account(1)).await.unwrap();
    (folder, store)
}

#[tokio::test]
async fn a_document_comes_back_as_it_was_stored() {
    let (_folder, store) = store().await;
    for kind in DocumentKind::ALL {
        let document = Document { body: "{\"ä\": \"'x'\"}".to_owned(), revision: 7, ..document(kind, "one") };
        store.insert_document(&document).await.unwrap();
        assert_eq!(store.document(kind, "one").await.unwrap(), Some(document.clone()));
        assert_eq!(store.document(kind, "two").await.unwrap(), None);
        let twice = store.insert_document(&document).await;
        assert_error!(twice, StoreError::Duplicate(UniqueConstraint::DocumentId));
    }
    let nobodys = Document { account: account_id(7), ..document(DocumentKind::Vpc, "two") };
    assert_error!(store.insert_document(&nobodys).await, StoreError::NotFound);
}

#[tokio::test]
async fn a_change_needs_the_revision_that_was_read() {
    let (_folder, store) = store().await;
    let document = document(DocumentKind::HsmCluster, "one");
    store.insert_document(&document).await.unwrap();
    let changed = Document { body: "changed".to_owned(), ..document.clone() };
    store.update_document(&changed).await.unwrap();
    assert_error!(store.update_document(&document).await, StoreError::Conflict);
    assert_error!(store.delete_document(document.kind, "one", 1).await, StoreError::Conflict);
    let stored = store.document(document.kind, "one").await.unwrap();
    assert_eq!(stored, Some(Document { revision: 2, ..changed.clone() }));
    let of_another_kind = Document { kind: DocumentKind::HsmBackup, revision: 2, ..changed.clone() };
    assert_error!(store.update_document(&of_another_kind).await, StoreError::Conflict);
    store.delete_document(document.kind, "one", 2).await.unwrap();
    assert_error!(store.update_document(&Document { revision: 2, ..changed }).await, StoreError::Conflict);
    assert_eq!(store.document(document.kind, "one").await.unwrap(), None);
}

#[tokio::test]
async fn documents_are_listed_by_id() {
    let (_folder, store) = store().await;
    store.insert_account(&account(2)).await.unwrap();
    let kind = DocumentKind::Vpc;
    let (a, b) = (document(kind, "a"), document(kind, "b"));
    let foreign = Document { account: account_id(2), ..document(kind, "c") };
    let elsewhere = Document { region: region("eu-west-1"), ..document(kind, "d") };
    let other_kind = document(DocumentKind::HsmBackup, "a");
    for document in [&b, &elsewhere, &a, &other_kind, &foreign] {
        store.insert_document(document).await.unwrap();
    }
    assert_eq!(store.documents(kind, &account_id(1), &home()).await.unwrap(), [a.clone(), b.clone()]);
    assert_eq!(store.all_documents(kind).await.unwrap(), [a, b, foreign, elsewhere]);
    assert_eq!(store.all_documents(DocumentKind::HsmCluster).await.unwrap(), []);
}
