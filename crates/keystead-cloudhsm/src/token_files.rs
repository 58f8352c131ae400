//! Where soft tokens and backups are kept, and how they come and go.

use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use keystead_pkcs11::soft_token::{SoftToken, SoftTokenKind};

const OWNER_ONLY: u32 = 0o700;

/// The folders of tokens and backups. Its work is done on threads that may wait for the disk.
#[derive(Clone)]
pub(crate) struct TokenFiles {
    hsms: PathBuf,
    backups: PathBuf,
}

impl TokenFiles {
    pub(crate) fn new(data_folder: &Path) -> Self {
        Self { hsms: data_folder.join("hsm"), backups: data_folder.join("hsm-backups") }
    }

    fn cluster_folder(&self, cluster_id: &str) -> PathBuf {
        self.hsms.join(cluster_id)
    }

    fn hsm_folder(&self, cluster_id: &str, hsm_id: &str) -> PathBuf {
        self.cluster_folder(cluster_id).join(hsm_id)
    }

    /// The folder of an HSM's worker.
    pub(crate) fn state_folder(&self, cluster_id: &str, hsm_id: &str) -> PathBuf {
        self.hsm_folder(cluster_id, hsm_id).join("state")
    }

    fn token_folder(&self, cluster_id: &str, hsm_id: &str) -> PathBuf {
        self.hsm_folder(cluster_id, hsm_id).join("token")
    }

    /// Where the token of an HSM is. It was made here, so its folder has a name that a configuration can have; unless the data folder was
    /// moved to another, which is said in the log and leaves the HSM without a token.
    pub(crate) fn token(&self, kind: SoftTokenKind, cluster_id: &str, hsm_id: &str) -> Option<SoftToken> {
        SoftToken::at(kind, &self.token_folder(cluster_id, hsm_id))
            .inspect_err(|error| tracing::error!(hsm_id, %error, "the token of the HSM cannot be configured"))
            .ok()
    }

    /// Has the configurations of all tokens name the place where they are now, which is another one after the data folder was moved.
    pub(crate) fn follow_tokens(&self) -> io::Result<()> {
        for cluster in folders_in(&self.hsms)? {
            for hsm in folders_in(&cluster)? {
                SoftToken::follow(&hsm.join("token"))?;
            }
        }
        Ok(())
    }

    /// The folder of a backup.
    pub(crate) fn backup_folder(&self, backup_id: &str) -> PathBuf {
        self.backups.join(backup_id)
    }

    /// Makes the files of an HSM's token anew, empty or from a backup. What an attempt before left is removed.
    pub(crate) async fn make_token(
        &self,
        kind: SoftTokenKind,
        cluster_id: &str,
        hsm_id: &str,
        backup_id: Option<&str>,
    ) -> io::Result<()> {
        let (folder, token) = (self.hsm_folder(cluster_id, hsm_id), self.token_folder(cluster_id, hsm_id));
        let (state, backup) = (self.state_folder(cluster_id, hsm_id), backup_id.map(|id| self.backup_folder(id)));
        on_disk(move || {
            remove_folder(&folder)?;
            make_folder(&state)?;
            make_folder(&token)?;
            match backup {
                None => SoftToken::create(kind, &token)?,
                Some(backup) => SoftToken::restore(kind, &token, &backup)?,
            };
            Ok(())
        })
        .await
    }

    /// Makes the folder of an HSM's worker alone, for a token that is somewhere else.
    pub(crate) async fn make_state_folder(&self, cluster_id: &str, hsm_id: &str) -> io::Result<()> {
        let folder = self.state_folder(cluster_id, hsm_id);
        on_disk(move || make_folder(&folder)).await
    }

    /// Destroys everything there is of an HSM. No error if it is gone.
    pub(crate) async fn remove_hsm(&self, cluster_id: &str, hsm_id: &str) -> io::Result<()> {
        let folder = self.hsm_folder(cluster_id, hsm_id);
        on_disk(move || remove_folder(&folder)).await
    }

    /// Destroys everything there is of a cluster. No error if it is gone.
    pub(crate) async fn remove_cluster(&self, cluster_id: &str) -> io::Result<()> {
        let folder = self.cluster_folder(cluster_id);
        on_disk(move || remove_folder(&folder)).await
    }

    /// Makes the folder of a backup, empty. What an attempt before left is removed.
    pub(crate) async fn make_backup_folder(&self, backup_id: &str) -> io::Result<PathBuf> {
        let folder = self.backup_folder(backup_id);
        on_disk(move || {
            remove_folder(&folder)?;
            make_folder(&folder)?;
            sync_folder(folder.parent().unwrap_or(&folder))?;
            Ok(folder)
        })
        .await
    }

    /// Destroys a backup. No error if it is gone.
    pub(crate) async fn remove_backup(&self, backup_id: &str) -> io::Result<()> {
        let folder = self.backup_folder(backup_id);
        on_disk(move || remove_folder(&folder)).await
    }
}

/// Runs what waits for the disk where it delays no other task.
async fn on_disk<T: Send + 'static>(work: impl FnOnce() -> io::Result<T> + Send + 'static) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}

/// The folders in a folder; none if it is not there.
fn folders_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let paths = entries.map(|entry| entry.map(|entry| entry.path())).collect::<io::Result<Vec<_>>>()?;
    Ok(paths.into_iter().filter(|path| path.is_dir()).collect())
}

/// Makes a folder for this user alone, with those above it.
fn make_folder(folder: &Path) -> io::Result<()> {
    std::fs::DirBuilder::new().recursive(true).mode(OWNER_ONLY).create(folder)
}

fn remove_folder(folder: &Path) -> io::Result<()> {
    match std::fs::remove_dir_all(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        removed => removed,
    }
}

fn sync_folder(folder: &Path) -> io::Result<()> {
    std::fs::File::open(folder)?.sync_all()
}
