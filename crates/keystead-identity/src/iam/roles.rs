//! Roles: CreateRole, GetRole, UpdateRole, UpdateRoleDescription, UpdateAssumeRolePolicy.

use keystead_core::access::{AttachedPolicies, Role, UniqueIdKind, new_unique_id};
use keystead_core::operation::GonePrincipals;
use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::identity::{Identity, described};
use super::identity_members::{shown_with_tags, take_boundary};
use super::names::{PATH, ROLE_DESCRIPTION, ROLE_NAME, take_path};
use super::tags::Tags;
use super::trust_policy::{TrustPolicy, shown_trust_policy};
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
    let path = take_path(&PATH, &mut parameters, "Path")?;
    let description = ROLE_DESCRIPTION.optional(&mut parameters, "Description")?.unwrap_or_default();
    let max_session_duration = take_max_session_duration(&mut parameters)?;
    let trust_policy = TrustPolicy::take(&mut parameters, "AssumeRolePolicyDocument")?;
    let mut context = RequestContext::default();
    let permissions_boundary = take_boundary(call, &mut parameters, &mut context)?;
    let tags = Tags::take(&mut parameters)?;
    parameters.finish()?;
    let tags = call.authorize_new::<Role>(Role::arn_of(&call.account(), &path, &role_name), context, tags)?;
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
        tags,
        policies: AttachedPolicies::default(),
        permissions_boundary,
        sessions_revoked_before: None,
        revision: 0,
    };
    call.insert(&role).await?;
    // All whom it names were found just now.
    let shown = shown_with_tags(&role, Some(&role.trust_policy));
    Ok(Some(Structure::default().with("Role", shown)))
}

/// Tells of a role.
pub(super) async fn get_role(call: &Call<'_>, mut parameters: Parameters) -> Result<Option<Structure>, IdentityError> {
    let role_name = ROLE_NAME.required(&mut parameters, "RoleName")?;
    parameters.finish()?;
    let role = call.authorized::<Role>(&role_name).await?;
    let trust_policy = shown_trust_policy::<Role>(&mut GonePrincipals::new(call.kms), &role).await?;
    Ok(Some(Structure::default().with("Role", shown_with_tags::<Role>(&role, trust_policy.as_deref()))))
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
    // Before the change: when it is made, nothing may fail any more. So a trust policy that somebody else puts meanwhile is not shown yet.
    let trust_policy = shown_trust_policy::<Role>(&mut GonePrincipals::new(call.kms), &role).await?;
    let changed = call
        .change(&role, |role| {
            role.description.clone_from(&description);
            Ok(())
        })
        .await?;
    Ok(Some(Structure::default().with("Role", shown_with_tags(&changed, trust_policy.as_deref()))))
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

fn take_max_session_duration(parameters: &mut Parameters) -> Result<u32, IdentityError> {
    let seconds = MAX_SESSION_DURATION.optional(parameters, "MaxSessionDuration")?;
    Ok(seconds.and_then(|seconds| u32::try_from(seconds).ok()).unwrap_or(DEFAULT_MAX_SESSION_DURATION))
}

/// A role as lists have it, but for its trust policy.
pub(super) fn shown(role: &Role) -> Structure {
    described(role)
        .with_some("Description", Some(role.description.as_str()).filter(|text| !text.is_empty()))
        .with("MaxSessionDuration", role.max_session_duration)
}
