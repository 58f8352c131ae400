//! `[limits]`: sizes and times of requests.

use std::time::Duration;

use keystead_server::Limits;
use serde::Deserialize;

use super::number::{DURATION_MS, DURATION_OR_NONE_MS, Number, SIZE_BYTES};

/// `[limits]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct LimitsConfig {
    /// Longest request body, in bytes. Default 1048576.
    pub(crate) body_bytes_max: usize,
    /// Longest sum of a request's header names and values, in bytes. Default 16384.
    pub(crate) header_bytes_max: usize,
    /// Time for a TLS handshake and for a request's head, in milliseconds. Default 10000.
    pub(crate) header_timeout_ms: u64,
    /// Time for a request's body, in milliseconds. Default 10000.
    pub(crate) body_timeout_ms: u64,
    /// Time a connection may be without a request, in milliseconds. Default 90000.
    pub(crate) idle_timeout_ms: u64,
    /// Most connections at once; further ones wait. Default 4096.
    pub(crate) connections_max: usize,
    /// Most requests a second from one address that may fail to show who sent them; 0 is no limit. Default 0.
    pub(crate) failed_authentications_per_second_max: u32,
    /// Time for requests in flight when the server is stopped, in milliseconds. Default 10000.
    pub(crate) shutdown_grace_ms: u64,
}

impl Default for LimitsConfig {
    fn default() -> Self {
        Self {
            body_bytes_max: 1024 * 1024,
            header_bytes_max: 16 * 1024,
            header_timeout_ms: 10_000,
            body_timeout_ms: 10_000,
            idle_timeout_ms: 90_000,
            connections_max: 4096,
            failed_authentications_per_second_max: 0,
            shutdown_grace_ms: 10_000,
        }
    }
}

impl LimitsConfig {
    /// Every number but `connections_max`, which the front end checks.
    pub(super) fn numbers(&self) -> impl IntoIterator<Item = Number> {
        let failed_authentications = self.failed_authentications_per_second_max;
        [
            Number::new("limits.header_timeout_ms", self.header_timeout_ms, DURATION_MS),
            Number::new("limits.body_timeout_ms", self.body_timeout_ms, DURATION_MS),
            Number::new("limits.idle_timeout_ms", self.idle_timeout_ms, DURATION_MS),
            Number::new("limits.failed_authentications_per_second_max", failed_authentications, 0..=1_000_000),
            Number::new("limits.shutdown_grace_ms", self.shutdown_grace_ms, DURATION_OR_NONE_MS),
            Number::new("limits.body_bytes_max", self.body_bytes_max as u64, SIZE_BYTES),
            Number::new("limits.header_bytes_max", self.header_bytes_max as u64, SIZE_BYTES),
        ]
    }

    /// What the front end is to know.
    pub(super) fn limits(&self) -> Limits {
        Limits {
            body_bytes_max: self.body_bytes_max,
            header_bytes_max: self.header_bytes_max,
            header_timeout: Duration::from_millis(self.header_timeout_ms),
            body_timeout: Duration::from_millis(self.body_timeout_ms),
            idle_timeout: Duration::from_millis(self.idle_timeout_ms),
            connections_max: self.connections_max,
            failed_authentications_per_second_max: self.failed_authentications_per_second_max,
            shutdown_grace: self.shutdown_grace(),
        }
    }

    /// Time for what goes on when the server is stopped.
    pub(crate) fn shutdown_grace(&self) -> Duration {
        Duration::from_millis(self.shutdown_grace_ms)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::smallest;

    #[test]
    fn what_is_wrong_is_named() {
        smallest::refuses(&[
            ("[limits]\nbody_max = 1\n", "body_max"),
            ("[limits]\nheader_bytes_max = 0\n", "limits.header_bytes_max must be 1 to 2147483647"),
        ]);
    }
}
