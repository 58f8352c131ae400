//! A proxy whose every byte a test decides: HTTP/1.1 is written by hand, HTTP/2 by hyper.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper_util::rt::{TokioExecutor, TokioIo};
use keystead_xks::wire::{DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, SecretBase64Bytes};
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// What happens to a TCP connection before any HTTP.
#[derive(Clone)]
pub(crate) enum Entrance {
    /// TLS, then HTTP of the version that ALPN settled on.
    Tls(Arc<rustls::ServerConfig>),
    /// TLS, then these bytes whatever the client says, then nothing.
    TlsThenBytes(Arc<rustls::ServerConfig>, &'static [u8]),
    /// These bytes instead of TLS, then nothing.
    Bytes(&'static [u8]),
    /// Closed after the client's first bytes.
    Close,
    /// Open, and silent.
    Silence,
}

/// One request, as it arrived.
#[derive(Clone, Debug)]
pub(crate) struct Request {
    /// Which connection, counted from 0.
    pub(crate) connection: usize,
    /// Which request on that connection, counted from 0.
    pub(crate) turn: usize,
    /// Which request of all, counted from 0.
    pub(crate) number: usize,
    pub(crate) method: String,
    pub(crate) path: String,
    /// Names in lower case. HTTP/2's authority is given as `host`.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) is_http2: bool,
}

impl Request {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut all = self.headers.iter();
        all.find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub(crate) enum Reply {
    Json(u16, String),
    /// Exactly these bytes (HTTP/1.1 only); the connection stays open.
    Bytes(Vec<u8>),
    /// Exactly these bytes (HTTP/1.1 only), then the connection is closed.
    BytesThenClose(Vec<u8>),
    /// The good answer, once the flag is set.
    GoodWhen(Arc<AtomicBool>),
    /// As [`Reply::Close`], once the flag is set.
    CloseWhen(Arc<AtomicBool>),
    /// Nothing, ever.
    Silence,
    /// Nothing; the connection (HTTP/1.1) or stream (HTTP/2) is closed.
    Close,
    /// Nothing; TCP is reset (HTTP/1.1 only).
    Reset,
}

type Handler = dyn Fn(&Request) -> Reply + Send + Sync;

struct Shared {
    entrance: Box<dyn Fn(usize) -> Entrance + Send + Sync>,
    handler: Box<Handler>,
    accepted: AtomicUsize,
    open: AtomicUsize,
    requests: Mutex<Vec<Request>>,
}

pub(crate) struct Proxy {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    connections: Arc<Mutex<JoinSet<()>>>,
    accepting: tokio::task::AbortHandle,
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Proxy {
    /// A proxy that always lets clients in by `entrance` and answers with `handler`.
    pub(crate) async fn start(entrance: Entrance, handler: impl Fn(&Request) -> Reply + Send + Sync + 'static) -> Self {
        Self::start_with(move |_| entrance.clone(), handler).await
    }

    /// As [`Proxy::start`], with an entrance for each connection, counted from 0.
    pub(crate) async fn start_with(
        entrance: impl Fn(usize) -> Entrance + Send + Sync + 'static,
        handler: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            entrance: Box::new(entrance),
            handler: Box::new(handler),
            accepted: AtomicUsize::new(0),
            open: AtomicUsize::new(0),
            requests: Mutex::default(),
        });
        let connections: Arc<Mutex<JoinSet<()>>> = Arc::default();
        let accepting = tokio::spawn(accept(listener, Arc::clone(&shared), Arc::clone(&connections)));
        Self { address, shared, connections, accepting: accepting.abort_handle() }
    }

    /// How many TCP connections were accepted so far.
    pub(crate) fn accepted(&self) -> usize {
        self.shared.accepted.load(Ordering::SeqCst)
    }

    /// How many of them are open.
    pub(crate) fn open(&self) -> usize {
        self.shared.open.load(Ordering::SeqCst)
    }

    /// The requests that arrived so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        self.shared.requests.lock().unwrap().clone()
    }

    /// Closes every connection that is open.
    pub(crate) fn cut(&self) {
        self.connections.lock().unwrap().abort_all();
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>, connections: Arc<Mutex<JoinSet<()>>>) {
    while let Ok((tcp, _)) = listener.accept().await {
        let index = shared.accepted.fetch_add(1, Ordering::SeqCst);
        shared.open.fetch_add(1, Ordering::SeqCst);
        let open = Open(Arc::clone(&shared));
        connections.lock().unwrap().spawn(async move {
            serve(tcp, index, &open.0).await;
        });
    }
}

/// Counts a connection as open until its task is gone, however it goes.
struct Open(Arc<Shared>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::SeqCst);
    }
}

