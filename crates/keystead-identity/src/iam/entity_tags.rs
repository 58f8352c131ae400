//! Tags: TagUser, UntagUser, ListUserTags, and the same of roles, policies and OpenID Connect providers.

use std::collections::BTreeMap;

use async_trait::async_trait;
use keystead_core::access::{ManagedPolicy, OidcProvider, Role, User};
use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::entity::Entity;
use super::page::Page;
use super::policy_lookup::FoundPolicy;
use super::tags::{TagKeys, Tags, one_listed};
use crate::error::IdentityError;

/// What can have tags.
#[async_trait]
pub(super) trait Tagged: Entity {
    /// The operation that tags it.
    const TAGGING: &'static str;

    fn tags_mut(&mut self) -> &mut BTreeMap<String, String>;

    /// The tags of the one of that key, if the caller may list them.
    async fn authorized_tags(call: &Call<'_>, key: String) -> Result<BTreeMap<String, String>, IdentityError> {
        Ok(call.authorized::<Self>(&key).await?.tags().cloned().unwrap_or_default())
    }
}

#[async_trait]
impl Tagged for User {
    const TAGGING: &'static str = "TagUser";

    fn tags_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.tags
    }
}

#[async_trait]
impl Tagged for Role {
    const TAGGING: &'static str = "TagRole";

    fn tags_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.tags
    }
}

#[async_trait]
impl Tagged for OidcProvider {
    const TAGGING: &'static str = "TagOpenIDConnectProvider";

    fn tags_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.tags
    }
}

#[async_trait]
impl Tagged for ManagedPolicy {
    const TAGGING: &'static str = "TagPolicy";

    fn tags_mut(&mut self) -> &mut BTreeMap<String, String> {
        &mut self.tags
    }

    /// The policies of AWS have none, and may be asked for them.
    async fn authorized_tags(call: &Call<'_>, arn: String) -> Result<BTreeMap<String, String>, IdentityError> {
        Ok(match &**call.authorized_policy(arn).await? {
            FoundPolicy::Customer(policy) => policy.tags.clone(),
            FoundPolicy::Aws(_) => BTreeMap::new(),
        })
    }
}

/// Adds tags, or replaces the values of those that are there.
pub(super) async fn tag<T: Tagged>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let key = T::take_key(call, &mut parameters)?;
    let tags = Tags::required(&mut parameters)?;
    parameters.finish()?;
    let mut context = RequestContext::default();
    tags.tell(&mut context);
    let entity = call.authorized_with::<T>(&key, &context).await?;
    call.change(&entity, |stored| tags.add_to(stored.tags_mut())).await?;
    Ok(None)
}

/// Removes tags.
pub(super) async fn untag<T: Tagged>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let key = T::take_key(call, &mut parameters)?;
    let keys = TagKeys::required(&mut parameters)?;
    parameters.finish()?;
    let mut context = RequestContext::default();
    keys.tell(&mut context);
    let entity = call.authorized_with::<T>(&key, &context).await?;
    call.change(&entity, |stored| {
        keys.remove_from(stored.tags_mut());
        Ok(())
    })
    .await?;
    Ok(None)
}

/// Lists tags.
pub(super) async fn list<T: Tagged>(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let key = T::take_key(call, &mut parameters)?;
    let page = Page::take(call, &mut parameters, &[&key])?;
    parameters.finish()?;
    let tags = T::authorized_tags(call, key).await?;
    let tags = page.of_all(&tags, |(key, _)| key.as_str());
    let shown = |(key, value): &(&String, &String)| one_listed(key, value);
    Ok(Some(page.answer(Structure::default(), "Tags", &tags, |(key, _)| key.as_str(), shown)))
}
