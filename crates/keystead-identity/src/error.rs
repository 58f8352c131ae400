//! What IAM and STS answer instead of an answer.

use keystead_core::KmsError;
use keystead_core::port::StoreError;
use keystead_model::kms::Exception;
use keystead_query::ParameterError;

use crate::constraint::missing;

/// An error of the IAM or STS API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(crate) struct IdentityError {
    pub(crate) code: &'static str,
    pub(crate) status: u16,
    pub(crate) message: String,
}

/// The longest message, in characters: it may repeat what the request said, and that may be long.
const MESSAGE_CHARS_MAX: usize = 1000;
const INTERNAL_MESSAGE: &str = "An internal error has occurred. Try again; the server's log has the cause.";

impl IdentityError {
    pub(crate) fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARS_MAX) {
            message.truncate(end);
        }
        Self { code, status, message }
    }

    /// `ValidationError`.
    pub(crate) fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationError", 400, message)
    }

    /// `NoSuchEntity`.
    pub(crate) fn no_such_entity(message: impl Into<String>) -> Self {
        Self::new("NoSuchEntity", 404, message)
    }

    /// `InvalidInput`.
    pub(crate) fn invalid_input(message: impl Into<String>) -> Self {
        Self::new("InvalidInput", 400, message)
    }

    /// `MalformedPolicyDocument`.
    pub(crate) fn malformed_policy(message: impl Into<String>) -> Self {
        Self::new("MalformedPolicyDocument", 400, message)
    }

    /// `LimitExceeded`.
    pub(crate) fn limit_exceeded(message: impl Into<String>) -> Self {
        Self::new("LimitExceeded", 409, message)
    }

    /// `EntityAlreadyExists`.
    pub(crate) fn already_exists(message: impl Into<String>) -> Self {
        Self::new("EntityAlreadyExists", 409, message)
    }

    /// `DeleteConflict`.
    pub(crate) fn delete_conflict(message: impl Into<String>) -> Self {
        Self::new("DeleteConflict", 409, message)
    }

    /// Our own fault. The cause goes to the log, not to the caller.
    pub(crate) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "internal failure");
        Self::new("InternalFailure", 500, INTERNAL_MESSAGE)
    }

    /// Whether the client is to blame: `Sender` in answers, otherwise `Receiver`.
    pub(crate) fn is_senders(&self) -> bool {
        self.status < 500
    }
}

impl From<ParameterError> for IdentityError {
    fn from(error: ParameterError) -> Self {
        match error {
            ParameterError::TooLong { .. } => Self::new("RequestEntityTooLarge", 413, error.to_string()),
            ParameterError::Twice(_) => Self::new("MalformedQueryString", 400, error.to_string()),
            ParameterError::Missing(parameter) => missing(&parameter),
            // AWS takes no notice of parameters that it does not know. Here they are refused: who sends one means something by it.
            ParameterError::Unknown(_) | ParameterError::Invalid { .. } => Self::validation(error.to_string()),
        }
    }
}

impl From<StoreError> for IdentityError {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Conflict => Self::new(
                "ConcurrentModification",
                409,
                "Another request changed the same entity at the same time. Try again.",
            ),
            StoreError::NotFound => Self::no_such_entity("Something that the request refers to is not there any more."),
            error => Self::internal(&error),
        }
    }
}

/// What the query protocol calls a refusal that another service words as an exception.
struct RefusalRow {
    exception: Exception,
    code: &'static str,
    status: u16,
}

const fn row(exception: Exception, code: &'static str, status: u16) -> RefusalRow {
    RefusalRow { exception, code, status }
}

/// Source: IAM API Reference, "Common errors". What is not there is unverified.
const REFUSALS: &[RefusalRow] = &[
    row(Exception::MissingAuthenticationToken, "MissingAuthenticationToken", 403),
    row(Exception::UnrecognizedClient, "InvalidClientTokenId", 403),
    row(Exception::IncompleteSignature, "IncompleteSignature", 400),
    row(Exception::InvalidSignature, "SignatureDoesNotMatch", 403),
    row(Exception::ExpiredToken, "ExpiredToken", 403),
    row(Exception::AccessDenied, "AccessDenied", 403),
    row(Exception::UnknownOperation, "InvalidAction", 400),
    row(Exception::Throttling, "Throttling", 400),
    row(Exception::RequestEntityTooLarge, "RequestEntityTooLarge", 413),
    row(Exception::Serialization, "MalformedQueryString", 400),
    row(Exception::Validation, "ValidationError", 400),
];

impl From<KmsError> for IdentityError {
    fn from(error: KmsError) -> Self {
        let message = error.message.unwrap_or_default();
        match REFUSALS.iter().find(|row| row.exception == error.exception) {
            Some(row) => Self::new(row.code, row.status, message),
            None => Self::new("InternalFailure", 500, INTERNAL_MESSAGE),
        }
    }
}
