//! Imported key material.

use serde::{Deserialize, Serialize};

use super::ExpirationModelType;
use crate::arn::KeyArn;
use crate::wire_enum::wire_enum;
use crate::{Blob, Timestamp};

wire_enum! {
    /// How key material is encrypted for import: the wrapping algorithm.
    AlgorithmSpec {
        /// Not served since October 2023.
        RsaesPkcs1V15 = "RSAES_PKCS1_V1_5",
        RsaesOaepSha1 = "RSAES_OAEP_SHA_1",
        RsaesOaepSha256 = "RSAES_OAEP_SHA_256",
        RsaAesKeyWrapSha1 = "RSA_AES_KEY_WRAP_SHA_1",
        RsaAesKeyWrapSha256 = "RSA_AES_KEY_WRAP_SHA_256",
        Sm2pke = "SM2PKE",
    }
}

wire_enum! {
    /// The type and length of the key that key material is encrypted with for import.
    WrappingKeySpec {
        Rsa2048 = "RSA_2048",
        Rsa3072 = "RSA_3072",
        Rsa4096 = "RSA_4096",
        Sm2 = "SM2",
    }
}

wire_enum! {
    /// Whether the KMS key has had the key material before.
    ImportType {
        NewKeyMaterial = "NEW_KEY_MATERIAL",
        ExistingKeyMaterial = "EXISTING_KEY_MATERIAL",
    }
}

/// `GetParametersForImport`: what it takes to encrypt key material for a KMS key of origin `EXTERNAL`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct GetParametersForImportRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// How the key material will be encrypted.
    pub wrapping_algorithm: AlgorithmSpec,
    /// What key it will be encrypted with.
    pub wrapping_key_spec: WrappingKeySpec,
}

/// A public key to encrypt key material with, and the token that goes with it.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetParametersForImportResponse {
    /// The ARN of the key to import into.
    pub key_id: KeyArn,
    /// To send back with the key material; 1..=6144 bytes.
    pub import_token: Blob,
    /// DER (SubjectPublicKeyInfo); 1..=4096 bytes.
    pub public_key: Blob,
    /// When both stop being valid: 24 hours after they were made.
    pub parameters_valid_to: Timestamp,
}

/// `ImportKeyMaterial`: puts key material into a KMS key of origin `EXTERNAL`.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ImportKeyMaterialRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// As `GetParametersForImport` gave it; 1..=6144 bytes.
    pub import_token: Blob,
    /// The key material, encrypted with the public key of the same answer; 1..=6144 bytes.
    pub encrypted_key_material: Blob,
    /// When the key material expires, at most 365 days from now; with `KEY_MATERIAL_EXPIRES` only, and needed there.
    pub valid_to: Option<Timestamp>,
    /// `KEY_MATERIAL_EXPIRES` if absent.
    pub expiration_model: Option<ExpirationModelType>,
    /// `NEW_KEY_MATERIAL` if absent and the key never had any, else `EXISTING_KEY_MATERIAL`. Symmetric encryption keys only.
    pub import_type: Option<ImportType>,
    /// 0..=256 characters; that of the last import of the same key material if absent. Symmetric encryption keys only.
    pub key_material_description: Option<String>,
    /// The id that the key material must turn out to have, 64 hex digits; not with `NEW_KEY_MATERIAL`. Symmetric encryption keys only.
    pub key_material_id: Option<String>,
}

/// Key material that was imported.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ImportKeyMaterialResponse {
    /// The key's ARN.
    pub key_id: KeyArn,
    /// The key material's id; symmetric encryption keys only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
}

/// `DeleteImportedKeyMaterial`: removes imported key material; it can be imported again.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DeleteImportedKeyMaterialRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// Which, 64 hex digits; the current one if absent.
    pub key_material_id: Option<String>,
}

/// Key material that was removed.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DeleteImportedKeyMaterialResponse {
    /// The key's ARN.
    pub key_id: KeyArn,
    /// The key material's id; symmetric encryption keys only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
}
