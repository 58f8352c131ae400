//! From what the network, TLS, HTTP and the proxy say to one [`ProxyFailure`].

use std::error::Error;
use std::io;

use keystead_core::key_store::ProxyFailure;
use rustls::CertificateError;

use crate::wire::{ErrorName, MalformedResponse};

/// How one attempt at a call failed, and so what may follow.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum AttemptError {
    /// Final.
    Failed(ProxyFailure),
    /// The network was too slow: worth one more attempt with a new budget.
    TimedOut(ProxyFailure),
    /// The budget went by in waiting for this server's own limits: says nothing about the proxy, and another attempt
    /// would only add to the load.
    Saturated,
    /// A connection that had been used before ended without a byte in answer: idle connections end like this, so the request
    /// may go out again at once, on a new connection.
    Stale,
    /// The proxy refused the HTTP/2 stream, which says that it did not look at the request (RFC 9113, 8.7): it may go out
    /// again at once, on the same connection.
    Refused,
}

/// The TCP connection was not made.
pub(crate) fn of_connect(error: &io::Error) -> ProxyFailure {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => ProxyFailure::ConnectionRefused,
        io::ErrorKind::TimedOut => ProxyFailure::ConnectTimedOut,
        io::ErrorKind::ConnectionReset | io::ErrorKind::ConnectionAborted => ProxyFailure::ConnectionClosed,
        _ => ProxyFailure::Unreachable,
    }
}

/// The connection broke during or after the TLS handshake.
///
/// A peer that closes without a TLS alert is ConnectionClosed, also in mid-handshake: so do load balancers without a
/// healthy target, which is no matter of certificates. A peer that speaks no TLS is TlsHandshakeFailed.
pub(crate) fn of_connection(error: &io::Error) -> ProxyFailure {
    if let Some(tls) = error.get_ref().and_then(|inner| inner.downcast_ref()) {
        return of_tls(tls);
    }
    match error.kind() {
        // How hyper reports a body whose chunks are not framed as HTTP asks.
        io::ErrorKind::InvalidInput | io::ErrorKind::InvalidData => ProxyFailure::MalformedResponse,
        _ => ProxyFailure::ConnectionClosed,
    }
}

/// TLS itself failed.
fn of_tls(error: &rustls::Error) -> ProxyFailure {
    match error {
        rustls::Error::InvalidCertificate(certificate) => of_certificate(certificate),
        rustls::Error::NoCertificatesPresented => ProxyFailure::TlsCertificateUntrusted,
        _ => ProxyFailure::TlsHandshakeFailed,
    }
}

fn of_certificate(error: &CertificateError) -> ProxyFailure {
    use CertificateError as E;
    match error {
        E::Expired | E::ExpiredContext { .. } => ProxyFailure::TlsCertificateExpired,
        E::NotValidYet | E::NotValidYetContext { .. } => ProxyFailure::TlsCertificateNotYetValid,
        E::NotValidForName | E::NotValidForNameContext { .. } => ProxyFailure::TlsCertificateNameMismatch,
        // An unknown issuer, a self-signed certificate (which may claim to be a CA), a bad signature, a wrong purpose:
        // no chain to a trusted root that holds.
        _ => ProxyFailure::TlsCertificateUntrusted,
    }
}

/// HTTP failed. `None` if hyper only says that the connection is gone: why, its driver knows.
pub(crate) fn of_http(error: &hyper::Error) -> Option<ProxyFailure> {
    if error.is_canceled() || error.is_closed() {
        return None;
    }
    if let Some(io) = find_source::<io::Error>(error) {
        return Some(of_connection(io));
    }
    if let Some(h2) = find_source::<h2::Error>(error) {
        return Some(of_http2(h2));
    }
    let connection_ended = error.is_incomplete_message() || error.is_timeout() || error.is_shutdown();
    Some(if connection_ended { ProxyFailure::ConnectionClosed } else { ProxyFailure::MalformedResponse })
}

/// What the peer ended is closed; what we had to end broke the protocol.
fn of_http2(error: &h2::Error) -> ProxyFailure {
    match error.get_io() {
        Some(io) => of_connection(io),
        None if error.is_remote() => ProxyFailure::ConnectionClosed,
        None => ProxyFailure::MalformedResponse,
    }
}

/// Why one HTTP/2 stream was reset, if that is what failed: the connection lives on.
pub(crate) fn stream_reset(error: &hyper::Error) -> Option<h2::Reason> {
    find_source::<h2::Error>(error).filter(|h2| h2.is_reset()).and_then(h2::Error::reason)
}

