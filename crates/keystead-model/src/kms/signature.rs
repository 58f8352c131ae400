//! Digital signatures.

use serde::{Deserialize, Serialize};

use super::SigningAlgorithmSpec;
use crate::Blob;
use crate::arn::KeyArn;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// What the message of a signature is.
    MessageType {
        /// The message itself.
        Raw = "RAW",
        /// Its digest, as long as the signing algorithm's hash.
        Digest = "DIGEST",
        /// The message representative mu of ML-DSA, 64 bytes.
        ExternalMu = "EXTERNAL_MU",
    }
}

/// `Sign`: signs a message with an asymmetric KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct SignRequest {
    /// The key: id, ARN, alias name or alias ARN.
    pub key_id: String,
    /// 1..=4096 bytes.
    pub message: Blob,
    /// `RAW` if absent.
    pub message_type: Option<MessageType>,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
    /// How to sign.
    pub signing_algorithm: SigningAlgorithmSpec,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
}

/// A signature.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct SignResponse {
    /// The ARN of the key that was used.
    pub key_id: KeyArn,
    /// RSA: as in RFC 8017; ECDSA: DER (ANSI X9.62). 1..=6144 bytes.
    pub signature: Blob,
    /// How it was signed.
    pub signing_algorithm: SigningAlgorithmSpec,
}

/// `Verify`: checks a signature of an asymmetric KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct VerifyRequest {
    /// The key: id, ARN, alias name or alias ARN.
    pub key_id: String,
    /// 1..=4096 bytes.
    pub message: Blob,
    /// `RAW` if absent; need not be that of the signing.
    pub message_type: Option<MessageType>,
    /// 1..=6144 bytes.
    pub signature: Blob,
    /// How it was signed.
    pub signing_algorithm: SigningAlgorithmSpec,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
}

/// A signature that is valid: one that is not is answered with `KMSInvalidSignatureException`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifyResponse {
    /// The ARN of the key that was used.
    pub key_id: KeyArn,
    /// Always true.
    pub signature_valid: bool,
    /// How it was signed.
    pub signing_algorithm: SigningAlgorithmSpec,
}
