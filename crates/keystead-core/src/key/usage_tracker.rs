//! The last usages of keys that are not stored yet.
//!
//! Each successful use is noted in memory, and what was noted is stored every few seconds and when the server ends: so the use of a key costs
//! no write. A server that is killed loses the last seconds.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keystead_model::arn::{KeyId, Region};
use tokio::sync::Notify;

use super::KeyLastUsage;
use crate::error::KmsError;
use crate::kms::Kms;
use crate::port::StoreError;

/// How long a use may stay in memory alone.
const STORE_INTERVAL: Duration = Duration::from_secs(3);
/// How many are stored in one transaction.
const BATCH: usize = 1000;
/// Requests for different keys do not wait for each other, unless they meet in one part of so many.
const PARTS: usize = 16;
/// The most keys in a part. In all some 20 MB, and more than a server can use within the interval.
const KEYS_PER_PART_MAX: usize = 6250;

/// See the module's text.
#[derive(Default)]
pub(crate) struct UsageTracker {
    parts: [Mutex<HashMap<(Region, KeyId), KeyLastUsage>>; PARTS],
    /// Told when a part is half full.
    filling: Notify,
    /// How many uses there was no room for.
    left_out: AtomicU64,
}

impl UsageTracker {
    /// Notes a use, unless a later one of the same key is noted. Of a key that there is no room for nothing is noted.
    pub(crate) fn note(&self, usage: KeyLastUsage) {
        let mut part = self.part(&usage.key_id);
        let held = part.len();
        match part.entry((usage.region.clone(), usage.key_id)) {
            Entry::Occupied(mut noted) => {
                if noted.get().timestamp <= usage.timestamp {
                    noted.insert(usage);
                }
            }
            Entry::Vacant(room) if held < KEYS_PER_PART_MAX => {
                room.insert(usage);
                if held == KEYS_PER_PART_MAX / 2 {
                    self.filling.notify_one();
                }
            }
            Entry::Vacant(_) => {
                self.left_out.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// The last use of a key that is not stored yet.
    pub(crate) fn noted(&self, region: &Region, key_id: &KeyId) -> Option<KeyLastUsage> {
        self.part(key_id).get(&(region.clone(), *key_id)).cloned()
    }

    fn all(&self) -> Vec<KeyLastUsage> {
        self.parts.iter().flat_map(|part| lock(part).values().cloned().collect::<Vec<_>>()).collect()
    }

    /// Forgets what is stored now; a key that was used again meanwhile stays.
    fn forget(&self, stored: &[KeyLastUsage]) {
        for usage in stored {
            let mut part = self.part(&usage.key_id);
            let key = (usage.region.clone(), usage.key_id);
            if part.get(&key).is_some_and(|noted| noted == usage) {
                part.remove(&key);
            }
        }
    }

    fn part(&self, key_id: &KeyId) -> MutexGuard<'_, HashMap<(Region, KeyId), KeyLastUsage>> {
        // The last digit, which is hexadecimal, is random in either form of a key ID.
        let last = key_id.as_str().chars().last().and_then(|digit| digit.to_digit(16)).unwrap_or_default();
        lock(&self.parts[last as usize % PARTS])
    }
}

/// No panic leaves a part half changed.
fn lock<T>(part: &Mutex<T>) -> MutexGuard<'_, T> {
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Stores what was noted. What the store does not take stays noted.
pub(crate) async fn store_usages(kms: &Kms) -> Result<(), KmsError> {
    let tracker = &kms.usage_tracker;
    let left_out = tracker.left_out.swap(0, Ordering::Relaxed);
    if left_out > 0 {
        tracing::warn!(left_out, "more keys are used than last usages can be noted of");
    }
    store_all(&tracker.all(), tracker, kms).await.map_err(KmsError::from)
}

async fn store_all(noted: &[KeyLastUsage], tracker: &UsageTracker, kms: &Kms) -> Result<(), StoreError> {
    for batch in noted.chunks(BATCH) {
        kms.catalog.store().record_key_usages(batch).await?;
        tracker.forget(batch);
    }
    Ok(())
}

/// Waits until it is time to store what was noted.
pub(crate) async fn time_to_store(kms: &Kms) {
    // Either is a reason; which one it was makes no difference.
    let _ = tokio::time::timeout(STORE_INTERVAL, kms.usage_tracker.filling.notified()).await;
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use keystead_model::Timestamp;
    use keystead_model::kms::KeyLastUsageTrackingOperation;

    fn usage(key: u8, millis: i64, event: &str) -> KeyLastUsage {
        KeyLastUsage {
            region: Region::parse("us-east-1").unwrap(),
            key_id: KeyId::from_random([key; 16]),
            operation: KeyLastUsageTrackingOperation::Encrypt,
            timestamp: Timestamp::from_millis(millis),
            event_id: event.to_owned(),
            request_id: "request".to_owned(),
        }
    }

    fn noted(tracker: &UsageTracker, key: u8) -> Option<String> {
        let wanted = usage(key, 0, "");
        tracker.noted(&wanted.region, &wanted.key_id).map(|usage| usage.event_id)
    }

    #[test]
    fn the_latest_use_counts() {
        let tracker = UsageTracker::default();
        assert_eq!(noted(&tracker, 1), None);
        for (millis, event, expected) in [(20, "a", "a"), (10, "b", "a"), (20, "c", "c"), (30, "d", "d")] {
            tracker.note(usage(1, millis, event));
            assert_eq!(noted(&tracker, 1).as_deref(), Some(expected));
        }
        assert_eq!(noted(&tracker, 2), None);
    }

    #[test]
    fn what_is_stored_is_forgotten_unless_it_was_used_again() {
        let tracker = UsageTracker::default();
        tracker.note(usage(1, 10, "a"));
        tracker.note(usage(2, 10, "b"));
        let stored = tracker.all();
        assert_eq!(stored.len(), 2);
        tracker.note(usage(2, 11, "c"));
        tracker.forget(&stored);
        assert_eq!((noted(&tracker, 1), noted(&tracker, 2).as_deref()), (None, Some("c")));
    }

    #[test]
    fn memory_is_bounded() {
        let tracker = UsageTracker::default();
        let keys = 2 * PARTS * KEYS_PER_PART_MAX;
        for key in 0..keys {
            let mut one = usage(0, 10, "a");
            let mut random = [0; 16];
            random[8..].copy_from_slice(&(key as u64).to_be_bytes());
            one.key_id = KeyId::from_random(random);
            tracker.note(one);
        }
        let held = tracker.all().len();
        assert!(held <= PARTS * KEYS_PER_PART_MAX);
        assert_eq!(held as u64 + tracker.left_out.load(Ordering::Relaxed), keys as u64);
    }
}
