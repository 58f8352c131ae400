//! How something is encrypted, and which keys can: what Encrypt, Decrypt, both halves of ReEncrypt and the data keys share.

use std::sync::Arc;

use keystead_cryptography::max_plaintext_bytes;
use keystead_model::kms::{EncryptionAlgorithmSpec, EncryptionContext, KeySpec};

use super::cryptography::{KeyRole, UsableKey, usable_key};
use super::key_usage::{check_encryption_algorithm, check_encryption_context, check_key_usage};
use crate::access::Authorized;
use crate::catalog::LoadedKey;
use crate::error::KmsError;
use crate::key::Key;
use crate::kms::{Call, Kms};

/// An algorithm, and what it authenticates besides.
pub(super) struct Encryption {
    pub(super) algorithm: EncryptionAlgorithmSpec,
    pub(super) context: EncryptionContext,
}

impl Encryption {
    /// As a request says, or by default.
    pub(super) fn of_request(algorithm: Option<EncryptionAlgorithmSpec>, context: Option<EncryptionContext>) -> Self {
        let algorithm = algorithm.unwrap_or(EncryptionAlgorithmSpec::SymmetricDefault);
        Self { algorithm, context: context.unwrap_or_default() }
    }

    /// Refuses keys that cannot encrypt and decrypt so, whatever their state.
    pub(super) fn check_key(&self, operation: &str, key: &Key) -> Result<(), KmsError> {
        check_key_usage(operation, key)?;
        check_encryption_algorithm(self.algorithm, key)?;
        check_encryption_context(self.algorithm, &self.context)
    }

    /// The key, if it can encrypt and decrypt so and its state allows it.
    pub(super) async fn usable_key(
        &self,
        kms: &Kms,
        call: &mut Call<'_>,
        key: Authorized<Arc<LoadedKey>>,
        role: KeyRole,
    ) -> Result<UsableKey, KmsError> {
        self.check_key(call.operation.name, &key.key)?;
        usable_key(kms, call, key, role).await
    }

    /// Refuses a plaintext that is too long for the algorithm with a key of this spec.
    pub(super) fn check_length(&self, spec: KeySpec, plaintext: &[u8]) -> Result<(), KmsError> {
        match max_plaintext_bytes(spec, self.algorithm) {
            Some(max) if plaintext.len() > max => Err(KmsError::validation(format!(
                "Algorithm {} and key spec {spec} cannot encrypt data larger than {max} bytes.",
                self.algorithm
            ))),
            Some(_) | None => Ok(()),
        }
    }
}

impl UsableKey {
    /// Encrypts as `encryption` says: into a CiphertextBlob that names the key, or, with RSA, into one that is as RFC 8017 has it and names
    /// nothing. The plaintext has at most 4096 bytes, with RSA fewer.
    pub(super) async fn encrypt(
        &self,
        kms: &Kms,
        call: &Call<'_>,
        plaintext: &[u8],
        encryption: &Encryption,
    ) -> Result<Vec<u8>, KmsError> {
        encryption.check_length(self.loaded().key.spec, plaintext)?;
        match encryption.algorithm {
            EncryptionAlgorithmSpec::SymmetricDefault => {
                self.encrypt_symmetric(kms, call, plaintext, &encryption.context).await
            }
            algorithm => self.key_pair()?.encrypt(algorithm, plaintext).map_err(|error| KmsError::internal(&error)),
        }
    }
}
