//! The two sides of a question, each evaluated by itself.

use crate::budget::Budget;
use crate::decision::{DecidingStatement, Decision, Layer, Permission};
use crate::evaluation::{AccessRequest, Exceptions, StatementMatch};
use crate::grant::GrantedUse;
use crate::principal::PrincipalMatch;
use crate::question::{IdentitySide, NamedPolicy, Question, ResourceSide};

/// The policies that go with the principal, evaluated.
pub(crate) struct OwnSide<'a> {
    denials: [Option<DecidingStatement<'a>>; 3],
    permission: Option<Permission<'a>>,
    within_boundary: bool,
    within_session: bool,
}

impl<'a> OwnSide<'a> {
    pub(crate) fn of(question: &Question<'_>, side: &IdentitySide<'a>, budget: &Budget) -> Self {
        let request = AccessRequest {
            identity: side.identity,
            action: question.action,
            resource: question.resource,
            context: question.context,
        };
        let policies = evaluate_all(side.policies, &request, budget);
        let boundary = side.boundary.map(|boundary| evaluate_all(std::slice::from_ref(boundary), &request, budget));
        let session = side.session.map(|session| evaluate_all(session, &request, budget));
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

    pub(crate) fn denial(&self) -> Option<Decision<'a>> {
        let layers = [Layer::IdentityPolicy, Layer::PermissionsBoundary, Layer::SessionPolicy];
        let mut denials = layers.into_iter().zip(self.denials);
        denials.find_map(|(layer, denial)| Some(Decision::ExplicitDeny(layer, denial?)))
    }

    /// What does not allow although it must, of what only limits.
    pub(crate) fn limit(&self) -> Option<Layer> {
        match (self.within_boundary, self.within_session) {
            (false, _) => Some(Layer::PermissionsBoundary),
            (true, false) => Some(Layer::SessionPolicy),
            (true, true) => None,
        }
    }

    pub(crate) fn allowed_with(&self, resource: Option<Permission<'a>>) -> Decision<'a> {
        match (self.permission, self.limit()) {
            (None, _) => Decision::ImplicitDeny(Layer::IdentityPolicy),
            (Some(_), Some(layer)) => Decision::ImplicitDeny(layer),
            (identity, None) => Decision::Allowed { identity, resource },
        }
    }
}

/// The resource's policy and grants, evaluated.
pub(crate) struct TheirSide<'a> {
    pub(crate) has_policy: bool,
    pub(crate) denial: Option<DecidingStatement<'a>>,
    /// The permission that the least can limit.
    pub(crate) permission: Option<(Permission<'a>, PrincipalMatch)>,
}

impl<'a> TheirSide<'a> {
    pub(crate) fn of(
        question: &Question<'_>,
        principal: &IdentitySide<'_>,
        side: &ResourceSide<'a>,
        budget: &Budget,
    ) -> Self {
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
        let verdict = policy.document.evaluate_with(&request, exceptions, budget);
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

    pub(crate) fn allows_strangers(&self) -> Result<(), Decision<'a>> {
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

fn evaluate_all<'a>(policies: &'a [NamedPolicy], request: &AccessRequest<'_>, budget: &Budget) -> Evaluated<'a> {
    let mut evaluated = Evaluated { deny: None, allow: None };
    for policy in policies {
        let verdict = policy.document.evaluate_with(request, Exceptions::OfThoseListed, budget);
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
