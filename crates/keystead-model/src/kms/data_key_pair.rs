//! Data key pairs.

use serde::{Deserialize, Serialize};

use super::{EncryptionContext, RecipientInfo};
use crate::Blob;
use crate::arn::KeyArn;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// A data key pair's type and length.
    DataKeyPairSpec {
        Rsa2048 = "RSA_2048",
        Rsa3072 = "RSA_3072",
        Rsa4096 = "RSA_4096",
        EccNistP256 = "ECC_NIST_P256",
        EccNistP384 = "ECC_NIST_P384",
        EccNistP521 = "ECC_NIST_P521",
        EccSecgP256k1 = "ECC_SECG_P256K1",
        Sm2 = "SM2",
        EccNistEdwards25519 = "ECC_NIST_EDWARDS25519",
    }
}

/// `GenerateDataKeyPair`: a new key pair, its private key in plaintext and encrypted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct GenerateDataKeyPairRequest {
    /// Pairs to authenticate with the ciphertext.
    pub encryption_context: Option<EncryptionContext>,
    /// The symmetric encryption key: id, ARN, alias name or alias ARN.
    pub key_id: String,
    /// What pair to make.
    pub key_pair_spec: DataKeyPairSpec,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
    /// An attested enclave to encrypt the answer for.
    pub recipient: Option<RecipientInfo>,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
}

/// A data key pair.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyPairResponse {
    /// The private key, encrypted; 1..=6144 bytes.
    pub private_key_ciphertext_blob: Blob,
    /// The private key, DER (PKCS #8), 1..=4096 bytes; absent if it is encrypted for a recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub private_key_plaintext: Option<Blob>,
    /// The public key, DER (SubjectPublicKeyInfo); 1..=8192 bytes.
    pub public_key: Blob,
    /// The ARN of the key that was used.
    pub key_id: KeyArn,
    /// What pair it is.
    pub key_pair_spec: DataKeyPairSpec,
    /// The private key, encrypted for the recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ciphertext_for_recipient: Option<Blob>,
    /// The key material that was used; symmetric keys of origin `AWS_KMS` and `EXTERNAL` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
}

/// `GenerateDataKeyPairWithoutPlaintext`: a new key pair, its private key encrypted only.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct GenerateDataKeyPairWithoutPlaintextRequest {
    /// Pairs to authenticate with the ciphertext.
    pub encryption_context: Option<EncryptionContext>,
    /// The symmetric encryption key: id, ARN, alias name or alias ARN.
    pub key_id: String,
    /// What pair to make.
    pub key_pair_spec: DataKeyPairSpec,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
}

/// A data key pair without the private key in plaintext.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyPairWithoutPlaintextResponse {
    /// The private key, encrypted; 1..=6144 bytes.
    pub private_key_ciphertext_blob: Blob,
    /// The public key, DER (SubjectPublicKeyInfo); 1..=8192 bytes.
    pub public_key: Blob,
    /// The ARN of the key that was used.
    pub key_id: KeyArn,
    /// What pair it is.
    pub key_pair_spec: DataKeyPairSpec,
    /// The key material that was used; symmetric keys of origin `AWS_KMS` and `EXTERNAL` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
}
