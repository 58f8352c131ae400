//! The policy of a key: the default one, and what is checked before one is stored. Nothing else evaluates them yet.

use keystead_model::arn::AccountId;
use keystead_model::kms::Exception;
use keystead_policy::{AccessRequest, Identity, PolicyDocument, PolicyKind, RequestContext};

use super::existing_principals::may_exist;
use super::policy_text::with_full_principals;
use crate::access::{AccountScope, NamedPrincipal};
use crate::error::KmsError;
use crate::key::default_key_policy;
use crate::kms::{Call, Kms};

/// The name of the one policy that each key has.
pub(super) const POLICY_NAME: &str = "default";

/// Condition keys that are single-valued although their names differ, in lower case, and what their values are of.
const SINGLE_VALUED: [(&str, &str); 2] = [("kms:encryptioncontext:", "encryption context"), ("aws:requesttag/", "tag")];

/// The policy of a new key in the Region and account of `scope`: what the caller gives, or the default one.
pub(super) async fn policy_of_new_key(
    kms: &Kms,
    call: &Call<'_>,
    scope: &AccountScope,
    given: Option<&str>,
    bypass_lockout_safety_check: Option<bool>,
) -> Result<String, KmsError> {
    let Some(policy) = given else { return Ok(default_key_policy(&scope.account)) };
    // The key has no ID yet that a policy could name.
    let new_key = format!("arn:aws:kms:{}:{}:key/", scope.region, scope.account);
    checked_policy(kms, call, &new_key, policy, bypass_lockout_safety_check).await
}

/// The policy as it is stored: as given, but for a bare `"Principal": "*"`, which becomes `{"AWS":"*"}`.
///
/// Fails with `LimitExceededException` for one that is too long (text unverified), and with `MalformedPolicyDocumentException` for what is no
/// policy, names principals that do not exist, or would lock its author out (unless that check is bypassed).
pub(super) async fn checked_policy(
    kms: &Kms,
    call: &Call<'_>,
    key_arn: &str,
    policy: &str,
    bypass_lockout_safety_check: Option<bool>,
) -> Result<String, KmsError> {
    let bytes_max = kms.settings.resource_quotas.key_policy_bytes;
    if policy.len() > bytes_max {
        return Err(KmsError::new(
            Exception::LimitExceeded,
            format!("The key policy is {} bytes long; at most {bytes_max} are allowed.", policy.len()),
        ));
    }
    let document = PolicyDocument::parse(policy, PolicyKind::Key).map_err(|error| malformed(error.to_string()))?;
    refuse_overly_permissive(&document)?;
    let named: Option<Vec<_>> = document.principal_arns().map(NamedPrincipal::parse).collect();
    let exist = match named {
        Some(named) => may_exist(kms, &named).await?,
        None => false,
    };
    if !exist {
        return Err(malformed("Policy contains a statement with one or more invalid principals.".to_owned()));
    }
    if bypass_lockout_safety_check != Some(true) {
        refuse_lockout(call, key_arn, &document)?;
    }
    Ok(with_full_principals(policy))
}

/// Refuses a policy by which the caller could not replace it: it must allow PutKeyPolicy to the caller, or to the caller's account as a whole,
/// and not deny it (KMS API Reference, BypassPolicyLockoutSafetyCheck). Which condition keys the check sees is unverified.
fn refuse_lockout(call: &Call<'_>, key_arn: &str, document: &PolicyDocument) -> Result<(), KmsError> {
    let principal = &call.caller.principal;
    let identity = Identity {
        account: principal.account.to_string(),
        arn: principal.arn.clone(),
        role_arn: None,
        federated_provider: None,
    };
    let mut context = RequestContext::default();
    context.set("aws:PrincipalArn", principal.arn.as_str());
    context.set("aws:PrincipalAccount", identity.account.as_str());
    context.set("kms:CallerAccount", identity.account.as_str());
    context.set("aws:SourceIp", call.caller.origin.source_ip.as_str());
    context.set("aws:SecureTransport", call.caller.origin.tls.is_some());
    let request =
        AccessRequest { identity: &identity, action: "kms:PutKeyPolicy", resource: key_arn, context: &context };
    let verdict = document.evaluate(&request);
    if verdict.allow.is_some() && verdict.deny.is_none() {
        return Ok(());
    }
    Err(malformed("The new key policy will not allow you to update the key policy in the future.".to_owned()))
}

/// Refuses ForAllValues with a single-valued condition key (KMS Developer Guide, "AWS KMS condition keys").
fn refuse_overly_permissive(document: &PolicyDocument) -> Result<(), KmsError> {
    let mut conditions = document.statements().iter().flat_map(|statement| statement.conditions());
    let single_valued = conditions.find_map(|condition| {
        let mut known = SINGLE_VALUED.iter().filter(|_| condition.is_for_all_values());
        known.find(|(prefix, _)| condition.key().starts_with(prefix))
    });
    match single_valued {
        None => Ok(()),
        Some((_, what)) => Err(malformed(format!(
            "OverlyPermissiveCondition: Using the ForAllValues set operator with a single-valued condition key matches requests without the specified {what} or with an unspecified {what}. To fix, remove ForAllValues."
        ))),
    }
}

fn malformed(message: String) -> KmsError {
    KmsError::new(Exception::MalformedPolicyDocument, message)
}
