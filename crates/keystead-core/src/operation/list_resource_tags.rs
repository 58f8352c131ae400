//! ListResourceTags.

use keystead_model::kms::{ListResourceTagsRequest, ListResourceTagsResponse};

use super::key_lookup::{AcceptedForms, authorized_key};
use super::page::LIST_RESOURCE_TAGS;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Lists a key's tags, sorted by tag key (AWS's order is unverified; a sorted one makes pages stable).
pub(super) async fn list_resource_tags(
    kms: &Kms,
    call: &mut Call<'_>,
    request: ListResourceTagsRequest,
) -> Result<ListResourceTagsResponse, KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    let page = LIST_RESOURCE_TAGS.page(kms, call, request.limit, request.marker.as_deref(), &[key.key.id.as_str()])?;
    let after = page.after(|tag_key| Some(tag_key.to_owned()))?;
    let mut tags = key.key.tags.clone();
    tags.sort_by(|one, other| one.tag_key.cmp(&other.tag_key));
    tags.retain(|tag| after.as_ref().is_none_or(|after| tag.tag_key > *after));
    let next_marker = page.cut(&mut tags, |tag| tag.tag_key.clone());
    Ok(ListResourceTagsResponse { tags, truncated: next_marker.is_some(), next_marker })
}
