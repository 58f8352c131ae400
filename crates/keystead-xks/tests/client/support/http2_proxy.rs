//! A proxy that misbehaves in HTTP/2's own ways. It answers GetHealthStatus only.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use h2::Reason;
use h2::server::{Connection, SendResponse};
use hyper::body::Bytes;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::proxy::good_health;

/// What happens to a stream whose request has arrived.
#[derive(Clone, Copy, Debug)]
pub(crate) enum OnStream {
    /// The good answer.
    Good,
    /// The good answer, once so many requests have arrived in all.
    GoodAfter(usize),
    Reset(Reason),
    /// GOAWAY, and the connection is closed.
    GoAway(Reason),
}

type Script = dyn Fn(usize, usize) -> OnStream + Send + Sync;

struct Shared {
    tls: TlsAcceptor,
    stream_limit: Option<u32>,
    script: Box<Script>,
    accepted: AtomicUsize,
    ended: AtomicUsize,
    requests: AtomicUsize,
}

pub(crate) struct Http2Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    _accepting: JoinSet<()>,
}

impl Http2Proxy {
    /// `script` decides from the connection and the request on it, both counted from 0.
    pub(crate) async fn start(
        tls: Arc<rustls::ServerConfig>,
        stream_limit: Option<u32>,
        script: impl Fn(usize, usize) -> OnStream + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            tls: TlsAcceptor::from(tls),
            stream_limit,
            script: Box::new(script),
            accepted: AtomicUsize::new(0),
            ended: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
        });
        let mut accepting = JoinSet::new();
        accepting.spawn(accept(listener, Arc::clone(&shared)));
        Self { address, shared, _accepting: accepting }
    }

    /// How many connections were accepted so far.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// How many of them are open.
    pub(crate) fn open(&self) -> usize {
        self.accepted() - self.shared.ended.load(Ordering::SeqCst)
    }

    /// How many requests have arrived so far.
    pub(crate) fn requests(&self) -> usize {
        self.shared.requests.load(Ordering::SeqCst)
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    while let Ok((tcp, _)) = listener.accept().await {
        let index = shared.accepted.fetch_add(1, Ordering::SeqCst);
        let shared = Arc::clone(&shared);
        connections.spawn(async move {
            serve(tcp, index, &shared).await;
            shared.ended.fetch_add(1, Ordering::SeqCst);
        });
    }
}

async fn serve(tcp: TcpStream, index: usize, shared: &Arc<Shared>) {
    let tls = shared.tls.accept(tcp).await.unwrap();
    let mut builder = h2::server::Builder::new();
    if let Some(limit) = shared.stream_limit {
        builder.max_concurrent_streams(limit);
    }
    let mut connection: Connection<TlsStream<TcpStream>, Bytes> = builder.handshake(tls).await.unwrap();
    let mut streams = JoinSet::new();
    for turn in 0.. {
        let Some(Ok((request, respond))) = connection.accept().await else {
            return;
        };
        shared.requests.fetch_add(1, Ordering::SeqCst);
        let act = (shared.script)(index, turn);
        if let OnStream::GoAway(reason) = act {
            connection.abrupt_shutdown(reason);
        }
        streams.spawn(answer(request.into_body(), respond, act, Arc::clone(shared)));
    }
}

async fn answer(mut body: h2::RecvStream, mut respond: SendResponse<Bytes>, act: OnStream, shared: Arc<Shared>) {
    match act {
        OnStream::Good => {}
        OnStream::GoodAfter(requests) => {
            super::until("enough requests", || shared.requests.load(Ordering::SeqCst) >= requests).await;
        }
        OnStream::Reset(reason) => return respond.send_reset(reason),
        OnStream::GoAway(_) => return std::future::pending().await,
    }
    while let Some(Ok(data)) = body.data().await {
        body.flow_control().release_capacity(data.len()).unwrap();
    }
    let head = http::Response::builder().header("content-type", "application/json").body(()).unwrap();
    let mut stream = respond.send_response(head, false).unwrap();
    stream.send_data(good_health().to_string().into(), true).unwrap();
}
