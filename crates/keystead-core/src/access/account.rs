//! Accounts, their users, and the access keys that sign for them.

use keystead_model::Timestamp;
use keystead_model::arn::AccountId;

use crate::sealing::Sealed;

/// An account: the owner of keys and key stores.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Account {
    /// 12 digits.
    pub id: AccountId,
    /// A name for people, unique.
    pub name: String,
    /// When it was made.
    pub created: Timestamp,
}

/// An IAM user of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// The account it belongs to.
    pub account: AccountId,
    /// 1..=64 characters, unique in the account.
    pub user_name: String,
    /// The unique ID that IAM gives a user: `AIDA` and 17 characters.
    pub user_id: String,
    /// When it was made.
    pub created: Timestamp,
}

/// Whether an access key may sign.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AccessKeyStatus {
    /// It may.
    Active,
    /// It may not, until it is activated again.
    Inactive,
}

/// A long-term credential of a user, or of the account's root user.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessKey {
    /// `AKIA` and 16 characters of `[A-Z2-7]`.
    pub access_key_id: String,
    /// The account it belongs to.
    pub account: AccountId,
    /// The user it signs for; `None` for the account's root user.
    pub user_name: Option<String>,
    /// The unique ID of that user; `None` for the account's root user.
    pub user_id: Option<String>,
    /// The secret access key, sealed for [`crate::sealing::SealedRecord::SecretAccessKey`].
    pub sealed_secret: Sealed,
    /// Whether it may sign.
    pub status: AccessKeyStatus,
    /// When it was made.
    pub created: Timestamp,
    /// When it stops working, if ever.
    pub expires: Option<Timestamp>,
}
