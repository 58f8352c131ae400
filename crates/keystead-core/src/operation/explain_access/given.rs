//! What a question tells of the request: condition keys, and the members that they come from.

use std::borrow::Cow;
use std::collections::BTreeMap;

use keystead_model::arn::KeyIdentifier;
use keystead_policy::{ConditionKeys, ContextValue, RequestContext};
use serde_json::{Map, Value, json};

use super::AccessQuestion;

const ENCRYPTION_CONTEXT: &str = "kms:encryptioncontext:";
/// The members of requests that have an encryption context.
const ENCRYPTION_CONTEXT_MEMBERS: [&str; 3] =
    ["EncryptionContext", "SourceEncryptionContext", "DestinationEncryptionContext"];
/// The members of requests that may name a key by an alias.
const KEY_MEMBERS: [&str; 3] = ["KeyId", "SourceKeyId", "DestinationKeyId"];

/// Condition keys: those that the question gives, and then those that a request would have.
pub(super) struct GivenFirst<'a, T> {
    pub(super) given: &'a RequestContext,
    pub(super) others: &'a T,
}

impl<T: ConditionKeys> ConditionKeys for GivenFirst<'_, T> {
    fn value_of(&self, key: &str) -> Option<Cow<'_, ContextValue>> {
        self.given.value_of(key).or_else(|| self.others.value_of(key))
    }
}

/// The condition keys that a question gives.
pub(super) fn given_keys(context: &[(String, String)]) -> RequestContext {
    let mut values: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (key, value) in context {
        values.entry(key.to_ascii_lowercase()).or_default().push(value.clone());
    }
    let mut given = RequestContext::default();
    for (key, mut values) in values {
        match values.pop() {
            Some(value) if values.is_empty() => given.set(&key, value),
            Some(value) => {
                values.push(value);
                given.set(&key, values);
            }
            None => {}
        }
    }
    given
}

/// The members of a request that the question tells.
pub(super) fn input_of(question: &AccessQuestion) -> Value {
    let pairs = question.context.iter().filter_map(|(key, value)| {
        let (prefix, name) = key.split_at_checked(ENCRYPTION_CONTEXT.len())?;
        prefix.eq_ignore_ascii_case(ENCRYPTION_CONTEXT).then(|| (name.to_owned(), json!(value)))
    });
    let pairs: Map<String, Value> = pairs.collect();
    let mut members: Map<String, Value> =
        ENCRYPTION_CONTEXT_MEMBERS.iter().map(|member| ((*member).to_owned(), json!(pairs))).collect();
    if let Ok(KeyIdentifier::AliasArn(_)) = KeyIdentifier::parse(&question.resource) {
        members.extend(KEY_MEMBERS.iter().map(|member| ((*member).to_owned(), json!(question.resource))));
    }
    Value::Object(members)
}
