//! What a client may not do to a server: send too much, too slowly, or nothing, or take all connections.

use std::time::Duration;

use keystead_server::Limits;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::support::http1::{self, head, head_with, is_closed, receive, send};
use super::support::request::Request;
use super::support::{Running, tls};

/// Short enough for a test to wait for.
const SHORT: Duration = Duration::from_millis(100);
/// Longer than any test.
const LONG: Duration = Duration::from_secs(3600);

fn limits() -> Limits {
    Limits {
        body_bytes_max: 1000,
        header_bytes_max: 2000,
        header_timeout: LONG,
        body_timeout: LONG,
        idle_timeout: LONG,
        ..Limits::default()
    }
}

fn long(server: &Running, body_bytes: usize) -> Request {
    Request::new(server.address, "GenerateRandom", &" ".repeat(body_bytes)).signed()
}

#[tokio::test]
async fn the_longest_body_is_read_and_one_byte_more_is_not() {
    let server = Running::with(limits(), None).await;
    let mut stream = server.connect().await;
    send(&mut stream, &long(&server, 1000)).await;
    assert_eq!(receive(&mut stream).await.unwrap().exception(), "SerializationException");
    send(&mut stream, &long(&server, 1001)).await;
    let response = receive(&mut stream).await.unwrap();
    assert_eq!((response.status, response.exception().as_str()), (413, "RequestEntityTooLargeException"));
    assert_eq!(
        response.json()["message"],
        "The body of the request is too long. It must not be longer than 1000 bytes."
    );
    assert_eq!(server.records.all()[1]["errorCode"], "RequestEntityTooLargeException");
    // The rest of the body was read and thrown away, so the connection goes on.
    send(&mut stream, &Request::random(server.address)).await;
    assert_eq!(receive(&mut stream).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_body_without_a_declared_length_has_the_same_limit() {
    let server = Running::with(limits(), None).await;
    let request = long(&server, 0).header("transfer-encoding", "chunked");
    let mut stream = server.connect().await;
    stream.write_all(head_with(&request, "POST", "/").as_bytes()).await.unwrap();
    for _ in 0..3 {
        stream.write_all(format!("190\r\n{}\r\n", " ".repeat(400)).as_bytes()).await.unwrap();
    }
    stream.write_all(b"0\r\n\r\n").await.unwrap();
    assert_eq!(receive(&mut stream).await.unwrap().status, 413);
}

#[tokio::test]
async fn a_client_that_asks_first_is_told_without_sending() {
    let server = Running::with(limits(), None).await;
    let mut stream = server.connect().await;
    let request = long(&server, 1001).header("expect", "100-continue");
    stream.write_all(head(&request).as_bytes()).await.unwrap();
    let response = receive(&mut stream).await.unwrap();
    assert_eq!((response.status, response.header("connection")), (413, Some("close")));
    assert!(is_closed(&mut stream).await);
}

#[tokio::test]
async fn an_enormous_body_is_not_even_thrown_away() {
    let server = Running::with(limits(), None).await;
    let mut stream = server.connect().await;
    let request = Request::random(server.address).header("content-length", "1000000000000");
    stream.write_all(head_with(&request, "POST", "/").as_bytes()).await.unwrap();
    let response = receive(&mut stream).await.unwrap();
    assert_eq!((response.status, response.header("connection")), (413, Some("close")));
    assert!(is_closed(&mut stream).await);
}

#[tokio::test]
async fn too_long_a_head_is_refused() {
    let server = Running::with(limits(), None).await;
    let response = http1::call(&server, &Request::random(server.address).header("x-long", "x".repeat(2000))).await;
    assert_eq!((response.status, response.exception().as_str()), (431, "RequestEntityTooLargeException"));
    assert_eq!(server.records.all().len(), 1);
    // Far above the limit it is refused before there is a request: see `unreadable_heads`.
    let response = http1::call(&server, &Request::random(server.address).header("x-long", "x".repeat(20_000))).await;
    assert_eq!((response.status, response.exception().as_str()), (431, "RequestEntityTooLargeException"));
    assert_eq!(server.records.all().len(), 2);
}

#[tokio::test]
async fn a_slow_head_ends_the_connection() {
    let server = Running::with(Limits { header_timeout: SHORT, ..limits() }, None).await;
    let first = head(&Request::random(server.address));
    // Nothing at all; one byte, of which even the HTTP version cannot be told; half a head.
    for sent in ["", "P", &first[..first.len() / 2]] {
        let mut stream = server.connect().await;
        stream.write_all(sent.as_bytes()).await.unwrap();
        assert!(is_closed(&mut stream).await, "{sent:?}");
    }
    // The same on a connection that has served a request; between requests it may be idle.
    let mut stream = served_in_time(&server).await;
    stream.write_all(b"POST / HT").await.unwrap();
    assert!(is_closed(&mut stream).await);
}

/// A connection on which a request was served. A busy machine may hold up a request until it is late itself: then there is another one.
async fn served_in_time(server: &Running) -> TcpStream {
    for _ in 0..50 {
        let mut stream = server.connect().await;
        let request = Request::random(server.address);
        let sent = stream.write_all(&[head(&request).as_bytes(), &request.body].concat()).await;
        if let (Ok(()), Some(response)) = (sent, receive(&mut stream).await) {
            assert_eq!(response.status, 200);
            return stream;
        }
    }
    panic!("no request is served in time");
}

#[tokio::test]
async fn a_slow_tls_handshake_ends_the_connection() {
    let folder = tempfile::tempdir().unwrap();
    let (files, _) = tls::certificate(folder.path());
    let server = Running::with(Limits { header_timeout: SHORT, ..limits() }, Some(files)).await;
    let mut stream = server.connect().await;
    stream.write_all(&[0x16, 0x03, 0x01]).await.unwrap();
    assert!(is_closed(&mut stream).await);
}

#[tokio::test]
async fn an_idle_connection_is_ended() {
    let server = Running::with(Limits { idle_timeout: SHORT, ..limits() }, None).await;
    let mut stream = server.connect().await;
    send(&mut stream, &Request::random(server.address)).await;
    assert_eq!(receive(&mut stream).await.unwrap().status, 200);
    assert!(is_closed(&mut stream).await);
}

#[tokio::test]
async fn a_slow_body_is_answered_and_recorded() {
    let server = Running::with(Limits { body_timeout: SHORT, ..limits() }, None).await;
    let mut stream = server.connect().await;
    let request = Request::random(server.address);
    stream.write_all(head(&request).as_bytes()).await.unwrap();
    stream.write_all(&request.body[..5]).await.unwrap();
    let response = receive(&mut stream).await.unwrap();
    assert_eq!((response.status, response.header("connection")), (408, Some("close")));
    assert_eq!(
        response.json()["message"],
        "The body of the request did not arrive within 100ms. Send it again, faster."
    );
    assert!(is_closed(&mut stream).await);
    assert_eq!(server.records.all().len(), 1);
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let server = Running::with(Limits { connections_max: 1, ..limits() }, None).await;
    let mut first = server.connect().await;
    send(&mut first, &Request::random(server.address)).await;
    assert_eq!(receive(&mut first).await.unwrap().status, 200);

    let mut second = server.connect().await;
    send(&mut second, &Request::random(server.address)).await;
    // The first is still served while the second waits.
    send(&mut first, &Request::random(server.address)).await;
    assert_eq!(receive(&mut first).await.unwrap().status, 200);
    assert_eq!(server.records.all().len(), 2);

    drop(first);
    assert_eq!(receive(&mut second).await.unwrap().status, 200);
}
