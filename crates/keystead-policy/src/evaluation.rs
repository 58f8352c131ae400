//! One document against one request.

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
    /// The first of the statements that allow and speak of the principal most closely.
    pub allow: Option<StatementMatch>,
    /// Whether a statement allows it to the account as a whole, so that identity policies count.
    pub delegates: bool,
}

impl PolicyDocument {
    /// What this document says of a request.
    pub fn evaluate(&self, request: &AccessRequest<'_>) -> Verdict {
        let mut verdict = Verdict::default();
        for (index, statement) in self.statements.iter().enumerate() {
            let Some(principal) = statement.speaks_of(request) else { continue };
            let found = StatementMatch { index, principal };
            match statement.effect {
                Effect::Deny => _ = verdict.deny.get_or_insert(found),
                Effect::Allow => {
                    verdict.delegates |= statement.names_account_of(request);
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
    /// Whether it names the account of the request's principal, alone or among others.
    fn names_account_of(&self, request: &AccessRequest<'_>) -> bool {
        let named = self.principals.iter().filter(|listed| !listed.negated);
        named.flat_map(|listed| &listed.items).any(|principals| principals.names_account_of(request.identity))
    }

    /// How the statement speaks of the request's principal, if it speaks of the request at all.
    fn speaks_of(&self, request: &AccessRequest<'_>) -> Option<PrincipalMatch> {
        let principal = match &self.principals {
            None => PrincipalMatch::Itself,
            Some(listed) if listed.negated => {
                let excepted = listed.items.iter().any(|listed| listed.lists_all_names_of(request.identity));
                if excepted {
                    return None;
                }
                PrincipalMatch::Anyone
            }
            Some(listed) => listed.items.iter().filter_map(|listed| listed.speaks_of(request.identity)).max()?,
        };
        let speaks = self.actions.as_ref().is_some_and(|actions| actions.means_action(request.action))
            && self
                .resources
                .as_ref()
                .is_some_and(|resources| resources.means_resource(request.resource, request.context))
            && self.conditions.iter().all(|condition| condition.holds(request.context));
        speaks.then_some(principal)
    }
}
