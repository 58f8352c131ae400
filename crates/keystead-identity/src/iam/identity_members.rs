//! What is said in the same way of users and of roles: their permissions boundaries, and the policies that keep them from being deleted.

use keystead_core::access::{AwsManagedPolicy, customer_policy_name};
use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::identity::Identity;
use super::names::ARN;
use super::tags::with_tags;
use super::trust_policy::with_trust_policy;
use crate::error::IdentityError;

/// Takes the `PermissionsBoundary` of what is made, and tells policies of it. Whether a customer managed policy is there the store checks.
pub(super) fn take_boundary(
    call: &Call<'_>,
    parameters: &mut Parameters,
    context: &mut RequestContext,
) -> Result<Option<String>, IdentityError> {
    let Some(arn) = ARN.optional(parameters, "PermissionsBoundary")? else { return Ok(None) };
    let own = customer_policy_name(&arn).is_some_and(|(account, _)| account == call.account());
    let of_aws = AwsManagedPolicy::of_arn(&arn).is_some_and(AwsManagedPolicy::is_attachable);
    if !own && !of_aws {
        return Err(IdentityError::no_such_entity(format!("Policy {arn} does not exist or is not attachable.")));
    }
    context.set("iam:PermissionsBoundary", arn.as_str());
    Ok(Some(arn))
}

/// A permissions boundary as answers have it.
pub(super) fn boundary_shown(arn: &str) -> Structure {
    // The guide writes `Policy`, the enumeration of the model `PermissionsBoundaryPolicy`; what is answered is the former (unverified).
    Structure::default().with("PermissionsBoundaryType", "Policy").with("PermissionsBoundaryArn", arn)
}

/// A user or a role as what tells of it alone has it: with its permissions boundary and its tags. `trust_policy` is that of a role, as it is
/// shown.
pub(super) fn shown_with_tags<T: Identity>(identity: &T, trust_policy: Option<&str>) -> Structure {
    let boundary = identity.permissions_boundary().map(boundary_shown);
    let shown = with_trust_policy(identity.shown(), trust_policy).with_some("PermissionsBoundary", boundary);
    match identity.tags() {
        Some(tags) => with_tags(shown, tags),
        None => shown,
    }
}

/// Fails with `DeleteConflict` while it has policies.
pub(super) fn check_no_policies(identity: &impl Identity) -> Result<(), IdentityError> {
    let policies = identity.policies();
    if !policies.managed.is_empty() {
        return Err(IdentityError::delete_conflict("Cannot delete entity, must detach all policies first."));
    }
    if !policies.inline.is_empty() {
        return Err(IdentityError::delete_conflict("Cannot delete entity, must delete policies first."));
    }
    Ok(())
}
