//! Conditions (IAM User Guide, "Condition operators", "Single-valued vs. multivalued context keys" and "Conditions with multiple context
//! keys or values").

use std::cmp::Ordering;

use keystead_policy::ContextValue;
use serde_json::Value;

use super::wildcard::{Symbol, anywhere, matches};
use super::{Request, characters, texts, value, variable};

/// "If your policy statement has multiple condition operators, or multiple keys attached to a single condition operator, the conditions are
/// evaluated using a logical AND."
pub(super) fn holds(condition: &Value, denies: bool, request: &Request<'_>, variables: bool) -> bool {
    let Value::Object(operators) = condition else { return true };
    operators.iter().all(|(operator, keys)| {
        let Value::Object(keys) = keys else { return false };
        keys.iter()
            .all(|(key, values)| one_holds(operator, request.value_of(key), &texts(values), denies, request, variables))
    })
}

fn one_holds(
    operator: &str,
    asked: Option<&ContextValue>,
    values: &[String],
    denies: bool,
    request: &Request<'_>,
    variables: bool,
) -> bool {
    if operator == "Null" {
        return values.contains(&is_null(asked).to_string());
    }
    let (set, operator) = operator.split_once(':').unwrap_or(("", operator));
    let (operator, if_exists) = operator.strip_suffix("IfExists").map_or((operator, false), |name| (name, true));
    let (positive, negated) = match operator {
        "NotIpAddress" => ("IpAddress".to_owned(), true),
        _ => (operator.replace("Not", ""), operator.contains("Not")),
    };
    // Several values are an OR, and of a negated operator a NOR.
    let fits = |one: &String| values.iter().any(|value| compares(&positive, one, value, request, variables)) != negated;
    match (set, asked) {
        // "If the key is not present, evaluate the condition element as true."
        (_, None) if if_exists => true,
        // "It also returns true if there are no context keys in the request", or the value "resolves to a null dataset, such as an empty
        // string".
        ("ForAllValues", asked) => is_null(asked) || all_values(asked).iter().all(fits),
        // "If the key does not exist, the condition returns false", and so for an empty data set.
        ("ForAnyValue", asked) => !is_null(asked) && all_values(asked).iter().any(fits),
        // "The values do not match and the condition is false. If the condition requires that the key is not matched, the condition is
        // true."
        (_, None) => negated,
        (_, Some(ContextValue::Single(one))) => fits(one),
        // "Multivalued context keys require a condition set operator." What is without one is not said, and taken to be: what may be denied
        // is, if any value is as the statement says; what is to be allowed needs each to be so.
        (_, Some(ContextValue::Multi(none))) if none.is_empty() => negated,
        (_, Some(ContextValue::Multi(many))) if denies => many.iter().any(fits),
        (_, Some(ContextValue::Multi(many))) => many.iter().all(fits),
    }
}

fn all_values(asked: Option<&ContextValue>) -> Vec<String> {
    match asked {
        None => Vec::new(),
        Some(ContextValue::Single(one)) => vec![one.clone()],
        Some(ContextValue::Multi(many)) => many.clone(),
    }
}

/// Whether the key does not exist, or has an empty value.
fn is_null(asked: Option<&ContextValue>) -> bool {
    all_values(asked).iter().all(String::is_empty)
}

/// Whether one value of the request compares with one of the policy as the operator says. What is no number, date and so on compares with
/// none.
fn compares(operator: &str, one: &str, of_policy: &str, request: &Request<'_>, variables: bool) -> bool {
    let expanded = || variable::with_values(of_policy, request, variables);
    match operator {
        "StringEquals" => expanded().is_some_and(|wanted| without_wildcards(&wanted) == one),
        "StringEqualsIgnoreCase" => {
            expanded().is_some_and(|wanted| without_wildcards(&wanted).to_lowercase() == one.to_lowercase())
        }
        "StringLike" => expanded().is_some_and(|pattern| matches(&anywhere(&pattern), &characters(one))),
        "ArnEquals" | "ArnLike" => expanded().is_some_and(|pattern| arn_matches(&pattern, one)),
        "Bool" => one.to_lowercase() == of_policy.to_lowercase(),
        "BinaryEquals" => value::bytes(one) == value::bytes(of_policy),
        "IpAddress" => value::is_in_range(one, of_policy),
        _ => match operator.strip_prefix("Numeric") {
            Some(comparison) => ordered(comparison, value::compare_numbers(one, of_policy)),
            None => match operator.strip_prefix("Date") {
                Some(comparison) => ordered(comparison, value::compare_dates(one, of_policy)),
                None => unreachable!("there is no operator {operator}"),
            },
        },
    }
}

fn ordered(comparison: &str, order: Option<Ordering>) -> bool {
    let Some(order) = order else { return false };
    match comparison {
        "Equals" => order == Ordering::Equal,
        "LessThan" => order == Ordering::Less,
        "LessThanEquals" => order != Ordering::Greater,
        "GreaterThan" => order == Ordering::Greater,
        "GreaterThanEquals" => order != Ordering::Less,
        _ => unreachable!("there is no comparison {comparison}"),
    }
}

/// The text as it is written, for operators that know no wildcards.
fn without_wildcards(text: &[Symbol]) -> String {
    let character = |symbol: &Symbol| match symbol {
        Symbol::Character(character) => *character,
        Symbol::Star => '*',
        Symbol::QuestionMark => '?',
    };
    text.iter().map(character).collect()
}

/// "Each of the six colon-delimited components of the ARN is checked separately."
fn arn_matches(pattern: &[Symbol], arn: &str) -> bool {
    let pattern: Vec<_> = pattern.splitn(6, |symbol| *symbol == Symbol::Character(':')).collect();
    let arn: Vec<_> = arn.splitn(6, ':').collect();
    pattern.len() == 6
        && arn.len() == 6
        && pattern.iter().zip(arn).all(|(pattern, part)| matches(&anywhere(pattern), &characters(part)))
}
