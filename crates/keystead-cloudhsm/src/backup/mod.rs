//! A backup of a cluster: the aggregate that the store keeps. The copy of the token is in a folder of its own.

mod shown;

use keystead_core::port::DocumentKind;
use keystead_model::Timestamp;
use keystead_model::cloudhsm::{BackupState, ClusterMode, Tag};
use serde::{Deserialize, Serialize};

pub(crate) use shown::shown_backup;

use crate::cluster::{Cluster, ClusterIdentity, Hsm, HsmModule};
use crate::records::Aggregate;

/// For how long a deleted backup can be restored (API Reference, DeleteBackup).
pub(crate) const RESTORABLE_DAYS: u32 = 7;

/// A backup: a copy of one HSM's token, and what makes its cluster the one it is.
#[derive(Clone, Serialize, Deserialize, Debug)]
pub(crate) struct Backup {
    pub(crate) backup_id: String,
    pub(crate) state: BackupState,
    /// When it came into this state.
    pub(crate) since: Timestamp,
    pub(crate) created: Timestamp,
    pub(crate) cluster_id: String,
    /// The HSM that is copied.
    pub(crate) hsm_id: String,
    pub(crate) hsm_type: String,
    pub(crate) mode: ClusterMode,
    pub(crate) never_expires: bool,
    /// How long it is kept if its cluster is not there to say so.
    pub(crate) retention_days: u16,
    /// When it goes for good; only while PENDING_DELETION.
    pub(crate) delete_at: Option<Timestamp>,
    pub(crate) tags: Vec<Tag>,
    pub(crate) identity: ClusterIdentity,
    pub(crate) module: HsmModule,
    pub(crate) token_label: Option<String>,
    pub(crate) token_serial: Option<String>,
}

impl Aggregate for Backup {
    const KIND: DocumentKind = DocumentKind::HsmBackup;

    fn id(&self) -> &str {
        &self.backup_id
    }
}

impl Backup {
    /// A backup of `hsm` that is to be taken.
    pub(crate) fn begun(backup_id: String, cluster: &Cluster, hsm: &Hsm, now: Timestamp) -> Self {
        let token = hsm.token.as_ref();
        Self {
            backup_id,
            state: BackupState::CreateInProgress,
            since: now,
            created: now,
            cluster_id: cluster.cluster_id.clone(),
            hsm_id: hsm.hsm_id.clone(),
            hsm_type: cluster.hsm_type.clone(),
            mode: cluster.mode,
            never_expires: false,
            retention_days: cluster.retention_days,
            delete_at: None,
            tags: Vec::new(),
            identity: cluster.identity.clone(),
            module: cluster.module.clone(),
            token_label: token.and_then(|token| token.label.clone()),
            token_serial: token.and_then(|token| token.serial.clone()),
        }
    }

    pub(crate) fn enter(&mut self, state: BackupState, now: Timestamp) {
        self.state = state;
        self.since = now;
    }

    /// When the retention policy deletes it; `None` if it spares it.
    pub(crate) fn expires(&self, retention_days: u16) -> Option<Timestamp> {
        (!self.never_expires && self.state == BackupState::Ready)
            .then(|| self.created.plus_days(u32::from(retention_days)))
    }
}
