//! The file of external keys: JSON, with all key material sealed under the root key.
//!
//! ```json
//! { "format": 1,
//!   "rootKeyCheck": "<sealed constant>",
//!   "keys": [ { "id": "...", "keySpec": "AES_256", "keyUsage": ["ENCRYPT", "DECRYPT"], "keyStatus": "ENABLED",
//!               "created": "2026-01-02T03:04:05Z",
//!               "versions": [ { "version": 1, "created": "...", "sealedMaterial": "<nonce || ciphertext || tag>" } ] } ] }
//! ```
//!
//! The sealing authenticates the key's id and version, so material cannot be moved to another record. `rootKeyCheck`
//! tells a wrong root key from a damaged record even when there is no key yet. Every change replaces the whole file,
//! under a lock that the command line and a second proxy respect.

use std::fmt;
use std::path::{Path, PathBuf};

use keystead_xks::wire::{Base64Bytes, ExternalKeyId, KeyStatus};
use serde::{Deserialize, Serialize};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use super::root_key::RootKey;
use keystead_private_file::{RootKeyFileError, create_private, lock_for_change, read_private, replace_private};

const FORMAT: u32 = 1;
const FILE_MAX_BYTES: u64 = 256 * 1024 * 1024;
const ROOT_KEY_CHECK_IDENTITY: &str = "keystead-xks-proxy/key-file/1/root-key-check";
const ROOT_KEY_CHECK_CONTENT: &[u8] = b"keystead-xks-proxy key file";

/// `keyUsage` values that the specification names.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum KeyUsage {
    /// `ENCRYPT`
    Encrypt,
    /// `DECRYPT`
    Decrypt,
    /// `DERIVE`
    Derive,
    /// `SIGN`
    Sign,
    /// `VERIFY`
    Verify,
    /// `WRAP`
    Wrap,
    /// `UNWRAP`
    Unwrap,
}

impl KeyUsage {
    /// All of them.
    pub const ALL: [Self; 7] =
        [Self::Encrypt, Self::Decrypt, Self::Derive, Self::Sign, Self::Verify, Self::Wrap, Self::Unwrap];

    /// As it is written in `keyUsage`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Encrypt => "ENCRYPT",
            Self::Decrypt => "DECRYPT",
            Self::Derive => "DERIVE",
            Self::Sign => "SIGN",
            Self::Verify => "VERIFY",
            Self::Wrap => "WRAP",
            Self::Unwrap => "UNWRAP",
        }
    }
}

impl fmt::Display for KeyUsage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl std::str::FromStr for KeyUsage {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|usage| usage.as_str() == text);
        found.ok_or_else(|| {
            format!("\"{text}\" is no key usage; write one of {}", Self::ALL.map(Self::as_str).join(", "))
        })
    }
}

/// `keySpec`: the one that KMS takes.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub(crate) enum KeySpec {
    #[serde(rename = "AES_256")]
    Aes256,
}

impl KeySpec {
    /// As it is written in `keySpec`.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Aes256 => "AES_256",
        }
    }
}

/// An external key as the command line lists it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ExternalKeySummary {
    /// The key's id, KMS's `XksKeyId`.
    pub id: ExternalKeyId,
    /// What it may be used for.
    pub key_usage: Vec<KeyUsage>,
    /// Whether it may be used.
    pub key_status: KeyStatus,
    /// When it was made.
    #[serde(with = "time::serde::rfc3339")]
    pub created: OffsetDateTime,
    /// The version that encrypts; the ones before it still decrypt.
    pub current_version: u32,
}

