//! From a text to a policy document, or to what is wrong with it and where.

use std::collections::HashSet;

use serde_json::{Map, Value};

use crate::characters::check_characters;
use crate::condition::{Condition, texts};
use crate::document::{Effect, PolicyDocument, PolicyKind, Statement};
use crate::duplicate_keys::UniqueKeys;
use crate::element::Listed;
use crate::pattern::Pattern;
use crate::principal::Principals;
use crate::trust;
use crate::variable::{Template, TextComparison};

/// The version in which policy variables have a meaning.
const VERSION_2012: &str = "2012-10-17";
const VERSION_2008: &str = "2008-10-17";

/// Why a text is no policy document. The message says what is wrong and where.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MalformedPolicy {
    /// Not JSON, or something in it cannot be.
    #[error("{0}")]
    Syntax(String),
    /// A principal of a key policy that cannot be one.
    #[error("Policy contains a statement with one or more invalid principals.")]
    InvalidPrincipal,
}

pub(crate) fn syntax(message: impl Into<String>) -> MalformedPolicy {
    MalformedPolicy::Syntax(message.into())
}

impl PolicyDocument {
    /// Reads and validates a document.
    pub fn parse(text: &str, kind: PolicyKind) -> Result<Self, MalformedPolicy> {
        check_characters(text)?;
        let UniqueKeys(value) = serde_json::from_str(text)
            .map_err(|error| syntax(format!("The policy document is not valid JSON: {error}.")))?;
        let Value::Object(document) = value else {
            return Err(syntax("The policy document must be a JSON object."));
        };
        let variables = version(&document)? == VERSION_2012;
        match document.get("Id") {
            // "ID is allowed in resource-based policies, but not in identity-based policies" (IAM User Guide, "Id").
            Some(_) if kind == PolicyKind::Identity => return Err(syntax("A policy of an identity has no Id.")),
            Some(id) if !id.is_string() => return Err(syntax("Id must be a text.")),
            Some(_) | None => {}
        }
        if let Some(unknown) = document.keys().find(|name| !["Version", "Id", "Statement"].contains(&name.as_str())) {
            return Err(syntax(format!("A policy document has no element {unknown}.")));
        }
        let statements = match document.get("Statement") {
            Some(Value::Array(statements)) if !statements.is_empty() => statements.as_slice(),
            Some(statement @ Value::Object(_)) => std::slice::from_ref(statement),
            _ => return Err(syntax("The policy document must have a Statement: one, or a list of one or more.")),
        };
        let statements = statements.iter().enumerate();
        let statements = statements
            .map(|(index, statement)| read_statement(statement, kind, variables).map_err(|error| at(index, error)));
        let document = Self { statements: statements.collect::<Result<_, _>>()? };
        document.refuse_repeated_sids(kind)?;
        Ok(document)
    }

    /// Sids are unique in IAM's documents, but for empty ones, which are as good as none (unverified); KMS does not say so of key policies.
    fn refuse_repeated_sids(&self, kind: PolicyKind) -> Result<(), MalformedPolicy> {
        let sids = self.statements.iter().filter_map(|statement| statement.sid.as_deref());
        let mut known = HashSet::new();
        let repeated = sids.filter(|sid| !sid.is_empty()).find(|sid| !known.insert(*sid));
        match repeated {
            Some(sid) if kind != PolicyKind::Key => {
                Err(syntax(format!("Statement IDs (SID) in a single policy must be unique: {sid} is there twice.")))
            }
            _ => Ok(()),
        }
    }
}

/// Says which statement an error is about.
fn at(index: usize, error: MalformedPolicy) -> MalformedPolicy {
    match error {
        MalformedPolicy::Syntax(message) => syntax(format!("Statement {}: {message}", index + 1)),
        MalformedPolicy::InvalidPrincipal => MalformedPolicy::InvalidPrincipal,
    }
}

fn version(document: &Map<String, Value>) -> Result<&str, MalformedPolicy> {
    match document.get("Version").map(|version| version.as_str()) {
        None => Ok(VERSION_2008),
        Some(Some(version @ (VERSION_2012 | VERSION_2008))) => Ok(version),
        Some(_) => Err(syntax(format!("Version must be {VERSION_2012} or {VERSION_2008}."))),
    }
}

