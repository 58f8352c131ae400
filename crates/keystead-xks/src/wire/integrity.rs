//! The ciphertext data integrity value (CDIV): the proxy's promise that a later decrypt will work.

use aws_lc_rs::digest;
use serde::de::{Deserialize, Deserializer, Error as _};
use serde::ser::{Serialize, Serializer};

use super::limits::INTEGRITY_VALUE_BYTES;

/// `ciphertextDataIntegrityValueAlgorithm`: only `SHA_256` exists.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum IntegrityAlgorithm {
    /// `SHA_256`
    Sha256,
}

const SHA_256: &str = "SHA_256";

impl Serialize for IntegrityAlgorithm {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(SHA_256)
    }
}

impl<'de> Deserialize<'de> for IntegrityAlgorithm {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match String::deserialize(deserializer)?.as_str() {
            SHA_256 => Ok(Self::Sha256),
            _ => Err(D::Error::custom("ciphertextDataIntegrityValueAlgorithm must be SHA_256")),
        }
    }
}

/// SHA-256 over `aad || metadata || iv || ciphertext || tag`, all decoded; what is absent is empty.
///
/// No lengths enter the hash, and `aad` is the request's own, not the GCM AAD that the proxy makes of it.
/// Source: specification, appendix C.
pub fn ciphertext_data_integrity_value(
    aad: &[u8],
    metadata: &[u8],
    iv: &[u8],
    ciphertext: &[u8],
    tag: &[u8],
) -> [u8; INTEGRITY_VALUE_BYTES] {
    let mut context = digest::Context::new(&digest::SHA256);
    for part in [aad, metadata, iv, ciphertext, tag] {
        context.update(part);
    }
    let mut value = [0; INTEGRITY_VALUE_BYTES];
    value.copy_from_slice(context.finish().as_ref());
    value
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::wire::Base64Bytes;

    fn decoded(base64: &str) -> Base64Bytes {
        serde_json::from_value(base64.into()).unwrap()
    }

    /// Specification, appendix C.
    #[test]
    fn published_vector() {
        let value = ciphertext_data_integrity_value(
            &decoded("cHJvamVjdD1uaWxlLGRlcGFydG1lbnQ9bWFya2V0aW5n"),
            &decoded("a2V5X3ZlcnNpb249MQ=="),
            &decoded("HMrlRw85cAJUd5Ax"),
            &decoded("ghxkK1txeDNn3q8Y"),
            &decoded("vBxN2ncH1oEkR8WVXpmyYQ=="),
        );
        assert_eq!(&value[..], &*decoded("qHA/ImC9h5HsLRXqCyPmWgYx7tzyoTplzILbP0fPXsc="));
    }

    #[test]
    fn only_sha_256_is_known() {
        assert_eq!(serde_json::from_str::<IntegrityAlgorithm>(r#""SHA_256""#).unwrap(), IntegrityAlgorithm::Sha256);
        assert_eq!(serde_json::to_string(&IntegrityAlgorithm::Sha256).unwrap(), r#""SHA_256""#);
        for json in [r#""SHA_512""#, r#""sha_256""#, "1"] {
            assert!(serde_json::from_str::<IntegrityAlgorithm>(json).is_err(), "{json}");
        }
    }
}