/// What is wrong with the key file, or with what was asked of it.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// The root key cannot be read.
    #[error(transparent)]
    RootKey(#[from] RootKeyFileError),
    /// The file cannot be read or written.
    #[error("key file {path}: {source}")]
    File {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// There is no key file.
    #[error(
        "key file {path} does not exist: create the first key with `keystead xks-proxy keys create`, or set key_file \
         to where it is"
    )]
    Missing {
        /// The file.
        path: PathBuf,
    },
    /// The file is not what this program writes.
    #[error("key file {path} is damaged: {problem}; restore it from a backup")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Where and what.
        problem: String,
    },
    /// The file was sealed under another root key.
    #[error("key file {path} was sealed under another root key: set root_key_file to the one it was made with")]
    WrongRootKey {
        /// The file.
        path: PathBuf,
    },
    /// The text is no external key id.
    #[error(transparent)]
    InvalidId(#[from] keystead_xks::wire::InvalidExternalKeyId),
    /// There is a key with this id.
    #[error("there is already an external key {id}: choose another id")]
    Exists {
        /// The id.
        id: ExternalKeyId,
    },
    /// There is no key with this id.
    #[error("there is no external key {id}")]
    NotFound {
        /// The id.
        id: ExternalKeyId,
    },
    /// Neither ENCRYPT nor any other usage was given, or one twice.
    #[error("a key needs at least one key usage, and each at most once")]
    InvalidUsage,
    /// A key cannot have more versions.
    #[error("external key {id} has the highest possible version number")]
    VersionsExhausted {
        /// The id.
        id: ExternalKeyId,
    },
    /// Random numbers or sealing failed.
    #[error("the cryptographic library failed")]
    Cryptography,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Document {
    format: u32,
    root_key_check: Base64Bytes,
    keys: Vec<KeyRecord>,
}

/// One external key as it stands in the file.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct KeyRecord {
    pub(crate) id: ExternalKeyId,
    pub(crate) key_spec: KeySpec,
    pub(crate) key_usage: Vec<KeyUsage>,
    pub(crate) key_status: KeyStatus,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created: OffsetDateTime,
    /// Ascending; the last one encrypts. At least one.
    pub(crate) versions: Vec<VersionRecord>,
}

#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct VersionRecord {
    pub(crate) version: u32,
    #[serde(with = "time::serde::rfc3339")]
    pub(crate) created: OffsetDateTime,
    pub(crate) sealed_material: Base64Bytes,
}

impl KeyRecord {
    /// A key with version 1 of fresh random material.
    pub(crate) fn new(id: ExternalKeyId, key_usage: Vec<KeyUsage>, root_key: &RootKey) -> Result<Self, KeyFileError> {
        let mut record = Self {
            id,
            key_spec: KeySpec::Aes256,
            key_usage,
            key_status: KeyStatus::Enabled,
            created: now(),
            versions: Vec::new(),
        };
        record.add_version(root_key)?;
        Ok(record)
    }

    /// Adds a version of fresh random material, which encrypts from now on. Returns its number.
    pub(crate) fn add_version(&mut self, root_key: &RootKey) -> Result<u32, KeyFileError> {
        let version = self.current_version().checked_add(1);
        let version = version.ok_or_else(|| KeyFileError::VersionsExhausted { id: self.id.clone() })?;
        let mut material = Zeroizing::new([0; 32]);
        aws_lc_rs::rand::fill(material.as_mut()).map_err(|_| KeyFileError::Cryptography)?;
        let sealed =
            root_key.seal(&self.identity(version), material.as_ref()).map_err(|_| KeyFileError::Cryptography)?;
        self.versions.push(VersionRecord { version, created: now(), sealed_material: sealed.into() });
        Ok(version)
    }

    /// The version that encrypts.
    pub(crate) fn current_version(&self) -> u32 {
        self.versions.last().map_or(0, |last| last.version)
    }

    /// The material of one version. `None` if it is damaged.
    pub(crate) fn open(&self, version: &VersionRecord, root_key: &RootKey) -> Option<Zeroizing<[u8; 32]>> {
        let identity = self.identity(version.version);
        let opened = root_key.open(&identity, &version.sealed_material).ok()?;
        let material: &[u8; 32] = opened.as_slice().try_into().ok()?;
        Some(Zeroizing::new(*material))
    }

    fn identity(&self, version: u32) -> String {
        format!("keystead-xks-proxy/key-file/1/key/{}/version/{version}", self.id)
    }

    pub(crate) fn summary(&self) -> ExternalKeySummary {
        ExternalKeySummary {
            id: self.id.clone(),
            key_usage: self.key_usage.clone(),
            key_status: self.key_status,
            created: self.created,
            current_version: self.current_version(),
        }
    }
}

