//! Time enters the core through [`Clock`] alone.

use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use keystead_model::Timestamp;

/// Tells the wall-clock time.
pub trait Clock: Send + Sync + 'static {
    /// Now, in milliseconds since the epoch.
    fn now(&self) -> Timestamp;

    /// Milliseconds since some moment, never going back: for rates, which a corrected wall clock must not stop or double. A clock that has
    /// nothing better follows the wall clock.
    fn monotonic_ms(&self) -> u64 {
        u64::try_from(self.now().millis()).unwrap_or(0)
    }
}

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// The operating system's clock.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Timestamp::from_millis(i64::try_from(since_epoch.as_millis()).unwrap_or(i64::MAX))
    }

    fn monotonic_ms(&self) -> u64 {
        u64::try_from(STARTED.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}
