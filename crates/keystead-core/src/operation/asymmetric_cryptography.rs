//! Using the material of keys that are not symmetric encryption keys.

use std::sync::Arc;

use keystead_cryptography::{DecryptionError, HmacKey, KeyPair};
use keystead_model::kms::EncryptionAlgorithmSpec;
use zeroize::Zeroizing;

use super::cryptography::{UsableKey, invalid_ciphertext};
use crate::access::Authorized;
use crate::catalog::LoadedKey;
use crate::error::KmsError;
use crate::key::KeyMaterial;
use crate::kms::{Call, Kms};

impl UsableKey {
    /// Its key pair.
    pub(super) fn key_pair(&self) -> Result<&KeyPair, KmsError> {
        key_pair_of(self.authorized())
    }

    /// Its HMAC key.
    pub(super) fn hmac_key(&self) -> Result<&HmacKey, KmsError> {
        match self.authorized().current_material() {
            Some(KeyMaterial::Hmac(key)) => Ok(key),
            _ => Err(other_material(self.loaded())),
        }
    }

    /// Decrypts an RSA ciphertext. `InvalidCiphertextException` if it is none of this key and algorithm: nothing tells in what it is wrong.
    pub(super) async fn decrypt_rsa(
        &self,
        kms: &Kms,
        call: &Call<'_>,
        algorithm: EncryptionAlgorithmSpec,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let (key, ciphertext) = (self.authorized().clone(), ciphertext.to_vec());
        let decrypt = move || {
            key_pair_of(&key)?.decrypt(algorithm, &ciphertext).map_err(|error| match error {
                DecryptionError::InvalidCiphertext => invalid_ciphertext(),
                DecryptionError::AlgorithmNotOfKey | DecryptionError::Library => KmsError::internal(&error),
            })
        };
        kms.private_key_work.run(call.caller.principal.account, decrypt).await?
    }
}

fn key_pair_of(key: &Authorized<Arc<LoadedKey>>) -> Result<&KeyPair, KmsError> {
    match key.current_material() {
        Some(KeyMaterial::KeyPair(pair)) => Ok(pair),
        _ => Err(other_material(key)),
    }
}

fn other_material(key: &LoadedKey) -> KmsError {
    KmsError::internal(&format!("{} has not the material of its key spec", key.arn))
}
