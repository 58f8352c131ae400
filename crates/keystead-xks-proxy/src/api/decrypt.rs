//! Decrypt.

use bytes::Bytes;
use keystead_xks::wire::{
    AUTHENTICATION_TAG_BYTES, CIPHERTEXT_METADATA_MAX_BYTES, DecryptRequest, DecryptResponse, ExternalKeyId,
    INITIALIZATION_VECTOR_BYTES,
};

use super::{Call, parse, secret_body, take_note, unwritable, within};
use crate::access_log::Entry;
use crate::key_manager::EncryptedData;
use crate::refusal::Refusal;

impl Call<'_> {
    pub(super) async fn decrypt(&self, key: &ExternalKeyId, body: &[u8], entry: &mut Entry) -> Result<Bytes, Refusal> {
        let request: DecryptRequest = parse(body)?;
        take_note(&request.request_metadata, entry)?;
        self.check_decrypt(&request)?;
        self.policy.check(key, &request.request_metadata.aws_principal_arn)?;
        let aad = request.additional_authenticated_data.unwrap_or_default();
        let data = EncryptedData {
            ciphertext: request.ciphertext.into_vec(),
            initialization_vector: request.initialization_vector.into_vec(),
            authentication_tag: request.authentication_tag.into_vec(),
            metadata: request.ciphertext_metadata.unwrap_or_default().into_vec(),
        };
        let plaintext = self.in_time(self.key_manager.decrypt(key, &data, &aad)).await?;
        let answer = DecryptResponse { plaintext: plaintext.into() };
        answer.to_json().map(secret_body).map_err(unwritable)
    }

    fn check_decrypt(&self, request: &DecryptRequest) -> Result<(), Refusal> {
        if request.ciphertext.is_empty() {
            return Err(Refusal::validation("ciphertext is empty"));
        }
        if !INITIALIZATION_VECTOR_BYTES.contains(&request.initialization_vector.len()) {
            return Err(Refusal::validation("initializationVector must have 12 or 16 bytes"));
        }
        if request.authentication_tag.len() != AUTHENTICATION_TAG_BYTES {
            return Err(Refusal::validation("authenticationTag must have 16 bytes"));
        }
        if request.metadata().len() > CIPHERTEXT_METADATA_MAX_BYTES {
            return Err(Refusal::validation("ciphertextMetadata must have at most 20 bytes"));
        }
        within("ciphertext", request.ciphertext.len(), self.limits.plaintext_max_bytes)?;
        within("additionalAuthenticatedData", request.aad().len(), self.limits.aad_max_bytes)
    }
}
