//! Key policies.

use serde::{Deserialize, Serialize};

use crate::integer;

/// `GetKeyPolicy`: the key policy of a KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct GetKeyPolicyRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// `default`, the only name there is, if absent.
    pub policy_name: Option<String>,
}

/// A key policy.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GetKeyPolicyResponse {
    /// The document, JSON; 1..=131072 characters.
    pub policy: String,
    /// `default`.
    pub policy_name: String,
}

/// `PutKeyPolicy`: replaces the key policy of a KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct PutKeyPolicyRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// `default`, the only name there is, if absent.
    pub policy_name: Option<String>,
    /// The document, JSON; 1..=131072 characters. The quota of 32768 bytes is for the operation to keep.
    pub policy: String,
    /// Whether the policy may lock its author out.
    pub bypass_policy_lockout_safety_check: Option<bool>,
}

/// `ListKeyPolicies`: the names of a KMS key's policies.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ListKeyPoliciesRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// The most entries to return.
    #[serde(default, deserialize_with = "integer::optional")]
    pub limit: Option<u32>,
    /// `NextMarker` of the page before.
    pub marker: Option<String>,
}

/// One page of names of policies.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListKeyPoliciesResponse {
    /// The names: `default` alone.
    pub policy_names: Vec<String>,
    /// Where the next page begins; only if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    /// Whether there are more entries.
    pub truncated: bool,
}
