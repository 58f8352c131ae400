//! Bytes on the wire.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::de::{Error, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::{Zeroize, Zeroizing};

/// Bytes that travel as standard base64 with padding (RFC 4648 section 4).
///
/// May be plaintext: zeroed on drop, and `Debug` shows the length alone. When it is read from an owned string (as from
/// a `serde_json::Value`), that string is zeroed too.
pub struct Blob(Zeroizing<Vec<u8>>);

impl Blob {
    /// The bytes, still zeroed on drop.
    pub fn into_inner(self) -> Zeroizing<Vec<u8>> {
        self.0
    }
}

impl From<Vec<u8>> for Blob {
    fn from(bytes: Vec<u8>) -> Self {
        Blob(Zeroizing::new(bytes))
    }
}

impl From<Zeroizing<Vec<u8>>> for Blob {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Blob(bytes)
    }
}

impl AsRef<[u8]> for Blob {
    fn as_ref(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Blob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Blob({} bytes)", self.0.len())
    }
}

/// Decodes base64 without leaving a copy behind, also when it fails half-way; `None` if it is not valid.
pub(crate) fn decode(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let mut bytes = Zeroizing::new(vec![0; base64::decoded_len_estimate(text.len())]);
    let length = STANDARD.decode_slice(text, &mut bytes).ok()?;
    bytes.truncate(length);
    Some(bytes)
}

/// How many bytes a valid base64 text decodes to.
pub(crate) fn decoded_length(text: &str) -> usize {
    let padding = text.bytes().rev().take_while(|byte| *byte == b'=').count();
    (text.len() / 4 * 3).saturating_sub(padding)
}

impl Serialize for Blob {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let text = Zeroizing::new(STANDARD.encode(self));
        serializer.serialize_str(&text)
    }
}

impl<'de> Deserialize<'de> for Blob {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_string(BlobVisitor)
    }
}

struct BlobVisitor;

impl Visitor<'_> for BlobVisitor {
    type Value = Blob;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a string of standard base64 with padding")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Blob, E> {
        // The text is not shown: it may be plaintext.
        decode(text).map(Blob).ok_or_else(|| E::custom("invalid base64: expected the standard alphabet with padding"))
    }

    fn visit_string<E: Error>(self, mut text: String) -> Result<Blob, E> {
        let blob = self.visit_str(&text);
        text.zeroize();
        blob
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    const ROUND_TRIPS: &[(&[u8], &str)] =
        &[(b"", ""), (b"a", "YQ=="), (b"ab", "YWI="), (b"abc", "YWJj"), (&[0xfb, 0xff, 0xfe], "+//+")];

    #[test]
    fn bytes_go_both_ways() {
        for (bytes, text) in ROUND_TRIPS {
            let json = serde_json::Value::from(*text);
            assert_eq!(serde_json::to_value(Blob::from(bytes.to_vec())).unwrap(), json);
            assert_eq!(serde_json::from_value::<Blob>(json).unwrap().as_ref(), *bytes);
            assert_eq!(decoded_length(text), bytes.len(), "{text}");
        }
    }

    #[test]
    fn anything_but_padded_standard_base64_is_refused() {
        for bad in ["YQ", "YQ=", "YR==", "-__-", "Y Q==", "YQ==\n", "YQ==YQ==", "=", "é", "===="] {
            assert!(decode(bad).is_none(), "{bad:?}");
            let error = serde_json::from_value::<Blob>(bad.into()).unwrap_err().to_string();
            assert_eq!(error, "invalid base64: expected the standard alphabet with padding");
        }
        assert!(serde_json::from_str::<Blob>("12").is_err());
    }

    #[test]
    fn debug_shows_the_length_alone() {
        assert_eq!(format!("{:?}", Blob::from(b"secret".to_vec())), "Blob(6 bytes)");
    }
}
