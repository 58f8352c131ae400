//! CancelKeyDeletion.

use keystead_model::kms::{CancelKeyDeletionRequest, CancelKeyDeletionResponse};

use super::key_lookup::{AcceptedForms, authorized_key};
use crate::error::KmsError;
use crate::key::{EffectiveState, KeyStatus, refuse_in_state};
use crate::kms::{Call, Kms};

/// Takes a scheduled deletion back. The key is disabled afterwards.
pub(super) async fn cancel_key_deletion(
    kms: &Kms,
    call: &mut Call<'_>,
    request: CancelKeyDeletionRequest,
) -> Result<CancelKeyDeletionResponse, KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    let key = kms
        .catalog
        .change_key(&key, &*kms.entropy, |stored| {
            refuse_in_state(call.operation.name, EffectiveState::of(stored, true, call.now), stored)?;
            stored.status = KeyStatus::Disabled;
            Ok(())
        })
        .await?;
    Ok(CancelKeyDeletionResponse { key_id: key.arn() })
}
