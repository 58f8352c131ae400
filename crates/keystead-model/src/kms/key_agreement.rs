//! Key agreement.

use serde::{Deserialize, Serialize};

use super::{KeyAgreementAlgorithmSpec, OriginType, RecipientInfo};
use crate::Blob;
use crate::arn::KeyArn;

/// `DeriveSharedSecret`: the secret that an asymmetric KMS key shares with a peer's public key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DeriveSharedSecretRequest {
    /// The key: id, ARN, alias name or alias ARN.
    pub key_id: String,
    /// How to agree.
    pub key_agreement_algorithm: KeyAgreementAlgorithmSpec,
    /// The peer's public key on the same curve, DER (SubjectPublicKeyInfo); 1..=8192 bytes.
    pub public_key: Blob,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
    /// An attested enclave to encrypt the answer for.
    pub recipient: Option<RecipientInfo>,
}

/// A shared secret.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeriveSharedSecretResponse {
    /// The ARN of the key that was used.
    pub key_id: KeyArn,
    /// The secret, the x coordinate: 32, 48 or 66 bytes; absent if it is encrypted for a recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shared_secret: Option<Blob>,
    /// The secret, encrypted for the recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ciphertext_for_recipient: Option<Blob>,
    /// How it was agreed on.
    pub key_agreement_algorithm: KeyAgreementAlgorithmSpec,
    /// Where the KMS key's material comes from: `AWS_KMS` or `EXTERNAL`.
    pub key_origin: OriginType,
}
