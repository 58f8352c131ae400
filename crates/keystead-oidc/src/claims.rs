//! What a token claims, once its signature is verified.

use std::collections::BTreeSet;

use keystead_model::Timestamp;
use serde_json::{Map, Value};

use crate::error::TokenError;

/// How far the clocks of an issuer and of this server may be apart.
pub const CLOCK_SKEW_SECONDS_MAX: i64 = 60;
/// The longest time from `iat` to `exp`. AWS does not say whether it has a limit (unverified).
pub const TOKEN_LIFETIME_SECONDS_MAX: i64 = 24 * 60 * 60;
/// The longest `sub`, in characters (AWS STS API Reference, AssumeRoleWithWebIdentity).
const SUBJECT_CHARACTERS_MAX: usize = 255;

/// Whom a token is about, as its issuer says.
#[derive(Clone, PartialEq, Debug)]
pub struct WebIdentity {
    /// The issuer, with `https://`.
    pub issuer: String,
    /// `sub`.
    pub subject: String,
    /// `aud`: whom the token is meant for.
    pub audiences: Vec<String>,
    /// `azp`: for whom it was made, if it says so.
    pub authorized_party: Option<String>,
    /// All claims.
    pub claims: Map<String, Value>,
}

impl WebIdentity {
    /// Takes the claims of a token of `issuer` whose signature is verified.
    pub(crate) fn of_claims(issuer: &str, claims: Map<String, Value>, now: Timestamp) -> Result<Self, TokenError> {
        if claims.get("iss").and_then(Value::as_str) != Some(issuer) {
            return Err(TokenError::invalid("The token is not of this issuer."));
        }
        check_times(&claims, now)?;
        let subject = claims.get("sub").and_then(Value::as_str);
        let subject = subject.filter(|subject| (1..=SUBJECT_CHARACTERS_MAX).contains(&subject.chars().count()));
        let subject = subject.ok_or_else(|| {
            TokenError::rejected(format!("The claim sub must be a text of 1 to {SUBJECT_CHARACTERS_MAX} characters."))
        })?;
        let authorized_party = match claims.get("azp") {
            None => None,
            Some(Value::String(party)) => Some(party.clone()),
            Some(_) => return Err(TokenError::rejected("The claim azp must be a text.")),
        };
        Ok(Self {
            issuer: issuer.to_owned(),
            subject: subject.to_owned(),
            audiences: audiences(&claims)?,
            authorized_party,
            claims,
        })
    }

    /// The audience that is among `client_ids`. If the token says for whom it was made, that must be among them as well, and is what counts
    /// (IAM User Guide, "Available keys for AWS OIDC federation").
    pub fn audience_among(&self, client_ids: &BTreeSet<String>) -> Option<&str> {
        let audience = self.audiences.iter().find(|audience| client_ids.contains(*audience))?;
        match &self.authorized_party {
            None => Some(audience),
            Some(party) => client_ids.contains(party).then_some(party.as_str()),
        }
    }

