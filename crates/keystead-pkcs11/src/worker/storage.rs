//! The files in which a soft token keeps its objects.

use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::HsmError;

/// File systems give times coarsely.
const CLOCK_SLACK: Duration = Duration::from_secs(1);

/// The storage of one soft token, and which one it was when it was opened.
pub(crate) struct Storage {
    path: PathBuf,
    identity: (u64, u64),
}

impl Storage {
    /// The storage must be there: kryoptic would make a new one, and hide that the token is gone.
    pub(crate) fn open(path: &Path) -> Result<Self, HsmError> {
        let metadata = fs::metadata(path).map_err(|error| gone(path, &error))?;
        Ok(Self { path: path.to_owned(), identity: identity(&metadata) })
    }

    /// Whether it is still there, and the same.
    pub(crate) fn check(&self) -> Result<(), HsmError> {
        let metadata = fs::metadata(&self.path).map_err(|error| gone(&self.path, &error))?;
        if identity(&metadata) == self.identity {
            return Ok(());
        }
        Err(HsmError::Lost(format!("the token's storage {} was replaced by another one", self.path.display())))
    }

    /// Brings to the disk what changed since then.
    pub(crate) fn sync_since(&self, since: SystemTime) -> Result<(), HsmError> {
        let since = since.checked_sub(CLOCK_SLACK).unwrap_or(SystemTime::UNIX_EPOCH);
        sync_changed(&self.path, since).map_err(|error| {
            HsmError::Lost(format!("the token's storage {} cannot be synced: {error}", self.path.display()))
        })
    }

    /// Copies it into an empty folder, durably.
    pub(crate) fn copy_into(&self, folder: &Path) -> Result<(), HsmError> {
        crate::soft_token::copy_storage(&self.path, folder).map_err(|error| {
            HsmError::TokenState(format!(
                "the token's storage {} cannot be copied to {}: {error}",
                self.path.display(),
                folder.display()
            ))
        })
    }
}

fn identity(metadata: &Metadata) -> (u64, u64) {
    (metadata.dev(), metadata.ino())
}

fn gone(path: &Path, error: &io::Error) -> HsmError {
    HsmError::Lost(format!("the token's storage {} is gone: {error}", path.display()))
}

/// A storage that is one file is SQLite's. SQLite has synced it, and to open and close it here would drop SQLite's locks on it: only its
/// folder is left to do. SoftHSM 2 syncs nothing.
fn sync_changed(path: &Path, since: SystemTime) -> io::Result<()> {
    if path.is_dir() {
        return sync_folder(path, since);
    }
    match path.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

fn sync_folder(folder: &Path, since: SystemTime) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let metadata = match entry.metadata() {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            metadata => metadata?,
        };
        if metadata.is_dir() {
            sync_folder(&entry.path(), since)?;
        } else if metadata.is_file() && metadata.modified()? >= since {
            File::open(entry.path())?.sync_all()?;
        }
    }
    File::open(folder)?.sync_all()
}
