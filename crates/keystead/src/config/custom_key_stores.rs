//! `[custom_key_stores]`: custom key stores of every kind.

use std::time::Duration;

use keystead_core::quota::CUSTOM_KEY_STORE_REQUESTS_PER_SECOND;
use serde::Deserialize;

use super::number::{COUNT, DURATION_MS, DURATION_OR_NONE_MS, Number, check_least};

/// A connect asks its proxy once; the lease must outlast that, with its retries, and the store's part of the work.
const JOB_LEASE_TIMEOUTS: u64 = 4;

/// `[custom_key_stores]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct CustomKeyStoresConfig {
    /// The least time in CONNECTING and DISCONNECTING, in milliseconds, so that the states can be seen. Default 500.
    pub(crate) transition_min_ms: u64,
    /// After this time another worker takes up a connect or disconnect that a crash left, in milliseconds. Default 10000.
    pub(crate) job_lease_ms: u64,
    /// Time between health polls of connected key stores, in milliseconds. Default 180000.
    pub(crate) health_poll_interval_ms: u64,
    /// Cryptographic requests a second for each custom key store. Default 1800.
    pub(crate) requests_per_second: u32,
    /// CreateCustomKeyStore and UpdateCustomKeyStore of one account ask a proxy at most so often a second. Default 5.
    pub(crate) probes_per_second: u32,
}

impl Default for CustomKeyStoresConfig {
    fn default() -> Self {
        Self {
            transition_min_ms: 500,
            job_lease_ms: 10_000,
            health_poll_interval_ms: 180_000,
            requests_per_second: CUSTOM_KEY_STORE_REQUESTS_PER_SECOND,
            probes_per_second: 5,
        }
    }
}

impl CustomKeyStoresConfig {
    /// Every number.
    pub(super) fn numbers(&self) -> impl IntoIterator<Item = Number> {
        [
            Number::new("custom_key_stores.transition_min_ms", self.transition_min_ms, DURATION_OR_NONE_MS),
            Number::new("custom_key_stores.job_lease_ms", self.job_lease_ms, DURATION_MS),
            Number::new("custom_key_stores.health_poll_interval_ms", self.health_poll_interval_ms, DURATION_MS),
            Number::new("custom_key_stores.requests_per_second", self.requests_per_second, COUNT),
            Number::new("custom_key_stores.probes_per_second", self.probes_per_second, COUNT),
        ]
    }

    /// Refuses leases that would end before a proxy has answered. `request_timeout_ms`: of a call to a proxy, a day at most.
    pub(super) fn check_lease(&self, request_timeout_ms: u64) -> Result<(), String> {
        let least = JOB_LEASE_TIMEOUTS * request_timeout_ms;
        check_least("custom_key_stores.job_lease_ms", self.job_lease_ms, least).map_err(|error| {
            format!(
                "{error}: {JOB_LEASE_TIMEOUTS} times xks.request_timeout_ms, so that no other worker takes up a connect that is \
                 still waiting for its proxy"
            )
        })
    }

    /// The least time in CONNECTING and DISCONNECTING.
    pub(super) fn transition_min(&self) -> Duration {
        Duration::from_millis(self.transition_min_ms)
    }

    /// How long a connect or disconnect is one worker's.
    pub(super) fn job_lease(&self) -> Duration {
        Duration::from_millis(self.job_lease_ms)
    }

    /// Time between health polls.
    pub(super) fn health_poll_interval(&self) -> Duration {
        Duration::from_millis(self.health_poll_interval_ms)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use crate::config::smallest;

    #[test]
    fn what_is_wrong_is_named() {
        smallest::refuses(&[
            (
                "[custom_key_stores]\njob_lease_ms = 9223372036854775807\n",
                "custom_key_stores.job_lease_ms must be 1 to 86400000",
            ),
            ("[custom_key_stores]\ntransition_min_ms = 86400001\n", "custom_key_stores.transition_min_ms"),
            (
                "[custom_key_stores]\njob_lease_ms = 999\n",
                "custom_key_stores.job_lease_ms must be 1000 or more: 4 times",
            ),
            ("[custom_key_stores]\nprobes_per_second = 0\n", "custom_key_stores.probes_per_second"),
        ]);
        smallest::with("[custom_key_stores]\njob_lease_ms = 1000\n").unwrap();
    }
}
