//! UntagResource: removes tags. Those that are not there are no error.

use keystead_model::cloudhsm::{Tag, UntagResourceRequest};
use serde_json::{Map, Value};

use super::{Scope, tagged_resource};
use crate::CloudHsm;
use crate::error::CloudHsmError;

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: UntagResourceRequest,
) -> Result<Map<String, Value>, CloudHsmError> {
    let remove =
        |there: &[Tag]| Ok(there.iter().filter(|tag| !request.tag_key_list.contains(&tag.key)).cloned().collect());
    tagged_resource::change_tags(cloud_hsm, &scope.account, &request.resource_id, remove).await?;
    Ok(Map::new())
}
