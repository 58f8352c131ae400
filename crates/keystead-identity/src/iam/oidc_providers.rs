//! OpenID Connect providers: whose tokens an account takes.
//!
//! The account names the issuer here; the keys of issuers are in the server's configuration. Thumbprints are kept and shown, and trust nobody.

use std::collections::BTreeSet;

use keystead_core::access::{NoConditionKeys, OidcProvider};
use keystead_core::audit::iso8601;
use keystead_core::port::{StoreError, UniqueConstraint};
use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::oidc_lookup::{CLIENT_ID, take_provider_arn, take_thumbprints, take_url};
use super::page::Page;
use super::quota;
use super::tags::{TagKeys, Tags, listed, one_listed};
use crate::error::IdentityError;

/// Makes a provider of the caller's account.
pub(super) async fn create_open_id_connect_provider(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let url = take_url(&mut parameters)?;
    let client_ids = parameters.members("ClientIDList");
    for (index, client_id) in client_ids.iter().enumerate() {
        CLIENT_ID.check(&format!("clientIDList.{}.member", index + 1), client_id)?;
    }
    let client_ids: BTreeSet<String> = client_ids.into_iter().collect();
    let thumbprints = take_thumbprints(&mut parameters)?;
    let tags = Tags::take(&mut parameters)?;
    parameters.finish()?;
    let mut context = RequestContext::default();
    tags.tell(&mut context);
    let account = call.account();
    let tags = tags.into_map();
    let provider = OidcProvider { account, url, client_ids, thumbprints, created: call.now, tags, revision: 0 };
    call.authorize_with(provider.arn(), &context)?;
    check_client_ids(&provider)?;
    let inserted = call.store().insert_oidc_provider(&provider, quota::OIDC_PROVIDERS.value).await;
    call.kms.catalog().forget_identities();
    inserted.map_err(|error| match error {
        StoreError::QuotaExceeded { .. } => quota::OIDC_PROVIDERS.exceeded(),
        StoreError::Duplicate(UniqueConstraint::OidcProviderUrl) => {
            IdentityError::already_exists(format!("Provider with url https://{} already exists.", provider.url))
        }
        error => error.into(),
    })?;
    let answer = Structure::default().with("OpenIDConnectProviderArn", provider.arn());
    Ok(Some(if provider.tags.is_empty() { answer } else { answer.with_list("Tags", listed(&provider.tags)) }))
}

/// Tells of a provider.
pub(super) async fn get_open_id_connect_provider(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let url = take_provider_arn(call, &mut parameters)?;
    parameters.finish()?;
    let provider = &call.authorized_provider(&url, &NoConditionKeys).await?.0;
    // Without `https://`, as AWS shows it.
    let answer = Structure::default()
        .with("Url", provider.url.as_str())
        .with_list("ClientIDList", provider.client_ids.iter().map(String::as_str))
        .with_list("ThumbprintList", provider.thumbprints.iter().map(String::as_str))
        .with("CreateDate", iso8601(provider.created))
        .with_list("Tags", listed(&provider.tags));
    Ok(Some(answer))
}

/// Lists all providers of the caller's account.
pub(super) async fn list_open_id_connect_providers(
    call: &Call<'_>,
    parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    parameters.finish()?;
    call.authorize("*")?;
    let providers = call.store().oidc_providers(&call.account()).await?;
    let providers = providers.iter().map(|provider| Structure::default().with("Arn", provider.arn()));
    Ok(Some(Structure::default().with_list("OpenIDConnectProviderList", providers)))
}

/// Deletes a provider. Roles that trust it stay, and nobody can assume them through it.
pub(super) async fn delete_open_id_connect_provider(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let url = take_provider_arn(call, &mut parameters)?;
    parameters.finish()?;
    let provider = call.authorized_provider(&url, &NoConditionKeys).await?;
    call.delete_provider(&provider).await?;
    Ok(None)
}

/// Replaces the thumbprints of a provider.
pub(super) async fn update_open_id_connect_provider_thumbprint(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let url = take_provider_arn(call, &mut parameters)?;
    let thumbprints = take_thumbprints(&mut parameters)?;
    if thumbprints.is_empty() {
        return Err(parameters.missing("ThumbprintList").into());
    }
    parameters.finish()?;
    let provider = call.authorized_provider(&url, &NoConditionKeys).await?;
    call.change_provider(&provider, |stored| {
        stored.thumbprints = thumbprints.clone();
        Ok(())
    })
    .await?;
    Ok(None)
}

/// Lets a provider's tokens have one more audience. One that it has already changes nothing.
pub(super) async fn add_client_id_to_open_id_connect_provider(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let url = take_provider_arn(call, &mut parameters)?;
    let client_id = CLIENT_ID.required(&mut parameters, "ClientID")?;
    parameters.finish()?;
    let provider = call.authorized_provider(&url, &NoConditionKeys).await?;
    call.change_provider(&provider, |stored| {
        stored.client_ids.insert(client_id.clone());
        check_client_ids(stored)
    })
    .await?;
    Ok(None)
}

/// Takes an audience from a provider. One that it does not have changes nothing.
pub(super) async fn remove_client_id_from_open_id_connect_provider(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let url = take_provider_arn(call, &mut parameters)?;
    let client_id = CLIENT_ID.required(&mut parameters, "ClientID")?;
    parameters.finish()?;
    let provider = call.authorized_provider(&url, &NoConditionKeys).await?;
    call.change_provider(&provider, |stored| {
        stored.client_ids.remove(&client_id);
        Ok(())
    })
    .await?;
    Ok(None)
}

/// Adds tags to a provider, or replaces the values of those it has.
pub(super) async fn tag_open_id_connect_provider(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let url = take_provider_arn(call, &mut parameters)?;
    let tags = Tags::required(&mut parameters)?;
    parameters.finish()?;
    let mut context = RequestContext::default();
    tags.tell(&mut context);
    let provider = call.authorized_provider(&url, &context).await?;
    call.change_provider(&provider, |stored| tags.add_to(&mut stored.tags)).await?;
    Ok(None)
}

/// Removes tags from a provider.
pub(super) async fn untag_open_id_connect_provider(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let url = take_provider_arn(call, &mut parameters)?;
    let keys = TagKeys::required(&mut parameters)?;
    parameters.finish()?;
    let mut context = RequestContext::default();
    keys.tell(&mut context);
    let provider = call.authorized_provider(&url, &context).await?;
    call.change_provider(&provider, |stored| {
        keys.remove_from(&mut stored.tags);
        Ok(())
    })
    .await?;
    Ok(None)
}

/// Lists the tags of a provider.
pub(super) async fn list_open_id_connect_provider_tags(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let url = take_provider_arn(call, &mut parameters)?;
    let page = Page::take(call, &mut parameters, &[&url])?;
    parameters.finish()?;
    let provider = call.authorized_provider(&url, &NoConditionKeys).await?;
    let tags = page.of_all(&provider.0.tags, |(key, _)| key.as_str());
    let shown = |(key, value): &(&String, &String)| one_listed(key, value);
    Ok(Some(page.answer(Structure::default(), "Tags", &tags, |(key, _)| key.as_str(), shown)))
}

fn check_client_ids(provider: &OidcProvider) -> Result<(), IdentityError> {
    if provider.client_ids.len() as u64 > quota::CLIENT_IDS.value {
        return Err(quota::CLIENT_IDS.exceeded());
    }
    Ok(())
}