fn find_source<'a, E: Error + 'static>(error: &'a (dyn Error + 'static)) -> Option<&'a E> {
    let mut cause = error.source();
    while let Some(error) = cause {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        cause = error.source();
    }
    None
}

/// The proxy answered with an error of the specification.
pub(crate) fn of_error_name(name: ErrorName) -> ProxyFailure {
    match name {
        ErrorName::ValidationException => ProxyFailure::Validation,
        ErrorName::InvalidStateException => ProxyFailure::InvalidState,
        ErrorName::InvalidCiphertextException => ProxyFailure::InvalidCiphertext,
        ErrorName::InvalidKeyUsageException => ProxyFailure::InvalidKeyUsage,
        ErrorName::AuthenticationFailedException => ProxyFailure::AuthenticationFailed,
        ErrorName::AccessDeniedException => ProxyFailure::AccessDenied,
        ErrorName::KeyNotFoundException => ProxyFailure::KeyNotFound,
        ErrorName::InvalidUriPathException => ProxyFailure::InvalidUriPath,
        ErrorName::ThrottlingException => ProxyFailure::Throttling,
        ErrorName::UnsupportedOperationException => ProxyFailure::UnsupportedOperation,
        ErrorName::DependencyTimeoutException => ProxyFailure::DependencyTimeout,
        ErrorName::InternalException => ProxyFailure::Internal,
    }
}

/// The proxy answered with success, but not as the specification asks.
pub(crate) fn of_malformed(malformed: &MalformedResponse) -> ProxyFailure {
    match malformed {
        MalformedResponse::IntegrityValueMissing | MalformedResponse::IntegrityValueMismatch => {
            ProxyFailure::IntegrityMismatch
        }
        MalformedResponse::Empty { .. } | MalformedResponse::Length { .. } | MalformedResponse::Count { .. } => {
            ProxyFailure::MalformedResponse
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]
mod tests {
    use super::*;
    use crate::wire::ERROR_TABLE;

    #[test]
    fn every_error_name_keeps_its_identity() {
        for row in ERROR_TABLE {
            let shown = format!("{:?}Exception", of_error_name(row.name));
            assert_eq!(shown, row.text);
        }
    }

    #[test]
    fn connecting() {
        use io::ErrorKind as Kind;
        let table = [
            (Kind::ConnectionRefused, ProxyFailure::ConnectionRefused),
            (Kind::TimedOut, ProxyFailure::ConnectTimedOut),
            (Kind::ConnectionReset, ProxyFailure::ConnectionClosed),
            (Kind::NetworkUnreachable, ProxyFailure::Unreachable),
            (Kind::HostUnreachable, ProxyFailure::Unreachable),
            (Kind::PermissionDenied, ProxyFailure::Unreachable),
        ];
        for (kind, expected) in table {
            assert_eq!(of_connect(&kind.into()), expected, "{kind:?}");
        }
    }

    #[test]
    fn certificates() {
        use CertificateError as E;
        use ProxyFailure as F;
        let table = [
            (E::Expired, F::TlsCertificateExpired),
            (E::NotValidYet, F::TlsCertificateNotYetValid),
            (E::NotValidForName, F::TlsCertificateNameMismatch),
            (E::UnknownIssuer, F::TlsCertificateUntrusted),
            (E::BadSignature, F::TlsCertificateUntrusted),
            (E::BadEncoding, F::TlsCertificateUntrusted),
            (E::Revoked, F::TlsCertificateUntrusted),
            (E::InvalidPurpose, F::TlsCertificateUntrusted),
        ];
        for (error, expected) in table {
            let error = io::Error::new(io::ErrorKind::InvalidData, rustls::Error::InvalidCertificate(error));
            assert_eq!(of_connection(&error), expected, "{error}");
        }
    }

    #[test]
    fn broken_connections() {
        use io::ErrorKind as Kind;
        let tls = |error: rustls::Error| io::Error::new(Kind::InvalidData, error);
        let alert = rustls::AlertDescription::HandshakeFailure;
        let table = [
            (Kind::UnexpectedEof.into(), ProxyFailure::ConnectionClosed),
            (Kind::ConnectionReset.into(), ProxyFailure::ConnectionClosed),
            (Kind::BrokenPipe.into(), ProxyFailure::ConnectionClosed),
            (Kind::InvalidInput.into(), ProxyFailure::MalformedResponse),
            (tls(rustls::Error::AlertReceived(alert)), ProxyFailure::TlsHandshakeFailed),
            (tls(rustls::Error::DecryptError), ProxyFailure::TlsHandshakeFailed),
        ];
        for (error, expected) in table {
            assert_eq!(of_connection(&error), expected, "{error}");
        }
    }
}