async fn serve(mut tcp: TcpStream, index: usize, shared: &Arc<Shared>) {
    match (shared.entrance)(index) {
        Entrance::Tls(config) => {
            let Ok(tls) = TlsAcceptor::from(config).accept(tcp).await else {
                return;
            };
            if tls.get_ref().1.alpn_protocol() == Some(b"h2") {
                serve_http2(tls, index, Arc::clone(shared)).await;
            } else {
                serve_http1(tls, index, shared).await;
            }
        }
        Entrance::TlsThenBytes(config, bytes) => {
            let Ok(mut tls) = TlsAcceptor::from(config).accept(tcp).await else {
                return;
            };
            let _ = tls.write_all(bytes).await;
            read_to_the_end(&mut tls).await;
        }
        Entrance::Bytes(bytes) => {
            let _ = tcp.write_all(bytes).await;
            read_to_the_end(&mut tcp).await;
        }
        Entrance::Close => {
            let _ = tcp.read(&mut [0; 4096]).await;
        }
        Entrance::Silence => read_to_the_end(&mut tcp).await,
    }
}

async fn read_to_the_end(stream: &mut (impl AsyncReadExt + Unpin)) {
    let mut buffer = [0; 4096];
    while let Ok(read) = stream.read(&mut buffer).await {
        if read == 0 {
            return;
        }
    }
}

async fn serve_http1(mut tls: TlsStream<TcpStream>, connection: usize, shared: &Shared) {
    for turn in 0.. {
        let Some(request) = read_request(&mut tls, connection, turn).await else {
            return;
        };
        let bytes = match answer(shared, request).await {
            Reply::Json(status, body) => http1_response(status, &body),
            Reply::Bytes(bytes) => bytes,
            Reply::GoodWhen(_) | Reply::CloseWhen(_) => return,
            Reply::BytesThenClose(bytes) => {
                let _ = tls.write_all(&bytes).await;
                let _ = tls.shutdown().await;
                return;
            }
            Reply::Silence => return read_to_the_end(&mut tls).await,
            Reply::Close => {
                let _ = tls.shutdown().await;
                return;
            }
            Reply::Reset => {
                let _ = tls.get_ref().0.set_zero_linger();
                return;
            }
        };
        if tls.write_all(&bytes).await.is_err() {
            return;
        }
    }
}

/// Notes the request, gives it its number, and asks the test what to answer; flags are waited for here.
async fn answer(shared: &Shared, mut request: Request) -> Reply {
    {
        let mut requests = shared.requests.lock().unwrap();
        request.number = requests.len();
        requests.push(request.clone());
    }
    let (flag, then) = match (shared.handler)(&request) {
        Reply::GoodWhen(flag) => (flag, good_answer(&request)),
        Reply::CloseWhen(flag) => (flag, Reply::Close),
        reply => return reply,
    };
    super::until("the answer may go", || flag.load(Ordering::SeqCst)).await;
    then
}

/// An answer in JSON, as HTTP/1.1 has it.
pub(crate) fn http1_response(status: u16, body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 {status} Status\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

async fn read_request(tls: &mut TlsStream<TcpStream>, connection: usize, turn: usize) -> Option<Request> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(tls.read_u8().await.ok()?);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut start = lines.next()?.split(' ');
    let (method, path) = (start.next()?.to_owned(), start.next()?.to_owned());
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let length =
        headers.iter().find(|(name, _)| name == "content-length").map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    tls.read_exact(&mut body).await.ok()?;
    Some(Request { connection, turn, number: 0, method, path, headers, body, is_http2: false })
}

