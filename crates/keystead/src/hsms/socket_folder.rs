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

/// Makes the folder, or takes up the one that is there: in the data folder if its path is short enough, else in one of the system's folders
/// for such things. `data_folder` is absolute.
pub(super) fn make(data_folder: &Path) -> io::Result<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|folder| folder.is_absolute());
    let candidates = [Some(data_folder.join(FOLDER)), runtime.map(|folder| folder.join(name_for(data_folder)))];
    let folder = candidates.into_iter().flatten().find(|folder| is_short(folder));
    let folder = folder.unwrap_or_else(|| std::env::temp_dir().join(name_for(data_folder)));
    if !is_short(&folder) {
        let problem = format!("{} is too long a path for sockets; set TMPDIR to a shorter one", folder.display());
        return Err(io::Error::new(io::ErrorKind::InvalidInput, problem));
    }
    make_private(&folder)?;
    Ok(folder)
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
        let short = make(folder.path()).unwrap();
        assert_eq!(short, folder.path().join(FOLDER));
        assert_eq!(make(folder.path()).unwrap(), short);
        assert_eq!(short.metadata().unwrap().mode() & 0o777, OWNER_ONLY);

        let long = folder.path().join("a".repeat(100));
        let elsewhere = make(&long).unwrap();
        assert!(is_short(&elsewhere) && !elsewhere.starts_with(folder.path()), "{}", elsewhere.display());
        assert_ne!(elsewhere, make(&long.join("b")).unwrap());
        fs::remove_dir(elsewhere).unwrap();
        fs::remove_dir(make(&long.join("b")).unwrap()).unwrap();
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
