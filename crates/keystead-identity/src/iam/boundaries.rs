//! Permissions boundaries: PutUserPermissionsBoundary, DeleteUserPermissionsBoundary, and the same of roles.

use keystead_core::access::{Role, User};
use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::attached_policies::check_attachable;
use super::call::Call;
use super::identity::Identity;
use super::policy_lookup::take_policy_arn;
use crate::error::IdentityError;

/// A user or a role: groups have no permissions boundary.
pub(super) trait Bounded: Identity {
    fn boundary_mut(&mut self) -> &mut Option<String>;
}

impl Bounded for User {
    fn boundary_mut(&mut self) -> &mut Option<String> {
        &mut self.permissions_boundary
    }
}

impl Bounded for Role {
    fn boundary_mut(&mut self) -> &mut Option<String> {
        &mut self.permissions_boundary
    }
}

/// Sets the permissions boundary of a user or a role. Policies are told of the new one: `iam:PermissionsBoundary`.
pub(super) async fn put<T: Bounded>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let name = T::take_name(&mut parameters)?;
    let arn = take_policy_arn(&mut parameters, "PermissionsBoundary")?;
    parameters.finish()?;
    let mut context = RequestContext::default();
    context.set("iam:PermissionsBoundary", arn.as_str());
    let holder = call.authorized_with::<T>(&name, &context).await?;
    // The text is unverified.
    let refusal = format!("Policy {arn} cannot be a permissions boundary.");
    check_attachable(call, &arn, &refusal).await?;
    call.change(&holder, |stored| {
        *stored.boundary_mut() = Some(arn.clone());
        Ok(())
    })
    .await?;
    Ok(None)
}

/// Takes away the permissions boundary of a user or a role. Taking away what is not there changes nothing (unverified).
pub(super) async fn delete<T: Bounded>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let name = T::take_name(&mut parameters)?;
    parameters.finish()?;
    let holder = call.authorized::<T>(&name).await?;
    call.change(&holder, |stored| {
        *stored.boundary_mut() = None;
        Ok(())
    })
    .await?;
    Ok(None)
}
