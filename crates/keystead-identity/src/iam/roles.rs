//! Roles: CreateRole, GetRole, ListRoles, UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy, DeleteRole.

use keystead_core::access::{AttachedPolicies, Role, UniqueIdKind, new_unique_id};
use keystead_core::audit::iso8601;
use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::entity::Entity;
use super::identity_members::{boundary_shown, check_no_policies, take_boundary};
use super::names::{PATH, PATH_PREFIX, ROLE_DESCRIPTION, ROLE_NAME, ROOT_PATH};
use super::page::Page;
use super::policy_document::encoded;
use super::quota;
use super::tags::{Tags, listed};
use super::trust_policy::TrustPolicy;
use crate::constraint::NumberRule;
use crate::error::IdentityError;

/// The shape `roleMaxSessionDurationType`, in seconds.
const MAX_SESSION_DURATION: NumberRule = NumberRule { min: 3600, max: 43_200 };
/// The longest session of a role that is given none, in seconds.
const DEFAULT_MAX_SESSION_DURATION: u32 = 3600;

/// Makes a role, which may do nothing yet.
pub(super) async fn create_role(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let role_name = ROLE_NAME.required(&mut parameters, "RoleName")?;
    let path = PATH.optional(&mut parameters, "Path")?.unwrap_or_else(|| ROOT_PATH.to_owned());
    let description = ROLE_DESCRIPTION.optional(&mut parameters, "Description")?.unwrap_or_default();
    let max_session_duration = take_max_session_duration(&mut parameters)?;
    let trust_policy = TrustPolicy::take(&mut parameters, "AssumeRolePolicyDocument")?;
    let mut context = RequestContext::default();
    let permissions_boundary = take_boundary(call, &mut parameters, &mut context)?;
    let tags = Tags::take(&mut parameters)?;
    parameters.finish()?;
    tags.tell(&mut context);
    call.authorize_with(call.arn_of::<Role>(&path, &role_name), &context)?;
    let trust_policy = trust_policy.checked(call).await?;
    let role = Role {
        account: call.account(),
        role_name,
        path,
        role_id: new_unique_id(UniqueIdKind::Role, call.kms.entropy()),
        created: call.now,
        description,
        trust_policy: trust_policy.text,
        trust_policy_principals: trust_policy.principals,
        max_session_duration,
        tags: tags.into_map(),
        policies: AttachedPolicies::default(),
        permissions_boundary,
        sessions_revoked_before: None,
        revision: 0,
    };
    let inserted = call.store().insert_role(&role, quota::ROLES.value).await;
    call.kms.catalog().forget_identities();
    inserted.map_err(|error| quota::ROLES.insertion_error(error, &role))?;
    Ok(Some(Structure::default().with("Role", shown_with_tags(&role))))
}

/// Tells of a role.
pub(super) async fn get_role(call: &Call<'_>, mut parameters: Parameters) -> Result<Option<Structure>, IdentityError> {
    let role_name = ROLE_NAME.required(&mut parameters, "RoleName")?;
    parameters.finish()?;
    let role = call.authorized::<Role>(&role_name).await?;
    Ok(Some(Structure::default().with("Role", shown_with_tags(&role))))
}

/// Lists the roles whose path begins with a prefix. As in AWS, without their tags and permissions boundaries.
pub(super) async fn list_roles(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let prefix = PATH_PREFIX.optional(&mut parameters, "PathPrefix")?.unwrap_or_else(|| ROOT_PATH.to_owned());
    let page = Page::take(call, &mut parameters, &[&prefix])?;
    parameters.finish()?;
    call.authorize(call.arn_of::<Role>(&prefix, ""))?;
    let roles: Vec<Role> = call.list(&page, &prefix).await?;
    Ok(Some(page.answer(Structure::default(), "Roles", &roles, Role::name, shown)))
}

/// Changes description and longest session of a role. A description that is left out stays; a longest session that is left out becomes the
/// default (IAM API Reference, UpdateRole).
pub(super) async fn update_role(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let role_name = ROLE_NAME.required(&mut parameters, "RoleName")?;
    let description = ROLE_DESCRIPTION.optional(&mut parameters, "Description")?;
    let max_session_duration = take_max_session_duration(&mut parameters)?;
    parameters.finish()?;
    let role = call.authorized::<Role>(&role_name).await?;
    call.change(&role, |role| {
        role.max_session_duration = max_session_duration;
        if let Some(description) = &description {
            role.description.clone_from(description);
        }
        Ok(())
    })
    .await?;
    Ok(Some(Structure::default()))
}

/// Changes the description of a role.
pub(super) async fn update_role_description(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let role_name = ROLE_NAME.required(&mut parameters, "RoleName")?;
    let description = ROLE_DESCRIPTION.required(&mut parameters, "Description")?;
    parameters.finish()?;
    let role = call.authorized::<Role>(&role_name).await?;
    let changed = call
        .change(&role, |role| {
            role.description.clone_from(&description);
            Ok(())
        })
        .await?;
    Ok(Some(Structure::default().with("Role", shown_with_tags(&changed))))
}

/// Changes who may assume a role.
pub(super) async fn update_assume_role_policy(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let role_name = ROLE_NAME.required(&mut parameters, "RoleName")?;
    let trust_policy = TrustPolicy::take(&mut parameters, "PolicyDocument")?;
    parameters.finish()?;
    let role = call.authorized::<Role>(&role_name).await?;
    let trust_policy = trust_policy.checked(call).await?;
    call.change(&role, |role| {
        trust_policy.put_into(role);
        Ok(())
    })
    .await?;
    Ok(None)
}

/// Deletes a role without policies. Its sessions end with it.
pub(super) async fn delete_role(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let role_name = ROLE_NAME.required(&mut parameters, "RoleName")?;
    parameters.finish()?;
    let role = call.authorized::<Role>(&role_name).await?;
    // Nothing that the store has refers to a role.
    call.delete(&role, |role: &Role| check_no_policies(role), "Cannot delete entity, others refer to it.").await?;
    Ok(None)
}

fn take_max_session_duration(parameters: &mut Parameters) -> Result<u32, IdentityError> {
    let seconds = MAX_SESSION_DURATION.optional(parameters, "MaxSessionDuration")?;
    Ok(seconds.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(DEFAULT_MAX_SESSION_DURATION))
}

/// A role as lists have it.
fn shown(role: &Role) -> Structure {
    shown_briefly(role)
        .with_some("Description", Some(role.description.as_str()).filter(|text| !text.is_empty()))
        .with("MaxSessionDuration", role.max_session_duration)
}

/// The same without description and longest session.
pub(super) fn shown_briefly(role: &Role) -> Structure {
    Structure::default()
        .with("Path", role.path.as_str())
        .with("RoleName", role.role_name.as_str())
        .with("RoleId", role.role_id.as_str())
        .with("Arn", Entity::arn(role))
        .with("CreateDate", iso8601(role.created))
        .with("AssumeRolePolicyDocument", encoded(&role.trust_policy))
}

fn shown_with_tags(role: &Role) -> Structure {
    let boundary = role.permissions_boundary.as_deref().map(boundary_shown);
    let shown = shown(role).with_some("PermissionsBoundary", boundary);
    if role.tags.is_empty() { shown } else { shown.with_list("Tags", listed(&role.tags)) }
}
