//! HMAC keys (RFC 2104, FIPS 198-1).

use std::ops::RangeInclusive;

use aws_lc_rs::hmac;
use keystead_model::kms::KeySpec;
use zeroize::Zeroizing;

/// Why bytes are no HMAC key.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidHmacKey {
    /// The key spec is none of an HMAC key.
    #[error("{0} is no key spec of an HMAC key")]
    UnsupportedKeySpec(KeySpec),
    /// Too few or too many bytes.
    #[error("an HMAC key of this key spec has {} to {} bytes", allowed.start(), allowed.end())]
    WrongLength {
        /// The lengths that are taken, in bytes.
        allowed: RangeInclusive<usize>,
    },
}

/// An HMAC key: its bytes, and ready for use.
pub struct HmacKey {
    spec: KeySpec,
    bytes: Zeroizing<Vec<u8>>,
    key: hmac::Key,
}

impl HmacKey {
    /// Makes a key of the key spec's own length from random bytes, which `fill` gives. Fails only for a key spec of another kind.
    pub fn generate(spec: KeySpec, fill: impl FnOnce(&mut [u8])) -> Result<Self, InvalidHmacKey> {
        let length = hmac_key_bytes(spec).ok_or(InvalidHmacKey::UnsupportedKeySpec(spec))?;
        let mut bytes = Zeroizing::new(vec![0; length]);
        fill(&mut bytes);
        Self::from_bytes(spec, bytes)
    }

    /// Takes key material of a length that [`hmac_key_bytes_allowed`] names.
    pub fn from_bytes(spec: KeySpec, bytes: Zeroizing<Vec<u8>>) -> Result<Self, InvalidHmacKey> {
        let algorithm = algorithm(spec).ok_or(InvalidHmacKey::UnsupportedKeySpec(spec))?;
        let allowed = hmac_key_bytes_allowed(spec).ok_or(InvalidHmacKey::UnsupportedKeySpec(spec))?;
        if !allowed.contains(&bytes.len()) {
            return Err(InvalidHmacKey::WrongLength { allowed });
        }
        let key = hmac::Key::new(algorithm, &bytes);
        Ok(Self { spec, bytes, key })
    }

    /// The key spec.
    pub fn spec(&self) -> KeySpec {
        self.spec
    }

    /// The HMAC tag of `message`, whole: 28, 32, 48 or 64 bytes.
    pub fn mac(&self, message: &[u8]) -> Vec<u8> {
        hmac::sign(&self.key, message).as_ref().to_vec()
    }

    /// Whether `mac` is the whole tag of `message`. Takes the same time wherever they differ.
    pub fn verify(&self, message: &[u8], mac: &[u8]) -> bool {
        hmac::verify(&self.key, message, mac).is_ok()
    }

    /// The key material.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }
}

fn algorithm(spec: KeySpec) -> Option<hmac::Algorithm> {
    match spec {
        KeySpec::Hmac224 => Some(hmac::HMAC_SHA224),
        KeySpec::Hmac256 => Some(hmac::HMAC_SHA256),
        KeySpec::Hmac384 => Some(hmac::HMAC_SHA384),
        KeySpec::Hmac512 => Some(hmac::HMAC_SHA512),
        _ => None,
    }
}

/// Length in bytes of generated key material: that of the tag. `None` for key specs of another kind.
pub fn hmac_key_bytes(spec: KeySpec) -> Option<usize> {
    algorithm(spec).map(|algorithm| algorithm.tag_len())
}

/// Lengths in bytes of key material that may be imported: from the tag's length to the hash's block.
///
/// That the key spec's own length is taken is sure; the upper bounds are unverified.
pub fn hmac_key_bytes_allowed(spec: KeySpec) -> Option<RangeInclusive<usize>> {
    match spec {
        KeySpec::Hmac224 => Some(28..=64),
        KeySpec::Hmac256 => Some(32..=64),
        KeySpec::Hmac384 => Some(48..=128),
        KeySpec::Hmac512 => Some(64..=128),
        _ => None,
    }
}
