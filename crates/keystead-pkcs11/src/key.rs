//! Keys in an HSM, as far as they may be told of.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Names a key in a token: its `CKA_ID`.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Debug, Serialize, Deserialize)]
pub struct KeyId(pub Vec<u8>);

/// Lower-case hexadecimal digits.
impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A secret key object of the token.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyInfo {
    /// `CKA_ID`.
    pub id: KeyId,
    /// `CKA_LABEL`.
    pub label: String,
    /// `CKA_CHECK_VALUE`, 3 bytes; empty if the token has none for it.
    pub check_value: Vec<u8>,
    /// The object handle: good until the next logout of this worker, and only for people to look at.
    pub handle: u64,
    /// What may be done with it.
    pub attributes: KeyAttributes,
}

/// The attributes of a key that say what may be done with it and what has been.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct KeyAttributes {
    /// `CKA_TOKEN`
    pub token: bool,
    /// `CKA_PRIVATE`
    pub private: bool,
    /// `CKA_SENSITIVE`
    pub sensitive: bool,
    /// `CKA_ALWAYS_SENSITIVE`
    pub always_sensitive: bool,
    /// `CKA_EXTRACTABLE`
    pub extractable: bool,
    /// `CKA_NEVER_EXTRACTABLE`
    pub never_extractable: bool,
    /// `CKA_LOCAL`
    pub local: bool,
    /// `CKA_ENCRYPT`
    pub encrypt: bool,
    /// `CKA_DECRYPT`
    pub decrypt: bool,
    /// `CKA_WRAP`
    pub wrap: bool,
    /// `CKA_UNWRAP`
    pub unwrap: bool,
}

/// What AES-GCM makes of a plaintext.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Ciphertext {
    /// The IV of 12 bytes.
    pub iv: [u8; 12],
    /// The ciphertext, as long as the plaintext, then the tag of 16 bytes.
    #[serde(with = "crate::wire::byte_string")]
    pub ciphertext_and_tag: Vec<u8>,
}
