//! Backups as the API shows them.

use keystead_model::arn::{AccountId, Region};
use keystead_model::cloudhsm as wire;

use super::Backup;

/// A backup as its owner sees it.
pub(crate) fn shown_backup(backup: &Backup, account: &AccountId, region: &Region) -> wire::Backup {
    wire::Backup {
        backup_id: backup.backup_id.clone(),
        backup_arn: Some(format!("arn:aws:cloudhsm:{region}:{account}:backup/{}", backup.backup_id)),
        backup_state: Some(backup.state),
        cluster_id: Some(backup.cluster_id.clone()),
        create_timestamp: Some(backup.created),
        copy_timestamp: None,
        never_expires: Some(backup.never_expires),
        source_region: None,
        source_backup: None,
        source_cluster: None,
        delete_timestamp: backup.delete_at,
        tag_list: Some(backup.tags.clone()),
        hsm_type: Some(backup.hsm_type.clone()),
        mode: Some(backup.mode),
    }
}
