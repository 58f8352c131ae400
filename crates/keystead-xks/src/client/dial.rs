//! A new connection to a proxy: address, TCP, TLS, then HTTP.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use keystead_core::key_store::ProxyFailure;
use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::budget::Budget;
use super::connection::{Dialed, speak_http};
use super::endpoint::Endpoint;
use super::failure::{self, AttemptError};
use super::resolver::AddressBook;

/// Where a host is reached.
pub(crate) enum Route {
    /// The operator's `connect_to` map says so.
    Fixed(SocketAddr),
    /// DNS says so, within the egress rules.
    Resolved { addresses: AddressBook, port: u16 },
}

/// How a dial fails whose time is over while the host's addresses are looked up. Not tried again: the next attempt would wait
/// for the same lookup.
const RESOLVING: AttemptError = AttemptError::Failed(ProxyFailure::DnsFailed);
/// The same for TCP.
const CONNECTING: AttemptError = AttemptError::TimedOut(ProxyFailure::ConnectTimedOut);
/// The same for TLS, and for the beginning of HTTP/2.
const HANDSHAKING: AttemptError = AttemptError::TimedOut(ProxyFailure::TimedOut);
const STAGES: [AttemptError; 3] = [RESOLVING, CONNECTING, HANDSHAKING];

/// Makes connections to one endpoint.
pub(crate) struct Dialer {
    pub(crate) endpoint: Endpoint,
    route: Route,
    tls: TlsConnector,
    /// Each dial begins with the address after the one that the dial before began with.
    dials: AtomicUsize,
    /// The furthest stage that a dial has reached, as an index of [`STAGES`], since nobody waited for one.
    stage: AtomicUsize,
}

impl Dialer {
    pub(crate) fn new(endpoint: Endpoint, route: Route, tls: Arc<rustls::ClientConfig>) -> Self {
        Self { endpoint, route, tls: TlsConnector::from(tls), dials: AtomicUsize::new(0), stage: AtomicUsize::new(0) }
    }

    /// How an attempt fails whose time was over before the dials of those in front, and its own, came to an end: at the
    /// furthest stage that any of them reached.
    pub(crate) fn overdue(&self) -> AttemptError {
        STAGES[self.stage.load(Ordering::Relaxed)]
    }

    /// Forgets how far earlier dials came: nobody waits for one.
    pub(crate) fn begin_anew(&self) {
        self.stage.store(0, Ordering::Relaxed);
    }

    /// Connects within `budget`.
    pub(crate) async fn dial(&self, budget: Budget) -> Result<Dialed, AttemptError> {
        let started = Instant::now();
        let tcp = self.connect(budget).await?;
        self.stage.fetch_max(2, Ordering::Relaxed);
        let tls = self.handshake(tcp, budget).await?;
        let dialed = speak_http(tls, budget).await?;
        tracing::debug!(
            host = self.endpoint.host,
            protocol = ?dialed.protocol(),
            elapsed_us = started.elapsed().as_micros() as u64,
            "connected to an XKS proxy"
        );
        Ok(dialed)
    }

    async fn connect(&self, budget: Budget) -> Result<TcpStream, AttemptError> {
        let addresses = self.addresses(budget).await?;
        self.stage.fetch_max(1, Ordering::Relaxed);
        let connected = self.connect_any(&addresses, budget).await;
        if let (Err(_), Route::Resolved { addresses, .. }) = (&connected, &self.route) {
            addresses.forget();
        }
        connected
    }

    async fn addresses(&self, budget: Budget) -> Result<Vec<SocketAddr>, AttemptError> {
        match &self.route {
            Route::Fixed(address) => Ok(vec![*address]),
            Route::Resolved { addresses, port } => {
                let found = addresses.addresses(budget).await?;
                let socket = |address| SocketAddr::new(IpAddr::V4(address), *port);
                Ok(found.iter().copied().map(socket).collect())
            }
        }
    }

    /// Tries each address once. One that does not answer uses up the budget: the next attempt begins with another.
    async fn connect_any(&self, addresses: &[SocketAddr], budget: Budget) -> Result<TcpStream, AttemptError> {
        let first = self.dials.fetch_add(1, Ordering::Relaxed);
        let mut last_failure = AttemptError::Failed(ProxyFailure::Unreachable);
        for index in 0..addresses.len() {
            let address = addresses[first.wrapping_add(index) % addresses.len()];
            match budget.limit(TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => return without_delay(tcp),
                Ok(Err(error)) => {
                    tracing::debug!(%address, %error, "no TCP connection to an XKS proxy");
                    last_failure = AttemptError::Failed(failure::of_connect(&error));
                }
                Err(_) => return Err(CONNECTING),
            }
        }
        Err(last_failure)
    }

    async fn handshake(&self, tcp: TcpStream, budget: Budget) -> Result<TlsStream<TcpStream>, AttemptError> {
        let name = self.endpoint.server_name.clone();
        match budget.limit(self.tls.connect(name, tcp)).await {
            Ok(Ok(tls)) => Ok(tls),
            Ok(Err(error)) => {
                tracing::debug!(host = self.endpoint.host, %error, "no TLS connection to an XKS proxy");
                Err(AttemptError::Failed(failure::of_connection(&error)))
            }
            Err(_) => Err(HANDSHAKING),
        }
    }
}

fn without_delay(tcp: TcpStream) -> Result<TcpStream, AttemptError> {
    match tcp.set_nodelay(true) {
        Ok(()) => Ok(tcp),
        Err(error) => Err(AttemptError::Failed(failure::of_connect(&error))),
    }
}
