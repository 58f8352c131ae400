//! What KMS may know and do of clusters.

use async_trait::async_trait;
use keystead_core::port::{AttachNetworkError, ClusterHsm, HsmCluster, HsmClusters, StoreError};
use keystead_model::arn::{AccountId, CustomKeyStoreId, Region};
use keystead_model::cloudhsm::HsmState;
use keystead_network::ClusterNetwork;

use crate::CloudHsm;
use crate::cluster::Cluster;

#[async_trait]
impl HsmClusters for CloudHsm {
    async fn describe_cluster(
        &self,
        account: &AccountId,
        region: &Region,
        cluster_id: &str,
    ) -> Result<Option<HsmCluster>, StoreError> {
        if region != self.records.region() {
            return Ok(None);
        }
        let stored = self.cluster(account, cluster_id).await?;
        let there = stored.filter(|stored| !stored.value.is_going());
        Ok(there.map(|stored| described(self, account, region, &stored.value)))
    }

    async fn network_problem(&self, cluster: &HsmCluster) -> Result<Option<String>, StoreError> {
        match self.network_of(cluster).await? {
            Some(network) => self.network.cluster_network_problem(&cluster.account, &network).await,
            None => Ok(Some(format!("Cluster {} does not exist, or has no network yet.", cluster.cluster_id))),
        }
    }

    async fn attach_network(&self, cluster: &HsmCluster, id: &CustomKeyStoreId) -> Result<(), AttachNetworkError> {
        match self.network_of(cluster).await? {
            Some(network) => self.network.attach_key_store(&cluster.account, &network, id).await,
            None => Err(AttachNetworkError::Other(format!("cluster {} has no network", cluster.cluster_id))),
        }
    }

    async fn detach_network(
        &self,
        account: &AccountId,
        region: &Region,
        id: &CustomKeyStoreId,
    ) -> Result<(), StoreError> {
        if region != self.records.region() {
            return Ok(());
        }
        self.network.detach_key_store(account, id).await
    }
}

impl CloudHsm {
    async fn network_of(&self, cluster: &HsmCluster) -> Result<Option<ClusterNetwork>, StoreError> {
        let stored = self.cluster(&cluster.account, &cluster.cluster_id).await?;
        Ok(stored.and_then(|stored| cluster_network(&stored.value)))
    }
}

/// `None` as long as the cluster has no security group.
pub(crate) fn cluster_network(cluster: &Cluster) -> Option<ClusterNetwork> {
    Some(ClusterNetwork {
        cluster_id: cluster.cluster_id.clone(),
        vpc_id: cluster.vpc_id.clone(),
        subnet_ids: cluster.subnets.values().cloned().collect(),
        security_group_id: cluster.security_group.clone()?,
    })
}

fn described(cloud_hsm: &CloudHsm, account: &AccountId, region: &Region, cluster: &Cluster) -> HsmCluster {
    let hsms = cluster.hsms.iter().map(|hsm| ClusterHsm {
        hsm_id: hsm.hsm_id.clone(),
        availability_zone: hsm.availability_zone.clone(),
        active: cloud_hsm.state_of(hsm) == HsmState::Active,
    });
    HsmCluster {
        cluster_id: cluster.cluster_id.clone(),
        account: *account,
        region: region.clone(),
        state: cluster.state.to_string(),
        active: cluster.is_active(),
        cluster_certificate: cluster.identity.certificate.clone(),
        trust_anchor: cluster.identity.trust_anchor.clone(),
        hsms: hsms.collect(),
    }
}
