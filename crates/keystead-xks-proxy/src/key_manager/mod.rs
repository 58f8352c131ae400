//! What stands behind the proxy: the external key manager (EKM) that holds the external keys.

use async_trait::async_trait;
use keystead_xks::wire::{EkmInstance, ExternalKeyId, KeyStatus};
use zeroize::Zeroizing;

mod key_file;
mod message_encryption;
mod root_key;
mod sealed_key_file;

pub use key_file::{ExternalKeySummary, KeyFileError, KeyUsage};
pub(crate) use key_file::{KeyFile, KeyRecord};
pub(crate) use root_key::RootKey;
pub use sealed_key_file::SealedKeyFile;

/// A key as GetKeyMetadata tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyDescription {
    /// `keySpec`, such as `AES_256`.
    pub key_spec: &'static str,
    /// `keyUsage`.
    pub key_usage: Vec<KeyUsage>,
    /// `keyStatus`.
    pub key_status: KeyStatus,
}

/// What encryption yields and decryption needs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncryptedData {
    /// As long as the plaintext.
    pub ciphertext: Vec<u8>,
    /// 12 or 16 bytes.
    pub initialization_vector: Vec<u8>,
    /// 16 bytes.
    pub authentication_tag: Vec<u8>,
    /// The key manager's own, at most 20 bytes; authenticated like the AAD. Empty if it has no use for one.
    pub metadata: Vec<u8>,
}

/// Why a key manager does not do it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum KeyManagerError {
    /// There is no such key.
    #[error("there is no external key with this id")]
    KeyNotFound,
    /// The key is disabled.
    #[error("the external key is disabled")]
    KeyDisabled,
    /// The key's usages do not include this one.
    #[error("the external key does not have the key usage {needed}")]
    KeyUsage {
        /// The usage that the request needs.
        needed: KeyUsage,
    },
    /// Ciphertext, metadata, IV, tag or AAD are not what an encryption under this key yielded.
    #[error(
        "the ciphertext, its metadata, initialization vector or tag, or the additional authenticated data is not what \
         was encrypted under this external key"
    )]
    InvalidCiphertext,
    /// The key manager cannot handle this value.
    #[error("{problem}")]
    Unsupported {
        /// What, and what its limit is.
        problem: &'static str,
    },
    /// The key manager did not answer in time.
    #[error("the external key manager did not answer in time")]
    Timeout,
    /// Anything else.
    #[error("{problem}")]
    Internal {
        /// What; shown to the caller, so without secrets and paths.
        problem: String,
    },
}

/// The port to an external key manager. The proxy bounds every call by `limits.key_manager_timeout_ms`.
#[async_trait]
pub trait KeyManager: Send + Sync {
    /// `ekmVendor` of GetHealthStatus.
    fn vendor(&self) -> &str;

    /// The key's metadata, whatever its status. Fails with `KeyNotFound`, `Timeout`, `Internal`.
    async fn describe(&self, key: &ExternalKeyId) -> Result<KeyDescription, KeyManagerError>;

    /// AES-GCM under the key's current version. Fails with any error but `InvalidCiphertext`.
    async fn encrypt(
        &self,
        key: &ExternalKeyId,
        plaintext: &[u8],
        aad: &[u8],
    ) -> Result<EncryptedData, KeyManagerError>;

    /// The plaintext of `data`, under whichever version of the key made it. Fails with any error.
    async fn decrypt(
        &self,
        key: &ExternalKeyId,
        data: &EncryptedData,
        aad: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KeyManagerError>;

    /// Decrypts what was just encrypted and compares it with `plaintext`, whether or not the key may decrypt for others.
    ///
    /// Fails with `Internal` if it is not the same.
    async fn trial_decrypt(
        &self,
        key: &ExternalKeyId,
        data: &EncryptedData,
        aad: &[u8],
        plaintext: &[u8],
    ) -> Result<(), KeyManagerError>;

    /// How the key manager's instances are, 1..=10 of them, from their real state.
    ///
    /// Fails with `Timeout` or `Internal` if not even that can be told; an instance that cannot serve is no failure.
    async fn health(&self) -> Result<Vec<EkmInstance>, KeyManagerError>;
}
