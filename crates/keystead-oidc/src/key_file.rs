//! The keys of an issuer in a file.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use crate::key_set::{InvalidKeySet, KEY_SET_BYTES_MAX, KeySet};

/// A file as it was read last.
pub(crate) struct KeyFile {
    stamp: FileStamp,
    keys: Arc<KeySet>,
}

/// Changes with the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
struct FileStamp {
    modified: SystemTime,
    length: u64,
}

/// The keys of a file as it is now. One that cannot be read leaves those that were read before.
pub(crate) fn current(path: &Path, read: &mut KeyFile) -> Arc<KeySet> {
    match FileStamp::of(path) {
        Ok(stamp) if stamp == read.stamp => {}
        Ok(_) | Err(_) => match KeyFile::read(path) {
            Ok(changed) => *read = changed,
            Err(reason) => {
                tracing::warn!(path = %path.display(), reason, "the keys of an OpenID Connect issuer cannot be read; the old ones stay")
            }
        },
    }
    Arc::clone(&read.keys)
}

impl KeyFile {
    pub(crate) fn read(path: &Path) -> Result<Self, String> {
        // The stamp first: what is written in between is seen as a change.
        let stamp = FileStamp::of(path).map_err(|error| error.to_string())?;
        if stamp.length > KEY_SET_BYTES_MAX as u64 {
            return Err(InvalidKeySet::TooLong.to_string());
        }
        let text = fs::read(path).map_err(|error| error.to_string())?;
        let keys = KeySet::read(&text).map_err(|error| error.to_string())?;
        Ok(Self { stamp, keys: Arc::new(keys) })
    }
}

impl FileStamp {
    fn of(path: &Path) -> std::io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { modified: metadata.modified()?, length: metadata.len() })
    }
}
