//! The user or role behind a principal, with its policies read and compiled.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};

use keystead_model::Timestamp;
use keystead_policy::NamedPolicy;

/// What IAM has of a principal. Made once, and again when anything of it changes.
#[derive(Clone, PartialEq, Debug, Default)]
pub struct PrincipalPolicies {
    /// The tags of the user or role.
    pub tags: BTreeMap<String, String>,
    /// The policies of the user and its groups, or of the role.
    pub policies: Vec<NamedPolicy>,
    /// The permissions boundary.
    pub boundary: Option<NamedPolicy>,
    /// Sessions that began earlier are refused.
    pub sessions_revoked_before: Option<Timestamp>,
}

impl PrincipalPolicies {
    /// Those of one that IAM has nothing of, as of a web identity until it has a role.
    pub fn none() -> Arc<Self> {
        static NONE: LazyLock<Arc<PrincipalPolicies>> = LazyLock::new(Arc::default);
        NONE.clone()
    }
}
