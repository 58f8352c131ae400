//! Files and folders that are on the disk, whole, before anyone says so.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

const READABLE_BY_ALL: u32 = 0o644;

/// Makes a folder and those above it that are missing. A new folder lasts through a loss of power only once the one above it is synced.
pub(crate) fn create_folder(path: &Path) -> io::Result<()> {
    let missing: Vec<PathBuf> =
        path.ancestors().take_while(|folder| !is_here(folder) && !folder.exists()).map(Path::to_owned).collect();
    fs::create_dir_all(path)?;
    for folder in missing.iter().rev() {
        File::open(above(folder))?.sync_all()?;
    }
    Ok(())
}

/// Replaces a file without secrets, mode 0644, in one step: after a crash the old content is there or the new, never a part of it.
pub(crate) fn replace_public(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut temporary = path.as_os_str().to_owned();
    temporary.push(".new");
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(READABLE_BY_ALL).open(&temporary)?;
    file.write_all(content)?;
    file.sync_all()?;
    fs::rename(&temporary, path)?;
    File::open(above(path))?.sync_all()
}

fn above(path: &Path) -> &Path {
    path.parent().filter(|folder| !is_here(folder)).unwrap_or(Path::new("."))
}

/// A relative path's ancestors end with the empty path: the current folder.
fn is_here(path: &Path) -> bool {
    path.as_os_str().is_empty()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    #[test]
    fn folders_are_made_where_they_are_missing() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        create_folder(&deep).unwrap();
        assert!(deep.is_dir());
        create_folder(&deep).unwrap();
        assert_eq!(above(Path::new("data")), Path::new("."));
        assert_eq!(above(Path::new("/srv/data")), Path::new("/srv"));
        fs::write(folder.path().join("file"), "").unwrap();
        assert!(create_folder(&folder.path().join("file")).is_err());
        assert!(create_folder(&folder.path().join("file/under")).is_err());
    }

    #[test]
    fn a_file_is_replaced_whole_and_what_a_crash_left_does_not_matter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("ca.pem");
        fs::write(folder.path().join("ca.pem.new"), "a longer rest of an earlier try").unwrap();
        for content in ["one", "two"] {
            replace_public(&path, content.as_bytes()).unwrap();
            assert_eq!(fs::read_to_string(&path).unwrap(), content);
        }
        assert_eq!(path.metadata().unwrap().mode() & 0o133, 0, "others may read it at the most");
        assert!(!folder.path().join("ca.pem.new").exists());
    }
}
