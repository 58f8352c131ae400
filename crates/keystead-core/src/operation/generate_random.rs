//! GenerateRandom.

use keystead_model::Blob;
use keystead_model::kms::{GenerateRandomRequest, GenerateRandomResponse};
use zeroize::Zeroizing;

use super::cryptography::check_recipient;
use super::custom_key_store_lookup::key_store_of_account;
use super::key_lookup::authorized_account;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Gives 1..=1024 random bytes.
pub(super) async fn generate_random(
    kms: &Kms,
    call: &mut Call<'_>,
    request: GenerateRandomRequest,
) -> Result<GenerateRandomResponse, KmsError> {
    call.resources = Some(Vec::new());
    let scope = authorized_account(kms, call)?;
    check_recipient(request.recipient.as_ref())?;
    let length = request.number_of_bytes.ok_or_else(|| KmsError::validation("NumberOfBytes is required."))?;
    if let Some(id) = &request.custom_key_store_id {
        key_store_of_account(kms, &scope, id).await?;
        return Err(KmsError::unsupported(format!(
            "GenerateRandom is not supported for custom key store {id}, which is an external key store. Leave CustomKeyStoreId out."
        )));
    }
    let mut bytes = Zeroizing::new(vec![0; length as usize]);
    kms.entropy.fill(&mut bytes);
    Ok(GenerateRandomResponse { plaintext: Some(Blob::from(bytes)), ciphertext_for_recipient: None })
}
