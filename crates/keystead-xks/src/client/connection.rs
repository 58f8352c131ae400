//! HTTP on a new TLS connection: what sends on it, what moves its bytes, and what can be told of it from outside.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use keystead_core::key_store::ProxyFailure;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::sync::{Notify, watch};
use tokio::time::Instant;
use tokio_rustls::client::TlsStream;

use super::budget::Budget;
use super::failure::{self, AttemptError};
use super::request::{Protocol, RequestBody};
use super::trust::ALPN_HTTP2;

/// The largest response head that is read, in bytes.
const HEAD_MAX_BYTES: usize = 16 * 1024;
/// The most header fields of an HTTP/1.1 response.
const HEAD_MAX_FIELDS: usize = 64;
/// An HTTP/2 connection is pinged this often, so that a dead one is noticed before a call needs it.
const PING_INTERVAL: Duration = Duration::from_secs(20);
/// How long a ping may take.
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// How many calls share one HTTP/2 connection at the most, whatever the proxy allows; common servers allow 100 or more.
const HTTP2_CALLS_MAX: usize = 100;

/// The half of a connection that requests go into.
pub(crate) enum Sender {
    Http1(http1::SendRequest<RequestBody>),
    Http2(http2::SendRequest<RequestBody>),
}

/// A new connection. Nothing moves on it until its driver is polled.
pub(crate) struct Dialed {
    pub(crate) sender: Sender,
    pub(crate) driver: Driver,
    pub(crate) monitor: Arc<Monitor>,
}

/// What is known of a connection from outside.
pub(crate) struct Monitor {
    made: Instant,
    bytes_read: AtomicU64,
    answers: AtomicU64,
    /// What the proxy sent first has been read and understood, or the connection has ended.
    heard: Notify,
    /// How many calls it may have at a time.
    room: AtomicUsize,
    /// Why the connection ended, once it has.
    end: watch::Sender<Option<ProxyFailure>>,
}

impl Monitor {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            made: Instant::now(),
            bytes_read: AtomicU64::new(0),
            answers: AtomicU64::new(0),
            heard: Notify::new(),
            room: AtomicUsize::new(1),
            end: watch::Sender::new(None),
        })
    }

    /// How long ago it was made.
    pub(crate) fn age(&self) -> Duration {
        self.made.elapsed()
    }

    /// When it reaches the age.
    pub(crate) fn reaches(&self, age: Duration) -> Instant {
        self.made + age
    }

    /// How many calls it may have at a time: with HTTP/1.1 one, with HTTP/2 what the proxy allows, within reason.
    pub(crate) fn room(&self) -> usize {
        self.room.load(Ordering::Relaxed)
    }

    /// A proxy that allows none is asked nevertheless: the call then says what is wrong.
    fn allows(&self, streams: usize) {
        self.room.store(streams.clamp(1, HTTP2_CALLS_MAX), Ordering::Relaxed);
    }

    /// How many bytes of HTTP the proxy has sent so far.
    pub(crate) fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }

    /// How many calls it has answered so far.
    pub(crate) fn answers(&self) -> u64 {
        self.answers.load(Ordering::Relaxed)
    }

    /// It answered one more.
    pub(crate) fn answered(&self) {
        self.answers.fetch_add(1, Ordering::Relaxed);
    }

    /// Waits for the connection's end.
    pub(crate) async fn ended(&self) -> ProxyFailure {
        let mut end = self.end.subscribe();
        let ended = end.wait_for(Option::is_some).await;
        ended.ok().and_then(|failure| *failure).unwrap_or(ProxyFailure::ConnectionClosed)
    }
}

impl Dialed {
    pub(crate) fn protocol(&self) -> Protocol {
        match self.sender {
            Sender::Http1(_) => Protocol::Http1,
            Sender::Http2(_) => Protocol::Http2,
        }
    }
}

