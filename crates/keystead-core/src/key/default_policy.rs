//! The policy of a key that was created without one.

use keystead_model::arn::AccountId;

/// It lets the account's root user and the IAM policies of the account decide; in the layout that GetKeyPolicy shows (KMS core digest 4.1).
pub fn default_key_policy(account: &AccountId) -> String {
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
