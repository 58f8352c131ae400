//! GenerateDataKeyPairWithoutPlaintext.

use keystead_model::Blob;
use keystead_model::kms::{GenerateDataKeyPairWithoutPlaintextRequest, GenerateDataKeyPairWithoutPlaintextResponse};

use super::data_key_pair::DataKeyPairRequest;
use super::encryption::Encryption;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Makes a data key pair under a symmetric key and gives its private key encrypted only.
pub(super) async fn generate_data_key_pair_without_plaintext(
    kms: &Kms,
    call: &mut Call<'_>,
    request: GenerateDataKeyPairWithoutPlaintextRequest,
) -> Result<GenerateDataKeyPairWithoutPlaintextResponse, KmsError> {
    let key_pair_spec = request.key_pair_spec;
    let wanted = DataKeyPairRequest {
        key_id: &request.key_id,
        key_pair_spec,
        encryption: Encryption::of_request(None, request.encryption_context),
        dry_run: request.dry_run == Some(true),
    };
    let pair = wanted.generate(kms, call).await?;
    Ok(GenerateDataKeyPairWithoutPlaintextResponse {
        private_key_ciphertext_blob: Blob::from(pair.private_key_ciphertext),
        public_key: Blob::from(pair.public_key),
        key_id: pair.key.loaded().key.arn(),
        key_pair_spec,
        key_material_id: pair.key.current_material_id(),
    })
}
