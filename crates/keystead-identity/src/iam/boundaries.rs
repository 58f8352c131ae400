//! Permissions boundaries: PutUserPermissionsBoundary, DeleteUserPermissionsBoundary, and the same of roles.

use keystead_core::access::{Role, User};
use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::policy_holder::{Holder, for_holders};
use super::policy_lookup::{FoundPolicy, take_policy_arn};
use crate::error::IdentityError;

for_holders! {
    /// Sets the permissions boundary of a user.
    put_user_permissions_boundary => put::<User>;
    /// Sets the permissions boundary of a role.
    put_role_permissions_boundary => put::<Role>;
    /// Takes the permissions boundary from a user.
    delete_user_permissions_boundary => delete::<User>;
    /// Takes the permissions boundary from a role.
    delete_role_permissions_boundary => delete::<Role>;
}

/// A user or a role: groups have no permissions boundary.
trait Bounded: Holder {
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

/// Policies are told of the new boundary; `iam:PermissionsBoundary`.
async fn put<T: Bounded>(call: &Call<'_>, mut parameters: Parameters) -> Result<Option<Structure>, IdentityError> {
    let name = T::take_name(&mut parameters)?;
    let arn = take_policy_arn(&mut parameters, "PermissionsBoundary")?;
    parameters.finish()?;
    let mut context = RequestContext::default();
    context.set("iam:PermissionsBoundary", arn.as_str());
    let holder = call.authorized_with::<T>(&name, &context).await?;
    match FoundPolicy::find(call.store(), &call.account(), &arn).await? {
        Some(FoundPolicy::Aws(policy)) if !policy.is_attachable() => return Err(not_attachable(&arn)),
        Some(_) => {}
        None => {
            let message = format!("Policy {arn} does not exist or is not attachable.");
            return Err(IdentityError::no_such_entity(message));
        }
    }
    call.change(&holder, |stored| {
        *stored.boundary_mut() = Some(arn.clone());
        Ok(())
    })
    .await?;
    Ok(None)
}

/// Taking away what is not there changes nothing (unverified).
async fn delete<T: Bounded>(call: &Call<'_>, mut parameters: Parameters) -> Result<Option<Structure>, IdentityError> {
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

/// The text is unverified.
fn not_attachable(arn: &str) -> IdentityError {
    IdentityError::new("PolicyNotAttachable", 400, format!("Policy {arn} cannot be a permissions boundary."))
}
