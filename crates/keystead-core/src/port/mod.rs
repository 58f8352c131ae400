//! What the core asks of the outside. Each trait says what happens in the awkward case; the core names no implementation.

mod audit_log;
mod clock;
mod document_store;
mod entropy;
mod hsm_backend;
mod hsm_clusters;
mod identity_store;
mod key_store_backend;
mod store;

pub use audit_log::{AuditError, AuditLog};
pub use clock::{Clock, SystemClock};
pub use document_store::{Document, DocumentKind, DocumentStore};
pub use entropy::{Entropy, SystemEntropy};
pub use hsm_backend::{BackingKeyId, HsmBackend, HsmCiphertext, HsmLink};
pub use hsm_clusters::{AttachNetworkError, ClusterHsm, HsmCluster, HsmClusters};
pub use identity_store::{IdentityCounts, IdentityStore, PolicyHolder, PolicyReference, SessionHolder};
pub use key_store_backend::{
    BackendCiphertext, CallMetadata, ExternalKeyMetadata, ExternalLink, KeyStoreBackend, KeyStoreLink,
};
pub use store::{
    Change, ChangedRecord, ConnectionJob, JobKind, PendingBackingKey, Store, StoreError, UniqueConstraint,
};
