//! ModifyBackupAttributes: whether the retention policy spares a backup.

use keystead_model::cloudhsm::{BackupResponse, ModifyBackupAttributesRequest};

use super::{Scope, change_backup};
use crate::CloudHsm;
use crate::backup::{Backup, shown_backup};
use crate::error::CloudHsmError;

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: ModifyBackupAttributesRequest,
) -> Result<BackupResponse, CloudHsmError> {
    let modify = |backup: &mut Backup| {
        backup.never_expires = request.never_expires;
        Ok(())
    };
    let backup = change_backup(cloud_hsm, &scope.account, &request.backup_id, modify).await?;
    Ok(BackupResponse { backup: shown_backup(&backup, &scope.account, &cloud_hsm.settings.region) })
}
