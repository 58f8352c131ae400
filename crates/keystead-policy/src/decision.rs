//! What all policies and grants together say of a request (IAM User Guide, "Policy evaluation logic"; KMS Developer Guide, "Troubleshooting
//! key access").
//!
//! 1. An explicit deny in any document wins.
//! 2. In one account, a resource's policy or a grant that names the principal allows; one that names the account only makes the policies of
//!    identities count.
//! 3. Across accounts both sides must allow.
//! 4. A permissions boundary and session policies allow nothing by themselves: what they do not allow is denied, but for what a resource's
//!    policy or a grant in the same account allows to exactly this user or this session, or to anyone.

use std::collections::BTreeMap;

use crate::context::ConditionKeys;
use crate::document::PolicyDocument;
use crate::evaluation::{AccessRequest, Exceptions, StatementMatch};
use crate::grant::{GrantTerms, GrantedUse};
use crate::principal::{Identity, PrincipalMatch};

/// A document under the name by which people know it.
#[derive(Clone, PartialEq, Debug)]
pub struct NamedPolicy {
    /// The ARN of a managed policy; of another one where it is, such as `user alice, inline policy use-one-key`.
    pub name: String,
    /// The document.
    pub document: PolicyDocument,
}

/// What speaks of the principal wherever it goes.
#[derive(Clone, Copy, Debug)]
pub struct IdentitySide<'a> {
    /// Who asks.
    pub identity: &'a Identity,
    /// It is the root user of its account, who may do there whatever nothing denies, and has none of the policies below.
    pub is_root: bool,
    /// The policies of the user and its groups, or of the role.
    pub policies: &'a [NamedPolicy],
    /// The permissions boundary, if it has one.
    pub boundary: Option<&'a NamedPolicy>,
    /// The policies that were given when the session began; `None`: none were, and there is no limit.
    pub session: Option<&'a [NamedPolicy]>,
}

/// What speaks of the resource.
#[derive(Clone, Copy)]
pub struct ResourceSide<'a> {
    /// The account that owns it, 12 digits.
    pub account: &'a str,
    /// Its policy; `None` for what can have none: then the policies of identities decide alone, in its own account alone.
    pub policy: Option<&'a NamedPolicy>,
    /// Its grants, or those that name the principal. What can have no policy has none.
    pub grants: &'a [GrantTerms],
}

/// What is asked.
#[derive(Clone, Copy)]
pub struct Question<'a> {
    /// Such as `kms:Encrypt`.
    pub action: &'a str,
    /// An ARN, or `*`.
    pub resource: &'a str,
    /// The condition keys that the policies of identities may see.
    pub context: &'a dyn ConditionKeys,
    /// The condition keys that the resource's policy may see.
    pub resource_context: &'a dyn ConditionKeys,
    /// The encryption context that grants look at; see [`GrantedUse`].
    pub encryption_context: Option<&'a BTreeMap<String, String>>,
}

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
/// Across accounts the resource's side is looked at first: what a stranger's own policies say must not show what the resource is like.
pub fn decide<'a>(question: &Question<'_>, identity: &IdentitySide<'a>, resource: &ResourceSide<'a>) -> Decision<'a> {
    let own = OwnSide::of(question, identity);
    let theirs = TheirSide::of(question, identity, resource);
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
        // That a boundary and session policies do not limit what anyone may is written of statements with a condition on aws:PrincipalArn
        // (IAM User Guide, "AWS JSON policy elements: Principal"); for those without it is unverified.
        Some((permission, PrincipalMatch::Itself | PrincipalMatch::Anyone)) => {
            Decision::Allowed { identity: None, resource: Some(permission) }
        }
        Some((permission, PrincipalMatch::Role)) => match own.limit() {
            None => Decision::Allowed { identity: None, resource: Some(permission) },
            Some(layer) => Decision::ImplicitDeny(layer),
        },
        Some((permission, PrincipalMatch::Account)) => own.allowed_with(Some(permission)),
        None => Decision::ImplicitDeny(Layer::ResourcePolicy),
    }
}

/// The policies that go with the principal, evaluated.
struct OwnSide<'a> {
    denials: [Option<DecidingStatement<'a>>; 3],
    permission: Option<Permission<'a>>,
    within_boundary: bool,
    within_session: bool,
}

