//! Customer managed policies.

use std::collections::BTreeMap;

use keystead_model::Timestamp;
use keystead_model::arn::AccountId;

/// A managed policy of an account, with its versions.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct ManagedPolicy {
    /// The account it belongs to.
    pub account: AccountId,
    /// 1..=128 characters, unique in the account whatever the case of its letters.
    pub policy_name: String,
    /// As a user's.
    pub path: String,
    /// `ANPA` and 17 characters.
    pub policy_id: String,
    /// When it was made.
    pub created: Timestamp,
    /// When its versions last changed.
    pub updated: Timestamp,
    /// For people.
    pub description: String,
    /// Keys and values.
    pub tags: BTreeMap<String, String>,
    /// 1 to 5 versions, the oldest first.
    pub versions: Vec<PolicyVersion>,
    /// The number of the version that is in force.
    pub default_version: u32,
    /// The number that the next version gets: none is given twice.
    pub next_version: u32,
    /// Grows with each update.
    pub revision: u64,
}

/// A version of a managed policy.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct PolicyVersion {
    /// Shown as `v1`.
    pub number: u32,
    /// The document, as given.
    pub document: String,
    /// When it was made.
    pub created: Timestamp,
}

impl ManagedPolicy {
    /// `arn:aws:iam::ACCOUNT:policy/PATH/NAME`.
    pub fn arn(&self) -> String {
        format!("arn:aws:iam::{}:policy{}{}", self.account, self.path, self.policy_name)
    }

    /// The document that is in force.
    pub fn default_document(&self) -> Option<&str> {
        let in_force = self.versions.iter().find(|version| version.number == self.default_version);
        in_force.map(|version| version.document.as_str())
    }
}

/// The account and the name of a customer managed policy, from its ARN.
pub fn customer_policy_name(arn: &str) -> Option<(AccountId, &str)> {
    let (account, resource) = arn.strip_prefix("arn:aws:iam::")?.split_once(':')?;
    let name = resource.strip_prefix("policy/")?.rsplit('/').next()?;
    Some((AccountId::parse(account)?, name))
}
