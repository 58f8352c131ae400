//! The keys that an issuer publishes (RFC 7517).

use jsonwebtoken::jwk::Jwk;
use jsonwebtoken::{Algorithm, DecodingKey};
use serde_json::Value;

use crate::algorithm;

/// The most bytes of a key set.
pub(crate) const KEY_SET_BYTES_MAX: usize = 256 * 1024;
/// The most keys of one.
const KEYS_MAX: usize = 200;

/// The keys of an issuer that can verify signatures here.
#[derive(Debug)]
pub(crate) struct KeySet {
    keys: Vec<Jwk>,
}

/// Why a text is no key set.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub(crate) enum InvalidKeySet {
    #[error("it has more than {KEY_SET_BYTES_MAX} bytes")]
    TooLong,
    #[error("it is no JSON Web Key Set: a JSON object with a list \"keys\" of at most {KEYS_MAX}")]
    NoKeySet,
    #[error("it has no key for signatures of a kind that is served here")]
    NoKeys,
}

impl KeySet {
    /// Reads a key set. Keys of other kinds and for other uses are left out (RFC 7517, section 5).
    pub(crate) fn read(text: &[u8]) -> Result<Self, InvalidKeySet> {
        if text.len() > KEY_SET_BYTES_MAX {
            return Err(InvalidKeySet::TooLong);
        }
        let set: Value = serde_json::from_slice(text).map_err(|_| InvalidKeySet::NoKeySet)?;
        let keys = set["keys"].as_array().filter(|keys| keys.len() <= KEYS_MAX).ok_or(InvalidKeySet::NoKeySet)?;
        let keys = keys.iter().filter_map(|key| serde_json::from_value::<Jwk>(key.clone()).ok());
        let keys: Vec<Jwk> = keys.filter(algorithm::fits_any).collect();
        if keys.is_empty() { Err(InvalidKeySet::NoKeys) } else { Ok(Self { keys }) }
    }

    /// The key that a token names, if it fits the token's algorithm. A token that names none must be of an issuer that has but one that
    /// fits (OpenID Connect Core 1.0, section 10.1).
    pub(crate) fn key(&self, key_id: Option<&str>, algorithm: Algorithm) -> Option<DecodingKey> {
        let fitting = self.keys.iter().filter(|key| algorithm::fits(key, algorithm));
        let mut named = fitting.filter(|key| key_id.is_none() || key.common.key_id.as_deref() == key_id);
        match (named.next(), named.next()) {
            (Some(key), None) => DecodingKey::from_jwk(key).ok(),
            _ => None,
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(set: &Value) -> Result<KeySet, InvalidKeySet> {
        KeySet::read(set.to_string().as_bytes())
    }

    fn rsa(kid: &str) -> Value {
        json!({"kty": "RSA", "kid": kid, "use": "sig", "n": "AQAB", "e": "AQAB"})
    }

    #[test]
    fn what_is_no_key_set() {
        for (set, error) in [
            (json!([]), InvalidKeySet::NoKeySet),
            (json!({}), InvalidKeySet::NoKeySet),
            (json!({"keys": {}}), InvalidKeySet::NoKeySet),
            (json!({"keys": vec![rsa("a"); KEYS_MAX + 1]}), InvalidKeySet::NoKeySet),
            (json!({"keys": []}), InvalidKeySet::NoKeys),
            (json!({"keys": [{"kty": "oct", "kid": "a", "k": "c2VjcmV0"}, 1, {"kty": "RSA"}]}), InvalidKeySet::NoKeys),
            (json!({"keys": [{"kty": "RSA", "use": "enc", "n": "AQAB", "e": "AQAB"}]}), InvalidKeySet::NoKeys),
            (json!({"keys": [{"kty": "RSA", "alg": "RSA-OAEP", "n": "AQAB", "e": "AQAB"}]}), InvalidKeySet::NoKeys),
            (json!({"keys": [{"kty": "EC", "crv": "P-521", "x": "AQAB", "y": "AQAB"}]}), InvalidKeySet::NoKeys),
            (json!({"keys": [{"kty": "EC", "crv": "secp256k1", "x": "AQAB", "y": "AQAB"}]}), InvalidKeySet::NoKeys),
        ] {
            assert_eq!(read(&set).unwrap_err(), error, "{set}");
        }
        assert_eq!(KeySet::read(b"{").unwrap_err(), InvalidKeySet::NoKeySet);
        assert_eq!(KeySet::read(&vec![b' '; KEY_SET_BYTES_MAX + 1]).unwrap_err(), InvalidKeySet::TooLong);
    }

    #[test]
    fn a_key_is_found_by_its_id_and_must_fit_the_algorithm() {
        let ec = json!({"kty": "EC", "crv": "P-256", "kid": "ec", "x": "AQAB", "y": "AQAB"});
        let pinned = json!({"kty": "RSA", "kid": "pinned", "alg": "PS256", "n": "AQAB", "e": "AQAB"});
        let set = read(&json!({"keys": [rsa("a"), rsa("b"), ec, pinned, rsa("twice"), rsa("twice")]})).unwrap();
        for (key_id, algorithm, found) in [
            (Some("a"), Algorithm::RS256, true),
            (Some("b"), Algorithm::PS512, true),
            (Some("c"), Algorithm::RS256, false),
            (Some("A"), Algorithm::RS256, false),
            (Some("a"), Algorithm::ES256, false),
            (Some("a"), Algorithm::HS256, false),
            (Some("ec"), Algorithm::ES256, true),
            (Some("ec"), Algorithm::ES384, false),
            (Some("ec"), Algorithm::EdDSA, false),
            (Some("pinned"), Algorithm::PS256, true),
            (Some("pinned"), Algorithm::RS256, false),
            (Some("twice"), Algorithm::RS256, false),
            (None, Algorithm::ES256, true),
            (None, Algorithm::RS256, false),
        ] {
            assert_eq!(set.key(key_id, algorithm).is_some(), found, "{key_id:?}, {algorithm:?}");
        }
    }
}
