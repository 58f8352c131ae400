//! When a key was last used, and what for (KMS API Reference, GetKeyLastUsage).

use keystead_model::Timestamp;
use keystead_model::arn::{KeyId, Region};
use keystead_model::kms::KeyLastUsageTrackingOperation;

/// The last successful cryptographic operation with a key. Replicas have their own.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KeyLastUsage {
    /// The key's Region.
    pub region: Region,
    /// The key.
    pub key_id: KeyId,
    /// The operation.
    pub operation: KeyLastUsageTrackingOperation,
    /// When.
    pub timestamp: Timestamp,
    /// The `eventID` of its audit record.
    pub event_id: String,
    /// The `x-amzn-RequestId` of its answer.
    pub request_id: String,
}
