//! Sealed values inside documents: base64.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use keystead_core::sealing::Sealed;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A sealed value that a document holds.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct SealedText(pub(crate) Sealed);

impl Serialize for SealedText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(self.0.as_bytes()))
    }
}

impl<'de> Deserialize<'de> for SealedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        let bytes = BASE64_STANDARD.decode(text).map_err(serde::de::Error::custom)?;
        Ok(Self(Sealed::from_bytes(bytes)))
    }
}
