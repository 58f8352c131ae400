//! A copy of SoftHSM 2's `token.object` for as long as SoftHSM 2 rewrites it.
//!
//! Each login and each change of a PIN truncates that file and writes it again. A process that is killed in between leaves a token that
//! cannot be loaded, and with it every key: the file has the key under which they are encrypted. The copy has the PIN from before.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use crate::HsmError;

const TOKEN_OBJECT: &str = "token.object";
const EXTENSION: &str = "token-object";

/// The copies in the worker's state folder, named by the token's folder; usually there is none.
pub(crate) struct Snapshot {
    tokens: PathBuf,
    state_folder: PathBuf,
}

impl Snapshot {
    /// For the tokens in `tokens`.
    pub(crate) fn new(tokens: &Path, state_folder: &Path) -> Self {
        Self { tokens: tokens.to_owned(), state_folder: state_folder.to_owned() }
    }

    /// Copies `token.object`, durably, before it is touched.
    pub(crate) fn take(&self) -> Result<(), HsmError> {
        self.copy_all().map_err(|error| self.bad("saved", &error))
    }

    /// Removes the copies: what they were for is over.
    pub(crate) fn discard(&self) -> Result<(), HsmError> {
        let remove = || self.copies()?.iter().try_for_each(fs::remove_file);
        remove().map_err(|error| self.bad("removed", &error))
    }

    /// Whether a crash has left copies.
    pub(crate) fn exists(&self) -> Result<bool, HsmError> {
        Ok(!self.copies().map_err(|error| self.bad("read", &error))?.is_empty())
    }

    /// Puts copies back whose original was only partly written.
    pub(crate) fn mend(&self) -> Result<(), HsmError> {
        self.put_back(is_cut_off).map_err(|error| self.bad("restored", &error))
    }

    /// Puts all copies back: the module cannot load the originals.
    pub(crate) fn restore(&self) -> Result<(), HsmError> {
        self.put_back(|_, _| Ok(true)).map_err(|error| self.bad("restored", &error))
    }

    fn copy_all(&self) -> io::Result<()> {
        for entry in fs::read_dir(&self.tokens)? {
            let entry = entry?;
            let original = entry.path().join(TOKEN_OBJECT);
            if original.is_file() {
                let mut copy = self.state_folder.join(entry.file_name());
                copy.set_extension(EXTENSION);
                replace(&original, &copy)?;
            }
        }
        Ok(())
    }

    fn put_back(&self, is_needed: impl Fn(&Path, &Path) -> io::Result<bool>) -> io::Result<()> {
        for copy in self.copies()? {
            let folder = self.tokens.join(copy.file_stem().unwrap_or_default());
            let original = folder.join(TOKEN_OBJECT);
            if folder.is_dir() && is_needed(&original, &copy)? {
                replace(&copy, &original)?;
            }
        }
        Ok(())
    }

    fn copies(&self) -> io::Result<Vec<PathBuf>> {
        let mut copies = Vec::new();
        for entry in fs::read_dir(&self.state_folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == EXTENSION) {
                copies.push(path);
            }
        }
        Ok(copies)
    }

    fn bad(&self, what: &str, error: &io::Error) -> HsmError {
        HsmError::Lost(format!("the copy of token.object in {} cannot be {what}: {error}", self.state_folder.display()))
    }
}

/// SoftHSM 2 writes from front to back and never makes the file shorter.
fn is_cut_off(original: &Path, copy: &Path) -> io::Result<bool> {
    match fs::metadata(original) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        metadata => Ok(metadata?.len() < fs::metadata(copy)?.len()),
    }
}

/// Copies a file over another one so that a crash leaves the one or the other.
fn replace(from: &Path, to: &Path) -> io::Result<()> {
    let new = to.with_extension("new");
    fs::copy(from, &new)?;
    File::open(&new)?.sync_all()?;
    fs::rename(&new, to)?;
    match to.parent() {
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    struct Folders {
        _root: tempfile::TempDir,
        original: PathBuf,
        snapshot: Snapshot,
    }

    fn folders() -> Folders {
        let root = tempfile::tempdir().unwrap();
        let (tokens, state) = (root.path().join("tokens"), root.path().join("state"));
        let original = tokens.join("0a-1b").join(TOKEN_OBJECT);
        fs::create_dir_all(original.parent().unwrap()).unwrap();
        fs::create_dir(&state).unwrap();
        fs::write(&original, "before").unwrap();
        Folders { snapshot: Snapshot::new(&tokens, &state), original, _root: root }
    }

    #[test]
    fn what_a_crash_cut_off_is_mended() {
        for left in ["", "aft"] {
            let folders = folders();
            folders.snapshot.take().unwrap();
            fs::write(&folders.original, left).unwrap();
            folders.snapshot.mend().unwrap();
            assert_eq!(fs::read(&folders.original).unwrap(), b"before");
        }
    }

    #[test]
    fn what_was_written_to_the_end_stays() {
        let folders = folders();
        folders.snapshot.take().unwrap();
        fs::write(&folders.original, "after!").unwrap();
        folders.snapshot.mend().unwrap();
        assert_eq!(fs::read(&folders.original).unwrap(), b"after!");
        folders.snapshot.discard().unwrap();
        assert!(!folders.snapshot.exists().unwrap());
    }
}
