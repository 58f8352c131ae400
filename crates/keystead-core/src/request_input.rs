//! The members of a request, as long as it is served.

use serde_json::Value;
use zeroize::Zeroize;

/// The validated members of a request. They may hold plaintexts and passwords: all texts are zeroed on drop.
pub(crate) struct RequestInput(Value);

impl From<Value> for RequestInput {
    fn from(input: Value) -> Self {
        Self(input)
    }
}

impl RequestInput {
    /// The members.
    pub(crate) fn members(&self) -> &Value {
        &self.0
    }
}

impl Drop for RequestInput {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

/// Names of members are no secrets.
fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(items) => items.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn every_text_is_wiped() {
        let mut input = json!({"Plaintext": "c2VjcmV0", "List": ["a", {"Deep": "b"}], "Number": 1});
        wipe(&mut input);
        assert_eq!(input, json!({"Plaintext": "", "List": ["", {"Deep": ""}], "Number": 1}));
    }
}
