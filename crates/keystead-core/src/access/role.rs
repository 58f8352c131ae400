//! IAM roles.

use std::collections::BTreeMap;

use keystead_model::Timestamp;
use keystead_model::arn::AccountId;

use super::AttachedPolicies;

/// An IAM role of an account.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Role {
    /// The account it belongs to.
    pub account: AccountId,
    /// 1..=64 characters, unique in the account whatever the case of its letters.
    pub role_name: String,
    /// As a user's.
    pub path: String,
    /// `AROA` and 17 characters.
    pub role_id: String,
    /// When it was made.
    pub created: Timestamp,
    /// For people.
    pub description: String,
    /// Who may assume it: a policy document, as given.
    pub trust_policy: String,
    /// The unique IDs that the ARNs of users, roles and sessions in the trust policy stood for when it was stored. An ARN that is not among
    /// them means whoever has the name.
    pub trust_policy_principals: BTreeMap<String, String>,
    /// The longest session, in seconds: 3,600 to 43,200.
    pub max_session_duration: u32,
    /// Keys and values.
    pub tags: BTreeMap<String, String>,
    /// Its policies.
    pub policies: AttachedPolicies,
    /// The ARN of the managed policy that is its permissions boundary.
    pub permissions_boundary: Option<String>,
    /// Sessions that began earlier are refused.
    pub sessions_revoked_before: Option<Timestamp>,
    /// Grows with each update.
    pub revision: u64,
}

impl Role {
    /// `arn:aws:iam::ACCOUNT:role/PATH/NAME`.
    pub fn arn(&self) -> String {
        format!("arn:aws:iam::{}:role{}{}", self.account, self.path, self.role_name)
    }
}
