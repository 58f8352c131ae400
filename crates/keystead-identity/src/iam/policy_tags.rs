//! Tags of managed policies: TagPolicy, UntagPolicy, ListPolicyTags.

use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::page::Page;
use super::policy_lookup::{FoundPolicy, take_policy_arn};
use super::tags::{TagKeys, Tags, one_listed};
use crate::error::IdentityError;

/// Adds tags to a policy, or replaces the values of those it has.
pub(super) async fn tag_policy(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let arn = take_policy_arn(&mut parameters, "PolicyArn")?;
    let tags = Tags::required(&mut parameters)?;
    parameters.finish()?;
    let mut context = RequestContext::default();
    tags.tell(&mut context);
    let policy = call.authorized_own_policy(arn, &context).await?;
    call.change_policy(&policy, |stored| tags.add_to(&mut stored.tags)).await?;
    Ok(None)
}

/// Removes tags from a policy.
pub(super) async fn untag_policy(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let arn = take_policy_arn(&mut parameters, "PolicyArn")?;
    let keys = TagKeys::required(&mut parameters)?;
    parameters.finish()?;
    let mut context = RequestContext::default();
    keys.tell(&mut context);
    let policy = call.authorized_own_policy(arn, &context).await?;
    call.change_policy(&policy, |stored| {
        keys.remove_from(&mut stored.tags);
        Ok(())
    })
    .await?;
    Ok(None)
}

/// Lists the tags of a policy. Those of AWS have none.
pub(super) async fn list_policy_tags(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let arn = take_policy_arn(&mut parameters, "PolicyArn")?;
    let page = Page::take(call, &mut parameters, &[&arn])?;
    parameters.finish()?;
    let policy = call.authorized_policy(arn).await?;
    let tags = match &**policy {
        FoundPolicy::Customer(policy) => Some(&policy.tags),
        FoundPolicy::Aws(_) => None,
    };
    let tags = page.of_all(tags.into_iter().flatten(), |(key, _)| key.as_str());
    let shown = |(key, value): &(&String, &String)| one_listed(key, value);
    Ok(Some(page.answer(Structure::default(), "Tags", &tags, |(key, _)| key.as_str(), shown)))
}
