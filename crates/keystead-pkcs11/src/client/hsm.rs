//! One HSM, as the server uses it.

use std::path::Path;

use zeroize::Zeroizing;

use super::HsmSettings;
use crate::{Ciphertext, HsmError, KeyId, KeyInfo, LoginHolder, Pin, TokenStatus};

/// One HSM behind its worker. Calls may be made from many tasks at once; each is answered within the call timeout.
///
/// A call to an HSM whose worker is not there fails at once with [`HsmError::Lost`], except [`Hsm::status`] and [`Hsm::restart`], which wait for
/// the start of a worker.
pub struct Hsm {
    settings: HsmSettings,
}

impl Hsm {
    pub(super) fn new(settings: HsmSettings) -> Self {
        Self { settings }
    }

    fn lost<T>(&self) -> Result<T, HsmError> {
        Err(HsmError::Lost(format!("{} has no worker", self.settings.hsm_id)))
    }

    /// Its settings.
    pub fn settings(&self) -> &HsmSettings {
        &self.settings
    }

    /// Whether the worker ran and its token was there when it was last heard of. Asks nobody.
    pub fn is_available(&self) -> bool {
        false
    }

    /// Ends the worker and starts a fresh one, which sees the token as it is now. Whoever was logged in no longer is.
    pub async fn restart(&self) -> Result<(), HsmError> {
        self.lost()
    }

    /// The state of the token.
    pub async fn status(&self) -> Result<TokenStatus, HsmError> {
        self.lost()
    }

    /// `C_InitToken` on a token that is not initialised; `TokenState` if it is. Returns the serial number.
    pub async fn initialize_token(&self, _label: &str, _so_pin: &Pin) -> Result<String, HsmError> {
        self.lost()
    }

    /// `C_InitToken` on a token that is initialised: every object and the user are destroyed, the SO PIN stays. Returns the serial number.
    pub async fn reinitialize_token(&self, _label: &str, _so_pin: &Pin) -> Result<String, HsmError> {
        self.lost()
    }

    /// Checks the SO PIN by a login of the SO and a logout.
    pub async fn check_so_pin(&self, _so_pin: &Pin) -> Result<(), HsmError> {
        self.lost()
    }

    /// Changes the SO PIN.
    pub async fn change_so_pin(&self, _old: &Pin, _new: &Pin) -> Result<(), HsmError> {
        self.lost()
    }

    /// As SO sets the user's PIN (`C_InitPIN`), which makes the user if there is none, and unlocks it. `UserLoggedIn` while somebody is
    /// logged in as the user.
    pub async fn initialize_user_pin(&self, _so_pin: &Pin, _user_pin: &Pin) -> Result<(), HsmError> {
        self.lost()
    }

    /// Logs in as the user, once. Succeeds where `holder` is logged in already and `user_pin` is the one it logged in with.
    pub async fn log_in(&self, _user_pin: &Pin, _holder: LoginHolder) -> Result<(), HsmError> {
        self.lost()
    }

    /// Logs `holder` out; no error if it is not logged in.
    pub async fn log_out(&self, _holder: LoginHolder) -> Result<(), HsmError> {
        self.lost()
    }

    /// Changes the user's PIN (`C_SetPIN`) while `holder` is logged in. Sessions and keys stay usable. Durable when it returns.
    pub async fn change_user_pin(&self, _holder: LoginHolder, _old: &Pin, _new: &Pin) -> Result<(), HsmError> {
        self.lost()
    }

    /// All secret keys of the token, the masking key among them. Needs a login.
    pub async fn keys(&self) -> Result<Vec<KeyInfo>, HsmError> {
        self.lost()
    }

    /// The keys with this ID: none, one, or several. Needs a login.
    pub async fn find_keys(&self, _id: &KeyId) -> Result<Vec<KeyInfo>, HsmError> {
        self.lost()
    }

    /// Generates a 256-bit AES key for AES-GCM with the template of the digest's 3.2; `extractable` only for as long as it takes to copy it.
    /// Durable when it returns.
    pub async fn generate_key(&self, _id: &KeyId, _label: &str, _extractable: bool) -> Result<KeyInfo, HsmError> {
        self.lost()
    }

    /// Makes a key unextractable for ever.
    pub async fn seal_key(&self, _id: &KeyId) -> Result<KeyInfo, HsmError> {
        self.lost()
    }

    /// Destroys every object with this ID. Returns how many there were.
    pub async fn destroy_key(&self, _id: &KeyId) -> Result<u32, HsmError> {
        self.lost()
    }

    /// The masking key that HSMs of a cluster share, if this HSM has it: AES-256 for wrapping and unwrapping alone, ID `keystead masking key`.
    pub async fn masking_key(&self) -> Result<Option<KeyInfo>, HsmError> {
        self.lost()
    }

    /// Makes a masking key here; extractable until it is sealed with [`Hsm::seal_key`].
    pub async fn generate_masking_key(&self) -> Result<KeyInfo, HsmError> {
        self.lost()
    }

    /// Makes an RSA key pair to receive a masking key with, and returns the public key (DER, PKCS #1 `RSAPublicKey`). An older one is replaced.
    pub async fn generate_transport_key(&self) -> Result<Vec<u8>, HsmError> {
        self.lost()
    }

    /// The masking key, wrapped with RSA-OAEP for another HSM's transport key.
    pub async fn wrap_masking_key(&self, _transport_public_key: &[u8]) -> Result<Vec<u8>, HsmError> {
        self.lost()
    }

    /// Takes a masking key that was wrapped for this HSM's transport key, unextractable, and destroys the transport key.
    pub async fn unwrap_masking_key(&self, _wrapped: &[u8]) -> Result<KeyInfo, HsmError> {
        self.lost()
    }

    /// An extractable key, wrapped under the masking key.
    pub async fn wrap_key(&self, _id: &KeyId) -> Result<Vec<u8>, HsmError> {
        self.lost()
    }

    /// Takes a key that was wrapped under the masking key, with the template of the digest's 3.2, unextractable. Durable when it returns.
    pub async fn unwrap_key(&self, _wrapped: &[u8], _id: &KeyId, _label: &str) -> Result<KeyInfo, HsmError> {
        self.lost()
    }

    /// AES-256-GCM, tag of 128 bits, IV as the profile says. Needs a login.
    pub async fn encrypt(&self, _id: &KeyId, _plaintext: &[u8], _aad: &[u8]) -> Result<Ciphertext, HsmError> {
        self.lost()
    }

    /// Undoes [`Hsm::encrypt`]. Needs a login.
    pub async fn decrypt(
        &self,
        _id: &KeyId,
        _ciphertext: &Ciphertext,
        _aad: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, HsmError> {
        self.lost()
    }

    /// `C_GenerateRandom`.
    pub async fn generate_random(&self, _length: u32) -> Result<Zeroizing<Vec<u8>>, HsmError> {
        self.lost()
    }

    /// Copies the soft token's storage into an empty folder while nothing changes it, durably. `TokenState` for tokens without storage.
    pub async fn back_up_token(&self, _folder: &Path) -> Result<(), HsmError> {
        self.lost()
    }
}
