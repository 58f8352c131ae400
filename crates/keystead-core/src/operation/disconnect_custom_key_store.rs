//! DisconnectCustomKeyStore.

use keystead_model::kms::DisconnectCustomKeyStoreRequest;

use super::connect_custom_key_store::Transition;
use crate::error::KmsError;
use crate::key_store::ConnectionEvent;
use crate::kms::{Call, Kms};
use crate::port::JobKind;

/// Starts disconnecting and answers at once. From now on the store's keys are unavailable, and a proxy is sent nothing; the job logs out
/// of HSMs.
pub(super) async fn disconnect_custom_key_store(
    kms: &Kms,
    call: &mut Call<'_>,
    request: DisconnectCustomKeyStoreRequest,
) -> Result<(), KmsError> {
    let transition = Transition {
        event: ConnectionEvent::Disconnect,
        job: JobKind::Disconnect,
        remedy: "A custom key store can be disconnected when it is CONNECTED, CONNECTING or FAILED.",
    };
    transition.start(kms, call, &request.custom_key_store_id).await?;
    kms.backend.forget(&request.custom_key_store_id);
    Ok(())
}
