//! Long-term credentials.

use keystead_model::Timestamp;
use keystead_model::arn::AccountId;

use crate::sealing::Sealed;

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

/// The last use of an access key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct AccessKeyUse {
    /// The access key.
    pub access_key_id: String,
    /// When it signed.
    pub date: Timestamp,
    /// The Region that was asked.
    pub region: String,
    /// The service that was asked, as in the scope of a signature: `kms`.
    pub service: String,
}
