//! The steps of a cluster.

use std::collections::HashSet;

use keystead_model::arn::AccountId;
use keystead_model::cloudhsm::{BackupState, ClusterState, HsmState};

use super::JobError;
use crate::CloudHsm;
use crate::backup::Backup;
use crate::cluster::state::{ClusterEvent, is_transitional};
use crate::cluster::{Cluster, Hsm};
use crate::identifier::new_id;
use crate::records::Stored;

impl Cluster {
    /// Whether nothing of it is on its way.
    pub(super) fn is_quiet(&self) -> bool {
        !is_transitional(self.state) && !self.hsms.iter().any(Hsm::is_transitional)
    }
}

impl CloudHsm {
    pub(super) fn has_work(&self, cluster: &Cluster) -> bool {
        let vanishes = cluster.state == ClusterState::Deleted && self.has_come(self.vanishing(cluster));
        !cluster.is_quiet() || vanishes || self.daily_backup_due(cluster) || self.left_reinitializing(cluster).is_some()
    }

    fn vanishing(&self, cluster: &Cluster) -> keystead_model::Timestamp {
        cluster.since.plus(self.settings.deleted_shown_for)
    }

    /// Does what is next for each HSM of a cluster, and for the cluster itself.
    pub(super) async fn advance_cluster(&self, stored: &Stored<Cluster>) -> Result<(), JobError> {
        let (account, cluster) = (&stored.account, &stored.value);
        let mut failure = None;
        for hsm in &cluster.hsms {
            let step = match hsm.state {
                HsmState::CreateInProgress => self.advance_creation(account, cluster, hsm).await,
                HsmState::DeleteInProgress => self.advance_deletion(account, cluster, hsm).await,
                HsmState::Active | HsmState::Degraded | HsmState::Deleted => Ok(()),
            };
            // One HSM that cannot go on must not keep the others from it.
            failure = failure.or(step.err());
        }
        let step = self.advance_itself(stored).await;
        failure.map_or(step, Err)
    }

    async fn advance_itself(&self, stored: &Stored<Cluster>) -> Result<(), JobError> {
        let (account, cluster) = (&stored.account, &stored.value);
        match cluster.state {
            ClusterState::CreateInProgress => self.finish_creation(account, cluster).await,
            ClusterState::InitializeInProgress if self.is_due(cluster.since) => {
                self.move_cluster(account, cluster, ClusterEvent::InitializeDone).await
            }
            ClusterState::DeleteInProgress if self.is_due(cluster.since) => {
                self.finish_deletion(account, cluster).await
            }
            ClusterState::Deleted if self.has_come(self.vanishing(cluster)) => Ok(self.records.delete(stored).await?),
            ClusterState::Active => self.keep_active(account, cluster).await,
            _ => Ok(()),
        }
    }

    async fn keep_active(&self, account: &AccountId, cluster: &Cluster) -> Result<(), JobError> {
        if let Some(hsm) = self.left_reinitializing(cluster) {
            self.bind_token(account, cluster, hsm).await?;
        }
        if self.daily_backup_due(cluster) {
            self.begin_daily_backup(account, cluster).await?;
        }
        Ok(())
    }

    async fn finish_creation(&self, account: &AccountId, cluster: &Cluster) -> Result<(), JobError> {
        self.ensure_security_group(account, cluster).await?;
        if !self.is_due(cluster.since) {
            return Ok(());
        }
        let has_identity = cluster.identity.certificate.is_some();
        let event = if has_identity { ClusterEvent::CreatedActive } else { ClusterEvent::Created };
        self.move_cluster(account, cluster, event).await
    }

    /// Makes the cluster's security group and notes it. What is there already stays.
    pub(crate) async fn ensure_security_group(&self, account: &AccountId, cluster: &Cluster) -> Result<(), JobError> {
        if cluster.security_group.is_some() {
            return Ok(());
        }
        let group = self.network.create_cluster_security_group(account, &cluster.vpc_id, &cluster.cluster_id).await?;
        let note = |cluster: &mut Cluster| {
            cluster.security_group = Some(group.clone());
            Ok::<_, JobError>(())
        };
        self.change_cluster(account, &cluster.cluster_id, note).await?.map(|_| ()).ok_or(JobError::Overtaken)
    }

    async fn finish_deletion(&self, account: &AccountId, cluster: &Cluster) -> Result<(), JobError> {
        if let Some(group) = &cluster.security_group {
            self.network.delete_security_group_if_exists(account, group).await?;
        }
        self.files.remove_cluster(&cluster.cluster_id).await?;
        self.move_cluster(account, cluster, ClusterEvent::DeleteDone).await
    }

    async fn move_cluster(&self, account: &AccountId, cluster: &Cluster, event: ClusterEvent) -> Result<(), JobError> {
        let now = self.now();
        let on = |cluster: &mut Cluster| match cluster.on(event, now, None) {
            true => Ok(()),
            false => Err(JobError::Overtaken),
        };
        self.change_cluster(account, &cluster.cluster_id, on).await?.map(|_| ()).ok_or(JobError::Overtaken)
    }

    /// Once in a while an active cluster of our own tokens is backed up.
    fn daily_backup_due(&self, cluster: &Cluster) -> bool {
        let last = cluster.last_backup.unwrap_or(cluster.created);
        cluster.state == ClusterState::Active
            && cluster.module.kind.soft().is_some()
            && self.live_hsm(cluster, None).is_some()
            && self.has_come(last.plus(self.settings.backup_interval))
    }

    async fn begin_daily_backup(&self, account: &AccountId, cluster: &Cluster) -> Result<(), JobError> {
        let Some(hsm) = self.live_hsm(cluster, None) else { return Ok(()) };
        let backup_id = new_id("backup", &*self.entropy);
        // First the backup, then the note: a crash between makes one backup too many, and not one too few.
        self.begin_backup(account, cluster, hsm, &backup_id).await?;
        let now = self.now();
        let note = |cluster: &mut Cluster| {
            cluster.last_backup = Some(now);
            Ok::<_, JobError>(())
        };
        self.change_cluster(account, &cluster.cluster_id, note).await?.map(|_| ()).ok_or(JobError::Overtaken)
    }

    /// An HSM in service that can be reached now, other than one of this ID.
    pub(super) fn live_hsm<'a>(&self, cluster: &'a Cluster, other_than: Option<&str>) -> Option<&'a Hsm> {
        let reachable = |hsm: &&Hsm| self.driver(cluster, hsm).is_some_and(|driver| driver.is_available());
        cluster.active_hsms().filter(|hsm| other_than != Some(hsm.hsm_id.as_str())).find(reachable)
    }

    /// Backups whose time is over: those that the retention policy no longer keeps, the last one of a cluster spared.
    pub(super) fn doomed_backups(&self, clusters: &[Stored<Cluster>], backups: &[Stored<Backup>]) -> HashSet<String> {
        let mut doomed = HashSet::new();
        for stored in backups {
            let backup = &stored.value;
            let cluster = clusters.iter().find(|cluster| cluster.value.cluster_id == backup.cluster_id);
            let days = cluster.map_or(backup.retention_days, |cluster| cluster.value.retention_days);
            let is_newer = |other: &&Stored<Backup>| {
                let other = &other.value;
                other.cluster_id == backup.cluster_id
                    && other.state == BackupState::Ready
                    && (other.created, &other.backup_id) > (backup.created, &backup.backup_id)
            };
            let expired = backup.expires(days).is_some_and(|expires| self.has_come(expires));
            if expired && backups.iter().any(|other| is_newer(&other)) {
                doomed.insert(backup.backup_id.clone());
            }
        }
        doomed
    }
}