async fn serve_http2(tls: TlsStream<TcpStream>, connection: usize, shared: Arc<Shared>) {
    let turns = Arc::new(AtomicUsize::new(0));
    let service = hyper::service::service_fn(move |request: hyper::Request<Incoming>| {
        let (shared, turns) = (Arc::clone(&shared), Arc::clone(&turns));
        async move {
            let turn = turns.fetch_add(1, Ordering::SeqCst);
            let request = received(request, connection, turn).await;
            match answer(&shared, request).await {
                Reply::Json(status, body) => Ok(hyper::Response::builder()
                    .status(status)
                    .header("content-type", "application/json")
                    .body(Full::new(Bytes::from(body)))
                    .unwrap()),
                Reply::Silence => std::future::pending().await,
                // An error of the service resets the stream.
                _ => Err(std::io::Error::other("closed on purpose")),
            }
        }
    });
    let _ = hyper::server::conn::http2::Builder::new(TokioExecutor::new())
        .serve_connection(TokioIo::new(tls), service)
        .await;
}

async fn received(request: hyper::Request<Incoming>, connection: usize, turn: usize) -> Request {
    let (head, body) = request.into_parts();
    let text = |value: &hyper::header::HeaderValue| value.to_str().unwrap().to_owned();
    let mut headers: Vec<(String, String)> =
        head.headers.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect();
    headers.push(("host".into(), head.uri.authority().unwrap().to_string()));
    Request {
        connection,
        turn,
        number: 0,
        method: head.method.to_string(),
        path: head.uri.path().to_owned(),
        headers,
        body: body.collect().await.unwrap().to_bytes().to_vec(),
        is_http2: true,
    }
}

/// The answer of a proxy that works. Its cipher is an exclusive or: only the protocol matters here.
pub(crate) fn good_answer(request: &Request) -> Reply {
    let action = request.path.rsplit('/').next().unwrap_or_default();
    let body = match action {
        "health" => good_health().to_string(),
        "metadata" => {
            json!({"keySpec": "AES_256", "keyUsage": ["ENCRYPT", "DECRYPT"], "keyStatus": "ENABLED"}).to_string()
        }
        "encrypt" => serde_json::to_string(&encrypted(&parsed(&request.body))).unwrap(),
        "decrypt" => {
            let request: DecryptRequest = parsed(&request.body);
            let plaintext = flipped(&request.ciphertext);
            let response = DecryptResponse { plaintext: SecretBase64Bytes::from(plaintext.as_slice()) };
            serde_json::to_string(&response).unwrap()
        }
        _ => return Reply::Json(404, r#"{"errorName":"InvalidUriPathException"}"#.into()),
    };
    Reply::Json(200, body)
}

pub(super) fn good_health() -> serde_json::Value {
    json!({
        "xksProxyFleetSize": 1,
        "xksProxyVendor": "Test",
        "xksProxyModel": "Test 1.0",
        "ekmVendor": "Test",
        "ekmFleetDetails": [{"id": "1", "model": "Test", "healthStatus": "ACTIVE"}]
    })
}

fn parsed<T: serde::de::DeserializeOwned>(body: &[u8]) -> T {
    serde_json::from_slice(body).unwrap()
}

fn flipped(bytes: &[u8]) -> Vec<u8> {
    bytes.iter().map(|byte| byte ^ 0x5a).collect()
}

fn encrypted(request: &EncryptRequest) -> EncryptResponse {
    let mut response = EncryptResponse {
        ciphertext: flipped(request.plaintext.expose()).into(),
        initialization_vector: vec![1; 12].into(),
        authentication_tag: vec![2; 16].into(),
        ciphertext_metadata: Some(b"v=1".to_vec().into()),
        ciphertext_data_integrity_value: None,
    };
    let value = response.integrity_value(request.aad());
    response.ciphertext_data_integrity_value = Some(value.to_vec().into());
    response
}
