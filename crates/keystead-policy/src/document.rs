//! A policy document, ready to be evaluated.

use std::collections::BTreeMap;

use crate::condition::Condition;
use crate::element::Listed;
use crate::pattern::Pattern;
use crate::principal::Principals;
use crate::variable::Template;

/// What a document is attached to, which decides what may be in it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum PolicyKind {
    /// To an identity, as a permission boundary, or given with a session: says nothing of principals, and must say of which resources.
    Identity,
    /// To a KMS key: must say of which principals.
    Key,
    /// To a role: must say who may assume it, and nothing of resources.
    Trust,
}

/// What a statement does.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Effect {
    /// It allows.
    Allow,
    /// It denies, and no other statement can allow that.
    Deny,
}

/// A policy document.
#[derive(Clone, PartialEq, Debug)]
pub struct PolicyDocument {
    /// Its statements, in order.
    pub(crate) statements: Vec<Statement>,
}

impl PolicyDocument {
    /// A document that allows nothing and denies nothing.
    pub fn silent() -> Self {
        Self { statements: Vec::new() }
    }

    /// Its statements, in order.
    pub fn statements(&self) -> &[Statement] {
        &self.statements
    }

    /// The ARNs of users and roles that its statements name as principals.
    pub fn principal_arns(&self) -> impl Iterator<Item = &str> {
        let named = self.statements.iter().filter_map(|statement| statement.principals.as_ref());
        named.flat_map(|principals| principals.items.iter().flat_map(Principals::arns))
    }

    /// The document as it was meant when it was stored: a principal whose ARN has a unique ID in `ids` is the user, the role, or a session of
    /// the role with that ID, and nobody else of the same name (IAM User Guide, "AWS JSON policy elements: Principal"). Other ARNs, of which
    /// nothing more is known, mean whoever has the name.
    #[must_use]
    pub fn bound_to(mut self, ids: &BTreeMap<String, String>) -> Self {
        let named = self.statements.iter_mut().filter_map(|statement| statement.principals.as_mut());
        named
            .flat_map(|principals| &mut principals.items)
            .for_each(|principals| principals.bind(|arn| ids.get(arn).cloned()));
        self
    }
}

/// One statement.
#[derive(Clone, PartialEq, Debug)]
pub struct Statement {
    /// Its name, if it has one.
    pub sid: Option<String>,
    /// What it does.
    pub effect: Effect,
    /// Of whom; `None` where the document's place says it.
    pub(crate) principals: Option<Listed<Principals>>,
    /// Which actions. `None`: no effect.
    pub(crate) actions: Option<Listed<Pattern>>,
    /// On what. `None`: no effect, unless the document's place says it.
    pub(crate) resources: Option<Listed<Template>>,
    /// All must hold.
    pub(crate) conditions: Vec<Condition>,
}

impl Statement {
    /// Its conditions.
    pub fn conditions(&self) -> &[Condition] {
        &self.conditions
    }
}
