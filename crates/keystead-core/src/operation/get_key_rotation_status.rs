//! GetKeyRotationStatus.

use keystead_model::kms::{GetKeyRotationStatusRequest, GetKeyRotationStatusResponse};

use super::key_lookup::{AcceptedForms, authorized_key};
use crate::error::KmsError;
use crate::key::{EffectiveState, KeyStatus, refuse_in_state};
use crate::kms::{Call, Kms};

/// Tells whether and when the key rotates.
pub(super) async fn get_key_rotation_status(
    kms: &Kms,
    call: &mut Call<'_>,
    request: GetKeyRotationStatusRequest,
) -> Result<GetKeyRotationStatusResponse, KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    let key = &key.key;
    refuse_in_state(call.operation.name, EffectiveState::of(key, true, call.now), key)?;
    // A key that is to be deleted does not rotate, and rotates again as before if its deletion is cancelled.
    let automatic = key.rotation.automatic.filter(|_| matches!(key.status, KeyStatus::Enabled | KeyStatus::Disabled));
    Ok(GetKeyRotationStatusResponse {
        key_rotation_enabled: automatic.is_some(),
        key_id: key.id,
        rotation_period_in_days: automatic.map(|automatic| automatic.period_in_days.into()),
        next_rotation_date: automatic.map(|automatic| automatic.next),
        on_demand_rotation_start_date: key.rotation.on_demand_start,
    })
}