    /// The values of a claim that is a text, or a list of texts.
    pub fn texts(&self, claim: &str) -> Option<Vec<String>> {
        texts(self.claims.get(claim)?)
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(text) => Some(vec![text.clone()]),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

fn audiences(claims: &Map<String, Value>) -> Result<Vec<String>, TokenError> {
    let missing = || TokenError::invalid("Missing a required claim: aud");
    let audiences = texts(claims.get("aud").ok_or_else(missing)?).filter(|audiences| !audiences.is_empty());
    audiences.ok_or_else(|| TokenError::invalid("The claim aud must be a text, or a list of texts."))
}

fn check_times(claims: &Map<String, Value>, now: Timestamp) -> Result<(), TokenError> {
    let now = now.millis().div_euclid(1000);
    let missing = |claim: &str| TokenError::invalid(format!("Missing a required claim: {claim}"));
    let expires = seconds(claims, "exp")?.ok_or_else(|| missing("exp"))?;
    let issued = seconds(claims, "iat")?.ok_or_else(|| missing("iat"))?;
    let not_before = seconds(claims, "nbf")?;
    if now >= expires.saturating_add(CLOCK_SKEW_SECONDS_MAX) {
        return Err(TokenError::Expired);
    }
    let latest = now.saturating_add(CLOCK_SKEW_SECONDS_MAX);
    if issued > latest || not_before.is_some_and(|not_before| not_before > latest) {
        return Err(TokenError::invalid("The token is not valid yet: its iat or nbf is in the future."));
    }
    if expires.saturating_sub(issued) > TOKEN_LIFETIME_SECONDS_MAX {
        return Err(TokenError::rejected(format!(
            "The token is valid for longer than {TOKEN_LIFETIME_SECONDS_MAX} seconds, from its iat to its exp."
        )));
    }
    Ok(())
}

/// A `NumericDate` (RFC 7519): seconds since the epoch, which may have a fraction.
fn seconds(claims: &Map<String, Value>, claim: &str) -> Result<Option<i64>, TokenError> {
    let Some(value) = claims.get(claim) else { return Ok(None) };
    let date = value.as_f64().and_then(Timestamp::from_epoch_seconds);
    let date = date.ok_or_else(|| TokenError::invalid(format!("The claim {claim} must be a number of seconds.")))?;
    Ok(Some(date.millis().div_euclid(1000)))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: i64 = 1_700_000_000;

    fn claims(change: &[(&str, Value)]) -> Map<String, Value> {
        let mut claims =
            json!({"iss": "https://id.example.com", "sub": "alice", "aud": "kms", "iat": NOW, "exp": NOW + 600});
        let claims = claims.as_object_mut().unwrap();
        for (claim, value) in change {
            if value.is_null() {
                claims.remove(*claim)
            } else {
                claims.insert((*claim).to_owned(), value.clone())
            };
        }
        claims.clone()
    }

    fn read(change: &[(&str, Value)]) -> Result<WebIdentity, TokenError> {
        WebIdentity::of_claims("https://id.example.com", claims(change), Timestamp::from_millis(NOW * 1000))
    }

    #[test]
    fn times_have_some_leeway_and_no_more() {
        let skew = CLOCK_SKEW_SECONDS_MAX;
        let longest = TOKEN_LIFETIME_SECONDS_MAX;
        for (change, taken) in [
            (vec![], true),
            (vec![("exp", json!(NOW - skew + 1)), ("iat", json!(NOW - 600))], true),
            (vec![("exp", json!(NOW - skew)), ("iat", json!(NOW - 600))], false),
            (vec![("iat", json!(NOW + skew))], true),
            (vec![("iat", json!(NOW + skew + 1))], false),
            (vec![("nbf", json!(NOW + skew))], true),
            (vec![("nbf", json!(NOW + skew + 1))], false),
            (vec![("exp", json!(NOW + longest))], true),
            (vec![("exp", json!(NOW + longest + 1))], false),
            (vec![("exp", json!(NOW as f64 + 600.5))], true),
            (vec![("exp", json!((NOW + 600).to_string()))], false),
            (vec![("exp", json!(1e300))], false),
            (vec![("exp", Value::Null)], false),
            (vec![("iat", Value::Null)], false),
            (vec![("nbf", json!("now"))], false),
        ] {
            assert_eq!(read(&change).is_ok(), taken, "{change:?}");
        }
        assert_eq!(read(&[("exp", json!(NOW - 3600))]).unwrap_err(), TokenError::Expired);
    }

    #[test]
    fn the_other_claims() {
        for (change, taken) in [
            (("iss", json!("https://id.example.com/")), false),
            (("iss", Value::Null), false),
            (("sub", Value::Null), false),
            (("sub", json!("")), false),
            (("sub", json!("x".repeat(SUBJECT_CHARACTERS_MAX))), true),
            (("sub", json!("x".repeat(SUBJECT_CHARACTERS_MAX + 1))), false),
            (("sub", json!(1)), false),
            (("aud", Value::Null), false),
            (("aud", json!([])), false),
            (("aud", json!(["kms", 1])), false),
            (("aud", json!(["kms", "other"])), true),
            (("azp", json!(1)), false),
        ] {
            assert_eq!(read(std::slice::from_ref(&change)).is_ok(), taken, "{change:?}");
        }
    }

    #[test]
    fn the_audience_is_among_the_client_ids() {
        let ids = |ids: &[&str]| ids.iter().map(|id| (*id).to_owned()).collect::<BTreeSet<_>>();
        let two = [("aud", json!(["web", "kms"]))];
        assert_eq!(read(&two).unwrap().audience_among(&ids(&["kms"])), Some("kms"));
        assert_eq!(read(&two).unwrap().audience_among(&ids(&["KMS"])), None);
        assert_eq!(read(&two).unwrap().audience_among(&ids(&[])), None);
        let with_party = [("aud", json!("kms")), ("azp", json!("app"))];
        assert_eq!(read(&with_party).unwrap().audience_among(&ids(&["kms"])), None);
        assert_eq!(read(&with_party).unwrap().audience_among(&ids(&["app"])), None);
        assert_eq!(read(&with_party).unwrap().audience_among(&ids(&["app", "kms"])), Some("app"));
    }
}
