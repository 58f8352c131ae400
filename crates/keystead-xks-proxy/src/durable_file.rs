//! Files with secrets: private to their owner, replaced whole or not at all, on the disk before anyone says so.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use zeroize::Zeroizing;

const OWNER_ONLY: u32 = 0o600;
const GROUP_AND_OTHERS: u32 = 0o077;

/// Reads a secret file of at most `max_bytes`. Refuses one that the group or others may touch.
pub(crate) fn read_private(path: &Path, max_bytes: u64) -> io::Result<Zeroizing<Vec<u8>>> {
    let file = File::open(path)?;
    let metadata = file.metadata()?;
    if metadata.mode() & GROUP_AND_OTHERS != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            format!("its mode is {:o}, others may read it: run `chmod 600` on it", metadata.mode() & 0o777),
        ));
    }
    if metadata.len() > max_bytes {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("it has {} bytes, at most {max_bytes} are expected", metadata.len()),
        ));
    }
    // Room for everything at once: a buffer that grows would leave copies behind.
    let mut content = Zeroizing::new(Vec::with_capacity(metadata.len() as usize + 1));
    file.take(max_bytes).read_to_end(&mut content)?;
    Ok(content)
}

/// Makes a new secret file. Fails with `AlreadyExists` rather than touch one that is there.
pub(crate) fn create_private(path: &Path, content: &[u8]) -> io::Result<()> {
    if path.symlink_metadata().is_ok() {
        return Err(io::Error::new(
            io::ErrorKind::AlreadyExists,
            "it exists already, and a secret is not overwritten: move it away first",
        ));
    }
    replace_private(path, content)
}

/// Replaces a secret file in one step: after a crash the old content is there or the new, never a mixture.
///
/// The file keeps its owner: an administrator's change must not lock the proxy's user out. A symbolic link stays, and
/// what it points to is replaced. Two writers at once must be kept apart by the caller.
pub(crate) fn replace_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let path = &std::fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let temporary = sibling(path, ".new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(OWNER_ONLY).open(&temporary)?;
    give_to_owner_of(path, &file)?;
    file.write_all(content)?;
    file.sync_all()?;
    std::fs::rename(&temporary, path)?;
    sync_folder(path)
}

/// Waits for the exclusive right to change `path`, held until the returned file is dropped.
///
/// The lock is on a file beside it, which stays: the file itself is replaced by every change.
pub(crate) fn lock_for_change(path: &Path) -> io::Result<File> {
    let lock =
        OpenOptions::new().write(true).create(true).truncate(false).mode(OWNER_ONLY).open(sibling(path, ".lock"))?;
    give_to_owner_of(path, &lock)?;
    lock.lock()?;
    Ok(lock)
}

/// Gives `file` the owner and group of the file at `path`, if there is one.
fn give_to_owner_of(path: &Path, file: &File) -> io::Result<()> {
    let Ok(existing) = std::fs::metadata(path) else {
        return Ok(());
    };
    let own = file.metadata()?;
    if (own.uid(), own.gid()) == (existing.uid(), existing.gid()) {
        return Ok(());
    }
    fchown(file, Some(existing.uid()), Some(existing.gid()))
}

fn sibling(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    PathBuf::from(name)
}

/// A rename is durable only once the folder is.
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    File::open(folder)?.sync_all()
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_new_file_is_private_and_never_overwritten() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create_private(&path, b"one").unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        let error = create_private(&path, b"two").unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(&**read_private(&path, 10).unwrap(), b"one");
        replace_private(&path, b"three").unwrap();
        assert_eq!(&**read_private(&path, 10).unwrap(), b"three");
    }

    #[test]
    fn files_open_to_others_or_too_long_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create_private(&path, b"0123456789").unwrap();
        let error = read_private(&path, 9).unwrap_err();
        assert!(error.to_string().contains("at most 9"), "{error}");
        for mode in [0o640, 0o604, 0o660] {
            std::fs::set_permissions(&path, PermissionsExt::from_mode(mode)).unwrap();
            let error = read_private(&path, 10).unwrap_err();
            assert!(error.to_string().contains("chmod 600"), "{error}");
        }
    }

    #[test]
    fn a_symbolic_link_stays_one() {
        let folder = tempfile::tempdir().unwrap();
        let (path, link) = (folder.path().join("secret"), folder.path().join("link"));
        create_private(&path, b"one").unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace_private(&link, b"two").unwrap();
        assert!(link.symlink_metadata().unwrap().is_symlink());
        assert_eq!(&**read_private(&path, 10).unwrap(), b"two");
    }

    /// Only root can give files away; others see that nothing changes.
    #[test]
    fn a_replaced_file_keeps_its_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create_private(&path, b"one").unwrap();
        let given = std::os::unix::fs::chown(&path, Some(12_345), Some(12_345)).is_ok();
        let before = path.metadata().unwrap();
        replace_private(&path, b"two").unwrap();
        let after = path.metadata().unwrap();
        assert_eq!((after.uid(), after.gid()), (before.uid(), before.gid()));
        assert_eq!(after.uid() == 12_345, given);
    }

    #[test]
    fn changes_wait_for_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("counter");
        create_private(&path, b"0").unwrap();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        let _held = lock_for_change(&path).unwrap();
                        let text = String::from_utf8(read_private(&path, 10).unwrap().to_vec());
                        let next = text.unwrap().parse::<u32>().unwrap() + 1;
                        replace_private(&path, next.to_string().as_bytes()).unwrap();
                    }
                });
            }
        });
        assert_eq!(&**read_private(&path, 10).unwrap(), b"40");
    }
}
