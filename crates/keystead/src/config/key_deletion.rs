//! `[key_deletion]`: the deletion of keys whose waiting period is over.

use std::time::Duration;

use serde::Deserialize;

use super::number::{DURATION_MS, Number};

/// `[key_deletion]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeyDeletionConfig {
    /// Time between looks for keys whose day has come, in milliseconds. Default 60000.
    pub(crate) sweep_interval_ms: u64,
}

impl Default for KeyDeletionConfig {
    fn default() -> Self {
        Self { sweep_interval_ms: 60_000 }
    }
}

impl KeyDeletionConfig {
    /// Every number.
    pub(super) fn numbers(&self) -> impl IntoIterator<Item = Number> {
        [Number::new("key_deletion.sweep_interval_ms", self.sweep_interval_ms, DURATION_MS)]
    }

    /// Time between looks for keys whose day has come.
    pub(super) fn sweep_interval(&self) -> Duration {
        Duration::from_millis(self.sweep_interval_ms)
    }
}
