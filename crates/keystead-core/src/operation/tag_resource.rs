//! TagResource.

use keystead_model::kms::TagResourceRequest;

use super::key_lookup::{AcceptedForms, authorized_key};
use super::tags::{check_tags, merge_tags};
use crate::error::KmsError;
use crate::key::{EffectiveState, refuse_in_state};
use crate::kms::{Call, Kms};

/// Adds tags to a key, or replaces the values of those it has.
pub(super) async fn tag_resource(kms: &Kms, call: &mut Call<'_>, request: TagResourceRequest) -> Result<(), KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    check_tags(&request.tags)?;
    kms.catalog
        .change_key(&key, &*kms.entropy, |stored| {
            refuse_in_state(call.operation.name, EffectiveState::of(stored, true, call.now), stored)?;
            merge_tags(&mut stored.tags, &request.tags)
        })
        .await
        .map(drop)
}
