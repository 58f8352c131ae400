//! DisableKey.

use keystead_model::kms::DisableKeyRequest;

use super::enable_key::set_status;
use super::get_key_last_usage::note_days_without_usage;
use crate::error::KmsError;
use crate::key::KeyStatus;
use crate::kms::{Call, Kms};

/// Switches a key off. Succeeds if it is off. The external key of a key in an external key store is not touched.
pub(super) async fn disable_key(kms: &Kms, call: &mut Call<'_>, request: DisableKeyRequest) -> Result<(), KmsError> {
    note_days_without_usage(kms, call, &request.key_id).await?;
    set_status(kms, call, &request.key_id, KeyStatus::Disabled).await
}
