//! The policy of a key: the default one, and what is checked before one is stored. Nothing evaluates them yet.

use keystead_model::arn::AccountId;
use keystead_model::kms::Exception;
use keystead_policy::{PolicyDocument, PolicyKind};

use super::existing_principals::may_exist;
use super::policy_text::with_full_principals;
use crate::access::NamedPrincipal;
use crate::error::KmsError;
use crate::kms::Kms;

/// The name of the one policy that each key has.
pub(super) const POLICY_NAME: &str = "default";

/// Condition keys that are single-valued although their names differ, in lower case, and what their values are of.
const SINGLE_VALUED: [(&str, &str); 2] = [("kms:encryptioncontext:", "encryption context"), ("aws:requesttag/", "tag")];

/// The policy of a key that was created without one, in the layout that GetKeyPolicy shows.
fn default_policy(account: &AccountId) -> String {
    format!(
        r#"{{
  "Version" : "2012-10-17",
  "Id" : "key-default-1",
  "Statement" : [ {{
    "Sid" : "Enable IAM User Permissions",
    "Effect" : "Allow",
    "Principal" : {{
      "AWS" : "arn:aws:iam::{account}:root"
    }},
    "Action" : "kms:*",
    "Resource" : "*"
  }} ]
}}"#
    )
}

/// The policy of a new key: what the caller gives, or the default one.
pub(super) async fn policy_of_new_key(kms: &Kms, account: &AccountId, given: Option<&str>) -> Result<String, KmsError> {
    match given {
        Some(policy) => checked_policy(kms, policy).await,
        None => Ok(default_policy(account)),
    }
}

/// The policy as it is stored: as given, but for a bare `"Principal": "*"`, which becomes `{"AWS":"*"}`.
///
/// Fails with `LimitExceededException` for one that is too long (text unverified), and with `MalformedPolicyDocumentException` for what is no
/// policy, or names principals that do not exist. Whether it locks its author out is not looked at.
pub(super) async fn checked_policy(kms: &Kms, policy: &str) -> Result<String, KmsError> {
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
    match named {
        Some(named) if may_exist(kms, &named).await? => Ok(with_full_principals(policy)),
        Some(_) | None => Err(malformed("Policy contains a statement with one or more invalid principals.".to_owned())),
    }
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
