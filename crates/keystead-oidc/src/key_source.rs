//! Where the keys of an issuer come from, and how fresh they are.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jsonwebtoken::{Algorithm, DecodingKey};
use rustls_pki_types::CertificateDer;

use crate::error::{SettingsError, TokenError};
use crate::fetched_keys::FetchedKeys;
use crate::https::HttpsKeySet;
use crate::key_file::{KeyFile, current};

/// Where an issuer's keys are.
#[derive(Clone, Debug)]
pub enum KeySettings {
    /// In a file, which is read again whenever it changes.
    File(PathBuf),
    /// At an `https://` URI.
    Https {
        /// The URI: the only address that is called.
        uri: String,
        /// The certificate authorities that the server's certificate must chain to; `None`: the public ones.
        authorities: Option<Vec<CertificateDer<'static>>>,
    },
}

/// How often keys are fetched.
#[derive(Clone, Copy, Debug)]
pub struct RefreshPolicy {
    /// Keys that were fetched this long ago are fetched again before they are used. From half of it on they are fetched while they are used, so
    /// that where tokens come all the time none waits.
    pub fresh_for: Duration,
    /// If that fails, the old ones serve until they are this old.
    pub usable_for: Duration,
    /// The least time between two fetches, whether the first failed, or a token names a key that is not there.
    pub retry_after: Duration,
    /// Time for one fetch.
    pub timeout: Duration,
}

impl Default for RefreshPolicy {
    fn default() -> Self {
        Self {
            fresh_for: Duration::from_secs(15 * 60),
            usable_for: Duration::from_secs(6 * 60 * 60),
            retry_after: Duration::from_secs(10),
            timeout: Duration::from_secs(5),
        }
    }
}

/// The keys of one issuer.
pub(crate) enum KeySource {
    File { path: PathBuf, read: Mutex<KeyFile> },
    Https(Arc<FetchedKeys>),
}

impl KeySource {
    pub(crate) fn new(settings: KeySettings, policy: RefreshPolicy) -> Result<Self, SettingsError> {
        match settings {
            KeySettings::File(path) => {
                let read = KeyFile::read(&path);
                let read = read.map_err(|reason| SettingsError::File { path: path.clone(), reason })?;
                Ok(Self::File { path, read: Mutex::new(read) })
            }
            KeySettings::Https { uri, authorities } => {
                let fetcher = HttpsKeySet::new(&uri, authorities, policy.timeout)?;
                Ok(Self::Https(Arc::new(FetchedKeys::new(fetcher, policy))))
            }
        }
    }

    /// The key that a token names.
    pub(crate) async fn key(&self, key_id: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, TokenError> {
        let key = match self {
            Self::File { path, read } => {
                let mut read = read.lock().unwrap_or_else(PoisonError::into_inner);
                current(path, &mut read).key(key_id, algorithm)
            }
            Self::Https(fetched) => fetched.key(key_id, algorithm).await?,
        };
        key.ok_or_else(|| {
            TokenError::invalid("The token's issuer has no such key: no verification key fits its header.")
        })
    }
}
