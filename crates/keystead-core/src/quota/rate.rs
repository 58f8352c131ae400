//! Request quotas: a token bucket for each custom key store, or each account.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};

/// Token buckets by key: so many requests a second, and as many in one burst. There are as many buckets as key stores or accounts.
#[derive(Debug)]
pub struct RequestRate<K> {
    requests_per_second: u32,
    buckets: Mutex<HashMap<K, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Requests that may still be made, in thousandths.
    milli_tokens: u64,
    /// Up to when what has come back is counted.
    refilled_ms: u64,
}

impl<K: Eq + Hash + Clone> RequestRate<K> {
    /// Buckets that are full at first.
    pub fn new(requests_per_second: u32) -> Self {
        Self { requests_per_second, buckets: Mutex::default() }
    }

    /// Takes one request of the quota of `key`; `false` when it is used up. `now_ms` is [`crate::port::Clock::monotonic_ms`].
    pub fn take(&self, key: &K, now_ms: u64) -> bool {
        self.take_many(key, 1, now_ms)
    }

    /// Takes so many requests at once, or none of them. To have more than a second brings, one has to wait for as many seconds.
    pub fn take_many(&self, key: &K, requests: u32, now_ms: u64) -> bool {
        let per_second = u64::from(self.requests_per_second);
        let (wanted, capacity) = (u64::from(requests) * 1000, per_second.max(u64::from(requests)) * 1000);
        // A poisoned lock means another thread panicked between two assignments of integers; the buckets are still usable.
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        let full = Bucket { milli_tokens: capacity, refilled_ms: now_ms };
        let bucket = match buckets.get_mut(key) {
            Some(bucket) => bucket,
            None => buckets.entry(key.clone()).or_insert(full),
        };
        // Callers may come here a little out of order: what was counted once is not counted again.
        let elapsed_ms = now_ms.saturating_sub(bucket.refilled_ms);
        bucket.milli_tokens = capacity.min(bucket.milli_tokens + elapsed_ms.saturating_mul(per_second));
        bucket.refilled_ms = bucket.refilled_ms.max(now_ms);
        let left = bucket.milli_tokens.checked_sub(wanted);
        bucket.milli_tokens = left.unwrap_or(bucket.milli_tokens);
        left.is_some()
    }

    /// What the bucket was for is gone.
    pub fn forget(&self, key: &K) {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_its_requests_and_no_more() {
        let rate = RequestRate::new(10);
        let (one, other) = ("cks-1", "cks-2");
        assert!((0..10).all(|_| rate.take(&one, 5)));
        assert!(!rate.take(&one, 5), "the burst is used up");
        assert!(rate.take(&other, 5), "each key store has its own");
        assert!(!rate.take(&one, 104));
        assert!(rate.take(&one, 105), "a tenth of a second brings one");
        assert!(!rate.take(&one, 55), "what comes late brings none");
        assert!(!rate.take(&one, 105), "and does not let the same time be counted again");
        assert_eq!((0..100).filter(|_| rate.take(&one, 60_000)).count(), 10, "no more is saved up than one second's");
    }

    #[test]
    fn several_are_taken_together_or_not_at_all() {
        let rate = RequestRate::new(3);
        assert!(rate.take_many(&"one", 2, 0));
        assert!(!rate.take_many(&"one", 2, 0), "one is left");
        assert!(rate.take(&"one", 0), "and what was refused did not take it");
        assert!(!rate.take(&"one", 0));
    }

    #[test]
    fn more_than_a_second_brings_can_be_waited_for() {
        let rate = RequestRate::new(1);
        assert!(rate.take_many(&"one", 2, 0), "full at first");
        assert!(!rate.take_many(&"one", 2, 1000), "a second brings one");
        assert!(rate.take_many(&"one", 2, 2000), "two bring two, though it was tried in between");
        assert!(!rate.take(&"one", 2000));
        assert!(rate.take(&"one", 60_000));
        assert!(!rate.take(&"one", 60_000), "no more is saved up than one second's for those that take one");
    }
}
