//! The clusters and backups that tags are on, by ID.

use keystead_model::arn::AccountId;
use keystead_model::cloudhsm::{BackupState, Tag};

use super::{change_backup, change_cluster, no_such_backup, no_such_cluster};
use crate::CloudHsm;
use crate::backup::Backup;
use crate::cluster::Cluster;
use crate::error::CloudHsmError;

/// The model lets `cluster-` and `backup-` through, and nothing else.
fn is_backup(id: &str) -> bool {
    id.starts_with("backup-")
}

/// The tags of a resource.
pub(super) async fn tags_of(cloud_hsm: &CloudHsm, account: &AccountId, id: &str) -> Result<Vec<Tag>, CloudHsmError> {
    if is_backup(id) {
        let backup = cloud_hsm.records.get::<Backup>(account, id).await?.map(|stored| stored.value);
        let there = backup.filter(|backup| backup.state != BackupState::Deleted);
        return there.map(|backup| backup.tags).ok_or_else(|| no_such_backup(id));
    }
    let cluster = cloud_hsm.cluster(account, id).await?.map(|stored| stored.value);
    cluster.filter(|cluster| !cluster.is_going()).map(|cluster| cluster.tags).ok_or_else(|| no_such_cluster(id))
}

/// Changes the tags of a resource.
pub(super) async fn change_tags(
    cloud_hsm: &CloudHsm,
    account: &AccountId,
    id: &str,
    change: impl Fn(&[Tag]) -> Result<Vec<Tag>, CloudHsmError> + Send + Sync,
) -> Result<(), CloudHsmError> {
    if is_backup(id) {
        let change = |backup: &mut Backup| {
            backup.tags = change(&backup.tags)?;
            Ok(())
        };
        return change_backup(cloud_hsm, account, id, change).await.map(|_| ());
    }
    let change = |cluster: &mut Cluster| {
        cluster.tags = change(&cluster.tags)?;
        Ok(())
    };
    change_cluster(cloud_hsm, account, id, change).await.map(|_| ())
}
