//! Web identity tokens: JSON Web Tokens of OpenID Connect issuers that the operator has configured, verified with the keys that the issuer
//! publishes.
//!
//! [`Issuers::verify`] tells whom a token is about. What an account makes of that (which audiences it takes, which role it gives) is not
//! decided here. No address is ever called but the `jwks_uri` that the configuration names; what a token says of itself (`jku`, `jwk`,
//! `x5u`) is not looked at.
//!
//! Source: OpenID Connect Core 1.0, section 3.1.3.7; RFC 7515, RFC 7517, RFC 7518, RFC 7519, RFC 8725.

mod algorithm;
mod claims;
mod error;
mod fetched_keys;
mod https;
mod issuer;
mod issuers;
mod key_file;
mod key_set;
mod key_source;

pub use claims::{CLOCK_SKEW_SECONDS_MAX, TOKEN_LIFETIME_SECONDS_MAX, WebIdentity};
pub use error::{SettingsError, TokenError};
pub use https::check_jwks_uri;
pub use issuer::{ISSUER_CHARACTERS_MAX, issuer_without_scheme};
pub use issuers::{IssuerSettings, Issuers, TOKEN_CHARACTERS_MAX, check_issuer};
pub use key_source::{KeySettings, RefreshPolicy};
