//! What happens by itself: clusters, HSMs and backups on their way from one state to the next.
//!
//! The way is in the documents alone. A step looks at one, does what is next, and stores that it is done; done twice it does no harm. So
//! whatever a crash cut short is taken up by the next look. One task works on one document at a time.

mod backups;
mod clusters;
mod create_hsm;
mod delete_hsm;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use keystead_core::port::StoreError;
use keystead_model::Timestamp;
use keystead_network::NetworkError;
use keystead_pkcs11::HsmError;
use tokio::task::{Id, JoinSet};

use crate::CloudHsm;
use crate::backup::Backup;
use crate::cluster::Cluster;
use crate::records::Stored;

/// How often is looked while something is on its way.
const BUSY_INTERVAL: Duration = Duration::from_millis(100);
/// How often is looked otherwise: for what another process stored, for dates that come, and for HSMs that are lost.
const IDLE_INTERVAL: Duration = Duration::from_secs(1);
/// How long a step that failed is left alone.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);
/// How many documents are worked on at a time.
const TASKS_MAX: usize = 16;

/// Why a step was not done. It is tried again.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JobError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Network(#[from] NetworkError),
    #[error(transparent)]
    Hsm(#[from] HsmError),
    #[error("{0}")]
    Files(#[from] std::io::Error),
    #[error(transparent)]
    Seal(#[from] keystead_core::sealing::SealError),
    /// Somebody changed the document so that the step is no longer wanted. Not a failure: the next look decides anew.
    #[error("the step is no longer wanted")]
    Overtaken,
    #[error("{0}")]
    Other(String),
}

/// Documents that are worked on, by the task that does it.
#[derive(Default)]
struct Running {
    tasks: JoinSet<()>,
    documents: HashMap<Id, String>,
}

impl Running {
    fn has(&self, document: &str) -> bool {
        self.documents.values().any(|id| id == document)
    }

    fn start(&mut self, document: String, work: impl Future<Output = ()> + Send + 'static) {
        if self.tasks.len() < TASKS_MAX && !self.has(&document) {
            let task = self.tasks.spawn(work);
            self.documents.insert(task.id(), document);
        }
    }

    /// Waits for the end of one; for ever if there is none. Returns whether it panicked. Dropped, it has lost no end.
    async fn ended(&mut self) -> bool {
        let (id, panicked) = match self.tasks.join_next_with_id().await {
            Some(Ok((id, ()))) => (id, false),
            Some(Err(error)) => {
                tracing::error!(%error, "a bug ended work on a cluster or a backup; it is begun again");
                (error.id(), true)
            }
            None => std::future::pending().await,
        };
        self.documents.remove(&id);
        panicked
    }
}

impl CloudHsm {
    /// Works for as long as it is polled; dropping it at any point loses nothing, because all progress is in the store.
    pub async fn run_background(self: Arc<Self>) {
        let mut running = Running::default();
        loop {
            let interval = match self.look(&mut running).await {
                Ok(true) => BUSY_INTERVAL,
                Ok(false) => IDLE_INTERVAL,
                Err(error) => {
                    tracing::warn!(%error, "clusters and backups cannot be read; it is tried again");
                    IDLE_INTERVAL
                }
            };
            tokio::select! {
                panicked = running.ended() => if panicked {
                    tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
                },
                () = self.changed.notified() => {}
                () = tokio::time::sleep(interval) => {}
            }
        }
    }

    /// Starts what is to be done, and says whether there was anything.
    async fn look(self: &Arc<Self>, running: &mut Running) -> Result<bool, StoreError> {
        let clusters = self.records.all::<Cluster>().await?;
        self.observe_hsms(&clusters);
        let backups = self.records.all::<Backup>().await?;
        let doomed = self.doomed_backups(&clusters, &backups);
        let mut busy = false;
        for stored in clusters.into_iter().filter(|stored| self.has_work(&stored.value)) {
            busy |= !stored.value.is_quiet();
            let (cloud_hsm, id) = (self.clone(), stored.value.cluster_id.clone());
            running.start(id, async move {
                report(&stored.value.cluster_id, cloud_hsm.advance_cluster(&stored).await).await
            });
        }
        for stored in backups {
            let expired = doomed.contains(&stored.value.backup_id);
            if !expired && !self.backup_has_work(&stored.value) {
                continue;
            }
            busy = true;
            let (cloud_hsm, id) = (self.clone(), stored.value.backup_id.clone());
            running.start(id, async move {
                report(&stored.value.backup_id, cloud_hsm.advance_backup(&stored, expired).await).await;
            });
        }
        Ok(busy)
    }

    /// Notes which HSMs can be reached. Asking for their workers also starts those that do not run yet.
    fn observe_hsms(&self, clusters: &[Stored<Cluster>]) {
        let hsms = clusters.iter().flat_map(|stored| {
            let cluster = &stored.value;
            cluster
                .active_hsms()
                .filter_map(|hsm| self.driver(cluster, hsm).map(|driver| (hsm.hsm_id.clone(), driver.is_available())))
        });
        self.health.observe(&hsms.collect::<Vec<_>>(), self.clock.monotonic_ms());
    }

    /// Whether a moment that was stored has come.
    pub(crate) fn has_come(&self, moment: Timestamp) -> bool {
        self.now() >= moment
    }
}

/// Logs a step that failed and leaves its document alone for a while. A failure that lasts is logged again and again: somebody must see to
/// it.
async fn report(document: &str, result: Result<(), JobError>) {
    match result {
        Ok(()) | Err(JobError::Overtaken | JobError::Store(StoreError::Conflict)) => {}
        Err(error) => {
            tracing::warn!(document, %error, "a step failed; it is tried again");
            tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
        }
    }
}

#[cfg(test)]
#[allow(clippy::panic)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_keeps_nobody_from_the_document_although_its_end_is_not_waited_for() {
        let mut running = Running::default();
        running.start("document".to_owned(), async { panic!("a panic that a test asked for") });
        while !running.tasks.is_empty() {
            tokio::select! {
                biased;
                _ = running.ended() => {}
                () = tokio::task::yield_now() => {}
            }
        }
        assert!(!running.has("document"));
    }
}
