//! OpenID Connect identity providers: whose web identity tokens an account takes.

use std::collections::{BTreeMap, BTreeSet};

use keystead_model::Timestamp;
use keystead_model::arn::AccountId;

/// An OpenID Connect provider of an account. Its keys come from the server's configuration, which lists the issuers that are known at all.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct OidcProvider {
    /// The account it belongs to.
    pub account: AccountId,
    /// The issuer without `https://`: host, and path if it has one. Unique in the account.
    pub url: String,
    /// The audiences that are taken: `aud` of tokens.
    pub client_ids: BTreeSet<String>,
    /// SHA-1 thumbprints of certificates, kept and shown; the server's configuration says how an issuer is trusted.
    pub thumbprints: Vec<String>,
    /// When it was made.
    pub created: Timestamp,
    /// Keys and values.
    pub tags: BTreeMap<String, String>,
    /// Grows with each update.
    pub revision: u64,
}

impl OidcProvider {
    /// `arn:aws:iam::ACCOUNT:oidc-provider/URL`: how trust policies name it.
    pub fn arn(&self) -> String {
        format!("arn:aws:iam::{}:oidc-provider/{}", self.account, self.url)
    }
}
