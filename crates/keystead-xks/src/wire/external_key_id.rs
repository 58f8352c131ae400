//! The name of a key in the external key manager.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::limits::EXTERNAL_KEY_ID_MAX_CHARS;

/// `externalKeyId` of the specification, `XksKeyId` of the KMS API: 1..=128 characters of `A-Z a-z 0-9 . _ -`.
///
/// Opaque to KMS. The alphabet never needs percent-encoding in a URI.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct ExternalKeyId(String);

/// The text is not an external key id. Does not repeat the text.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("an external key id has 1 to {EXTERNAL_KEY_ID_MAX_CHARS} characters out of A-Z, a-z, 0-9, '.', '_' and '-'")]
pub struct InvalidExternalKeyId;

impl ExternalKeyId {
    /// Checks `text`. Fails with [`InvalidExternalKeyId`] on a wrong length or character.
    pub fn new(text: impl Into<String>) -> Result<Self, InvalidExternalKeyId> {
        let text = text.into();
        let length_fits = (1..=EXTERNAL_KEY_ID_MAX_CHARS).contains(&text.len());
        if length_fits && text.bytes().all(is_allowed) { Ok(Self(text)) } else { Err(InvalidExternalKeyId) }
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'_' | b'-')
}

impl TryFrom<String> for ExternalKeyId {
    type Error = InvalidExternalKeyId;
    fn try_from(text: String) -> Result<Self, Self::Error> {
        Self::new(text)
    }
}

impl std::str::FromStr for ExternalKeyId {
    type Err = InvalidExternalKeyId;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Self::new(text)
    }
}

impl From<ExternalKeyId> for String {
    fn from(id: ExternalKeyId) -> Self {
        id.0
    }
}

impl fmt::Display for ExternalKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn takes_the_documented_alphabet_and_lengths_only() {
        let longest = "a".repeat(128);
        for good in ["a", "bb8562717f809024", "A.b_c-9", longest.as_str()] {
            assert_eq!(ExternalKeyId::new(good).unwrap().as_str(), good);
        }
        let too_long = "a".repeat(129);
        for bad in ["", "a/b", "a b", "a%20", "é", "a\n", too_long.as_str()] {
            assert_eq!(ExternalKeyId::new(bad), Err(InvalidExternalKeyId), "{bad}");
        }
    }
}
