//! OpenID Connect providers as operations find, authorize and change them, and what their members must be.

use async_trait::async_trait;
use keystead_core::access::{Authorized, OidcProvider, RequestConditionKeys, Resource, resource_tag};
use keystead_core::port::{Store, StoreError};
use keystead_model::arn::AccountId;
use keystead_oidc::{ISSUER_CHARACTERS_MAX, issuer_without_scheme};
use keystead_policy::ContextValue;
use keystead_query::Parameters;

use super::call::Call;
use super::names::ARN;
use super::stored::Stored;
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

/// A provider as authorization sees it.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct ProviderSubject(pub(super) OidcProvider);

impl Resource for ProviderSubject {
    fn owner(&self) -> &AccountId {
        &self.0.account
    }

    fn resource_name(&self) -> String {
        self.0.arn()
    }

    fn condition_key(&self, key: &str) -> Option<ContextValue> {
        resource_tag(key, &self.0.tags)
    }
}

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

/// For a provider that is not there.
fn not_found(arn: &str) -> IdentityError {
    IdentityError::no_such_entity(format!("OpenIDConnect Provider not found for arn {arn}"))
}

impl Call<'_> {
    /// The provider of that URL, if the caller may do the operation on it. To those who may not, one that is not there is forbidden as well.
    pub(super) async fn authorized_provider(
        &self,
        url: &str,
        keys: &RequestConditionKeys<'_>,
    ) -> Result<Authorized<ProviderSubject>, IdentityError> {
        match self.store().oidc_provider(&self.account(), url).await? {
            Some(provider) => self.authorize_on(ProviderSubject(provider), keys),
            None => {
                let arn = format!("arn:aws:iam::{}:oidc-provider/{url}", self.account());
                self.authorize_with(arn.as_str(), keys)?;
                Err(not_found(&arn))
            }
        }
    }

    /// Changes a provider.
    pub(super) async fn change_provider(
        &self,
        subject: &Authorized<ProviderSubject>,
        change: impl FnMut(&mut OidcProvider) -> Result<(), IdentityError> + Send,
    ) -> Result<(), IdentityError> {
        Ok(self.change_stored(&subject.0, change).await?.map(|_| ())?)
    }

    /// Deletes a provider.
    pub(super) async fn delete_provider(&self, subject: &Authorized<ProviderSubject>) -> Result<(), IdentityError> {
        Ok(self.delete_stored(&subject.0, |_| Ok(())).await??)
    }
}

#[async_trait]
impl Stored for OidcProvider {
    async fn again(&self, store: &dyn Store) -> Result<Self, IdentityError> {
        let stored = store.oidc_provider(&self.account, &self.url).await?;
        stored.ok_or_else(|| not_found(&self.arn()))
    }

    async fn put(&self, store: &dyn Store) -> Result<(), StoreError> {
        store.update_oidc_provider(self).await
    }

    async fn remove(&self, store: &dyn Store) -> Result<(), StoreError> {
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
