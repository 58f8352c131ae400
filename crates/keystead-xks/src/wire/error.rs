//! The proxy's error responses: twelve names, each with its HTTP status and the APIs that may give it.

use serde::{Deserialize, Serialize};

use super::Api;
use super::limits::ERROR_MESSAGE_MAX_CHARS;

/// `errorName`. The name decides what KMS does; the HTTP status does not.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
pub enum ErrorName {
    /// The request breaks a constraint of the protocol.
    ValidationException,
    /// The key or the key store is disabled, deactivated or blocked.
    InvalidStateException,
    /// The ciphertext, its metadata, its IV, its tag or the AAD are not what Encrypt bound together.
    InvalidCiphertextException,
    /// The key does not allow this operation.
    InvalidKeyUsageException,
    /// The SigV4 signature, its credential or its date was refused.
    AuthenticationFailedException,
    /// The proxy's policy refuses this caller or operation.
    AccessDeniedException,
    /// There is no such external key.
    KeyNotFoundException,
    /// There is nothing at this URI path.
    InvalidUriPathException,
    /// Too many requests.
    ThrottlingException,
    /// Not implemented, or a value over the implementation's size limit.
    UnsupportedOperationException,
    /// The external key manager did not answer in time.
    DependencyTimeoutException,
    /// Anything else.
    InternalException,
}

/// One row of [`ERROR_TABLE`].
#[derive(Debug, Clone, Copy)]
pub struct ErrorRow {
    /// `errorName`.
    pub name: ErrorName,
    /// `errorName` as it is written.
    pub text: &'static str,
    /// The HTTP status.
    pub http_status: u16,
    /// The APIs that may answer with it.
    pub apis: &'static [Api],
}

const KEY_APIS: &[Api] = &[Api::GetKeyMetadata, Api::Encrypt, Api::Decrypt];
const CRYPTO_APIS: &[Api] = &[Api::Encrypt, Api::Decrypt];

/// The specification's table "Error codes", in the order of [`ErrorName`].
///
/// ValidationException is listed for GetHealthStatus too: the specification's table leaves it out, but AWS's test
/// client expects it for a bad body.
pub const ERROR_TABLE: [ErrorRow; 12] = [
    row(ErrorName::ValidationException, "ValidationException", 400, &Api::ALL),
    row(ErrorName::InvalidStateException, "InvalidStateException", 400, &Api::ALL),
    row(ErrorName::InvalidCiphertextException, "InvalidCiphertextException", 400, &[Api::Decrypt]),
    row(ErrorName::InvalidKeyUsageException, "InvalidKeyUsageException", 400, CRYPTO_APIS),
    row(ErrorName::AuthenticationFailedException, "AuthenticationFailedException", 401, &Api::ALL),
    row(ErrorName::AccessDeniedException, "AccessDeniedException", 403, KEY_APIS),
    row(ErrorName::KeyNotFoundException, "KeyNotFoundException", 404, KEY_APIS),
    row(ErrorName::InvalidUriPathException, "InvalidUriPathException", 404, &Api::ALL),
    row(ErrorName::ThrottlingException, "ThrottlingException", 429, &Api::ALL),
    row(ErrorName::UnsupportedOperationException, "UnsupportedOperationException", 501, &Api::ALL),
    row(ErrorName::DependencyTimeoutException, "DependencyTimeoutException", 503, &Api::ALL),
    row(ErrorName::InternalException, "InternalException", 500, &Api::ALL),
];

const fn row(name: ErrorName, text: &'static str, http_status: u16, apis: &'static [Api]) -> ErrorRow {
    ErrorRow { name, text, http_status, apis }
}

// `ErrorName::row` indexes by the variant: the order and the number of rows are checked while compiling.
const _: () = {
    let mut index = 0;
    while index < ERROR_TABLE.len() {
        assert!(ERROR_TABLE[index].name as usize == index);
        index += 1;
    }
    assert!(ErrorName::InternalException as usize + 1 == ERROR_TABLE.len());
};

impl ErrorName {
    /// The name's row in [`ERROR_TABLE`].
    pub fn row(self) -> &'static ErrorRow {
        &ERROR_TABLE[self as usize]
    }

    /// `errorName` as it is written.
    pub fn as_str(self) -> &'static str {
        self.row().text
    }

    /// The HTTP status that goes with the name.
    pub fn http_status(self) -> u16 {
        self.row().http_status
    }

    /// Whether the specification lets `api` answer with this error.
    pub fn may_come_from(self, api: Api) -> bool {
        self.row().apis.contains(&api)
    }
}

/// The body of an error response.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ErrorResponse {
    /// What kind of error.
    pub error_name: ErrorName,
    /// For the logs: fewer than 512 characters of printable ASCII. KMS never shows it to its callers.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error_message: Option<String>,
}

impl ErrorResponse {
    /// An error with a message that is cut to length, and whose characters outside 0x20..=0x7e become `?`.
    pub fn new(error_name: ErrorName, message: &str) -> Self {
        let printable = |c: char| if matches!(c, ' '..='~') { c } else { '?' };
        let message: String = message.chars().take(ERROR_MESSAGE_MAX_CHARS).map(printable).collect();
        Self { error_name, error_message: (!message.is_empty()).then_some(message) }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_written_as_in_the_table() {
        for row in ERROR_TABLE {
            let json = format!(r#"{{"errorName":"{}"}}"#, row.text);
            let response: ErrorResponse = serde_json::from_str(&json).unwrap();
            assert_eq!(response.error_name, row.name);
            assert_eq!(serde_json::to_string(&response).unwrap(), json);
        }
    }

    #[test]
    fn an_unknown_name_does_not_parse() {
        for json in [r#"{"errorName":"TeapotException"}"#, r#"{"errorMessage":"x"}"#, "{}"] {
            assert!(serde_json::from_str::<ErrorResponse>(json).is_err(), "{json}");
        }
    }

    #[test]
    fn messages_are_short_printable_ascii() {
        let message = format!("line\n\u{1f}é\u{7f}~{}", "x".repeat(1000));
        let response = ErrorResponse::new(ErrorName::InternalException, &message);
        let sent = response.error_message.unwrap();
        assert_eq!(sent.len(), ERROR_MESSAGE_MAX_CHARS);
        assert!(sent.starts_with("line????~xx"), "{sent}");
        assert!(sent.bytes().all(|byte| (0x20..=0x7e).contains(&byte)));
    }

    #[test]
    fn health_is_outside_policies_and_keys() {
        for name in [
            ErrorName::AccessDeniedException,
            ErrorName::KeyNotFoundException,
            ErrorName::InvalidKeyUsageException,
            ErrorName::InvalidCiphertextException,
        ] {
            assert!(!name.may_come_from(Api::GetHealthStatus), "{name:?}");
        }
        assert!(!ErrorName::InvalidCiphertextException.may_come_from(Api::Encrypt));
    }
}
