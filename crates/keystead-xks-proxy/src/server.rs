//! The listener: TCP, TLS, HTTP/1.1 and HTTP/2, and an end that lets requests in flight finish.

use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::access_log::AccessLog;
use crate::config::ProxyConfig;
use crate::credential::CredentialsError;
use crate::key_manager::{KeyFileError, KeyManager, SealedKeyFile};
use crate::reloading::Reloading;
use crate::service::Service;
use crate::tls::{TlsError, TlsSource};

/// Most bytes of a request's headers.
const HEADERS_MAX_BYTES: usize = 16 * 1024;
/// Most header fields of a request.
const HEADERS_MAX: usize = 64;
/// Most requests at once on one HTTP/2 connection.
const HTTP2_STREAMS_MAX: u32 = 256;
/// How often a silent HTTP/2 peer is asked whether it is still there, and how long it has to say so.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);
/// A pause after a failed accept, which is mostly a lack of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(50);

/// Why a proxy does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// A value of the configuration cannot be.
    #[error("configuration: {key}: {problem}")]
    Config {
        /// The key.
        key: String,
        /// What is wrong and what to write instead.
        problem: String,
    },
    /// A certificate or key cannot be used.
    #[error(transparent)]
    Tls(#[from] TlsError),
    /// A credentials file cannot be used.
    #[error(transparent)]
    Credentials(#[from] CredentialsError),
    /// The external keys cannot be used.
    #[error(transparent)]
    KeyFile(#[from] KeyFileError),
    /// The access log cannot be opened.
    #[error("access_log = {path}: {source}")]
    AccessLog {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// The address cannot be listened on.
    #[error("listen = {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

/// Why serving did not end well.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Requests were still in flight after the grace period, and were cut off.
    #[error("{connections} connections were still busy after {grace_ms} ms and were cut off")]
    GraceExceeded {
        /// How many.
        connections: usize,
        /// `limits.shutdown_grace_ms`.
        grace_ms: u64,
    },
    /// The access log's last lines could not be waited for.
    #[error("the access log was not finished")]
    AccessLog,
}

/// A proxy that listens. Connections wait until [`Proxy::serve`] takes them.
pub struct Proxy {
    listener: TcpListener,
    local_addr: SocketAddr,
    connections_max: usize,
    shared: Arc<Shared>,
}

struct Shared {
    service: Service,
    tls: Reloading<TlsSource>,
}

impl Proxy {
    /// Reads all files that `config` names and listens. Fails if one of them is not good, and says what to do.
    ///
    /// The key manager is the sealed key file that `config` names.
    pub async fn bind(config: ProxyConfig) -> Result<Self, StartError> {
        let (key_file, root_key_file) = (config.key_file.clone(), config.root_key_file.clone());
        let key_manager = SealedKeyFile::open(&key_file, &root_key_file)?;
        Self::bind_with(config, Arc::new(key_manager)).await
    }

    /// As [`Proxy::bind`], with another key manager.
    pub async fn bind_with(config: ProxyConfig, key_manager: Arc<dyn KeyManager>) -> Result<Self, StartError> {
        // A configuration may also be made in code, past the checks of `load`.
        config.check().map_err(|(key, problem)| StartError::Config { key, problem })?;
        let address = config.listen;
        let connections_max = config.limits.connections_max;
        let tls = TlsSource::follow(&config)?;
        let access_log = start_access_log(&config)?;
        let service = Service::new(config, key_manager, access_log)?;
        let failed = |source| StartError::Listen { address, source };
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        Ok(Self {
            local_addr: listener.local_addr().map_err(failed)?,
            listener,
            connections_max: connections_max.min(Semaphore::MAX_PERMITS),
            shared: Arc::new(Shared { service, tls }),
        })
    }

    /// The address in fact listened on.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// Serves until `shutdown` resolves, then takes no more connections and finishes the requests in flight, for at most
    /// `limits.shutdown_grace_ms`. Everything is in the access log when this returns.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let grace = self.shared.service.limits.shutdown_grace();
        let (stop, stopping) = watch::channel(false);
        let mut connections = JoinSet::new();
        tokio::select! {
            () = self.accept(&mut connections, stopping) => {}
            () = shutdown => {}
        }
        let Self { listener, shared, .. } = self;
        drop(listener);
        stop.send_replace(true);
        let in_time = tokio::time::timeout(grace, async { while connections.join_next().await.is_some() {} });
        let in_time = in_time.await.is_ok();
        let cut_off = connections.len();
        connections.shutdown().await;
        finish(shared).await?;
        if in_time {
            return Ok(());
        }
        Err(ServeError::GraceExceeded {
            connections: cut_off,
            grace_ms: grace.as_millis().try_into().unwrap_or(u64::MAX),
        })
    }

    /// Accepts for ever. At the limit it stops accepting, and further connections wait in the system's queue.
    async fn accept(&self, connections: &mut JoinSet<()>, stopping: watch::Receiver<bool>) {
        let slots = Arc::new(Semaphore::new(self.connections_max));
        while let Ok(slot) = Arc::clone(&slots).acquire_owned().await {
            while connections.try_join_next().is_some() {}
            match self.listener.accept().await {
                Ok((stream, peer)) => {
                    let shared = Arc::clone(&self.shared);
                    connections.spawn(connection(shared, stream, peer, stopping.clone(), slot));
                }
                Err(error) => {
                    tracing::warn!(%error, "a connection could not be accepted");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                }
            }
        }
    }
}

fn start_access_log(config: &ProxyConfig) -> Result<Option<AccessLog>, StartError> {
    let Some(path) = &config.access_log else {
        return Ok(None);
    };
    let log = AccessLog::start(path).map_err(|source| StartError::AccessLog { path: path.clone(), source })?;
    Ok(Some(log))
}

async fn finish(shared: Arc<Shared>) -> Result<(), ServeError> {
    tokio::task::spawn_blocking(move || shared.service.finish()).await.map_err(|_| ServeError::AccessLog)
}

async fn connection(
    shared: Arc<Shared>,
    stream: TcpStream,
    peer: SocketAddr,
    mut stopping: watch::Receiver<bool>,
    _slot: OwnedSemaphorePermit,
) {
    let stream = tokio::select! {
        stream = handshake(&shared, stream) => stream,
        () = stopped(&mut stopping) => return,
    };
    match stream {
        Ok(stream) if is_http2(&stream) => serve_http2(&shared, stream, peer, stopping).await,
        Ok(stream) => serve_http1(&shared, stream, peer, stopping).await,
        Err(error) => tracing::info!(%peer, %error, "TLS handshake failed"),
    }
}

/// Resolves when the proxy is stopped, or is gone.
async fn stopped(stopping: &mut watch::Receiver<bool>) {
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn handshake(shared: &Shared, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    // Small answers must not wait for the peer's acknowledgement of the one before.
    stream.set_nodelay(true)?;
    let acceptor = TlsAcceptor::from(shared.tls.get().await);
    let timeout = shared.service.limits.handshake_timeout();
    tokio::time::timeout(timeout, acceptor.accept(stream))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long"))?
}

fn is_http2(stream: &TlsStream<TcpStream>) -> bool {
    stream.get_ref().1.alpn_protocol() == Some(b"h2")
}

async fn serve_http1(
    shared: &Shared,
    stream: TlsStream<TcpStream>,
    peer: SocketAddr,
    mut stopping: watch::Receiver<bool>,
) {
    let service = service_fn(|request| answer(shared, request, peer));
    let mut connection = pin!(
        hyper::server::conn::http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(shared.service.limits.header_read_timeout())
            .max_buf_size(HEADERS_MAX_BYTES)
            .max_headers(HEADERS_MAX)
            .serve_connection(TokioIo::new(stream), service)
    );
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    log_end(peer, ended);
}

async fn serve_http2(
    shared: &Arc<Shared>,
    stream: TlsStream<TcpStream>,
    peer: SocketAddr,
    mut stopping: watch::Receiver<bool>,
) {
    let activity = Arc::new(Activity::new());
    // HTTP/2 requests run as tasks of their own, which need an owned share.
    let service = service_fn({
        let (shared, activity) = (Arc::clone(shared), Arc::clone(&activity));
        move |request| {
            let (shared, activity) = (Arc::clone(&shared), Arc::clone(&activity));
            async move {
                let _busy = activity.begin();
                answer(&shared, request, peer).await
            }
        }
    });
    let mut connection = pin!(
        hyper::server::conn::http2::Builder::new(TokioExecutor::new())
            .timer(TokioTimer::new())
            .max_concurrent_streams(HTTP2_STREAMS_MAX)
            .max_header_list_size(HEADERS_MAX_BYTES as u32)
            .keep_alive_interval(HTTP2_PING_INTERVAL)
            .keep_alive_timeout(HTTP2_PING_INTERVAL)
            .serve_connection(TokioIo::new(stream), service)
    );
    let idle_timeout = shared.service.limits.header_read_timeout();
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stopping) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
        // Idle for so long, the connection has nothing to finish.
        () = activity.idle_for(idle_timeout) => Ok(()),
    };
    log_end(peer, ended);
}

async fn answer(
    shared: &Shared,
    request: Request<Incoming>,
    peer: SocketAddr,
) -> Result<Response<Full<Bytes>>, std::convert::Infallible> {
    Ok(shared.service.answer(request, peer).await)
}

fn log_end(peer: SocketAddr, ended: hyper::Result<()>) {
    if let Err(error) = ended {
        tracing::debug!(%peer, %error, "a connection ended with an error");
    }
}

/// When an HTTP/2 connection last did something: hyper has a timeout for idle HTTP/1.1 connections only.
struct Activity {
    began: Instant,
    in_flight: AtomicU64,
    last_ms: AtomicU64,
}

/// One request in flight.
struct Busy<'a>(&'a Activity);

impl Activity {
    fn new() -> Self {
        Self { began: Instant::now(), in_flight: AtomicU64::new(0), last_ms: AtomicU64::new(0) }
    }

    fn begin(&self) -> Busy<'_> {
        self.in_flight.fetch_add(1, Ordering::AcqRel);
        Busy(self)
    }

    fn now_ms(&self) -> u64 {
        self.began.elapsed().as_millis().try_into().unwrap_or(u64::MAX)
    }

    /// Resolves once no request was in flight for `timeout`.
    async fn idle_for(&self, timeout: Duration) {
        let timeout_ms = u64::try_from(timeout.as_millis()).unwrap_or(u64::MAX);
        loop {
            let busy = self.in_flight.load(Ordering::Acquire) > 0;
            let idle_ms = self.now_ms().saturating_sub(self.last_ms.load(Ordering::Acquire));
            if !busy && idle_ms >= timeout_ms {
                return;
            }
            let wait_ms = if busy { timeout_ms } else { timeout_ms - idle_ms };
            tokio::time::sleep(Duration::from_millis(wait_ms)).await;
        }
    }
}

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.last_ms.store(self.0.now_ms(), Ordering::Release);
        self.0.in_flight.fetch_sub(1, Ordering::AcqRel);
    }
}
