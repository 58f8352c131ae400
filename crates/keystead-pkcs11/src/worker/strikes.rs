//! Wrong PINs in a row, by user: counted on the disk before a PIN is tried, so that no crash gives a try for nothing.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use serde::{Deserialize, Serialize};

use crate::HsmError;

/// The users of a token.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum User {
    /// `CKU_SO`
    SecurityOfficer,
    /// `CKU_USER`
    User,
}

/// The counters, as they are in the file.
#[derive(Clone, Copy, PartialEq, Eq, Default, Debug, Serialize, Deserialize)]
struct Counts {
    security_officer: u32,
    user: u32,
}

/// `strikes.json` in the worker's state folder. A user who is locked is unlocked by the security officer; for a security officer, whom
/// nobody else can unlock, an administrator removes the file.
pub(crate) struct Strikes {
    path: PathBuf,
    strikes_max: u32,
    counts: Counts,
    user: Arc<AtomicU32>,
}

impl Strikes {
    /// Reads the file; nothing was counted if there is none.
    pub(crate) fn open(state_folder: &Path, strikes_max: u32) -> Result<Self, HsmError> {
        let path = state_folder.join("strikes.json");
        let counts = match fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text).map_err(|error| bad(&path, &error.to_string()))?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Counts::default(),
            Err(error) => return Err(bad(&path, &error.to_string())),
        };
        Ok(Self { path, strikes_max, counts, user: Arc::new(AtomicU32::new(counts.user)) })
    }

    /// Wrong PINs in a row.
    pub(crate) fn count(&self, user: User) -> u32 {
        match user {
            User::SecurityOfficer => self.counts.security_officer,
            User::User => self.counts.user,
        }
    }

    /// The user's count, for those who do not wait for their turn to change it.
    pub(crate) fn user_count(&self) -> Arc<AtomicU32> {
        self.user.clone()
    }

    /// Whether no PIN is tried any more.
    pub(crate) fn is_locked(&self, user: User) -> bool {
        self.count(user) >= self.strikes_max
    }

    /// Sets a counter; on the disk when this returns.
    pub(crate) fn set(&mut self, user: User, count: u32) -> Result<(), HsmError> {
        let mut counts = self.counts;
        match user {
            User::SecurityOfficer => counts.security_officer = count,
            User::User => counts.user = count,
        }
        if counts != self.counts {
            self.write(&counts).map_err(|error| bad(&self.path, &error.to_string()))?;
            self.counts = counts;
            self.user.store(counts.user, Ordering::Relaxed);
        }
        Ok(())
    }

    fn write(&self, counts: &Counts) -> io::Result<()> {
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        file.write_all(&serde_json::to_vec(counts)?)?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        match self.path.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        }
    }
}

fn bad(path: &Path, why: &str) -> HsmError {
    HsmError::Lost(format!("the count of wrong PINs in {} cannot be kept: {why}", path.display()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn what_was_counted_outlives_the_process() {
        let folder = tempfile::tempdir().unwrap();
        let mut strikes = Strikes::open(folder.path(), 2).unwrap();
        strikes.set(User::User, 2).unwrap();
        let again = Strikes::open(folder.path(), 2).unwrap();
        assert!(again.is_locked(User::User));
        assert!(!again.is_locked(User::SecurityOfficer));
    }

    #[test]
    fn a_damaged_file_is_no_pardon() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("strikes.json"), "{").unwrap();
        assert!(matches!(Strikes::open(folder.path(), 5), Err(HsmError::Lost(_))));
    }
}
