//! What an operation gives, and the answer that is made of it.

use serde_json::Value;
use zeroize::Zeroizing;

use crate::error::KmsError;

/// What an operation gives when it succeeds.
pub(crate) enum Output {
    /// 200 with an empty body.
    Nothing,
    /// 200 with `{}`.
    EmptyStructure,
    /// 200 with the JSON text of an answer, and the same as a value for the audit record where it records one.
    Body { text: Zeroizing<Vec<u8>>, recorded: Option<Value> },
}

/// What goes back to the caller.
#[derive(Debug)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// The JSON body, empty for operations without an answer. May hold plaintext.
    pub body: Zeroizing<Vec<u8>>,
    /// The machine-readable cause of a failure (`x-keystead-error-cause`).
    pub cause: Option<&'static str>,
}

impl From<Result<Output, KmsError>> for Answer {
    fn from(result: Result<Output, KmsError>) -> Self {
        let body = match result {
            Ok(Output::Nothing) => Zeroizing::default(),
            Ok(Output::EmptyStructure) => Zeroizing::new(b"{}".to_vec()),
            Ok(Output::Body { text, .. }) => text,
            Err(error) => return error.into(),
        };
        Self { status: 200, body, cause: None }
    }
}

impl From<KmsError> for Answer {
    fn from(error: KmsError) -> Self {
        let mut body = serde_json::Map::new();
        body.insert("__type".to_owned(), error.exception.name().into());
        if let Some(message) = error.message {
            body.insert("message".to_owned(), message.into());
        }
        Self {
            status: error.exception.status(),
            body: Zeroizing::new(Value::Object(body).to_string().into_bytes()),
            cause: error.cause,
        }
    }
}
