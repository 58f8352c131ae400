//! What the process may use.

use std::io;

use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, setrlimit, umask};

use crate::HsmError;

/// Bounds the address space, forbids core dumps, which would have keys and PINs in them, and keeps new files from everybody else.
pub(crate) fn apply(memory_bytes_max: u64) -> Result<(), HsmError> {
    umask(Mode::RWXG | Mode::RWXO);
    limit(Resource::Core, 0)?;
    limit(Resource::As, memory_bytes_max)
}

fn limit(resource: Resource, maximum: u64) -> Result<(), HsmError> {
    setrlimit(resource, Rlimit { current: Some(maximum), maximum: Some(maximum) })
        .map_err(|error| HsmError::Lost(format!("the worker cannot limit itself: {}", io::Error::from(error))))
}
