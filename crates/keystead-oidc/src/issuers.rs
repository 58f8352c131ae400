//! The issuers that the operator has configured, and the way of every token through them.

use std::collections::BTreeMap;

use jsonwebtoken::dangerous::insecure_decode_claims;
use jsonwebtoken::{Algorithm, Header, Validation, decode, decode_header};
use keystead_model::Timestamp;
use serde_json::{Map, Value};

use crate::algorithm;
use crate::claims::WebIdentity;
use crate::error::{SettingsError, TokenError};
use crate::issuer::issuer_without_scheme;
use crate::key_source::{KeySettings, KeySource, RefreshPolicy};

/// The longest token, in characters (AWS STS API Reference, AssumeRoleWithWebIdentity).
pub const TOKEN_CHARACTERS_MAX: usize = 20_000;

/// One issuer of the configuration.
#[derive(Clone, Debug)]
pub struct IssuerSettings {
    /// What `iss` of its tokens is, to the letter: see [`issuer_without_scheme`].
    pub issuer: String,
    /// Where its keys are.
    pub keys: KeySettings,
}

/// All issuers of the configuration.
#[derive(Default)]
pub struct Issuers {
    issuers: BTreeMap<String, KeySource>,
}

impl Issuers {
    /// Reads every file of keys. Calls nobody.
    pub fn new(settings: Vec<IssuerSettings>, policy: RefreshPolicy) -> Result<Self, SettingsError> {
        let mut issuers = BTreeMap::new();
        for IssuerSettings { issuer, keys } in settings {
            check_issuer(&issuer)?;
            let source = KeySource::new(keys, policy)?;
            if issuers.insert(issuer.clone(), source).is_some() {
                return Err(SettingsError::Twice(issuer));
            }
        }
        Ok(Self { issuers })
    }

    /// Whether this issuer is configured.
    pub fn knows(&self, issuer: &str) -> bool {
        self.issuers.contains_key(issuer)
    }

    /// Verifies a token: that it is of an issuer of the configuration, signed with a key that the issuer publishes now, and in its time.
    /// Whom it is meant for is left to the caller: [`WebIdentity::audience_among`].
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<WebIdentity, TokenError> {
        let header = read_header(token)?;
        let issuer = claimed_issuer(token)?;
        let Some((issuer, source)) = self.issuers.get_key_value(&issuer) else {
            return Err(TokenError::invalid("The token's issuer is not configured on this server."));
        };
        let key = source.key(header.kid.as_deref(), header.alg).await?;
        let decoded = decode::<Map<String, Value>>(token, &key, &signature_alone(header.alg));
        let decoded = decoded.map_err(|_| TokenError::invalid("The token's signature does not verify."))?;
        WebIdentity::of_claims(issuer, decoded.claims, now)
    }
}

/// Whether a text can be an issuer ([`issuer_without_scheme`]).
pub fn check_issuer(text: &str) -> Result<(), SettingsError> {
    issuer_without_scheme(text).map(|_| ()).ok_or_else(|| SettingsError::Issuer(text.to_owned()))
}

fn read_header(token: &str) -> Result<Header, TokenError> {
    if token.len() > TOKEN_CHARACTERS_MAX {
        return Err(TokenError::invalid(format!("The token has more than {TOKEN_CHARACTERS_MAX} characters.")));
    }
    let header = decode_header(token).map_err(|_| {
        TokenError::invalid("The token is no JSON Web Token with a signature of a kind that is served here.")
    })?;
    if !algorithm::is_taken(header.alg) {
        return Err(TokenError::invalid("The token is signed with an algorithm that is not taken."));
    }
    // None is understood here (RFC 7515, section 4.1.11).
    if header.crit.is_some() {
        return Err(TokenError::invalid("The token has critical header parameters."));
    }
    Ok(header)
}

/// Which keys are to be asked for. Nothing else is taken from a token that is not verified.
fn claimed_issuer(token: &str) -> Result<String, TokenError> {
    let claims: Map<String, Value> =
        insecure_decode_claims(token).map_err(|_| TokenError::invalid("The token's claims are no JSON object."))?;
    match claims.get("iss") {
        Some(Value::String(issuer)) => Ok(issuer.clone()),
        _ => Err(TokenError::invalid("Missing a required claim: iss")),
    }
}

/// Claims are checked by the clock of this server's own, afterwards.
fn signature_alone(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    validation
}
