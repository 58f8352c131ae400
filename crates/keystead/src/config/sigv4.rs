//! `[sigv4]`: the verification of signatures.

use std::time::Duration;

use serde::Deserialize;

use super::number::{DAY_MS, Number};

/// `[sigv4]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct SigV4Config {
    /// How far a request's date may be off, either way, in seconds. Default 300.
    pub(crate) clock_skew_seconds: u64,
}

impl Default for SigV4Config {
    fn default() -> Self {
        Self { clock_skew_seconds: 300 }
    }
}

impl SigV4Config {
    /// Every number.
    pub(super) fn numbers(&self) -> impl IntoIterator<Item = Number> {
        [Number::new("sigv4.clock_skew_seconds", self.clock_skew_seconds, 1..=DAY_MS / 1000)]
    }

    /// What the front end is to know.
    pub(super) fn clock_skew(&self) -> Duration {
        Duration::from_secs(self.clock_skew_seconds)
    }
}
