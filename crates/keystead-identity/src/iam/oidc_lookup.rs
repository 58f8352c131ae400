//! OpenID Connect providers as [`Entity`], and what their members must be.

use std::borrow::Cow;
use std::collections::BTreeMap;

use async_trait::async_trait;
use keystead_core::access::OidcProvider;
use keystead_core::port::{Store, StoreError, UniqueConstraint};
use keystead_model::arn::AccountId;
use keystead_oidc::{ISSUER_CHARACTERS_MAX, issuer_without_scheme};
use keystead_query::Parameters;

use super::call::Call;
use super::entity::Entity;
use super::names::ARN;
use super::quota::{self, Quota};
use crate::constraint::TextRule;
use crate::error::IdentityError;

/// An audience (`clientIDType`).
pub(super) const CLIENT_ID: TextRule = TextRule { min: 1, max: 255, pattern: None };
/// A URL (`OpenIDConnectProviderUrlType`).
const URL: TextRule = TextRule { min: 1, max: ISSUER_CHARACTERS_MAX, pattern: None };
/// The digits of a SHA-1 hash (`thumbprintType`).
const THUMBPRINT: TextRule = TextRule { min: 40, max: 40, pattern: None };
/// How many thumbprints a provider may have (IAM API Reference, CreateOpenIDConnectProvider).
const THUMBPRINTS_MAX: usize = 5;

/// Takes the ARN of a provider of the caller's account, and gives its URL without `https://`. Fails with `InvalidInput` for what is none.
pub(super) fn take_provider_arn(call: &Call<'_>, parameters: &mut Parameters) -> Result<String, IdentityError> {
    let arn = ARN.required(parameters, "OpenIDConnectProviderArn")?;
    let url = arn.strip_prefix(&format!("arn:aws:iam::{}:oidc-provider/", call.account()));
    match url.filter(|url| !url.is_empty()) {
        Some(url) => Ok(url.to_owned()),
        None => Err(IdentityError::invalid_input(format!("Invalid ARN: {arn} is no provider of this account."))),
    }
}

/// Takes a URL, and gives it without `https://`. It must be the issuer of tokens to the letter, as the configuration has it.
pub(super) fn take_url(parameters: &mut Parameters) -> Result<String, IdentityError> {
    let url = URL.required(parameters, "Url")?;
    let issuer = issuer_without_scheme(&url).map(str::to_owned);
    issuer.ok_or_else(|| {
        IdentityError::validation(format!(
            "Invalid Open ID Connect Provider URL: {url} must begin with https:// and have a host in lower case, and no query or fragment."
        ))
    })
}

/// Takes `ThumbprintList`: hexadecimal digits.
pub(super) fn take_thumbprints(parameters: &mut Parameters) -> Result<Vec<String>, IdentityError> {
    let thumbprints = parameters.members("ThumbprintList");
    if thumbprints.len() > THUMBPRINTS_MAX {
        return Err(IdentityError::invalid_input(format!(
            "Thumbprint list must have at most {THUMBPRINTS_MAX} entries."
        )));
    }
    for (index, thumbprint) in thumbprints.iter().enumerate() {
        THUMBPRINT.check(&format!("thumbprintList.{}.member", index + 1), thumbprint)?;
        if !thumbprint.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(IdentityError::invalid_input(format!("Thumbprint {thumbprint} is not hexadecimal.")));
        }
    }
    Ok(thumbprints)
}

/// Providers, by their URLs without `https://`.
#[async_trait]
impl Entity for OidcProvider {
    const QUOTA: Quota = quota::OIDC_PROVIDERS;
    const UNIQUE: UniqueConstraint = UniqueConstraint::OidcProviderUrl;
    // Nothing that the store has refers to a provider.
    const REFERENCED: &'static str = "Cannot delete entity, others refer to it.";

    fn take_key(call: &Call<'_>, parameters: &mut Parameters) -> Result<String, IdentityError> {
        take_provider_arn(call, parameters)
    }

    fn arn_of_missing(account: &AccountId, url: &str) -> String {
        format!("arn:aws:iam::{account}:oidc-provider/{url}")
    }

    fn not_found(account: &AccountId, url: &str) -> IdentityError {
        let arn = Self::arn_of_missing(account, url);
        IdentityError::no_such_entity(format!("OpenIDConnect Provider not found for arn {arn}"))
    }

    fn account(&self) -> &AccountId {
        &self.account
    }

    fn key(&self) -> Cow<'_, str> {
        Cow::Borrowed(&self.url)
    }

    fn arn(&self) -> String {
        OidcProvider::arn(self)
    }

    fn tags(&self) -> Option<&BTreeMap<String, String>> {
        Some(&self.tags)
    }

    /// It has nothing but its URL, and so has one that was made again.
    fn is_still(&self, _stored: &Self) -> bool {
        true
    }

    fn already_exists(&self) -> IdentityError {
        IdentityError::already_exists(format!("Provider with url https://{} already exists.", self.url))
    }

    async fn read(store: &dyn Store, account: &AccountId, url: &str) -> Result<Option<Self>, StoreError> {
        store.oidc_provider(account, url).await
    }

    async fn insert(&self, store: &dyn Store, quota: u64) -> Result<(), StoreError> {
        store.insert_oidc_provider(self, quota).await
    }

    async fn update(&self, store: &dyn Store) -> Result<(), StoreError> {
        store.update_oidc_provider(self).await
    }

    async fn delete(&self, store: &dyn Store) -> Result<(), StoreError> {
        store.delete_oidc_provider(&self.account, &self.url, self.revision).await
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn urls_of_issuers() {
        for (url, taken) in [
            ("https://issuer.example.com", Some("issuer.example.com")),
            ("https://issuer.example.com/realms/a", Some("issuer.example.com/realms/a")),
            ("http://issuer.example.com", None),
            ("https://", None),
            ("https://issuer..com", None),
            ("https://issuer.example.com/", Some("issuer.example.com/")),
            ("https://issuer.example.com:8443", Some("issuer.example.com:8443")),
            ("https://Issuer.example.com", None),
            ("https://issuer.example.com/?a=b", None),
            ("https://user@issuer.example.com", None),
        ] {
            let body = format!("Url={}", url.replace('?', "%3F"));
            let read = take_url(&mut Parameters::parse(body.as_bytes()).unwrap());
            assert_eq!(read.ok().as_deref(), taken, "{url}");
        }
    }
}
