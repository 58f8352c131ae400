//! GenerateDataKeyPair.

use keystead_model::Blob;
use keystead_model::kms::{GenerateDataKeyPairRequest, GenerateDataKeyPairResponse};

use super::data_key_pair::{DataKeyPair, DataKeyPairRequest};
use super::encryption::Encryption;
use super::recipient::{AnsweredSecret, Recipient};
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Makes a data key pair under a symmetric key and gives its private key in plaintext and encrypted.
pub(super) async fn generate_data_key_pair(
    kms: &Kms,
    call: &mut Call<'_>,
    request: GenerateDataKeyPairRequest,
) -> Result<GenerateDataKeyPairResponse, KmsError> {
    let recipient = Recipient::of_request(kms, call, request.recipient).await?;
    let key_pair_spec = request.key_pair_spec;
    let wanted = DataKeyPairRequest {
        key_id: &request.key_id,
        key_pair_spec,
        encryption: Encryption::of_request(None, request.encryption_context),
        dry_run: request.dry_run == Some(true),
    };
    let DataKeyPair { private_key, private_key_ciphertext, public_key, key } = wanted.generate(kms, call).await?;
    let AnsweredSecret { plaintext, ciphertext_for_recipient } = recipient.answer(kms, private_key)?;
    Ok(GenerateDataKeyPairResponse {
        private_key_ciphertext_blob: Blob::from(private_key_ciphertext),
        private_key_plaintext: plaintext,
        public_key: Blob::from(public_key),
        key_id: key.loaded().key.arn(),
        key_pair_spec,
        ciphertext_for_recipient,
        key_material_id: key.current_material_id(),
    })
}
