//! UpdateKeyDescription.

use keystead_model::kms::UpdateKeyDescriptionRequest;

use super::key_lookup::{AcceptedForms, authorized_key};
use crate::error::KmsError;
use crate::key::{EffectiveState, refuse_in_state};
use crate::kms::{Call, Kms};

/// Replaces a key's description.
pub(super) async fn update_key_description(
    kms: &Kms,
    call: &mut Call<'_>,
    request: UpdateKeyDescriptionRequest,
) -> Result<(), KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    kms.catalog
        .change_key(&key, &*kms.entropy, |stored| {
            refuse_in_state(call.operation.name, EffectiveState::of(stored, true, call.now), stored)?;
            stored.description.clone_from(&request.description);
            Ok(())
        })
        .await
        .map(drop)
}
