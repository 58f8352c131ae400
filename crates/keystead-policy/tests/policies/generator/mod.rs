//! Documents and requests made from a seed.

pub(crate) mod random;
mod vocabulary;
pub(crate) mod whole;

use std::collections::BTreeMap;
use std::fmt;

use keystead_policy::{
    AccessRequest, ContextValue, Identity, MalformedPolicy, PolicyDocument, PolicyKind, RequestContext, Verdict,
};
use serde_json::{Map, Value, json};

use random::Random;
use vocabulary::{
    ACTION_PATTERNS, ACTIONS, AWS_PRINCIPALS, FAMILIES, Family, IDENTITIES, KEYS, PROVIDERS, RESOURCE_PATTERNS,
    RESOURCES, SERVICES, TRUST_ACTION_PATTERNS, TRUST_ACTIONS,
};

/// A valid document, and a request to evaluate it for.
#[derive(Clone, Debug)]
pub(crate) struct Case {
    pub(crate) kind: PolicyKind,
    pub(crate) document: Value,
    /// The unique IDs of principals that the document is bound to.
    pub(crate) ids: BTreeMap<String, String>,
    pub(crate) identity: Identity,
    pub(crate) action: String,
    pub(crate) resource: String,
    pub(crate) context: Vec<(String, ContextValue)>,
}

impl Case {
    /// The case of a seed.
    pub(crate) fn of_seed(seed: u64) -> Self {
        let random = &mut Random::new(seed);
        let kind = *random.pick(&[PolicyKind::Key, PolicyKind::Key, PolicyKind::Identity, PolicyKind::Trust]);
        let mut case = Self {
            kind,
            document: document(random, kind),
            ids: BTreeMap::new(),
            identity: identity(random),
            action: (*random.pick(if kind == PolicyKind::Trust { TRUST_ACTIONS } else { ACTIONS })).to_owned(),
            resource: (*random.pick(RESOURCES)).to_owned(),
            context: context(random),
        };
        case.ids = ids(random, &case.identity);
        case
    }

    /// The document as the library reads it.
    pub(crate) fn parse(&self) -> Result<PolicyDocument, MalformedPolicy> {
        PolicyDocument::parse(&self.document.to_string(), self.kind).map(|document| document.bound_to(&self.ids))
    }

    /// What a document that has been read says of the request.
    pub(crate) fn evaluate(&self, document: &PolicyDocument) -> Verdict {
        self.with_request(|request| document.evaluate(request))
    }

    /// Does something with the request as the library takes it.
    pub(crate) fn with_request<T>(&self, work: impl FnOnce(&AccessRequest<'_>) -> T) -> T {
        let mut context = RequestContext::default();
        for (key, value) in &self.context {
            context.set(key, value.clone());
        }
        let (identity, action, resource) = (&self.identity, self.action.as_str(), self.resource.as_str());
        work(&AccessRequest { identity, action, resource, context: &context })
    }
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:?} policy: {}", self.kind, self.document)?;
        writeln!(f, "{:?}, bound to {:?}", self.identity, self.ids)?;
        writeln!(f, "{} on {}", self.action, self.resource)?;
        write!(f, "{:?}", self.context)
    }
}

fn document(random: &mut Random, kind: PolicyKind) -> Value {
    let count = 1 + random.below(4);
    let statements = (0..count).map(|index| statement(random, kind, index)).collect();
    document_of(random, kind, statements)
}

fn document_of(random: &mut Random, kind: PolicyKind, mut statements: Vec<Value>) -> Value {
    let mut document = Map::new();
    match random.below(8) {
        0 => {}
        1 => drop(document.insert("Version".to_owned(), json!("2008-10-17"))),
        _ => drop(document.insert("Version".to_owned(), json!("2012-10-17"))),
    }
    if kind != PolicyKind::Identity && random.chance(10) {
        document.insert("Id".to_owned(), json!("generated"));
    }
    let alone = statements.len() == 1 && random.chance(30);
    document.insert("Statement".to_owned(), if alone { statements.remove(0) } else { Value::Array(statements) });
    Value::Object(document)
}

/// A statement. In one document each has another `index`, which goes into its Sid.
pub(crate) fn statement(random: &mut Random, kind: PolicyKind, index: usize) -> Value {
    let mut statement = Map::new();
    let mut set = |name: &str, value: Value| statement.insert(name.to_owned(), value);
    if random.chance(30) {
        set("Sid", json!(format!("Statement{index}")));
    }
    let denies = random.chance(30);
    set("Effect", json!(if denies { "Deny" } else { "Allow" }));
    if kind != PolicyKind::Identity {
        let negated = kind == PolicyKind::Key && denies && random.chance(40);
        set(if negated { "NotPrincipal" } else { "Principal" }, principal(random));
    }
    // A statement of a key policy may lack them.
    let complete = kind != PolicyKind::Key || random.chance(95);
    if complete || random.chance(50) {
        let patterns = if kind == PolicyKind::Trust { TRUST_ACTION_PATTERNS } else { ACTION_PATTERNS };
        let negated = kind != PolicyKind::Trust && random.chance(20);
        set(if negated { "NotAction" } else { "Action" }, listed(random, patterns));
    }
    if kind != PolicyKind::Trust && (complete || random.chance(50)) {
        set(if random.chance(20) { "NotResource" } else { "Resource" }, listed(random, RESOURCE_PATTERNS));
    }
    if random.chance(60) {
        set("Condition", condition(random));
    }
    Value::Object(statement)
}

