//! The HSMs of one cluster as they are now.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keystead_core::key_store::HsmFailure;
use keystead_core::port::HsmLink;
use keystead_model::arn::{AccountId, Region};
use keystead_pkcs11::client::Workers;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::directory::{ClusterDirectoryEntry, ClusterMember, HsmDirectory};
use crate::member::Member;

/// The members of a cluster, from the directory, remembered for a short while so that calls need not ask for them.
pub(crate) struct Membership {
    directory: Arc<dyn HsmDirectory>,
    workers: Arc<Workers>,
    age_max: Duration,
    account: AccountId,
    region: Region,
    cluster_id: String,
    view: RwLock<Option<Arc<View>>>,
    /// Held by the one call that asks the directory.
    refresh: Mutex<()>,
}

/// The members at one time.
pub(crate) struct View {
    read_at: Instant,
    /// PEM.
    pub(crate) cluster_certificate: Option<String>,
    /// The HSMs whose state is ACTIVE.
    pub(crate) active: Vec<Arc<Member>>,
    /// HSMs that were ACTIVE and are not: what is known of their logins must not be forgotten, or their strikes would be burnt again.
    resting: Vec<Arc<Member>>,
    /// How many HSMs are not ACTIVE: being created, degraded.
    pub(crate) not_active: usize,
}

impl View {
    /// Every HSM that KMS may be logged in to.
    pub(crate) fn known(&self) -> impl Iterator<Item = &Arc<Member>> {
        self.active.iter().chain(&self.resting)
    }
}

impl Membership {
    pub(crate) fn new(
        link: &HsmLink,
        directory: Arc<dyn HsmDirectory>,
        workers: Arc<Workers>,
        age_max: Duration,
    ) -> Self {
        Self {
            directory,
            workers,
            age_max,
            account: link.account,
            region: link.region.clone(),
            cluster_id: link.cluster_id.clone(),
            view: RwLock::new(None),
            refresh: Mutex::new(()),
        }
    }

    pub(crate) fn cluster_id(&self) -> &str {
        &self.cluster_id
    }

    /// The members, as they were a short while ago at most, or while the directory is being asked. Fails with `ClusterNotFound`.
    pub(crate) async fn view(&self) -> Result<Arc<View>, HsmFailure> {
        let known = self.known();
        match known {
            Some(view) if view.read_at.elapsed() < self.age_max => Ok(view),
            Some(view) => match self.refresh.try_lock() {
                Ok(turn) => self.ask(turn).await,
                Err(_) => Ok(view),
            },
            None => self.first_view().await,
        }
    }

    /// The members as they are now. Fails with `ClusterNotFound`.
    pub(crate) async fn view_now(&self) -> Result<Arc<View>, HsmFailure> {
        self.ask(self.refresh.lock().await).await
    }

    /// The members so far as they are known without asking.
    pub(crate) fn known(&self) -> Option<Arc<View>> {
        self.view.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    async fn first_view(&self) -> Result<Arc<View>, HsmFailure> {
        let turn = self.refresh.lock().await;
        match self.known() {
            Some(view) => Ok(view),
            None => self.ask(turn).await,
        }
    }

    async fn ask(&self, _turn: MutexGuard<'_, ()>) -> Result<Arc<View>, HsmFailure> {
        match self.directory.cluster(&self.account, &self.region, &self.cluster_id).await {
            Ok(Some(entry)) => Ok(self.remember(entry)),
            Ok(None) => Err(HsmFailure::ClusterNotFound),
            Err(error) => {
                tracing::error!(cluster_id = self.cluster_id, error = %error, "the HSMs of the cluster cannot be looked up");
                self.known().ok_or(HsmFailure::Unreachable)
            }
        }
    }

    fn remember(&self, entry: ClusterDirectoryEntry) -> Arc<View> {
        let before = self.known();
        let known = |is_it: &dyn Fn(&Member) -> bool| before.as_ref()?.known().find(|member| is_it(member)).cloned();
        let (mut active, mut resting, mut not_active) = (Vec::new(), Vec::new(), 0);
        for ClusterMember { availability_zone, active: is_active, settings } in entry.members {
            if is_active {
                let hsm = self.workers.hsm(settings);
                let member = known(&|member| Arc::ptr_eq(member.hsm(), &hsm));
                active.push(member.unwrap_or_else(|| Member::new(hsm, availability_zone)));
            } else {
                not_active += 1;
                resting.extend(known(&|member| *member.hsm().settings() == settings));
            }
        }
        let cluster_certificate = entry.cluster_certificate;
        let view = Arc::new(View { read_at: Instant::now(), cluster_certificate, active, resting, not_active });
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Some(view.clone());
        view
    }
}
