//! The words of `AccessDeniedException` (KMS core digest 4.7).

use keystead_policy::{Decision, Layer};

use super::Principal;
use crate::error::KmsError;

/// The refusal of a decision that is not to allow. A stranger hears of everything on the resource's side the same.
pub(super) fn refusal(
    principal: &Principal,
    action: &str,
    resource_name: &str,
    same_account: bool,
    decision: &Decision<'_>,
) -> KmsError {
    match decision {
        Decision::ExplicitDeny(Layer::ResourcePolicy, _) if !same_account => {
            no_resource_policy_allows(principal, action, resource_name)
        }
        Decision::ExplicitDeny(layer, _) => {
            let policy = match layer {
                Layer::IdentityPolicy => "an identity-based policy",
                Layer::ResourcePolicy => "a resource-based policy",
                Layer::PermissionsBoundary => "a permissions boundary",
                Layer::SessionPolicy => "a session policy",
            };
            access_denied(principal, action, resource_name, &format!(" with an explicit deny in {policy}"))
        }
        Decision::ImplicitDeny(layer) => {
            let policy = match layer {
                Layer::IdentityPolicy => "identity-based policy",
                Layer::ResourcePolicy => "resource-based policy",
                Layer::PermissionsBoundary => "permissions boundary",
                Layer::SessionPolicy => "session policy",
            };
            access_denied(principal, action, resource_name, &format!(" because no {policy} allows the {action} action"))
        }
        Decision::Allowed { .. } => KmsError::internal(&"an allowed action was refused"),
    }
}

/// The refusal of what is another account's. A key that it does not let the caller use and one that does not exist must look alike, so
/// `resource_name` is the name that the caller used.
pub fn no_resource_policy_allows(principal: &Principal, action: &str, resource_name: &str) -> KmsError {
    access_denied(
        principal,
        action,
        resource_name,
        &format!(" because no resource-based policy allows the {action} action"),
    )
}

/// The refusal, with its reason.
pub fn access_denied(principal: &Principal, action: &str, resource_name: &str, reason: &str) -> KmsError {
    let arn = &principal.arn;
    KmsError::access_denied(format!(
        "User: {arn} is not authorized to perform: {action} on resource: {resource_name}{reason}"
    ))
}
