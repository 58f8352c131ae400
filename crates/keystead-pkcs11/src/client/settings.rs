//! What a worker is told.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::Profile;

/// One HSM: where its token is and how to drive it. Two that are equal are the same HSM.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct HsmSettings {
    /// Names the HSM, and its worker's files.
    pub hsm_id: String,
    /// The PKCS#11 module, a shared library.
    pub module: PathBuf,
    /// How the module behaves.
    pub profile: Profile,
    /// What the module finds its configuration by, such as `KRYOPTIC_CONF`.
    pub environment: BTreeMap<String, String>,
    /// The label of the token; `None` for a module with one token.
    pub token_label: Option<String>,
    /// The serial number the token must have; `None` until it is initialised. A token with another one is not this HSM.
    pub token_serial: Option<String>,
    /// File or folder in which a soft token keeps its objects; `None` for others.
    pub token_storage: Option<PathBuf>,
    /// Folder of the worker's own: strike counter, snapshots.
    pub state_folder: PathBuf,
}

/// What all workers have in common.
#[derive(Clone, Debug)]
pub struct WorkerSettings {
    /// The program that is started with `hsm-worker`: Keystead's own binary.
    pub program: PathBuf,
    /// Folder of the sockets, for this user alone. Short: a socket's path has at most 107 bytes.
    pub socket_folder: PathBuf,
    /// How long a call may take, from the caller's decision to the answer. Calls that take a token long (a new token, an RSA key pair, a
    /// backup, a list of all keys) may take eight times as long.
    pub call_timeout: Duration,
    /// How long a worker may take from its start to its first answer.
    pub start_timeout: Duration,
    /// Greatest address space of a worker, in bytes.
    pub memory_bytes_max: u64,
    /// Wrong PINs in a row that lock a user.
    pub strikes_max: u32,
    /// How often a worker that is idle is asked whether its token is still there.
    pub probe_interval: Duration,
}
