//! Rotation of key material.

use serde::{Deserialize, Serialize};

use super::ExpirationModelType;
use crate::arn::{KeyArn, KeyId};
use crate::wire_enum::wire_enum;
use crate::{Timestamp, integer};

wire_enum! {
    /// Why key material was rotated.
    RotationType {
        Automatic = "AUTOMATIC",
        OnDemand = "ON_DEMAND",
    }
}

wire_enum! {
    /// Whether KMS has imported key material now.
    ImportState {
        Imported = "IMPORTED",
        PendingImport = "PENDING_IMPORT",
    }
}

wire_enum! {
    /// What key material is to its KMS key.
    KeyMaterialState {
        /// Decrypts only.
        NonCurrent = "NON_CURRENT",
        /// Encrypts and decrypts.
        Current = "CURRENT",
        /// Imported, for the next rotation on demand.
        PendingRotation = "PENDING_ROTATION",
        /// Imported into the primary key, not yet into every replica.
        PendingMultiRegionImportAndRotation = "PENDING_MULTI_REGION_IMPORT_AND_ROTATION",
    }
}

wire_enum! {
    /// What a list of rotations is to hold.
    IncludeKeyMaterial {
        /// The first and pending key material too.
        AllKeyMaterial = "ALL_KEY_MATERIAL",
        RotationsOnly = "ROTATIONS_ONLY",
    }
}

/// `EnableKeyRotation`: rotates the key material of a symmetric encryption key from now on, or changes how often.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct EnableKeyRotationRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// 90..=2560 days, 365 if absent.
    #[serde(default, deserialize_with = "integer::optional")]
    pub rotation_period_in_days: Option<u32>,
}

/// `DisableKeyRotation`: stops the automatic rotation of a KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DisableKeyRotationRequest {
    /// The key: id or ARN.
    pub key_id: String,
}

/// `GetKeyRotationStatus`: whether and when a KMS key rotates.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct GetKeyRotationStatusRequest {
    /// The key: id or ARN.
    pub key_id: String,
}

/// Whether and when a KMS key rotates.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyRotationStatusResponse {
    /// Whether it rotates automatically.
    pub key_rotation_enabled: bool,
    /// The bare id, as in AWS's examples.
    pub key_id: KeyId,
    /// Days between two automatic rotations; only if it rotates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_period_in_days: Option<u32>,
    /// When it will rotate next; only if it rotates.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_rotation_date: Option<Timestamp>,
    /// When the rotation on demand was asked for that is still going on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub on_demand_rotation_start_date: Option<Timestamp>,
}

/// `ListKeyRotations`: the rotations of a KMS key, or all its key material.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ListKeyRotationsRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// `ROTATIONS_ONLY` if absent.
    pub include_key_material: Option<IncludeKeyMaterial>,
    /// The most entries to return.
    #[serde(default, deserialize_with = "integer::optional")]
    pub limit: Option<u32>,
    /// `NextMarker` of the page before.
    pub marker: Option<String>,
}

/// One page of rotations.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeyRotationsResponse {
    /// The rotations.
    pub rotations: Vec<RotationsListEntry>,
    /// Where the next page begins; only if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    /// Whether there are more entries.
    pub truncated: bool,
}

/// One key material of a KMS key, and the rotation that brought it in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RotationsListEntry {
    /// The key's bare id, as in AWS's examples.
    pub key_id: KeyId,
    /// The key material's id, 64 hex digits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_id: Option<String>,
    /// What was said of it at import; origin `EXTERNAL` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_description: Option<String>,
    /// Whether it is imported now; origin `EXTERNAL` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub import_state: Option<ImportState>,
    /// What it is to the key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub key_material_state: Option<KeyMaterialState>,
    /// Whether it expires; origin `EXTERNAL` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expiration_model: Option<ExpirationModelType>,
    /// When it expires; with `KEY_MATERIAL_EXPIRES` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub valid_to: Option<Timestamp>,
    /// When its rotation was complete; neither for the first key material nor for pending ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_date: Option<Timestamp>,
    /// Why it was rotated; neither for the first key material nor for pending ones.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rotation_type: Option<RotationType>,
}

/// `RotateKeyOnDemand`: rotates the key material of a symmetric encryption key once, soon.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct RotateKeyOnDemandRequest {
    /// The key: id or ARN.
    pub key_id: String,
}

/// A KMS key that is being rotated.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct RotateKeyOnDemandResponse {
    /// Its ARN.
    pub key_id: KeyArn,
}
