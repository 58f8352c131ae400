//! Keeps a few connections open once a proxy has been reached, so that a call after a quiet time finds one.

use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;

use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::breaker::Breaker;
use super::budget::Budget;
use super::pool::Pool;

/// How often to look at the pool when nothing happens.
const QUIET_INTERVAL: Duration = Duration::from_secs(15);

/// Connections that last less long than this make the keeper wait before it makes others.
const LASTING: Duration = Duration::from_secs(10);

/// What a keeper may do.
#[derive(Clone, Copy, Debug)]
pub(crate) struct KeeperPolicy {
    /// How many HTTP/1.1 connections to keep.
    pub(crate) connections: usize,
    /// The budget of making one.
    pub(crate) timeout: Duration,
    /// The least time between rounds when connections do not last, and the most.
    pub(crate) pause: Duration,
    pub(crate) pause_max: Duration,
}

/// The running keeper of a pool; stops when dropped.
pub(crate) struct Keeper(AbortHandle);

impl Drop for Keeper {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Keeper {
    /// Starts a task that keeps `pool` warm until it is closed. It makes no connection while the circuit is open:
    /// the trial call will make one.
    pub(crate) fn start(pool: &Arc<Pool>, breaker: &Arc<Mutex<Breaker>>, policy: KeeperPolicy) -> Self {
        let (pool, breaker) = (Arc::downgrade(pool), Arc::clone(breaker));
        Self(tokio::spawn(keep(pool, breaker, policy)).abort_handle())
    }
}

async fn keep(pool: Weak<Pool>, breaker: Arc<Mutex<Breaker>>, policy: KeeperPolicy) {
    let mut pause = policy.pause;
    loop {
        let Some(made) = round(&pool, &breaker, policy).await else {
            return;
        };
        if made {
            // Everything that ends within the pause waits for it: a proxy that hangs up at once is not dialled in a loop.
            let started = Instant::now();
            tokio::time::sleep(pause).await;
            wait_for_change(&pool).await;
            let lasted = started.elapsed() >= LASTING;
            pause = next_pause(pause, lasted, policy);
        } else {
            wait_for_change(&pool).await;
        }
    }
}

fn next_pause(pause: Duration, lasted: bool, policy: KeeperPolicy) -> Duration {
    if lasted { policy.pause } else { pause.saturating_mul(2).min(policy.pause_max) }
}

/// Replaces what is missing. Whether a connection was made or tried; `None` when the pool is closed or gone.
async fn round(pool: &Weak<Pool>, breaker: &Mutex<Breaker>, policy: KeeperPolicy) -> Option<bool> {
    let pool = pool.upgrade().filter(|pool| !pool.is_closed())?;
    pool.expire();
    let missing = pool.missing(policy.connections);
    let is_closed = breaker.lock().unwrap_or_else(PoisonError::into_inner).is_closed();
    if missing == 0 || !is_closed {
        return Some(false);
    }
    for _ in 0..missing {
        if let Err(error) = pool.warm(Budget::starting_now(policy.timeout)).await {
            tracing::debug!(?error, "no connection to an XKS proxy ahead of need");
            break;
        }
    }
    Some(true)
}

/// Waits until a connection ends, an idle one is about to expire, or a while has passed.
async fn wait_for_change(pool: &Weak<Pool>) {
    let Some((ended, expiry)) = pool.upgrade().map(|pool| (Arc::clone(&pool.ended), pool.next_expiry())) else {
        return;
    };
    let quiet = Instant::now() + QUIET_INTERVAL;
    let deadline = expiry.map_or(quiet, |expiry| expiry.min(quiet));
    // Either way it is time to look.
    let _ = tokio::time::timeout_at(deadline, ended.notified()).await;
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn the_pause_grows_while_connections_do_not_last() {
        let seconds = Duration::from_secs;
        let policy = KeeperPolicy { connections: 2, timeout: seconds(1), pause: seconds(1), pause_max: seconds(5) };
        let table = [(1, false, 2), (2, false, 4), (4, false, 5), (5, false, 5), (5, true, 1)];
        for (pause, lasted, expected) in table {
            assert_eq!(next_pause(seconds(pause), lasted, policy), seconds(expected));
        }
    }
}
