//! The error that an operation answers with, and how each boundary's error becomes one.

use keystead_model::kms::Exception;

use crate::key_store::{HsmFailure, ProxyFailure};
use crate::port::{AuditError, StoreError};
use crate::sealing::SealError;

/// What a caller gets instead of an answer.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct KmsError {
    /// The exception on the wire.
    pub exception: Exception,
    /// Its message; some exceptions carry none.
    pub message: Option<String>,
    /// The stable machine-readable cause, where the exception alone does not tell it.
    pub cause: Option<&'static str>,
}

impl std::fmt::Display for KmsError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}: {}", self.exception.name(), self.message.as_deref().unwrap_or("(no message)"))
    }
}

/// Causes that are not an external key store proxy's ([`crate::key_store::FAILURES`] has those): the word, and when it is given.
pub static CAUSES: &[(&str, &str)] = &[
    (cause::KEY_STORE_NOT_CONNECTED, "The custom key store is not CONNECTED. Connect it."),
    (
        cause::INNER_CIPHERTEXT_INVALID,
        "The proxy decrypted, but what it gave does not authenticate under the KMS key's own material and the encryption context.",
    ),
    (cause::EXTERNAL_KEY_SPEC, "The external key is no 256-bit AES key. Name one that is."),
    (cause::KEY_DISABLED, "The KMS key is disabled. Enable it with EnableKey."),
    (cause::KEY_PENDING_DELETION, "The KMS key is pending deletion. CancelKeyDeletion brings it back, disabled."),
    (
        cause::REQUEST_RATE_EXCEEDED,
        "More requests a second of this account than the request quota of the operation allows. Slow down.",
    ),
    (
        cause::KEY_GENERATION_BUSY,
        "Too many RSA keys and RSA data key pairs of this account wait to be made already. Ask again when some are done.",
    ),
    (
        cause::PRIVATE_KEY_WORK_BUSY,
        "Too many requests of this account wait for private keys, or for an attestation document's verification, already. Slow down.",
    ),
    (
        cause::KEY_STORE_REQUEST_RATE_EXCEEDED,
        "More requests a second for keys of this custom key store than its quota allows. Slow down.",
    ),
];

/// The words of [`CAUSES`].
pub mod cause {
    /// The custom key store is not CONNECTED.
    pub const KEY_STORE_NOT_CONNECTED: &str = "KEY_STORE_NOT_CONNECTED";
    /// Keystead's own layer of a doubly encrypted ciphertext does not authenticate.
    pub const INNER_CIPHERTEXT_INVALID: &str = "XKS_INNER_CIPHERTEXT_INVALID";
    /// The external key is no 256-bit AES key.
    pub const EXTERNAL_KEY_SPEC: &str = "EXTERNAL_KEY_SPEC_NOT_SUPPORTED";
    /// The KMS key is disabled.
    pub const KEY_DISABLED: &str = "KEY_DISABLED";
    /// The KMS key is pending deletion.
    pub const KEY_PENDING_DELETION: &str = "KEY_PENDING_DELETION";
    /// The account's request quota is used up.
    pub const REQUEST_RATE_EXCEEDED: &str = "REQUEST_RATE_EXCEEDED";
    /// Too many RSA keys wait to be made.
    pub const KEY_GENERATION_BUSY: &str = "KEY_GENERATION_BUSY";
    /// Too many requests wait for private keys that work long.
    pub const PRIVATE_KEY_WORK_BUSY: &str = "PRIVATE_KEY_WORK_BUSY";
    /// The key store's request quota is used up.
    pub const KEY_STORE_REQUEST_RATE_EXCEEDED: &str = "KEY_STORE_REQUEST_RATE_EXCEEDED";
}

impl KmsError {
    /// An exception with a message.
    pub fn new(exception: Exception, message: impl Into<String>) -> Self {
        Self { exception, message: Some(message.into()), cause: None }
    }

    /// An exception that carries no message.
    pub fn bare(exception: Exception) -> Self {
        Self { exception, message: None, cause: None }
    }

