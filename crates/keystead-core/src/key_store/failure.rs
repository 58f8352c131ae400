//! Everything that an external key store proxy can do wrong, and what each KMS operation answers then.
//!
//! [`FAILURES`] is the one table: code reads it, tests check it against the documented maps, and docs/error-causes.md prints it.
//! Two connection error codes stand in no row: INTERNAL_ERROR is our own fault (`connection_worker.rs`), and NETWORK_ERRORS, which is for
//! network failures that nothing more exact describes, is never needed, since every failure that a client can see has its variant.
//!
//! Sources: XKS Proxy API specification 1.0.3 (errors), KMS Developer Guide, "Troubleshooting external key stores" (texts).

use keystead_model::kms::{ConnectionErrorCodeType as Code, Exception};

/// Why a call to an external key store proxy failed. The error names of the specification come first, then what KMS itself observes.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum ProxyFailure {
    /// The proxy answered `ValidationException`.
    Validation,
    /// The proxy answered `InvalidStateException`: the external key, or the key store behind it, is disabled or blocked.
    InvalidState,
    /// The proxy answered `InvalidCiphertextException`.
    InvalidCiphertext,
    /// The proxy answered `InvalidKeyUsageException`.
    InvalidKeyUsage,
    /// The proxy answered `AuthenticationFailedException`.
    AuthenticationFailed,
    /// The proxy answered `AccessDeniedException`.
    AccessDenied,
    /// The proxy answered `KeyNotFoundException`.
    KeyNotFound,
    /// The proxy answered `InvalidUriPathException`.
    InvalidUriPath,
    /// The proxy answered `ThrottlingException`.
    Throttling,
    /// The proxy answered `UnsupportedOperationException`.
    UnsupportedOperation,
    /// The proxy answered `DependencyTimeoutException`.
    DependencyTimeout,
    /// The proxy answered `InternalException`.
    Internal,
    /// The answer is not what the specification asks for: no JSON, a missing or mistyped field, a wrong length, an unknown error name.
    MalformedResponse,
    /// The answer is larger than any the specification allows.
    OversizedResponse,
    /// The ciphertext data integrity value is missing or does not match.
    IntegrityMismatch,
    /// Every instance of the external key manager is UNAVAILABLE.
    ExternalKeyManagerUnavailable,
    /// The host name does not resolve.
    DnsFailed,
    /// The host name resolves to an address that this server may not call.
    AddressNotAllowed,
    /// The TCP connection was refused.
    ConnectionRefused,
    /// The TCP connection could not be made for another reason (no route, network down).
    Unreachable,
    /// The TCP connection was not made within the budget.
    ConnectTimedOut,
    /// The proxy closed or reset the connection before it had answered.
    ConnectionClosed,
    /// The certificate has expired.
    TlsCertificateExpired,
    /// The certificate is not valid yet.
    TlsCertificateNotYetValid,
    /// The certificate does not chain to a trusted root.
    TlsCertificateUntrusted,
    /// The certificate is for another name.
    TlsCertificateNameMismatch,
    /// The TLS handshake failed for another reason, such as no common version or cipher suite.
    TlsHandshakeFailed,
    /// The proxy was reached and did not answer within the budget.
    TimedOut,
    /// Not tried: the proxy failed several times in a row, with this kind last, and is given a pause.
    CircuitOpen(UnreachableKind),
}

/// Which documented failure an open circuit repeats.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum UnreachableKind {
    /// The proxy could not be reached.
    Network,
    /// The proxy did not answer in time.
    Timeout,
    /// No TLS connection could be made.
    Tls,
}

/// One row of [`FAILURES`].
#[derive(Debug)]
pub struct FailureRow {
    /// The failure.
    pub failure: ProxyFailure,
    /// The stable word for machines: the `x-keystead-error-cause` header and the audit record.
    pub cause: &'static str,
    /// The documented text, the same in every operation.
    pub message: &'static str,
    /// What CreateCustomKeyStore and UpdateCustomKeyStore answer.
    pub key_store_exception: Exception,
    /// What CreateKey answers.
    pub create_key_exception: Exception,
    /// What ConnectCustomKeyStore ends with.
    pub connection_error_code: Code,
    /// Whether a caller may hope that a retry helps (the metric's ErrorType).
    pub retryable: bool,
    /// The metric's ExceptionName.
    pub metric_exception: &'static str,
    /// What the person in charge can do.
    pub remedy: &'static str,
}

