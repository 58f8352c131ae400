//! Passwords and secret keys in requests.

use std::fmt;

use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer};
use zeroize::Zeroizing;

/// A text that nobody may see: zeroed on drop, no content in `Debug`, readable from a request but never written.
pub struct SecretString(Zeroizing<String>);

impl SecretString {
    /// The text itself; the only way to it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl From<String> for SecretString {
    fn from(text: String) -> Self {
        SecretString(Zeroizing::new(text))
    }
}

impl fmt::Debug for SecretString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretString(hidden)")
    }
}

impl<'de> Deserialize<'de> for SecretString {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(SecretStringVisitor)
    }
}

struct SecretStringVisitor;

impl Visitor<'_> for SecretStringVisitor {
    type Value = SecretString;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SecretString, E> {
        Ok(SecretString::from(text.to_owned()))
    }

    fn visit_string<E: Error>(self, text: String) -> Result<SecretString, E> {
        Ok(SecretString::from(text))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn only_expose_shows_the_text() {
        let owned: SecretString = serde_json::from_value("hunter2".into()).unwrap();
        let borrowed: SecretString = serde_json::from_str("\"hunter2\"").unwrap();
        for secret in [owned, borrowed] {
            assert_eq!(secret.expose(), "hunter2");
            assert_eq!(format!("{secret:?}"), "SecretString(hidden)");
        }
    }

    #[test]
    fn a_number_is_no_secret() {
        assert!(serde_json::from_str::<SecretString>("7").is_err());
    }
}
