//! Aliases.

use serde::{Deserialize, Serialize};

use crate::arn::{AliasArn, AliasName, KeyId};
use crate::{Timestamp, integer};

/// `CreateAlias`: gives a key a friendly name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct CreateAliasRequest {
    /// The new alias, `alias/...`.
    pub alias_name: String,
    /// The key: id or ARN.
    pub target_key_id: String,
}

/// `UpdateAlias`: makes an alias point to another key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct UpdateAliasRequest {
    /// The alias, `alias/...`.
    pub alias_name: String,
    /// The key it is to point to: id or ARN.
    pub target_key_id: String,
}

/// `DeleteAlias`: removes an alias, not its key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct DeleteAliasRequest {
    /// The alias, `alias/...`.
    pub alias_name: String,
}

/// `ListAliases`: the aliases of the account and Region, or of one key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ListAliasesRequest {
    /// Only aliases of this key: id or ARN.
    pub key_id: Option<String>,
    /// The most entries to return.
    #[serde(default, deserialize_with = "integer::optional")]
    pub limit: Option<u32>,
    /// `NextMarker` of the page before.
    pub marker: Option<String>,
}

/// One page of aliases.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListAliasesResponse {
    /// The aliases.
    pub aliases: Vec<AliasListEntry>,
    /// Where the next page begins; only if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    /// Whether there are more entries.
    pub truncated: bool,
}

/// One alias in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct AliasListEntry {
    /// The alias, `alias/...`.
    pub alias_name: AliasName,
    /// The alias's ARN.
    pub alias_arn: AliasArn,
    /// The bare id of its key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target_key_id: Option<KeyId>,
    /// When it was created.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub creation_date: Option<Timestamp>,
    /// When it was created or last made to point to another key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_updated_date: Option<Timestamp>,
}
