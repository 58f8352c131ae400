//! Encrypting and decrypting under a KMS key: the one way for every cryptographic operation.
//!
//! A key of origin AWS_KMS encrypts with its material. A key in an external key store encrypts with its material and has the proxy encrypt
//! that once more, so that neither side alone can decrypt (external key stores digest 2.1). The encryption context is bound in both
//! layers.

use std::sync::Arc;

use keystead_model::kms::{EncryptionAlgorithmSpec, EncryptionContext, Exception};
use zeroize::Zeroizing;

use crate::access::Authorized;
use crate::catalog::{LoadedKey, LoadedKeyStore};
use crate::error::{KmsError, cause};
use crate::key::{
    Ciphertext, CiphertextBody, CiphertextHeader, KeyAction, KeyOrigin, MaterialError, inner_aad, outer_aad,
    refuse_in_state,
};
use crate::key_store::INNER_CIPHERTEXT_INVALID_MESSAGE;
use crate::kms::{Call, Kms};
use crate::operation::key_lookup::state_of;
use crate::port::{BackendCiphertext, CallMetadata};

/// A key that the caller may use and whose state allows it.
pub(super) struct UsableKey {
    key: Authorized<Arc<LoadedKey>>,
    key_store: Option<Arc<LoadedKeyStore>>,
}

/// What a key is in its operation: tells where its key store stands in the audit record.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum KeyRole {
    /// The operation has one key.
    Only,
    /// ReEncrypt decrypts with it.
    Source,
    /// ReEncrypt encrypts with it.
    Destination,
}

impl KeyRole {
    /// The members of `additionalEventData`. How CloudTrail tells the two keys of a ReEncrypt apart is unverified.
    fn audit_members(self) -> [&'static str; 2] {
        match self {
            Self::Only => ["customKeyStoreId", "xksKeyId"],
            Self::Source => ["sourceCustomKeyStoreId", "sourceXksKeyId"],
            Self::Destination => ["destinationCustomKeyStoreId", "destinationXksKeyId"],
        }
    }
}

/// Notes where the key lives for the audit record, then refuses what its state refuses.
pub(super) async fn usable_key(
    kms: &Kms,
    call: &mut Call<'_>,
    key: Authorized<Arc<LoadedKey>>,
    role: KeyRole,
) -> Result<UsableKey, KmsError> {
    if let KeyOrigin::ExternalKeyStore { custom_key_store_id, xks_key_id } = &key.key.origin {
        let [key_store_member, xks_key_member] = role.audit_members();
        call.note(key_store_member, custom_key_store_id.as_str());
        call.note(xks_key_member, xks_key_id.as_str());
    }
    let (state, key_store) = state_of(kms, &key.key).await?;
    refuse_in_state(KeyAction::Cryptographic, state, &key.key)?;
    Ok(UsableKey { key, key_store })
}

/// A key around which an external key encrypts.
struct ExternalKey<'a> {
    key_store: &'a LoadedKeyStore,
    xks_key_id: &'a str,
}

impl UsableKey {
    /// The key.
    pub(super) fn loaded(&self) -> &LoadedKey {
        &self.key
    }

    /// The material's ID in answers: of AWS_KMS keys alone (KMS API Reference, KeyMaterialId).
    pub(super) fn key_material_id(&self) -> Option<String> {
        matches!(self.key.key.origin, KeyOrigin::AwsKms).then(|| self.key.key.material.id.to_string())
    }

