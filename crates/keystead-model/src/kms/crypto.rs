//! Cryptographic operations with symmetric keys.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::RecipientInfo;
use crate::arn::KeyArn;
use crate::wire_enum::wire_enum;
use crate::{Blob, integer};

/// Pairs that are authenticated with a ciphertext, and needed again to decrypt it. Case-sensitive; order has no meaning.
pub type EncryptionContext = BTreeMap<String, String>;

wire_enum! {
    /// How a data key's length is named.
    DataKeySpec {
        Aes256 = "AES_256",
        Aes128 = "AES_128",
    }
}

wire_enum! {
    /// How a KMS key encrypts.
    EncryptionAlgorithmSpec {
        SymmetricDefault = "SYMMETRIC_DEFAULT",
        RsaesOaepSha1 = "RSAES_OAEP_SHA_1",
        RsaesOaepSha256 = "RSAES_OAEP_SHA_256",
        Sm2pke = "SM2PKE",
    }
}

wire_enum! {
    /// What a dry run is to leave out.
    DryRunModifierType {
        IgnoreCiphertext = "IGNORE_CIPHERTEXT",
    }
}

/// `Encrypt`: up to 4096 bytes under a KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct EncryptRequest {
    /// The key: id, ARN, alias name or alias ARN.
    pub key_id: String,
    /// 1..=4096 bytes.
    pub plaintext: Blob,
    /// Pairs to authenticate with the ciphertext.
    pub encryption_context: Option<EncryptionContext>,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
    /// `SYMMETRIC_DEFAULT` if absent.
    pub encryption_algorithm: Option<EncryptionAlgorithmSpec>,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
}

/// A ciphertext.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct EncryptResponse {
    /// The ciphertext, 1..=6144 bytes.
    pub ciphertext_blob: Blob,
    /// The ARN of the key that was used.
    pub key_id: KeyArn,
    /// How it was encrypted.
    pub encryption_algorithm: EncryptionAlgorithmSpec,
}

/// `Decrypt`: a ciphertext of `Encrypt`, `ReEncrypt` or `GenerateDataKey...`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DecryptRequest {
    /// 1..=6144 bytes. May be absent only from a dry run that ignores it.
    pub ciphertext_blob: Option<Blob>,
    /// The pairs given at encryption.
    pub encryption_context: Option<EncryptionContext>,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
    /// The key, in any of the four forms; the ciphertext names it if absent.
    pub key_id: Option<String>,
    /// `SYMMETRIC_DEFAULT` if absent.
    pub encryption_algorithm: Option<EncryptionAlgorithmSpec>,
    /// An attested enclave to encrypt the answer for.
    pub recipient: Option<RecipientInfo>,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
    /// What the dry run leaves out.
    pub dry_run_modifiers: Option<Vec<DryRunModifierType>>,
}

/// A plaintext.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DecryptResponse {
    /// The ARN of the key that was used.
    pub key_id: KeyArn,
    /// The plaintext; absent if it is encrypted for a recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plaintext: Option<Blob>,
    /// How it was encrypted.
    pub encryption_algorithm: EncryptionAlgorithmSpec,
    /// The plaintext, encrypted for the recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ciphertext_for_recipient: Option<Blob>,
    /// The key material that was used; symmetric keys of origin `AWS_KMS` and `EXTERNAL` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
}

/// `ReEncrypt`: decrypts and encrypts again under another key or context, inside KMS.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ReEncryptRequest {
    /// 1..=6144 bytes. May be absent only from a dry run that ignores it.
    pub ciphertext_blob: Option<Blob>,
    /// The pairs given at encryption.
    pub source_encryption_context: Option<EncryptionContext>,
    /// The key to decrypt with; the ciphertext names it if absent.
    pub source_key_id: Option<String>,
    /// The key to encrypt with: id, ARN, alias name or alias ARN.
    pub destination_key_id: String,
    /// The pairs for the new ciphertext.
    pub destination_encryption_context: Option<EncryptionContext>,
    /// `SYMMETRIC_DEFAULT` if absent.
    pub source_encryption_algorithm: Option<EncryptionAlgorithmSpec>,
    /// `SYMMETRIC_DEFAULT` if absent.
    pub destination_encryption_algorithm: Option<EncryptionAlgorithmSpec>,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
    /// What the dry run leaves out.
    pub dry_run_modifiers: Option<Vec<DryRunModifierType>>,
}

/// A new ciphertext of the same plaintext.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReEncryptResponse {
    /// The ciphertext, 1..=6144 bytes.
    pub ciphertext_blob: Blob,
    /// The ARN of the key that decrypted.
    pub source_key_id: KeyArn,
    /// The ARN of the key that encrypted.
    pub key_id: KeyArn,
    /// How the old ciphertext was encrypted.
    pub source_encryption_algorithm: EncryptionAlgorithmSpec,
    /// How the new ciphertext was encrypted.
    pub destination_encryption_algorithm: EncryptionAlgorithmSpec,
    /// The key material that decrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_key_material_id: Option<String>,
    /// The key material that encrypted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub destination_key_material_id: Option<String>,
}

/// `GenerateDataKey`: a new data key, in plaintext and encrypted.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct GenerateDataKeyRequest {
    /// The key: id, ARN, alias name or alias ARN.
    pub key_id: String,
    /// Pairs to authenticate with the ciphertext.
    pub encryption_context: Option<EncryptionContext>,
    /// The data key's length, 1..=1024 bytes; either this or `key_spec`.
    #[serde(default, deserialize_with = "integer::optional")]
    pub number_of_bytes: Option<u32>,
    /// The data key's length by name; either this or `number_of_bytes`.
    pub key_spec: Option<DataKeySpec>,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
    /// An attested enclave to encrypt the answer for.
    pub recipient: Option<RecipientInfo>,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
}

/// A data key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyResponse {
    /// The data key, encrypted.
    pub ciphertext_blob: Blob,
    /// The data key; absent if it is encrypted for a recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plaintext: Option<Blob>,
    /// The ARN of the key that was used.
    pub key_id: KeyArn,
    /// The data key, encrypted for the recipient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ciphertext_for_recipient: Option<Blob>,
    /// The key material that was used; symmetric keys of origin `AWS_KMS` and `EXTERNAL` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
}

/// `GenerateDataKeyWithoutPlaintext`: a new data key, encrypted only.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct GenerateDataKeyWithoutPlaintextRequest {
    /// The key: id, ARN, alias name or alias ARN.
    pub key_id: String,
    /// Pairs to authenticate with the ciphertext.
    pub encryption_context: Option<EncryptionContext>,
    /// The data key's length, 1..=1024 bytes; either this or `key_spec`.
    #[serde(default, deserialize_with = "integer::optional")]
    pub number_of_bytes: Option<u32>,
    /// The data key's length by name; either this or `number_of_bytes`.
    pub key_spec: Option<DataKeySpec>,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
}

/// An encrypted data key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GenerateDataKeyWithoutPlaintextResponse {
    /// The data key, encrypted.
    pub ciphertext_blob: Blob,
    /// The ARN of the key that was used.
    pub key_id: KeyArn,
    /// The key material that was used; symmetric keys of origin `AWS_KMS` and `EXTERNAL` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
}
