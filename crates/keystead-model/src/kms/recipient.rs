//! Attested enclaves as recipients of plaintext.

use serde::Deserialize;

use crate::Blob;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// How an answer is encrypted for a recipient.
    KeyEncryptionMechanism {
        RsaesOaepSha256 = "RSAES_OAEP_SHA_256",
    }
}

/// An attested enclave that alone is to read the answer. The model has both members optional.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct RecipientInfo {
    /// How to encrypt the answer.
    pub key_encryption_algorithm: Option<KeyEncryptionMechanism>,
    /// What the enclave says of itself, with its public key; 1..=262144 bytes.
    pub attestation_document: Option<Blob>,
}
