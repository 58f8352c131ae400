//! TagResource: adds tags, or changes their values.

use keystead_model::cloudhsm::TagResourceRequest;
use serde_json::{Map, Value};

use super::{Scope, tagged_resource, tags};
use crate::CloudHsm;
use crate::error::CloudHsmError;

pub(super) async fn serve(
    cloud_hsm: &CloudHsm,
    scope: &Scope,
    request: TagResourceRequest,
) -> Result<Map<String, Value>, CloudHsmError> {
    let add = |there: &[_]| tags::checked(cloud_hsm, there, &request.tag_list);
    tagged_resource::change_tags(cloud_hsm, &scope.account, &request.resource_id, add).await?;
    Ok(Map::new())
}
