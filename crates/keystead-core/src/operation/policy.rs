//! The policy of a key: the default one, and what is checked before one is stored. Nothing evaluates them yet.

use keystead_model::arn::AccountId;
use keystead_model::kms::Exception;

use super::existing_principals::may_exist;
use super::policy_document::{PolicyDocument, invalid_principals};
use crate::error::KmsError;
use crate::kms::Kms;

/// The name of the one policy that each key has.
pub(super) const POLICY_NAME: &str = "default";

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
    let document = PolicyDocument::read(policy)?;
    if !may_exist(kms, &document.principals).await? {
        return Err(invalid_principals());
    }
    Ok(document.with_full_principals(policy))
}
