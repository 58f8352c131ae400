//! DeleteCustomKeyStore.

use keystead_model::kms::{DeleteCustomKeyStoreRequest, Exception};

use super::custom_key_store_lookup::{invalid_state, not_found, stored_key_store};
use super::custom_key_store_settings::note_key_store;
use super::key_lookup::authorized_account;
use crate::catalog::Conflicts;
use crate::error::KmsError;
use crate::key_store::ConnectionState;
use crate::kms::{Call, Kms};
use crate::port::StoreError;

/// Deletes a disconnected custom key store that has no keys, with the credential it held. Nothing behind it is touched.
///
/// Which refusal wins when both apply is unverified; the connection state is looked at first.
pub(super) async fn delete_custom_key_store(
    kms: &Kms,
    call: &mut Call<'_>,
    request: DeleteCustomKeyStoreRequest,
) -> Result<(), KmsError> {
    let scope = authorized_account(call)?;
    let id = &request.custom_key_store_id;
    let mut conflicts = Conflicts::new(&*kms.entropy);
    loop {
        let key_store = stored_key_store(kms, &scope, id).await?;
        note_key_store(call, &key_store);
        if key_store.connection != ConnectionState::Disconnected {
            return Err(invalid_state(&key_store, "Disconnect it before you delete it."));
        }
        match kms.catalog.delete_key_store(&scope, id, key_store.revision).await {
            Ok(()) => break,
            Err(StoreError::Conflict) => conflicts.wait().await?,
            Err(StoreError::NotFound) => return Err(not_found(id)),
            // The text is unverified.
            Err(StoreError::Referenced) => {
                return Err(KmsError::new(
                    Exception::CustomKeyStoreHasCmks,
                    format!(
                        "Custom key store {id} contains KMS keys. Schedule their deletion and wait until they are deleted."
                    ),
                ));
            }
            Err(error) => return Err(error.into()),
        }
    }
    kms.backend.forget(id);
    kms.rate.forget(id);
    Ok(())
}