/// Cryptographic operations answer this exception for every cause (digest 5.2).
pub const CRYPTOGRAPHIC_EXCEPTION: Exception = Exception::KmsInvalidState;

/// NOT_CONNECTED of the digest's message catalogue.
pub const KEY_STORE_NOT_CONNECTED_MESSAGE: &str = "This KMS key is in a custom key store that is not connected to its external key store proxy. Connect the external key store and try the request again.";
/// BAD_INNER: the proxy decrypted, but Keystead's own layer does not authenticate.
pub const INNER_CIPHERTEXT_INVALID_MESSAGE: &str = "The ciphertext that the external key store proxy submitted for decryption, or the encryption context, is corrupted, missing, or otherwise invalid.";

const MALFORMED: &str = "AWS KMS cannot interpret the response from the external key store proxy. If you see this error repeatedly, consult your external key store proxy administrator.";
const NOT_ENABLED: &str = "The external key store proxy rejected the request because the external key is not enabled in the external key manager.";
const BAD_CIPHERTEXT: &str = "The external key store proxy rejected the request because the specified ciphertext or additional authenticated data is corrupted, missing, or otherwise invalid.";
const KEY_USAGE: &str = "The external key store proxy rejected the request because the external key does not support the requested operation.";
const AUTH: &str = "The external key store proxy rejected the request because it could not authenticate AWS KMS. Verify the credentials for your external key store and update if necessary.";
const DENIED: &str = "The external key store proxy denied access to the operation. Verify that the user and the external key are both authorized for this operation, and try the request again.";
const KEY_NOT_FOUND: &str =
    "The external key store proxy rejected the request because it could not find the external key.";
const URI_PATH: &str = "The external key store proxy rejected the request because of an invalid URI path. Verify the URI path for your external key store and update if necessary.";
const UNSUPPORTED: &str = "The external key store proxy rejected the request because it does not support the requested cryptographic operation.";
const DEP_TIMEOUT: &str = "The external key store proxy did not respond to the request in the time allotted. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator.";
const THROTTLED: &str = "The external key store proxy rejected the request due to a very high request rate. Reduce the frequency of your calls using KMS keys in this external key store.";
const INTERNAL: &str = "The external key store proxy rejected the request because it cannot communicate with the external key manager. Verify that the external key store proxy configuration is correct and that the external key manager is available.";
const TCP: &str = "AWS KMS cannot communicate with the external key store proxy. This might be a transient network issue. If you see this error repeatedly, verify that your external key store proxy is active and is connected to the network, and that its endpoint URI is correct in your external key store.";
const TLS: &str = "AWS KMS cannot establish a TLS connection to the external key store proxy. Verify the TLS configuration, including its certificate.";
const TIMEOUT: &str = "AWS KMS rejected the request because the external key store proxy did not respond in time. Retry the request. If you see this error repeatedly, report it to your external key store proxy administrator.";
const UNHEALTHY: &str = "The external key store proxy is in an unhealthy state. If you see this message repeatedly, notify your external key store proxy administrator.";

const STORE_STATE: Exception = Exception::CustomKeyStoreInvalidState;
const KEY_CONFIG: Exception = Exception::XksKeyInvalidConfiguration;
const BAD_RESPONSE: Exception = Exception::XksProxyInvalidResponse;
const BAD_CONFIG: Exception = Exception::XksProxyInvalidConfiguration;
const BAD_CREDENTIAL: Exception = Exception::XksProxyIncorrectAuthenticationCredential;
const UNREACHABLE: Exception = Exception::XksProxyUriUnreachable;
const NO_CONTACT: &str = "XksProxyUnreachableException";

macro_rules! rows {
    ($( $failure:expr, $cause:literal, $message:ident, $store:ident, $key:expr, $code:ident, $retryable:literal, $metric:expr, $remedy:literal; )*) => {
        /// One row for each failure, in the order of the enum.
        pub static FAILURES: &[FailureRow] = &[$( FailureRow {
            failure: $failure, cause: $cause, message: $message, key_store_exception: $store, create_key_exception: $key,
            connection_error_code: Code::$code, retryable: $retryable, metric_exception: $metric, remedy: $remedy,
        }, )*];
    };
}

