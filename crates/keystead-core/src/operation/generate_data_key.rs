//! GenerateDataKey, and what it shares with GenerateDataKeyWithoutPlaintext.

use keystead_model::Blob;
use keystead_model::kms::{DataKeySpec, GenerateDataKeyRequest, GenerateDataKeyResponse};
use zeroize::Zeroizing;

use super::cryptography::{KeyRole, UsableKey, dry_run_operation};
use super::encryption::Encryption;
use super::key_lookup::{AcceptedForms, authorized_key};
use super::recipient::{AnsweredSecret, Recipient};
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Makes a data key under a symmetric key and gives it in plaintext and encrypted.
pub(super) async fn generate_data_key(
    kms: &Kms,
    call: &mut Call<'_>,
    request: GenerateDataKeyRequest,
) -> Result<GenerateDataKeyResponse, KmsError> {
    let recipient = Recipient::of_request(kms, call, request.recipient).await?;
    let wanted = DataKeyRequest {
        key_id: &request.key_id,
        key_spec: request.key_spec,
        number_of_bytes: request.number_of_bytes,
        encryption: Encryption::of_request(None, request.encryption_context),
        dry_run: request.dry_run == Some(true),
    };
    let DataKey { plaintext, ciphertext, key } = wanted.generate(kms, call).await?;
    let AnsweredSecret { plaintext, ciphertext_for_recipient } = recipient.answer(kms, plaintext)?;
    Ok(GenerateDataKeyResponse {
        ciphertext_blob: Blob::from(ciphertext),
        plaintext,
        key_id: key.loaded().key.arn(),
        ciphertext_for_recipient,
        key_material_id: key.current_material_id(),
    })
}

/// What both operations are asked.
pub(super) struct DataKeyRequest<'a> {
    pub(super) key_id: &'a str,
    pub(super) key_spec: Option<DataKeySpec>,
    pub(super) number_of_bytes: Option<u32>,
    /// Symmetric.
    pub(super) encryption: Encryption,
    pub(super) dry_run: bool,
}

/// What both operations make.
pub(super) struct DataKey {
    pub(super) plaintext: Zeroizing<Vec<u8>>,
    pub(super) ciphertext: Vec<u8>,
    pub(super) key: UsableKey,
}

impl DataKeyRequest<'_> {
    pub(super) async fn generate(&self, kms: &Kms, call: &mut Call<'_>) -> Result<DataKey, KmsError> {
        let length = self.length()?;
        let key = authorized_key(kms, call, self.key_id, AcceptedForms::All).await?;
        let key = self.encryption.usable_key(kms, call, key, KeyRole::Only).await?;
        if self.dry_run {
            return Err(dry_run_operation());
        }
        let mut plaintext = Zeroizing::new(vec![0; length]);
        kms.entropy.fill(&mut plaintext);
        let ciphertext = key.encrypt(kms, call, &plaintext, &self.encryption).await?;
        Ok(DataKey { plaintext, ciphertext, key })
    }

    /// In bytes: exactly one of KeySpec and NumberOfBytes tells it.
    fn length(&self) -> Result<usize, KmsError> {
        match (self.key_spec, self.number_of_bytes) {
            (Some(DataKeySpec::Aes256), None) => Ok(32),
            (Some(DataKeySpec::Aes128), None) => Ok(16),
            (None, Some(bytes)) => Ok(bytes as usize),
            (Some(_), Some(_)) | (None, None) => {
                Err(KmsError::validation("Please specify either number of bytes or key spec."))
            }
        }
    }
}
