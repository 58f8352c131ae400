//! The request quota of a custom key store: a token bucket for each.

use std::collections::HashMap;
use std::sync::Mutex;

use keystead_model::Timestamp;
use keystead_model::arn::CustomKeyStoreId;

/// Token buckets, one for each custom key store: so many requests a second, and as many in one burst.
#[derive(Debug)]
pub struct RequestRate {
    requests_per_second: u32,
    buckets: Mutex<HashMap<CustomKeyStoreId, Bucket>>,
}

#[derive(Clone, Copy, Debug)]
struct Bucket {
    /// Requests that may still be made, in thousandths.
    milli_tokens: u64,
    refilled: Timestamp,
}

impl RequestRate {
    /// Buckets that are full at first.
    pub fn new(requests_per_second: u32) -> Self {
        Self { requests_per_second, buckets: Mutex::default() }
    }

    /// Takes one request of the key store's quota; `false` when it is used up.
    pub fn take(&self, id: &CustomKeyStoreId, now: Timestamp) -> bool {
        let full = u64::from(self.requests_per_second) * 1000;
        // A poisoned lock means another thread panicked between two assignments of integers; the buckets are still usable.
        let mut buckets = self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let bucket = match buckets.get_mut(id) {
            Some(bucket) => bucket,
            None => buckets.entry(id.clone()).or_insert(Bucket { milli_tokens: full, refilled: now }),
        };
        let elapsed_ms = u64::try_from(now.millis() - bucket.refilled.millis()).unwrap_or(0);
        bucket.milli_tokens = full
            .min(bucket.milli_tokens.saturating_add(elapsed_ms.saturating_mul(u64::from(self.requests_per_second))));
        bucket.refilled = now;
        let granted = bucket.milli_tokens >= 1000;
        if granted {
            bucket.milli_tokens -= 1000;
        }
        granted
    }

    /// The key store is gone.
    pub fn forget(&self, id: &CustomKeyStoreId) {
        self.buckets.lock().unwrap_or_else(std::sync::PoisonError::into_inner).remove(id);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_its_requests_and_no_more() {
        let rate = RequestRate::new(10);
        let (one, other) = (CustomKeyStoreId::parse("cks-1").unwrap(), CustomKeyStoreId::parse("cks-2").unwrap());
        let at = Timestamp::from_millis;
        assert!((0..10).all(|_| rate.take(&one, at(0))));
        assert!(!rate.take(&one, at(0)), "the burst is used up");
        assert!(rate.take(&other, at(0)), "each key store has its own");
        assert!(!rate.take(&one, at(99)));
        assert!(rate.take(&one, at(100)), "a tenth of a second brings one");
        assert!(!rate.take(&one, at(50)), "a clock that goes back brings none");
        assert_eq!(
            (0..100).filter(|_| rate.take(&one, at(60_000))).count(),
            10,
            "no more is saved up than one second's"
        );
    }
}
