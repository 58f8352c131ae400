//! ListTags: the tags of a cluster or a backup, by key.

use keystead_model::cloudhsm::{ListTagsRequest, ListTagsResponse};

use super::{Scope, paging, tagged_resource};
use crate::CloudHsm;
use crate::error::CloudHsmError;

/// How many are returned at most unless the caller says otherwise; the model's maximum.
const PAGE: u32 = 100;

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: ListTagsRequest,
) -> Result<ListTagsResponse, CloudHsmError> {
    let tags = tagged_resource::tags_of(cloud_hsm, &scope.account, &request.resource_id).await?;
    let token = request.next_token.as_deref();
    let page = paging::page(tags, token, request.max_results.unwrap_or(PAGE), |tag| &tag.key)?;
    Ok(ListTagsResponse { tag_list: page.items, next_token: page.next_token })
}
