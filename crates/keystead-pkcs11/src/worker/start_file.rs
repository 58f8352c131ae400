//! What the client tells a worker at its start. Nothing in it is secret.

use std::fs;
use std::path::Path;

use serde::{Deserialize, Serialize};

use crate::HsmError;
use crate::client::HsmSettings;

/// The file of `keystead hsm-worker --settings`.
#[derive(Serialize, Deserialize)]
pub(crate) struct StartFile {
    pub(crate) hsm: HsmSettings,
    /// Greatest address space, in bytes.
    pub(crate) memory_bytes_max: u64,
    /// Wrong PINs in a row that lock a user.
    pub(crate) strikes_max: u32,
    /// How often the token is asked whether it is still there.
    pub(crate) probe_interval_ms: u64,
}

impl StartFile {
    pub(crate) fn read(path: &Path) -> Result<Self, HsmError> {
        let text = fs::read(path).map_err(|error| Self::bad(path, &error.to_string()))?;
        serde_json::from_slice(&text).map_err(|error| Self::bad(path, &error.to_string()))
    }

    fn bad(path: &Path, why: &str) -> HsmError {
        HsmError::Lost(format!("the worker's settings {} cannot be read: {why}", path.display()))
    }
}
