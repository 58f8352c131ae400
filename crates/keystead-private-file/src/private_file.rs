//! Reading, creating and replacing a private file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, PermissionsExt, fchown};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use zeroize::Zeroizing;

const OWNER_ONLY: u32 = 0o600;
const GROUP_AND_OTHERS: u32 = 0o077;

/// Reads a secret file of at most `max_bytes`. Refuses one that the group or others may touch.
pub fn read_private(path: &Path, max_bytes: u64) -> io::Result<Zeroizing<Vec<u8>>> {
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

/// Makes a new secret file. Fails with `AlreadyExists` rather than touch one that is there, also if two try at once.
pub fn create_private(path: &Path, content: &[u8]) -> io::Result<()> {
    // A name of its own: nobody keeps two that create apart.
    static CREATED: AtomicU64 = AtomicU64::new(0);
    let number = CREATED.fetch_add(1, Ordering::Relaxed);
    let temporary = Temporary::write(sibling(path, &format!(".new-{}-{number}", std::process::id())), content, None)?;
    // Unlike a rename, a link never takes the place of a file.
    std::fs::hard_link(&temporary.path, path).map_err(|error| match error.kind() {
        io::ErrorKind::AlreadyExists => {
            io::Error::new(error.kind(), "it exists already, and a secret is not overwritten: move it away first")
        }
        _ => error,
    })?;
    drop(temporary);
    sync_folder(path)
}

/// Replaces a secret file in one step: after a crash the old content is there or the new, never a mixture. The file keeps its owner as
/// far as the caller may give files away, so that a change by root does not lock out the service that reads it.
///
/// Two writers at once must be kept apart by the caller.
pub fn replace_private(path: &Path, content: &[u8]) -> io::Result<()> {
    let temporary = Temporary::write(sibling(path, ".new"), content, Owner::of(path)?)?;
    std::fs::rename(&temporary.path, path)?;
    sync_folder(path)
}

/// Waits for the exclusive right to change `path`, held until the returned file is dropped.
///
/// The lock is on a file beside it, which stays: the file itself is replaced by every change.
pub fn lock_for_change(path: &Path) -> io::Result<File> {
    let lock = open_lock(path, &sibling(path, ".lock"))?;
    lock.lock()?;
    Ok(lock)
}

/// A lock that is made now belongs to the owner of the file. One that is there is not given away: it may be a link to another file.
fn open_lock(path: &Path, lock_path: &Path) -> io::Result<File> {
    match new_file(lock_path) {
        Ok(lock) => {
            Owner::of(path)?.map_or(Ok(()), |owner| owner.take(&lock))?;
            Ok(lock)
        }
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => OpenOptions::new().write(true).open(lock_path),
        Err(error) => Err(error),
    }
}

/// A file on its way to its name. It is removed on drop, unless it was renamed.
struct Temporary {
    path: PathBuf,
}

impl Temporary {
    fn write(path: PathBuf, content: &[u8], owner: Option<Owner>) -> io::Result<Self> {
        // What a crash left there is not written into: its mode is not known, and it may be a link to another file.
        remove_if_there(&path)?;
        let mut file = new_file(&path)?;
        let temporary = Self { path };
        if let Some(owner) = owner {
            owner.take(&file)?;
        }
        file.write_all(content)?;
        file.sync_all()?;
        Ok(temporary)
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename it is gone; what cannot be removed is removed by the next writer.
        let _ = remove_if_there(&self.path);
    }
}

fn remove_if_there(path: &Path) -> io::Result<()> {
    match std::fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// A file that did not exist. The mode is set once more, whatever the umask took from it.
fn new_file(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(path)?;
    file.set_permissions(std::fs::Permissions::from_mode(OWNER_ONLY))?;
    Ok(file)
}

/// User and group.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Owner {
    uid: u32,
    gid: u32,
}

impl Owner {
    /// `None` if there is no file.
    fn of(path: &Path) -> io::Result<Option<Self>> {
        match path.symlink_metadata() {
            Ok(found) => Ok(Some(Self { uid: found.uid(), gid: found.gid() })),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Becomes the owner of `file`, where the caller may give it away: mostly only root may.
    fn take(self, file: &File) -> io::Result<()> {
        let now = file.metadata()?;
        if (Self { uid: now.uid(), gid: now.gid() }) == self {
            return Ok(());
        }
        match fchown(file, Some(self.uid), Some(self.gid)) {
            Err(error) if error.kind() != io::ErrorKind::PermissionDenied => Err(error),
            _ => Ok(()),
        }
    }
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
    use std::os::unix::fs::symlink;
    use std::sync::Barrier;

    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn of_many_that_create_at_once_one_does() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        let start = Barrier::new(8);
        let created: Vec<u8> = std::thread::scope(|scope| {
            let create = |number: u8| {
                let (path, start) = (&path, &start);
                scope.spawn(move || {
                    start.wait();
                    create_private(path, &[number]).map(|()| number)
                })
            };
            let threads: Vec<_> = (0..8).map(create).collect();
            threads.into_iter().filter_map(|thread| thread.join().unwrap().ok()).collect()
        });
        assert_eq!(created.len(), 1);
        assert_eq!(&**read_private(&path, 10).unwrap(), created.as_slice());
        assert_eq!(names(folder.path()), ["secret"]);
    }

    #[test]
    fn a_leftover_is_neither_followed_nor_kept() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("secret"), folder.path().join("other"));
        let leftover = folder.path().join("secret.new");
        create_private(&path, b"one").unwrap();
        std::fs::write(&other, "of someone else").unwrap();
        symlink(&other, &leftover).unwrap();
        replace_private(&path, b"two").unwrap();
        assert_eq!(std::fs::read(&other).unwrap(), b"of someone else");
        std::fs::write(&leftover, "half").unwrap();
        std::fs::set_permissions(&leftover, PermissionsExt::from_mode(0o644)).unwrap();
        replace_private(&path, b"three").unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(&**read_private(&path, 10).unwrap(), b"three");
        assert_eq!(names(folder.path()), ["other", "secret"]);
    }

    #[test]
    fn a_failure_leaves_nothing_behind() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        // A folder with something in it is not replaced by a file.
        std::fs::create_dir_all(path.join("inner")).unwrap();
        replace_private(&path, b"one").unwrap_err();
        create_private(&path, b"one").unwrap_err();
        assert_eq!(names(folder.path()), ["secret"]);
    }

    #[test]
    fn a_replaced_file_and_a_new_lock_belong_to_the_owner() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("secret");
        create_private(&path, b"one").unwrap();
        if let Err(error) = std::os::unix::fs::chown(&path, Some(1234), Some(1235)) {
            assert_eq!(error.kind(), io::ErrorKind::PermissionDenied);
            let mut stderr = io::stderr();
            writeln!(stderr, "skipped: only root may give files away").unwrap();
            return;
        }
        let _held = lock_for_change(&path).unwrap();
        replace_private(&path, b"two").unwrap();
        for name in ["secret", "secret.lock"] {
            let found = folder.path().join(name).metadata().unwrap();
            assert_eq!((found.uid(), found.gid(), found.mode() & 0o777), (1234, 1235, 0o600), "{name}");
        }
    }

    #[test]
    fn a_lock_that_is_there_is_not_given_away() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("secret"), folder.path().join("other"));
        create_private(&path, b"one").unwrap();
        create_private(&other, b"of root").unwrap();
        let before = other.metadata().unwrap();
        if std::os::unix::fs::chown(&path, Some(1234), Some(1235)).is_ok() {
            symlink(&other, folder.path().join("secret.lock")).unwrap();
            let _held = lock_for_change(&path).unwrap();
        }
        assert_eq!(other.metadata().unwrap().uid(), before.uid());
    }

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
