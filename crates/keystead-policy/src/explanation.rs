//! Why a document says what it says: for each statement, what in it does not fit a request.

use std::fmt;

use crate::budget::Budget;
use crate::document::{Effect, PolicyDocument, Statement};
use crate::evaluation::{AccessRequest, Exceptions};

/// What a statement has to do with a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatementExplanation<'a> {
    /// Its place in the document, from 0.
    pub index: usize,
    /// Its `Sid`.
    pub sid: Option<&'a str>,
    /// What it does if it speaks of the request.
    pub effect: Effect,
    /// The first element that does not fit; `None`: the statement speaks of the request.
    pub mismatch: Option<Mismatch<'a>>,
}

impl StatementExplanation<'_> {
    /// Whether the statement would speak of the request but for a condition.
    pub fn fits_but_for_conditions(&self) -> bool {
        matches!(self.mismatch, Some(Mismatch::Condition { .. }))
    }
}

/// An element that does not fit a request, or its `Not` form.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Mismatch<'a> {
    /// It speaks of other principals.
    Principal,
    /// It speaks of other actions, or of none.
    Action,
    /// It speaks of other resources, or of none.
    Resource,
    /// A condition does not hold.
    Condition {
        /// The operator, as the document has it.
        operator: &'a str,
        /// The condition key, as the document has it.
        key: &'a str,
    },
}

impl fmt::Display for Mismatch<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal => f.write_str("Principal"),
            Self::Action => f.write_str("Action"),
            Self::Resource => f.write_str("Resource"),
            Self::Condition { operator, key } => write!(f, "Condition {operator} {key}"),
        }
    }
}

impl PolicyDocument {
    /// What each of its statements has to do with a request, in their order, of a principal that has no permissions boundary.
    pub fn explain(&self, request: &AccessRequest<'_>) -> Vec<StatementExplanation<'_>> {
        self.explain_with(request, Exceptions::OfThoseListed)
    }

    /// The same of a principal that has one: no `NotPrincipal` excepts it (IAM User Guide, "NotPrincipal").
    pub fn explain_bounded(&self, request: &AccessRequest<'_>) -> Vec<StatementExplanation<'_>> {
        self.explain_with(request, Exceptions::OfNobody)
    }

    fn explain_with(&self, request: &AccessRequest<'_>, exceptions: Exceptions) -> Vec<StatementExplanation<'_>> {
        let budget = Budget::default();
        let statements = self.statements.iter().enumerate();
        let explained = statements.map(|(index, statement)| StatementExplanation {
            index,
            sid: statement.sid.as_deref(),
            effect: statement.effect,
            mismatch: statement.mismatch(request, exceptions, &budget),
        });
        explained.collect()
    }
}

impl Statement {
    fn mismatch(&self, request: &AccessRequest<'_>, exceptions: Exceptions, budget: &Budget) -> Option<Mismatch<'_>> {
        if self.principal_match(request, exceptions).is_none() {
            return Some(Mismatch::Principal);
        }
        if !self.means_action(request, budget) {
            return Some(Mismatch::Action);
        }
        if !self.means_resource(request, budget) {
            return Some(Mismatch::Resource);
        }
        let (operator, key) = self.unmet_condition(request, budget)?.written();
        Some(Mismatch::Condition { operator, key })
    }
}
