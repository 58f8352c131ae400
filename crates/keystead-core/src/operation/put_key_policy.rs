//! PutKeyPolicy.

use keystead_model::kms::PutKeyPolicyRequest;

use super::key_lookup::{AcceptedForms, authorized_key};
use super::policy::{POLICY_NAME, checked_policy};
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Replaces the policy of a key. Error and text for another name than `default` are unverified.
pub(super) async fn put_key_policy(
    kms: &Kms,
    call: &mut Call<'_>,
    request: PutKeyPolicyRequest,
) -> Result<(), KmsError> {
    call.defaulted_parameters
        .extend([("policyName", POLICY_NAME.into()), ("bypassPolicyLockoutSafetyCheck", false.into())]);
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    if let Some(name) = request.policy_name.filter(|name| name != POLICY_NAME) {
        return Err(KmsError::unsupported(format!("A KMS key has no policy {name}; the only one is {POLICY_NAME}.")));
    }
    let bypass = request.bypass_policy_lockout_safety_check;
    let policy = checked_policy(kms, call, &*key, &key.key.region, &request.policy, bypass).await?;
    let put = kms.catalog.change_key(&key, &*kms.entropy, |stored| {
        policy.put_into(stored);
        Ok(())
    });
    put.await.map(drop)
}