    /// The same with a machine-readable cause.
    pub fn with_cause(mut self, cause: &'static str) -> Self {
        self.cause = Some(cause);
        self
    }

    /// `ValidationException`.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new(Exception::Validation, message)
    }

    /// `NotFoundException`.
    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(Exception::NotFound, message)
    }

    /// `AccessDeniedException`.
    pub fn access_denied(message: impl Into<String>) -> Self {
        Self::new(Exception::AccessDenied, message)
    }

    /// `ThrottlingException`.
    pub fn throttling() -> Self {
        Self::new(
            Exception::Throttling,
            "You have exceeded the rate at which you may call KMS. Reduce the frequency of your calls.",
        )
    }

    /// `UnsupportedOperationException`.
    pub fn unsupported(message: impl Into<String>) -> Self {
        Self::new(Exception::UnsupportedOperation, message)
    }

    /// `KMSInternalException`: our own fault. The cause goes to the log, not to the caller.
    pub fn internal(what: &dyn std::fmt::Display) -> Self {
        tracing::error!(error = %what, "internal failure");
        Self::new(
            Exception::KmsInternal,
            "An internal failure kept the request from being served. Try it again; the server's log has the cause.",
        )
    }

    /// What a cryptographic operation answers when the proxy failed.
    pub fn cryptographic(failure: ProxyFailure) -> Self {
        let row = failure.row();
        Self::new(crate::key_store::CRYPTOGRAPHIC_EXCEPTION, row.message).with_cause(row.cause)
    }

    /// What a cryptographic operation answers when the HSMs failed.
    pub fn hsm_cryptographic(failure: HsmFailure) -> Self {
        Self::of_hsm_row(failure.row().cryptographic_exception, failure)
    }

    /// What CreateKey answers when the HSMs failed.
    pub fn hsm_create_key(failure: HsmFailure) -> Self {
        Self::of_hsm_row(failure.row().create_key_exception, failure)
    }

    /// What GenerateRandom answers when the HSMs failed. It declares no `KMSInvalidStateException`; that it answers
    /// `CustomKeyStoreInvalidStateException` in its place is unverified.
    pub fn hsm_random(failure: HsmFailure) -> Self {
        match failure.row().cryptographic_exception {
            Exception::KmsInvalidState => Self::of_hsm_row(Exception::CustomKeyStoreInvalidState, failure),
            exception => Self::of_hsm_row(exception, failure),
        }
    }

    fn of_hsm_row(exception: Exception, failure: HsmFailure) -> Self {
        let row = failure.row();
        let message = (!row.message.is_empty()).then(|| row.message.to_owned());
        Self { exception, message, cause: Some(row.cause) }
    }

    /// What CreateKey answers when the proxy failed.
    pub fn create_key(failure: ProxyFailure) -> Self {
        let row = failure.row();
        Self::new(row.create_key_exception, row.message).with_cause(row.cause)
    }

    /// What CreateCustomKeyStore and UpdateCustomKeyStore answer when the proxy failed.
    pub fn key_store(failure: ProxyFailure) -> Self {
        let row = failure.row();
        Self::new(row.key_store_exception, row.message).with_cause(row.cause)
    }
}

impl From<SealError> for KmsError {
    fn from(error: SealError) -> Self {
        Self::internal(&error)
    }
}

impl From<AuditError> for KmsError {
    fn from(error: AuditError) -> Self {
        Self::internal(&error)
    }
}

/// The store's errors that an operation did not expect; those it does expect it turns into its own exceptions first.
impl From<StoreError> for KmsError {
    fn from(error: StoreError) -> Self {
        match error {
            // Operations begin again after a conflict; one that comes here was not expected.
            StoreError::Conflict
            | StoreError::NotFound
            | StoreError::Duplicate(_)
            | StoreError::Referenced
            | StoreError::QuotaExceeded { .. }
            | StoreError::Damaged(_)
            | StoreError::Engine(_) => Self::internal(&error),
        }
    }
}
