//! The HSMs of clusters, for those that drive them.

use async_trait::async_trait;
use keystead_core::port::StoreError;
use keystead_hsm::{ClusterDirectoryEntry, ClusterMember, HsmDirectory};
use keystead_model::arn::{AccountId, Region};
use keystead_model::cloudhsm::HsmState;

use crate::CloudHsm;
use crate::cluster::{Cluster, Hsm};

#[async_trait]
impl HsmDirectory for CloudHsm {
    async fn cluster(
        &self,
        account: &AccountId,
        region: &Region,
        cluster_id: &str,
    ) -> Result<Option<ClusterDirectoryEntry>, StoreError> {
        if region != self.records.region() {
            return Ok(None);
        }
        let cluster = self.cluster(account, cluster_id).await?.map(|stored| stored.value);
        Ok(cluster.filter(|cluster| !cluster.is_going()).map(|cluster| ClusterDirectoryEntry {
            cluster_certificate: cluster.identity.certificate.clone(),
            members: members(self, &cluster),
        }))
    }
}

/// The HSMs that have a token. One that is being deleted is nobody's any more: to drive it would start its worker again.
fn members(cloud_hsm: &CloudHsm, cluster: &Cluster) -> Vec<ClusterMember> {
    let member = |hsm: &Hsm| {
        Some(ClusterMember {
            availability_zone: hsm.availability_zone.clone(),
            active: cloud_hsm.state_of(hsm) == HsmState::Active,
            settings: cloud_hsm.hsm_settings(cluster, hsm)?,
        })
    };
    cluster.hsms.iter().filter(|hsm| hsm.state != HsmState::DeleteInProgress).filter_map(member).collect()
}
