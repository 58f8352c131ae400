//! Decrypt, and how a ciphertext finds its key (KMS core digest 6.2).

use std::sync::Arc;

use keystead_model::Blob;
use keystead_model::kms::{
    DecryptRequest, DecryptResponse, DryRunModifierType, EncryptionAlgorithmSpec, EncryptionContext, Exception,
};
use zeroize::Zeroizing;

use super::cryptography::{
    KeyRole, UsableKey, check_algorithm, check_recipient, dry_run_operation, invalid_ciphertext, usable_key,
};
use super::grant_tokens::check_grant_tokens;
use super::key_lookup::{AcceptedForms, authorized_key_for};
use crate::access::{Authorized, authorize};
use crate::audit::AuditResource;
use crate::catalog::LoadedKey;
use crate::error::KmsError;
use crate::key::Ciphertext;
use crate::kms::{Call, Kms};

/// Decrypts a CiphertextBlob; the key is named in the blob, and in the request if the caller wants to be sure.
pub(super) async fn decrypt(
    kms: &Kms,
    call: &mut Call<'_>,
    request: DecryptRequest,
) -> Result<DecryptResponse, KmsError> {
    call.defaulted_parameters.push(("encryptionAlgorithm", EncryptionAlgorithmSpec::SymmetricDefault.as_str().into()));
    check_recipient(request.recipient.as_ref())?;
    let context = request.encryption_context.unwrap_or_default();
    let source = Source {
        ciphertext: request.ciphertext_blob.as_ref(),
        key_id: request.key_id.as_deref(),
        key_id_member: "keyId",
        algorithm: request.encryption_algorithm,
        grant_tokens: request.grant_tokens.as_deref(),
        dry_run: request.dry_run == Some(true),
        modifiers: request.dry_run_modifiers.as_deref().unwrap_or_default(),
        action: "kms:Decrypt",
        role: KeyRole::Only,
    };
    let opening = source.resolve(kms, call).await?;
    let plaintext = opening.decrypt(kms, call, &context).await?.ok_or_else(dry_run_operation)?;
    Ok(DecryptResponse {
        key_id: opening.key.loaded().key.arn(),
        key_material_id: opening.material_id(),
        plaintext: Some(Blob::from(plaintext)),
        encryption_algorithm: EncryptionAlgorithmSpec::SymmetricDefault,
        ciphertext_for_recipient: None,
    })
}

/// What Decrypt, and the first half of ReEncrypt, are asked to open.
pub(super) struct Source<'a> {
    pub(super) ciphertext: Option<&'a Blob>,
    pub(super) key_id: Option<&'a str>,
    /// The name of the key ID member in validation errors.
    pub(super) key_id_member: &'static str,
    pub(super) algorithm: Option<EncryptionAlgorithmSpec>,
    pub(super) grant_tokens: Option<&'a [String]>,
    pub(super) dry_run: bool,
    pub(super) modifiers: &'a [DryRunModifierType],
    pub(super) action: &'static str,
    pub(super) role: KeyRole,
}

/// A key that may be used, and what is to be opened with it: nothing where a dry run ignores the ciphertext.
pub(super) struct Opening {
    pub(super) key: UsableKey,
    ciphertext: Option<Ciphertext>,
    dry_run: bool,
}

impl Opening {
    /// The ID, in answers, of the material that the ciphertext names.
    pub(super) fn material_id(&self) -> Option<String> {
        self.key.shown_material_id(&self.ciphertext.as_ref()?.header.material_id)
    }

    /// The plaintext; none from a dry run. A dry run calls neither proxy nor HSM (unverified), but tries what it can.
    pub(super) async fn decrypt(
        &self,
        kms: &Kms,
        call: &Call<'_>,
        context: &EncryptionContext,
    ) -> Result<Option<Zeroizing<Vec<u8>>>, KmsError> {
        match &self.ciphertext {
            Some(ciphertext) if !(self.dry_run && self.key.is_in_key_store()) => {
                let plaintext = self.key.decrypt(kms, call, ciphertext, context).await?;
                Ok((!self.dry_run).then_some(plaintext))
            }
            Some(_) | None => Ok(None),
        }
    }
}

impl Source<'_> {
    /// Finds the key and sees that it may be used; decrypts nothing yet.
    pub(super) async fn resolve(&self, kms: &Kms, call: &mut Call<'_>) -> Result<Opening, KmsError> {
        let (key, ciphertext) = if self.ignores_ciphertext()? {
            let key_id = self.key_id.ok_or_else(|| must_not_be_null(self.key_id_member))?;
            (authorized_key_for(kms, call, self.action, key_id, AcceptedForms::All).await?, None)
        } else {
            let blob = self.ciphertext.ok_or_else(|| must_not_be_null("ciphertextBlob"))?;
            let (key, ciphertext) = match self.key_id {
                Some(key_id) => self.with_named_key(kms, call, key_id, blob).await?,
                None => self.with_key_of_blob(kms, call, blob).await?,
            };
            (key, Some(ciphertext))
        };
        check_grant_tokens(kms, self.grant_tokens)?;
        check_algorithm(self.algorithm)?;
        Ok(Opening { key: usable_key(kms, call, key, self.role).await?, ciphertext, dry_run: self.dry_run })
    }

    /// `IGNORE_CIPHERTEXT` goes with a dry run only.
    fn ignores_ciphertext(&self) -> Result<bool, KmsError> {
        match (self.modifiers.is_empty(), self.dry_run) {
            (true, _) => Ok(false),
            (false, true) => Ok(true),
            (false, false) => Err(KmsError::validation("DryRunModifiers can only be specified when DryRun is true.")),
        }
    }

    async fn with_named_key(
        &self,
        kms: &Kms,
        call: &mut Call<'_>,
        key_id: &str,
        blob: &Blob,
    ) -> Result<(Authorized<Arc<LoadedKey>>, Ciphertext), KmsError> {
        let key = authorized_key_for(kms, call, self.action, key_id, AcceptedForms::All).await?;
        let ciphertext = Ciphertext::parse(blob.as_ref()).map_err(|_| invalid_ciphertext())?;
        if ciphertext.header.key_id != key.key.id {
            return Err(KmsError::new(
                Exception::IncorrectKey,
                "The key ID in the request does not identify a CMK that can perform this operation.",
            ));
        }
        Ok((key, ciphertext))
    }

    async fn with_key_of_blob(
        &self,
        kms: &Kms,
        call: &mut Call<'_>,
        blob: &Blob,
    ) -> Result<(Authorized<Arc<LoadedKey>>, Ciphertext), KmsError> {
        let hidden = || {
            KmsError::access_denied(
                "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.",
            )
        };
        let ciphertext = Ciphertext::parse(blob.as_ref()).map_err(|_| invalid_ciphertext())?;
        let key = kms.catalog.key(call.region(), &ciphertext.header.key_id).await?.ok_or_else(hidden)?;
        kms.charge_key_use(call, key.key.spec)?;
        let resource = AuditResource::key(&key.key.account, &key.arn);
        // A key that is denied must look like one that does not exist.
        let key = authorize(&call.caller.principal, self.action, key, &call.context()).map_err(|_| hidden())?;
        call.note_resource(resource);
        Ok((key, ciphertext))
    }
}

fn must_not_be_null(member: &str) -> KmsError {
    KmsError::validation(format!(
        "1 validation error detected: Value null at '{member}' failed to satisfy constraint: Member must not be null"
    ))
}
