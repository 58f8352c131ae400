//! The HSMs behind an AWS CloudHSM key store.

use std::fmt;

use async_trait::async_trait;
use keystead_model::SecretString;
use keystead_model::arn::{AccountId, CustomKeyStoreId, Region};
use zeroize::Zeroizing;

use crate::key_store::HsmFailure;

/// The HSMs of clusters, used as the crypto user `kmsuser`.
///
/// Every call keeps its own deadline. Calls that change no state of an HSM (encrypt, decrypt, random) go to any active HSM and, if that one
/// is lost, to another, so that a caller sees an error only when all are lost. One cluster that is down slows no other.
#[async_trait]
pub trait HsmBackend: Send + Sync + 'static {
    /// Steps 6 to 8 of a connect: for each active HSM a fresh way to it (so that it tells the truth about PINs), the certificate chain up to
    /// the trust anchor, that `kmsuser` exists on it, and that nobody is logged in as `kmsuser`. Returns the HSMs that can be logged in to,
    /// at least one.
    ///
    /// Fails with `ClusterNotFound`, `NoActiveHsm`, `Unreachable`, `UserNotFound` (also when the user is missing on only some HSMs),
    /// `UserLoggedIn`.
    async fn open(&self, link: &HsmLink) -> Result<Vec<String>, HsmFailure>;

    /// Step 9 on one HSM: logs in as `kmsuser`, and stays logged in until [`HsmBackend::close`]. Tries the password once. Succeeds at once
    /// where KMS is logged in with it already.
    ///
    /// Fails with `InvalidCredentials`, `UserLockedOut`, `UserNotFound`, `UserLoggedIn`, `Unreachable`.
    async fn log_in(&self, link: &HsmLink, hsm_id: &str, password: &SecretString) -> Result<(), HsmFailure>;

    /// Step 10 on one HSM: changes the password of `kmsuser`, who is logged in. Durable on the HSM when it returns.
    async fn change_password(
        &self,
        link: &HsmLink,
        hsm_id: &str,
        old: &SecretString,
        new: &SecretString,
    ) -> Result<(), HsmFailure>;

    /// Logs in again wherever the login of a connected key store was lost, as with the worker of an HSM, whether or not anybody uses its keys:
    /// as long as KMS is connected nobody else may log in as `kmsuser`. Best effort: it waits for no login, and a refused password is not
    /// tried again.
    async fn keep_logged_in(&self, link: &HsmLink);

    /// Logs `kmsuser` out everywhere, and in no more by a call that comes too late, which is known by the link's passwords. Best effort: an
    /// HSM that cannot be reached keeps nobody logged in.
    async fn close(&self, link: &HsmLink);

    /// Generates a 256-bit AES key, never to leave the HSMs in clear, with this `backing_key_id` (`CKA_ID`) and `label` (`CKA_LABEL`); copies
    /// it to every active HSM, compares check values, and returns once at least two HSMs in different Availability Zones have it durably.
    ///
    /// On failure nothing is left behind where that is in its power; what is left, [`HsmBackend::destroy_key`] removes.
    /// Fails with `NotEnoughHsms` if fewer than two zones have an active HSM.
    async fn generate_key(&self, link: &HsmLink, backing_key_id: &BackingKeyId, label: &str) -> Result<(), HsmFailure>;

    /// Destroys a key on every active HSM; no error where it is gone. Returns whether every HSM of the cluster confirmed it.
    async fn destroy_key(&self, link: &HsmLink, backing_key_id: &BackingKeyId) -> Result<bool, HsmFailure>;

    /// AES-256-GCM with a 128-bit tag over 1..=4096 bytes, the IV made anew at random for each call.
    async fn encrypt(
        &self,
        link: &HsmLink,
        backing_key_id: &BackingKeyId,
        plaintext: &[u8],
        aad: &[u8],
    ) -> Result<HsmCiphertext, HsmFailure>;

    /// Undoes [`HsmBackend::encrypt`]. Fails with `InvalidCiphertext` if anything of ciphertext or `aad` differs.
    async fn decrypt(
        &self,
        link: &HsmLink,
        backing_key_id: &BackingKeyId,
        ciphertext: &HsmCiphertext,
        aad: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, HsmFailure>;

    /// 1..=1024 bytes of an HSM's random number generator.
    async fn generate_random(&self, link: &HsmLink, length: usize) -> Result<Zeroizing<Vec<u8>>, HsmFailure>;
}

/// All that a backend needs to use a cluster for one key store. What the cluster consists of, the backend finds out by itself.
pub struct HsmLink {
    /// The key store that KMS is logged in for.
    pub custom_key_store_id: CustomKeyStoreId,
    /// The account that owns key store and cluster.
    pub account: AccountId,
    /// The Region of both.
    pub region: Region,
    /// The cluster.
    pub cluster_id: String,
    /// PEM: the trust anchor that the key store was created with.
    pub trust_anchor: String,
    /// The passwords that `kmsuser` may have, the most likely one first; at most two are tried on an HSM that is not logged in.
    pub passwords: Vec<SecretString>,
}

impl fmt::Debug for HsmLink {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HsmLink")
            .field("custom_key_store_id", &self.custom_key_store_id)
            .field("cluster_id", &self.cluster_id)
            .finish_non_exhaustive()
    }
}

/// Names key material in a cluster: the 16 random bytes of `CKA_ID`. Unlike a label nobody can change it, and unlike a handle it
/// outlives a login.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct BackingKeyId([u8; 16]);

impl BackingKeyId {
    /// From its 16 bytes.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// Its 16 bytes.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }
}

/// 32 lower-case hexadecimal digits.
impl fmt::Display for BackingKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// What an HSM makes of a plaintext.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct HsmCiphertext {
    /// The IV of AES-GCM.
    pub initialization_vector: [u8; 12],
    /// The ciphertext, as long as the plaintext, then the tag of 16 bytes.
    pub ciphertext_and_tag: Vec<u8>,
}
