//! The steps from CreateHsm to an HSM in service.

use std::collections::BTreeMap;

use keystead_core::port::StoreError;
use keystead_core::sealing::SealedRecord;
use keystead_model::arn::AccountId;
use keystead_model::cloudhsm::{BackupState, ClusterState, HsmState};
use keystead_pkcs11::Pin;
use keystead_pkcs11::client::HsmSettings;
use keystead_pkcs11::soft_token::SoftTokenKind;

use super::JobError;
use crate::CloudHsm;
use crate::backup::Backup;
use crate::certificate::{NewIdentity, make_identity};
use crate::cluster::{Cluster, ClusterPrivateKey, Hsm, Token, TokenSource};
use crate::identifier::new_id;
use crate::sealed_text::SealedText;

/// What has become of the backup that a token is to be made from.
enum SourceBackup {
    Ready(Box<Backup>),
    NotYet,
    /// It came to nothing: another source is to be chosen.
    Lost,
}

impl CloudHsm {
    pub(super) async fn advance_creation(
        &self,
        account: &AccountId,
        cluster: &Cluster,
        hsm: &Hsm,
    ) -> Result<(), JobError> {
        // The interface needs the group of a cluster that is registered with its HSMs.
        if cluster.security_group.is_none() {
            return Ok(());
        }
        if hsm.eni_id.is_none() {
            self.give_interface(account, cluster, hsm).await?;
        }
        if !self.is_due(hsm.since) {
            return Ok(());
        }
        match cluster.module.kind.soft() {
            Some(kind) => self.advance_soft_token(account, cluster, hsm, kind).await,
            None => self.take_foreign_token(account, cluster, hsm).await,
        }
    }

    /// Makes the network interface of an HSM and notes it. Where the HSM is no longer wanted, nothing is left behind.
    pub(crate) async fn give_interface(
        &self,
        account: &AccountId,
        cluster: &Cluster,
        hsm: &Hsm,
    ) -> Result<(), JobError> {
        let interface = self.ensure_interface(account, cluster, hsm).await?;
        let noted = self
            .change_new_hsm(account, cluster, hsm, |hsm| {
                hsm.eni_id = Some(interface.network_interface_id.clone());
                hsm.eni_ip = Some(interface.private_ip_address);
            })
            .await;
        if matches!(noted, Err(JobError::Overtaken)) {
            self.remove_interface(account, cluster, hsm).await?;
        }
        noted.map(|_| ())
    }

    /// Changes an HSM that is being created; `Overtaken` if it no longer is.
    async fn change_new_hsm(
        &self,
        account: &AccountId,
        cluster: &Cluster,
        hsm: &Hsm,
        mut change: impl FnMut(&mut Hsm) + Send,
    ) -> Result<Cluster, JobError> {
        let change = |cluster: &mut Cluster| {
            change(new_hsm(cluster, &hsm.hsm_id)?);
            Ok::<_, JobError>(())
        };
        let changed = self.change_cluster(account, &cluster.cluster_id, change).await?;
        changed.map(|(cluster, ())| cluster).ok_or(JobError::Overtaken)
    }

    async fn advance_soft_token(
        &self,
        account: &AccountId,
        cluster: &Cluster,
        hsm: &Hsm,
        kind: SoftTokenKind,
    ) -> Result<(), JobError> {
        let source = match &hsm.source {
            Some(source) => source.clone(),
            None => self.choose_source(account, cluster, hsm).await?,
        };
        let token = match source {
            TokenSource::Fresh => self.fresh_token(cluster, hsm, kind).await?,
            TokenSource::Backup(id) => match self.source_backup(account, cluster, hsm, &id).await? {
                SourceBackup::Ready(backup) => self.restored_token(cluster, hsm, kind, &backup).await?,
                SourceBackup::NotYet => return Ok(()),
                SourceBackup::Lost => {
                    self.change_new_hsm(account, cluster, hsm, |hsm| hsm.source = None).await?;
                    return Err(JobError::Other(format!("backup {id} came to nothing; another one is taken")));
                }
            },
        };
        self.put_into_service(account, cluster, hsm, token).await
    }

