//! The HSMs of clusters, for those that drive them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use keystead_core::port::StoreError;
use keystead_hsm::{ClusterDirectoryEntry, ClusterMember, HsmDirectory};
use keystead_model::arn::{AccountId, Region};
use keystead_model::cloudhsm::HsmState;

use crate::CloudHsm;
use crate::cluster::{Cluster, Hsm};

/// How long a cluster is known by heart: what another process changes is seen after that.
const FRESH_FOR: Duration = Duration::from_millis(250);
/// How many clusters are known by heart.
const CLUSTERS_MAX: usize = 1024;

/// Clusters as they were read a moment ago. Asked by each cryptographic request.
#[derive(Default)]
pub(crate) struct DirectoryCache(Mutex<Known>);

#[derive(Default)]
struct Known {
    clusters: HashMap<String, KnownCluster>,
    /// Grows with each `forget`, so that what was read before it is not noted after it.
    forgotten: u64,
}

struct KnownCluster {
    account: AccountId,
    cluster: Arc<Cluster>,
    read_ms: u64,
}

impl DirectoryCache {
    fn known(&self) -> MutexGuard<'_, Known> {
        // A map of copies: whatever a thread that panicked left of it is dropped within `FRESH_FOR`.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn get(&self, account: &AccountId, id: &str, now_ms: u64) -> Option<Arc<Cluster>> {
        let known = self.known();
        let found = known.clusters.get(id)?;
        let fresh = u128::from(now_ms.saturating_sub(found.read_ms)) < FRESH_FOR.as_millis();
        (fresh && found.account == *account).then(|| found.cluster.clone())
    }

    fn note(&self, account: &AccountId, cluster: Arc<Cluster>, read_ms: u64, forgotten_before: u64) {
        let mut known = self.known();
        if known.forgotten != forgotten_before {
            return;
        }
        if known.clusters.len() >= CLUSTERS_MAX {
            known.clusters.clear();
        }
        let id = cluster.cluster_id.clone();
        known.clusters.insert(id, KnownCluster { account: *account, cluster, read_ms });
    }

    /// Drops a cluster that changed.
    pub(crate) fn forget(&self, id: &str) {
        let mut known = self.known();
        known.forgotten += 1;
        known.clusters.remove(id);
    }
}

impl CloudHsm {
    async fn known_cluster(&self, account: &AccountId, id: &str) -> Result<Option<Arc<Cluster>>, StoreError> {
        let now_ms = self.clock.monotonic_ms();
        if let Some(known) = self.directory.get(account, id, now_ms) {
            return Ok(Some(known));
        }
        let forgotten = self.directory.known().forgotten;
        let Some(stored) = self.cluster(account, id).await? else { return Ok(None) };
        let cluster = Arc::new(stored.value);
        self.directory.note(account, cluster.clone(), now_ms, forgotten);
        Ok(Some(cluster))
    }
}

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
        let cluster = self.known_cluster(account, cluster_id).await?;
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
