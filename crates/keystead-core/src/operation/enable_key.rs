//! EnableKey, and the change that DisableKey shares.

use keystead_model::kms::EnableKeyRequest;

use super::key_lookup::{AcceptedForms, authorized_key, state_of};
use crate::error::KmsError;
use crate::key::{KeyAction, KeyStatus, refuse_in_state};
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
    let (state, _) = state_of(kms, &key.key).await?;
    refuse_in_state(KeyAction::EnableOrDisable, state, &key.key)?;
    if key.key.status == status {
        return Ok(());
    }
    kms.catalog
        .change_key(&key.key.region, &key.key.id, |stored| {
            // Looked at again under the revision that is written: a deletion may have been scheduled in between.
            refuse_in_state(KeyAction::EnableOrDisable, crate::key::EffectiveState::of(stored.status, true), stored)?;
            stored.status = status;
            Ok(())
        })
        .await
        .map(drop)
}
