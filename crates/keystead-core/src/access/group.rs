//! IAM groups. A group is no principal: it only gives its users policies.

use keystead_model::Timestamp;
use keystead_model::arn::AccountId;

use super::AttachedPolicies;

/// An IAM group of an account. Which users are in it, they tell.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Group {
    /// The account it belongs to.
    pub account: AccountId,
    /// 1..=128 characters, unique in the account whatever the case of its letters.
    pub group_name: String,
    /// As a user's.
    pub path: String,
    /// `AGPA` and 17 characters.
    pub group_id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Its policies.
    pub policies: AttachedPolicies,
    /// Grows with each update.
    pub revision: u64,
}

impl Group {
    /// `arn:aws:iam::ACCOUNT:group/PATH/NAME`.
    pub fn arn(&self) -> String {
        format!("arn:aws:iam::{}:group{}{}", self.account, self.path, self.group_name)
    }
}
