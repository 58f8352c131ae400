//! The folder of the workers' sockets: for this user alone, and with a short path.

use std::fs::{self, DirBuilder};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

/// The longest address of a Unix socket, in bytes.
const ADDRESS_BYTES_MAX: usize = 107;
/// Room for a slash, an HSM's ID and `.sock`.
const NAME_BYTES: usize = 32;
/// In the data folder.
const FOLDER: &str = "hsm-sockets";
const OWNER_ONLY: u32 = 0o700;
const GROUP_AND_OTHERS: u32 = 0o077;

/// The folder. One that is not in the data folder is removed on drop.
pub(super) struct SocketFolder {
    path: PathBuf,
    is_elsewhere: bool,
}

impl SocketFolder {
    /// Makes the folder, or takes up the one that is there: in the data folder if its path is short enough, else in one of the system's folders
    /// for such things. `data_folder` is absolute.
    pub(super) fn make(data_folder: &Path) -> io::Result<Self> {
        let inside = data_folder.join(FOLDER);
        let is_elsewhere = !is_short(&inside);
        let path = if is_elsewhere { elsewhere(data_folder)? } else { inside };
        make_private(&path)?;
        Ok(Self { path, is_elsewhere })
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for SocketFolder {
    fn drop(&mut self) {
        if !self.is_elsewhere {
            return;
        }
        if let Err(error) = fs::remove_dir_all(&self.path) {
            tracing::warn!(%error, "the folder {} of the HSM workers' sockets cannot be removed", self.path.display());
        }
    }
}

fn elsewhere(data_folder: &Path) -> io::Result<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let candidates = runtime.into_iter().chain([std::env::temp_dir()]).map(|folder| folder.join(name_for(data_folder)));
    let mut fitting = candidates.filter(|folder| is_short(folder));
    fitting.next().ok_or_else(|| {
        let problem = "neither the data folder nor the folder for temporary files has a path that is short enough for sockets; set TMPDIR";
        io::Error::new(io::ErrorKind::InvalidInput, problem)
    })
}

fn is_short(folder: &Path) -> bool {
    folder.as_os_str().len() + NAME_BYTES <= ADDRESS_BYTES_MAX
}

/// The same at each start, so that starts leave no trail of folders, and another one for each data folder.
fn name_for(data_folder: &Path) -> String {
    let mut hasher = DefaultHasher::new();
    data_folder.hash(&mut hasher);
    format!("keystead-{}-{:016x}", geteuid().as_raw(), hasher.finish())
}

/// In a folder that everybody may write to somebody else may have been first.
fn make_private(folder: &Path) -> io::Result<()> {
    match DirBuilder::new().mode(OWNER_ONLY).create(folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    let found = fs::symlink_metadata(folder)?;
    let private = found.is_dir() && found.uid() == geteuid().as_raw() && found.mode() & GROUP_AND_OTHERS == 0;
    if private {
        return Ok(());
    }
    let problem = format!("{} must be a folder of this user's, of mode 700; remove it", folder.display());
    Err(io::Error::new(io::ErrorKind::PermissionDenied, problem))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::{PermissionsExt, symlink};

    use super::*;

    #[test]
    fn a_short_path_stays_in_the_data_folder_and_a_long_one_does_not() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FOLDER);
        for _ in 0..2 {
            assert_eq!(SocketFolder::make(folder.path()).unwrap().path(), path);
            assert_eq!(path.metadata().unwrap().mode() & 0o777, OWNER_ONLY);
        }

        let long = folder.path().join("a".repeat(100));
        let (one, other) = (SocketFolder::make(&long).unwrap(), SocketFolder::make(&long.join("b")).unwrap());
        assert_ne!(one.path(), other.path());
        for elsewhere in [one, other] {
            let path = elsewhere.path().to_owned();
            assert!(is_short(&path) && !path.starts_with(folder.path()), "{}", path.display());
            fs::write(path.join("hsm-a.json"), "").unwrap();
            drop(elsewhere);
            assert!(!path.exists());
        }
    }

    #[test]
    fn a_folder_that_others_made_or_may_write_to_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let (open, link, file) = (folder.path().join("open"), folder.path().join("link"), folder.path().join("file"));
        fs::create_dir(&open).unwrap();
        fs::set_permissions(&open, PermissionsExt::from_mode(0o770)).unwrap();
        fs::create_dir(folder.path().join("target")).unwrap();
        symlink(folder.path().join("target"), &link).unwrap();
        fs::write(&file, "").unwrap();
        for refused in [open, link, file] {
            assert!(make_private(&refused).unwrap_err().to_string().contains("remove it"));
        }
    }
}
