//! IAM users.

use std::collections::{BTreeMap, BTreeSet};

use keystead_model::Timestamp;
use keystead_model::arn::AccountId;

use super::AttachedPolicies;

/// An IAM user of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct User {
    /// The account it belongs to.
    pub account: AccountId,
    /// 1..=64 characters, unique in the account whatever the case of its letters.
    pub user_name: String,
    /// Begins and ends with `/`; `/` alone by default. Never changes.
    pub path: String,
    /// The unique ID that IAM gives a user: `AIDA` and 17 characters.
    pub user_id: String,
    /// When it was made.
    pub created: Timestamp,
    /// Keys and values.
    pub tags: BTreeMap<String, String>,
    /// Its own policies, without those of its groups.
    pub policies: AttachedPolicies,
    /// The ARN of the managed policy that is its permissions boundary.
    pub permissions_boundary: Option<String>,
    /// The names of the groups it is in.
    pub groups: BTreeSet<String>,
    /// Sessions that began earlier are refused.
    pub sessions_revoked_before: Option<Timestamp>,
    /// Grows with each update.
    pub revision: u64,
}

impl User {
    /// A user with a name, and nothing that is its own yet.
    pub fn new(account: AccountId, path: String, user_name: String, user_id: String, created: Timestamp) -> Self {
        Self {
            account,
            user_name,
            path,
            user_id,
            created,
            tags: BTreeMap::new(),
            policies: AttachedPolicies::default(),
            permissions_boundary: None,
            groups: BTreeSet::new(),
            sessions_revoked_before: None,
            revision: 0,
        }
    }

    /// `arn:aws:iam::ACCOUNT:user/PATH/NAME`.
    pub fn arn(&self) -> String {
        format!("arn:aws:iam::{}:user{}{}", self.account, self.path, self.user_name)
    }
}
