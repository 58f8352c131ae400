//! DeleteBackup: a backup goes in seven days, unless it is restored.

use keystead_model::cloudhsm::{BackupResponse, BackupState, DeleteBackupRequest};

use super::{Scope, change_backup};
use crate::CloudHsm;
use crate::backup::{Backup, RESTORABLE_DAYS, shown_backup};
use crate::error::CloudHsmError;

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: DeleteBackupRequest,
) -> Result<BackupResponse, CloudHsmError> {
    let now = cloud_hsm.now();
    let delete = |backup: &mut Backup| {
        if backup.state != BackupState::Ready {
            return Err(CloudHsmError::invalid_request(format!(
                "Backup {} is {}; only a READY one can be deleted.",
                backup.backup_id, backup.state
            )));
        }
        backup.enter(BackupState::PendingDeletion, now);
        backup.delete_at = Some(now.plus_days(RESTORABLE_DAYS));
        Ok(())
    };
    let backup = change_backup(cloud_hsm, &scope.account, &request.backup_id, delete).await?;
    Ok(BackupResponse { backup: shown_backup(&backup, &scope.account, &cloud_hsm.settings.region) })
}
