//! Encrypt.

use keystead_model::Blob;
use keystead_model::kms::{EncryptRequest, EncryptResponse, EncryptionAlgorithmSpec};

use super::cryptography::{KeyRole, check_algorithm, check_grant_tokens, dry_run_operation, usable_key};
use super::key_lookup::{AcceptedForms, authorized_key};
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Encrypts 1..=4096 bytes under a symmetric key.
pub(super) async fn encrypt(
    kms: &Kms,
    call: &mut Call<'_>,
    request: EncryptRequest,
) -> Result<EncryptResponse, KmsError> {
    call.defaulted_parameters.push(("encryptionAlgorithm", EncryptionAlgorithmSpec::SymmetricDefault.as_str().into()));
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::All).await?;
    check_grant_tokens(request.grant_tokens.as_deref())?;
    check_algorithm(request.encryption_algorithm)?;
    let key = usable_key(kms, call, key, KeyRole::Only).await?;
    if request.dry_run == Some(true) {
        return Err(dry_run_operation());
    }
    let context = request.encryption_context.unwrap_or_default();
    let ciphertext = key.encrypt(kms, call, request.plaintext.as_ref(), &context).await?;
    Ok(EncryptResponse {
        ciphertext_blob: Blob::from(ciphertext),
        key_id: key.loaded().key.arn(),
        encryption_algorithm: EncryptionAlgorithmSpec::SymmetricDefault,
    })
}
