//! Grants.

use serde::{Deserialize, Serialize};

use super::EncryptionContext;
use crate::arn::KeyArn;
use crate::wire_enum::wire_enum;
use crate::{Timestamp, integer};

wire_enum! {
    /// What a grant allows.
    GrantOperation {
        Decrypt = "Decrypt",
        Encrypt = "Encrypt",
        GenerateDataKey = "GenerateDataKey",
        GenerateDataKeyWithoutPlaintext = "GenerateDataKeyWithoutPlaintext",
        ReEncryptFrom = "ReEncryptFrom",
        ReEncryptTo = "ReEncryptTo",
        Sign = "Sign",
        Verify = "Verify",
        GetPublicKey = "GetPublicKey",
        CreateGrant = "CreateGrant",
        RetireGrant = "RetireGrant",
        DescribeKey = "DescribeKey",
        GenerateDataKeyPair = "GenerateDataKeyPair",
        GenerateDataKeyPairWithoutPlaintext = "GenerateDataKeyPairWithoutPlaintext",
        GenerateMac = "GenerateMac",
        VerifyMac = "VerifyMac",
        DeriveSharedSecret = "DeriveSharedSecret",
    }
}

/// What the encryption context of a request must hold for a grant to allow it. Symmetric encryption keys only.
///
/// The model bounds neither map; the rest is for the operation to refuse.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct GrantConstraints {
    /// Pairs that must be in the encryption context, among others or not.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_context_subset: Option<EncryptionContext>,
    /// The whole encryption context.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption_context_equals: Option<EncryptionContext>,
}

/// `CreateGrant`: lets a principal use a KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct CreateGrantRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// Who may use it: the ARN of a principal, 1..=256 characters.
    pub grantee_principal: String,
    /// Who may retire the grant: the ARN of a principal, 1..=256 characters.
    pub retiring_principal: Option<String>,
    /// What the grantee may do.
    pub operations: Vec<GrantOperation>,
    /// What the encryption context must hold.
    pub constraints: Option<GrantConstraints>,
    /// Tokens of grants that may not be effective yet, at most 10.
    pub grant_tokens: Option<Vec<String>>,
    /// 1..=256 characters. The same request with the same name answers with the same grant.
    pub name: Option<String>,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
}

/// The new grant.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct CreateGrantResponse {
    /// Makes the grant effective at once for a request that carries it; 1..=8192 characters. No secret, but told only here.
    pub grant_token: String,
    /// Its id, 1..=128 characters.
    pub grant_id: String,
}

/// `ListGrants`: the grants on a KMS key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ListGrantsRequest {
    /// The most entries to return.
    #[serde(default, deserialize_with = "integer::optional")]
    pub limit: Option<u32>,
    /// `NextMarker` of the page before.
    pub marker: Option<String>,
    /// The key: id or ARN.
    pub key_id: String,
    /// Only the grant of this id.
    pub grant_id: Option<String>,
    /// Only grants for this principal.
    pub grantee_principal: Option<String>,
}

/// `ListRetirableGrants`: the grants that name a principal as the one that may retire them.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct ListRetirableGrantsRequest {
    /// The most entries to return.
    #[serde(default, deserialize_with = "integer::optional")]
    pub limit: Option<u32>,
    /// `NextMarker` of the page before.
    pub marker: Option<String>,
    /// The principal's ARN, 1..=256 characters.
    pub retiring_principal: String,
}

/// One page of grants: the answer of `ListGrants` and of `ListRetirableGrants`.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct ListGrantsResponse {
    /// The grants.
    pub grants: Vec<GrantListEntry>,
    /// Where the next page begins; only if there is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_marker: Option<String>,
    /// Whether there are more entries.
    pub truncated: bool,
}

/// One grant in a list. It has no token.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct GrantListEntry {
    /// The key's ARN.
    pub key_id: KeyArn,
    /// The grant's id.
    pub grant_id: String,
    /// Empty if none was given.
    pub name: String,
    /// When it was created.
    pub creation_date: Timestamp,
    /// Who may use the key.
    pub grantee_principal: String,
    /// Who may retire the grant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retiring_principal: Option<String>,
    /// The account that made the grant: `arn:aws:iam::111122223333:root`.
    pub issuing_account: String,
    /// What the grantee may do.
    pub operations: Vec<GrantOperation>,
    /// What the encryption context must hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub constraints: Option<GrantConstraints>,
}

/// `RetireGrant`: ends a grant, by those it names. Either the token, or the key and the grant's id.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct RetireGrantRequest {
    /// The grant's token.
    pub grant_token: Option<String>,
    /// The key's ARN.
    pub key_id: Option<String>,
    /// The grant's id.
    pub grant_id: Option<String>,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
}

/// `RevokeGrant`: ends a grant, by those that manage the key.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
#[cfg_attr(test, serde(deny_unknown_fields))]
pub struct RevokeGrantRequest {
    /// The key: id or ARN.
    pub key_id: String,
    /// The grant's id.
    pub grant_id: String,
    /// Whether only to check if the request would succeed.
    pub dry_run: Option<bool>,
}
