//! EnableKeyRotation.

use keystead_model::kms::EnableKeyRotationRequest;

use super::key_rotation::change_rotation;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// The period in days that is used when none is given.
const DEFAULT_PERIOD_DAYS: u32 = 365;

/// Rotates the key from now on, once in each period, or changes the period.
pub(super) async fn enable_key_rotation(
    kms: &Kms,
    call: &mut Call<'_>,
    request: EnableKeyRotationRequest,
) -> Result<(), KmsError> {
    call.defaulted_parameters.push(("rotationPeriodInDays", DEFAULT_PERIOD_DAYS.into()));
    let period = request.rotation_period_in_days.unwrap_or(DEFAULT_PERIOD_DAYS);
    // The model allows 90 to 2560.
    let period_in_days = u16::try_from(period).map_err(|_| {
        KmsError::validation(format!("RotationPeriodInDays {period} is longer than any rotation period."))
    })?;
    let now = call.now;
    change_rotation(kms, call, &request.key_id, |settings, _, _| {
        settings.enable_automatic(period_in_days, now);
        Ok(())
    })
    .await
    .map(drop)
}
