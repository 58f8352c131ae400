//! ListKeyPolicies.

use keystead_model::kms::{ListKeyPoliciesRequest, ListKeyPoliciesResponse};

use super::key_lookup::{AcceptedForms, authorized_key};
use super::page::LIST_KEY_POLICIES;
use super::policy::POLICY_NAME;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Lists the names of a key's policies: there is one, so there is one page, and no marker is valid.
pub(super) async fn list_key_policies(
    kms: &Kms,
    call: &mut Call<'_>,
    request: ListKeyPoliciesRequest,
) -> Result<ListKeyPoliciesResponse, KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    LIST_KEY_POLICIES.page(kms, call, request.limit, request.marker.as_deref(), &[key.arn.as_str()])?;
    Ok(ListKeyPoliciesResponse { policy_names: vec![POLICY_NAME.to_owned()], next_marker: None, truncated: false })
}
