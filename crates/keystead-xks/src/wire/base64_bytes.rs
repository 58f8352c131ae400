//! Bytes that travel as base64: the standard alphabet with padding (RFC 4648 section 4).

use std::fmt;
use std::ops::Deref;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Deserialize, Deserializer, Unexpected, Visitor};
use serde::ser::{Serialize, Serializer};
use zeroize::Zeroizing;

/// Public bytes: ciphertext, AAD, tags. `Debug` shows the length alone, to keep logs short.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub struct Base64Bytes(Vec<u8>);

impl Base64Bytes {
    /// The bytes, by value.
    pub fn into_vec(self) -> Vec<u8> {
        self.0
    }
}

impl From<Vec<u8>> for Base64Bytes {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for Base64Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(bytes.to_vec())
    }
}

impl Deref for Base64Bytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Base64Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Base64Bytes({} bytes)", self.0.len())
    }
}

impl Serialize for Base64Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&base64::display::Base64Display::new(&self.0, &STANDARD))
    }
}

impl<'de> Deserialize<'de> for Base64Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_str(Base64Visitor).map(Self)
    }
}

/// Plaintext bytes. Zeroed on drop; not `Clone`; `Debug` shows nothing of the content, not even its length.
pub struct SecretBase64Bytes(Zeroizing<Vec<u8>>);

impl SecretBase64Bytes {
    /// The bytes, by value and still zeroed on drop.
    pub fn into_zeroizing(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    /// The only way to the content.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }

    /// The length in bytes: not a secret, the ciphertext shows it too.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are no bytes.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<Zeroizing<Vec<u8>>> for SecretBase64Bytes {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl From<&[u8]> for SecretBase64Bytes {
    fn from(bytes: &[u8]) -> Self {
        Self(Zeroizing::new(bytes.to_vec()))
    }
}

impl fmt::Debug for SecretBase64Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretBase64Bytes(..)")
    }
}

impl Serialize for SecretBase64Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        // One exact allocation, wiped afterwards, rather than a formatter whose pieces nobody wipes.
        let text = Zeroizing::new(STANDARD.encode(self.0.as_slice()));
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for SecretBase64Bytes {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let bytes = deserializer.deserialize_str(Base64Visitor)?;
        Ok(Self(Zeroizing::new(bytes)))
    }
}

/// Writes `value` as JSON into one buffer that is zeroed on drop and never reallocated while it grows to
/// `secret_bytes` of base64 and `other_bytes` of everything else.
pub(super) fn to_secret_json<T: Serialize>(
    value: &T,
    secret_bytes: usize,
    other_bytes: usize,
) -> serde_json::Result<Zeroizing<Vec<u8>>> {
    let capacity = secret_bytes.div_ceil(3) * 4 + other_bytes;
    let mut json = Zeroizing::new(Vec::with_capacity(capacity));
    serde_json::to_writer(&mut *json, value)?;
    Ok(json)
}

struct Base64Visitor;

impl Visitor<'_> for Base64Visitor {
    type Value = Vec<u8>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a base64 string (standard alphabet, with padding)")
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Vec<u8>, E> {
        // The decoder's own error names the offending byte, which may be plaintext: say what was expected instead.
        STANDARD.decode(text).map_err(|_| E::invalid_value(Unexpected::Other("another string"), &self))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn round_trips_in_the_standard_alphabet_with_padding() {
        for (bytes, json) in
            [(&b""[..], r#""""#), (b"Hello World!", r#""SGVsbG8gV29ybGQh""#), (&[0xfb, 0xff], r#""+/8=""#)]
        {
            assert_eq!(serde_json::to_string(&Base64Bytes::from(bytes)).unwrap(), json);
            assert_eq!(serde_json::to_string(&SecretBase64Bytes::from(bytes)).unwrap(), json);
            assert_eq!(&*serde_json::from_str::<Base64Bytes>(json).unwrap(), bytes, "{json}");
            let secret: SecretBase64Bytes = serde_json::from_str(json).unwrap();
            assert_eq!(secret.expose(), bytes, "{json}");
        }
    }

    #[test]
    fn refuses_other_alphabets_and_missing_padding_without_echoing_them() {
        for json in [r#""-_8=""#, r#""+/8""#, r#""SGVs bG8=""#, r#""secret!""#, "12", "null"] {
            let error = serde_json::from_str::<SecretBase64Bytes>(json).unwrap_err();
            assert!(!error.to_string().contains("secret!"), "{error}");
            assert!(serde_json::from_str::<Base64Bytes>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn debug_shows_no_content() {
        let shown = format!("{:?} {:?}", Base64Bytes::from(&b"abc"[..]), SecretBase64Bytes::from(&b"abc"[..]));
        assert_eq!(shown, "Base64Bytes(3 bytes) SecretBase64Bytes(..)");
    }

    #[test]
    fn secret_json_fits_the_buffer_reserved_for_it() {
        let secret = SecretBase64Bytes::from(&[7u8; 1000][..]);
        let json = to_secret_json(&secret, secret.len(), 2).unwrap();
        assert_eq!(json.len(), json.capacity());
    }
}
