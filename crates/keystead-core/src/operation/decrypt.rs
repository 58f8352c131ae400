//! Decrypt, and how a ciphertext finds its key (KMS core digest 6.2).
//!
//! The algorithm tells how a ciphertext is read, whatever the key is: a blob that names its key, or one of RSA, which names nothing.
//! (Others report of AWS KMS that an RSA ciphertext with the default algorithm is `InvalidCiphertextException`; unverified.)

use std::sync::Arc;

use keystead_model::Blob;
use keystead_model::arn::KeyId;
use keystead_model::kms::{
    DecryptRequest, DecryptResponse, DryRunModifierType, EncryptionAlgorithmSpec, Exception, KeyUsageType,
};
use zeroize::Zeroizing;

use super::cryptography::{KeyRole, UsableKey, dry_run_operation, invalid_ciphertext};
use super::encryption::Encryption;
use super::key_lookup::{AcceptedForms, authorize_key, authorized_key_for, key_id_of};
use super::recipient::{AnsweredSecret, Recipient};
use crate::access::Authorized;
use crate::audit::AuditResource;
use crate::catalog::LoadedKey;
use crate::error::KmsError;
use crate::key::{Ciphertext, CiphertextHeader};
use crate::kms::{Call, Kms};

/// Decrypts a ciphertext. A symmetric one names its key, which the request names if the caller wants to be sure; of an RSA ciphertext the
/// request has to say key and algorithm.
pub(super) async fn decrypt(
    kms: &Kms,
    call: &mut Call<'_>,
    request: DecryptRequest,
) -> Result<DecryptResponse, KmsError> {
    call.defaulted_parameters.push(("encryptionAlgorithm", EncryptionAlgorithmSpec::SymmetricDefault.as_str().into()));
    let recipient = Recipient::of_request(kms, call, request.recipient).await?;
    let source = Source {
        ciphertext: request.ciphertext_blob.as_ref(),
        key_id: request.key_id.as_deref(),
        key_id_member: "KeyId",
        encryption: Encryption::of_request(request.encryption_algorithm, request.encryption_context),
        dry_run: request.dry_run == Some(true),
        modifiers: request.dry_run_modifiers.as_deref().unwrap_or_default(),
        action: "kms:Decrypt",
        role: KeyRole::Only,
    };
    let opening = source.resolve(kms, call).await?;
    let plaintext = opening.decrypt(kms, call).await?;
    let plaintext = plaintext.filter(|_| !source.dry_run).ok_or_else(dry_run_operation)?;
    let AnsweredSecret { plaintext, ciphertext_for_recipient } = recipient.answer(kms, plaintext)?;
    Ok(DecryptResponse {
        key_id: opening.key.loaded().key.arn(),
        // Left out for a recipient (KMS API Reference, Decrypt).
        key_material_id: opening.material_id().filter(|_| recipient.is_caller()),
        plaintext,
        encryption_algorithm: source.encryption.algorithm,
        ciphertext_for_recipient,
    })
}

/// What Decrypt, and the first half of ReEncrypt, are asked to open.
pub(super) struct Source<'a> {
    pub(super) ciphertext: Option<&'a Blob>,
    pub(super) key_id: Option<&'a str>,
    /// The name of the key ID member in validation errors.
    pub(super) key_id_member: &'static str,
    pub(super) encryption: Encryption,
    pub(super) dry_run: bool,
    pub(super) modifiers: &'a [DryRunModifierType],
    pub(super) action: &'static str,
    pub(super) role: KeyRole,
}

/// A key that may be used, and what is to be opened with it.
pub(super) struct Opening<'a> {
    pub(super) key: UsableKey,
    source: &'a Source<'a>,
    ciphertext: Secret<'a>,
}

/// What is to be opened.
enum Secret<'a> {
    /// A blob that names its key and its material.
    Symmetric(Ciphertext),
    /// As RFC 8017 has it.
    Rsa(&'a Blob),
    /// Nothing: a dry run ignores it.
    Ignored,
}

