//! Access keys: the public identifier and the secret it stands for.

use std::fmt;

use aws_lc_rs::constant_time::verify_slices_are_equal;
use zeroize::Zeroizing;

/// Names a secret access key; not secret itself.
///
/// IAM's are 16..=128 characters, XKS proxies' 20..=30 of `[A-Z2-7]`. Whoever stores one checks its form; here any text
/// is taken, so that an unknown identifier is answered as unknown.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct AccessKeyId(String);

impl AccessKeyId {
    /// Takes the identifier as it stands.
    pub fn new(id: impl Into<String>) -> Self {
        Self(id.into())
    }

    /// The identifier as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AccessKeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A secret access key, used verbatim as UTF-8 bytes. Zeroed on drop; `Debug` hides it; compares in constant time.
#[derive(Clone)]
pub struct SecretAccessKey(Zeroizing<String>);

impl SecretAccessKey {
    /// Takes the secret as it stands; an owned `String` is moved in, so no copy is left behind.
    pub fn new(secret: impl Into<String>) -> Self {
        Self(Zeroizing::new(secret.into()))
    }

    /// The secret itself: the only way in.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl PartialEq for SecretAccessKey {
    fn eq(&self, other: &Self) -> bool {
        verify_slices_are_equal(self.0.as_bytes(), other.0.as_bytes()).is_ok()
    }
}

impl Eq for SecretAccessKey {}

impl fmt::Debug for SecretAccessKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretAccessKey(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_hides_the_secret() {
        assert_eq!(format!("{:?}", SecretAccessKey::new("hush")), "SecretAccessKey(..)");
    }

    #[test]
    fn secrets_compare_by_content() {
        let secret = SecretAccessKey::new("hush");
        assert_eq!(secret, secret.clone());
        for other in ["husk", "hus", "hush!", ""] {
            assert_ne!(secret, SecretAccessKey::new(other));
        }
    }

    #[test]
    fn an_access_key_id_is_shown_as_it_is() {
        let id = AccessKeyId::new("AKIDEXAMPLE");
        assert_eq!((id.as_str(), id.to_string().as_str()), ("AKIDEXAMPLE", "AKIDEXAMPLE"));
    }
}
