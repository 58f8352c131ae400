//! Inline policies: PutUserPolicy, GetUserPolicy, ListUserPolicies, DeleteUserPolicy, and the same of groups and roles.

use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::identity::Identity;
use super::names::POLICY_NAME;
use super::page::Page;
use super::policy_document::{PolicyText, encoded, size_of};
use crate::error::IdentityError;

/// Embeds a policy in an identity, or replaces the one of that name.
pub(super) async fn put<T: Identity>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let name = T::take_name(&mut parameters)?;
    let policy_name = POLICY_NAME.required(&mut parameters, "PolicyName")?;
    let document = PolicyText::take(&mut parameters, "PolicyDocument");
    let holder = call.authorized::<T>(&name).await?;
    let document = document?;
    parameters.finish()?;
    let (size, document) = (document.size(), document.into_text());
    call.change(&holder, |stored| {
        let inline = &mut stored.policies_mut().inline;
        let others = inline.iter().filter(|(name, _)| **name != policy_name);
        if size + others.map(|(_, document)| size_of(document)).sum::<usize>() > T::INLINE_SIZE_MAX {
            return Err(IdentityError::limit_exceeded(format!(
                "Maximum policy size of {} bytes exceeded for {} {name}",
                T::INLINE_SIZE_MAX,
                T::KIND
            )));
        }
        inline.insert(policy_name.clone(), document.clone());
        Ok(())
    })
    .await?;
    Ok(None)
}

/// Tells of an inline policy.
pub(super) async fn get<T: Identity>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let name = T::take_name(&mut parameters)?;
    let policy_name = POLICY_NAME.required(&mut parameters, "PolicyName")?;
    parameters.finish()?;
    let holder = call.authorized::<T>(&name).await?;
    let document = holder.policies().inline.get(&policy_name).ok_or_else(|| not_found::<T>(&policy_name))?;
    let answer = Structure::default()
        .with(T::NAME_MEMBER, name)
        .with("PolicyName", policy_name)
        .with("PolicyDocument", encoded(document));
    Ok(Some(answer))
}

/// Lists the names of the inline policies of an identity.
pub(super) async fn list<T: Identity>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let name = T::take_name(&mut parameters)?;
    let page = Page::take(call, &mut parameters, &[&name])?;
    parameters.finish()?;
    let holder = call.authorized::<T>(&name).await?;
    let names = page.of_all(holder.policies().inline.keys(), |name| name.as_str());
    Ok(Some(page.answer(Structure::default(), "PolicyNames", &names, |name| name.as_str(), |name| name.as_str())))
}

/// Deletes an inline policy.
pub(super) async fn delete<T: Identity>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let name = T::take_name(&mut parameters)?;
    let policy_name = POLICY_NAME.required(&mut parameters, "PolicyName")?;
    parameters.finish()?;
    let holder = call.authorized::<T>(&name).await?;
    call.change(&holder, |stored| {
        let removed = stored.policies_mut().inline.remove(&policy_name);
        removed.map(|_| ()).ok_or_else(|| not_found::<T>(&policy_name))
    })
    .await?;
    Ok(None)
}

fn not_found<T: Identity>(policy_name: &str) -> IdentityError {
    IdentityError::no_such_entity(format!("The {} policy with name {policy_name} cannot be found.", T::KIND))
}