fn principal(random: &mut Random) -> Value {
    if random.chance(10) {
        return json!("*");
    }
    let mut principals = Map::new();
    if random.chance(20) {
        principals.insert("Federated".to_owned(), listed(random, PROVIDERS));
    }
    if random.chance(5) {
        principals.insert("Service".to_owned(), listed(random, SERVICES));
    }
    if principals.is_empty() || random.chance(70) {
        let names = random.some(AWS_PRINCIPALS, 1, 5);
        principals.insert("AWS".to_owned(), if names.len() == 1 { json!(names[0]) } else { json!(names) });
    }
    Value::Object(principals)
}

/// One, or a list of some.
fn listed(random: &mut Random, items: &[&str]) -> Value {
    if random.chance(40) { json!(random.pick(items)) } else { json!(random.some(items, 1, 3)) }
}

fn condition(random: &mut Random) -> Value {
    let mut condition = Map::new();
    for _ in 0..1 + random.below(2) {
        let family = random.pick(FAMILIES);
        let mut keys = Map::new();
        for _ in 0..1 + usize::from(random.chance(15)) {
            let key = if random.chance(85) { *random.pick(family.keys) } else { random.below(KEYS.len()) };
            let key = any_case(random, KEYS[key].0);
            keys.insert(key, values(random, family));
        }
        condition.insert(operator(random, family), Value::Object(keys));
    }
    Value::Object(condition)
}

fn operator(random: &mut Random, family: &Family) -> String {
    let name = *random.pick(family.operators);
    if name == "Null" {
        return name.to_owned();
    }
    let set = *random.pick(&["", "", "", "ForAllValues:", "ForAnyValue:"]);
    let if_exists = if random.chance(25) { "IfExists" } else { "" };
    format!("{set}{name}{if_exists}")
}

/// One value, or a list of some; numbers and truth values with and without quotation marks.
fn values(random: &mut Random, family: &Family) -> Value {
    let count = 1 + random.below(3);
    let mut values: Vec<_> = (0..count).map(|_| value(random, family)).collect();
    if count == 1 && random.chance(50) { values.remove(0) } else { Value::Array(values) }
}

fn value(random: &mut Random, family: &Family) -> Value {
    let text = *random.pick(family.values);
    match serde_json::from_str(text) {
        Ok(value @ (Value::Bool(_) | Value::Number(_))) if random.chance(30) => value,
        _ => json!(text),
    }
}

/// A key's name as it is written, or in lower or upper case.
fn any_case(random: &mut Random, key: &str) -> String {
    match random.below(6) {
        0 => key.to_lowercase(),
        1 => key.to_uppercase(),
        _ => key.to_owned(),
    }
}

fn identity(random: &mut Random) -> Identity {
    let (account, arn, role_arn, federated_provider) = *random.pick(IDENTITIES);
    Identity {
        account: account.to_owned(),
        arn: arn.to_owned(),
        role_arn: role_arn.map(str::to_owned),
        unique_id: (role_arn.is_some() || arn.contains(":user/")).then(|| HAS_THE_NAME.to_owned()),
        federated_provider: federated_provider.map(str::to_owned),
    }
}

/// The unique ID of whoever asks, if it has one.
const HAS_THE_NAME: &str = "AIDAHASTHENAME";
/// The unique ID of somebody who had its name before.
const HAD_THE_NAME: &str = "AIDAHADTHENAME";

/// What some of the principals of a document are bound to: who asks, or somebody of the same name who is gone.
fn ids(random: &mut Random, identity: &Identity) -> BTreeMap<String, String> {
    let arns = AWS_PRINCIPALS.iter().filter(|name| name.starts_with("arn:"));
    let mut bound = BTreeMap::new();
    for arn in arns {
        if random.chance(50) {
            bound.extend(id(random, identity).map(|id| ((*arn).to_owned(), id)));
        }
    }
    bound
}

fn id(random: &mut Random, identity: &Identity) -> Option<String> {
    if random.chance(20) { Some(HAD_THE_NAME.to_owned()) } else { identity.unique_id.clone() }
}

fn context(random: &mut Random) -> Vec<(String, ContextValue)> {
    let mut context = Vec::new();
    for (key, values) in KEYS {
        if random.chance(25) {
            continue;
        }
        let many = if *key == "kms:EncryptionContextKeys" { 90 } else { 8 };
        let value = if random.chance(many) {
            ContextValue::Multi(random.some(values, 0, 3).into_iter().map(str::to_owned).collect())
        } else {
            ContextValue::Single((*random.pick(values)).to_owned())
        };
        context.push((any_case(random, key), value));
    }
    context
}