/// To the second: what people read needs no more.
fn now() -> OffsetDateTime {
    let now = OffsetDateTime::now_utc();
    now.replace_nanosecond(0).unwrap_or(now)
}

/// Where the keys and the root key are.
#[derive(Clone)]
pub(crate) struct KeyFile {
    pub(crate) path: PathBuf,
    pub(crate) root_key_path: PathBuf,
}

impl KeyFile {
    pub(crate) fn new(path: &Path, root_key_path: &Path) -> Self {
        Self { path: path.to_owned(), root_key_path: root_key_path.to_owned() }
    }

    /// Makes a file without keys, if there is none.
    pub(crate) fn create_if_missing(&self) -> Result<(), KeyFileError> {
        let _held = lock_for_change(&self.path).map_err(|e| self.file_error(e))?;
        if self.path.symlink_metadata().is_ok() {
            return Ok(());
        }
        let root_key = RootKey::read(&self.root_key_path)?;
        let check =
            root_key.seal(ROOT_KEY_CHECK_IDENTITY, ROOT_KEY_CHECK_CONTENT).map_err(|_| KeyFileError::Cryptography)?;
        let text = self.to_json(&Document { format: FORMAT, root_key_check: check.into(), keys: Vec::new() })?;
        create_private(&self.path, &text).map_err(|e| self.file_error(e))
    }

    /// All keys, and the root key that opens their material.
    pub(crate) fn read(&self) -> Result<(Vec<KeyRecord>, RootKey), KeyFileError> {
        let (document, root_key) = self.read_document()?;
        Ok((document.keys, root_key))
    }

    /// Changes the keys; on the disk before this returns. An error of `change` leaves the file as it was.
    pub(crate) fn change<T>(
        &self,
        change: impl FnOnce(&mut Vec<KeyRecord>, &RootKey) -> Result<T, KeyFileError>,
    ) -> Result<T, KeyFileError> {
        let _held = lock_for_change(&self.path).map_err(|e| self.file_error(e))?;
        let (mut document, root_key) = self.read_document()?;
        let result = change(&mut document.keys, &root_key)?;
        let text = self.to_json(&document)?;
        replace_private(&self.path, &text).map_err(|e| self.file_error(e))?;
        Ok(result)
    }

    fn read_document(&self) -> Result<(Document, RootKey), KeyFileError> {
        let text = read_private(&self.path, FILE_MAX_BYTES).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => KeyFileError::Missing { path: self.path.clone() },
            _ => self.file_error(source),
        })?;
        let root_key = RootKey::read(&self.root_key_path)?;
        let document: Document = serde_json::from_slice(&text).map_err(|error| self.damaged(error.to_string()))?;
        self.check(&document)?;
        let opened = root_key.open(ROOT_KEY_CHECK_IDENTITY, &document.root_key_check);
        if opened.is_ok_and(|content| *content == ROOT_KEY_CHECK_CONTENT) {
            return Ok((document, root_key));
        }
        Err(KeyFileError::WrongRootKey { path: self.path.clone() })
    }

    fn check(&self, document: &Document) -> Result<(), KeyFileError> {
        if document.format != FORMAT {
            let format = document.format;
            return Err(self.damaged(format!("its format is {format}, this program knows {FORMAT}")));
        }
        let mut seen = std::collections::HashSet::new();
        for key in &document.keys {
            if !seen.insert(&key.id) {
                return Err(self.damaged(format!("key {} stands there twice", key.id)));
            }
            let ascending = key.versions.is_sorted_by(|a, b| a.version < b.version);
            if key.versions.is_empty() || !ascending {
                return Err(self.damaged(format!("the versions of key {} are not in order", key.id)));
            }
        }
        Ok(())
    }

    fn to_json(&self, document: &Document) -> Result<Vec<u8>, KeyFileError> {
        let mut text = serde_json::to_vec_pretty(document).map_err(|error| self.file_error(error.into()))?;
        text.push(b'\n');
        Ok(text)
    }

    fn file_error(&self, source: std::io::Error) -> KeyFileError {
        KeyFileError::File { path: self.path.clone(), source }
    }

    fn damaged(&self, problem: String) -> KeyFileError {
        KeyFileError::Damaged { path: self.path.clone(), problem }
    }
}
