//! Connections that break, and answers that are no HTTP or too much of it.

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use crate::support::*;

/// What one call says of a proxy that answers so, and how many requests the proxy saw.
async fn outcome(
    alpn: &str,
    reply: impl Fn(&Request) -> Reply + Send + Sync + 'static,
) -> (Result<(), ProxyFailure>, usize) {
    let ca = Ca::new();
    let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), reply).await;
    let client = client(config(&ca, proxy.address));
    let outcome = within_reason("the call", poll(&client, &link())).await;
    (outcome, proxy.requests().len())
}

#[tokio::test]
async fn a_port_where_nobody_listens() {
    let ca = Ca::new();
    let address = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = client(config(&ca, address));
    assert_eq!(poll(&client, &link()).await, Err(ProxyFailure::ConnectionRefused));
}

#[tokio::test]
async fn an_address_without_a_route() {
    let ca = Ca::new();
    // TCP does not go to the broadcast address, so the system refuses at once.
    let address: SocketAddr = "255.255.255.255:443".parse().unwrap();
    let client = client(config(&ca, address));
    assert_eq!(poll(&client, &link()).await, Err(ProxyFailure::Unreachable));
}

/// A listener whose queue is full, so that the system answers no further attempt to connect.
struct Unanswering {
    address: SocketAddr,
    _listener: tokio::net::TcpListener,
    _queue: Vec<TcpStream>,
}

impl Unanswering {
    fn new() -> Self {
        let socket = tokio::net::TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(1).unwrap();
        let address = listener.local_addr().unwrap();
        let mut queue = Vec::new();
        while let Ok(stream) = TcpStream::connect_timeout(&address, Duration::from_millis(300)) {
            queue.push(stream);
        }
        Self { address, _listener: listener, _queue: queue }
    }
}

#[tokio::test]
async fn an_address_that_does_not_answer() {
    let (ca, unanswering) = (Ca::new(), Unanswering::new());
    let mut config = config(&ca, unanswering.address);
    config.request_timeout = SHORT;
    assert_eq!(poll(&client(config), &link()).await, Err(ProxyFailure::ConnectTimedOut));
}

#[tokio::test]
async fn a_proxy_that_hangs_up_on_a_request_is_not_asked_again() {
    let closed = Err(ProxyFailure::ConnectionClosed);
    assert_eq!(outcome("http/1.1", |_| Reply::Close).await, (closed, 1));
    assert_eq!(outcome("http/1.1", |_| Reply::Reset).await, (closed, 1));
    assert_eq!(outcome("h2", |_| Reply::Close).await, (closed, 1));
    for cut in [
        "HTTP/1.1 200 O",
        "HTTP/1.1 200 OK\r\nContent-Le",
        "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"xks",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n10\r\n{\"xks",
    ] {
        let reply = move |_: &Request| Reply::BytesThenClose(cut.into());
        assert_eq!(outcome("http/1.1", reply).await, (closed, 1), "{cut:?}");
    }
}

#[tokio::test]
async fn what_is_no_http_is_malformed() {
    let malformed = Err(ProxyFailure::MalformedResponse);
    for garbage in [
        "\x00\x01\x02\x03 garbage \r\n\r\n",
        "SSH-2.0-OpenSSH_9.2p1\r\n\r\n",
        "HTTP/1.1 abc OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n{}",
    ] {
        let reply = move |_: &Request| Reply::Bytes(garbage.into());
        assert_eq!(outcome("http/1.1", reply).await, (malformed, 1), "{garbage:?}");
    }
}

#[tokio::test]
async fn what_is_no_http2_is_malformed() {
    let ca = Ca::new();
    let garbage = b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n";
    let entrance = Entrance::TlsThenBytes(ca.server(&["h2"]), garbage);
    let proxy = Proxy::start(entrance, good_answer).await;
    let client = client(config(&ca, proxy.address));
    let failure = within_reason("the call", poll(&client, &link())).await;
    assert_eq!(failure, Err(ProxyFailure::MalformedResponse));
}

#[tokio::test]
async fn a_head_that_is_too_large_is_malformed() {
    let value = "x".repeat(20_000);
    let head = format!("HTTP/1.1 200 OK\r\nX-Large: {value}\r\nContent-Length: 2\r\n\r\n{{}}");
    let reply = move |_: &Request| Reply::Bytes(head.clone().into());
    let malformed = Err(ProxyFailure::MalformedResponse);
    assert_eq!(outcome("http/1.1", reply).await, (malformed, 1));
    let fields = "X: y\r\n".repeat(100);
    let head = format!("HTTP/1.1 200 OK\r\n{fields}Content-Length: 2\r\n\r\n{{}}");
    let reply = move |_: &Request| Reply::Bytes(head.clone().into());
    assert_eq!(outcome("http/1.1", reply).await, (malformed, 1));
}

#[tokio::test]
async fn a_body_that_is_too_large() {
    let oversized = Err(ProxyFailure::OversizedResponse);
    let body = " ".repeat(64 * 1024 + 1);
    let announced = http1_response(200, &body);
    let chunked =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{body}\r\n0\r\n\r\n", body.len());
    let until_close = format!("HTTP/1.1 200 OK\r\n\r\n{body}");
    for bytes in [announced, chunked.into(), until_close.into()] {
        let reply = move |_: &Request| Reply::BytesThenClose(bytes.clone());
        assert_eq!(outcome("http/1.1", reply).await, (oversized, 1));
    }
    let reply = move |_: &Request| Reply::Json(200, body.clone());
    assert_eq!(outcome("h2", reply).await, (oversized, 1));
}

#[tokio::test]
async fn any_framing_of_a_good_body_is_good() {
    let framings: [fn(&str) -> String; 3] = [
        |body| {
            let (a, b) = body.split_at(10);
            format!(
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{a}\r\n{:x}\r\n{b}\r\n0\r\n\r\n",
                a.len(),
                b.len()
            )
        },
        |body| format!("HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n{body}"),
        |body| {
            let length = body.len();
            format!("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}")
        },
    ];
    for framing in framings {
        let reply = move |request: &Request| match good_answer(request) {
            Reply::Json(_, body) => Reply::BytesThenClose(framing(&body).into()),
            other => other,
        };
        assert_eq!(outcome("http/1.1", reply).await, (Ok(()), 1));
    }
}

#[tokio::test]
async fn redirects_are_not_followed() {
    let ca = Ca::new();
    let elsewhere = Proxy::start(Entrance::Tls(ca.server(&["http/1.1"])), good_answer).await;
    let head = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nLocation: https://{}/\r\nContent-Length: 0\r\n\r\n",
        elsewhere.address
    );
    let reply = move |_: &Request| Reply::Bytes(head.clone().into());
    let malformed = Err(ProxyFailure::MalformedResponse);
    assert_eq!(outcome("http/1.1", reply).await, (malformed, 1));
    assert_eq!(elsewhere.accepted(), 0);
}
