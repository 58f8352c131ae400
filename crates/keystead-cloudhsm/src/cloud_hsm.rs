//! The service: its ports, its settings, and every change of a cluster.

use std::path::Path;
use std::sync::Arc;

use keystead_core::port::{Clock, DocumentStore, Entropy, StoreError};
use keystead_core::sealing::{RootKey, SealError, SealedRecord};
use keystead_model::Timestamp;
use keystead_model::arn::AccountId;
use keystead_model::cloudhsm::HsmState;
use keystead_network::Network;
use keystead_pkcs11::client::{Hsm as Driver, HsmSettings, Workers};
use tokio::sync::Notify;
use zeroize::Zeroizing;

use crate::cluster::{Cluster, Hsm};
use crate::hsm_health::HsmHealth;
use crate::records::{Records, Stored};
use crate::reinitialization::Reinitializing;
use crate::settings::{CloudHsmSettings, SoftModule};
use crate::token_files::TokenFiles;

/// Clusters of HSMs of every account in one Region.
pub struct CloudHsm {
    pub(crate) settings: CloudHsmSettings,
    pub(crate) records: Records,
    pub(crate) network: Arc<Network>,
    pub(crate) workers: Arc<Workers>,
    pub(crate) root_key: Arc<RootKey>,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) entropy: Arc<dyn Entropy>,
    pub(crate) files: TokenFiles,
    pub(crate) health: HsmHealth,
    /// HSMs that are to be backed up and cannot be reached. They may be on their way out, so that `health` does not look at them.
    pub(crate) lost_to_backup: HsmHealth,
    pub(crate) reinitializing: Reinitializing,
    /// Tells the background that there is something to do.
    pub(crate) changed: Notify,
}

impl CloudHsm {
    /// The service over its ports. Nothing happens by itself until [`CloudHsm::run_background`] is polled.
    pub fn new(
        settings: CloudHsmSettings,
        documents: Arc<dyn DocumentStore>,
        network: Arc<Network>,
        workers: Arc<Workers>,
        root_key: Arc<RootKey>,
        clock: Arc<dyn Clock>,
        entropy: Arc<dyn Entropy>,
    ) -> Arc<Self> {
        let files = TokenFiles::new(&settings.data_folder);
        if let Err(error) = files.follow_tokens() {
            // Tokens that did not move are not concerned; one that did is lost until this is repaired, and says so.
            tracing::error!(%error, "not every token's configuration could be read or written");
        }
        Arc::new(Self {
            records: Records::new(documents, settings.region.clone()),
            files,
            settings,
            network,
            workers,
            root_key,
            clock,
            entropy,
            health: HsmHealth::default(),
            lost_to_backup: HsmHealth::default(),
            reinitializing: Reinitializing::default(),
            changed: Notify::new(),
        })
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Whether a state that began at `since` has been seen long enough.
    pub(crate) fn is_due(&self, since: Timestamp) -> bool {
        self.now() >= since.plus(self.settings.transition_min)
    }

    /// A cluster of an account; a deleted one counts.
    pub(crate) async fn cluster(&self, account: &AccountId, id: &str) -> Result<Option<Stored<Cluster>>, StoreError> {
        self.records.get(account, id).await
    }

    /// Changes a cluster: see [`Records::change`]. The background looks at it.
    pub(crate) async fn change_cluster<R, E: From<StoreError>>(
        &self,
        account: &AccountId,
        id: &str,
        change: impl FnMut(&mut Cluster) -> Result<R, E> + Send,
    ) -> Result<Option<(Cluster, R)>, E> {
        let changed = self.records.change(account, id, change).await;
        self.changed.notify_one();
        changed
    }

    /// The first password of `admin`; `None` once it was changed.
    pub(crate) fn first_password(&self, cluster: &Cluster) -> Result<Option<Zeroizing<Vec<u8>>>, SealError> {
        let record = SealedRecord::PreCoPassword(&cluster.cluster_id);
        cluster.pre_co_password.as_ref().map(|sealed| self.root_key.open(record, &sealed.0)).transpose()
    }

    /// The state of an HSM as everybody sees it: DEGRADED instead of ACTIVE where it has been out of reach for a while.
    pub(crate) fn state_of(&self, hsm: &Hsm) -> HsmState {
        let degraded = || self.health.is_degraded(&hsm.hsm_id, self.clock.monotonic_ms(), self.settings.degraded_after);
        if hsm.is_active() && degraded() { HsmState::Degraded } else { hsm.state }
    }

    /// The shared library that drives a cluster's HSMs: of soft tokens where it is now, of others where their owner said.
    pub(crate) fn module_file<'a>(&'a self, cluster: &'a Cluster) -> &'a Path {
        let is_its = |module: &&SoftModule| cluster.module.kind.soft() == Some(module.kind);
        self.settings.soft_modules.iter().find(is_its).map_or(&cluster.module.path, |module| &module.module)
    }

    /// How an HSM is driven; `None` as long as it has no token.
    pub(crate) fn hsm_settings(&self, cluster: &Cluster, hsm: &Hsm) -> Option<HsmSettings> {
        let token = hsm.token.as_ref()?;
        let (environment, token_storage) = match cluster.module.kind.soft() {
            Some(kind) => {
                let soft = self.files.token(kind, &cluster.cluster_id, &hsm.hsm_id)?;
                (soft.environment, Some(soft.token_storage))
            }
            None => (token.environment.clone(), token.storage.clone()),
        };
        Some(HsmSettings {
            hsm_id: hsm.hsm_id.clone(),
            module: self.module_file(cluster).to_owned(),
            profile: cluster.module.profile.clone(),
            environment,
            token_label: token.label.clone(),
            token_serial: token.serial.clone().filter(|_| !self.is_left_reinitializing(hsm)),
            token_storage,
            state_folder: self.files.state_folder(&cluster.cluster_id, &hsm.hsm_id),
        })
    }

    /// The way to an HSM; `None` as long as it has no token.
    pub(crate) fn driver(&self, cluster: &Cluster, hsm: &Hsm) -> Option<Arc<Driver>> {
        self.hsm_settings(cluster, hsm).map(|settings| self.workers.hsm(settings))
    }
}
