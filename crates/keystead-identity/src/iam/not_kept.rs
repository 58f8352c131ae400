//! What nobody has here: instance profiles, aliases of accounts, passwords, MFA devices, certificates and keys for other services. Tools look for
//! them before they delete a user or a role; they find none, if they may look.

use keystead_core::access::{Role, User};
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::identity::Identity;
use super::names::{ROLE_NAME, USER_NAME};
use super::page::Page;
use super::users::{ROOT_USER_NAME, UserOrRoot, root_arn};
use crate::error::IdentityError;

/// Lists the instance profiles of a role.
pub(super) async fn list_instance_profiles_for_role(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let role_name = ROLE_NAME.required(&mut parameters, "RoleName")?;
    Page::take(call, &mut parameters, &[&role_name])?;
    parameters.finish()?;
    call.authorized::<Role>(&role_name).await?;
    Ok(none("InstanceProfiles"))
}

/// Lists the aliases of the account.
pub(super) async fn list_account_aliases(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    Page::take(call, &mut parameters, &[])?;
    parameters.finish()?;
    call.authorize("*")?;
    Ok(none("AccountAliases"))
}

/// Lists the virtual MFA devices of the account.
pub(super) async fn list_virtual_mfa_devices(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    parameters.take("AssignmentStatus");
    Page::take(call, &mut parameters, &[])?;
    parameters.finish()?;
    call.authorize("*")?;
    Ok(none("VirtualMFADevices"))
}

/// Lists the MFA devices of a user.
pub(super) async fn list_mfa_devices(
    call: &Call<'_>,
    parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    none_of_user(call, parameters, "MFADevices").await
}

/// Lists the signing certificates of a user.
pub(super) async fn list_signing_certificates(
    call: &Call<'_>,
    parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    none_of_user(call, parameters, "Certificates").await
}

/// Lists the SSH public keys of a user.
pub(super) async fn list_ssh_public_keys(
    call: &Call<'_>,
    parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    none_of_user(call, parameters, "SSHPublicKeys").await
}

/// Lists what a user has to sign in to single services with, of one service or of all.
pub(super) async fn list_service_specific_credentials(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    parameters.take("ServiceName");
    if parameters.boolean("AllUsers")? {
        Page::take(call, &mut parameters, &[])?;
        parameters.finish()?;
        call.authorize("*")?;
        return Ok(none("ServiceSpecificCredentials"));
    }
    none_of_user(call, parameters, "ServiceSpecificCredentials").await
}

/// Tells of a user's password: nobody has one, since nobody signs in to a console.
pub(super) async fn get_login_profile(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let user_name = USER_NAME.optional(&mut parameters, "UserName")?;
    parameters.finish()?;
    let user_name = authorized_user(call, user_name).await?;
    Err(IdentityError::no_such_entity(format!("Login Profile for User {user_name} cannot be found.")))
}

async fn none_of_user(
    call: &Call<'_>,
    mut parameters: Parameters,
    list: &'static str,
) -> Result<Option<Structure>, IdentityError> {
    let user_name = USER_NAME.optional(&mut parameters, "UserName")?;
    Page::take(call, &mut parameters, &[user_name.as_deref().unwrap_or(&call.caller.principal.arn)])?;
    parameters.finish()?;
    authorized_user(call, user_name).await?;
    Ok(none(list))
}

/// The name of the user, or else of the caller, if the caller may do the operation on it.
async fn authorized_user(call: &Call<'_>, user_name: Option<String>) -> Result<String, IdentityError> {
    match UserOrRoot::named(call, user_name)? {
        UserOrRoot::User(user_name) => Ok(call.authorized::<User>(&user_name).await?.name().to_owned()),
        UserOrRoot::Root => call.authorize(root_arn(call)).map(|_| ROOT_USER_NAME.to_owned()),
    }
}

/// The only page of an empty list.
fn none(list: &'static str) -> Option<Structure> {
    Some(Structure::default().with_list(list, [] as [Structure; 0]).with("IsTruncated", false))
}
