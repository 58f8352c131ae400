//! Clients that open connections and do not go on: each wait is bounded.

use std::io::ErrorKind;

use crate::support::client::{Call, Client, client_config, good_body, tls};
use crate::support::{RunningProxy, Setup};
use keystead_xks::wire::{Api, ErrorName};
use keystead_xks_proxy::credential::{self, XksCredential};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

async fn start(limits: &str) -> RunningProxy {
    let mut setup = Setup::new();
    setup.rest = format!("[limits]\n{limits}");
    setup.start().await
}

/// Everything until the proxy closes; a reset is a close too.
async fn read_until_closed(stream: &mut (impl AsyncReadExt + Unpin)) -> Vec<u8> {
    let mut received = Vec::new();
    match stream.read_to_end(&mut received).await {
        Ok(_) => received,
        Err(error) if matches!(error.kind(), ErrorKind::ConnectionReset | ErrorKind::UnexpectedEof) => received,
        Err(error) => panic!("{error}"),
    }
}

#[tokio::test]
async fn no_handshake() {
    let proxy = start("handshake_timeout_ms = 20").await;
    let mut stream = TcpStream::connect(proxy.address).await.unwrap();
    read_until_closed(&mut stream).await;
    proxy.stop().await;
}

#[tokio::test]
async fn no_headers() {
    let proxy = start("header_read_timeout_ms = 20").await;
    for alpn in [&b"http/1.1"[..], b"h2"] {
        let mut stream = tls(&proxy, client_config(&proxy, alpn)).await.unwrap();
        read_until_closed(&mut stream).await;
    }
    proxy.stop().await;
}

/// The idle time alone would keep the connection for a day.
#[tokio::test]
async fn half_a_second_head() {
    let proxy = start("header_read_timeout_ms = 200\nidle_timeout_ms = 86400000").await;
    let mut stream = tls(&proxy, client_config(&proxy, b"http/1.1")).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n").await.unwrap();
    assert_eq!(stream.read_u8().await.unwrap(), b'H');
    stream.write_all(b"GET / HTTP/1.1\r\nho").await.unwrap();
    read_until_closed(&mut stream).await;
    proxy.stop().await;
}

/// The time for a head alone would keep the connection for a day.
#[tokio::test]
async fn no_second_request() {
    let proxy = start("header_read_timeout_ms = 86400000\nidle_timeout_ms = 20").await;
    for alpn in [&b"http/1.1"[..], b"h2"] {
        let stream = tls(&proxy, client_config(&proxy, alpn)).await.unwrap();
        let api = Api::GetHealthStatus;
        let call = Call::new(&proxy.setup.credential, api, &good_body(api));
        let (mut client, ended) = Client::over(stream, alpn == b"h2").await;
        assert_eq!(client.send(&call).await.status, 200);
        ended.await.unwrap();
    }
    proxy.stop().await;
}

/// The writing ends when the proxy closes the connection, and only then: nothing is read.
#[tokio::test]
async fn answers_that_are_not_read() {
    let proxy = start("header_read_timeout_ms = 50\nidle_timeout_ms = 50\nconnections_max = 1").await;
    let mut stream = tls(&proxy, client_config(&proxy, b"http/1.1")).await.unwrap();
    let requests = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n".repeat(1000);
    while stream.write_all(&requests).await.is_ok() {}
    // Its slot is free again.
    let mut client = Client::http1(&proxy).await;
    client.ok(&proxy, Api::GetHealthStatus, &good_body(Api::GetHealthStatus)).await;
    drop(client);
    proxy.stop().await;
}

