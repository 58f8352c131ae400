//! The error that an operation answers with.

use keystead_core::KmsError;
use keystead_core::port::StoreError;
use keystead_core::sealing::SealError;
use keystead_model::cloudhsm::Exception;

/// An exception and its message.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
#[error("{exception}: {message}")]
pub(crate) struct CloudHsmError {
    pub(crate) exception: Exception,
    pub(crate) message: String,
}

impl CloudHsmError {
    pub(crate) fn new(exception: Exception, message: impl Into<String>) -> Self {
        Self { exception, message: message.into() }
    }

    /// `CloudHsmInvalidRequestException`
    pub(crate) fn invalid_request(message: impl Into<String>) -> Self {
        Self::new(Exception::InvalidRequest, message)
    }

    /// `CloudHsmResourceNotFoundException`
    pub(crate) fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exception::ResourceNotFound, message)
    }

    /// `CloudHsmInternalFailureException`: our own fault. The cause goes to the log, not to the caller.
    pub(crate) fn internal(what: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %what, "internal failure");
        let message =
            "An internal failure kept the request from being served. Try it again; the server's log has the cause.";
        Self::new(Exception::InternalFailure, message)
    }
}

/// The store's errors that an operation did not expect; those that it does expect it turns into its own exceptions first.
impl From<StoreError> for CloudHsmError {
    fn from(error: StoreError) -> Self {
        Self::internal(&error)
    }
}

impl From<SealError> for CloudHsmError {
    fn from(error: SealError) -> Self {
        Self::internal(&error)
    }
}

/// Only `authorize` gives these, and it gives one kind.
impl From<KmsError> for CloudHsmError {
    fn from(error: KmsError) -> Self {
        match (error.exception, error.message) {
            (keystead_model::kms::Exception::AccessDenied, Some(message)) => {
                Self::new(Exception::AccessDenied, message)
            }
            (exception, message) => Self::internal(&format!("{exception}: {}", message.unwrap_or_default())),
        }
    }
}
