//! The proxy as a server: its start, TLS and HTTP of its connections, and an end that lets requests in flight finish.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use hyper_util::rt::{TokioExecutor, TokioTimer};
use hyper_util::server::conn::auto;
use keystead_listener::{ConnectionTimes, InFlight, Listener, serve_http};
use tokio::net::TcpStream;
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
const HTTP2_STREAMS_MAX: u32 = 64;
/// How much of a body an HTTP/2 client may send ahead of what was read.
const HTTP2_STREAM_WINDOW_BYTES: u32 = 64 * 1024;
/// The same for all bodies of a connection together.
const HTTP2_CONNECTION_WINDOW_BYTES: u32 = 256 * 1024;
/// How often a silent HTTP/2 peer is asked whether it is still there, and how long it has to say so.
const HTTP2_PING_INTERVAL: Duration = Duration::from_secs(30);
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

/// Why serving did not end well. Requests that had to be cut off at the end of the grace period are no error: the log tells.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The socket no longer listens.
    #[error("the socket on {address} no longer accepts connections: {source}. Start the proxy again.")]
    Accept {
        /// The address.
        address: SocketAddr,
        /// What the operating system said.
        source: io::Error,
    },
    /// The access log's last lines could not be waited for.
    #[error("the access log was not finished")]
    AccessLog,
}

/// A proxy that listens. Connections wait until [`Proxy::serve`] takes them.
pub struct Proxy {
    listener: Listener,
    shared: Arc<Shared>,
}

struct Shared {
    service: Service,
    http: auto::Builder<TokioExecutor>,
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
        let (connections_max, grace) = (config.limits.connections_max, config.limits.shutdown_grace());
        let tls = TlsSource::follow(&config)?;
        let access_log = start_access_log(&config)?;
        let service = Service::new(config, key_manager, access_log)?;
        let listener = Listener::bind(address, connections_max, grace)
            .await
            .map_err(|source| StartError::Listen { address, source })?;
        Ok(Self { listener, shared: Arc::new(Shared { service, http: http_builder(), tls }) })
    }

    /// The address in fact listened on.
    pub fn local_addr(&self) -> SocketAddr {
        self.listener.local_addr()
    }

    /// Serves until `shutdown` resolves, then takes no more connections and finishes the requests in flight, for at most
    /// `limits.shutdown_grace_ms`. Everything is in the access log when this returns.
    pub async fn serve(self, shutdown: impl Future<Output = ()> + Send) -> Result<(), ServeError> {
        let address = self.local_addr();
        let Self { listener, shared } = self;
        let serve = |stream, peer, in_flight| connection(Arc::clone(&shared), stream, peer, in_flight);
        let ended = listener.serve(shutdown, serve).await;
        finish(shared).await?;
        ended.map_err(|source| ServeError::Accept { address, source })
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

async fn connection(shared: Arc<Shared>, stream: TcpStream, peer: SocketAddr, mut in_flight: InFlight) {
    let stream = tokio::select! {
        stream = handshake(&shared, stream) => stream,
        () = in_flight.stopping() => return,
    };
    let stream = match stream {
        Ok(stream) => stream,
        Err(error) => return tracing::debug!(%peer, %error, "TLS handshake failed"),
    };
    let limits = &shared.service.limits;
    let times = ConnectionTimes { header_timeout: limits.header_read_timeout(), idle_timeout: limits.idle_timeout() };
    // HTTP/2 requests run as tasks of their own, which need an owned share.
    let answer = |request| {
        let shared = Arc::clone(&shared);
        async move { shared.service.answer(request, peer).await }
    };
    serve_http(&shared.http, stream, times, in_flight, answer).await;
}

async fn handshake(shared: &Shared, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
    let acceptor = TlsAcceptor::from(shared.tls.get().await);
    let timeout = shared.service.limits.handshake_timeout();
    tokio::time::timeout(timeout, acceptor.accept(stream))
        .await
        .map_err(|_| io::Error::new(io::ErrorKind::TimedOut, "the handshake took too long"))?
}

fn http_builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    // `serve_http` does what the library's own timeout would do less well.
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(None)
        .max_buf_size(HEADERS_MAX_BYTES)
        .max_headers(HEADERS_MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(HTTP2_STREAMS_MAX)
        .max_header_list_size(HEADERS_MAX_BYTES as u32)
        .initial_stream_window_size(HTTP2_STREAM_WINDOW_BYTES)
        .initial_connection_window_size(HTTP2_CONNECTION_WINDOW_BYTES)
        .keep_alive_interval(HTTP2_PING_INTERVAL)
        .keep_alive_timeout(HTTP2_PING_INTERVAL);
    builder
}
