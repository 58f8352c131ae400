//! GenerateDataKeyPair.

use keystead_model::Blob;
use keystead_model::kms::{GenerateDataKeyPairRequest, GenerateDataKeyPairResponse};

use super::cryptography::check_recipient;
use super::data_key_pair::{DataKeyPair, DataKeyPairRequest};
use super::encryption::Encryption;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Makes a data key pair under a symmetric key and gives its private key in plaintext and encrypted.
pub(super) async fn generate_data_key_pair(
    kms: &Kms,
    call: &mut Call<'_>,
    request: GenerateDataKeyPairRequest,
) -> Result<GenerateDataKeyPairResponse, KmsError> {
    check_recipient(request.recipient.as_ref())?;
    let key_pair_spec = request.key_pair_spec;
    let wanted = DataKeyPairRequest {
        key_id: &request.key_id,
        key_pair_spec,
        encryption: Encryption::of_request(None, request.encryption_context),
        grant_tokens: request.grant_tokens.as_deref(),
        dry_run: request.dry_run == Some(true),
    };
    let DataKeyPair { private_key, private_key_ciphertext, public_key, key } = wanted.generate(kms, call).await?;
    Ok(GenerateDataKeyPairResponse {
        private_key_ciphertext_blob: Blob::from(private_key_ciphertext),
        private_key_plaintext: Some(Blob::from(private_key)),
        public_key: Blob::from(public_key),
        key_id: key.loaded().key.arn(),
        key_pair_spec,
        ciphertext_for_recipient: None,
        key_material_id: key.current_material_id(),
    })
}
