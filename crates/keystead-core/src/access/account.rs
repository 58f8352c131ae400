//! Accounts.

use keystead_model::Timestamp;
use keystead_model::arn::AccountId;

/// An account: the owner of keys, key stores and identities.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// 12 digits.
    pub id: AccountId,
    /// A name for people, unique.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
}
