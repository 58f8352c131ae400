//! Where the keys of an issuer come from, and how fresh they are.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jsonwebtoken::{Algorithm, DecodingKey};
use rustls_pki_types::CertificateDer;
use tokio::sync::Mutex;
use tokio::time::Instant;

use crate::error::{SettingsError, TokenError};
use crate::https::HttpsKeySet;
use crate::key_set::{KEY_SET_BYTES_MAX, KeySet};

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
    /// Keys that were fetched this long ago are fetched again before they are used.
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
    Https { fetcher: Box<HttpsKeySet>, policy: RefreshPolicy, fetched: Mutex<Fetched> },
}

/// A file as it was read last.
pub(crate) struct KeyFile {
    stamp: FileStamp,
    keys: Arc<KeySet>,
}

/// Changes with the file.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct FileStamp {
    modified: SystemTime,
    length: u64,
}

/// Keys that were fetched.
#[derive(Default)]
pub(crate) struct Fetched {
    keys: Option<(Arc<KeySet>, Instant)>,
    tried: Option<Instant>,
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
                let fetcher = Box::new(HttpsKeySet::new(&uri, authorities, policy.timeout)?);
                Ok(Self::Https { fetcher, policy, fetched: Mutex::default() })
            }
        }
    }

    /// The key that a token names.
    pub(crate) async fn key(&self, key_id: Option<&str>, algorithm: Algorithm) -> Result<DecodingKey, TokenError> {
        let unknown =
            || TokenError::invalid("The token's issuer has no such key: no verification key fits its header.");
        match self {
            Self::File { path, read } => {
                current(path, &mut *read.lock().await).key(key_id, algorithm).ok_or_else(unknown)
            }
            Self::Https { fetcher, policy, fetched } => {
                // Whoever waits here finds what the one in front has fetched.
                let mut fetched = fetched.lock().await;
                if fetched.is_older_than(policy.fresh_for) {
                    fetched.fetch(fetcher, policy).await;
                }
                let keys = fetched.usable(policy).ok_or(TokenError::Communication)?;
                if let Some(key) = keys.key(key_id, algorithm) {
                    return Ok(key);
                }
                fetched.fetch(fetcher, policy).await;
                let keys = fetched.usable(policy).ok_or(TokenError::Communication)?;
                keys.key(key_id, algorithm).ok_or_else(unknown)
            }
        }
    }
}

/// The keys of a file as it is now. One that cannot be read leaves those that were read before.
fn current(path: &Path, read: &mut KeyFile) -> Arc<KeySet> {
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
    fn read(path: &Path) -> Result<Self, String> {
        // The stamp first: what is written in between is seen as a change.
        let stamp = FileStamp::of(path).map_err(|error| error.to_string())?;
        if stamp.length > KEY_SET_BYTES_MAX as u64 {
            return Err(crate::key_set::InvalidKeySet::TooLong.to_string());
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

impl Fetched {
    fn is_older_than(&self, age: Duration) -> bool {
        self.keys.as_ref().is_none_or(|(_, since)| since.elapsed() >= age)
    }

    fn usable(&self, policy: &RefreshPolicy) -> Option<Arc<KeySet>> {
        let usable = self.keys.as_ref().filter(|(_, since)| since.elapsed() < policy.usable_for);
        usable.map(|(keys, _)| Arc::clone(keys))
    }

    /// Fetches the keys anew, unless that was tried a moment ago.
    async fn fetch(&mut self, fetcher: &HttpsKeySet, policy: &RefreshPolicy) {
        if self.tried.is_some_and(|tried| tried.elapsed() < policy.retry_after) {
            return;
        }
        // Before the fetch, so that one that is given up counts as well.
        self.tried = Some(Instant::now());
        match fetcher.fetch().await {
            Ok(keys) => self.keys = Some((Arc::new(keys), Instant::now())),
            Err(error) => {
                tracing::warn!(uri = %fetcher.uri(), %error, "the keys of an OpenID Connect issuer cannot be fetched");
            }
        }
    }
}
