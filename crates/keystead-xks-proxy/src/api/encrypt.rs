//! Encrypt.

use bytes::Bytes;
use keystead_xks::wire::{EncryptRequest, EncryptResponse, ExternalKeyId};

use super::{Call, parse, public_json, take_note, within};
use crate::access_log::Entry;
use crate::key_manager::EncryptedData;
use crate::refusal::Refusal;

impl Call<'_> {
    pub(super) async fn encrypt(&self, key: &ExternalKeyId, body: &[u8], entry: &mut Entry) -> Result<Bytes, Refusal> {
        let request: EncryptRequest = parse(body)?;
        take_note(&request.request_metadata, entry)?;
        self.check_encrypt(&request)?;
        self.policy.check(key, &request.request_metadata.aws_principal_arn)?;
        let encrypting = self.key_manager.encrypt(key, request.plaintext.expose(), request.aad());
        let data = self.in_time(encrypting).await?;
        let answer = match request.ciphertext_data_integrity_value_algorithm {
            Some(_) => self.with_integrity_value(key, &request, data).await?,
            None => answer(data),
        };
        public_json(&answer)
    }

    fn check_encrypt(&self, request: &EncryptRequest) -> Result<(), Refusal> {
        if request.plaintext.is_empty() {
            return Err(Refusal::validation("plaintext is empty"));
        }
        within("plaintext", request.plaintext.len(), self.limits.plaintext_max_bytes)?;
        within("additionalAuthenticatedData", request.aad().len(), self.limits.aad_max_bytes)
    }

    /// The value first and then the trial, as the specification asks: what KMS will check is what was tried.
    async fn with_integrity_value(
        &self,
        key: &ExternalKeyId,
        request: &EncryptRequest,
        data: EncryptedData,
    ) -> Result<EncryptResponse, Refusal> {
        let (plaintext, aad) = (request.plaintext.expose(), request.aad());
        let mut answer = answer(data.clone());
        let value = answer.integrity_value(aad);
        let trial = self.key_manager.trial_decrypt(key, &data, aad, plaintext);
        self.in_time(trial).await?;
        answer.ciphertext_data_integrity_value = Some(value[..].into());
        Ok(answer)
    }
}

fn answer(data: EncryptedData) -> EncryptResponse {
    EncryptResponse {
        ciphertext: data.ciphertext.into(),
        initialization_vector: data.initialization_vector.into(),
        authentication_tag: data.authentication_tag.into(),
        ciphertext_metadata: (!data.metadata.is_empty()).then(|| data.metadata.into()),
        ciphertext_data_integrity_value: None,
    }
}
