//! What KMS may know and do of clusters of HSMs and of the network around them.
//!
//! The methods are the permissions that `AWSServiceRoleForKeyManagementServiceCustomKeyStores` gives KMS, and no more: KMS can neither make
//! nor delete clusters, HSMs or backups (CloudHSM key stores digest 2.1).

use async_trait::async_trait;
use keystead_model::arn::{AccountId, CustomKeyStoreId, Region};

use super::StoreError;

/// Clusters of HSMs, as `cloudhsm:DescribeClusters` and a few calls of `ec2:` show and change them.
#[async_trait]
pub trait HsmClusters: Send + Sync + 'static {
    /// The cluster as it is now. `None` if the account has none of that ID in the Region; a deleted one counts as none.
    async fn describe_cluster(
        &self,
        account: &AccountId,
        region: &Region,
        cluster_id: &str,
    ) -> Result<Option<HsmCluster>, StoreError>;

    /// What keeps KMS from using the cluster's network, as a sentence for people: fewer than two private subnets in different Availability
    /// Zones, a security group that is missing, or whose rules do not let TCP 2223 to 2225 in and out between its own members. `None` if
    /// nothing does.
    async fn network_problem(&self, cluster: &HsmCluster) -> Result<Option<String>, StoreError>;

    /// Makes the security group `kms-<custom key store ID>` and one network interface in each of the cluster's subnets (steps 3 to 5 of a
    /// connect). What is there already is left as it is, so that a connect which a crash cut short can be done again.
    async fn attach_network(&self, cluster: &HsmCluster, id: &CustomKeyStoreId) -> Result<(), AttachNetworkError>;

    /// Removes what [`HsmClusters::attach_network`] made. Removing what is gone is no error.
    async fn detach_network(
        &self,
        account: &AccountId,
        region: &Region,
        id: &CustomKeyStoreId,
    ) -> Result<(), StoreError>;
}

/// A cluster of HSMs, so far as KMS is concerned.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HsmCluster {
    /// `cluster-` and 11 or more characters.
    pub cluster_id: String,
    /// The account that owns it.
    pub account: AccountId,
    /// The Region it lives in.
    pub region: Region,
    /// The value of its `State` member.
    pub state: String,
    /// Whether it is initialized and activated: `State` is `ACTIVE`, or a state that only an active cluster passes through.
    pub active: bool,
    /// PEM: the certificate that names the cluster, and its backup history.
    pub cluster_certificate: Option<String>,
    /// PEM: the root that issued the cluster certificate, as it was given to InitializeCluster.
    pub trust_anchor: Option<String>,
    /// Its HSMs that are not deleted.
    pub hsms: Vec<ClusterHsm>,
}

/// One HSM of a cluster.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ClusterHsm {
    /// `hsm-` and 11 or more characters.
    pub hsm_id: String,
    /// Such as `us-east-1a`.
    pub availability_zone: String,
    /// Whether its `State` is `ACTIVE`.
    pub active: bool,
}

impl HsmCluster {
    /// The HSMs whose state is ACTIVE.
    pub fn active_hsms(&self) -> impl Iterator<Item = &ClusterHsm> {
        self.hsms.iter().filter(|hsm| hsm.active)
    }

    /// In how many different Availability Zones there is an ACTIVE HSM.
    pub fn active_zones(&self) -> usize {
        let zones: std::collections::BTreeSet<_> = self.active_hsms().map(|hsm| &hsm.availability_zone).collect();
        zones.len()
    }
}

/// Why the network around a cluster could not be made ready.
#[derive(Debug, thiserror::Error)]
pub enum AttachNetworkError {
    /// A subnet of the cluster's configuration was deleted; all must be there.
    #[error("subnet {0} of the cluster does not exist")]
    SubnetNotFound(String),
    /// A subnet of the cluster has no address to give.
    #[error("subnet {0} of the cluster has no free address")]
    InsufficientFreeAddresses(String),
    /// Something else of the network is not as it must be.
    #[error("{0}")]
    Other(String),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}
