//! The ID of a key material.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hmac;

use crate::port::BackingKeyId;

/// Names one material of one KMS key: 32 bytes, shown as 64 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub struct MaterialId([u8; 32]);

impl MaterialId {
    /// The ID that follows from the KMS key and the material's bytes (KMS API Reference: the ID depends on both, and on nothing else).
    pub fn derive(key_id: &str, material: &[u8]) -> Self {
        let mac_key = hmac::Key::new(hmac::HMAC_SHA256, material);
        let tag = hmac::sign(&mac_key, &[b"keystead material id v1\0", key_id.as_bytes()].concat());
        Self::hashed(tag.as_ref())
    }

    /// The ID of material that is in HSMs alone: it follows from the KMS key and the material's name, as nobody sees the material itself.
    pub fn of_backing_key(key_id: &str, backing_key_id: &BackingKeyId) -> Self {
        Self::hashed(&[b"keystead backing key id v1\0", key_id.as_bytes(), backing_key_id.as_bytes()].concat())
    }

    fn hashed(bytes: &[u8]) -> Self {
        let mut id = [0; 32];
        id.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(id)
    }

    /// From its 64 lower-case hexadecimal digits; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        let digits = <[u8; 64]>::try_from(text.as_bytes()).ok()?;
        let mut id = [0; 32];
        for (byte, pair) in id.iter_mut().zip(digits.chunks_exact(2)) {
            *byte = digit(*pair.first()?)? << 4 | digit(*pair.last()?)?;
        }
        Some(Self(id))
    }

    /// From its 32 bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Display for MaterialId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}
