//! Tags of KMS keys.

use serde::{Deserialize, Serialize};

use crate::integer;

/// A key and a value that a customer attaches to a KMS key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct Tag {
    /// 1..=128 characters.
    pub tag_key: String,
    /// 0..=256 characters.
    pub tag_value: String,
}

/// `TagResource`: adds tags to a KMS key or changes their values.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct TagResourceRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// The tags.
    pub tags: Vec<Tag>,
}

/// `UntagResource`: removes tags from a KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct UntagResourceRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// The keys of the tags.
    pub tag_keys: Vec<String>,
}

/// `ListResourceTags`: the tags of a KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ListResourceTagsRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// The most entries to return.
    #[serde(default, deserialize_with = "integer::optional")]
    pub limit: Option<u32>,
    /// `NextMarker` of the page before.
    pub marker: Option<String>,
}

/// One page of tags.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListResourceTagsResponse {
    /// The tags.
    pub tags: Vec<Tag>,
    /// Where the next page begins; only if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    /// Whether there are more entries.
    pub truncated: bool,
}
