//! KMS keys.

use serde::{Deserialize, Serialize};

use super::{EncryptionAlgorithmSpec, Tag};
use crate::arn::{AccountId, CustomKeyStoreId, KeyArn, KeyId, Region};
use crate::wire_enum::wire_enum;
use crate::{Timestamp, integer};

wire_enum! {
    /// Where a KMS key's material comes from.
    OriginType {
        AwsKms = "AWS_KMS",
        External = "EXTERNAL",
        AwsCloudhsm = "AWS_CLOUDHSM",
        ExternalKeyStore = "EXTERNAL_KEY_STORE",
    }
}

wire_enum! {
    /// A KMS key's type and length.
    KeySpec {
        Rsa2048 = "RSA_2048",
        Rsa3072 = "RSA_3072",
        Rsa4096 = "RSA_4096",
        EccNistP256 = "ECC_NIST_P256",
        EccNistP384 = "ECC_NIST_P384",
        EccNistP521 = "ECC_NIST_P521",
        EccSecgP256k1 = "ECC_SECG_P256K1",
        SymmetricDefault = "SYMMETRIC_DEFAULT",
        Hmac224 = "HMAC_224",
        Hmac256 = "HMAC_256",
        Hmac384 = "HMAC_384",
        Hmac512 = "HMAC_512",
        Sm2 = "SM2",
        MlDsa44 = "ML_DSA_44",
        MlDsa65 = "ML_DSA_65",
        MlDsa87 = "ML_DSA_87",
        EccNistEdwards25519 = "ECC_NIST_EDWARDS25519",
    }
}

wire_enum! {
    /// What a KMS key is for.
    KeyUsageType {
        SignVerify = "SIGN_VERIFY",
        EncryptDecrypt = "ENCRYPT_DECRYPT",
        GenerateVerifyMac = "GENERATE_VERIFY_MAC",
        KeyAgreement = "KEY_AGREEMENT",
    }
}

wire_enum! {
    /// What a KMS key can do now.
    KeyState {
        Creating = "Creating",
        Enabled = "Enabled",
        Disabled = "Disabled",
        PendingDeletion = "PendingDeletion",
        PendingImport = "PendingImport",
        PendingReplicaDeletion = "PendingReplicaDeletion",
        Unavailable = "Unavailable",
        Updating = "Updating",
    }
}

wire_enum! {
    /// Who manages a KMS key.
    KeyManagerType {
        Aws = "AWS",
        Customer = "CUSTOMER",
    }
}

wire_enum! {
    /// Whether imported key material expires.
    ExpirationModelType {
        KeyMaterialExpires = "KEY_MATERIAL_EXPIRES",
        KeyMaterialDoesNotExpire = "KEY_MATERIAL_DOES_NOT_EXPIRE",
    }
}

wire_enum! {
    /// How a KMS key signs.
    SigningAlgorithmSpec {
        RsassaPssSha256 = "RSASSA_PSS_SHA_256",
        RsassaPssSha384 = "RSASSA_PSS_SHA_384",
        RsassaPssSha512 = "RSASSA_PSS_SHA_512",
        RsassaPkcs1V15Sha256 = "RSASSA_PKCS1_V1_5_SHA_256",
        RsassaPkcs1V15Sha384 = "RSASSA_PKCS1_V1_5_SHA_384",
        RsassaPkcs1V15Sha512 = "RSASSA_PKCS1_V1_5_SHA_512",
        EcdsaSha256 = "ECDSA_SHA_256",
        EcdsaSha384 = "ECDSA_SHA_384",
        EcdsaSha512 = "ECDSA_SHA_512",
        Sm2dsa = "SM2DSA",
        MlDsaShake256 = "ML_DSA_SHAKE_256",
        Ed25519Sha512 = "ED25519_SHA_512",
        Ed25519PhSha512 = "ED25519_PH_SHA_512",
    }
}

wire_enum! {
    /// How a KMS key authenticates messages.
    MacAlgorithmSpec {
        HmacSha224 = "HMAC_SHA_224",
        HmacSha256 = "HMAC_SHA_256",
        HmacSha384 = "HMAC_SHA_384",
        HmacSha512 = "HMAC_SHA_512",
    }
}

wire_enum! {
    /// How a KMS key agrees on secrets.
    KeyAgreementAlgorithmSpec {
        Ecdh = "ECDH",
    }
}

wire_enum! {
    /// What a multi-Region key is to its like.
    MultiRegionKeyType {
        Primary = "PRIMARY",
        Replica = "REPLICA",
    }
}

/// `CreateKey`: a new KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct CreateKeyRequest {
    /// The key policy, JSON; the default policy if absent.
    pub policy: Option<String>,
    /// 0..=8192 characters.
    pub description: Option<String>,
    /// `ENCRYPT_DECRYPT` if absent; needed for all but symmetric encryption keys.
    pub key_usage: Option<KeyUsageType>,
    /// The deprecated name of `key_spec`; not both.
    pub customer_master_key_spec: Option<KeySpec>,
    /// `SYMMETRIC_DEFAULT` if absent.
    pub key_spec: Option<KeySpec>,
    /// `AWS_KMS` if absent.
    pub origin: Option<OriginType>,
    /// The key store to create it in.
    pub custom_key_store_id: Option<CustomKeyStoreId>,
    /// Whether the policy may lock its author out.
    pub bypass_policy_lockout_safety_check: Option<bool>,
    /// Tags to attach.
    pub tags: Option<Vec<Tag>>,
    /// Whether to make it a multi-Region primary key.
    pub multi_region: Option<bool>,
    /// The external key's id, 1..=128 characters; only with origin `EXTERNAL_KEY_STORE`.
    pub xks_key_id: Option<String>,
}

