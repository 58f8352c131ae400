//! The members of a request: read, checked, and kept as long as it is served.

use keystead_model::kms::Exception;
use keystead_model::shape::Operation;
use keystead_model::validate::{InvalidInput, validate};
use serde_json::Value;
use zeroize::Zeroize;

use crate::error::KmsError;

/// The validated members of a request. They may hold plaintexts and passwords: all texts are zeroed on drop.
pub(super) struct RequestInput(Value);

impl From<Value> for RequestInput {
    fn from(input: Value) -> Self {
        Self(input)
    }
}

impl RequestInput {
    /// Parses and validates a request body; an empty body is an empty request.
    pub(super) fn read(operation: &Operation, body: &[u8]) -> Result<Self, KmsError> {
        let input = Self::from(if body.is_empty() {
            Value::Object(serde_json::Map::new())
        } else {
            serde_json::from_slice(body).map_err(|_| {
                KmsError::new(
                    Exception::Serialization,
                    "The request body is not JSON. Send the operation's members as one JSON object.",
                )
            })?
        });
        match validate(operation.input, input.members()) {
            Ok(()) => check_encryption_context_size(input.members()).map(|()| input),
            Err(InvalidInput::Serialization(message)) => Err(KmsError::new(Exception::Serialization, message)),
            Err(InvalidInput::Constraint(message)) => Err(KmsError::validation(message)),
        }
    }

    /// The members.
    pub(super) fn members(&self) -> &Value {
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

/// The longest encryption context, keys and values together. AWS documents no limit of its own (unverified); without one, a request could
/// write an audit record as long as itself.
const ENCRYPTION_CONTEXT_BYTES_MAX: usize = 16 * 1024;

fn check_encryption_context_size(input: &Value) -> Result<(), KmsError> {
    for member in ["EncryptionContext", "SourceEncryptionContext", "DestinationEncryptionContext"] {
        let Some(Value::Object(context)) = input.get(member) else { continue };
        let bytes: usize = context.iter().map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
        if bytes > ENCRYPTION_CONTEXT_BYTES_MAX {
            return Err(KmsError::validation(format!(
                "{member} has {bytes} bytes; its keys and values together may have at most {ENCRYPTION_CONTEXT_BYTES_MAX}."
            )));
        }
    }
    Ok(())
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
