//! GenerateDataKeyWithoutPlaintext.

use keystead_model::Blob;
use keystead_model::kms::{GenerateDataKeyWithoutPlaintextRequest, GenerateDataKeyWithoutPlaintextResponse};

use super::encryption::Encryption;
use super::generate_data_key::DataKeyRequest;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Makes a data key under a symmetric key and gives it encrypted only.
pub(super) async fn generate_data_key_without_plaintext(
    kms: &Kms,
    call: &mut Call<'_>,
    request: GenerateDataKeyWithoutPlaintextRequest,
) -> Result<GenerateDataKeyWithoutPlaintextResponse, KmsError> {
    let wanted = DataKeyRequest {
        key_id: &request.key_id,
        key_spec: request.key_spec,
        number_of_bytes: request.number_of_bytes,
        encryption: Encryption::of_request(None, request.encryption_context),
        dry_run: request.dry_run == Some(true),
    };
    let data_key = wanted.generate(kms, call).await?;
    Ok(GenerateDataKeyWithoutPlaintextResponse {
        ciphertext_blob: Blob::from(data_key.ciphertext),
        key_id: data_key.key.loaded().key.arn(),
        key_material_id: data_key.key.current_material_id(),
    })
}
