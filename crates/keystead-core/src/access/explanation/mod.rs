//! Why somebody may do something, or may not: the decision of a request that nobody makes, with what it comes from.

mod keys_not_given;
mod reader;
mod text;

use std::collections::BTreeMap;

use serde::Serialize;

use keystead_policy::{DecidingStatement, Decision, Effect, Layer, Permission};

pub(crate) use reader::{AskedAccess, explain, explain_without_policies};

/// The answer, and where it comes from.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Who asks: an ARN.
    pub principal: String,
    /// Such as `kms:Encrypt`.
    pub action: String,
    /// An ARN, or `*`, as refusals name it.
    pub resource: String,
    /// The answer.
    pub decision: ExplainedDecision,
    /// What decided, on each side that had to be asked.
    pub reasons: Vec<Reason>,
    /// Every document that was looked at.
    pub documents: Vec<ExplainedDocument>,
    /// Every grant on the key that names who asks.
    pub grants: Vec<ExplainedGrant>,
    /// A user or role that has no identity policies at all, such as `user uma`.
    pub without_policies: Option<WithoutPolicies>,
    /// Who asks is a session, and session policies, which are not known here, may allow it less.
    pub session_policies_unknown: bool,
}

/// An identity that has no policies.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
#[serde(tag = "kind", content = "name", rename_all = "camelCase")]
pub enum WithoutPolicies {
    /// A user of this name, and none of its groups has any.
    User(String),
    /// A role of this name.
    Role(String),
}

/// The answer.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub enum ExplainedDecision {
    /// It is allowed.
    Allowed,
    /// A statement denies it.
    ExplicitDeny,
    /// Nothing allows it where something has to.
    ImplicitDeny,
}

/// Where a document stands.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub enum ExplainedLayer {
    /// A policy of the user, of one of its groups, or of the role.
    IdentityPolicy,
    /// The key policy.
    KeyPolicy,
    /// The trust policy of a role.
    TrustPolicy,
    /// The permissions boundary.
    PermissionsBoundary,
    /// A session policy.
    SessionPolicy,
}

/// Something that decided.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
#[serde(tag = "kind", rename_all = "camelCase", rename_all_fields = "camelCase")]
pub enum Reason {
    /// The root user of an account may do in it whatever nothing denies.
    RootUser,
    /// A statement of a policy.
    Statement {
        /// Where the policy stands.
        layer: ExplainedLayer,
        /// What the statement does.
        effect: ExplainedEffect,
        /// The policy's name.
        policy: String,
        /// Its place in the policy, from 1.
        statement: usize,
        /// Its `Sid`.
        sid: Option<String>,
        /// It does not allow it by itself: it speaks of the account, whose policies then decide.
        leaves_to_account: bool,
    },
    /// A grant.
    Grant {
        /// Its ID.
        grant_id: String,
    },
    /// No document of this layer allows it, and no grant where grants count.
    NothingAllows {
        /// The layer.
        layer: ExplainedLayer,
    },
    /// The operation cannot be done with what is another account's, whatever that allows.
    OtherAccount,
    /// Everybody who has an access key may do it.
    Everybody,
    /// Everybody who has a long-term access key may do it, and nobody else.
    LongTermAccessKeys,
    /// Root users can assume no role.
    RootAssumesNoRole,
}

/// What a statement does.
#[derive(Clone, Copy, PartialEq, Eq, Serialize, Debug)]
pub enum ExplainedEffect {
    /// It allows.
    Allow,
    /// It denies.
    Deny,
}

/// A document that was looked at.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedDocument {
    /// Where it stands.
    pub layer: ExplainedLayer,
    /// Its name.
    pub policy: String,
    /// Its statements, in order.
    pub statements: Vec<ExplainedStatement>,
}

