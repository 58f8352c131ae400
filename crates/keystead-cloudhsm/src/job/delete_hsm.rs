//! The steps from DeleteHsm to an HSM of which nothing is left.

use keystead_model::arn::AccountId;
use keystead_model::cloudhsm::{BackupState, ClusterState, HsmState};

use super::JobError;
use crate::CloudHsm;
use crate::backup::Backup;
use crate::cluster::{Cluster, ClusterIdentity, Hsm};
use crate::identifier::new_id;

impl CloudHsm {
    pub(super) async fn advance_deletion(
        &self,
        account: &AccountId,
        cluster: &Cluster,
        hsm: &Hsm,
    ) -> Result<(), JobError> {
        if !self.is_due(hsm.since) || !self.is_backed_up(account, cluster, hsm).await? {
            return Ok(());
        }
        self.workers.remove(&hsm.hsm_id).await;
        self.files.remove_hsm(&cluster.cluster_id, &hsm.hsm_id).await?;
        self.remove_interface(account, cluster, hsm).await?;
        self.forget_hsm(account, cluster, hsm).await
    }

    /// Whether the last backup of an HSM that is to go is taken, or cannot be. A cluster that is not activated has nothing that is worth
    /// one, and foreign tokens are their owner's.
    async fn is_backed_up(&self, account: &AccountId, cluster: &Cluster, hsm: &Hsm) -> Result<bool, JobError> {
        if !cluster.is_active() || cluster.module.kind.soft().is_none() || hsm.token.is_none() {
            return Ok(true);
        }
        let Some(id) = &hsm.final_backup else {
            self.note_final_backup(account, cluster, hsm).await?;
            return Ok(false);
        };
        let Some(stored) = self.records.get::<Backup>(account, id).await? else {
            self.begin_backup(account, cluster, hsm, id).await?;
            return Ok(false);
        };
        match stored.value.state {
            BackupState::CreateInProgress => Ok(false),
            BackupState::Ready | BackupState::PendingDeletion => Ok(true),
            BackupState::Deleted => {
                tracing::warn!(hsm_id = hsm.hsm_id, "an HSM that cannot be reached is deleted without a backup");
                Ok(true)
            }
        }
    }

    async fn note_final_backup(&self, account: &AccountId, cluster: &Cluster, hsm: &Hsm) -> Result<(), JobError> {
        let id = new_id("backup", &*self.entropy);
        let note = |cluster: &mut Cluster| {
            let hsm = cluster.hsm_mut(&hsm.hsm_id).filter(|hsm| hsm.state == HsmState::DeleteInProgress);
            hsm.ok_or(JobError::Overtaken)?.final_backup.get_or_insert_with(|| id.clone());
            Ok::<_, JobError>(())
        };
        self.change_cluster(account, &cluster.cluster_id, note).await?.map(|_| ()).ok_or(JobError::Overtaken)
    }

    async fn forget_hsm(&self, account: &AccountId, cluster: &Cluster, hsm: &Hsm) -> Result<(), JobError> {
        let forget = |cluster: &mut Cluster| {
            cluster.hsms.retain(|other| other.hsm_id != hsm.hsm_id);
            // The signing request was this HSM's; the next one brings its own.
            if cluster.hsms.is_empty() && cluster.state == ClusterState::Uninitialized {
                cluster.identity = ClusterIdentity::default();
            }
            Ok::<_, JobError>(())
        };
        self.change_cluster(account, &cluster.cluster_id, forget).await?.map(|_| ()).ok_or(JobError::Overtaken)
    }
}
