//! What EC2 answers instead of an answer.

use keystead_core::KmsError;
use keystead_core::port::StoreError;
use keystead_model::kms::Exception;
use keystead_query::ParameterError;

use crate::error::NetworkError;

/// An error of the EC2 API.
#[derive(Clone, PartialEq, Eq, Debug)]
pub(super) struct Ec2Error {
    pub(super) code: &'static str,
    pub(super) message: String,
    pub(super) status: u16,
}

/// The longest message, in characters: it may repeat what the request said, and that may be long.
const MESSAGE_CHARS_MAX: usize = 1000;
const INTERNAL_MESSAGE: &str = "An internal error has occurred. Try again; the server's log has the cause.";

impl Ec2Error {
    pub(super) fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        let mut message = message.into();
        if let Some((end, _)) = message.char_indices().nth(MESSAGE_CHARS_MAX) {
            message.truncate(end);
        }
        Self { code, message, status }
    }

    /// The operation does not exist, or is not served here.
    pub(super) fn invalid_action(name: &str) -> Self {
        Self::new("InvalidAction", 400, format!("The action {name} is not valid for this web service."))
    }

    /// All is well, and nothing was done because the caller asked for that.
    pub(super) fn dry_run() -> Self {
        Self::new("DryRunOperation", 412, "Request would have succeeded, but DryRun flag is set.")
    }

    /// A security group was named without a VPC, or by its name alone.
    pub(super) fn no_default_vpc() -> Self {
        Self::new(
            "VPCIdNotSpecified",
            400,
            "No default VPC for this user. Pass VpcId, and name security groups by GroupId.",
        )
    }

    /// Our own fault. The cause goes to the log, not to the caller.
    pub(super) fn internal(cause: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %cause, "internal failure");
        Self::new("InternalError", 500, INTERNAL_MESSAGE)
    }
}

impl From<ParameterError> for Ec2Error {
    fn from(error: ParameterError) -> Self {
        match error {
            ParameterError::TooLong { .. } => Self::new("RequestEntityTooLarge", 413, error.to_string()),
            ParameterError::Unknown(_) => Self::new("UnknownParameter", 400, error.to_string()),
            ParameterError::Twice(_) => NetworkError::InvalidParameterCombination(error.to_string()).into(),
            ParameterError::Missing(name) => NetworkError::MissingParameter(name).into(),
            ParameterError::Invalid { parameter, value, reason } => {
                NetworkError::invalid_value(&parameter, value, &reason).into()
            }
        }
    }
}

impl From<NetworkError> for Ec2Error {
    fn from(error: NetworkError) -> Self {
        let (code, status) = error.code_and_status();
        match error {
            NetworkError::Store(StoreError::Conflict) => {
                Self::new(code, status, "Too many requests changed the VPC at the same time. Try again.")
            }
            NetworkError::Store(error) => Self::internal(&error),
            error => Self::new(code, status, error.to_string()),
        }
    }
}

impl From<StoreError> for Ec2Error {
    fn from(error: StoreError) -> Self {
        NetworkError::from(error).into()
    }
}

/// What EC2 calls a refusal that another service words as an exception.
struct RefusalRow {
    exception: Exception,
    code: &'static str,
    status: u16,
    /// EC2's own text; `None` for the text that the refusal has.
    message: Option<&'static str>,
}

const fn row(exception: Exception, code: &'static str, status: u16, message: Option<&'static str>) -> RefusalRow {
    RefusalRow { exception, code, status, message }
}

const NOT_VALIDATED: Option<&str> = Some("AWS was not able to validate the provided access credentials");

/// Source: EC2 API Reference, "Error codes for the Amazon EC2 API", client errors. What is not there is unverified.
const REFUSALS: &[RefusalRow] = &[
    row(Exception::MissingAuthenticationToken, "AuthFailure", 401, NOT_VALIDATED),
    row(Exception::UnrecognizedClient, "AuthFailure", 401, NOT_VALIDATED),
    row(Exception::IncompleteSignature, "IncompleteSignature", 400, None),
    row(Exception::InvalidSignature, "SignatureDoesNotMatch", 403, None),
    row(Exception::ExpiredToken, "RequestExpired", 400, None),
    row(Exception::AccessDenied, "UnauthorizedOperation", 403, None),
    row(Exception::UnknownOperation, "InvalidAction", 400, Some("The request names no action of this web service.")),
    row(Exception::Throttling, "RequestLimitExceeded", 503, Some("Request limit exceeded.")),
    row(Exception::RequestEntityTooLarge, "RequestEntityTooLarge", 413, None),
    row(Exception::Serialization, "MalformedQueryString", 400, None),
    row(Exception::Validation, "InvalidParameterValue", 400, None),
    row(Exception::KmsInternal, "InternalError", 500, Some(INTERNAL_MESSAGE)),
    row(Exception::InternalFailure, "InternalError", 500, Some(INTERNAL_MESSAGE)),
];
/// An exception that nothing before the service can refuse with.
const UNEXPECTED: RefusalRow = row(Exception::InternalFailure, "InternalError", 500, Some(INTERNAL_MESSAGE));

/// How the signature's check begins its message when only the time is wrong (`keystead-sigv4`).
const WRONG_TIME: [&str; 2] = ["Signature expired", "Signature not yet current"];

impl From<KmsError> for Ec2Error {
    fn from(error: KmsError) -> Self {
        let row = REFUSALS.iter().find(|row| row.exception == error.exception).unwrap_or(&UNEXPECTED);
        let message = row.message.map(str::to_owned).or(error.message).unwrap_or_else(|| row.code.to_owned());
        if row.exception == Exception::InvalidSignature && WRONG_TIME.iter().any(|start| message.starts_with(start)) {
            return Self::new("RequestExpired", 400, message);
        }
        Self::new(row.code, row.status, message)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut() {
        let error = Ec2Error::invalid_action(&"é".repeat(20_000));
        assert_eq!(error.message.chars().count(), MESSAGE_CHARS_MAX);
    }

    #[test]
    fn refusals_in_the_words_of_ec2() {
        for (exception, message, code, status) in [
            (Exception::UnrecognizedClient, "The security token is invalid.", "AuthFailure", 401),
            (Exception::MissingAuthenticationToken, "Missing Authentication Token", "AuthFailure", 401),
            (
                Exception::InvalidSignature,
                "The request signature we calculated does not match",
                "SignatureDoesNotMatch",
                403,
            ),
            (Exception::InvalidSignature, "Signature expired: now is later", "RequestExpired", 400),
            (Exception::InvalidSignature, "Signature not yet current: wait", "RequestExpired", 400),
            (Exception::AccessDenied, "User is not authorized", "UnauthorizedOperation", 403),
            (Exception::Throttling, "slow", "RequestLimitExceeded", 503),
            (Exception::RequestEntityTooLarge, "The body is too long", "RequestEntityTooLarge", 413),
            (Exception::InternalFailure, "secret cause", "InternalError", 500),
            (Exception::NotFound, "cannot be", "InternalError", 500),
        ] {
            let error = Ec2Error::from(KmsError::new(exception, message));
            assert_eq!((error.code, error.status), (code, status), "{exception:?}");
            assert!(!error.message.contains("secret"), "{error:?}");
        }
        let bare = Ec2Error::from(KmsError::bare(Exception::IncompleteSignature));
        assert_eq!(bare.message, "IncompleteSignature");
    }
}