const ELEMENTS: &[&str] =
    &["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];

fn read_statement(value: &Value, kind: PolicyKind, variables: bool) -> Result<Statement, MalformedPolicy> {
    let Value::Object(statement) = value else { return Err(syntax("it must be a JSON object.")) };
    if let Some(unknown) = statement.keys().find(|name| !ELEMENTS.contains(&name.as_str())) {
        return Err(syntax(format!("there is no element {unknown}.")));
    }
    if kind == PolicyKind::Trust {
        trust::check_elements(statement)?;
    }
    let effect = match statement.get("Effect").and_then(Value::as_str) {
        Some("Allow") => Effect::Allow,
        Some("Deny") => Effect::Deny,
        _ => return Err(syntax("Effect must be Allow or Deny.")),
    };
    let conditions = match statement.get("Condition") {
        None => Vec::new(),
        Some(element) => Condition::read_all(element, variables).map_err(|error| syntax(format!("{error}.")))?,
    };
    Ok(Statement {
        sid: sid(statement, kind)?,
        effect,
        principals: principals(statement, kind, effect)?,
        actions: actions(statement, kind)?,
        resources: resources(statement, kind, variables)?,
        conditions,
    })
}

/// In IAM's documents a Sid is of ASCII letters and digits (IAM User Guide, "Sid"); KMS lets it have blanks.
fn sid(statement: &Map<String, Value>, kind: PolicyKind) -> Result<Option<String>, MalformedPolicy> {
    let sid = match statement.get("Sid") {
        None => return Ok(None),
        Some(Value::String(sid)) => sid,
        Some(_) => return Err(syntax("Sid must be a text.")),
    };
    if kind != PolicyKind::Key && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(syntax(format!("Statement IDs (SID) must be of letters and digits, and {sid:?} is not.")));
    }
    Ok(Some(sid.clone()))
}

/// The element `name`, or its `Not` form; not both.
fn either<'a>(statement: &'a Map<String, Value>, name: &str) -> Result<Option<(&'a Value, bool)>, MalformedPolicy> {
    let not = format!("Not{name}");
    match (statement.get(name), statement.get(&not)) {
        (Some(_), Some(_)) => Err(syntax(format!("it has both {name} and {not}."))),
        (Some(value), None) => Ok(Some((value, false))),
        (None, Some(value)) => Ok(Some((value, true))),
        (None, None) => Ok(None),
    }
}

fn principals(
    statement: &Map<String, Value>,
    kind: PolicyKind,
    effect: Effect,
) -> Result<Option<Listed<Principals>>, MalformedPolicy> {
    let (value, negated) = match (either(statement, "Principal")?, kind) {
        (None, PolicyKind::Identity) => return Ok(None),
        (Some(_), PolicyKind::Identity) => return Err(syntax("a policy of an identity has no Principal.")),
        (None, PolicyKind::Key | PolicyKind::Trust) => return Err(syntax("it must have a Principal.")),
        (Some(found), PolicyKind::Key | PolicyKind::Trust) => found,
    };
    let principals = Principals::read(value).map_err(|invalid| match kind {
        PolicyKind::Trust => syntax(format!("Invalid principal in policy: {invalid}.")),
        PolicyKind::Key | PolicyKind::Identity => MalformedPolicy::InvalidPrincipal,
    })?;
    // It would allow everyone else in the world (IAM User Guide, "NotPrincipal": not supported).
    if negated && effect == Effect::Allow {
        return Err(syntax("Allow with NotPrincipal is not allowed."));
    }
    Ok(Some(Listed { items: vec![principals], negated }))
}

/// In key policies a statement without actions or resources is accepted, and has no effect (KMS Developer Guide, "Key policy statements").
fn actions(statement: &Map<String, Value>, kind: PolicyKind) -> Result<Option<Listed<Pattern>>, MalformedPolicy> {
    let Some((value, negated)) = either(statement, "Action")? else {
        return if kind == PolicyKind::Key { Ok(None) } else { Err(syntax("it must have an Action.")) };
    };
    let names = texts(value).ok_or_else(|| syntax("Action must be an action, or a list of one or more."))?;
    let items = names.iter().map(|name| {
        let service = name.split_once(':').map(|(service, action)| !service.is_empty() && !action.is_empty());
        if name != "*" && service != Some(true) {
            return Err(syntax(format!("{name} is no action: actions are named like kms:Encrypt.")));
        }
        let pattern = Pattern::ignoring_case(name);
        if kind == PolicyKind::Trust {
            trust::check_action(name, &pattern)?;
        }
        Ok(pattern)
    });
    Ok(Some(Listed { items: items.collect::<Result<_, _>>()?, negated }))
}

fn resources(
    statement: &Map<String, Value>,
    kind: PolicyKind,
    variables: bool,
) -> Result<Option<Listed<Template>>, MalformedPolicy> {
    let read = |name: &str, variables| {
        Template::new(name, TextComparison::Resource, variables).map_err(|error| syntax(format!("{error}.")))
    };
    match (either(statement, "Resource")?, kind) {
        // A role is what its trust policy is attached to.
        (_, PolicyKind::Trust) => Ok(Some(Listed { items: vec![read("*", false)?], negated: false })),
        (None, PolicyKind::Key) => Ok(None),
        (None, PolicyKind::Identity) => Err(syntax("it must have a Resource.")),
        (Some((value, negated)), PolicyKind::Key | PolicyKind::Identity) => {
            let names = texts(value).ok_or_else(|| syntax("Resource must be an ARN, or a list of one or more."))?;
            let items = names.iter().map(|name| {
                if name != "*" && kind == PolicyKind::Identity && !name.starts_with("arn:") {
                    return Err(syntax(format!("Resource {name} must be in ARN format or \"*\".")));
                }
                read(name, variables)
            });
            Ok(Some(Listed { items: items.collect::<Result<_, _>>()?, negated }))
        }
    }
}
