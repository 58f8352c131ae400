//! Where the socket is.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};

/// The socket in the data folder.
const SOCKET: &str = "admin.sock";
/// Held by the server that uses the folder.
const LOCK: &str = "server.lock";

/// A path that the operating system takes for the socket's address, however long the data folder's path is: an address has 107 bytes at the
/// most, and the path through the open folder is always short.
pub(super) struct SocketPath {
    folder: File,
    real: PathBuf,
}

impl SocketPath {
    pub(super) fn in_folder(data_folder: &Path) -> io::Result<Self> {
        Ok(Self { folder: File::open(data_folder)?, real: data_folder.join(SOCKET) })
    }

    /// Where people find it.
    pub(super) fn real(&self) -> &Path {
        &self.real
    }

    /// Good for as long as this value lives.
    pub(super) fn address(&self) -> PathBuf {
        PathBuf::from(format!("/proc/self/fd/{}/{SOCKET}", self.folder.as_raw_fd()))
    }
}

/// The lock of the data folder.
pub(super) fn lock_file(data_folder: &Path) -> PathBuf {
    data_folder.join(LOCK)
}
