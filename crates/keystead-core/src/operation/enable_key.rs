//! EnableKey, and the change that DisableKey shares.

use keystead_model::kms::EnableKeyRequest;

use super::key_lookup::{AcceptedForms, authorized_key};
use crate::error::KmsError;
use crate::key::{EffectiveState, KeyStatus, refuse_in_state};
use crate::kms::{Call, Kms};

/// Switches a key on. Succeeds if it is on; while its key store is disconnected the change shows later.
pub(super) async fn enable_key(kms: &Kms, call: &mut Call<'_>, request: EnableKeyRequest) -> Result<(), KmsError> {
    set_status(kms, call, &request.key_id, KeyStatus::Enabled).await
}

/// Stores Enabled or Disabled.
pub(super) async fn set_status(
    kms: &Kms,
    call: &mut Call<'_>,
    key_id: &str,
    status: KeyStatus,
) -> Result<(), KmsError> {
    let key = authorized_key(kms, call, key_id, AcceptedForms::IdOrArn).await?;
    kms.catalog
        .change_key(&key, &*kms.entropy, |stored| {
            // Allowed while the key store is disconnected, too, so its connection need not be looked at.
            refuse_in_state(call.operation.name, EffectiveState::of(stored, true, call.now), stored)?;
            stored.status = status;
            Ok(())
        })
        .await
        .map(drop)
}
