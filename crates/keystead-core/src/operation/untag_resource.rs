//! UntagResource.

use keystead_model::kms::UntagResourceRequest;

use super::key_lookup::{AcceptedForms, authorized_key};
use super::tags::check_tag_key;
use crate::error::KmsError;
use crate::key::{EffectiveState, refuse_in_state};
use crate::kms::{Call, Kms};

/// Removes tags from a key. A tag key that the key does not have is no error (unverified).
pub(super) async fn untag_resource(
    kms: &Kms,
    call: &mut Call<'_>,
    request: UntagResourceRequest,
) -> Result<(), KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    request.tag_keys.iter().try_for_each(|key| check_tag_key(key))?;
    kms.catalog
        .change_key(&key, &*kms.entropy, |stored| {
            refuse_in_state(call.operation.name, EffectiveState::of(stored, true, call.now), stored)?;
            stored.tags.retain(|tag| !request.tag_keys.contains(&tag.tag_key));
            Ok(())
        })
        .await
        .map(drop)
}
