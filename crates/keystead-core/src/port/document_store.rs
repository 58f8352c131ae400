//! Whole aggregates of the services beside KMS: VPCs, clusters of HSMs, their backups.

use async_trait::async_trait;
use keystead_model::arn::{AccountId, Region};

use super::StoreError;

/// What a document is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum DocumentKind {
    /// A VPC with its subnets, security groups and network interfaces.
    Vpc,
    /// A cluster of HSMs.
    HsmCluster,
    /// A backup of a cluster of HSMs.
    HsmBackup,
}

impl DocumentKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Vpc, Self::HsmCluster, Self::HsmBackup];

    /// Its name in the store.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Vpc => "VPC",
            Self::HsmCluster => "HSM_CLUSTER",
            Self::HsmBackup => "HSM_BACKUP",
        }
    }
}

/// One aggregate: the unit that changes at once. Its owner writes and reads the body; the store only keeps it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Document {
    /// What it is.
    pub kind: DocumentKind,
    /// Unique among the documents of its kind.
    pub id: String,
    /// The account that owns it.
    pub account: AccountId,
    /// The Region it lives in.
    pub region: Region,
    /// JSON. Secrets in it are sealed.
    pub body: String,
    /// Grows with each update.
    pub revision: u64,
}

/// Durable storage of documents, with the guarantees of [`super::Store`]: each mutation is one durable transaction, and an update takes
/// the revision that was read.
#[async_trait]
pub trait DocumentStore: Send + Sync + 'static {
    /// Adds a document with the revision it carries; `Duplicate(DocumentId)` if its kind has one of that ID, `NotFound` if there is no
    /// such account.
    async fn insert_document(&self, document: &Document) -> Result<(), StoreError>;
    /// One document.
    async fn document(&self, kind: DocumentKind, id: &str) -> Result<Option<Document>, StoreError>;
    /// The documents of a kind in an account and Region, by ID. As many as there are: quotas of their owners bound them.
    async fn documents(
        &self,
        kind: DocumentKind,
        account: &AccountId,
        region: &Region,
    ) -> Result<Vec<Document>, StoreError>;
    /// The documents of a kind of every account and Region, by ID.
    async fn all_documents(&self, kind: DocumentKind) -> Result<Vec<Document>, StoreError>;
    /// Replaces the body; `Conflict` if the stored revision is not the one given, or the document is gone. The stored revision is then
    /// the one given plus one.
    async fn update_document(&self, document: &Document) -> Result<(), StoreError>;
    /// Deletes a document if its revision is still `revision`; `Conflict` otherwise.
    async fn delete_document(&self, kind: DocumentKind, id: &str, revision: u64) -> Result<(), StoreError>;
}
