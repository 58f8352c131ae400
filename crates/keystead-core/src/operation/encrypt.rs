//! Encrypt.

use keystead_model::Blob;
use keystead_model::kms::{EncryptRequest, EncryptResponse, EncryptionAlgorithmSpec};

use super::cryptography::{KeyRole, dry_run_operation};
use super::encryption::Encryption;
use super::key_lookup::{AcceptedForms, authorized_key};
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Encrypts 1..=4096 bytes under a symmetric key, or fewer under the public key of an RSA key.
pub(super) async fn encrypt(
    kms: &Kms,
    call: &mut Call<'_>,
    request: EncryptRequest,
) -> Result<EncryptResponse, KmsError> {
    call.defaulted_parameters.push(("encryptionAlgorithm", EncryptionAlgorithmSpec::SymmetricDefault.as_str().into()));
    let encryption = Encryption::of_request(request.encryption_algorithm, request.encryption_context);
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::All).await?;
    let key = encryption.usable_key(kms, call, key, KeyRole::Only).await?;
    let plaintext = request.plaintext.as_ref();
    encryption.check_length(key.loaded().key.spec, plaintext)?;
    if request.dry_run == Some(true) {
        return Err(dry_run_operation());
    }
    let ciphertext = key.encrypt(kms, call, plaintext, &encryption).await?;
    Ok(EncryptResponse {
        ciphertext_blob: Blob::from(ciphertext),
        key_id: key.loaded().key.arn(),
        encryption_algorithm: encryption.algorithm,
    })
}
