//! Which HSMs are out of reach, and since when.
//!
//! Kept in memory: whoever starts anew finds out anew.

use std::collections::{HashMap, HashSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

/// HSMs out of reach, by ID, and when they were first seen so (milliseconds of a clock that never goes back).
#[derive(Default)]
pub(crate) struct HsmHealth(Mutex<HashMap<String, u64>>);

impl HsmHealth {
    fn lost(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        // Every change is a single call, so a thread that panicked left nothing half-done.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes which of the HSMs that are there can be reached; forgets those that are not there.
    pub(crate) fn observe(&self, hsms: &[(String, bool)], now_ms: u64) {
        let out_of_reach: HashSet<_> = hsms.iter().filter(|(_, available)| !available).map(|(id, _)| id).collect();
        let mut lost = self.lost();
        lost.retain(|id, _| out_of_reach.contains(id));
        for id in out_of_reach {
            lost.entry(id.clone()).or_insert(now_ms);
        }
    }

    /// Notes that one HSM cannot be reached.
    pub(crate) fn note_loss(&self, hsm_id: &str, now_ms: u64) {
        self.lost().entry(hsm_id.to_owned()).or_insert(now_ms);
    }

    /// Notes that nobody asks for an HSM any more, or that it was reached.
    pub(crate) fn forget(&self, hsm_id: &str) {
        self.lost().remove(hsm_id);
    }

    /// Whether the HSM has been out of reach for at least `after`.
    pub(crate) fn is_degraded(&self, hsm_id: &str, now_ms: u64, after: Duration) -> bool {
        let since = self.lost().get(hsm_id).copied();
        since.is_some_and(|since| u128::from(now_ms.saturating_sub(since)) >= after.as_millis())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_loss_is_counted_from_the_first_note_of_it() {
        let (health, after) = (HsmHealth::default(), Duration::from_millis(100));
        health.note_loss("hsm-a", 1000);
        health.note_loss("hsm-a", 1090);
        assert!(!health.is_degraded("hsm-a", 1099, after));
        assert!(health.is_degraded("hsm-a", 1100, after));
        health.forget("hsm-a");
        assert!(!health.is_degraded("hsm-a", 1100, after));
    }

    #[test]
    fn an_hsm_is_degraded_after_a_while_and_comes_back_at_once() {
        let (health, after) = (HsmHealth::default(), Duration::from_millis(100));
        let seen = |available: bool| [("hsm-a".to_owned(), available), ("hsm-b".to_owned(), true)];
        health.observe(&seen(false), 1000);
        assert!(!health.is_degraded("hsm-a", 1099, after));
        health.observe(&seen(false), 1050);
        assert!(health.is_degraded("hsm-a", 1100, after));
        assert!(!health.is_degraded("hsm-b", 9999, after));
        health.observe(&seen(true), 1200);
        assert!(!health.is_degraded("hsm-a", 9999, after));
        health.observe(&seen(false), 1300);
        assert!(!health.is_degraded("hsm-a", 1399, after), "it is counted from the new loss");
        health.observe(&[], 1400);
        assert!(!health.is_degraded("hsm-a", 9999, after), "an HSM that is no longer there is forgotten");
    }
}
