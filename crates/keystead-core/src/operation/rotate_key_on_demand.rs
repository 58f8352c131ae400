//! RotateKeyOnDemand.

use keystead_model::Timestamp;
use keystead_model::kms::{Exception, RotateKeyOnDemandRequest, RotateKeyOnDemandResponse};

use super::key_rotation::{change_rotation, rotation_conflict};
use crate::crash_point::{self, CrashPoint};
use crate::error::KmsError;
use crate::key::{Key, KeyOrigin, RotationSettings, material_ready_for_rotation};
use crate::kms::{Call, Kms};
use crate::quota::ON_DEMAND_ROTATIONS_PER_KEY;

/// Has the key rotated once, soon: [`crate::key::rotate_due_keys`] does it.
pub(super) async fn rotate_key_on_demand(
    kms: &Kms,
    call: &mut Call<'_>,
    request: RotateKeyOnDemandRequest,
) -> Result<RotateKeyOnDemandResponse, KmsError> {
    let now = call.now;
    let key = change_rotation(kms, call, &request.key_id, |settings, key, related| {
        begin(settings, key, related, now)?;
        crash_point::reached(CrashPoint::RotateKeyOnDemandStore);
        Ok(())
    })
    .await?;
    crash_point::reached(CrashPoint::RotateKeyOnDemandStored);
    Ok(RotateKeyOnDemandResponse { key_id: key.arn() })
}

/// Which of several reasons AWS refuses with is unverified.
fn begin(settings: &mut RotationSettings, key: &Key, related: &[Key], now: Timestamp) -> Result<(), KmsError> {
    // What AWS answers to a second request while the first one is worked on is unverified.
    if settings.on_demand_start.is_some() {
        return Err(rotation_conflict(key, "A rotation on demand is in progress"));
    }
    if settings.on_demand_count >= ON_DEMAND_ROTATIONS_PER_KEY {
        return Err(KmsError::new(
            Exception::LimitExceeded,
            format!(
                "The on-demand rotations limit has been reached for the given keyId. No more on-demand rotations can be performed for this key: {}",
                key.arn()
            ),
        ));
    }
    if settings.automatic_is_near(now) {
        return Err(rotation_conflict(key, "An automatic rotation is in progress or begins within 20 minutes"));
    }
    if key.origin == KeyOrigin::External && material_ready_for_rotation(related, now).is_none() {
        return Err(KmsError::new(
            Exception::KmsInvalidState,
            format!("No available key material pending rotation for the key: {}.", key.arn()),
        ));
    }
    settings.on_demand_start = Some(now);
    settings.on_demand_count += 1;
    Ok(())
}
