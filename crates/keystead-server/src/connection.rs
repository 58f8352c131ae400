//! One connection: TLS, then HTTP/1.1 or HTTP/2.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use keystead_listener::{ConnectionTimes, InFlight, serve_http};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::config::Limits;
use crate::front::{Front, Peer};
use crate::tls::{NegotiatedTls, Tls};
use crate::unreadable_head::Answering;
use crate::vpc_endpoint::VpcEndpoints;

/// HTTP/2: how many requests a client may have in flight on one connection.
const HTTP2_STREAMS_MAX: u32 = 128;
/// HTTP/2: how much of a body a client may send ahead of what was read.
const HTTP2_STREAM_WINDOW_BYTES: u32 = 64 * 1024;
/// HTTP/2: the same for all bodies of a connection together.
const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 1024 * 1024;
/// HTTP/2: how often a client with requests in flight is asked whether it is still there, and how long it may take to answer.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);
const HTTP2_PING_TIMEOUT: Duration = Duration::from_secs(10);
/// The least buffer that the HTTP library accepts for a head is 8 KiB.
const HEAD_BUFFER_BYTES_MIN: usize = 16 * 1024;
/// HTTP/1: how many headers a request may have. The library's own limit is 100; this one is above what any client sends.
const HTTP1_HEADERS_MAX: usize = 500;

/// What all connections share.
pub(crate) struct Connections {
    front: Arc<Front>,
    tls: Option<Tls>,
    http: auto::Builder<TokioExecutor>,
    times: ConnectionTimes,
    vpc_endpoints: VpcEndpoints,
}

/// What the requests of one connection share. A request keeps it until it is through, whatever becomes of the connection.
pub(crate) struct ConnectionContext {
    pub(crate) front: Arc<Front>,
    pub(crate) peer: Peer,
    _in_flight: InFlight,
}

impl Connections {
    pub(crate) fn new(front: Front, tls: Option<Tls>, limits: &Limits, vpc_endpoints: VpcEndpoints) -> Self {
        Self {
            front: Arc::new(front),
            tls,
            http: http_builder(limits),
            times: ConnectionTimes { header_timeout: limits.header_timeout, idle_timeout: limits.idle_timeout },
            vpc_endpoints,
        }
    }

    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// Serves one connection to its end.
    pub(crate) async fn serve(&self, stream: TcpStream, address: SocketAddr, mut in_flight: InFlight) {
        // An IPv4 client of an IPv6 socket is known by its IPv4 address.
        let address = address.ip().to_canonical();
        let vpc_endpoint = self.vpc_endpoints.of(address);
        let Some(tls) = &self.tls else {
            return self.serve_http(stream, Peer { address, vpc_endpoint, tls: None }, in_flight).await;
        };
        let handshake = tokio::select! {
            handshake = self.handshake(tls, stream) => handshake,
            () = in_flight.stopping() => None,
        };
        if let Some(stream) = handshake {
            let peer = Peer { address, vpc_endpoint, tls: NegotiatedTls::of(stream.get_ref().1) };
            self.serve_http(stream, peer, in_flight).await;
        }
    }

    async fn handshake(&self, tls: &Tls, stream: TcpStream) -> Option<TlsStream<TcpStream>> {
        match tokio::time::timeout(self.times.header_timeout, tls.acceptor().accept(stream)).await {
            Ok(Ok(stream)) => Some(stream),
            Ok(Err(error)) => {
                tracing::debug!(%error, "a TLS handshake failed");
                None
            }
            Err(_) => {
                tracing::debug!("a TLS handshake took too long");
                None
            }
        }
    }

    async fn serve_http<S>(&self, stream: S, peer: Peer, in_flight: InFlight)
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let context = Arc::new(ConnectionContext { front: self.front.clone(), peer, _in_flight: in_flight.clone() });
        let answer = |request: Request<Incoming>| Front::serve(context.clone(), request);
        let stream = Answering::new(stream, context.clone());
        serve_http(&self.http, stream, self.times, in_flight, answer).await;
    }
}

/// Twice the header limit is let through to the front, so that what is not far above it is refused with its exact length and with what it
/// tells of itself in the audit record.
fn http_builder(limits: &Limits) -> auto::Builder<TokioExecutor> {
    let head_bytes = limits.header_bytes_max.saturating_mul(2).max(HEAD_BUFFER_BYTES_MIN);
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // `serve_http` does what the library's own timeout would do less well.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_headers(HTTP1_HEADERS_MAX)
        .max_buf_size(head_bytes);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(u32::try_from(head_bytes).unwrap_or(u32::MAX))
        .initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .keep_alive_timeout(HTTP2_PING_TIMEOUT);
    builder
}
