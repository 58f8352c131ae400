//! Why somebody may do something, or may not: the decision of a request that nobody makes, with what it comes from.

mod reader;
mod text;

use serde::Serialize;

use keystead_policy::{DecidingStatement, Decision, Effect, Layer, Permission};

pub(crate) use reader::explain;

/// The answer, and where it comes from.
#[derive(Clone, PartialEq, Eq, Serialize, Debug)]
#[serde(rename_all = "camelCase")]
pub struct Explanation {
    /// Who asks: an ARN.
    pub principal: String,
    /// Such as `kms:Encrypt`.
    pub action: String,
    /// An ARN, or `*`.
    pub resource: String,
    /// The answer.
    pub decision: ExplainedDecision,
    /// What decided, on each side that had to be asked.
    pub reasons: Vec<Reason>,
    /// Every document that was looked at.
    pub documents: Vec<ExplainedDocument>,
    /// Every grant on the key that names who asks.
    pub grants: Vec<ExplainedGrant>,
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
    ResourcePolicy,
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
    /// Whether it has constraints on the encryption context.
    pub constrained: bool,
}

impl Explanation {
    /// Whether it is allowed.
    pub fn is_allowed(&self) -> bool {
        self.decision == ExplainedDecision::Allowed
    }
}

impl From<Layer> for ExplainedLayer {
    fn from(layer: Layer) -> Self {
        match layer {
            Layer::IdentityPolicy => Self::IdentityPolicy,
            Layer::ResourcePolicy => Self::ResourcePolicy,
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
        Self::Statement { layer, effect, policy, statement: found.index + 1, sid }
    }

    fn permission(layer: ExplainedLayer, permission: &Permission<'_>) -> Self {
        match permission {
            Permission::RootUser => Self::RootUser,
            Permission::Grant(id) => Self::Grant { grant_id: (*id).to_owned() },
            Permission::Statement(found) => Self::statement(layer, ExplainedEffect::Allow, found),
        }
    }
}

/// The answer of a decision, and what it comes from.
fn answer_of(decision: &Decision<'_>) -> (ExplainedDecision, Vec<Reason>) {
    match decision {
        Decision::Allowed { identity, resource } => {
            let identity =
                identity.iter().map(|permission| Reason::permission(ExplainedLayer::IdentityPolicy, permission));
            let resource =
                resource.iter().map(|permission| Reason::permission(ExplainedLayer::ResourcePolicy, permission));
            (ExplainedDecision::Allowed, identity.chain(resource).collect())
        }
        Decision::ExplicitDeny(layer, found) => {
            let reason = Reason::statement((*layer).into(), ExplainedEffect::Deny, found);
            (ExplainedDecision::ExplicitDeny, vec![reason])
        }
        Decision::ImplicitDeny(layer) => {
            (ExplainedDecision::ImplicitDeny, vec![Reason::NothingAllows { layer: (*layer).into() }])
        }
    }
}
