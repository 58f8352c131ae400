//! ReEncrypt.

use keystead_model::Blob;
use keystead_model::kms::{EncryptionAlgorithmSpec, ReEncryptRequest, ReEncryptResponse};

use super::cryptography::{KeyRole, check_algorithm, dry_run_operation, usable_key};
use super::decrypt::Source;
use super::key_lookup::{AcceptedForms, authorized_key_for};
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Decrypts under one key and encrypts under another; the plaintext never leaves.
pub(super) async fn re_encrypt(
    kms: &Kms,
    call: &mut Call<'_>,
    request: ReEncryptRequest,
) -> Result<ReEncryptResponse, KmsError> {
    for name in ["sourceEncryptionAlgorithm", "destinationEncryptionAlgorithm"] {
        call.defaulted_parameters.push((name, EncryptionAlgorithmSpec::SymmetricDefault.as_str().into()));
    }
    let source = Source {
        ciphertext: request.ciphertext_blob.as_ref(),
        key_id: request.source_key_id.as_deref(),
        key_id_member: "sourceKeyId",
        algorithm: request.source_encryption_algorithm,
        grant_tokens: request.grant_tokens.as_deref(),
        dry_run: request.dry_run == Some(true),
        modifiers: request.dry_run_modifiers.as_deref().unwrap_or_default(),
        action: "kms:ReEncryptFrom",
        role: KeyRole::Source,
    };
    // Both keys are looked at before anything is decrypted: nothing is asked of the source's proxy for a destination that cannot be used.
    let opening = source.resolve(kms, call).await?;
    let destination =
        authorized_key_for(kms, call, "kms:ReEncryptTo", &request.destination_key_id, AcceptedForms::All).await?;
    check_algorithm(request.destination_encryption_algorithm)?;
    let destination_key = usable_key(kms, call, destination, KeyRole::Destination).await?;
    let source_context = request.source_encryption_context.unwrap_or_default();
    let plaintext = opening.decrypt(kms, call, &source_context).await?.ok_or_else(dry_run_operation)?;
    let context = request.destination_encryption_context.unwrap_or_default();
    let ciphertext = destination_key.encrypt(kms, call, &plaintext, &context).await?;
    Ok(ReEncryptResponse {
        ciphertext_blob: Blob::from(ciphertext),
        source_key_id: opening.key.loaded().key.arn(),
        key_id: destination_key.loaded().key.arn(),
        source_encryption_algorithm: EncryptionAlgorithmSpec::SymmetricDefault,
        destination_encryption_algorithm: EncryptionAlgorithmSpec::SymmetricDefault,
        source_key_material_id: opening.material_id(),
        destination_key_material_id: destination_key.current_material_id(),
    })
}