impl<'a> OwnSide<'a> {
    fn of(question: &Question<'_>, side: &IdentitySide<'a>) -> Self {
        let request = AccessRequest {
            identity: side.identity,
            action: question.action,
            resource: question.resource,
            context: question.context,
        };
        let policies = evaluate_all(side.policies, &request);
        let boundary = side.boundary.map(|boundary| evaluate_all(std::slice::from_ref(boundary), &request));
        let session = side.session.map(|session| evaluate_all(session, &request));
        let denial = |evaluated: &Option<Evaluated<'a>>| evaluated.as_ref().and_then(|evaluated| evaluated.deny);
        let within =
            |evaluated: &Option<Evaluated<'a>>| evaluated.as_ref().is_none_or(|evaluated| evaluated.allow.is_some());
        let root = side.is_root.then_some(Permission::RootUser);
        Self {
            denials: [policies.deny, denial(&boundary), denial(&session)],
            permission: root.or(policies.allow.map(Permission::Statement)),
            within_boundary: within(&boundary),
            within_session: within(&session),
        }
    }

    fn denial(&self) -> Option<Decision<'a>> {
        let layers = [Layer::IdentityPolicy, Layer::PermissionsBoundary, Layer::SessionPolicy];
        let mut denials = layers.into_iter().zip(self.denials);
        denials.find_map(|(layer, denial)| Some(Decision::ExplicitDeny(layer, denial?)))
    }

    /// What does not allow although it must, of what only limits.
    fn limit(&self) -> Option<Layer> {
        match (self.within_boundary, self.within_session) {
            (false, _) => Some(Layer::PermissionsBoundary),
            (true, false) => Some(Layer::SessionPolicy),
            (true, true) => None,
        }
    }

    fn allowed_with(&self, resource: Option<Permission<'a>>) -> Decision<'a> {
        match (self.permission, self.limit()) {
            (None, _) => Decision::ImplicitDeny(Layer::IdentityPolicy),
            (Some(_), Some(layer)) => Decision::ImplicitDeny(layer),
            (identity, None) => Decision::Allowed { identity, resource },
        }
    }
}

/// The resource's policy and grants, evaluated.
struct TheirSide<'a> {
    has_policy: bool,
    denial: Option<DecidingStatement<'a>>,
    /// The permission that the least can limit.
    permission: Option<(Permission<'a>, PrincipalMatch)>,
}

impl<'a> TheirSide<'a> {
    fn of(question: &Question<'_>, principal: &IdentitySide<'_>, side: &ResourceSide<'a>) -> Self {
        let identity = principal.identity;
        let request = AccessRequest {
            identity,
            action: question.action,
            resource: question.resource,
            context: question.resource_context,
        };
        let Some(policy) = side.policy else { return Self { has_policy: false, denial: None, permission: None } };
        let bounded = principal.boundary.is_some();
        let exceptions = if bounded { Exceptions::OfNobody } else { Exceptions::OfThoseListed };
        let verdict = policy.document.evaluate_with(&request, exceptions);
        let place = |found: StatementMatch| deciding(policy, found.index);
        let by_policy = verdict.allow.map(|found| (Permission::Statement(place(found)), found.principal));
        let asked = GrantedUse { action: question.action, encryption_context: question.encryption_context };
        let by_grant = side.grants.iter().filter_map(|grant| grant.allows(identity, &asked));
        let by_grant = by_grant.map(|found| (Permission::Grant(found.id), found.principal));
        Self {
            has_policy: true,
            denial: verdict.deny.map(place),
            permission: by_policy.into_iter().chain(by_grant).reduce(closer),
        }
    }

    fn allows_strangers(&self) -> Result<(), Decision<'a>> {
        match (self.denial, self.permission) {
            (Some(denial), _) => Err(Decision::ExplicitDeny(Layer::ResourcePolicy, denial)),
            (None, None) => Err(Decision::ImplicitDeny(Layer::ResourcePolicy)),
            (None, Some(_)) => Ok(()),
        }
    }
}

/// The first of those that the least can limit.
fn closer<'a>(
    first: (Permission<'a>, PrincipalMatch),
    second: (Permission<'a>, PrincipalMatch),
) -> (Permission<'a>, PrincipalMatch) {
    if second.1 > first.1 { second } else { first }
}

/// The first statement of several documents that denies, and the first that allows.
struct Evaluated<'a> {
    deny: Option<DecidingStatement<'a>>,
    allow: Option<DecidingStatement<'a>>,
}

fn evaluate_all<'a>(policies: &'a [NamedPolicy], request: &AccessRequest<'_>) -> Evaluated<'a> {
    let mut evaluated = Evaluated { deny: None, allow: None };
    for policy in policies {
        let verdict = policy.document.evaluate(request);
        let place = |found: Option<StatementMatch>| found.map(|found| deciding(policy, found.index));
        evaluated.deny = evaluated.deny.or(place(verdict.deny));
        evaluated.allow = evaluated.allow.or(place(verdict.allow));
    }
    evaluated
}

fn deciding(policy: &NamedPolicy, index: usize) -> DecidingStatement<'_> {
    let sid = policy.document.statements().get(index).and_then(|statement| statement.sid.as_deref());
    DecidingStatement { policy: &policy.name, index, sid }
}
