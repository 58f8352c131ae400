//! ScheduleKeyDeletion.

use keystead_model::Timestamp;
use keystead_model::kms::{KeyState, ScheduleKeyDeletionRequest, ScheduleKeyDeletionResponse};

use super::get_key_last_usage::note_days_without_usage;
use super::key_lookup::{AcceptedForms, authorized_key};
use crate::error::KmsError;
use crate::key::{EffectiveState, Key, KeyStatus, refuse_in_state};
use crate::kms::{Call, Kms};

/// The waiting period in days that is used when none is given.
const DEFAULT_WINDOW_DAYS: u32 = 30;

/// Starts the waiting period after which the key is deleted.
pub(super) async fn schedule_key_deletion(
    kms: &Kms,
    call: &mut Call<'_>,
    request: ScheduleKeyDeletionRequest,
) -> Result<ScheduleKeyDeletionResponse, KmsError> {
    call.defaulted_parameters.push(("pendingWindowInDays", DEFAULT_WINDOW_DAYS.into()));
    let window = request.pending_window_in_days.unwrap_or(DEFAULT_WINDOW_DAYS);
    let pending_window_in_days =
        u16::try_from(window).ok().filter(|days| (7..=30).contains(days)).ok_or_else(|| {
            // The model allows 1 to 365; the service itself is stricter.
            KmsError::validation(format!("PendingWindowInDays should be between 7 and 30, but it is {window}"))
        })?;
    note_days_without_usage(kms, call, &request.key_id).await?;
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    if let Some(id) = key.key.origin.custom_key_store_id() {
        call.note("customKeyStoreId", id.as_str());
    }
    let key = kms
        .catalog
        .change_key(&key, &*kms.entropy, |stored| {
            refuse_in_state(call.operation.name, EffectiveState::of(stored, true, call.now), stored)?;
            stored.status = pending_deletion(stored, call.now, pending_window_in_days);
            Ok(())
        })
        .await?;
    let (key_state, deletion_date) = match key.status {
        KeyStatus::PendingDeletion { deletion_date, .. } => (KeyState::PendingDeletion, Some(deletion_date)),
        _ => (KeyState::PendingReplicaDeletion, None),
    };
    Ok(ScheduleKeyDeletionResponse { key_id: key.arn(), deletion_date, key_state, pending_window_in_days: window })
}

/// A primary key waits for its replicas first.
fn pending_deletion(key: &Key, now: Timestamp, pending_window_in_days: u16) -> KeyStatus {
    let replicas = key.multi_region.as_ref().is_some_and(|set| !set.replica_regions.is_empty());
    if key.is_multi_region_primary() && replicas {
        KeyStatus::PendingReplicaDeletion { pending_window_in_days }
    } else {
        let deletion_date = now.plus_days(pending_window_in_days.into());
        KeyStatus::PendingDeletion { deletion_date, pending_window_in_days }
    }
}
