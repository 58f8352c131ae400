//! What only trust policies must or must not have. The words are those of IAM.

use serde_json::{Map, Value};

use crate::budget::Budget;
use crate::parse::{MalformedPolicy, syntax};
use crate::pattern::Pattern;

/// Every action that has to do with taking a role (Service Authorization Reference, "Actions defined by AWS Security Token Service").
const ASSUME_ROLE_ACTIONS: [&str; 6] = [
    "sts:AssumeRole",
    "sts:AssumeRoleWithSAML",
    "sts:AssumeRoleWithWebIdentity",
    "sts:SetContext",
    "sts:SetSourceIdentity",
    "sts:TagSession",
];

/// Elements that a statement of a trust policy must not have, and why.
const PROHIBITED: [(&str, &str); 4] = [
    ("NotPrincipal", "AssumeRole policy must not contain NotPrincipal field."),
    ("Resource", "Has prohibited field Resource."),
    ("NotResource", "AssumeRole policy must not contain resources."),
    // What is not listed would be actions of every other service (unverified).
    ("NotAction", ONLY_ASSUME_ROLE),
];

const ONLY_ASSUME_ROLE: &str = "AssumeRole policy may only specify STS AssumeRole actions.";

pub(crate) fn check_elements(statement: &Map<String, Value>) -> Result<(), MalformedPolicy> {
    match PROHIBITED.iter().find(|(name, _)| statement.contains_key(*name)) {
        Some((_, message)) => Err(syntax(*message)),
        None => Ok(()),
    }
}

/// An action of a statement: one of those above, or a pattern of STS that some of them fit (that patterns are accepted is unverified).
pub(crate) fn check_action(name: &str, pattern: &Pattern) -> Result<(), MalformedPolicy> {
    let of_sts = name.split_once(':').is_some_and(|(service, _)| service.eq_ignore_ascii_case("sts"));
    if of_sts && ASSUME_ROLE_ACTIONS.iter().any(|action| pattern.matches(action, &Budget::default())) {
        return Ok(());
    }
    Err(syntax(ONLY_ASSUME_ROLE))
}
