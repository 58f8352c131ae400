//! What an operator may set of a server.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::start_error::StartError;
use crate::vpc_endpoint::VpcEndpointNetworks;

/// Where and how a server listens.
#[derive(Clone, Debug)]
pub struct ServerConfig {
    /// The address; port 0 takes any free port.
    pub listen: SocketAddr,
    /// Serves TLS if set, plain HTTP if not.
    pub tls: Option<TlsFiles>,
    /// What a client may ask of the server.
    pub limits: Limits,
    /// How far the date of a request may be off, either way. In whole seconds; what is less is dropped.
    pub clock_skew: Duration,
    /// The VPC endpoints that requests may come through.
    pub vpc_endpoints: Vec<VpcEndpointNetworks>,
}

/// The files of the server's certificate. They are read again when they change, without dropping a connection.
#[derive(Clone, Debug)]
pub struct TlsFiles {
    /// The certificate chain, PEM, the server's own certificate first.
    pub certificate: PathBuf,
    /// The private key, PEM, not encrypted.
    pub private_key: PathBuf,
}

/// What a client may ask of the server before it has shown who it is.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The longest request body, in bytes. The longest KMS request is PutKeyPolicy with some 128 KiB.
    pub body_bytes_max: usize,
    /// The longest sum of header names and values of a request, in bytes.
    pub header_bytes_max: usize,
    /// How long a TLS handshake, the first request on a connection, and the head of each further request may take.
    pub header_timeout: Duration,
    /// How long a request body may take from the end of its head.
    pub body_timeout: Duration,
    /// How long a connection may be without a request.
    pub idle_timeout: Duration,
    /// How many connections are served at a time. The next ones wait in the operating system's queue until one ends: with
    /// `idle_timeout` and the others above, each does.
    pub connections_max: usize,
    /// How often a second requests from one address (IPv4), or from one network of 64 bits (IPv6), may fail to show who sent them. Those
    /// that come before a second has brought another are refused unread. 0: no limit.
    pub failed_authentications_per_second_max: u32,
    /// How long requests in flight may take to finish once the server is told to stop.
    pub shutdown_grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body_bytes_max: 1024 * 1024,
            header_bytes_max: 16 * 1024,
            header_timeout: Duration::from_secs(10),
            body_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(90),
            connections_max: 10_000,
            failed_authentications_per_second_max: 0,
            shutdown_grace: Duration::from_secs(30),
        }
    }
}

/// Longer timeouts than a year are taken as a year, so that a point in time plus a timeout is always one.
const TIMEOUT_MAX: Duration = Duration::from_secs(365 * 24 * 60 * 60);

impl Limits {
    /// The limits to work with. A limit of zero would serve nobody.
    pub(crate) fn checked(&self) -> Result<Self, StartError> {
        let zero = [
            ("body_bytes_max", self.body_bytes_max == 0),
            ("header_bytes_max", self.header_bytes_max == 0),
            ("header_timeout", self.header_timeout.is_zero()),
            ("body_timeout", self.body_timeout.is_zero()),
            ("idle_timeout", self.idle_timeout.is_zero()),
            ("connections_max", self.connections_max == 0),
        ];
        match zero.iter().find(|(_, is_zero)| *is_zero) {
            Some((name, _)) => Err(StartError::ZeroLimit { name }),
            None => Ok(self.bounded()),
        }
    }

    fn bounded(&self) -> Self {
        Self {
            header_timeout: self.header_timeout.min(TIMEOUT_MAX),
            body_timeout: self.body_timeout.min(TIMEOUT_MAX),
            idle_timeout: self.idle_timeout.min(TIMEOUT_MAX),
            shutdown_grace: self.shutdown_grace.min(TIMEOUT_MAX),
            ..*self
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_limit_of_zero_is_named() {
        assert!(Limits::default().checked().is_ok());
        let none = Limits { connections_max: 0, ..Limits::default() };
        assert!(none.checked().unwrap_err().to_string().starts_with("limits: connections_max is 0."));
        let at_once = Limits { body_timeout: Duration::ZERO, ..Limits::default() };
        assert!(at_once.checked().unwrap_err().to_string().contains("body_timeout"));
    }

    #[test]
    fn no_timeout_is_beyond_the_clock() {
        let endless = Limits { idle_timeout: Duration::MAX, ..Limits::default() };
        assert_eq!(endless.checked().unwrap().idle_timeout, TIMEOUT_MAX);
    }
}
