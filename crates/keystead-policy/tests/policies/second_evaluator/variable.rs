//! Policy variables (IAM User Guide, "IAM policy elements: Variables and tags").

use keystead_policy::ContextValue;

use super::Request;
use super::wildcard::{Symbol, symbols};

/// The text with its variables replaced by what the request has for them; `None` if one has no value. What a variable stands for is no
/// wildcard. `variables` is whether the document's version has them: "variables like `${aws:username}` are treated as literal strings"
/// without it.
pub(super) fn with_values(text: &str, request: &Request<'_>, variables: bool) -> Option<Vec<Symbol>> {
    let Some((before, name, after)) = first_variable(text).filter(|_| variables) else { return Some(symbols(text)) };
    let mut all = symbols(before);
    all.extend(value(name, request)?.chars().map(Symbol::Character));
    all.extend(with_values(after, request, variables)?);
    Some(all)
}

/// What stands before the first variable, in it and after it.
fn first_variable(text: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = text.split_once("${")?;
    let (name, after) = rest.split_once('}')?;
    Some((before, name, after))
}

fn value(name: &str, request: &Request<'_>) -> Option<String> {
    // "Special characters": what would otherwise be a wildcard, or the start of a variable.
    if ["*", "?", "$"].contains(&name) {
        return Some(name.to_owned());
    }
    let (key, default) = match name.split_once(", '") {
        Some((key, default)) => (key, default.strip_suffix('\'')),
        None => (name, None),
    };
    let value = match request.value_of(key) {
        // "A condition context key that has no value or is not present": effectively null.
        None => None,
        Some(ContextValue::Single(value)) if value.is_empty() => None,
        Some(ContextValue::Single(value)) => Some(value.as_str()),
        // "You can't use a multivalued condition key as a variable."
        Some(ContextValue::Multi(_)) => None,
    };
    value.or(default).map(str::to_owned)
}
