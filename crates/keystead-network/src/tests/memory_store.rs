//! Documents in memory, with the guarantees of the port, and faults on demand.

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use keystead_core::port::{Document, DocumentKind, DocumentStore, StoreError, UniqueConstraint};
use keystead_model::arn::{AccountId, Region};

/// When a call is cut short.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Cut {
    /// Before anything is stored.
    Before,
    /// When it is stored, and the caller does not hear of it.
    After,
}

#[derive(Default)]
pub(crate) struct MemoryStore {
    documents: Mutex<BTreeMap<(&'static str, String), Document>>,
    /// The next change is cut short.
    cut: Mutex<Option<Cut>>,
    /// How many changes were stored.
    pub(crate) changes: AtomicUsize,
    /// The next so many updates find that another one was faster.
    pub(crate) conflicts: AtomicUsize,
}

impl MemoryStore {
    pub(crate) fn cut_next(&self, cut: Cut) {
        *self.cut.lock().unwrap() = Some(cut);
    }

    pub(crate) fn change_count(&self) -> usize {
        self.changes.load(Ordering::SeqCst)
    }

    /// All that is stored, to compare.
    pub(crate) fn contents(&self) -> Vec<Document> {
        self.documents.lock().unwrap().values().cloned().collect()
    }

    pub(crate) fn damage(&self) {
        for document in self.documents.lock().unwrap().values_mut() {
            document.body.truncate(document.body.len() / 2);
        }
    }

    fn change(
        &self,
        change: impl FnOnce(&mut BTreeMap<(&'static str, String), Document>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        let cut = self.cut.lock().unwrap().take();
        if cut == Some(Cut::Before) {
            return Err(StoreError::Engine("cut before".to_owned()));
        }
        change(&mut self.documents.lock().unwrap())?;
        self.changes.fetch_add(1, Ordering::SeqCst);
        match cut {
            Some(_) => Err(StoreError::Engine("cut after".to_owned())),
            None => Ok(()),
        }
    }
}

#[async_trait]
impl DocumentStore for MemoryStore {
    async fn insert_document(&self, document: &Document) -> Result<(), StoreError> {
        tokio::task::yield_now().await;
        self.change(|documents| {
            let key = (document.kind.as_str(), document.id.clone());
            if documents.contains_key(&key) {
                return Err(StoreError::Duplicate(UniqueConstraint::DocumentId));
            }
            documents.insert(key, document.clone());
            Ok(())
        })
    }

    async fn document(&self, kind: DocumentKind, id: &str) -> Result<Option<Document>, StoreError> {
        Ok(self.documents.lock().unwrap().get(&(kind.as_str(), id.to_owned())).cloned())
    }

    async fn documents(
        &self,
        kind: DocumentKind,
        account: &AccountId,
        region: &Region,
    ) -> Result<Vec<Document>, StoreError> {
        // So that tasks of a test get in one another's way.
        tokio::task::yield_now().await;
        let ours =
            |document: &Document| document.kind == kind && document.account == *account && document.region == *region;
        Ok(self.contents().into_iter().filter(ours).collect())
    }

    async fn all_documents(&self, kind: DocumentKind) -> Result<Vec<Document>, StoreError> {
        Ok(self.contents().into_iter().filter(|document| document.kind == kind).collect())
    }

    async fn update_document(&self, document: &Document) -> Result<(), StoreError> {
        tokio::task::yield_now().await;
        let conflict = self.conflicts.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1));
        if conflict.is_ok() {
            return Err(StoreError::Conflict);
        }
        self.change(|documents| {
            let stored = documents.get_mut(&(document.kind.as_str(), document.id.clone()));
            let stored = stored.filter(|stored| stored.revision == document.revision).ok_or(StoreError::Conflict)?;
            *stored = Document { revision: document.revision + 1, ..document.clone() };
            Ok(())
        })
    }

    async fn delete_document(&self, kind: DocumentKind, id: &str, revision: u64) -> Result<(), StoreError> {
        self.change(|documents| {
            let key = (kind.as_str(), id.to_owned());
            if documents.get(&key).is_none_or(|stored| stored.revision != revision) {
                return Err(StoreError::Conflict);
            }
            documents.remove(&key);
            Ok(())
        })
    }
}
