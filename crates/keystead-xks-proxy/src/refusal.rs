//! Why a request gets no success, on its way to one of the specification's error responses.

use keystead_xks::wire::{ErrorName, ErrorResponse};

use crate::key_manager::KeyManagerError;

/// Anything but a success.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// 405: an API's URI with another method than POST.
    MethodNotAllowed,
    /// One of the twelve errors of the specification.
    Api(ErrorResponse),
}

impl Refusal {
    fn new(name: ErrorName, message: &str) -> Self {
        Self::Api(ErrorResponse::new(name, message))
    }

    pub(crate) fn validation(message: &str) -> Self {
        Self::new(ErrorName::ValidationException, message)
    }

    pub(crate) fn invalid_state(message: &str) -> Self {
        Self::new(ErrorName::InvalidStateException, message)
    }

    pub(crate) fn authentication_failed(message: &str) -> Self {
        Self::new(ErrorName::AuthenticationFailedException, message)
    }

    pub(crate) fn access_denied(message: &str) -> Self {
        Self::new(ErrorName::AccessDeniedException, message)
    }

    pub(crate) fn invalid_uri_path(message: &str) -> Self {
        Self::new(ErrorName::InvalidUriPathException, message)
    }

    pub(crate) fn throttling(message: &str) -> Self {
        Self::new(ErrorName::ThrottlingException, message)
    }

    pub(crate) fn unsupported(message: &str) -> Self {
        Self::new(ErrorName::UnsupportedOperationException, message)
    }

    pub(crate) fn dependency_timeout(message: &str) -> Self {
        Self::new(ErrorName::DependencyTimeoutException, message)
    }

    pub(crate) fn internal(message: &str) -> Self {
        Self::new(ErrorName::InternalException, message)
    }
}

/// What a key manager says, in the specification's words.
impl From<KeyManagerError> for Refusal {
    fn from(error: KeyManagerError) -> Self {
        let name = match error {
            KeyManagerError::KeyNotFound => ErrorName::KeyNotFoundException,
            KeyManagerError::KeyDisabled => ErrorName::InvalidStateException,
            KeyManagerError::KeyUsage { .. } => ErrorName::InvalidKeyUsageException,
            KeyManagerError::InvalidCiphertext => ErrorName::InvalidCiphertextException,
            KeyManagerError::Unsupported { .. } => ErrorName::UnsupportedOperationException,
            KeyManagerError::Timeout => ErrorName::DependencyTimeoutException,
            KeyManagerError::Internal { .. } => ErrorName::InternalException,
        };
        Self::new(name, &error.to_string())
    }
}
