//! When a KMS key was last used.

use serde::{Deserialize, Serialize};

use crate::Timestamp;
use crate::arn::KeyArn;
use crate::wire_enum::wire_enum;

wire_enum! {
    /// The operations that count as use of a KMS key.
    KeyLastUsageTrackingOperation {
        Decrypt = "Decrypt",
        DeriveSharedSecret = "DeriveSharedSecret",
        Encrypt = "Encrypt",
        GenerateDataKey = "GenerateDataKey",
        GenerateDataKeyPair = "GenerateDataKeyPair",
        GenerateDataKeyPairWithoutPlaintext = "GenerateDataKeyPairWithoutPlaintext",
        GenerateDataKeyWithoutPlaintext = "GenerateDataKeyWithoutPlaintext",
        GenerateMac = "GenerateMac",
        ReEncrypt = "ReEncrypt",
        Sign = "Sign",
        Verify = "Verify",
        VerifyMac = "VerifyMac",
    }
}

/// `GetKeyLastUsage`: the last successful use of a KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct GetKeyLastUsageRequest {
    /// The key: id or ARN.
    pub key_id: String,
}

/// When and how a KMS key was last used.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyLastUsageResponse {
    /// The key's ARN. Whether AWS answers with the ARN or the bare id is unverified.
    pub key_id: KeyArn,
    /// The last use; `{}` if there was none since tracking began.
    pub key_last_usage: KeyLastUsageData,
    /// When tracking began, or when the key was created, whichever is later.
    pub tracking_start_date: Timestamp,
    /// When the key was created.
    pub key_creation_date: Timestamp,
}

/// One use of a KMS key. All members are absent, or none is.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct KeyLastUsageData {
    /// What it was used for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub operation: Option<KeyLastUsageTrackingOperation>,
    /// When.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<Timestamp>,
    /// `eventId` of the audit record.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloud_trail_event_id: Option<String>,
    /// The id of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kms_request_id: Option<String>,
}
