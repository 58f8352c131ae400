//! The policies of a user, a group or a role.

use std::collections::{BTreeMap, BTreeSet};

/// What is attached to an identity, and what is embedded in it.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct AttachedPolicies {
    /// Inline policies: name and document, as given.
    pub inline: BTreeMap<String, String>,
    /// ARNs of managed policies.
    pub managed: BTreeSet<String>,
}

impl AttachedPolicies {
    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.inline.is_empty() && self.managed.is_empty()
    }
}
