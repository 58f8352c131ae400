//! Key policies as documents: the default one, and what is checked before one is stored. Nothing evaluates them yet.

use keystead_model::arn::AccountId;
use keystead_model::kms::Exception;
use serde_json::Value;

use crate::error::KmsError;

/// The document quota in bytes (KMS Developer Guide, "Resource quotas").
const POLICY_BYTES_MAX: usize = 32_768;

/// The policy of a key that was created without one, in the layout that GetKeyPolicy shows.
pub(super) fn default_policy(account: &AccountId) -> String {
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

/// Refuses what cannot be a policy document.
pub(super) fn check_policy(policy: &str) -> Result<(), KmsError> {
    if policy.len() > POLICY_BYTES_MAX {
        // The text is unverified.
        return Err(KmsError::new(
            Exception::LimitExceeded,
            format!("The key policy is {} bytes long; at most {POLICY_BYTES_MAX} are allowed.", policy.len()),
        ));
    }
    let malformed = |message: &str| Err(KmsError::new(Exception::MalformedPolicyDocument, message));
    match serde_json::from_str::<Value>(policy) {
        Ok(Value::Object(document)) => match document.get("Statement") {
            Some(Value::Array(statements)) if !statements.is_empty() => Ok(()),
            Some(Value::Object(_)) => Ok(()),
            _ => malformed("The policy document has no Statement. Give at least one."),
        },
        Ok(_) => malformed("The policy document must be a JSON object."),
        Err(error) => {
            malformed(&format!("The policy document is not JSON: line {}, column {}.", error.line(), error.column()))
        }
    }
}
