//! HTTP/1.1 by hand, so that a test decides about every byte and when it is sent.

use serde_json::Value;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::Running;
use super::request::Request;

#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(candidate, _)| candidate == name).map(|(_, value)| value.as_str())
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// The exception's name.
    pub(crate) fn exception(&self) -> String {
        self.json()["__type"].as_str().unwrap().to_owned()
    }
}

/// The head as it goes over the wire, with the length of the body.
pub(crate) fn head(request: &Request) -> String {
    let length = ("content-length".to_owned(), request.body.len().to_string());
    head_with(&request.clone().header(&length.0, length.1), "POST", "/")
}

/// The head with no header that the request does not have.
pub(crate) fn head_with(request: &Request, method: &str, path: &str) -> String {
    let headers: String = request.headers.iter().map(|(name, value)| format!("{name}: {value}\r\n")).collect();
    format!("{method} {path} HTTP/1.1\r\n{headers}\r\n")
}

pub(crate) async fn send<S: AsyncWrite + Unpin>(stream: &mut S, request: &Request) {
    stream.write_all(&[head(request).as_bytes(), &request.body].concat()).await.unwrap();
}

/// The next response; `None` if the server closed the connection instead.
pub(crate) async fn receive<S: AsyncRead + Unpin>(stream: &mut S) -> Option<Response> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read_u8().await {
            Ok(byte) => head.push(byte),
            Err(_) => return None,
        }
    }
    let head = String::from_utf8(head).unwrap();
    let mut lines = head.lines();
    let status = lines.next().unwrap().split(' ').nth(1).unwrap().parse().unwrap();
    let headers: Vec<_> = lines
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
        .collect();
    let mut response = Response { status, headers, body: Vec::new() };
    let length = response.header("content-length").map_or(0, |length| length.parse().unwrap());
    response.body = vec![0; length];
    stream.read_exact(&mut response.body).await.unwrap();
    Some(response)
}

/// Whether the server closes the connection without another byte.
pub(crate) async fn is_closed<S: AsyncRead + Unpin>(stream: &mut S) -> bool {
    matches!(stream.read(&mut [0]).await, Ok(0) | Err(_))
}

/// One request with another method or path on a connection of its own.
pub(crate) async fn call_at(server: &Running, method: &str, path: &str, request: &Request) -> Response {
    let mut stream = server.connect().await;
    let request = request.clone().header("content-length", request.body.len().to_string());
    let head = head_with(&request, method, path);
    stream.write_all(&[head.as_bytes(), &request.body].concat()).await.unwrap();
    receive(&mut stream).await.expect("an answer")
}

/// One request on a connection of its own.
pub(crate) async fn call(server: &Running, request: &Request) -> Response {
    let mut stream = server.connect().await;
    send(&mut stream, request).await;
    receive(&mut stream).await.expect("an answer")
}
