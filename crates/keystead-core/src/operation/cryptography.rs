//! Using a KMS key, and encrypting and decrypting under a symmetric one: the one way for every cryptographic operation.
//!
//! A key of origin AWS_KMS encrypts with its material. A key in an external key store encrypts with its material and has the proxy encrypt
//! that once more, so that neither side alone can decrypt (external key stores digest 2.1). A key in an AWS CloudHSM key store encrypts in
//! the HSMs, and KMS binds the result to itself (CloudHSM key stores digest 3.6). The encryption context is bound in every layer.

use std::sync::Arc;

use keystead_model::kms::{EncryptionContext, Exception, KeySpec};
use zeroize::Zeroizing;

use crate::access::Authorized;
use crate::catalog::{LoadedKey, LoadedKeyStore, LoadedLink};
use crate::error::{KmsError, cause};
use crate::key::{
    Ciphertext, CiphertextBody, CiphertextHeader, CiphertextKind, Key, KeyMaterial, KeyOrigin, MaterialError,
    MaterialId, SymmetricMaterial, hsm_aad, inner_aad, outer_aad, refuse_in_state,
};
use crate::key_store::INNER_CIPHERTEXT_INVALID_MESSAGE;
use crate::kms::{Call, Kms};
use crate::operation::key_lookup::state_of;
use crate::port::{BackingKeyId, CallMetadata, HsmLink, KeyStoreLink};

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
    /// The members of `additionalEventData`: key store, external key, cluster. How CloudTrail tells the two keys of a ReEncrypt apart is
    /// unverified.
    fn audit_members(self) -> [&'static str; 3] {
        match self {
            Self::Only => ["customKeyStoreId", "xksKeyId", "clusterId"],
            Self::Source => ["sourceCustomKeyStoreId", "sourceXksKeyId", "sourceClusterId"],
            Self::Destination => ["destinationCustomKeyStoreId", "destinationXksKeyId", "destinationClusterId"],
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
    let (state, key_store) = state_of(kms, call, &key.key).await?;
    let [key_store_member, xks_key_member, cluster_member] = role.audit_members();
    if let Some(id) = key.key.origin.custom_key_store_id() {
        call.note(key_store_member, id.as_str());
    }
    if let KeyOrigin::ExternalKeyStore { xks_key_id, .. } = &key.key.origin {
        call.note(xks_key_member, xks_key_id.as_str());
    }
    if let Some(cloud_hsm) = key_store.as_ref().and_then(|key_store| key_store.key_store.cloud_hsm()) {
        call.note(cluster_member, cloud_hsm.cluster_id.as_str());
    }
    refuse_in_state(call.operation.name, state, &key.key)?;
    Ok(UsableKey { key, key_store })
}

/// How a key encrypts and decrypts.
enum Way<'a> {
    /// With its own material.
    Own(&'a SymmetricMaterial),
    /// With its own material, and around that an external key.
    External { material: &'a SymmetricMaterial, link: &'a KeyStoreLink, xks_key_id: &'a str },
    /// In HSMs.
    Hsm { link: &'a HsmLink, backing_key_id: &'a BackingKeyId },
}

impl Way<'_> {
    fn ciphertext_kind(&self) -> CiphertextKind {
        match self {
            Self::Own(_) => CiphertextKind::Kms,
            Self::External { .. } => CiphertextKind::External,
            Self::Hsm { .. } => CiphertextKind::Hsm,
        }
    }
}

impl UsableKey {
    /// The key with the leave to use it.
    pub(super) fn authorized(&self) -> &Authorized<Arc<LoadedKey>> {
        &self.key
    }

    /// The key.
    pub(super) fn loaded(&self) -> &Arc<LoadedKey> {
        &self.key
    }

    /// The ID, in answers, of the material that encrypts.
    pub(super) fn current_material_id(&self) -> Option<String> {
        self.shown_material_id(&self.key.key.current_material()?.id)
    }

    /// A material's ID in answers: of symmetric encryption keys of origin AWS_KMS and EXTERNAL alone (KMS API Reference, KeyMaterialId).
    pub(super) fn shown_material_id(&self, id: &MaterialId) -> Option<String> {
        let Key { spec, origin, .. } = &self.key.key;
        let shown = *spec == KeySpec::SymmetricDefault && matches!(origin, KeyOrigin::AwsKms | KeyOrigin::External);
        shown.then(|| id.to_string())
    }

    /// How the key encrypts and decrypts with one of its materials.
    fn way(&self, material_id: &MaterialId) -> Result<Way<'_>, KmsError> {
        let link = self.key_store.as_ref().map(|key_store| &key_store.link);
        match (&self.key.key.origin, self.key.material(material_id), link) {
            (KeyOrigin::AwsKms | KeyOrigin::External, Some(KeyMaterial::Symmetric(material)), None) => {
                Ok(Way::Own(material))
            }
            (
                KeyOrigin::ExternalKeyStore { xks_key_id, .. },
                Some(KeyMaterial::Symmetric(material)),
                Some(LoadedLink::External(link)),
            ) => Ok(Way::External { material, link, xks_key_id }),
            (KeyOrigin::AwsCloudhsm { backing_key_id, .. }, None, Some(LoadedLink::CloudHsm(link))) => {
                Ok(Way::Hsm { link, backing_key_id })
            }
            (origin, ..) => Err(KmsError::internal(&format!(
                "{} of origin {} is not in the key store, or not with the material, that such a key has",
                self.key.arn,
                origin.origin_type()
            ))),
        }
    }

    /// Encrypts 1..=4096 bytes into a CiphertextBlob under a symmetric key.
    pub(super) async fn encrypt_symmetric(
        &self,
        kms: &Kms,
        call: &Call<'_>,
        plaintext: &[u8],
        context: &EncryptionContext,
    ) -> Result<Vec<u8>, KmsError> {
        let current = self.key.key.current_material();
        let material_id =
            current.ok_or_else(|| KmsError::internal(&format!("{} has no current material", self.key.arn)))?.id;
        let way = self.way(&material_id)?;
        let header = CiphertextHeader { key_id: self.key.key.id, material_id, kind: way.ciphertext_kind() };
        let header_bytes = header.to_bytes();
        let encrypt_inner = |material: &SymmetricMaterial| {
            let message = material.encrypt(plaintext, &inner_aad(&header_bytes, context), &*kms.entropy);
            message.map_err(|error| KmsError::internal(&error))
        };
        let body = match way {
            Way::Own(material) => CiphertextBody::Kms(encrypt_inner(material)?),
            Way::External { material, link, xks_key_id } => {
                let inner = encrypt_inner(material)?;
                self.take_request(kms)?;
                let aad = outer_aad(&header_bytes, context);
                let outer = kms.backend.encrypt(link, xks_key_id, &inner, &aad, &self.metadata(call)).await;
                CiphertextBody::External(outer.map_err(KmsError::cryptographic)?)
            }
            Way::Hsm { link, backing_key_id } => {
                self.take_request(kms)?;
                let aad = hsm_aad(&header_bytes, context);
                let ciphertext = kms.hsm_backend.encrypt(link, backing_key_id, plaintext, &aad).await;
                CiphertextBody::Hsm(ciphertext.map_err(KmsError::hsm_cryptographic)?)
            }
        };
        Ok(Ciphertext { header, body }.to_bytes())
    }

    /// Decrypts a CiphertextBlob that names this key, which is a symmetric one.
    pub(super) async fn decrypt_symmetric(
        &self,
        kms: &Kms,
        call: &Call<'_>,
        ciphertext: &Ciphertext,
        context: &EncryptionContext,
    ) -> Result<Zeroizing<Vec<u8>>, KmsError> {
        let header = &ciphertext.header;
        let header_bytes = header.to_bytes();
        // A blob of a material that this key never had current, or of another kind than this key makes, was never made by this key: nobody
        // is asked.
        if !self.key.key.has_encrypted_with(&header.material_id) {
            return Err(invalid_ciphertext());
        }
        match (&ciphertext.body, self.way(&header.material_id)?) {
            (CiphertextBody::Kms(message), Way::Own(material)) => {
                material.decrypt(message, &inner_aad(&header_bytes, context)).map_err(|error| match error {
                    MaterialError::DoesNotAuthenticate => invalid_ciphertext(),
                    MaterialError::Module => KmsError::internal(&error),
                })
            }
            (CiphertextBody::External(outer), Way::External { material, link, xks_key_id }) => {
                self.take_request(kms)?;
                let aad = outer_aad(&header_bytes, context);
                let inner = kms
                    .backend
                    .decrypt(link, xks_key_id, outer, &aad, &self.metadata(call))
                    .await
                    .map_err(KmsError::cryptographic)?;
                let inner_aad = inner_aad(&header_bytes, context);
                material.decrypt(&inner, &inner_aad).map_err(|_| inner_ciphertext_invalid())
            }
            (CiphertextBody::Hsm(ciphertext), Way::Hsm { link, backing_key_id }) => {
                self.take_request(kms)?;
                let aad = hsm_aad(&header_bytes, context);
                let plaintext = kms.hsm_backend.decrypt(link, backing_key_id, ciphertext, &aad).await;
                plaintext.map_err(KmsError::hsm_cryptographic)
            }
            _ => Err(invalid_ciphertext()),
        }
    }

    /// Whether a dry run can try the decryption: only what calls neither proxy nor HSM.
    pub(super) fn is_in_key_store(&self) -> bool {
        self.key_store.is_some()
    }

    /// Counts one request against the key store's own quota.
    fn take_request(&self, kms: &Kms) -> Result<(), KmsError> {
        let Some(key_store) = &self.key_store else { return Ok(()) };
        if kms.rate.take(&key_store.key_store.id, kms.clock.monotonic_ms()) {
            return Ok(());
        }
        Err(KmsError::throttling().with_cause(cause::KEY_STORE_REQUEST_RATE_EXCEEDED))
    }

    fn metadata<'a>(&'a self, call: &'a Call<'_>) -> CallMetadata<'a> {
        // The network of another account is none of the key owner's business (XKS Proxy API specification, `awsSourceVpc`).
        let own = call.caller.principal.account == self.key.key.account;
        let endpoint = call.caller.origin.vpc_endpoint.as_deref().filter(|_| own);
        CallMetadata {
            kms_request_id: &call.caller.origin.request_id,
            kms_operation: call.operation.name,
            aws_principal_arn: Some(&call.caller.principal.arn),
            aws_source_vpc: endpoint.map(|endpoint| endpoint.vpc_id.as_str()),
            aws_source_vpce: endpoint.map(|endpoint| endpoint.vpc_endpoint_id.as_str()),
            kms_key_arn: Some(&self.key.arn),
        }
    }
}

/// `InvalidCiphertextException`, which carries no message.
pub(super) fn invalid_ciphertext() -> KmsError {
    KmsError::bare(Exception::InvalidCiphertext)
}

fn inner_ciphertext_invalid() -> KmsError {
    KmsError::new(crate::key_store::CRYPTOGRAPHIC_EXCEPTION, INNER_CIPHERTEXT_INVALID_MESSAGE)
        .with_cause(cause::INNER_CIPHERTEXT_INVALID)
}

/// How a dry run that would have succeeded ends.
pub(super) fn dry_run_operation() -> KmsError {
    KmsError::new(Exception::DryRunOperation, "The request would have succeeded, but the DryRun option is set.")
}
