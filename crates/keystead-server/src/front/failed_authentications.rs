//! How often a second requests from one address may fail to show who sent them.
//!
//! Behind a proxy or a NAT many clients have one address, and would be refused for what one of them does: there is no such limit unless the
//! operator sets one.

use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use keystead_core::KmsError;
use quick_cache::sync::Cache;

/// How many addresses are kept account of at most; the least used go first.
const CAPACITY: usize = 10_000;
/// Who has one IPv6 address has as a rule a network of this prefix.
const IPV6_NETWORK_BITS: u32 = 64;

/// Token buckets by address: so many failures a second, and as many in one burst.
pub(super) struct FailedAuthentications {
    /// 0: no limit.
    per_second_max: u32,
    buckets: Cache<Origin, Arc<Mutex<Bucket>>>,
}

/// An IPv4 address, or an IPv6 network.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
struct Origin(IpAddr);

struct Bucket {
    /// Failures that are left, in thousandths; the last one may take more than there is.
    milli_tokens: i64,
    refilled_ms: u64,
}

impl FailedAuthentications {
    pub(super) fn new(per_second_max: u32) -> Self {
        Self { per_second_max, buckets: Cache::new(CAPACITY) }
    }

    /// Refuses a request from an address that has failed too often. `now_ms` is [`keystead_core::port::Clock::monotonic_ms`].
    pub(super) fn admit(&self, address: IpAddr, now_ms: u64) -> Result<(), KmsError> {
        let Some(bucket) = self.buckets.get(&Origin::of(address)) else { return Ok(()) };
        // A poisoned lock means that another thread panicked between two assignments of integers; the bucket is still usable.
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.refill(self.per_second_max, now_ms);
        if bucket.milli_tokens >= 1000 { Ok(()) } else { Err(KmsError::throttling()) }
    }

    /// Counts a failure.
    pub(super) fn count(&self, address: IpAddr, now_ms: u64) {
        if self.per_second_max == 0 {
            return;
        }
        let origin = Origin::of(address);
        let full = || Arc::new(Mutex::new(Bucket { milli_tokens: capacity(self.per_second_max), refilled_ms: now_ms }));
        let bucket = self.buckets.get(&origin).unwrap_or_else(|| {
            let bucket = full();
            self.buckets.insert(origin, bucket.clone());
            bucket
        });
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.refill(self.per_second_max, now_ms);
        bucket.milli_tokens -= 1000;
    }
}

impl Origin {
    fn of(address: IpAddr) -> Self {
        match address {
            IpAddr::V4(_) => Self(address),
            IpAddr::V6(address) => Self(Ipv6Addr::from_bits(address.to_bits() & u128::MAX << IPV6_NETWORK_BITS).into()),
        }
    }
}

impl Bucket {
    fn refill(&mut self, per_second: u32, now_ms: u64) {
        let elapsed_ms = i64::try_from(now_ms.saturating_sub(self.refilled_ms)).unwrap_or(i64::MAX);
        let refill = elapsed_ms.saturating_mul(i64::from(per_second));
        self.milli_tokens = self.milli_tokens.saturating_add(refill).min(capacity(per_second));
        self.refilled_ms = self.refilled_ms.max(now_ms);
    }
}

fn capacity(per_second: u32) -> i64 {
    i64::from(per_second) * 1000
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn so_many_failures_a_second_and_no_more() {
        let (failures, from) = (FailedAuthentications::new(2), address("192.0.2.1"));
        for now_ms in [0, 0, 1000, 1000] {
            assert!(failures.admit(from, now_ms).is_ok());
            failures.count(from, now_ms);
        }
        assert_eq!(failures.admit(from, 1499), Err(KmsError::throttling()));
        assert!(failures.admit(from, 1500).is_ok());
        assert!(failures.admit(address("192.0.2.2"), 1000).is_ok(), "another address");
    }

    #[test]
    fn many_at_once_are_paid_for_later() {
        let (failures, from) = (FailedAuthentications::new(2), address("192.0.2.1"));
        // Requests that were let in together fail together.
        for _ in 0..6 {
            failures.count(from, 0);
        }
        assert!(failures.admit(from, 2000).is_err());
        assert!(failures.admit(from, 2500).is_ok());
    }

    #[test]
    fn there_is_no_limit_unless_one_is_set() {
        let (failures, from) = (FailedAuthentications::new(0), address("192.0.2.1"));
        for _ in 0..100 {
            failures.count(from, 0);
        }
        assert!(failures.admit(from, 0).is_ok() && failures.buckets.is_empty());
    }

    #[test]
    fn an_ipv6_network_is_one_origin() {
        let failures = FailedAuthentications::new(1);
        failures.count(address("2001:db8::1"), 0);
        assert!(failures.admit(address("2001:db8::ffff:2"), 0).is_err());
        assert!(failures.admit(address("2001:db8:0:1::1"), 0).is_ok());
    }

    #[test]
    fn addresses_are_bounded() {
        let failures = FailedAuthentications::new(1);
        for number in 0..2 * CAPACITY as u32 {
            failures.count(IpAddr::from(number.to_be_bytes()), 0);
        }
        assert!(failures.buckets.len() <= CAPACITY);
    }
}
