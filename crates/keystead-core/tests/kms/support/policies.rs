//! Policies of tests, and the words of refusals.

use serde_json::{Value, json};

use super::{Refused, Server, account};

/// A statement of an identity policy, with conditions.
pub fn allow_if(actions: &[&str], condition: Value) -> Value {
    json!({"Effect": "Allow", "Action": actions, "Resource": "*", "Condition": condition})
}

/// A statement of a key policy for one principal.
pub fn for_principal(effect: &str, principal: &str, actions: &[&str]) -> Value {
    json!({"Effect": effect, "Principal": {"AWS": principal}, "Action": actions, "Resource": "*"})
}

/// The statement that leaves everything to the policies of the account.
pub fn enable_iam() -> Value {
    for_principal("Allow", &format!("arn:aws:iam::{}:root", account()), &["kms:*"])
}

/// A key policy.
pub fn key_policy(statements: &[Value]) -> String {
    json!({"Version": "2012-10-17", "Statement": statements}).to_string()
}

/// `AccessDeniedException` in IAM's words.
pub fn denied(principal_arn: &str, action: &str, resource: &str, reason: &str) -> Refused {
    Refused {
        exception: "AccessDeniedException".to_owned(),
        message: format!(
            "User: {principal_arn} is not authorized to perform: {action} on resource: {resource}{reason}"
        ),
    }
}

/// The same where nothing in a layer, such as `identity-based policy`, allows it.
pub fn not_allowed(principal_arn: &str, action: &str, resource: &str, layer: &str) -> Refused {
    denied(principal_arn, action, resource, &format!(" because no {layer} allows the {action} action"))
}

impl Server {
    /// Puts a key policy in the name of the root user, whatever it says.
    pub async fn put_key_policy(&self, arn: &str, statements: &[Value]) {
        let policy = key_policy(statements);
        let input = json!({"KeyId": arn, "Policy": policy, "BypassPolicyLockoutSafetyCheck": true});
        self.call("PutKeyPolicy", input).await.unwrap();
    }
}