    /// Decides what the token is made from, and notes it, before anything is made.
    async fn choose_source(&self, account: &AccountId, cluster: &Cluster, hsm: &Hsm) -> Result<TokenSource, JobError> {
        let source = if !cluster.is_active() {
            TokenSource::Fresh
        } else if self.live_hsm(cluster, Some(&hsm.hsm_id)).is_some() {
            TokenSource::Backup(new_id("backup", &*self.entropy))
        } else if cluster.active_hsms().any(|other| self.state_of(other) == HsmState::Active) {
            // Its worker is just being started. An older backup would lack the newest keys.
            return Err(JobError::Overtaken);
        } else {
            TokenSource::Backup(self.newest_backup(account, cluster).await?)
        };
        self.change_new_hsm(account, cluster, hsm, |hsm| hsm.source = Some(source.clone())).await?;
        Ok(source)
    }

    /// The newest backup of the cluster itself, or else the one that it was made from.
    async fn newest_backup(&self, account: &AccountId, cluster: &Cluster) -> Result<String, JobError> {
        let backups = self.records.list::<Backup>(account).await?.into_iter().map(|stored| stored.value);
        let own =
            backups.filter(|backup| backup.cluster_id == cluster.cluster_id && backup.state == BackupState::Ready);
        let newest = own.max_by_key(|backup| backup.created).map(|backup| backup.backup_id);
        newest.or_else(|| cluster.source_backup_id.clone()).ok_or_else(|| {
            JobError::Other(format!(
                "cluster {} has neither an HSM that can be reached nor a backup",
                cluster.cluster_id
            ))
        })
    }

    async fn source_backup(
        &self,
        account: &AccountId,
        cluster: &Cluster,
        hsm: &Hsm,
        id: &str,
    ) -> Result<SourceBackup, JobError> {
        let Some(stored) = self.records.get::<Backup>(account, id).await? else {
            let Some(live) = self.live_hsm(cluster, Some(&hsm.hsm_id)) else { return Ok(SourceBackup::Lost) };
            self.begin_backup(account, cluster, live, id).await?;
            return Ok(SourceBackup::NotYet);
        };
        Ok(match stored.value.state {
            BackupState::CreateInProgress => SourceBackup::NotYet,
            BackupState::Ready | BackupState::PendingDeletion => SourceBackup::Ready(Box::new(stored.value)),
            BackupState::Deleted => SourceBackup::Lost,
        })
    }

    async fn fresh_token(&self, cluster: &Cluster, hsm: &Hsm, kind: SoftTokenKind) -> Result<Token, JobError> {
        let pin = self.first_pin(cluster)?;
        self.make_files(cluster, hsm, kind, None).await?;
        let mut token = soft_token(Some(cluster.cluster_id.clone()), None);
        // Its worker finds the blank token by its being blank.
        let blank = self.workers.hsm(HsmSettings { token_label: None, ..self.settings_with(cluster, hsm, &token)? });
        blank.status().await?;
        token.serial = Some(blank.initialize_token(&cluster.cluster_id, &pin).await?);
        self.check_token(cluster, hsm, &token).await?;
        Ok(token)
    }

    async fn restored_token(
        &self,
        cluster: &Cluster,
        hsm: &Hsm,
        kind: SoftTokenKind,
        backup: &Backup,
    ) -> Result<Token, JobError> {
        self.make_files(cluster, hsm, kind, Some(&backup.backup_id)).await?;
        let token = soft_token(backup.token_label.clone(), backup.token_serial.clone());
        self.check_token(cluster, hsm, &token).await?;
        Ok(token)
    }

    /// The files of the token, made anew: whatever an attempt before left is nobody's.
    async fn make_files(
        &self,
        cluster: &Cluster,
        hsm: &Hsm,
        kind: SoftTokenKind,
        backup_id: Option<&str>,
    ) -> Result<(), JobError> {
        self.workers.remove(&hsm.hsm_id).await;
        Ok(self.files.make_token(kind, &cluster.cluster_id, &hsm.hsm_id, backup_id).await?)
    }

    fn settings_with(&self, cluster: &Cluster, hsm: &Hsm, token: &Token) -> Result<HsmSettings, JobError> {
        let hsm = Hsm { token: Some(token.clone()), ..hsm.clone() };
        self.hsm_settings(cluster, &hsm).ok_or(JobError::Overtaken)
    }