/// The new KMS key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateKeyResponse {
    /// All about it but tags and aliases.
    pub key_metadata: KeyMetadata,
}

/// `DescribeKey`: all about a KMS key but tags and aliases.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DescribeKeyRequest {
    /// The key: id, ARN, alias name or alias ARN.
    pub key_id: String,
    /// Tokens of grants that may not be effective yet.
    pub grant_tokens: Option<Vec<String>>,
}

/// A KMS key.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct DescribeKeyResponse {
    /// All about it but tags and aliases.
    pub key_metadata: KeyMetadata,
}

/// All about a KMS key but tags, aliases and policy.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyMetadata {
    /// The account that owns it.
    #[serde(rename = "AWSAccountId")]
    pub aws_account_id: AccountId,
    /// The bare id.
    pub key_id: KeyId,
    /// The ARN.
    pub arn: KeyArn,
    /// When it was created.
    pub creation_date: Timestamp,
    /// Whether its state is `Enabled`.
    pub enabled: bool,
    /// Empty if none was given.
    pub description: String,
    /// What it is for.
    pub key_usage: KeyUsageType,
    /// What it can do now.
    pub key_state: KeyState,
    /// When it will be deleted; only in state `PendingDeletion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_date: Option<Timestamp>,
    /// When imported material expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Timestamp>,
    /// Where its material comes from.
    pub origin: OriginType,
    /// The key store it is in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub custom_key_store_id: Option<CustomKeyStoreId>,
    /// The cluster it is in; CloudHSM key stores only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_hsm_cluster_id: Option<String>,
    /// Whether imported material expires.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_model: Option<ExpirationModelType>,
    /// Who manages it.
    pub key_manager: KeyManagerType,
    /// The deprecated name of `key_spec`.
    pub customer_master_key_spec: KeySpec,
    /// Its type and length.
    pub key_spec: KeySpec,
    /// With usage `ENCRYPT_DECRYPT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_algorithms: Option<Vec<EncryptionAlgorithmSpec>>,
    /// With usage `SIGN_VERIFY`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signing_algorithms: Option<Vec<SigningAlgorithmSpec>>,
    /// With usage `KEY_AGREEMENT`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_agreement_algorithms: Option<Vec<KeyAgreementAlgorithmSpec>>,
    /// Whether it is a multi-Region key.
    pub multi_region: bool,
    /// Its like in other Regions; multi-Region keys only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multi_region_configuration: Option<MultiRegionConfiguration>,
    /// The wait once its replicas are gone; only in state `PendingReplicaDeletion`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending_deletion_window_in_days: Option<u32>,
    /// With usage `GENERATE_VERIFY_MAC`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mac_algorithms: Option<Vec<MacAlgorithmSpec>>,
    /// The external key; external key stores only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub xks_key_configuration: Option<XksKeyConfiguration>,
    /// The material in use; symmetric keys of origin `AWS_KMS` and `EXTERNAL` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub current_key_material_id: Option<String>,
}

/// The external key behind a KMS key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct XksKeyConfiguration {
    /// Its id at the proxy.
    pub id: String,
}

/// A multi-Region key and its like.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MultiRegionConfiguration {
    /// Primary or replica.
    pub multi_region_key_type: MultiRegionKeyType,
    /// The primary key.
    pub primary_key: MultiRegionKey,
    /// The replicas.
    pub replica_keys: Vec<MultiRegionKey>,
}

/// One of several related multi-Region keys.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct MultiRegionKey {
    /// Its ARN.
    pub arn: KeyArn,
    /// Its Region.
    pub region: Region,
}

/// `ListKeys`: the KMS keys of the account and Region.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ListKeysRequest {
    /// The most entries to return.
    #[serde(default, deserialize_with = "integer::optional")]
    pub limit: Option<u32>,
    /// `NextMarker` of the page before.
    pub marker: Option<String>,
}

/// One page of KMS keys.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeysResponse {
    /// The keys.
    pub keys: Vec<KeyListEntry>,
    /// Where the next page begins; only if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    /// Whether there are more entries.
    pub truncated: bool,
}

/// One KMS key in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyListEntry {
    /// The bare id.
    pub key_id: KeyId,
    /// The ARN.
    pub key_arn: KeyArn,
}

/// `EnableKey`: lets a KMS key be used again.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct EnableKeyRequest {
    /// The key: id or ARN.
    pub key_id: String,
}

/// `DisableKey`: keeps a KMS key from being used.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DisableKeyRequest {
    /// The key: id or ARN.
    pub key_id: String,
}

/// `ScheduleKeyDeletion`: deletes a KMS key after a waiting period.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ScheduleKeyDeletionRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// 7..=30 days, 30 if absent. The model lets 1..=365 through; the rest is for the operation to refuse.
    #[serde(default, deserialize_with = "integer::optional")]
    pub pending_window_in_days: Option<u32>,
}

/// A KMS key that is to be deleted.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ScheduleKeyDeletionResponse {
    /// Its ARN.
    pub key_id: KeyArn,
    /// When it will be deleted; absent while replicas remain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub deletion_date: Option<Timestamp>,
    /// `PendingDeletion` or `PendingReplicaDeletion`.
    pub key_state: KeyState,
    /// The waiting period.
    pub pending_window_in_days: u32,
}

/// `CancelKeyDeletion`: keeps a KMS key that was to be deleted; it is then disabled.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct CancelKeyDeletionRequest {
    /// The key: id or ARN.
    pub key_id: String,
}

/// A KMS key that stays.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CancelKeyDeletionResponse {
    /// Its ARN.
    pub key_id: KeyArn,
}

/// `UpdateKeyDescription`: replaces a KMS key's description.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct UpdateKeyDescriptionRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// 0..=8192 characters.
    pub description: String,
}
