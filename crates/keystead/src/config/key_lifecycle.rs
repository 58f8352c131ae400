//! `[key_lifecycle]`: what keys do by themselves, besides being deleted.

use std::time::Duration;

use serde::Deserialize;

use super::number::{DURATION_MS, DURATION_OR_NONE_MS, Number};

/// `[key_lifecycle]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct KeyLifecycleConfig {
    /// The least time that a rotation on demand, the making of a replica and the change of a primary Region take, in milliseconds, so that
    /// the states can be seen. Default 500.
    pub(crate) transition_min_ms: u64,
    /// Time between looks for keys that are due for rotation or whose imported material has expired, in milliseconds. Default 1000.
    pub(crate) sweep_interval_ms: u64,
}

impl Default for KeyLifecycleConfig {
    fn default() -> Self {
        Self { transition_min_ms: 500, sweep_interval_ms: 1000 }
    }
}

impl KeyLifecycleConfig {
    /// Every number.
    pub(super) fn numbers(&self) -> impl IntoIterator<Item = Number> {
        [
            Number::new("key_lifecycle.transition_min_ms", self.transition_min_ms, DURATION_OR_NONE_MS),
            Number::new("key_lifecycle.sweep_interval_ms", self.sweep_interval_ms, DURATION_MS),
        ]
    }

    /// The least time that a change of a key's state takes.
    pub(super) fn transition_min(&self) -> Duration {
        Duration::from_millis(self.transition_min_ms)
    }

    /// Time between looks for what is due.
    pub(super) fn sweep_interval(&self) -> Duration {
        Duration::from_millis(self.sweep_interval_ms)
    }
}

#[cfg(test)]
mod tests {
    use crate::config::smallest;

    #[test]
    fn what_is_wrong_is_named() {
        smallest::refuses(&[("[key_lifecycle]\nsweep_interval_ms = 0\n", "key_lifecycle.sweep_interval_ms")]);
    }
}
