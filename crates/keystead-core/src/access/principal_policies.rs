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
    /// Those of a root user whose sessions nobody revoked: none.
    pub fn of_root() -> Arc<Self> {
        static ROOT: LazyLock<Arc<PrincipalPolicies>> = LazyLock::new(Arc::default);
        ROOT.clone()
    }
}
