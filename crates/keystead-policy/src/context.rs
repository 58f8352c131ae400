//! What is known of a request: condition keys and their values.

use std::borrow::Cow;
use std::collections::BTreeMap;

/// The value of a condition key.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum ContextValue {
    /// Of a key that has one value.
    Single(String),
    /// Of a key that may have many.
    Multi(Vec<String>),
}

impl ContextValue {
    /// All values.
    pub fn values(&self) -> &[String] {
        match self {
            Self::Single(value) => std::slice::from_ref(value),
            Self::Multi(values) => values,
        }
    }
}

impl From<&str> for ContextValue {
    fn from(value: &str) -> Self {
        Self::Single(value.to_owned())
    }
}

impl From<String> for ContextValue {
    fn from(value: String) -> Self {
        Self::Single(value)
    }
}

impl From<bool> for ContextValue {
    fn from(value: bool) -> Self {
        Self::Single(value.to_string())
    }
}

impl From<Vec<String>> for ContextValue {
    fn from(values: Vec<String>) -> Self {
        Self::Multi(values)
    }
}

/// What is known of one request. Asked key by key, so that only what a policy speaks of is ever computed.
pub trait ConditionKeys {
    /// The value of a condition key, if the request has it. The ASCII letters of its name are in lower case; no others are alike.
    fn value_of(&self, key: &str) -> Option<Cow<'_, ContextValue>>;
}

/// Condition keys that are known beforehand. Their names are the same in upper and lower case, the tags and context keys in them too.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct RequestContext(BTreeMap<String, ContextValue>);

impl ConditionKeys for RequestContext {
    fn value_of(&self, key: &str) -> Option<Cow<'_, ContextValue>> {
        self.0.get(key).map(Cow::Borrowed)
    }
}

impl RequestContext {
    /// Sets a key.
    pub fn set(&mut self, key: &str, value: impl Into<ContextValue>) {
        self.0.insert(key.to_ascii_lowercase(), value.into());
    }

    /// The value of a key, if the request has it.
    pub fn get(&self, key: &str) -> Option<&ContextValue> {
        self.0.get(lower_case(key).as_ref())
    }
}

fn lower_case(key: &str) -> Cow<'_, str> {
    if key.bytes().any(|byte| byte.is_ascii_uppercase()) {
        Cow::Owned(key.to_ascii_lowercase())
    } else {
        Cow::Borrowed(key)
    }
}
