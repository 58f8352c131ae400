//! Tags of clusters and backups.

use serde::{Deserialize, Serialize};

use crate::integer;

/// A key and a value that a customer attaches to a cluster or a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct Tag {
    /// 1..=128 characters.
    pub key: String,
    /// 0..=256 characters.
    pub value: String,
}

/// `TagResource`: adds tags to a cluster or a backup, or changes their values.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct TagResourceRequest {
    /// The cluster's or the backup's ID.
    pub resource_id: String,
    /// 1..=50 tags.
    pub tag_list: Vec<Tag>,
}

/// `UntagResource`: removes tags.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct UntagResourceRequest {
    /// The cluster's or the backup's ID.
    pub resource_id: String,
    /// The keys of the tags, 1..=50.
    pub tag_key_list: Vec<String>,
}

/// `ListTags`: the tags of a cluster or a backup.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ListTagsRequest {
    /// The cluster's or the backup's ID.
    pub resource_id: String,
    /// `NextToken` of the page before.
    pub next_token: Option<String>,
    /// The most tags to return, 1..=100.
    #[serde(default, deserialize_with = "integer::optional")]
    pub max_results: Option<u32>,
}

/// One page of tags.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListTagsResponse {
    /// The tags.
    pub tag_list: Vec<Tag>,
    /// Where the next page begins; only if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
}
