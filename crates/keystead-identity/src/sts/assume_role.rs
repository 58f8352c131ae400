//! AssumeRole.

use keystead_core::access::{AssumableRole, PrincipalKind};
use keystead_core::kms::Caller;
use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::credentials::{ROLE_DURATION_DEFAULT, issue, new_session, role_duration, role_session_structure};
use super::role::RoleArn;
use super::session_policies::SessionPolicies;
use super::session_tags::SessionTags;
use super::text::{EXTERNAL_ID, ROLE_DURATION, ROLE_SESSION_NAME, duration};
use crate::error::IdentityError;

const ASSUME_ROLE: &str = "sts:AssumeRole";

/// Gives a user or a session of a role a session of another role.
pub(super) async fn assume_role(
    call: &Call<'_>,
    caller: &Caller,
    mut parameters: Parameters,
) -> Result<Structure, IdentityError> {
    let role_arn = RoleArn::take(&mut parameters)?;
    let session_name = ROLE_SESSION_NAME.required(&mut parameters, "RoleSessionName")?;
    let external_id = EXTERNAL_ID.optional(&mut parameters, "ExternalId")?;
    let asked_duration = duration(&mut parameters, &ROLE_DURATION, ROLE_DURATION_DEFAULT)?;
    let policies = SessionPolicies::take(&mut parameters)?;
    let tags = SessionTags::take(&mut parameters)?;
    parameters.finish()?;
    if caller.principal.kind == PrincipalKind::Root {
        return Err(IdentityError::new("AccessDenied", 403, "Roles may not be assumed by root accounts."));
    }
    let tags = tags.inherit(caller.principal.session.as_deref())?;

    let mut context = RequestContext::default();
    context.set("sts:RoleSessionName", session_name.as_str());
    if let Some(external_id) = &external_id {
        context.set("sts:ExternalId", external_id.as_str());
    }
    tags.put_into_context(&mut context);
    // A role that is not there and one that may not be assumed look alike.
    let role = role_arn.find(call.store()).await?.ok_or_else(|| not_authorized(caller, ASSUME_ROLE, &role_arn))?;
    authorize_all(call, caller, &role, &role_arn, &tags, &context)?;

    let chained = matches!(caller.principal.kind, PrincipalKind::AssumedRole { .. });
    let seconds = role_duration(&role, asked_duration, chained)?;
    let of = role.session_principal(session_name.clone());
    let mut content = new_session(call, role.role.account, of, seconds);
    policies.put_into(&mut content, call.store(), &role.role.account).await?;
    tags.put_into(&mut content);
    let credentials = issue(call, &content)?;
    Ok(role_session_structure(&role, &content, &credentials, &session_name))
}

/// Whether the caller may assume the role, tag the session, and say who is behind it. What stays from the session that asks counts as well:
/// every role of a chain must allow it (IAM User Guide, "Monitor and control actions taken with assumed roles"; of tags it is unverified).
fn authorize_all(
    call: &Call<'_>,
    caller: &Caller,
    role: &AssumableRole,
    role_arn: &RoleArn,
    tags: &SessionTags,
    context: &RequestContext,
) -> Result<(), IdentityError> {
    let actions = [
        (ASSUME_ROLE, true),
        ("sts:TagSession", tags.tags_session()),
        ("sts:SetSourceIdentity", tags.source_identity.is_some()),
    ];
    let request = caller.access_request(call.now, context);
    for (action, needed) in actions {
        if needed && !role.allows(&request, action)? {
            return Err(not_authorized(caller, action, role_arn));
        }
    }
    Ok(())
}

fn not_authorized(caller: &Caller, action: &str, role_arn: &RoleArn) -> IdentityError {
    let (arn, role) = (&caller.principal.arn, &role_arn.text);
    let message = format!("User: {arn} is not authorized to perform: {action} on resource: {role}");
    IdentityError::new("AccessDenied", 403, message)
}