/// A statement that was looked at.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedStatement {
    /// Its place in the document, from 1.
    pub statement: usize,
    /// Its `Sid`.
    pub sid: Option<String>,
    /// What it does.
    pub effect: ExplainedEffect,
    /// The first element that does not fit; `None`: it speaks of the request.
    pub mismatch: Option<String>,
    /// A condition key that this depends on, and whose value the question does not give: of one that does not fit, the key in `mismatch`;
    /// of one that fits, the first such key, in lower case.
    pub key_not_given: Option<String>,
}

/// A grant that names who asks.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct ExplainedGrant {
    /// Its ID.
    pub grant_id: String,
    /// Its name, if it has one.
    pub name: Option<String>,
    /// Whether the action is among its operations.
    pub has_operation: bool,
    /// A constraint on the encryption context that does not hold.
    pub unmet_constraint: Option<ExplainedConstraint>,
}

/// What a grant wants the encryption context to be.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub enum ExplainedConstraint {
    /// Exactly this.
    EncryptionContextEquals(BTreeMap<String, String>),
    /// It has these pairs.
    EncryptionContextSubset(BTreeMap<String, String>),
}

impl Explanation {
    /// Whether it is allowed.
    pub fn is_allowed(&self) -> bool {
        self.decision == ExplainedDecision::Allowed
    }
}

impl ExplainedLayer {
    /// `of_resource`: what the policy of the resource is.
    fn of(layer: Layer, of_resource: Self) -> Self {
        match layer {
            Layer::IdentityPolicy => Self::IdentityPolicy,
            Layer::ResourcePolicy => of_resource,
            Layer::PermissionsBoundary => Self::PermissionsBoundary,
            Layer::SessionPolicy => Self::SessionPolicy,
        }
    }
}

impl From<Effect> for ExplainedEffect {
    fn from(effect: Effect) -> Self {
        match effect {
            Effect::Allow => Self::Allow,
            Effect::Deny => Self::Deny,
        }
    }
}

impl Reason {
    fn statement(layer: ExplainedLayer, effect: ExplainedEffect, found: &DecidingStatement<'_>) -> Self {
        let (policy, sid) = (found.policy.to_owned(), found.sid.map(str::to_owned));
        Self::Statement { layer, effect, policy, statement: found.index + 1, sid, leaves_to_account: false }
    }

    fn permission(layer: ExplainedLayer, permission: &Permission<'_>) -> Self {
        match permission {
            Permission::RootUser => Self::RootUser,
            Permission::Grant(id) => Self::Grant { grant_id: (*id).to_owned() },
            Permission::Statement(found) => Self::statement(layer, ExplainedEffect::Allow, found),
        }
    }

    fn left_to_account(mut self, left: bool) -> Self {
        if let Self::Statement { leaves_to_account, .. } = &mut self {
            *leaves_to_account = left;
        }
        self
    }
}

/// The answer of a decision, and what it comes from. `of_resource` as of [`ExplainedLayer::of`].
fn answer_of(
    decision: &Decision<'_>,
    of_resource: ExplainedLayer,
    same_account: bool,
) -> (ExplainedDecision, Vec<Reason>) {
    match decision {
        Decision::Allowed { identity, resource } => {
            // Within one account the identity's side is needed where the resource's speaks of the account only.
            let left = same_account && identity.is_some();
            let identity =
                identity.iter().map(|permission| Reason::permission(ExplainedLayer::IdentityPolicy, permission));
            let resource =
                resource.iter().map(|permission| Reason::permission(of_resource, permission).left_to_account(left));
            (ExplainedDecision::Allowed, identity.chain(resource).collect())
        }
        Decision::ExplicitDeny(layer, found) => {
            let layer = ExplainedLayer::of(*layer, of_resource);
            (ExplainedDecision::ExplicitDeny, vec![Reason::statement(layer, ExplainedEffect::Deny, found)])
        }
        Decision::ImplicitDeny(layer) => {
            let layer = ExplainedLayer::of(*layer, of_resource);
            (ExplainedDecision::ImplicitDeny, vec![Reason::NothingAllows { layer }])
        }
    }
}
