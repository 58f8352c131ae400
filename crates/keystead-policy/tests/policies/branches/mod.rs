//! How often generated cases end in which way: cases that all end alike would show nothing.

use std::collections::BTreeMap;
use std::fmt;

use keystead_policy::{Decision, Layer, Permission};

use crate::generator::whole::WholeCase;

/// Every way that a decision can come about: where the principal is at home, and what decided. No other can come about.
const BRANCHES: &[&str] = &[
    "home: allowed by an identity policy, of what has no policy",
    "home: allowed by an identity policy, and delegated by a statement",
    "home: allowed by an identity policy, and delegated by a grant",
    "home: allowed to the root user, of what has no policy",
    "home: allowed to the root user, and delegated by a statement",
    "home: allowed to the root user, and delegated by a grant",
    "home: allowed by a statement of the resource's policy",
    "home: allowed by a grant",
    "home: explicit deny in IdentityPolicy",
    "home: explicit deny in ResourcePolicy",
    "home: explicit deny in PermissionsBoundary",
    "home: explicit deny in SessionPolicy",
    "home: implicit deny in IdentityPolicy",
    "home: implicit deny in ResourcePolicy",
    "home: implicit deny in PermissionsBoundary",
    "home: implicit deny in SessionPolicy",
    "abroad: allowed by an identity policy, and by a statement",
    "abroad: allowed by an identity policy, and by a grant",
    "abroad: allowed to the root user, and by a statement",
    "abroad: allowed to the root user, and by a grant",
    "abroad: explicit deny in an own policy",
    "abroad: explicit deny in ResourcePolicy",
    "abroad: implicit deny in IdentityPolicy",
    "abroad: implicit deny in ResourcePolicy",
    "abroad: implicit deny in PermissionsBoundary or SessionPolicy",
];

/// One of so many cases at least must end in each way.
const ONE_OF: u64 = 100;

/// Counts.
#[derive(Default)]
pub(crate) struct Branches(BTreeMap<String, u64>);

impl Branches {
    pub(crate) fn count(&mut self, case: &WholeCase, decision: &Decision<'_>) {
        *self.0.entry(branch(case, decision)).or_default() += 1;
    }

    /// Shows the counts with `--nocapture`.
    pub(crate) fn assert_varied(&self, cases: u64) {
        println!("{cases} whole cases:\n{self}");
        for branch in BRANCHES {
            let count = self.0.get(*branch).copied().unwrap_or_default();
            assert!(cases < 20_000 || count >= cases / ONE_OF, "too few of {branch}: {self}");
        }
    }
}

impl fmt::Display for Branches {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(branch, count)| writeln!(f, "{count:9} {branch}"))
    }
}

fn branch(case: &WholeCase, decision: &Decision<'_>) -> String {
    let at_home = case.identity.account == case.owner;
    let place = if at_home { "home" } else { "abroad" };
    let end = match decision {
        Decision::ExplicitDeny(layer, _) if !at_home && *layer != Layer::ResourcePolicy => {
            "explicit deny in an own policy".to_owned()
        }
        Decision::ExplicitDeny(layer, _) => format!("explicit deny in {layer:?}"),
        Decision::ImplicitDeny(Layer::PermissionsBoundary | Layer::SessionPolicy) if !at_home => {
            "implicit deny in PermissionsBoundary or SessionPolicy".to_owned()
        }
        Decision::ImplicitDeny(layer) => format!("implicit deny in {layer:?}"),
        Decision::Allowed { identity: None, resource: Some(Permission::Grant(_)) } => "allowed by a grant".to_owned(),
        Decision::Allowed { identity: None, .. } => "allowed by a statement of the resource's policy".to_owned(),
        Decision::Allowed { identity: Some(own), resource } => {
            let own = if *own == Permission::RootUser { "to the root user" } else { "by an identity policy" };
            let delegated = if at_home { "delegated by" } else { "by" };
            match resource {
                None => format!("allowed {own}, of what has no policy"),
                Some(Permission::Grant(_)) => format!("allowed {own}, and {delegated} a grant"),
                Some(_) => format!("allowed {own}, and {delegated} a statement"),
            }
        }
    };
    format!("{place}: {end}")
}
