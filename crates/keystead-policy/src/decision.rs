//! What all policies and grants together say of a request (IAM User Guide, "Policy evaluation logic"; KMS Developer Guide, "Troubleshooting
//! key access").
//!
//! 1. An explicit deny in any document wins.
//! 2. In one account, a resource's policy or a grant that names the principal allows; one that names the account only makes the policies of
//!    identities count.
//! 3. Across accounts both sides must allow.
//! 4. A permissions boundary and session policies allow nothing by themselves: what they do not allow is denied, but for what a resource's
//!    policy or a grant in the same account allows to exactly this user or this session.

use crate::budget::Budget;
use crate::principal::PrincipalMatch;
use crate::question::{IdentitySide, Question, ResourceSide};
use crate::sides::{OwnSide, TheirSide};

/// Where a document stands.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Layer {
    /// A policy of the user, of one of its groups, or of the role.
    IdentityPolicy,
    /// A key policy, or a role's trust policy; grants count as the resource's.
    ResourcePolicy,
    /// A permissions boundary.
    PermissionsBoundary,
    /// A session policy.
    SessionPolicy,
}

/// A statement that decided.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct DecidingStatement<'a> {
    /// The document's name.
    pub policy: &'a str,
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<&'a str>,
}

/// What allowed.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Permission<'a> {
    /// The principal is the root user of the account.
    RootUser,
    /// A statement of a policy.
    Statement(DecidingStatement<'a>),
    /// The grant of this ID.
    Grant(&'a str),
}

/// The answer.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Decision<'a> {
    /// It is allowed, on the side of the identity, of the resource, or on both.
    Allowed {
        /// What allows on the identity's side, where that side was needed.
        identity: Option<Permission<'a>>,
        /// What allows, or lets the identity's side allow, on the resource's side; `None` for what has no policy.
        resource: Option<Permission<'a>>,
    },
    /// A statement denies it.
    ExplicitDeny(Layer, DecidingStatement<'a>),
    /// Nothing in this layer allows it.
    ImplicitDeny(Layer),
}

impl Decision<'_> {
    /// Whether it is allowed.
    pub fn is_allowed(&self) -> bool {
        matches!(self, Self::Allowed { .. })
    }
}

/// Decides. The order of documents, statements and grants changes nothing but which of several equal reasons is named.
///
/// What policies and a request can make it take is bounded: after 20 million steps, some tens of milliseconds, what is still to be compared is
/// taken to fit each statement that denies, and none that allows.
///
/// Across accounts the resource's side is looked at first: what a stranger's own policies say must not show what the resource is like.
pub fn decide<'a>(question: &Question<'_>, identity: &IdentitySide<'a>, resource: &ResourceSide<'a>) -> Decision<'a> {
    let budget = Budget::default();
    let own = OwnSide::of(question, identity, &budget);
    let theirs = TheirSide::of(question, identity, resource, &budget);
    let same_account = identity.identity.account == resource.account;
    if !same_account && let Err(denial) = theirs.allows_strangers() {
        return denial;
    }
    if let Some(denial) = own.denial() {
        return denial;
    }
    if let Some(denial) = theirs.denial {
        return Decision::ExplicitDeny(Layer::ResourcePolicy, denial);
    }
    if !same_account {
        return own.allowed_with(theirs.permission.map(|(permission, _)| permission));
    }
    if !theirs.has_policy {
        return own.allowed_with(None);
    }
    match theirs.permission {
        Some((permission, PrincipalMatch::Itself)) => Decision::Allowed { identity: None, resource: Some(permission) },
        // Of a policy that names the role the IAM User Guide says that a boundary and session policies limit it ("Policy evaluation logic");
        // that they limit a grant to the role as well is unverified. So it is of a policy that allows anyone: that they do not limit it is
        // written only of statements with a condition on aws:PrincipalArn ("AWS JSON policy elements: Principal"). Here they limit all.
        Some((permission, PrincipalMatch::Role | PrincipalMatch::Anyone)) => match own.limit() {
            None => Decision::Allowed { identity: None, resource: Some(permission) },
            Some(layer) => Decision::ImplicitDeny(layer),
        },
        Some((permission, PrincipalMatch::Account)) => own.allowed_with(Some(permission)),
        None => Decision::ImplicitDeny(Layer::ResourcePolicy),
    }
}
