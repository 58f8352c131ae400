//! The steps of a backup.

use std::path::Path;

use keystead_model::arn::AccountId;
use keystead_model::cloudhsm::BackupState;
use keystead_pkcs11::HsmError;

use super::JobError;
use crate::CloudHsm;
use crate::backup::Backup;
use crate::cluster::Cluster;
use crate::records::Stored;

impl CloudHsm {
    pub(super) fn backup_has_work(&self, backup: &Backup) -> bool {
        match backup.state {
            BackupState::CreateInProgress => true,
            BackupState::PendingDeletion => backup.delete_at.is_none_or(|moment| self.has_come(moment)),
            BackupState::Deleted => self.has_come(backup.since.plus(self.settings.deleted_shown_for)),
            BackupState::Ready => false,
        }
    }

    /// Does what is next. `expired`: the retention policy no longer keeps it.
    pub(super) async fn advance_backup(&self, stored: &Stored<Backup>, expired: bool) -> Result<(), JobError> {
        match stored.value.state {
            BackupState::CreateInProgress if self.is_due(stored.value.since) => self.take(stored).await,
            BackupState::CreateInProgress => Ok(()),
            BackupState::Ready if expired => self.discard(stored).await,
            BackupState::Ready => Ok(()),
            BackupState::PendingDeletion => self.discard(stored).await,
            BackupState::Deleted => {
                self.files.remove_backup(&stored.value.backup_id).await?;
                Ok(self.records.delete(stored).await?)
            }
        }
    }

    /// Copies the token. A backup that can no longer be taken is given up: whoever wants one begins another, and DeleteHsm goes on without.
    async fn take(&self, stored: &Stored<Backup>) -> Result<(), JobError> {
        let backup_id = &stored.value.backup_id;
        let folder = self.files.make_backup_folder(backup_id).await?;
        match self.copy_token(&stored.account, &stored.value, &folder).await {
            Ok(()) => {
                self.lost_to_backup.forget(&stored.value.hsm_id);
                self.enter(stored, BackupState::Ready).await
            }
            Err(error) if self.may_succeed_later(&stored.value.hsm_id, &error) => Err(error),
            Err(error) => {
                self.lost_to_backup.forget(&stored.value.hsm_id);
                tracing::warn!(backup_id, hsm_id = stored.value.hsm_id, %error, "a backup could not be taken");
                self.discard(stored).await
            }
        }
    }

    /// Whether the next attempt may take what this one could not. Only an HSM that stays away is given up: a worker that was killed comes
    /// back, a full disk gets room, and the backup may be the last that is left of the keys.
    fn may_succeed_later(&self, hsm_id: &str, error: &JobError) -> bool {
        match error {
            JobError::Hsm(HsmError::Lost(_)) => {
                let now_ms = self.clock.monotonic_ms();
                self.lost_to_backup.note_loss(hsm_id, now_ms);
                !self.lost_to_backup.is_degraded(hsm_id, now_ms, self.settings.degraded_after)
            }
            JobError::Overtaken => false,
            JobError::Hsm(_)
            | JobError::Store(_)
            | JobError::Network(_)
            | JobError::Files(_)
            | JobError::Seal(_)
            | JobError::Other(_) => true,
        }
    }

    async fn copy_token(&self, account: &AccountId, backup: &Backup, folder: &Path) -> Result<(), JobError> {
        let cluster = self.records.get::<Cluster>(account, &backup.cluster_id).await?.ok_or(JobError::Overtaken)?.value;
        let hsm = cluster.hsm(&backup.hsm_id).ok_or(JobError::Overtaken)?;
        let driver = self.driver(&cluster, hsm).ok_or(JobError::Overtaken)?;
        driver.status().await?;
        Ok(driver.back_up_token(folder).await?)
    }

    /// First nobody may use it any more, then it goes.
    async fn discard(&self, stored: &Stored<Backup>) -> Result<(), JobError> {
        self.enter(stored, BackupState::Deleted).await?;
        Ok(self.files.remove_backup(&stored.value.backup_id).await?)
    }

    /// The next state, if nobody changed the backup meanwhile: it may just have been restored.
    async fn enter(&self, stored: &Stored<Backup>, state: BackupState) -> Result<(), JobError> {
        let mut stored = stored.clone();
        stored.value.enter(state, self.now());
        stored.value.delete_at = None;
        self.records.replace(&stored).await?;
        self.changed.notify_one();
        Ok(())
    }
}
