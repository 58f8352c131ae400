//! Why a request is refused before an operation sees it.

use keystead_core::KmsError;
use keystead_model::kms::Exception;
use keystead_sigv4::SignatureError;

/// What the caller gets instead of an operation.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: KmsError,
    /// The HTTP status, where it is not the exception's usual one.
    pub(super) status: Option<u16>,
    /// The access key ID that the request claims, for the audit record.
    pub(super) access_key_id: Option<String>,
}

impl Refusal {
    pub(super) fn new(error: KmsError) -> Self {
        Self { error, status: None, access_key_id: None }
    }

    pub(super) fn with_status(error: KmsError, status: u16) -> Self {
        Self { status: Some(status), ..Self::new(error) }
    }

    pub(super) fn claimed_by(self, access_key_id: &str) -> Self {
        Self { access_key_id: Some(access_key_id.to_owned()), ..self }
    }
}

impl From<KmsError> for Refusal {
    fn from(error: KmsError) -> Self {
        Self::new(error)
    }
}

impl From<SignatureError> for Refusal {
    fn from(error: SignatureError) -> Self {
        Self::new(KmsError::new(exception_of(&error), error.to_string()))
    }
}

/// The exceptions that [`SignatureError::exception`] names.
const SIGNATURE_EXCEPTIONS: [Exception; 3] =
    [Exception::MissingAuthenticationToken, Exception::IncompleteSignature, Exception::InvalidSignature];

fn exception_of(error: &SignatureError) -> Exception {
    let named = |exception: &Exception| exception.name() == error.exception();
    SIGNATURE_EXCEPTIONS.into_iter().find(named).unwrap_or(Exception::InvalidSignature)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signature_errors_keep_their_exception_and_text() {
        for error in [SignatureError::MissingAuthenticationToken, SignatureError::DateMissing, SignatureError::Mismatch]
        {
            let refusal = Refusal::from(error.clone());
            assert_eq!(refusal.error.exception.name(), error.exception());
            assert_eq!(refusal.error.message, Some(error.to_string()));
        }
    }
}
