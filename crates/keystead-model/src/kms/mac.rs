//! Message authentication codes.

use serde::{Deserialize, Serialize};

use super::MacAlgorithmSpec;
use crate::Blob;
use crate::arn::KeyArn;

/// `GenerateMac`: the HMAC of a message under an HMAC KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct GenerateMacRequest {
    /// 1..=4096 bytes.
    pub message: Blob,
    /// The key: id, ARN, alias name or alias ARN.
    pub key_id: String,
    /// How to authenticate.
    pub mac_algorithm: MacAlgorithmSpec,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
}

/// An HMAC.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateMacResponse {
    /// The whole HMAC (RFC 2104): 28, 32, 48 or 64 bytes.
    pub mac: Blob,
    /// How it was made.
    pub mac_algorithm: MacAlgorithmSpec,
    /// The ARN of the key that was used.
    pub key_id: KeyArn,
}

/// `VerifyMac`: checks an HMAC of a message.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct VerifyMacRequest {
    /// 1..=4096 bytes.
    pub message: Blob,
    /// The key: id, ARN, alias name or alias ARN.
    pub key_id: String,
    /// How it was made.
    pub mac_algorithm: MacAlgorithmSpec,
    /// 1..=6144 bytes.
    pub mac: Blob,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
}

/// An HMAC that is valid: one that is not is answered with `KMSInvalidMacException`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct VerifyMacResponse {
    /// The ARN of the key that was used.
    pub key_id: KeyArn,
    /// Always true.
    pub mac_valid: bool,
    /// How it was made.
    pub mac_algorithm: MacAlgorithmSpec,
}
