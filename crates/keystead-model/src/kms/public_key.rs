//! The public half of asymmetric KMS keys.

use serde::{Deserialize, Serialize};

use super::{EncryptionAlgorithmSpec, KeyAgreementAlgorithmSpec, KeySpec, KeyUsageType, SigningAlgorithmSpec};
use crate::Blob;
use crate::arn::KeyArn;

/// `GetPublicKey`: the public key of an asymmetric KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct GetPublicKeyRequest {
    /// The key: id, ARN, alias name or alias ARN.
    pub key_id: String,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
}

/// A public key, and what KMS does with its private key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetPublicKeyResponse {
    /// The KMS key's ARN.
    pub key_id: KeyArn,
    /// DER (SubjectPublicKeyInfo, RFC 5280); 1..=8192 bytes.
    pub public_key: Blob,
    /// The deprecated name of `key_spec`.
    pub customer_master_key_spec: KeySpec,
    /// Its type and length.
    pub key_spec: KeySpec,
    /// What it is for.
    pub key_usage: KeyUsageType,
    /// With usage `ENCRYPT_DECRYPT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_algorithms: Option<Vec<EncryptionAlgorithmSpec>>,
    /// With usage `SIGN_VERIFY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_algorithms: Option<Vec<SigningAlgorithmSpec>>,
    /// With usage `KEY_AGREEMENT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_agreement_algorithms: Option<Vec<KeyAgreementAlgorithmSpec>>,
}
