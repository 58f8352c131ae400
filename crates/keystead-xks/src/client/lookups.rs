//! How many lookups of hosts may run at once.
//!
//! A key store has one at a time. Key stores that are being created have no client of their own yet, so they share: a few
//! lookups for each host, so that a name without an answer delays only those who ask for it, and many in all, so that they do
//! not use up the threads that lookups run on.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many lookups of one host may run at once for key stores that are being created.
const PROBED_PER_HOST: usize = 2;
/// How many of all hosts.
const PROBED_IN_ALL: usize = 64;

/// The limits on lookups of one host.
#[derive(Clone)]
pub(crate) struct Lookups {
    of_host: Arc<Semaphore>,
    in_all: Option<Arc<Semaphore>>,
}

/// Held while one lookup runs.
pub(crate) struct Permit {
    _of_host: Option<OwnedSemaphorePermit>,
    _in_all: Option<OwnedSemaphorePermit>,
}

impl Lookups {
    /// For a key store that shares with nobody.
    pub(crate) fn one_at_a_time() -> Self {
        Self { of_host: Arc::new(Semaphore::new(1)), in_all: None }
    }

    /// Waits until one more may run.
    pub(crate) async fn acquire(&self) -> Permit {
        // The semaphores are never closed, so there is always a permit in the end.
        let of_host = Arc::clone(&self.of_host).acquire_owned().await.ok();
        let in_all = match &self.in_all {
            Some(in_all) => Arc::clone(in_all).acquire_owned().await.ok(),
            None => None,
        };
        Permit { _of_host: of_host, _in_all: in_all }
    }

    /// `None` if no more may run now.
    pub(crate) fn try_acquire(&self) -> Option<Permit> {
        let of_host = Arc::clone(&self.of_host).try_acquire_owned().ok()?;
        let in_all = match &self.in_all {
            Some(in_all) => Some(Arc::clone(in_all).try_acquire_owned().ok()?),
            None => None,
        };
        Some(Permit { _of_host: Some(of_host), _in_all: in_all })
    }
}

/// What key stores that are being created share.
pub(crate) struct ProbeLookups {
    in_all: Arc<Semaphore>,
    /// The hosts that are being probed or looked up.
    hosts: Mutex<HashMap<String, Weak<Semaphore>>>,
}

impl Default for ProbeLookups {
    fn default() -> Self {
        Self { in_all: Arc::new(Semaphore::new(PROBED_IN_ALL)), hosts: Mutex::default() }
    }
}

impl ProbeLookups {
    /// The limits on lookups of `host`.
    pub(crate) fn of(&self, host: &str) -> Lookups {
        let mut hosts = self.hosts.lock().unwrap_or_else(PoisonError::into_inner);
        hosts.retain(|_, of_host| of_host.strong_count() > 0);
        let of_host = hosts.get(host).and_then(Weak::upgrade).unwrap_or_else(|| {
            let of_host = Arc::new(Semaphore::new(PROBED_PER_HOST));
            hosts.insert(host.to_owned(), Arc::downgrade(&of_host));
            of_host
        });
        Lookups { of_host, in_all: Some(Arc::clone(&self.in_all)) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn probes_of_one_host_share_and_leave_room_for_others() {
        let probes = ProbeLookups::default();
        let running: Vec<Permit> =
            (0..PROBED_PER_HOST).map(|_| probes.of("dead.example").try_acquire().unwrap()).collect();
        assert!(probes.of("dead.example").try_acquire().is_none());
        assert!(probes.of("xks.example.com").try_acquire().is_some());
        drop(running);
        assert!(probes.of("dead.example").try_acquire().is_some());
        assert_eq!(probes.hosts.lock().unwrap().len(), 1, "hosts that nobody asks for are forgotten");
    }

    #[test]
    fn all_hosts_together_are_limited() {
        let probes = ProbeLookups::default();
        let running: Vec<_> = (0..PROBED_IN_ALL).map(|n| probes.of(&format!("{n}.example")).try_acquire()).collect();
        assert!(running.iter().all(Option::is_some));
        assert!(probes.of("one-more.example").try_acquire().is_none());
    }
}
