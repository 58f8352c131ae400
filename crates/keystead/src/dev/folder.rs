//! The data folder: its lock, and the files for other programs.

use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use keystead_private_file::replace_private;
use zeroize::Zeroizing;

use crate::Failure;
use crate::admin_socket::lock_data_folder;
use crate::durable_file::{create_folder, replace_public};

/// The locked data folder of one `keystead dev`.
pub(crate) struct Folder {
    path: PathBuf,
    _lock: File,
}

/// The sample administrator's access key, in clear for the file that hands it over.
pub(crate) struct ClearAccessKey {
    pub(crate) access_key_id: String,
    pub(crate) secret: Zeroizing<String>,
}

impl Folder {
    /// Makes the folder if it does not exist, and locks it. Nothing is written below a server that runs there.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let failed = |error: std::io::Error| {
            format!("data folder {}: {error}; name a folder that you may write to with --data-dir", path.display())
        };
        create_folder(path).map_err(failed)?;
        let path = path.canonicalize().map_err(failed)?;
        let lock = File::create(path.join("lock")).map_err(failed)?;
        let runs_already = |what: &str| -> Failure {
            format!("{what} already runs in {}: stop it, or name another folder with --data-dir", path.display()).into()
        };
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(runs_already("a keystead dev")),
            Err(TryLockError::Error(error)) => return Err(failed(error).into()),
        }
        // The configuration in the folder may be what a `keystead serve` runs on. The lock is given back: this server takes it again later.
        match lock_data_folder(&path) {
            Ok(_) => Ok(Self { path, _lock: lock }),
            Err(error) if error.kind() == ErrorKind::ResourceBusy => Err(runs_already("a keystead serve")),
            Err(error) => Err(failed(error).into()),
        }
    }

    /// A file of the folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// Writes `env`: what a shell needs to reach KMS as the administrator. Version 1 of the AWS CLI knows the Region only as
    /// `AWS_DEFAULT_REGION`.
    pub(crate) fn write_environment(
        &self,
        endpoint: &str,
        region: &str,
        access_key: &ClearAccessKey,
        tls: bool,
    ) -> Result<(), Failure> {
        let mut text = Zeroizing::new(format!(
            "export AWS_ENDPOINT_URL={endpoint}\nexport AWS_ACCESS_KEY_ID={}\nexport AWS_SECRET_ACCESS_KEY={}\nexport AWS_REGION={region}\nexport AWS_DEFAULT_REGION={region}\n",
            access_key.access_key_id, *access_key.secret
        ));
        if tls {
            text.push_str(&format!("export AWS_CA_BUNDLE={}\n", quoted(&self.path("ca.pem").display().to_string())));
        }
        self.write_private("env", text.as_bytes())
    }

    /// Writes a file that everybody may read, in one step.
    pub(crate) fn write_public(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        let file = self.path(name);
        replace_public(&file, content).map_err(|error| format!("{}: {error}", file.display()).into())
    }

    /// Writes a file that only its owner may read, in one step.
    pub(crate) fn write_private(&self, name: &str, content: &[u8]) -> Result<(), Failure> {
        let file = self.path(name);
        replace_private(&file, content).map_err(|error| format!("{}: {error}", file.display()).into())
    }
}

/// For a shell: a path may hold blanks and quotes.
pub(crate) fn quoted(text: &str) -> String {
    let plain = |character: char| character.is_ascii_alphanumeric() || "/._-+,:@".contains(character);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_for_a_shell() {
        assert_eq!(quoted("/data/ca.pem"), "/data/ca.pem");
        assert_eq!(quoted("/my data/it's"), r"'/my data/it'\''s'");
    }
}
