//! What TagUser and TagRole have in common, and those that untag and list.

use std::collections::BTreeMap;

use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::entity::Entity;
use super::page::Page;
use super::tags::{TagKeys, Tags, one_listed};
use crate::error::IdentityError;

/// Where an entity has its tags.
type TagsOf<T> = fn(&mut T) -> &mut BTreeMap<String, String>;

pub(super) async fn add<T: Entity>(
    call: &Call<'_>,
    name: &str,
    mut parameters: Parameters,
    tags_of: TagsOf<T>,
) -> Result<Option<Structure>, IdentityError> {
    let tags = Tags::required(&mut parameters)?;
    parameters.finish()?;
    let mut context = RequestContext::default();
    tags.tell(&mut context);
    let entity = call.authorized_with::<T>(name, &context).await?;
    call.change(&entity, |stored| tags.add_to(tags_of(stored))).await?;
    Ok(None)
}

pub(super) async fn remove<T: Entity>(
    call: &Call<'_>,
    name: &str,
    mut parameters: Parameters,
    tags_of: TagsOf<T>,
) -> Result<Option<Structure>, IdentityError> {
    let keys = TagKeys::required(&mut parameters)?;
    parameters.finish()?;
    let mut context = RequestContext::default();
    keys.tell(&mut context);
    let entity = call.authorized_with::<T>(name, &context).await?;
    call.change(&entity, |stored| {
        keys.remove_from(tags_of(stored));
        Ok(())
    })
    .await?;
    Ok(None)
}

pub(super) async fn list<T: Entity>(
    call: &Call<'_>,
    name: &str,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let page = Page::take(call, &mut parameters, &[name])?;
    parameters.finish()?;
    let entity = call.authorized::<T>(name).await?;
    let tags = page.of_all(entity.tags().into_iter().flatten(), |(key, _)| key.as_str());
    let shown = |(key, value): &(&String, &String)| one_listed(key, value);
    let answer = page.answer(Structure::default(), "Tags", &tags, |(key, _)| key.as_str(), shown);
    Ok(Some(answer))
}
