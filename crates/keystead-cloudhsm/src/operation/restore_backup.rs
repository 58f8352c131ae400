//! RestoreBackup: takes the deletion of a backup back.

use keystead_model::cloudhsm::{BackupResponse, BackupState, RestoreBackupRequest};

use super::{Scope, change_backup};
use crate::CloudHsm;
use crate::backup::{Backup, shown_backup};
use crate::error::CloudHsmError;

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: RestoreBackupRequest,
) -> Result<BackupResponse, CloudHsmError> {
    let now = cloud_hsm.now();
    let restore = |backup: &mut Backup| {
        if backup.state != BackupState::PendingDeletion {
            return Err(CloudHsmError::invalid_request(format!(
                "Backup {} is {}; only one that is PENDING_DELETION can be restored.",
                backup.backup_id, backup.state
            )));
        }
        backup.enter(BackupState::Ready, now);
        backup.delete_at = None;
        Ok(())
    };
    let backup = change_backup(cloud_hsm, &scope.account, &request.backup_id, restore).await?;
    Ok(BackupResponse { backup: shown_backup(&backup, &scope.account, &cloud_hsm.settings.region) })
}