/// Begins to speak the HTTP version that ALPN settled on; HTTP/1.1 without ALPN.
pub(crate) async fn speak_http(tls: TlsStream<TcpStream>, budget: Budget) -> Result<Dialed, AttemptError> {
    let http2 = tls.get_ref().1.alpn_protocol() == Some(ALPN_HTTP2);
    let monitor = Monitor::new();
    let io = TokioIo::new(Watched { inner: tls, monitor: Arc::clone(&monitor) });
    let spoken = async {
        if http2 {
            let (sender, connection) = http2_builder().handshake(io).await?;
            // HTTP/2 servers begin with their settings, and no call goes out before they say how many may.
            monitor.heard.notified().await;
            monitor.allows(connection.current_max_send_streams());
            Ok((Sender::Http2(sender), Driver::Http2(connection)))
        } else {
            let (sender, connection) = http1_builder().handshake(io).await?;
            Ok((Sender::Http1(sender), Driver::Http1(Box::new(connection))))
        }
    };
    match budget.limit(spoken).await {
        Ok(Ok((sender, driver))) => Ok(Dialed { sender, driver, monitor }),
        Ok(Err(error)) => Err(AttemptError::Failed(closed_by(&error))),
        Err(_) => Err(AttemptError::TimedOut(ProxyFailure::TimedOut)),
    }
}

fn closed_by(error: &hyper::Error) -> ProxyFailure {
    failure::of_http(error).unwrap_or(ProxyFailure::ConnectionClosed)
}

fn http1_builder() -> http1::Builder {
    let mut builder = http1::Builder::new();
    builder.max_header_size(HEAD_MAX_BYTES).max_headers(HEAD_MAX_FIELDS);
    builder
}

fn http2_builder() -> http2::Builder<TokioExecutor> {
    let mut builder = http2::Builder::new(TokioExecutor::new());
    builder
        .timer(TokioTimer::new())
        .max_header_list_size(HEAD_MAX_BYTES as u32)
        .keep_alive_interval(PING_INTERVAL)
        .keep_alive_timeout(PING_TIMEOUT)
        .keep_alive_while_idle(true);
    builder
}

pub(crate) type Io = TokioIo<Watched<TlsStream<TcpStream>>>;

/// The half of a connection that moves bytes, until it is done or nobody holds the sender any more.
pub(crate) enum Driver {
    Http1(Box<http1::Connection<Io, RequestBody>>),
    Http2(http2::Connection<Io, RequestBody, TokioExecutor>),
}

impl Driver {
    /// Drives the connection to its end and tells `monitor` why it ended.
    pub(crate) async fn run(self, monitor: Arc<Monitor>) {
        let ended = match self {
            Self::Http1(connection) => connection.await,
            Self::Http2(connection) => drive_http2(connection, &monitor).await,
        };
        let reason = match &ended {
            Ok(()) => ProxyFailure::ConnectionClosed,
            Err(error) => closed_by(error),
        };
        tracing::debug!(?reason, error = ?ended.err(), "a connection to an XKS proxy ended");
        monitor.end.send_replace(Some(reason));
    }
}

/// Drives an HTTP/2 connection. Each call wakes it, and then it looks how many the proxy allows by now.
async fn drive_http2(
    mut connection: http2::Connection<Io, RequestBody, TokioExecutor>,
    monitor: &Monitor,
) -> hyper::Result<()> {
    poll_fn(|cx| {
        let polled = Pin::new(&mut connection).poll(cx);
        if polled.is_pending() {
            monitor.allows(connection.current_max_send_streams());
        }
        polled
    })
    .await
}

/// Counts what the proxy sends.
pub(crate) struct Watched<S> {
    inner: S,
    monitor: Arc<Monitor>,
}

impl<S> Drop for Watched<S> {
    /// HTTP is through with the connection.
    fn drop(&mut self) {
        self.monitor.heard.notify_one();
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        let read = buf.filled().len() - before;
        let read_before = self.monitor.bytes_read.fetch_add(read as u64, Ordering::Relaxed);
        // HTTP asks for more when it is through with what it has.
        if polled.is_pending() && read_before > 0 {
            self.monitor.heard.notify_one();
        }
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
