//! Two evaluators that share no code say the same of generated documents and requests.
//!
//! There are cases of one document, and whole ones with everything that has a say. `KEYSTEAD_POLICY_CASES` is how many of each, and
//! `KEYSTEAD_POLICY_SEED` with which to begin. A failure prints the seed of its case.

use keystead_policy::{DecidingStatement, Decision, Layer, Permission, PrincipalMatch, Verdict};

use crate::branches::Branches;
use crate::generator::Case;
use crate::generator::whole::WholeCase;
use crate::second_evaluator::Request;
use crate::second_evaluator::decision::{Answer, Everything, GrantText, Outcome};
use crate::smaller::Smaller;

fn number(variable: &str, default: u64) -> u64 {
    match std::env::var(variable) {
        Ok(text) => text.parse().unwrap_or_else(|_| panic!("{variable} must be a number, and is {text}")),
        Err(_) => default,
    }
}

fn second_verdict(case: &Case) -> Verdict {
    let Case { kind, document, ids, identity, action, resource, context } = case;
    crate::second_evaluator::evaluate(
        document,
        *kind,
        &Request { identity, action, resource, context, has_boundary: false, ids },
    )
}

fn disagree(case: &Case) -> bool {
    case.parse().is_ok_and(|document| case.evaluate(&document) != second_verdict(case))
}

fn both(case: &Case) -> String {
    let first = case.parse().map(|document| case.evaluate(&document));
    format!("The library: {first:?}\nThe second evaluator: {:?}", second_verdict(case))
}

/// How often each outcome came about.
#[derive(Default, Debug)]
struct Outcomes {
    denied: u64,
    allowed_to: [u64; 4],
    nothing: u64,
}

impl Outcomes {
    fn count(&mut self, verdict: &Verdict) {
        self.denied += u64::from(verdict.deny.is_some());
        self.nothing += u64::from(verdict.deny.is_none() && verdict.allow.is_none());
        if let Some(found) = &verdict.allow {
            let kinds = [PrincipalMatch::Account, PrincipalMatch::Anyone, PrincipalMatch::Role, PrincipalMatch::Itself];
            for (count, _) in self.allowed_to.iter_mut().zip(kinds).filter(|(_, kind)| *kind == found.principal) {
                *count += 1;
            }
        }
    }

    /// Cases that all end alike would show nothing.
    fn assert_varied(&self, cases: u64) {
        let counts = [self.denied, self.nothing].into_iter().chain(self.allowed_to);
        assert!(cases < 1_000 || counts.min() > Some(cases / 200), "too much alike: {self:?}");
    }
}

#[test]
fn the_two_evaluators_agree() {
    let (first, cases) = (number("KEYSTEAD_POLICY_SEED", 0), number("KEYSTEAD_POLICY_CASES", 10_000));
    let mut outcomes = Outcomes::default();
    for seed in first..first + cases {
        let case = Case::of_seed(seed);
        let document = case.parse().unwrap_or_else(|error| panic!("seed {seed}: {error} Yet it is valid.\n{case}"));
        let verdict = case.evaluate(&document);
        if verdict != second_verdict(&case) {
            let smallest = case.clone().smallest(disagree);
            panic!(
                "seed {seed}: the evaluators disagree.\n{case}\n\nThe smallest such case:\n{smallest}\n\n{}",
                both(&smallest)
            );
        }
        outcomes.count(&verdict);
    }
    outcomes.assert_varied(cases);
}

fn second_answer(case: &WholeCase) -> Answer {
    let own = case.policies.iter().map(|named| (Layer::IdentityPolicy, named));
    let boundary = case.boundary.iter().map(|named| (Layer::PermissionsBoundary, named));
    let session = case.session.iter().flatten().map(|named| (Layer::SessionPolicy, named));
    let resource = case.policy.iter().map(|named| (Layer::ResourcePolicy, named));
    let all = own.chain(boundary).chain(session).chain(resource);
    let grants = case.grants.iter().map(|grant| GrantText {
        id: &grant.id,
        grantee: &grant.grantee,
        grantee_id: grant.grantee_id.as_deref(),
        operations: &grant.operations,
        equals: grant.equals.as_ref(),
        subset: grant.subset.as_ref(),
    });
    crate::second_evaluator::decision::decide(&Everything {
        identity: &case.identity,
        action: &case.action,
        resource: &case.resource,
        context: &case.context,
        resource_context: &case.resource_context,
        encryption_context: case.encryption_context.as_ref(),
        owner: &case.owner,
        documents: all.map(|(layer, (name, document))| (layer, name.as_str(), document)).collect(),
        has_boundary: case.boundary.is_some(),
        has_session_policies: case.session.is_some(),
        ids: &case.ids,
        resource_policy: case.policy.as_ref().map(|_| case.kind),
        grants: grants.collect(),
    })
}

/// Whether both say the same, and what the library names as its reason is one.
fn agrees(decision: &Decision<'_>, answer: &Answer) -> bool {
    let is_reason = |layer, reason: &DecidingStatement<'_>, denies| {
        answer.has_voice(layer, reason.policy, Some(reason.index), denies)
    };
    let permits = |layer, permission: &Option<Permission<'_>>| match permission {
        None | Some(Permission::RootUser) => true,
        Some(Permission::Statement(statement)) => is_reason(layer, statement, false),
        Some(Permission::Grant(id)) => answer.has_voice(layer, id, None, false),
    };
    match (decision, answer.outcome) {
        (Decision::Allowed { identity, resource }, Outcome::Allowed) => {
            permits(Layer::IdentityPolicy, identity) && permits(Layer::ResourcePolicy, resource)
        }
        (Decision::ExplicitDeny(layer, reason), Outcome::ExplicitDeny(second)) => {
            *layer == second && is_reason(*layer, reason, true)
        }
        (Decision::ImplicitDeny(layer), Outcome::ImplicitDeny(second)) => *layer == second,
        _ => false,
    }
}

fn disagree_on_the_whole(case: &WholeCase) -> bool {
    case.with_decision(|decision| !agrees(decision, &second_answer(case))).unwrap_or(false)
}

#[test]
fn the_two_evaluators_decide_alike() {
    let (first, cases) = (number("KEYSTEAD_POLICY_SEED", 0), number("KEYSTEAD_POLICY_CASES", 4_000));
    let mut branches = Branches::default();
    for seed in first..first + cases {
        let case = WholeCase::of_seed(seed);
        let agree = case.with_decision(|decision| {
            branches.count(&case, decision);
            agrees(decision, &second_answer(&case))
        });
        if agree.unwrap_or_else(|error| panic!("seed {seed}: {error} Yet it is valid.\n{case}")) {
            continue;
        }
        let smallest = case.clone().smallest(disagree_on_the_whole);
        let first = smallest.with_decision(|decision| format!("{decision:?}"));
        let second = second_answer(&smallest);
        panic!(
            "seed {seed}: the evaluators disagree.\n{case}\n\nThe smallest such case:\n{smallest}\n\nThe library: {first:?}\nThe second evaluator: {second:?}"
        );
    }
    branches.assert_varied(cases);
}
