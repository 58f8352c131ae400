//! Managed policies of identities: AttachUserPolicy, DetachUserPolicy, ListAttachedUserPolicies, and the same of groups and roles.

use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::identity::Identity;
use super::managed_policies::POLICY_PATH;
use super::names::take_path;
use super::page::Page;
use super::policy_lookup::{FoundPolicy, take_policy_arn};
use crate::error::IdentityError;

/// Policies of the caller's account and of AWS can be attached, but for those of AWS that are for its services' own roles: for them with
/// `refusal`.
pub(super) async fn check_attachable(call: &Call<'_>, arn: &str, refusal: &str) -> Result<(), IdentityError> {
    match FoundPolicy::find(call.store(), &call.account(), arn).await? {
        Some(FoundPolicy::Aws(policy)) if !policy.is_attachable() => {
            Err(IdentityError::new("PolicyNotAttachable", 400, refusal))
        }
        Some(_) => Ok(()),
        None => {
            let message = format!("Policy {arn} does not exist or is not attachable.");
            Err(IdentityError::no_such_entity(message))
        }
    }
}

/// Attaches a managed policy to an identity. Attaching what is attached changes nothing.
pub(super) async fn attach<T: Identity>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let (name, arn, context) = take_members::<T>(&mut parameters)?;
    parameters.finish()?;
    let holder = call.authorized_with::<T>(&name, &context).await?;
    check_attachable(call, &arn, "Cannot attach a Service Role Policy to a Customer Role.").await?;
    call.change(&holder, |stored| {
        let managed = &mut stored.policies_mut().managed;
        managed.insert(arn.clone());
        if managed.len() as u64 > T::ATTACHED_MAX.value {
            return Err(T::ATTACHED_MAX.exceeded());
        }
        Ok(())
    })
    .await?;
    Ok(None)
}

/// Detaches a managed policy from an identity.
pub(super) async fn detach<T: Identity>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let (name, arn, context) = take_members::<T>(&mut parameters)?;
    parameters.finish()?;
    let holder = call.authorized_with::<T>(&name, &context).await?;
    call.change(&holder, |stored| {
        if stored.policies_mut().managed.remove(&arn) {
            return Ok(());
        }
        Err(IdentityError::no_such_entity(format!("Policy {arn} was not found.")))
    })
    .await?;
    Ok(None)
}

/// Lists the managed policies that are attached to an identity.
pub(super) async fn list<T: Identity>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let name = T::take_name(&mut parameters)?;
    let prefix = take_path(&POLICY_PATH, &mut parameters, "PathPrefix")?;
    let page = Page::take(call, &mut parameters, &[&name, &prefix])?;
    parameters.finish()?;
    let holder = call.authorized::<T>(&name).await?;
    let attached = holder.policies().managed.iter().filter(|arn| path_and_name(arn).0.starts_with(&prefix));
    let attached = page.of_all(attached, |arn| arn.as_str());
    let shown = |arn: &&String| attached_shown(arn);
    Ok(Some(page.answer(Structure::default(), "AttachedPolicies", &attached, |arn| arn.as_str(), shown)))
}

/// The holder's name, the policy's ARN, and what the two tell policies.
fn take_members<T: Identity>(parameters: &mut Parameters) -> Result<(String, String, RequestContext), IdentityError> {
    let name = T::take_name(parameters)?;
    let arn = take_policy_arn(parameters, "PolicyArn")?;
    let mut context = RequestContext::default();
    context.set("iam:PolicyARN", arn.as_str());
    Ok((name, arn, context))
}

/// An attached policy as answers have it.
pub(super) fn attached_shown(arn: &str) -> Structure {
    Structure::default().with("PolicyName", path_and_name(arn).1).with("PolicyArn", arn)
}

/// Of a policy's ARN.
fn path_and_name(arn: &str) -> (&str, &str) {
    let resource = arn.split_once(":policy").map_or("", |(_, resource)| resource);
    resource.split_at(resource.rfind('/').map_or(0, |slash| slash + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_names_of_arns() {
        assert_eq!(path_and_name("arn:aws:iam::aws:policy/A"), ("/", "A"));
        assert_eq!(path_and_name("arn:aws:iam::111122223333:policy/a/b/C"), ("/a/b/", "C"));
    }
}
