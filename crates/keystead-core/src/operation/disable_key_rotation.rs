//! DisableKeyRotation.

use keystead_model::kms::DisableKeyRotationRequest;

use super::key_rotation::change_rotation;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Rotates the key no more by itself. Succeeds if it does not rotate.
pub(super) async fn disable_key_rotation(
    kms: &Kms,
    call: &mut Call<'_>,
    request: DisableKeyRotationRequest,
) -> Result<(), KmsError> {
    change_rotation(kms, call, &request.key_id, |settings, _, _| {
        settings.automatic = None;
        Ok(())
    })
    .await
    .map(drop)
}
