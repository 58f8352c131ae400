//! Which HSMs a cluster consists of, and where their tokens are.

use async_trait::async_trait;
use keystead_core::port::StoreError;
use keystead_model::arn::{AccountId, Region};
use keystead_pkcs11::client::HsmSettings;

/// Tells the HSMs of clusters as they are now. Who asks remembers the answer for a short while, so an implementation need not.
#[async_trait]
pub trait HsmDirectory: Send + Sync + 'static {
    /// The HSMs of a cluster that are not deleted, and its certificate; `None` if there is no such cluster.
    async fn cluster(
        &self,
        account: &AccountId,
        region: &Region,
        cluster_id: &str,
    ) -> Result<Option<ClusterDirectoryEntry>, StoreError>;
}

/// A cluster, as its HSMs are driven.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterDirectoryEntry {
    /// PEM: the certificate of the cluster.
    pub cluster_certificate: Option<String>,
    /// Its HSMs, deleted ones left out.
    pub members: Vec<ClusterMember>,
}

/// One HSM of a cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterMember {
    /// Such as `us-east-1a`.
    pub availability_zone: String,
    /// Whether its `State` is `ACTIVE`: only then it is used.
    pub active: bool,
    /// How it is driven.
    pub settings: HsmSettings,
}