    /// The token answers as the one that it is to be. Its worker then runs as it will go on to run.
    async fn check_token(&self, cluster: &Cluster, hsm: &Hsm, token: &Token) -> Result<(), JobError> {
        let status = self.workers.hsm(self.settings_with(cluster, hsm, token)?).status().await?;
        match status.initialized && token.serial.as_ref().is_none_or(|serial| *serial == status.serial) {
            true => Ok(()),
            false => Err(JobError::Other(format!("the token of {} is not the one that was made", hsm.hsm_id))),
        }
    }

    fn first_pin(&self, cluster: &Cluster) -> Result<Pin, JobError> {
        let opened = self.first_password(cluster)?.ok_or(JobError::Overtaken)?;
        std::str::from_utf8(&opened).map(Pin::new).map_err(|error| JobError::Other(error.to_string()))
    }

    async fn take_foreign_token(&self, account: &AccountId, cluster: &Cluster, hsm: &Hsm) -> Result<(), JobError> {
        self.files.make_state_folder(&cluster.cluster_id, &hsm.hsm_id).await?;
        let now = self.now();
        let activate = |hsm: &mut Hsm| {
            hsm.state = HsmState::Active;
            hsm.since = now;
        };
        self.change_new_hsm(account, cluster, hsm, activate).await.map(|_| ())
    }

    /// The HSM is in service, and the first one of a new cluster brings the signing request with it.
    async fn put_into_service(
        &self,
        account: &AccountId,
        cluster: &Cluster,
        hsm: &Hsm,
        token: Token,
    ) -> Result<(), JobError> {
        let wants_csr = cluster.state == ClusterState::Uninitialized && cluster.identity.csr.is_none();
        let identity = if wants_csr { Some(self.new_identity(cluster, hsm).await?) } else { None };
        let now = self.now();
        let activate = |cluster: &mut Cluster| {
            let hsm = new_hsm(cluster, &hsm.hsm_id)?;
            hsm.token = Some(token.clone());
            hsm.state = HsmState::Active;
            hsm.since = now;
            if let Some((private_key, made)) =
                identity.as_ref().filter(|_| cluster.state == ClusterState::Uninitialized)
            {
                cluster.identity.private_key = Some(private_key.clone());
                cluster.identity.csr = Some(made.csr.clone());
                cluster.identity.hardware = Some(made.hardware.clone());
            }
            Ok::<_, JobError>(())
        };
        self.change_cluster(account, &cluster.cluster_id, activate).await?.map(|_| ()).ok_or(JobError::Overtaken)
    }

    async fn new_identity(&self, cluster: &Cluster, hsm: &Hsm) -> Result<(ClusterPrivateKey, NewIdentity), JobError> {
        let (cluster_id, hsm_id) = (cluster.cluster_id.clone(), hsm.hsm_id.clone());
        let made = tokio::task::spawn_blocking(move || make_identity(&cluster_id, &hsm_id)).await;
        let made = made.map_err(|error| JobError::Other(error.to_string()))?;
        let made = made.map_err(|error| JobError::Other(format!("no signing request could be made: {error}")))?;
        let record = SealedRecord::ClusterPrivateKey(&cluster.cluster_id);
        let sealed = SealedText(self.root_key.seal(record, &made.private_key, &*self.entropy)?);
        Ok((ClusterPrivateKey { sealed, made_for: cluster.cluster_id.clone() }, made))
    }

    /// Notes a backup that is to be taken; who takes it is in `backups`. No error if it is noted already.
    pub(super) async fn begin_backup(
        &self,
        account: &AccountId,
        cluster: &Cluster,
        hsm: &Hsm,
        backup_id: &str,
    ) -> Result<(), JobError> {
        let backup = Backup::begun(backup_id.to_owned(), cluster, hsm, self.now());
        match self.records.insert(account, &backup).await {
            Ok(()) | Err(StoreError::Duplicate(_)) => {
                self.changed.notify_one();
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }
}

fn new_hsm<'a>(cluster: &'a mut Cluster, hsm_id: &str) -> Result<&'a mut Hsm, JobError> {
    let hsm = cluster.hsm_mut(hsm_id).filter(|hsm| hsm.state == HsmState::CreateInProgress);
    hsm.ok_or(JobError::Overtaken)
}

fn soft_token(label: Option<String>, serial: Option<String>) -> Token {
    Token { environment: BTreeMap::new(), label, serial, reinitializing: false, storage: None }
}
