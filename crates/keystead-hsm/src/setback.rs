//! An HSM that just failed is asked last, for a pause that grows.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::time::Instant;

const PAUSE_FIRST_MS: u64 = 100;
const PAUSE_MAX_MS: u64 = 5_000;

/// Whether the calls to an HSM fail lately. No lock: every call looks at it.
///
/// When a pause is over one call goes to the HSM to try it, and only that one, so that an HSM that hangs makes one caller wait, not all.
pub(crate) struct Setback {
    start: Instant,
    /// Milliseconds from `start` to the end of the pause; 0 without a setback.
    until_ms: AtomicU64,
    pause_ms: AtomicU64,
}

impl Setback {
    /// None so far.
    pub(crate) fn none() -> Self {
        Self { start: Instant::now(), until_ms: AtomicU64::new(0), pause_ms: AtomicU64::new(0) }
    }

    /// Whether a call should go to the HSM although others could be asked.
    pub(crate) fn admits(&self, now: Instant) -> bool {
        let until = self.until_ms.load(Ordering::Acquire);
        until == 0 || self.takes_the_trial(until, now)
    }

    fn takes_the_trial(&self, until: u64, now: Instant) -> bool {
        let now_ms = self.elapsed_ms(now);
        let next = now_ms + self.pause_ms.load(Ordering::Acquire);
        now_ms >= until && self.until_ms.compare_exchange(until, next, Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// A call failed. Returns whether it is the first one.
    pub(crate) fn failed(&self, now: Instant) -> bool {
        let pause = (self.pause_ms.load(Ordering::Acquire) * 2).clamp(PAUSE_FIRST_MS, PAUSE_MAX_MS);
        self.pause_ms.store(pause, Ordering::Release);
        self.until_ms.swap(self.elapsed_ms(now) + pause, Ordering::AcqRel) == 0
    }

    /// A call was answered. Returns whether that ends a setback.
    pub(crate) fn recovered(&self) -> bool {
        if self.until_ms.load(Ordering::Acquire) == 0 {
            return false;
        }
        self.pause_ms.store(0, Ordering::Release);
        self.until_ms.swap(0, Ordering::AcqRel) != 0
    }

    fn elapsed_ms(&self, now: Instant) -> u64 {
        u64::try_from(now.saturating_duration_since(self.start).as_millis()).unwrap_or(u64::MAX / 2)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn one_call_tries_an_hsm_after_each_pause() {
        let setback = Setback::none();
        let start = Instant::now();
        assert!(setback.admits(start));
        assert!(setback.failed(start), "the first failure is news");
        assert!(!setback.admits(start));
        let later = start + Duration::from_secs(1);
        assert!(setback.admits(later));
        assert!(!setback.admits(later), "the second caller does not wait for the trial");
        assert!(!setback.failed(later), "a failed trial is no news");
        assert!(setback.recovered());
        assert!(!setback.recovered());
        assert!(setback.admits(later));
    }

    #[test]
    fn the_pause_grows_to_its_greatest() {
        let setback = Setback::none();
        let start = Instant::now();
        (0..20).for_each(|_| {
            setback.failed(start);
        });
        assert!(!setback.admits(start + Duration::from_millis(PAUSE_MAX_MS - 1_000)));
        assert!(setback.admits(start + Duration::from_millis(PAUSE_MAX_MS + 1_000)));
    }
}
