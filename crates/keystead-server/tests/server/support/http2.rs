//! HTTP/2 through the HTTP library's client.

use bytes::Bytes;
use http_body_util::Full;
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::{AsyncRead, AsyncWrite};

use super::request::Request;

pub(crate) async fn client<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> SendRequest<Full<Bytes>> {
    let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

/// The host travels as `:authority`.
pub(crate) fn request(scheme: &str, host: &str, request: Request) -> http::Request<Full<Bytes>> {
    let mut http = http::Request::post(format!("{scheme}://{host}/"));
    for (name, value) in request.without("host").headers {
        http = http.header(name, value);
    }
    http.body(Full::new(Bytes::from_static(br#"{"NumberOfBytes":8}"#))).unwrap()
}