    fn external(&self) -> Result<Option<ExternalKey<'_>>, KmsError> {
        match (&self.key.key.origin, &self.key_store) {
            (KeyOrigin::AwsKms, _) => Ok(None),
            (KeyOrigin::ExternalKeyStore { xks_key_id, .. }, Some(key_store)) => {
                Ok(Some(ExternalKey { key_store, xks_key_id }))
            }
            (KeyOrigin::ExternalKeyStore { custom_key_store_id, .. }, None) => {
                Err(KmsError::internal(&format!("{custom_key_store_id} is gone although it has keys")))
            }
        }
    }

    /// Encrypts 1..=4096 bytes into a CiphertextBlob.
    pub(super) async fn encrypt(
        &self,
        kms: &Kms,
        call: &Call<'_>,
        plaintext: &[u8],
        context: &EncryptionContext,
    ) -> Result<Vec<u8>, KmsError> {
        let external = self.external()?;
        let header = CiphertextHeader {
            key_id: self.key.key.id,
            material_id: self.key.key.material.id,
            external: external.is_some(),
        };
        let header_bytes = header.to_bytes();
        let inner = self
            .key
            .material
            .encrypt(plaintext, &inner_aad(&header_bytes, context), &*kms.entropy)
            .map_err(|error| KmsError::internal(&error))?;
        let body = match external {
            None => CiphertextBody::Kms(inner),
            Some(external) => {
                let aad = outer_aad(&header_bytes, context);
                CiphertextBody::External(self.encrypt_outer(kms, call, &external, &inner, &aad).await?)
            }
        };
        Ok(Ciphertext { header, body }.to_bytes())
    }

    async fn encrypt_outer(
        &self,
        kms: &Kms,
        call: &Call<'_>,
        external: &ExternalKey<'_>,
        inner: &[u8],
        aad: &[u8],
    ) -> Result<BackendCiphertext, KmsError> {
        take_request(kms, external)?;
        kms.backend
            .encrypt(&external.key_store.link, external.xks_key_id, inner, aad, &self.metadata(call))
            .await
            .map_err(KmsError::cryptographic)
    }

    /// Decrypts a CiphertextBlob that names this key.
    pub(super) async fn decrypt(
        &self,
        kms: &Kms,
        call: &Call<'_>,
        ciphertext: &Ciphertext,
        context: &EncryptionContext,
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let header = &ciphertext.header;
        let header_bytes = header.to_bytes();
        let inner_aad = inner_aad(&header_bytes, context);
        // A blob of another material of this key, or of another kind than this key makes, was never made by this key: no proxy is asked.
        if header.material_id != self.key.key.material.id {
            return Err(invalid_ciphertext());
        }
        match (&ciphertext.body, self.external()?) {
            (CiphertextBody::Kms(message), None) => {
                self.key.material.decrypt(message, &inner_aad).map_err(|error| match error {
                    MaterialError::DoesNotAuthenticate => invalid_ciphertext(),
                    MaterialError::Module => KmsError::internal(&error),
                })
            }
            (CiphertextBody::External(outer), Some(external)) => {
                take_request(kms, &external)?;
                let aad = outer_aad(&header_bytes, context);
                let link = &external.key_store.link;
                let inner = kms
                    .backend
                    .decrypt(link, external.xks_key_id, outer, &aad, &self.metadata(call))
                    .await
                    .map_err(KmsError::cryptographic)?;
                self.key.material.decrypt(&inner, &inner_aad).map_err(|_| inner_ciphertext_invalid())
            }
            _ => Err(invalid_ciphertext()),
        }
    }

    /// Whether a dry run can try the decryption: only what calls no proxy.
    pub(super) fn is_external(&self) -> bool {
        matches!(self.key.key.origin, KeyOrigin::ExternalKeyStore { .. })
    }

    fn metadata<'a>(&'a self, call: &'a Call<'_>) -> CallMetadata<'a> {
        CallMetadata {
            kms_request_id: &call.caller.origin.request_id,
            kms_operation: call.operation.name,
            aws_principal_arn: Some(&call.caller.principal.arn),
            kms_key_arn: Some(&self.key.arn),
        }
    }
}

/// Counts one request against the key store's own quota.
fn take_request(kms: &Kms, external: &ExternalKey<'_>) -> Result<(), KmsError> {
    if kms.rate.take(&external.key_store.key_store.id, kms.clock.monotonic_ms()) {
        return Ok(());
    }
    Err(KmsError::throttling().with_cause(cause::KEY_STORE_REQUEST_RATE_EXCEEDED))
}

/// `InvalidCiphertextException`, which carries no message.
pub(super) fn invalid_ciphertext() -> KmsError {
    KmsError::bare(Exception::InvalidCiphertext)
}

fn inner_ciphertext_invalid() -> KmsError {
    KmsError::new(crate::key_store::CRYPTOGRAPHIC_EXCEPTION, INNER_CIPHERTEXT_INVALID_MESSAGE)
        .with_cause(cause::INNER_CIPHERTEXT_INVALID)
}

/// Refuses an encryption algorithm that a symmetric key does not have.
pub(super) fn check_algorithm(algorithm: Option<EncryptionAlgorithmSpec>) -> Result<(), KmsError> {
    match algorithm {
        None | Some(EncryptionAlgorithmSpec::SymmetricDefault) => Ok(()),
        Some(other) => Err(KmsError::new(
            Exception::InvalidKeyUsage,
            format!("Algorithm {other} is incompatible with key spec SYMMETRIC_DEFAULT."),
        )),
    }
}

/// Refuses grant tokens: no grant has been made, so no token can be valid. The text is unverified.
pub(super) fn check_grant_tokens(tokens: Option<&[String]>) -> Result<(), KmsError> {
    match tokens {
        None | Some([]) => Ok(()),
        Some(_) => Err(KmsError::new(Exception::InvalidGrantToken, "A grant token in GrantTokens is not valid.")),
    }
}

/// Refuses a Nitro attestation document: answering in plaintext instead would betray the caller's intent.
pub(super) fn check_recipient(recipient: Option<&serde_json::Value>) -> Result<(), KmsError> {
    match recipient {
        None => Ok(()),
        Some(_) => Err(KmsError::unsupported("Recipient is not served by this version of Keystead.")),
    }
}

/// How a dry run that would have succeeded ends.
pub(super) fn dry_run_operation() -> KmsError {
    KmsError::new(Exception::DryRunOperation, "The request would have succeeded, but the DryRun option is set.")
}