/// A request whose sender waits with the body until the proxy asks for it, and then sends no more.
async fn hold_back_a_body(proxy: &RunningProxy, credential: &XksCredential) -> TlsStream<TcpStream> {
    let mut call = Call::new(credential, Api::GetHealthStatus, &good_body(Api::GetHealthStatus));
    call.body = vec![b' '; proxy.config.limits.body_max_bytes].into();
    let mut head = format!("POST {} HTTP/1.1\r\nexpect: 100-continue\r\n", call.path);
    for (name, value) in call.signed(http::Version::HTTP_11).headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    head.push_str(&format!("content-length: {}\r\n\r\n", call.body.len()));
    let mut stream = tls(proxy, client_config(proxy, b"http/1.1")).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut told = [0; 21];
    stream.read_exact(&mut told).await.unwrap();
    assert_eq!(&told, b"HTTP/1.1 100 Continue");
    stream
}

/// One body fills all the room there is.
const ONE_BODY: &str = "body_max_bytes = 262144\nbodies_max_bytes = 262144\n";

#[tokio::test]
async fn bodies_of_strangers_take_no_room() {
    let proxy = start(&format!("{ONE_BODY}body_read_timeout_ms = 86400000\nshutdown_grace_ms = 1")).await;
    let mut held = Vec::new();
    for _ in 0..3 {
        held.push(hold_back_a_body(&proxy, &credential::generate().unwrap()).await);
    }
    let mut client = Client::http1(&proxy).await;
    client.ok(&proxy, Api::GetHealthStatus, &good_body(Api::GetHealthStatus)).await;
    drop(held);
    proxy.stop().await;
}

#[tokio::test]
async fn a_body_without_room_waits_or_is_told() {
    let proxy = start(&format!(
        "{ONE_BODY}body_read_timeout_ms = 500\nkey_manager_timeout_ms = 86400000\nshutdown_grace_ms = 1"
    ))
    .await;
    let mut holder = hold_back_a_body(&proxy, &proxy.setup.credential).await;
    let call = Call::new(&proxy.setup.credential, Api::GetHealthStatus, &good_body(Api::GetHealthStatus));
    // The holder is cut off in the end, and the room is free again.
    loop {
        let answer = Client::http1(&proxy).await.send(&call).await;
        if answer.status == 200 {
            break;
        }
        assert_eq!(answer.error(), ErrorName::ThrottlingException);
    }
    read_until_closed(&mut holder).await;
    proxy.stop().await;
}

#[tokio::test]
async fn no_body() {
    let proxy = start("body_read_timeout_ms = 20").await;
    let mut stream = tls(&proxy, client_config(&proxy, b"http/1.1")).await.unwrap();
    let call = Call::new(&proxy.setup.credential, Api::GetHealthStatus, &good_body(Api::GetHealthStatus));
    let mut head = format!("POST {} HTTP/1.1\r\ncontent-length: 9\r\nconnection: close\r\n", call.path);
    for (name, value) in call.signed(http::Version::HTTP_11).headers() {
        head.push_str(&format!("{name}: {}\r\n", value.to_str().unwrap()));
    }
    head.push_str("\r\n{");
    stream.write_all(head.as_bytes()).await.unwrap();
    let answer = String::from_utf8(read_until_closed(&mut stream).await).unwrap();
    assert!(answer.starts_with("HTTP/1.1 400"), "{answer}");
    assert!(answer.contains("ValidationException"), "{answer}");
    proxy.stop().await;
}

#[tokio::test]
async fn more_connections_than_allowed_wait_for_a_place() {
    let proxy = start("connections_max = 1").await;
    let first = Client::http1(&proxy).await;
    let mut second = Box::pin(async {
        let mut client = Client::http1(&proxy).await;
        let api = Api::GetHealthStatus;
        client.send(&Call::new(&proxy.setup.credential, api, &good_body(api))).await.status
    });
    // The second one is not served while the first is there, however often it is asked.
    for _ in 0..50 {
        tokio::select! {
            biased;
            _ = &mut second => panic!("two connections at once"),
            () = tokio::task::yield_now() => {}
        }
    }
    drop(first);
    assert_eq!((&mut second).await, 200);
    drop(second);
    proxy.stop().await;
}
