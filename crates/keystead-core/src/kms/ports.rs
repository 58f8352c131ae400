//! What the service is given to reach the outside with.

use std::sync::Arc;

use crate::port::{AuditLog, Clock, Entropy, HsmBackend, HsmClusters, KeyStoreBackend};

/// The outside of the service, but for its store, which the catalog has.
pub struct Ports {
    /// The proxies behind external key stores.
    pub backend: Arc<dyn KeyStoreBackend>,
    /// The HSMs behind AWS CloudHSM key stores.
    pub hsm_backend: Arc<dyn HsmBackend>,
    /// What KMS may know and do of the clusters that those HSMs are in.
    pub hsm_clusters: Arc<dyn HsmClusters>,
    /// Where audit records go.
    pub audit_log: Arc<dyn AuditLog>,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// Gives random bytes.
    pub entropy: Arc<dyn Entropy>,
}
