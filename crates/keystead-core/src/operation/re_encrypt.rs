//! ReEncrypt.

use keystead_model::Blob;
use keystead_model::kms::{EncryptionAlgorithmSpec, ReEncryptRequest, ReEncryptResponse};

use super::cryptography::{KeyRole, dry_run_operation};
use super::decrypt::Source;
use super::encryption::Encryption;
use super::key_lookup::{AcceptedForms, authorized_key_for, key_id_of};
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
        key_id_member: "SourceKeyId",
        encryption: Encryption::of_request(request.source_encryption_algorithm, request.source_encryption_context),
        dry_run: request.dry_run == Some(true),
        modifiers: request.dry_run_modifiers.as_deref().unwrap_or_default(),
        action: "kms:ReEncryptFrom",
        role: KeyRole::Source,
    };
    let same_key = is_same_key(kms, call, &source, &request.destination_key_id).await?;
    call.computed_condition_keys.push(("kms:ReEncryptOnSameKey".to_owned(), same_key.into()));
    // Both keys are looked at before anything is decrypted: nothing is asked of the source's proxy for a destination that cannot be used.
    let opening = source.resolve(kms, call).await?;
    let encryption =
        Encryption::of_request(request.destination_encryption_algorithm, request.destination_encryption_context);
    let destination =
        authorized_key_for(kms, call, "kms:ReEncryptTo", &request.destination_key_id, AcceptedForms::All).await?;
    let destination = encryption.usable_key(kms, call, destination, KeyRole::Destination).await?;
    let plaintext = opening.decrypt(kms, call).await?;
    if let Some(plaintext) = &plaintext {
        encryption.check_length(destination.loaded().key.spec, plaintext)?;
    }
    let plaintext = plaintext.filter(|_| !source.dry_run).ok_or_else(dry_run_operation)?;
    let ciphertext = destination.encrypt(kms, call, &plaintext, &encryption).await?;
    Ok(ReEncryptResponse {
        ciphertext_blob: Blob::from(ciphertext),
        source_key_id: opening.key.loaded().key.arn(),
        key_id: destination.loaded().key.arn(),
        source_encryption_algorithm: source.encryption.algorithm,
        destination_encryption_algorithm: encryption.algorithm,
        source_key_material_id: opening.material_id(),
        destination_key_material_id: destination.current_material_id(),
    })
}

/// Whether one key is to decrypt and encrypt. Keys of different accounts in a Region have different IDs.
async fn is_same_key(kms: &Kms, call: &Call<'_>, source: &Source<'_>, destination: &str) -> Result<bool, KmsError> {
    let source = source.key_id(kms, call).await?;
    Ok(source.is_some() && source == key_id_of(kms, call, destination).await?)
}