use ProxyFailure as F;
use UnreachableKind as U;
// Where the digest marks a pairing *unverified* (a key-level error from a health check, throttling at connect, the metric class of TLS and
// malformed answers), the row follows its suggestion.
#[rustfmt::skip]
rows! {
    F::Validation, "XKS_PROXY_VALIDATION_FAILED", MALFORMED, BAD_RESPONSE, STORE_STATE, XksProxyInvalidResponse, false, "ValidationException",
        "The proxy found the request invalid. Ask its administrator for its log; it may not implement the specification in full.";
    F::InvalidState, "EXTERNAL_KEY_DISABLED", NOT_ENABLED, BAD_CONFIG, KEY_CONFIG, XksProxyInvalidResponse, false, "InvalidStateException",
        "Enable the external key in the external key manager.";
    F::InvalidCiphertext, "XKS_PROXY_INVALID_CIPHERTEXT", BAD_CIPHERTEXT, BAD_RESPONSE, STORE_STATE, XksProxyInvalidResponse, false, "InvalidCiphertextException",
        "Pass the ciphertext unchanged, with the encryption context it was made with. If both are right, the external key's material is gone or was replaced.";
    F::InvalidKeyUsage, "EXTERNAL_KEY_USAGE_NOT_ALLOWED", KEY_USAGE, BAD_RESPONSE, KEY_CONFIG, XksProxyInvalidResponse, false, "InvalidKeyUsageException",
        "Allow ENCRYPT and DECRYPT on the external key in the external key manager.";
    F::AuthenticationFailed, "XKS_PROXY_AUTHENTICATION_FAILED", AUTH, BAD_CREDENTIAL, STORE_STATE, InvalidCredentials, false, "AuthenticationFailedException",
        "Set the proxy's current credential with UpdateCustomKeyStore, and check that both clocks are right to within five minutes.";
    F::AccessDenied, "XKS_PROXY_ACCESS_DENIED", DENIED, BAD_CONFIG, STORE_STATE, XksProxyAccessDenied, false, "AccessDeniedException",
        "Allow the principal and the KMS key in the proxy's own authorization policy.";
    F::KeyNotFound, "EXTERNAL_KEY_NOT_FOUND", KEY_NOT_FOUND, BAD_RESPONSE, Exception::XksKeyNotFound, XksProxyInvalidResponse, false, "KeyNotFoundException",
        "Check the external key ID. If the external key was deleted, restore it in the external key manager.";
    F::InvalidUriPath, "XKS_PROXY_INVALID_URI_PATH", URI_PATH, BAD_CONFIG, STORE_STATE, XksProxyInvalidConfiguration, false, "InvalidUriPathException",
        "Set the path that the proxy serves with UpdateCustomKeyStore --xks-proxy-uri-path.";
    F::Throttling, "XKS_PROXY_THROTTLED", THROTTLED, UNREACHABLE, STORE_STATE, XksProxyTimedOut, true, "ThrottlingException",
        "Call less often, or raise the proxy's own limit.";
    F::UnsupportedOperation, "XKS_PROXY_UNSUPPORTED_OPERATION", UNSUPPORTED, BAD_RESPONSE, STORE_STATE, XksProxyInvalidResponse, false, "UnsupportedOperationException",
        "The proxy does not implement the operation or the size. Ask its vendor.";
    F::DependencyTimeout, "EXTERNAL_KEY_MANAGER_TIMED_OUT", DEP_TIMEOUT, UNREACHABLE, STORE_STATE, XksProxyTimedOut, true, "DependencyTimeoutException",
        "The external key manager did not answer the proxy in time. Check its load and its network.";
    F::Internal, "XKS_PROXY_INTERNAL_ERROR", INTERNAL, BAD_RESPONSE, STORE_STATE, XksProxyInvalidResponse, true, "InternalException",
        "Check that the external key manager is up and that the proxy is configured for it.";
    F::MalformedResponse, "XKS_PROXY_INVALID_RESPONSE", MALFORMED, BAD_RESPONSE, STORE_STATE, XksProxyInvalidResponse, false, "XksProxyInvalidResponseException",
        "The answer does not follow the specification. Check that the endpoint and path lead to an XKS proxy, and ask its vendor.";
    F::OversizedResponse, "XKS_PROXY_OVERSIZED_RESPONSE", MALFORMED, BAD_RESPONSE, STORE_STATE, XksProxyInvalidResponse, false, "XksProxyInvalidResponseException",
        "The answer is larger than 64 KiB. Check that the endpoint and path lead to an XKS proxy.";
    F::IntegrityMismatch, "XKS_PROXY_INTEGRITY_MISMATCH", MALFORMED, BAD_RESPONSE, STORE_STATE, XksProxyInvalidResponse, false, "XksProxyInvalidResponseException",
        "The ciphertext data integrity value is missing or wrong, so the ciphertext was not accepted. Ask the proxy's vendor.";
    F::ExternalKeyManagerUnavailable, "EXTERNAL_KEY_MANAGER_UNAVAILABLE", UNHEALTHY, UNREACHABLE, STORE_STATE, XksProxyNotReachable, true, "InternalException",
        "Every instance of the external key manager reports UNAVAILABLE. Bring one back.";
    F::DnsFailed, "XKS_PROXY_DNS_FAILED", TCP, UNREACHABLE, STORE_STATE, XksProxyNotReachable, true, NO_CONTACT,
        "The host name of the endpoint does not resolve. Correct the name, or the server's resolver or connect_to map.";
    F::AddressNotAllowed, "XKS_PROXY_ADDRESS_NOT_ALLOWED", TCP, UNREACHABLE, STORE_STATE, XksProxyNotReachable, false, NO_CONTACT,
        "The host name leads to a loopback, link-local or private address. If that is meant, allow the network in the server's configuration.";
    F::ConnectionRefused, "XKS_PROXY_CONNECTION_REFUSED", TCP, UNREACHABLE, STORE_STATE, XksProxyNotReachable, true, NO_CONTACT,
        "Nothing listens at the proxy's address. Start the proxy, or correct the endpoint.";
    F::Unreachable, "XKS_PROXY_UNREACHABLE", TCP, UNREACHABLE, STORE_STATE, XksProxyNotReachable, true, NO_CONTACT,
        "No route to the proxy. Check the network between this server and the proxy.";
    F::ConnectTimedOut, "XKS_PROXY_CONNECT_TIMED_OUT", TCP, UNREACHABLE, STORE_STATE, XksProxyNotReachable, true, NO_CONTACT,
        "The proxy's address does not answer. Check firewalls and that the proxy host is up.";
    F::ConnectionClosed, "XKS_PROXY_CONNECTION_CLOSED", TCP, UNREACHABLE, STORE_STATE, XksProxyNotReachable, true, NO_CONTACT,
        "The proxy closed the connection before it answered. Check the proxy's log and any load balancer before it.";
    F::TlsCertificateExpired, "XKS_PROXY_TLS_EXPIRED", TLS, BAD_CONFIG, STORE_STATE, XksProxyInvalidTlsConfiguration, true, NO_CONTACT,
        "Renew the proxy's certificate.";
    F::TlsCertificateNotYetValid, "XKS_PROXY_TLS_NOT_YET_VALID", TLS, BAD_CONFIG, STORE_STATE, XksProxyInvalidTlsConfiguration, true, NO_CONTACT,
        "The certificate's validity starts in the future. Check the clocks of this server and of the issuer.";
    F::TlsCertificateUntrusted, "XKS_PROXY_TLS_UNTRUSTED", TLS, BAD_CONFIG, STORE_STATE, XksProxyInvalidTlsConfiguration, true, NO_CONTACT,
        "The certificate does not chain to a trusted root. Add the issuing CA to the server's trust roots, or have the proxy send its intermediates.";
    F::TlsCertificateNameMismatch, "XKS_PROXY_TLS_NAME_MISMATCH", TLS, BAD_CONFIG, STORE_STATE, XksProxyInvalidTlsConfiguration, true, NO_CONTACT,
        "The certificate names another host than the endpoint. Issue one whose subject alternative names hold the endpoint's host.";
    F::TlsHandshakeFailed, "XKS_PROXY_TLS_HANDSHAKE_FAILED", TLS, BAD_CONFIG, STORE_STATE, XksProxyInvalidTlsConfiguration, true, NO_CONTACT,
        "The proxy must speak TLS 1.2 or 1.3 with a cipher suite of the specification, and accept this server's client certificate if it asks for one.";
    F::TimedOut, "XKS_PROXY_TIMED_OUT", TIMEOUT, UNREACHABLE, STORE_STATE, XksProxyTimedOut, true, NO_CONTACT,
        "The proxy did not answer within 250 ms. Check its load, the external key manager's, and the network's round-trip time (35 ms or less).";
    F::CircuitOpen(U::Network), "XKS_PROXY_CIRCUIT_OPEN", TCP, UNREACHABLE, STORE_STATE, XksProxyNotReachable, true, NO_CONTACT,
        "The proxy failed several times in a row, so calls are answered at once for a moment. Repair what the error before this one said.";
    F::CircuitOpen(U::Timeout), "XKS_PROXY_CIRCUIT_OPEN", TIMEOUT, UNREACHABLE, STORE_STATE, XksProxyTimedOut, true, NO_CONTACT,
        "The proxy failed several times in a row, so calls are answered at once for a moment. Repair what the error before this one said.";
    F::CircuitOpen(U::Tls), "XKS_PROXY_CIRCUIT_OPEN", TLS, BAD_CONFIG, STORE_STATE, XksProxyInvalidTlsConfiguration, true, NO_CONTACT,
        "The proxy failed several times in a row, so calls are answered at once for a moment. Repair what the error before this one said.";
}

