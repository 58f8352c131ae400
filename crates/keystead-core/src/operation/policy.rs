//! The policy of a key: the default one, and what is checked before one is stored.

use std::collections::BTreeMap;

use keystead_model::arn::Region;
use keystead_model::kms::Exception;
use keystead_policy::{PolicyDocument, PolicyKind, with_full_principals};

use super::existing_principals::PrincipalError;
use super::new_key::NewKey;
use crate::access::{AccessRequest, Resource, Subject, policy_would_allow};
use crate::error::KmsError;
use crate::key::{Key, default_key_policy};
use crate::kms::{Call, Kms};

/// The name of the one policy that each key has.
pub(super) const POLICY_NAME: &str = "default";

const PUT_KEY_POLICY: &str = "kms:PutKeyPolicy";

/// Condition keys that are single-valued although their names differ, in lower case, and what their values are of.
const SINGLE_VALUED: [(&str, &str); 2] = [("kms:encryptioncontext:", "encryption context"), ("aws:requesttag/", "tag")];

/// A key policy that may be stored.
#[derive(Clone)]
pub(super) struct CheckedPolicy {
    /// Its text.
    pub(super) text: String,
    /// Who the users and roles that it names are; see [`Key::policy_principals`].
    pub(super) principals: BTreeMap<String, String>,
}

impl CheckedPolicy {
    /// Makes it the policy of a key.
    pub(super) fn put_into(&self, key: &mut Key) {
        key.policy.clone_from(&self.text);
        key.policy_principals.clone_from(&self.principals);
    }
}

/// The policy of a new key: what the caller gives, or the default one.
pub(super) async fn policy_of_new_key(
    kms: &Kms,
    call: &Call<'_>,
    key: &NewKey<'_>,
    given: Option<&str>,
    bypass_lockout_safety_check: Option<bool>,
) -> Result<CheckedPolicy, KmsError> {
    let Some(policy) = given else {
        let text = default_key_policy(&key.scope.account);
        return Ok(CheckedPolicy { text, principals: BTreeMap::new() });
    };
    checked_policy(kms, call, key, &key.scope.region, policy, bypass_lockout_safety_check).await
}

/// The policy of `key` in that Region as it is stored: as given, but for a bare `"Principal": "*"`, which becomes `{"AWS":"*"}`.
///
/// Fails with `LimitExceededException` for one that is too long (text unverified), and with `MalformedPolicyDocumentException` for what is
/// no policy, names principals that do not exist, or would lock its author out (unless that check is bypassed).
pub(super) async fn checked_policy<T: Resource + Sync>(
    kms: &Kms,
    call: &Call<'_>,
    key: &T,
    region: &Region,
    policy: &str,
    bypass_lockout_safety_check: Option<bool>,
) -> Result<CheckedPolicy, KmsError> {
    let bytes_max = kms.settings.resource_quotas.key_policy_bytes;
    if policy.len() > bytes_max {
        return Err(KmsError::new(
            Exception::LimitExceeded,
            format!("The key policy is {} bytes long; at most {bytes_max} are allowed.", policy.len()),
        ));
    }
    let document = PolicyDocument::parse(policy, PolicyKind::Key).map_err(|error| malformed(error.to_string()))?;
    refuse_overly_permissive(&document)?;
    let principals = kms.unique_ids_of(&document).await.map_err(|error| match error {
        PrincipalError::Missing(_) => {
            malformed("Policy contains a statement with one or more invalid principals.".to_owned())
        }
        PrincipalError::Lookup(error) => error,
    })?;
    let document = document.bound_to(&principals);
    if bypass_lockout_safety_check != Some(true) {
        refuse_lockout(call, key, region, &document)?;
    }
    Ok(CheckedPolicy { text: with_full_principals(policy), principals })
}

/// Refuses a policy by which the caller could not replace it: it must allow PutKeyPolicy to the caller, or to the caller's account as a
/// whole, and not deny it (KMS API Reference, BypassPolicyLockoutSafetyCheck). Its conditions see what they would see of this request,
/// were it that PutKeyPolicy (unverified).
fn refuse_lockout<T: Resource>(
    call: &Call<'_>,
    key: &T,
    region: &Region,
    document: &PolicyDocument,
) -> Result<(), KmsError> {
    let keys = call.condition_keys(PUT_KEY_POLICY, Subject::Key);
    let request = AccessRequest { region, ..call.caller.access_request(call.now, &keys) };
    if policy_would_allow(&request, PUT_KEY_POLICY, key, document) {
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
