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
    /// Sessions of its root user that began earlier are refused.
    pub sessions_revoked_before: Option<Timestamp>,
}

impl Account {
    /// A new account.
    pub fn new(id: AccountId, name: String, created: Timestamp) -> Self {
        Self { id, name, created, sessions_revoked_before: None }
    }
}
