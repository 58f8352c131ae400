//! The `Condition` element: operators, keys, values (IAM User Guide, "IAM JSON policy elements: Condition operators").

mod operator;
mod value;

use serde_json::Value;

use crate::budget::Facts;
use crate::document::Effect;
use crate::variable::InvalidVariable;
use operator::{Comparison, Operator, SetOperator};
use value::PolicyValue;

/// Why a condition cannot be.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidCondition {
    /// There is no such operator.
    #[error("there is no condition operator \"{0}\"")]
    UnknownOperator(String),
    /// An operator stands for keys and values, and is given something else.
    #[error("condition operator {0} needs an object of condition keys")]
    NoKeys(String),
    /// A key's values must be texts, numbers or truth values: one, or a list.
    #[error("condition key {0} needs a value, or a list of values")]
    NoValues(String),
    /// The operator does not compare such values.
    #[error("\"{value}\" is no value for condition operator {operator}")]
    WrongValue {
        /// The operator.
        operator: String,
        /// The value.
        value: String,
    },
    /// A value has something in it that looks like a policy variable and is none.
    #[error(transparent)]
    Variable(#[from] InvalidVariable),
}

/// One operator with one key: they hold only all together.
#[derive(Clone, PartialEq, Debug)]
pub struct Condition {
    operator: Operator,
    /// The operator and the key as the document has them.
    written: (String, String),
    /// In lower case.
    key: String,
    values: Vec<PolicyValue>,
}

impl Condition {
    /// Reads a `Condition` element; `variables` as in [`crate::variable::Template::new`].
    pub(crate) fn read_all(element: &Value, variables: bool) -> Result<Vec<Self>, InvalidCondition> {
        let no_keys = |name: &str| InvalidCondition::NoKeys(name.to_owned());
        let mut conditions = Vec::new();
        for (name, keys) in element.as_object().ok_or_else(|| no_keys("Condition"))? {
            let operator = Operator::parse(name).ok_or_else(|| InvalidCondition::UnknownOperator(name.to_owned()))?;
            for (key, values) in keys.as_object().ok_or_else(|| no_keys(name))? {
                let values = texts(values).ok_or_else(|| InvalidCondition::NoValues(key.to_owned()))?;
                let values = values.into_iter().map(|value| PolicyValue::read(&operator, name, &value, variables));
                let values = values.collect::<Result<_, _>>()?;
                let written = (name.to_owned(), key.to_owned());
                conditions.push(Self { operator, written, key: key.to_ascii_lowercase(), values });
            }
        }
        Ok(conditions)
    }

    /// The key, in lower case.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// The operator and the key as the document has them.
    pub(crate) fn written(&self) -> (&str, &str) {
        (&self.written.0, &self.written.1)
    }

    /// Whether the operator is a `ForAllValues:` one, which holds for requests that do not have the key.
    pub fn is_for_all_values(&self) -> bool {
        self.operator.set == Some(SetOperator::ForAllValues)
    }

    /// Whether it holds for a request, in a statement of this effect.
    pub(crate) fn holds(&self, effect: Effect, facts: Facts<'_>) -> bool {
        let present = facts.keys.value_of(&self.key);
        let values = present.as_ref().map_or(&[][..], |value| value.values());
        // A key that has no value, or an empty text for one, is null, and to set operators as good as absent (IAM User Guide, "Condition
        // operators").
        let null = values.iter().all(String::is_empty);
        if self.operator.comparison == Comparison::Null {
            return self.values.iter().any(|value| value.is_true() == Some(null));
        }
        let mut holds = values.iter().map(|value| self.holds_for(value, facts));
        match (self.operator.set, &present) {
            (_, None) if self.operator.if_exists => true,
            (Some(SetOperator::ForAllValues), _) => null || holds.all(|holds| holds),
            (Some(SetOperator::ForAnyValue), _) => !null && holds.any(|holds| holds),
            // What is not there is unlike anything.
            (None, _) if values.is_empty() => self.operator.negated,
            // A key with many values needs a set operator. Without one (unverified) all values must be as a statement says that allows, and
            // one is enough for a statement that denies: who adds a second value to a request gains nothing by it.
            (None, _) => match effect {
                Effect::Allow => holds.all(|holds| holds),
                Effect::Deny => holds.any(|holds| holds),
            },
        }
    }

    /// Whether it holds for one value of the request: equal to one of the condition's, or of a negated operator to none of them.
    fn holds_for(&self, value: &str, facts: Facts<'_>) -> bool {
        let comparison = self.operator.comparison;
        let fits = self.values.iter().any(|policy_value| policy_value.fits(comparison, value, facts));
        fits != self.operator.negated
    }
}

/// One text, number or truth value, or a list of them, as texts.
pub(crate) fn texts(value: &Value) -> Option<Vec<String>> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    };
    match value {
        Value::Array(values) if values.is_empty() => None,
        Value::Array(values) => values.iter().map(text).collect(),
        one => text(one).map(|text| vec![text]),
    }
}
