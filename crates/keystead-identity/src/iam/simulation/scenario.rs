//! One simulated request: what the policies decide of it, and why.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;

use keystead_policy::{
    AccessRequest, ConditionKeys, ContextValue, Decision, Effect, IdentitySide, NamedPolicy, Question, RequestContext,
    ResourceSide, decide,
};

use super::documents::{Documents, MatchedStatement};
use super::simulated_caller::SimulatedCaller;
use super::written_keys::WrittenKeys;

/// All that a simulation is about but for the action and the resource.
#[derive(Clone, Debug)]
pub(super) struct Scenario {
    pub(super) caller: SimulatedCaller,
    /// The policies of the identity.
    pub(super) policies: Documents,
    /// The permissions boundary: none or one.
    pub(super) boundary: Documents,
    /// The resource's policy: none or one.
    pub(super) resource_policy: Documents,
    /// The account that owns resources whose ARN names none.
    pub(super) resource_owner: String,
    pub(super) context: RequestContext,
    /// The condition keys that all of these policies speak of.
    pub(super) keys: WrittenKeys,
}

/// A result (IAM API Reference, `PolicyEvaluationDecisionType`), the better one first.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub(super) enum EvalDecision {
    Allowed,
    ImplicitDeny,
    ExplicitDeny,
}

impl EvalDecision {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::ImplicitDeny => "implicitDeny",
            Self::ExplicitDeny => "explicitDeny",
        }
    }
}

impl From<&Decision<'_>> for EvalDecision {
    fn from(decision: &Decision<'_>) -> Self {
        match decision {
            Decision::Allowed { .. } => Self::Allowed,
            Decision::ImplicitDeny(_) => Self::ImplicitDeny,
            Decision::ExplicitDeny(..) => Self::ExplicitDeny,
        }
    }
}

/// What was found out of one action on one resource.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Outcome {
    pub(super) resource: String,
    pub(super) decision: EvalDecision,
    /// The statements that determine it: those that deny, or else those that allow.
    pub(super) matched: Vec<MatchedStatement>,
    /// The condition keys that were asked for in vain.
    pub(super) missing: Vec<String>,
    /// Whether the permissions boundary allows it, if there is one.
    pub(super) within_boundary: Option<bool>,
    /// Across accounts: what each of the two says alone.
    pub(super) sides: Option<Sides>,
}

#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Sides {
    pub(super) identity: EvalDecision,
    pub(super) resource: EvalDecision,
}

impl Scenario {
    /// Decides as a request would be decided. Without a policy of the resource only those of the identity are looked at.
    pub(super) fn evaluate(&self, action: &str, resource: &str) -> Outcome {
        let owner = account_of(resource).unwrap_or(&self.resource_owner);
        let known = Known { given: &self.context, owner };
        let context = Noted { known: &known, missing: RefCell::default() };
        let question =
            Question { action, resource, context: &context, resource_context: &context, encryption_context: None };
        let side = ResourceSide { account: owner, policy: self.resource_policy.policies.first(), grants: &[] };
        let decision = EvalDecision::from(&decide(&question, &self.identity_side(), &side));
        let request = AccessRequest { identity: &self.caller.identity, action, resource, context: &known };
        let asked = context.missing.into_inner();
        Outcome {
            resource: resource.to_owned(),
            decision,
            matched: self.matched(&request, decision),
            missing: asked.iter().map(|key| self.keys.name(key).to_owned()).collect(),
            within_boundary: self.boundary.policies.first().map(|boundary| allows(boundary, &request)),
            sides: (owner != self.caller.identity.account).then(|| self.sides(&request)),
        }
    }

    fn identity_side(&self) -> IdentitySide<'_> {
        IdentitySide {
            identity: &self.caller.identity,
            is_root: false,
            policies: &self.policies.policies,
            boundary: self.boundary.policies.first(),
            session: None,
        }
    }

    fn matched(&self, request: &AccessRequest<'_>, decision: EvalDecision) -> Vec<MatchedStatement> {
        let bounded = !self.boundary.policies.is_empty();
        let of = |documents: &Documents, effect| documents.matched(request, effect, bounded);
        match decision {
            EvalDecision::ImplicitDeny => Vec::new(),
            EvalDecision::Allowed => {
                let mut matched = of(&self.policies, Effect::Allow);
                matched.extend(of(&self.resource_policy, Effect::Allow));
                matched
            }
            EvalDecision::ExplicitDeny => {
                let all = [&self.policies, &self.boundary, &self.resource_policy];
                all.into_iter().flat_map(|documents| of(documents, Effect::Deny)).collect()
            }
        }
    }

    fn sides(&self, request: &AccessRequest<'_>) -> Sides {
        let question = Question {
            action: request.action,
            resource: request.resource,
            context: request.context,
            resource_context: request.context,
            encryption_context: None,
        };
        let own = ResourceSide { account: &self.caller.identity.account, policy: None, grants: &[] };
        let identity = EvalDecision::from(&decide(&question, &self.identity_side(), &own));
        let bounded = !self.boundary.policies.is_empty();
        let speaks = |effect| !self.resource_policy.matched(request, effect, bounded).is_empty();
        let resource = match (speaks(Effect::Deny), speaks(Effect::Allow)) {
            (true, _) => EvalDecision::ExplicitDeny,
            (false, true) => EvalDecision::Allowed,
            (false, false) => EvalDecision::ImplicitDeny,
        };
        Sides { identity, resource }
    }
}

fn allows(boundary: &NamedPolicy, request: &AccessRequest<'_>) -> bool {
    let verdict = boundary.document.evaluate(request);
    verdict.allow.is_some() && verdict.deny.is_none()
}

/// The account that an ARN names.
pub(super) fn account_of(arn: &str) -> Option<&str> {
    let account = arn.strip_prefix("arn:")?.split(':').nth(3)?;
    (account.len() == 12 && account.bytes().all(|byte| byte.is_ascii_digit())).then_some(account)
}

/// The condition keys of a request: those that all have, and whose the resource is unless that was given.
struct Known<'a> {
    given: &'a RequestContext,
    owner: &'a str,
}

impl ConditionKeys for Known<'_> {
    fn value_of(&self, key: &str) -> Option<Cow<'_, ContextValue>> {
        let of_resource = || (key == "aws:resourceaccount").then(|| Cow::Owned(ContextValue::from(self.owner)));
        self.given.value_of(key).or_else(of_resource)
    }
}

/// Condition keys, and which were asked for in vain.
struct Noted<'a> {
    known: &'a Known<'a>,
    missing: RefCell<BTreeSet<String>>,
}

impl ConditionKeys for Noted<'_> {
    fn value_of(&self, key: &str) -> Option<Cow<'_, ContextValue>> {
        let value = self.known.value_of(key);
        if value.is_none() {
            self.missing.borrow_mut().insert(key.to_owned());
        }
        value
    }
}
