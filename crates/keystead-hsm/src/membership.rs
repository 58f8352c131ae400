//! The HSMs of one cluster as they are now.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use keystead_core::key_store::HsmFailure;
use keystead_core::port::HsmLink;
use keystead_model::arn::{AccountId, Region};
use keystead_pkcs11::client::Workers;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::Instant;

use crate::directory::{ClusterDirectoryEntry, HsmDirectory};
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
    /// How many others there are: being created, degraded.
    pub(crate) not_active: usize,
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
        let before = before.as_ref().map_or(&[][..], |view| &view.active);
        let members = entry.members.len();
        let active: Vec<_> = entry
            .members
            .into_iter()
            .filter(|member| member.active)
            .map(|member| {
                let hsm = self.workers.hsm(member.settings);
                let known = before.iter().find(|known| Arc::ptr_eq(known.hsm(), &hsm));
                known.cloned().unwrap_or_else(|| Member::new(hsm, member.availability_zone))
            })
            .collect();
        let view = Arc::new(View {
            read_at: Instant::now(),
            cluster_certificate: entry.cluster_certificate,
            not_active: members - active.len(),
            active,
        });
        *self.view.write().unwrap_or_else(PoisonError::into_inner) = Some(view.clone());
        view
    }
}
