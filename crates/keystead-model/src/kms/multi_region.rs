//! What is done with multi-Region keys alone.

use serde::{Deserialize, Serialize};

use super::{KeyMetadata, Tag};
use crate::arn::Region;

/// `ReplicateKey`: makes a replica of a multi-Region primary key in another Region.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ReplicateKeyRequest {
    /// The primary key: id or ARN.
    pub key_id: String,
    /// Where to make the replica.
    pub replica_region: Region,
    /// The replica's key policy, JSON; the default policy if absent.
    pub policy: Option<String>,
    /// Whether the policy may lock its author out.
    pub bypass_policy_lockout_safety_check: Option<bool>,
    /// The replica's description, 0..=8192 characters; empty if absent.
    pub description: Option<String>,
    /// Tags to attach to the replica.
    pub tags: Option<Vec<Tag>>,
}

/// The new replica.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ReplicateKeyResponse {
    /// All about it but tags and aliases.
    pub replica_key_metadata: KeyMetadata,
    /// Its key policy, JSON.
    pub replica_policy: String,
    /// Its tags.
    pub replica_tags: Vec<Tag>,
}

/// `UpdatePrimaryRegion`: makes a replica the primary key, and the primary key a replica.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct UpdatePrimaryRegionRequest {
    /// The primary key: id or ARN.
    pub key_id: String,
    /// Where the replica is.
    pub primary_region: Region,
}
