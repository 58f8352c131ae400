//! Aliases: a name for a key, unique in an account and Region.

use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, AliasName, KeyId, Region};

/// An alias (KMS Developer Guide, "Aliases in AWS KMS").
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Alias {
    /// The account.
    pub account: AccountId,
    /// The Region.
    pub region: Region,
    /// `alias/...`
    pub name: AliasName,
    /// The key it stands for, of the same account and Region.
    pub target_key_id: KeyId,
    /// When it was made.
    pub created: Timestamp,
    /// When it was last pointed at a key.
    pub last_updated: Timestamp,
    /// Grows with each update.
    pub revision: u64,
}
