//! The results of a simulation as answers show them.

use keystead_query::Structure;

use super::documents::MatchedStatement;
use super::scenario::{EvalDecision, Outcome, Scenario, Sides};

/// How many resources are looked at in one go.
const CHUNK: usize = 32;

/// Whether there is a result for each resource.
pub(super) fn is_specific(resources: &[String]) -> bool {
    resources.iter().any(|resource| resource != "*")
}

/// The results of one action on several resources, or on every resource where none are named (IAM API Reference, EvaluationResult).
pub(super) async fn evaluation_result(scenario: &Scenario, action: &str, resources: &[String]) -> Structure {
    let every = ["*".to_owned()];
    let asked = if resources.is_empty() { &every } else { resources };
    let mut outcomes = Vec::with_capacity(asked.len());
    for chunk in asked.chunks(CHUNK) {
        outcomes.extend(chunk.iter().map(|resource| scenario.evaluate(action, resource)));
        // Requests of others are served in between.
        tokio::task::yield_now().await;
    }
    let shown = Structure::default().with("EvalActionName", action);
    let shown = match outcomes.as_slice() {
        [outcome] => with_outcome(shown.with("EvalResourceName", &outcome.resource), outcome),
        // What AWS names several resources by are patterns of each service's own (unverified).
        _ => with_all(shown.with("EvalResourceName", "*"), &outcomes),
    };
    if !is_specific(resources) {
        return shown;
    }
    let sides = outcomes.iter().find_map(|outcome| outcome.sides);
    with_details(shown, sides).with_list("ResourceSpecificResults", outcomes.iter().map(resource_specific_result))
}

fn with_outcome(shown: Structure, outcome: &Outcome) -> Structure {
    let boundary = outcome.within_boundary.map(allowed_by_boundary);
    shown
        .with("EvalDecision", outcome.decision.name())
        .with_list("MatchedStatements", outcome.matched.iter().map(MatchedStatement::shown))
        .with_list("MissingContextValues", outcome.missing.iter().map(String::as_str))
        .with_some("PermissionsBoundaryDecisionDetail", boundary)
}

/// Of several resources the least favourable decision; what it comes from is said of each.
fn with_all(shown: Structure, outcomes: &[Outcome]) -> Structure {
    let worst = outcomes.iter().map(|outcome| outcome.decision).max().unwrap_or(EvalDecision::ImplicitDeny);
    let within = outcomes.iter().filter_map(|outcome| outcome.within_boundary).reduce(|all, one| all && one);
    shown
        .with("EvalDecision", worst.name())
        .with_list("MatchedStatements", [] as [Structure; 0])
        .with_list("MissingContextValues", [] as [&str; 0])
        .with_some("PermissionsBoundaryDecisionDetail", within.map(allowed_by_boundary))
}

fn resource_specific_result(outcome: &Outcome) -> Structure {
    let shown = Structure::default()
        .with("EvalResourceName", &outcome.resource)
        .with("EvalResourceDecision", outcome.decision.name())
        .with_list("MatchedStatements", outcome.matched.iter().map(MatchedStatement::shown))
        .with_list("MissingContextValues", outcome.missing.iter().map(String::as_str));
    with_details(shown, outcome.sides)
        .with_some("PermissionsBoundaryDecisionDetail", outcome.within_boundary.map(allowed_by_boundary))
}

/// A map; empty within one account. The names of its entries are unverified.
fn with_details(shown: Structure, sides: Option<Sides>) -> Structure {
    let sides = sides.into_iter();
    let entries = sides.flat_map(|sides| [("IAM Policy", sides.identity), ("Resource Policy", sides.resource)]);
    let details = entries.fold(Structure::default(), |details, (name, decision)| {
        details.with("entry", Structure::default().with("key", name).with("value", decision.name()))
    });
    shown.with("EvalDecisionDetails", details)
}

fn allowed_by_boundary(allowed: bool) -> Structure {
    Structure::default().with("AllowedByPermissionsBoundary", allowed)
}
