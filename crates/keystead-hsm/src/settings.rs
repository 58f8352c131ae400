//! How patient the backend is.

use std::time::Duration;

/// What all clusters have in common.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct HsmBackendSettings {
    /// How long an encryption, a decryption or random bytes may take, however many HSMs are asked for it. Twice the call timeout of a
    /// worker or more, or an HSM that hangs leaves too little time to ask another.
    pub call_timeout: Duration,
    /// For how long an answer of the [`crate::HsmDirectory`] is used: an HSM that is added or deleted is noticed after this time at the
    /// latest.
    pub directory_age_max: Duration,
}

impl Default for HsmBackendSettings {
    fn default() -> Self {
        Self { call_timeout: Duration::from_secs(10), directory_age_max: Duration::from_millis(250) }
    }
}
