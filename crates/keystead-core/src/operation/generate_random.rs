//! GenerateRandom.

use keystead_model::kms::{GenerateRandomRequest, GenerateRandomResponse};
use zeroize::Zeroizing;

use super::custom_key_store_lookup::{invalid_state, key_store_of_account};
use super::key_lookup::authorized_account;
use super::recipient::{AnsweredSecret, Recipient};
use crate::catalog::{LoadedKeyStore, LoadedLink};
use crate::error::{KmsError, cause};
use crate::kms::{Call, Kms};

/// Gives 1..=1024 random bytes.
pub(super) async fn generate_random(
    kms: &Kms,
    call: &mut Call<'_>,
    request: GenerateRandomRequest,
) -> Result<GenerateRandomResponse, KmsError> {
    call.resources = Some(Vec::new());
    let recipient = Recipient::of_request(kms, call, request.recipient).await?;
    let scope = authorized_account(call)?;
    let length = request.number_of_bytes.ok_or_else(|| KmsError::validation("NumberOfBytes is required."))?;
    let bytes = match &request.custom_key_store_id {
        Some(id) => {
            let key_store = key_store_of_account(kms, &scope, id).await?;
            of_hsm(kms, call, &key_store, length as usize).await?
        }
        None => {
            let mut bytes = Zeroizing::new(vec![0; length as usize]);
            kms.entropy.fill(&mut bytes);
            bytes
        }
    };
    let AnsweredSecret { plaintext, ciphertext_for_recipient } = recipient.answer(kms, bytes)?;
    Ok(GenerateRandomResponse { plaintext, ciphertext_for_recipient })
}

/// From the random number generator of an HSM in the key store's cluster (CloudHSM key stores digest 3.5).
async fn of_hsm(
    kms: &Kms,
    call: &mut Call<'_>,
    key_store: &LoadedKeyStore,
    length: usize,
) -> Result<Zeroizing<Vec<u8>>, KmsError> {
    let id = &key_store.key_store.id;
    let LoadedLink::CloudHsm(link) = &key_store.link else {
        return Err(KmsError::unsupported(format!(
            "GenerateRandom is not supported for custom key store {id}, which is an external key store. Leave CustomKeyStoreId out."
        )));
    };
    call.note("customKeyStoreId", id.as_str());
    call.note("clusterId", link.cluster_id.as_str());
    if !key_store.key_store.connection.is_connected() {
        return Err(invalid_state(&key_store.key_store, "Connect it, or leave CustomKeyStoreId out.")
            .with_cause(cause::KEY_STORE_NOT_CONNECTED));
    }
    kms.hsm_backend.generate_random(link, length).await.map_err(KmsError::hsm_random)
}