impl ProxyFailure {
    /// This failure's row.
    pub fn row(self) -> &'static FailureRow {
        &FAILURES[self.index()]
    }

    /// The row's place in [`FAILURES`]; a new variant asks for its row here, and a test checks that they agree.
    fn index(self) -> usize {
        match self {
            Self::Validation => 0,
            Self::InvalidState => 1,
            Self::InvalidCiphertext => 2,
            Self::InvalidKeyUsage => 3,
            Self::AuthenticationFailed => 4,
            Self::AccessDenied => 5,
            Self::KeyNotFound => 6,
            Self::InvalidUriPath => 7,
            Self::Throttling => 8,
            Self::UnsupportedOperation => 9,
            Self::DependencyTimeout => 10,
            Self::Internal => 11,
            Self::MalformedResponse => 12,
            Self::OversizedResponse => 13,
            Self::IntegrityMismatch => 14,
            Self::ExternalKeyManagerUnavailable => 15,
            Self::DnsFailed => 16,
            Self::AddressNotAllowed => 17,
            Self::ConnectionRefused => 18,
            Self::Unreachable => 19,
            Self::ConnectTimedOut => 20,
            Self::ConnectionClosed => 21,
            Self::TlsCertificateExpired => 22,
            Self::TlsCertificateNotYetValid => 23,
            Self::TlsCertificateUntrusted => 24,
            Self::TlsCertificateNameMismatch => 25,
            Self::TlsHandshakeFailed => 26,
            Self::TimedOut => 27,
            Self::CircuitOpen(UnreachableKind::Network) => 28,
            Self::CircuitOpen(UnreachableKind::Timeout) => 29,
            Self::CircuitOpen(UnreachableKind::Tls) => 30,
        }
    }

    /// Which kind of "not to be reached" this is; `None` when the proxy did answer, so that the way to it is proven.
    pub fn unreachable_kind(self) -> Option<UnreachableKind> {
        match self {
            Self::DnsFailed
            | Self::AddressNotAllowed
            | Self::ConnectionRefused
            | Self::Unreachable
            | Self::ConnectTimedOut
            | Self::ConnectionClosed => Some(UnreachableKind::Network),
            Self::TimedOut => Some(UnreachableKind::Timeout),
            Self::TlsCertificateExpired
            | Self::TlsCertificateNotYetValid
            | Self::TlsCertificateUntrusted
            | Self::TlsCertificateNameMismatch
            | Self::TlsHandshakeFailed => Some(UnreachableKind::Tls),
            Self::CircuitOpen(kind) => Some(kind),
            Self::Validation
            | Self::InvalidState
            | Self::InvalidCiphertext
            | Self::InvalidKeyUsage
            | Self::AuthenticationFailed
            | Self::AccessDenied
            | Self::KeyNotFound
            | Self::InvalidUriPath
            | Self::Throttling
            | Self::UnsupportedOperation
            | Self::DependencyTimeout
            | Self::Internal
            | Self::MalformedResponse
            | Self::OversizedResponse
            | Self::IntegrityMismatch
            | Self::ExternalKeyManagerUnavailable => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_failure_finds_its_own_row() {
        for (index, row) in FAILURES.iter().enumerate() {
            assert_eq!(row.failure.index(), index, "{:?}", row.failure);
        }
        assert_eq!(FAILURES.len(), 31);
    }

    /// External key stores digest 5.3 and 5.4, rows that name an exception or a code.
    #[test]
    fn the_documented_map_of_management_operations() {
        use Exception as E;
        let table = [
            (F::Validation, E::XksProxyInvalidResponse, E::CustomKeyStoreInvalidState, Code::XksProxyInvalidResponse),
            (
                F::MalformedResponse,
                E::XksProxyInvalidResponse,
                E::CustomKeyStoreInvalidState,
                Code::XksProxyInvalidResponse,
            ),
            (F::Internal, E::XksProxyInvalidResponse, E::CustomKeyStoreInvalidState, Code::XksProxyInvalidResponse),
            (
                F::AuthenticationFailed,
                E::XksProxyIncorrectAuthenticationCredential,
                E::CustomKeyStoreInvalidState,
                Code::InvalidCredentials,
            ),
            (
                F::InvalidUriPath,
                E::XksProxyInvalidConfiguration,
                E::CustomKeyStoreInvalidState,
                Code::XksProxyInvalidConfiguration,
            ),
            (F::DependencyTimeout, E::XksProxyUriUnreachable, E::CustomKeyStoreInvalidState, Code::XksProxyTimedOut),
            (F::Throttling, E::XksProxyUriUnreachable, E::CustomKeyStoreInvalidState, Code::XksProxyTimedOut),
            (
                F::ConnectionRefused,
                E::XksProxyUriUnreachable,
                E::CustomKeyStoreInvalidState,
                Code::XksProxyNotReachable,
            ),
            (
                F::TlsCertificateExpired,
                E::XksProxyInvalidConfiguration,
                E::CustomKeyStoreInvalidState,
                Code::XksProxyInvalidTlsConfiguration,
            ),
            (F::TimedOut, E::XksProxyUriUnreachable, E::CustomKeyStoreInvalidState, Code::XksProxyTimedOut),
            (
                F::ExternalKeyManagerUnavailable,
                E::XksProxyUriUnreachable,
                E::CustomKeyStoreInvalidState,
                Code::XksProxyNotReachable,
            ),
            (
                F::InvalidState,
                E::XksProxyInvalidConfiguration,
                E::XksKeyInvalidConfiguration,
                Code::XksProxyInvalidResponse,
            ),
            (
                F::InvalidKeyUsage,
                E::XksProxyInvalidResponse,
                E::XksKeyInvalidConfiguration,
                Code::XksProxyInvalidResponse,
            ),
            (F::KeyNotFound, E::XksProxyInvalidResponse, E::XksKeyNotFound, Code::XksProxyInvalidResponse),
            (
                F::AccessDenied,
                E::XksProxyInvalidConfiguration,
                E::CustomKeyStoreInvalidState,
                Code::XksProxyAccessDenied,
            ),
        ];
        for (failure, key_store, create_key, code) in table {
            let row = failure.row();
            assert_eq!(row.key_store_exception, key_store, "{failure:?}");
            assert_eq!(row.create_key_exception, create_key, "{failure:?}");
            assert_eq!(row.connection_error_code, code, "{failure:?}");
        }
    }

    /// External key stores digest 8.2, with the metric's ExceptionName.
    #[test]
    fn retryable_classes() {
        for row in FAILURES {
            let expected = match row.metric_exception {
                "InternalException" | "DependencyTimeoutException" | "ThrottlingException" => true,
                // An address that configuration forbids stays forbidden.
                "XksProxyUnreachableException" => row.failure != F::AddressNotAllowed,
                _ => false,
            };
            assert_eq!(row.retryable, expected, "{:?}", row.failure);
        }
    }
}
