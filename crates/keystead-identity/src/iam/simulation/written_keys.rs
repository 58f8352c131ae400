//! The condition keys that documents speak of, as they write them.

use std::collections::BTreeMap;

use serde_json::Value;

/// Condition keys: in lower case, and as a document writes them first.
#[derive(Clone, PartialEq, Eq, Default, Debug)]
pub(super) struct WrittenKeys(BTreeMap<String, String>);

impl WrittenKeys {
    /// Adds those of a document: the keys of its conditions, and its policy variables.
    pub(super) fn add_document(&mut self, document: &str) {
        let Ok(document) = serde_json::from_str::<Value>(document) else { return };
        match document.get("Statement") {
            Some(Value::Array(statements)) => statements.iter().for_each(|statement| self.add_statement(statement)),
            Some(statement) => self.add_statement(statement),
            None => {}
        }
    }

    /// As documents write them, in their order without regard to case.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.0.values().map(String::as_str)
    }

    /// The key, in lower case, as documents write it.
    pub(super) fn name<'a>(&'a self, key: &'a str) -> &'a str {
        self.0.get(key).map_or(key, String::as_str)
    }

    fn add(&mut self, key: &str) {
        self.0.entry(key.to_ascii_lowercase()).or_insert_with(|| key.to_owned());
    }

    fn add_statement(&mut self, statement: &Value) {
        let conditions = statement.get("Condition").and_then(Value::as_object);
        for keys in conditions.into_iter().flat_map(|conditions| conditions.values()).filter_map(Value::as_object) {
            keys.keys().for_each(|key| self.add(key));
        }
        for element in ["Resource", "NotResource", "Condition"] {
            self.add_variables(statement.get(element).unwrap_or(&Value::Null));
        }
    }

    fn add_variables(&mut self, value: &Value) {
        match value {
            Value::String(text) => {
                for variable in text.split("${").skip(1).filter_map(|rest| rest.split('}').next()) {
                    let key = variable.split(',').next().unwrap_or_default().trim();
                    // `${*}`, `${?}` and `${$}` stand for the character.
                    if key.contains(':') {
                        self.add(key);
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.add_variables(value)),
            Value::Object(members) => members.values().for_each(|value| self.add_variables(value)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_variables_each_once() {
        let mut keys = WrittenKeys::default();
        keys.add_document(
            r#"{"Statement":[{"Resource":"arn:aws:iam::*:user/${aws:username}${*}",
                "Condition":{"StringEquals":{"kms:ViaService":["a"],"aws:SourceIp":"${aws:PrincipalTag/x, 'none'}"}}},
                {"Condition":{"Bool":{"AWS:sourceip":"true"}}}]}"#,
        );
        let names: Vec<_> = keys.names().collect();
        assert_eq!(names, ["aws:PrincipalTag/x", "aws:SourceIp", "aws:username", "kms:ViaService"]);
        assert_eq!((keys.name("aws:sourceip"), keys.name("aws:other")), ("aws:SourceIp", "aws:other"));
    }
}
