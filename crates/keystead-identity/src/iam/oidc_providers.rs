//! OpenID Connect providers: whose tokens an account takes.
//!
//! The account names the issuer here; the keys of issuers are in the server's configuration. Thumbprints are kept and shown, and trust nobody.

use std::collections::BTreeSet;

use keystead_core::access::OidcProvider;
use keystead_core::audit::iso8601;
use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::entity::Entity;
use super::oidc_lookup::{CLIENT_ID, take_provider_arn, take_thumbprints, take_url};
use super::quota;
use super::tags::{Tags, listed, with_tags};
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
    let account = call.account();
    let arn = OidcProvider::arn_of_missing(&account, &url);
    let tags = call.authorize_new::<OidcProvider>(arn, RequestContext::default(), tags)?;
    let provider = OidcProvider { account, url, client_ids, thumbprints, created: call.now, tags, revision: 0 };
    check_client_ids(&provider)?;
    call.insert(&provider).await?;
    let answer = Structure::default().with("OpenIDConnectProviderArn", provider.arn());
    Ok(Some(with_tags(answer, &provider.tags)))
}

/// Tells of a provider.
pub(super) async fn get_open_id_connect_provider(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let url = take_provider_arn(call, &mut parameters)?;
    parameters.finish()?;
    let provider = call.authorized::<OidcProvider>(&url).await?;
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
    let provider = call.authorized::<OidcProvider>(&url).await?;
    call.change(&provider, |stored| {
        stored.thumbprints.clone_from(&thumbprints);
        Ok(())
    })
    .await?;
    Ok(None)
}

/// Lets a provider's tokens have one more audience. One that it has already changes nothing.
pub(super) async fn add_client_id_to_open_id_connect_provider(
    call: &Call<'_>,
    parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    change_client_ids(call, parameters, |provider, client_id| {
        provider.client_ids.insert(client_id.to_owned());
        check_client_ids(provider)
    })
    .await
}

/// Takes an audience from a provider. One that it does not have changes nothing.
pub(super) async fn remove_client_id_from_open_id_connect_provider(
    call: &Call<'_>,
    parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    change_client_ids(call, parameters, |provider, client_id| {
        provider.client_ids.remove(client_id);
        Ok(())
    })
    .await
}

async fn change_client_ids(
    call: &Call<'_>,
    mut parameters: Parameters,
    change: fn(&mut OidcProvider, &str) -> Result<(), IdentityError>,
) -> Result<Option<Structure>, IdentityError> {
    let url = take_provider_arn(call, &mut parameters)?;
    let client_id = CLIENT_ID.required(&mut parameters, "ClientID")?;
    parameters.finish()?;
    let provider = call.authorized::<OidcProvider>(&url).await?;
    call.change(&provider, |stored| change(stored, &client_id)).await?;
    Ok(None)
}

fn check_client_ids(provider: &OidcProvider) -> Result<(), IdentityError> {
    if provider.client_ids.len() as u64 > quota::CLIENT_IDS.value {
        return Err(quota::CLIENT_IDS.exceeded());
    }
    Ok(())
}
