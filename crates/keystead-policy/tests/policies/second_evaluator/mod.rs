//! A second evaluator of policy documents, as plain as it can be: it reads the JSON anew for every request and follows the sentences of
//! the IAM User Guide ("IAM JSON policy reference") one by one. It is slow, expects a valid document, and shares nothing with the
//! evaluator it checks but the names of what goes in and comes out.

mod condition;
pub(crate) mod decision;
mod principal;
mod value;
mod variable;
mod wildcard;

use std::collections::BTreeMap;

use keystead_policy::{ContextValue, Identity, PolicyKind, PrincipalMatch, StatementMatch, Verdict};
use serde_json::Value;

use wildcard::{matches, resource_pattern, text_pattern};

/// What is asked: as the library's, but the context is a list of pairs.
pub(crate) struct Request<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) context: &'a [(String, ContextValue)],
    /// Whether the principal has a permissions boundary.
    pub(crate) has_boundary: bool,
    /// Which unique ID each ARN stood for when the document was stored, as far as that is known.
    pub(crate) ids: &'a BTreeMap<String, String>,
}

impl Request<'_> {
    /// The value of a condition key. "Context key names are not case-sensitive."
    fn value_of(&self, key: &str) -> Option<&ContextValue> {
        let found = self.context.iter().find(|(name, _)| name.to_lowercase() == key.to_lowercase());
        found.map(|(_, value)| value)
    }
}

/// The statements of a document that speak of a request: place, whether it denies, in which ways it speaks of the principal.
pub(crate) fn matching_statements(
    document: &Value,
    kind: PolicyKind,
    request: &Request<'_>,
) -> Vec<(usize, bool, Vec<PrincipalMatch>)> {
    let variables = document["Version"] == "2012-10-17";
    let mut matching = Vec::new();
    for (index, statement) in one_or_more(&document["Statement"]).into_iter().enumerate() {
        let ways = principal::ways(statement, request);
        if !ways.is_empty() && applies(statement, kind, request, variables) {
            matching.push((index, statement["Effect"] == "Deny", ways));
        }
    }
    matching
}

/// What a document says of a request.
pub(crate) fn evaluate(document: &Value, kind: PolicyKind, request: &Request<'_>) -> Verdict {
    let mut verdict = Verdict { deny: None, allow: None };
    for (index, denies, ways) in matching_statements(document, kind, request) {
        let Some(closest) = ways.iter().copied().max_by_key(|way| closeness(*way)) else { continue };
        let found = Some(StatementMatch { index, principal: closest });
        if denies {
            verdict.deny = verdict.deny.or(found);
            continue;
        }
        let before = verdict.allow.as_ref().map(|found| closeness(found.principal));
        if before < Some(closeness(closest)) {
            verdict.allow = found;
        }
    }
    verdict
}

/// An account is told to look at its own policies. What a role may, or anyone, is limited by policies that limit the principal.
fn closeness(way: PrincipalMatch) -> u8 {
    match way {
        PrincipalMatch::Account => 1,
        PrincipalMatch::Role => 2,
        PrincipalMatch::Anyone => 3,
        PrincipalMatch::Itself => 4,
    }
}

/// Action, resource and condition. Of whom a statement speaks is decided before.
fn applies(statement: &Value, kind: PolicyKind, request: &Request<'_>, variables: bool) -> bool {
    let action = listed(statement, "Action", |pattern| {
        matches(&text_pattern(&pattern.to_lowercase()), &characters(&request.action.to_lowercase()))
    });
    // A trust policy has no resources: it speaks of the role that has it.
    let resource = kind == PolicyKind::Trust
        || listed(statement, "Resource", |pattern| resource_matches(pattern, request, variables));
    action && resource && condition::holds(&statement["Condition"], statement["Effect"] == "Deny", request, variables)
}

/// Whether the element, or its `Not` form, means what is asked for. A statement that has neither has no effect.
fn listed(statement: &Value, name: &str, is_it: impl Fn(&str) -> bool) -> bool {
    if let Some(element) = statement.get(name) {
        return texts(element).iter().any(|pattern| is_it(pattern));
    }
    match statement.get(format!("Not{name}")) {
        Some(element) => !texts(element).iter().any(|pattern| is_it(pattern)),
        None => false,
    }
}

/// "The resource that includes a policy variable with no value will not match any resource."
fn resource_matches(pattern: &str, request: &Request<'_>, variables: bool) -> bool {
    let symbols = variable::with_values(pattern, request, variables);
    symbols.is_some_and(|symbols| matches(&resource_pattern(&symbols), &characters(request.resource)))
}

fn characters(text: &str) -> Vec<char> {
    text.chars().collect()
}

fn one_or_more(value: &Value) -> Vec<&Value> {
    match value {
        Value::Array(list) => list.iter().collect(),
        Value::Null => Vec::new(),
        one => vec![one],
    }
}

/// One text, number or truth value, or a list of them: "Quotation marks are optional for numeric and Boolean values."
fn texts(value: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    one_or_more(value).into_iter().map(text).collect()
}
