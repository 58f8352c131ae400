//! Clusters and backups in the document store, as values.

use std::sync::Arc;

use keystead_core::port::{Document, DocumentKind, DocumentStore, StoreError};
use keystead_model::arn::{AccountId, Region};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// How often a change is tried again because another one came first. Changes of one aggregate are few: who loses so often meets a bug.
const ATTEMPTS_MAX: u32 = 64;

/// What a document holds.
pub(crate) trait Aggregate: Serialize + DeserializeOwned + Send + Sync {
    const KIND: DocumentKind;

    fn id(&self) -> &str;
}

/// A value as it was read, with the revision that it had.
#[derive(Clone, Debug)]
pub(crate) struct Stored<T> {
    pub(crate) value: T,
    pub(crate) account: AccountId,
    revision: u64,
}

/// The documents of this Region.
pub(crate) struct Records {
    store: Arc<dyn DocumentStore>,
    region: Region,
}

impl Records {
    pub(crate) fn new(store: Arc<dyn DocumentStore>, region: Region) -> Self {
        Self { store, region }
    }

    pub(crate) fn region(&self) -> &Region {
        &self.region
    }

    pub(crate) async fn insert<T: Aggregate>(&self, account: &AccountId, value: &T) -> Result<(), StoreError> {
        self.store.insert_document(&self.document(account, value, 0)?).await
    }

    /// One value; `None` also where it is another account's or Region's, so that nobody learns of it.
    pub(crate) async fn get<T: Aggregate>(
        &self,
        account: &AccountId,
        id: &str,
    ) -> Result<Option<Stored<T>>, StoreError> {
        let document = self.store.document(T::KIND, id).await?;
        let own = document.filter(|found| found.account == *account && found.region == self.region);
        own.map(read).transpose()
    }

    /// One value, whoever owns it: for the operator, and for what happens by itself.
    pub(crate) async fn find<T: Aggregate>(&self, id: &str) -> Result<Option<Stored<T>>, StoreError> {
        let document = self.store.document(T::KIND, id).await?;
        document.filter(|found| found.region == self.region).map(read).transpose()
    }

    /// All of an account.
    pub(crate) async fn list<T: Aggregate>(&self, account: &AccountId) -> Result<Vec<Stored<T>>, StoreError> {
        self.store.documents(T::KIND, account, &self.region).await?.into_iter().map(read).collect()
    }

    /// All of every account. One that is damaged is reported and left out, so that it stops nobody else's work.
    pub(crate) async fn all<T: Aggregate>(&self) -> Result<Vec<Stored<T>>, StoreError> {
        let documents = self.store.all_documents(T::KIND).await?;
        let own = documents.into_iter().filter(|document| document.region == self.region);
        let readable =
            |result: Result<_, StoreError>| result.inspect_err(|error| tracing::error!(%error, "left out")).ok();
        Ok(own.filter_map(|document| readable(read(document))).collect())
    }

    /// Reads, changes and stores, again from the start whenever another change came first. `change` may be called several times, and says
    /// no with an error of its own.
    ///
    /// `None` if there is no such value.
    pub(crate) async fn change<T, R, E>(
        &self,
        account: &AccountId,
        id: &str,
        mut change: impl FnMut(&mut T) -> Result<R, E> + Send,
    ) -> Result<Option<(T, R)>, E>
    where
        T: Aggregate,
        E: From<StoreError>,
    {
        for _ in 0..ATTEMPTS_MAX {
            let Some(mut stored) = self.get::<T>(account, id).await? else { return Ok(None) };
            let result = change(&mut stored.value)?;
            match self.replace(&stored).await {
                Ok(()) => return Ok(Some((stored.value, result))),
                Err(StoreError::Conflict) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Err(StoreError::Conflict.into())
    }

    /// Stores the value over the revision that was read; `Conflict` if there is a newer one.
    pub(crate) async fn replace<T: Aggregate>(&self, stored: &Stored<T>) -> Result<(), StoreError> {
        self.store.update_document(&self.document(&stored.account, &stored.value, stored.revision)?).await
    }

    pub(crate) async fn delete<T: Aggregate>(&self, stored: &Stored<T>) -> Result<(), StoreError> {
        self.store.delete_document(T::KIND, stored.value.id(), stored.revision).await
    }

    fn document<T: Aggregate>(&self, account: &AccountId, value: &T, revision: u64) -> Result<Document, StoreError> {
        let body = serde_json::to_string(value)
            .map_err(|error| StoreError::Engine(format!("{} cannot be written as JSON: {error}", value.id())))?;
        Ok(Document {
            kind: T::KIND,
            id: value.id().to_owned(),
            account: *account,
            region: self.region.clone(),
            body,
            revision,
        })
    }
}

fn read<T: Aggregate>(document: Document) -> Result<Stored<T>, StoreError> {
    let value = serde_json::from_str(&document.body)
        .map_err(|error| StoreError::Damaged(format!("{} {}: {error}", document.kind.as_str(), document.id)))?;
    Ok(Stored { value, account: document.account, revision: document.revision })
}
