//! What the process `keystead hsm-worker` runs: one token, through one module.
//!
//! The main thread accepts connections; each has a thread of its own, which answers one call after another with a session of the pool.
//! Another thread reads standard input, whose end is the end of the server, and one asks the token whether it is still there. What may go
//! wrong in a vendor's C library goes wrong here alone.

mod answer;
mod failure;
mod gcm;
mod handles;
mod key_info;
mod key_objects;
mod key_template;
mod key_transport;
mod lifetime;
mod limits;
mod login;
mod rsa_public_key;
mod server;
mod session_pool;
mod snapshot;
mod start_file;
mod storage;
mod strikes;
mod token;
mod token_operation;
#[allow(clippy::module_inception)]
mod worker;

use std::path::Path;

pub(crate) use lifetime::{LOST_LINE, READY_LINE};
pub(crate) use start_file::StartFile;
use worker::Worker;

use crate::HsmError;

/// Runs the worker of one HSM until standard input ends, or the token is lost. `settings_file` is written by [`crate::client`], which also
/// listens to what is said on standard output; `socket` is made here, for this user alone.
///
/// Fails if the token cannot be opened; the reason has been told on standard output then.
pub fn run(settings_file: &Path, socket: &Path) -> Result<(), HsmError> {
    serve(settings_file, socket).inspect_err(lifetime::announce_lost)
}

fn serve(settings_file: &Path, socket: &Path) -> Result<(), HsmError> {
    let start = StartFile::read(settings_file)?;
    limits::apply(start.memory_bytes_max)?;
    let worker = lifetime::open_with_parent(start)?;
    let listener = server::bind(socket)?;
    lifetime::probe_regularly(&worker)?;
    lifetime::announce_ready()?;
    server::accept(&listener, &worker)
}
