//! Why a request is refused before an operation sees it.

use http::StatusCode;
use keystead_core::KmsError;
use keystead_model::kms::Exception;
use keystead_sigv4::SignatureError;

use super::service::Called;

/// What the caller gets instead of an operation.
#[derive(Debug)]
pub(super) struct Refusal {
    pub(super) error: KmsError,
    /// The HTTP status, where it is not the exception's usual one.
    pub(super) status: Option<u16>,
    /// The access key ID that the request claims, for the audit record.
    pub(super) access_key_id: Option<String>,
    /// What was called, where the head does not tell.
    pub(super) called: Option<Called>,
    /// So much of a body that nobody wants is read and thrown away.
    pub(super) discarded_bytes_max: usize,
}

/// For callers that are known, if only by their access key: what the server may accept, and more.
const DISCARDED_BYTES_MAX: usize = 4 * 1024 * 1024;
/// For all others: what any request of these services has.
const DISCARDED_UNKNOWN_BYTES_MAX: usize = 256 * 1024;

impl Refusal {
    pub(super) fn new(error: KmsError) -> Self {
        Self { error, status: None, access_key_id: None, called: None, discarded_bytes_max: DISCARDED_BYTES_MAX }
    }

    pub(super) fn with_status(error: KmsError, status: u16) -> Self {
        Self { status: Some(status), ..Self::new(error) }
    }

    /// For what cannot be read as the head of a request. The exceptions are unverified; the statuses are the HTTP library's.
    pub(super) fn of_unreadable_head(status: StatusCode) -> Self {
        let (exception, message) = match status {
            StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE => (
                Exception::RequestEntityTooLarge,
                "The head of the request is too long, or has too many headers. Send fewer and shorter headers.",
            ),
            StatusCode::URI_TOO_LONG => {
                (Exception::RequestEntityTooLarge, "The URI of the request is too long. Send requests to the path /.")
            }
            _ => (
                Exception::Serialization,
                "The head of the request is not HTTP: its request line or one of its headers is malformed.",
            ),
        };
        Self::with_status(KmsError::new(exception, message), status.as_u16())
    }

    pub(super) fn claimed_by(self, access_key_id: &str) -> Self {
        Self { access_key_id: Some(access_key_id.to_owned()), ..self }
    }

    /// Of a request whose caller nothing is known of.
    pub(super) fn of_unknown_caller(self) -> Self {
        Self { discarded_bytes_max: DISCARDED_UNKNOWN_BYTES_MAX, ..self }
    }

    pub(super) fn calling(self, called: Called) -> Self {
        Self { called: Some(called), ..self }
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