impl Opening<'_> {
    /// The ID, in answers, of the material that the ciphertext names.
    pub(super) fn material_id(&self) -> Option<String> {
        match &self.ciphertext {
            Secret::Symmetric(ciphertext) => self.key.shown_material_id(&ciphertext.header.material_id),
            Secret::Rsa(_) | Secret::Ignored => None,
        }
    }

    /// The plaintext. A dry run tries what it can, but calls neither proxy nor HSM (unverified), and then has none.
    pub(super) async fn decrypt(&self, kms: &Kms, call: &Call<'_>) -> Result<Option<Zeroizing<Vec<u8>>>, KmsError> {
        let Encryption { algorithm, context } = &self.source.encryption;
        match &self.ciphertext {
            Secret::Ignored => Ok(None),
            Secret::Symmetric(_) if self.source.dry_run && self.key.is_in_key_store() => Ok(None),
            Secret::Symmetric(ciphertext) => self.key.decrypt_symmetric(kms, call, ciphertext, context).await.map(Some),
            Secret::Rsa(ciphertext) => self.key.decrypt_rsa(kms, call, *algorithm, ciphertext.as_ref()).await.map(Some),
        }
    }
}

impl Source<'_> {
    /// Finds the key and sees that it may be used; decrypts nothing yet.
    pub(super) async fn resolve(&self, kms: &Kms, call: &mut Call<'_>) -> Result<Opening<'_>, KmsError> {
        let (key, ciphertext) = if self.ignores_ciphertext()? {
            let key_id = self.key_id.ok_or_else(|| self.key_id_is_missing())?;
            (self.named_key(kms, call, key_id).await?, Secret::Ignored)
        } else {
            self.key_and_ciphertext(kms, call).await?
        };
        let key = match &ciphertext {
            Secret::Symmetric(ciphertext) => self.key_with_material(kms, call, key, &ciphertext.header).await?,
            Secret::Rsa(_) | Secret::Ignored => key,
        };
        let key = self.encryption.usable_key(kms, call, key, self.role).await?;
        Ok(Opening { key, source: self, ciphertext })
    }

    /// The ID of the key that the request names, or else of the one that the ciphertext names; nothing of it may be told.
    pub(super) async fn key_id(&self, kms: &Kms, call: &Call<'_>) -> Result<Option<KeyId>, KmsError> {
        if let Some(key_id) = self.key_id {
            return key_id_of(kms, call, key_id).await;
        }
        let ciphertext = self.ciphertext.and_then(|blob| Ciphertext::parse(blob.as_ref()).ok());
        Ok(ciphertext.map(|ciphertext| ciphertext.header.key_id))
    }

    /// `IGNORE_CIPHERTEXT` goes with a dry run only.
    fn ignores_ciphertext(&self) -> Result<bool, KmsError> {
        match (self.modifiers.is_empty(), self.dry_run) {
            (true, _) => Ok(false),
            (false, true) => Ok(true),
            (false, false) => Err(KmsError::validation("DryRunModifiers can only be specified when DryRun is true.")),
        }
    }

    async fn key_and_ciphertext(
        &self,
        kms: &Kms,
        call: &mut Call<'_>,
    ) -> Result<(Authorized<Arc<LoadedKey>>, Secret<'_>), KmsError> {
        let blob = self.ciphertext.ok_or_else(ciphertext_is_missing)?;
        if self.encryption.algorithm != EncryptionAlgorithmSpec::SymmetricDefault {
            let key_id = self.key_id.ok_or_else(|| self.key_id_is_missing())?;
            return Ok((self.named_key(kms, call, key_id).await?, Secret::Rsa(blob)));
        }
        let (key, ciphertext) = match self.key_id {
            Some(key_id) => self.with_named_key(kms, call, key_id, blob).await?,
            None => self.with_key_of_blob(kms, call, blob).await?,
        };
        Ok((key, Secret::Symmetric(ciphertext)))
    }

    async fn named_key(
        &self,
        kms: &Kms,
        call: &mut Call<'_>,
        key_id: &str,
    ) -> Result<Authorized<Arc<LoadedKey>>, KmsError> {
        let key = authorized_key_for(kms, call, self.action, key_id, AcceptedForms::All).await?;
        if key.key.usage != KeyUsageType::EncryptDecrypt {
            return Err(incorrect_key());
        }
        Ok(key)
    }

    /// A key that made no such blob is told so, whatever it is for.
    async fn with_named_key(
        &self,
        kms: &Kms,
        call: &mut Call<'_>,
        key_id: &str,
        blob: &Blob,
    ) -> Result<(Authorized<Arc<LoadedKey>>, Ciphertext), KmsError> {
        if let Some(found) = self.with_id_of_another_account(kms, call, key_id, blob).await? {
            return Ok(found);
        }
        let key = self.named_key(kms, call, key_id).await?;
        let ciphertext = Ciphertext::parse(blob.as_ref()).map_err(|_| invalid_ciphertext())?;
        if ciphertext.header.key_id != key.key.id {
            return Err(incorrect_key());
        }
        Ok((key, ciphertext))
    }

    /// Of a ciphertext that names a key of another account: a key ID is enough to name it, too (KMS API Reference, Decrypt, `KeyId`). A caller
    /// who may not use it hears what it would hear of an ID that is no key's.
    async fn with_id_of_another_account(
        &self,
        kms: &Kms,
        call: &mut Call<'_>,
        key_id: &str,
        blob: &Blob,
    ) -> Result<Option<(Authorized<Arc<LoadedKey>>, Ciphertext)>, KmsError> {
        let (Some(id), Ok(ciphertext)) = (KeyId::parse(key_id), Ciphertext::parse(blob.as_ref())) else {
            return Ok(None);
        };
        if ciphertext.header.key_id != id {
            return Ok(None);
        }
        let key = kms.catalog.key(call.region(), &id).await?;
        let Some(key) = key.filter(|key| key.key.account != call.caller.principal.account) else { return Ok(None) };
        match authorize_key(kms, call, self.action, key).await {
            Ok(key) => {
                call.note_resource(AuditResource::key(&key.key.account, &key.arn));
                Ok(Some((key, ciphertext)))
            }
            Err(refused) if refused.by_resource => Ok(None),
            Err(refused) => Err(refused.error),
        }
    }

    /// The key as it is stored, if the cached one never encrypted with the material that the ciphertext names: another server may have
    /// rotated it a moment ago, and encrypted.
    async fn key_with_material(
        &self,
        kms: &Kms,
        call: &Call<'_>,
        key: Authorized<Arc<LoadedKey>>,
        header: &CiphertextHeader,
    ) -> Result<Authorized<Arc<LoadedKey>>, KmsError> {
        if key.key.has_encrypted_with(&header.material_id) {
            return Ok(key);
        }
        let refused = |error: KmsError| if self.key_id.is_some() { error } else { hidden_if_denied(error) };
        let stored = kms.catalog.key_afresh(&key.key.region, &key.key.id).await?;
        let not_found = || KmsError::not_found(format!("Key '{}' does not exist", key.arn));
        let stored = stored.ok_or_else(|| if self.key_id.is_some() { not_found() } else { hidden() })?;
        authorize_key(kms, call, self.action, stored).await.map_err(|denied| refused(denied.error))
    }

    async fn with_key_of_blob(
        &self,
        kms: &Kms,
        call: &mut Call<'_>,
        blob: &Blob,
    ) -> Result<(Authorized<Arc<LoadedKey>>, Ciphertext), KmsError> {
        let ciphertext = Ciphertext::parse(blob.as_ref()).map_err(|_| invalid_ciphertext())?;
        let key = kms.catalog.key(call.region(), &ciphertext.header.key_id).await?.ok_or_else(hidden)?;
        // A key that is denied must look like one that does not exist.
        let key = authorize_key(kms, call, self.action, key).await;
        let key = key.map_err(|refused| hidden_if_denied(refused.error))?;
        call.note_resource(AuditResource::key(&key.key.account, &key.arn));
        Ok((key, ciphertext))
    }

    /// The text is unverified: others report it of AWS KMS for an RSA ciphertext.
    fn key_id_is_missing(&self) -> KmsError {
        KmsError::validation(format!("{} must not be null", self.key_id_member))
    }
}

/// The key that is named cannot have made the ciphertext: it made none like it, or is for something else (KMS core digest 3.3, 6.2).
fn incorrect_key() -> KmsError {
    KmsError::new(
        Exception::IncorrectKey,
        "The key ID in the request does not identify a CMK that can perform this operation.",
    )
}

/// The key that a ciphertext names does not exist, or the caller may not use it.
fn hidden() -> KmsError {
    KmsError::access_denied(
        "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
    )
}

fn hidden_if_denied(error: KmsError) -> KmsError {
    if error.exception == Exception::AccessDenied { hidden() } else { error }
}

fn ciphertext_is_missing() -> KmsError {
    KmsError::validation(
        "1 validation error detected: Value null at 'ciphertextBlob' failed to satisfy constraint: Member must not be null",
    )
}
