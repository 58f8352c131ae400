//! All workers of this server.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::runtime::Handle;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::state::State;
use super::supervisor::{Command, Signals, Supervisor};
use super::{Hsm, HsmSettings, WorkerSettings};

/// Commands that may wait for a supervisor.
const COMMANDS_MAX: usize = 16;

/// Starts a worker for each HSM that is used, restarts those that die (with growing pauses), and ends them all with the server.
pub struct Workers {
    settings: Arc<WorkerSettings>,
    hsms: Mutex<HashMap<String, Supervised>>,
}

struct Supervised {
    hsm: Arc<Hsm>,
    commands: mpsc::Sender<Command>,
    supervisor: JoinHandle<()>,
}

impl Supervised {
    /// Tells the supervisor to end the worker; what there is to wait for.
    fn end(self) -> JoinHandle<()> {
        let Self { commands, supervisor, .. } = self;
        tokio::spawn(async move {
            // It listens until it ends.
            let _ = commands.send(Command::End).await;
            let _ = supervisor.await;
        })
    }
}

impl Workers {
    /// No worker yet.
    pub fn new(settings: WorkerSettings) -> Arc<Self> {
        Arc::new(Self { settings: Arc::new(settings), hsms: Mutex::default() })
    }

    /// The HSM of these settings. The same one is given as long as the settings are the same; other settings for an ID replace the worker.
    /// Its process is started in the background, by the Tokio runtime that this is called in.
    pub fn hsm(self: &Arc<Self>, settings: HsmSettings) -> Arc<Hsm> {
        let mut hsms = self.hsms();
        if let Some(known) = hsms.get(&settings.hsm_id)
            && *known.hsm.settings() == settings
        {
            return known.hsm.clone();
        }
        let (commands, received) = mpsc::channel(COMMANDS_MAX);
        let hsm = Arc::new(Hsm::new(settings, self.settings.clone(), commands.clone(), Signals::new()));
        if Handle::try_current().is_err() {
            let reason = "it was asked for outside the server's runtime".into();
            hsm.signals().state.send_replace(State::Down { attempt: 1, reason });
            return hsm;
        }
        let id = hsm.settings().hsm_id.clone();
        let predecessor = hsms.remove(&id).map(Supervised::end);
        let supervisor =
            Supervisor { hsm: hsm.clone(), common: self.settings.clone(), commands: received, predecessor };
        let supervisor = tokio::spawn(supervisor.run());
        hsms.insert(id, Supervised { hsm: hsm.clone(), commands, supervisor });
        hsm
    }

    /// Ends the HSM's worker for good, and waits until it is gone.
    pub async fn remove(&self, hsm_id: &str) {
        let removed = self.hsms().remove(hsm_id);
        if let Some(supervised) = removed {
            // It cannot fail but by a panic, and then there is nobody to wait for.
            let _ = supervised.end().await;
        }
    }

    /// Ends all workers; waits until they are gone.
    pub async fn shut_down(&self) {
        let all: Vec<_> = self.hsms().drain().map(|(_, supervised)| supervised.end()).collect();
        for ended in all {
            let _ = ended.await;
        }
    }

    fn hsms(&self) -> MutexGuard<'_, HashMap<String, Supervised>> {
        self.hsms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Workers {
    /// A supervisor that hears of nobody any more ends its worker.
    fn drop(&mut self) {
        for supervised in self.hsms().values() {
            supervised.supervisor.abort();
        }
    }
}
