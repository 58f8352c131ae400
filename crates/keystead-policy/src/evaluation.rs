//! One document against one request.

use crate::budget::{Budget, Facts};
use crate::condition::Condition;
use crate::context::ConditionKeys;
use crate::document::{Effect, PolicyDocument, Statement};
use crate::principal::{Identity, PrincipalMatch};

/// What is asked.
#[derive(Clone, Copy)]
pub struct AccessRequest<'a> {
    /// Who asks.
    pub identity: &'a Identity,
    /// Such as `kms:Encrypt`.
    pub action: &'a str,
    /// An ARN, or `*`.
    pub resource: &'a str,
    /// What else is known.
    pub context: &'a dyn ConditionKeys,
}

/// A statement that speaks of the request.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct StatementMatch {
    /// Its place in the document, from 0.
    pub index: usize,
    /// How it speaks of the principal; [`PrincipalMatch::Itself`] in documents that are attached to the principal.
    pub principal: PrincipalMatch,
}

/// What a document says of a request.
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct Verdict {
    /// The first statement that denies.
    pub deny: Option<StatementMatch>,
    /// The first of the statements that allow in the way that the least can limit; see [`PrincipalMatch`].
    pub allow: Option<StatementMatch>,
}

/// What else than the request decides whom a `NotPrincipal` excepts.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Exceptions {
    /// Who is listed by all names.
    OfThoseListed,
    /// The principal has a permissions boundary, and is no exception whatever the list says (IAM User Guide, "NotPrincipal").
    OfNobody,
}

impl PolicyDocument {
    /// What this document says of a request, of a principal that has no permissions boundary.
    pub fn evaluate(&self, request: &AccessRequest<'_>) -> Verdict {
        self.evaluate_with(request, Exceptions::OfThoseListed, &Budget::default())
    }

    pub(crate) fn evaluate_with(
        &self,
        request: &AccessRequest<'_>,
        exceptions: Exceptions,
        budget: &Budget,
    ) -> Verdict {
        let mut verdict = Verdict::default();
        for (index, statement) in self.statements.iter().enumerate() {
            // One that allows is as good as several where all speak of the same principal.
            if verdict.allow.is_some() && statement.effect == Effect::Allow && statement.principals.is_none() {
                continue;
            }
            let Some(principal) = statement.speaks_of(request, exceptions, budget) else { continue };
            let found = StatementMatch { index, principal };
            match statement.effect {
                Effect::Deny => _ = verdict.deny.get_or_insert(found),
                Effect::Allow => {
                    if verdict.allow.is_none_or(|before| before.principal < principal) {
                        verdict.allow = Some(found);
                    }
                }
            }
        }
        verdict
    }
}

impl Statement {
    /// How the statement speaks of the request's principal, if it speaks of the request at all. What costs least is looked at first.
    fn speaks_of(
        &self,
        request: &AccessRequest<'_>,
        exceptions: Exceptions,
        budget: &Budget,
    ) -> Option<PrincipalMatch> {
        if !self.means_action(request, budget) {
            return None;
        }
        let principal = self.principal_match(request, exceptions)?;
        let holds = self.means_resource(request, budget) && self.unmet_condition(request, budget).is_none();
        holds.then_some(principal)
    }

    pub(crate) fn principal_match(
        &self,
        request: &AccessRequest<'_>,
        exceptions: Exceptions,
    ) -> Option<PrincipalMatch> {
        let Some(listed) = &self.principals else { return Some(PrincipalMatch::Itself) };
        if !listed.negated {
            return listed.items.iter().filter_map(|listed| listed.speaks_of(request.identity, self.effect)).max();
        }
        let listed = listed.items.iter().any(|listed| listed.lists_all_names_of(request.identity));
        let excepted = listed && exceptions == Exceptions::OfThoseListed;
        (!excepted).then_some(PrincipalMatch::Anyone)
    }

    pub(crate) fn means_action(&self, request: &AccessRequest<'_>, budget: &Budget) -> bool {
        let Some(actions) = &self.actions else { return false };
        self.on_the_safe_side(actions.means_action(request.action, budget), budget)
    }

    pub(crate) fn means_resource(&self, request: &AccessRequest<'_>, budget: &Budget) -> bool {
        let Some(resources) = &self.resources else { return false };
        let facts = Facts { keys: request.context, budget };
        self.on_the_safe_side(resources.means_resource(request.resource, facts), budget)
    }

    /// The first condition that does not hold.
    pub(crate) fn unmet_condition(&self, request: &AccessRequest<'_>, budget: &Budget) -> Option<&Condition> {
        let facts = Facts { keys: request.context, budget };
        let holds = |condition: &Condition| self.on_the_safe_side(condition.holds(self.effect, facts), budget);
        self.conditions.iter().find(|condition| !holds(condition))
    }

    /// Whether an element fits a request. When the budget is spent, nobody knows: then all elements of a statement that denies fit, and none
    /// of one that allows.
    fn on_the_safe_side(&self, fits: bool, budget: &Budget) -> bool {
        if budget.is_spent() { self.effect == Effect::Deny } else { fits }
    }
}
