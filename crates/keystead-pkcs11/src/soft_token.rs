//! The files of a soft token: its storage, and the configuration by which its module finds it.

use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};

/// A module that keeps tokens in files.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SoftTokenKind {
    /// kryoptic: one SQLite file for each token.
    Kryoptic,
    /// SoftHSM 2: one folder for each token.
    Softhsm2,
}

/// Where a soft token is: what [`crate::client::HsmSettings`] needs of it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct SoftToken {
    /// `KRYOPTIC_CONF` or `SOFTHSM2_CONF`.
    pub environment: BTreeMap<String, String>,
    /// File or folder with the token's objects.
    pub token_storage: PathBuf,
}

impl SoftToken {
    /// Writes the module's configuration and makes an empty storage in `folder`, for this user alone. The token is to be initialised.
    pub fn create(_kind: SoftTokenKind, _folder: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// The same, with what [`crate::client::Hsm::back_up_token`] saved in `backup`: the clone has the keys, the users, the PINs and the serial
    /// number of the token that was backed up.
    pub fn restore(_kind: SoftTokenKind, _folder: &Path, _backup: &Path) -> io::Result<Self> {
        Err(io::ErrorKind::Unsupported.into())
    }
}
