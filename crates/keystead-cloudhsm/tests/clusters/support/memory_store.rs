//! A document store in memory, that can end a server's life at any write.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use keystead_core::port::{Document, DocumentKind, DocumentStore, StoreError, UniqueConstraint};
use keystead_model::arn::{AccountId, Region};
use tokio::sync::watch;

/// What survives a server.
#[derive(Default)]
pub(crate) struct Disk(Mutex<BTreeMap<(&'static str, String), Document>>);

impl Disk {
    /// The same documents, changed on the way.
    pub(crate) fn copy(&self) -> Self {
        Self(Mutex::new(self.0.lock().unwrap().clone()))
    }
}

/// When a server's life ends, in writes.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Death {
    Never,
    /// Instead of write number n, counted from 0.
    Before(u32),
    /// Once write number n is done, before anybody hears of it.
    After(u32),
}

/// The store as one server sees it. Once it is dead, no call comes back.
pub(crate) struct MemoryStore {
    disk: Arc<Disk>,
    death: Death,
    writes: Mutex<u32>,
    dead: watch::Sender<bool>,
}

impl MemoryStore {
    pub(crate) fn over(disk: Arc<Disk>, death: Death) -> Arc<Self> {
        Arc::new(Self { disk, death, writes: Mutex::default(), dead: watch::Sender::new(false) })
    }

    /// Everything that is stored.
    pub(crate) async fn text(&self) -> String {
        self.read(|documents| documents.values().map(|document| document.body.clone()).collect()).await
    }

    /// Waits for the end of the server's life.
    pub(crate) async fn died(&self) {
        self.dead.subscribe().wait_for(|dead| *dead).await.unwrap();
    }

    pub(crate) fn is_dead(&self) -> bool {
        *self.dead.borrow()
    }

    async fn read<T>(&self, read: impl FnOnce(&BTreeMap<(&'static str, String), Document>) -> T) -> T {
        if self.is_dead() {
            std::future::pending::<()>().await;
        }
        read(&self.disk.0.lock().unwrap())
    }

    async fn write(
        &self,
        write: impl FnOnce(&mut BTreeMap<(&'static str, String), Document>) -> Result<(), StoreError>,
    ) -> Result<(), StoreError> {
        if let Some(written) = self.write_unless_dead(write) {
            return written;
        }
        std::future::pending().await
    }

    fn write_unless_dead(
        &self,
        write: impl FnOnce(&mut BTreeMap<(&'static str, String), Document>) -> Result<(), StoreError>,
    ) -> Option<Result<(), StoreError>> {
        let mut writes = self.writes.lock().unwrap();
        if self.is_dead() {
            return None;
        }
        if self.death == Death::Before(*writes) {
            self.dead.send_replace(true);
            return None;
        }
        let written = write(&mut self.disk.0.lock().unwrap());
        if self.death == Death::After(*writes) {
            self.dead.send_replace(true);
            return None;
        }
        // A write that is refused is none.
        *writes += u32::from(written.is_ok());
        Some(written)
    }
}

fn key(kind: DocumentKind, id: &str) -> (&'static str, String) {
    (kind.as_str(), id.to_owned())
}

#[async_trait]
impl DocumentStore for MemoryStore {
    async fn insert_document(&self, document: &Document) -> Result<(), StoreError> {
        let document = document.clone();
        self.write(|documents| {
            let key = key(document.kind, &document.id);
            if documents.contains_key(&key) {
                return Err(StoreError::Duplicate(UniqueConstraint::DocumentId));
            }
            documents.insert(key, document);
            Ok(())
        })
        .await
    }

    async fn document(&self, kind: DocumentKind, id: &str) -> Result<Option<Document>, StoreError> {
        Ok(self.read(|documents| documents.get(&key(kind, id)).cloned()).await)
    }

    async fn documents(
        &self,
        kind: DocumentKind,
        account: &AccountId,
        region: &Region,
    ) -> Result<Vec<Document>, StoreError> {
        let all = self.all_documents(kind).await?;
        Ok(all.into_iter().filter(|document| document.account == *account && document.region == *region).collect())
    }

    async fn all_documents(&self, kind: DocumentKind) -> Result<Vec<Document>, StoreError> {
        Ok(self.read(|documents| documents.values().filter(|it| it.kind == kind).cloned().collect()).await)
    }

    async fn update_document(&self, document: &Document) -> Result<(), StoreError> {
        let document = document.clone();
        self.write(|documents| match documents.get_mut(&key(document.kind, &document.id)) {
            Some(there) if there.revision == document.revision => {
                *there = Document { revision: document.revision + 1, ..document };
                Ok(())
            }
            _ => Err(StoreError::Conflict),
        })
        .await
    }

    async fn delete_document(&self, kind: DocumentKind, id: &str, revision: u64) -> Result<(), StoreError> {
        self.write(|documents| {
            let key = key(kind, id);
            if documents.get(&key).is_none_or(|there| there.revision != revision) {
                return Err(StoreError::Conflict);
            }
            documents.remove(&key);
            Ok(())
        })
        .await
    }
}
