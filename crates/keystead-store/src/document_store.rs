//! The [`DocumentStore`] port. What each mutation does is in `documents`.

use async_trait::async_trait;
use keystead_core::port::{Document, DocumentKind, DocumentStore, StoreError};
use keystead_model::arn::{AccountId, Region};

use crate::{SqliteStore, documents};

#[async_trait]
impl DocumentStore for SqliteStore {
    async fn insert_document(&self, document: &Document) -> Result<(), StoreError> {
        let document = document.clone();
        self.write(move |connection| Box::pin(async move { documents::insert(connection, &document).await })).await
    }

    async fn document(&self, kind: DocumentKind, id: &str) -> Result<Option<Document>, StoreError> {
        let id = id.to_owned();
        self.read(move |connection| Box::pin(async move { documents::get(connection, kind, &id).await })).await
    }

    async fn documents(
        &self,
        kind: DocumentKind,
        account: &AccountId,
        region: &Region,
    ) -> Result<Vec<Document>, StoreError> {
        let account = *account;
        let region = region.clone();
        self.read(move |connection| {
            Box::pin(async move { documents::of_account(connection, kind, &account, &region).await })
        })
        .await
    }

    async fn all_documents(&self, kind: DocumentKind) -> Result<Vec<Document>, StoreError> {
        self.read(move |connection| Box::pin(documents::of_kind(connection, kind))).await
    }

    async fn update_document(&self, document: &Document) -> Result<(), StoreError> {
        let document = document.clone();
        self.write(move |connection| Box::pin(async move { documents::update(connection, &document).await })).await
    }

    async fn delete_document(&self, kind: DocumentKind, id: &str, revision: u64) -> Result<(), StoreError> {
        let id = id.to_owned();
        self.write(move |connection| Box::pin(async move { documents::delete(connection, kind, &id, revision).await }))
            .await
    }
}
