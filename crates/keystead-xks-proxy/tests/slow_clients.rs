//! Clients that open connections and do not go on: each wait is bounded.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::io::ErrorKind;

use keystead_xks::wire::Api;
use support::client::{Call, Client, client_config, good_body, tls};
use support::{RunningProxy, Setup};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

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

#[tokio::test]
async fn no_body() {
    let proxy = start("body_read_timeout_ms = 20").await;
    let mut stream = tls(&proxy, client_config(&proxy, b"http/1.1")).await.unwrap();
    let head = "POST /example/kms/xks/v1/health HTTP/1.1\r\nhost: x\r\ncontent-length: 9\r\nconnection: close\r\n\r\n{";
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
