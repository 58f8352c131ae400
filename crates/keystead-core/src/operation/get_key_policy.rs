//! GetKeyPolicy.

use keystead_model::kms::{GetKeyPolicyRequest, GetKeyPolicyResponse};

use super::gone_principals::GonePrincipals;
use super::key_lookup::{AcceptedForms, authorized_key};
use super::policy::POLICY_NAME;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Gives the policy of a key. It has one, of the name `default`. Users and roles that are gone are shown by their unique IDs.
pub(super) async fn get_key_policy(
    kms: &Kms,
    call: &mut Call<'_>,
    request: GetKeyPolicyRequest,
) -> Result<GetKeyPolicyResponse, KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    if request.policy_name.is_some_and(|name| name != POLICY_NAME) {
        return Err(KmsError::not_found("No such policy exists"));
    }
    let policy = GonePrincipals::new(kms).shown_policy(&key.key.policy, &key.key.policy_principals).await?;
    Ok(GetKeyPolicyResponse { policy, policy_name: POLICY_NAME.to_owned() })
}
