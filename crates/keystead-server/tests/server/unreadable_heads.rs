//! Heads that are no head of a request: answered with the request ID and recorded, as every request is.

use tokio::io::AsyncWriteExt;

use super::support::http1::{self, Response, head, head_with, is_closed, receive, send};
use super::support::request::Request;
use super::support::{Running, tls};

/// The answer carries the ID that its record has.
fn assert_recorded(server: &Running, response: &Response, record: usize) {
    let records = server.records.all();
    assert_eq!(records.len(), record + 1, "{response:?}");
    let request_id = response.header("x-amzn-requestid").expect("a request ID");
    assert_eq!(records[record]["requestID"], request_id);
    assert_eq!(records[record]["errorCode"], response.exception());
    assert_eq!(response.header("content-type"), Some("application/x-amz-json-1.1"));
}

#[tokio::test]
async fn what_is_not_http_is_answered_and_recorded() {
    let server = Running::start().await;
    let rows: [(&[u8], u16, &str); 7] = [
        (b"POST / HTTP/1.1 and more\r\n\r\n", 400, "SerializationException"),
        (b"POST /\r\n\r\n", 400, "SerializationException"),
        (b"P@ST / HTTP/1.1\r\n\r\n", 400, "SerializationException"),
        (b"POST / HTTP/9.9\r\n\r\n", 400, "SerializationException"),
        (b"POST / HTTP/1.1\r\nno colon\r\n\r\n", 400, "SerializationException"),
        (b"POST / HTTP/1.1\r\ncontent-length: many\r\n\r\n", 400, "SerializationException"),
        (b"\x16\x03\x01\x00\xa5\x01\x00", 400, "SerializationException"),
    ];
    for (row, (sent, status, exception)) in rows.into_iter().enumerate() {
        let mut stream = server.connect().await;
        stream.write_all(sent).await.unwrap();
        let response = receive(&mut stream).await.expect("an answer");
        assert_eq!((response.status, response.exception().as_str()), (status, exception), "{row}");
        assert_recorded(&server, &response, row);
        assert!(response.header("date").is_some_and(|date| date.ends_with("GMT")), "{response:?}");
        assert_eq!(response.header("connection"), Some("close"));
        assert!(is_closed(&mut stream).await);
        let record = &server.records.all()[row];
        assert_eq!(
            (record["eventName"].as_str(), record["sourceIPAddress"].as_str()),
            (Some("Unknown"), Some("127.0.0.1"))
        );
    }
}

#[tokio::test]
async fn heads_of_every_length_beyond_the_limit_carry_the_id() {
    let server = Running::start().await;
    for (row, bytes) in [16_400, 20_000, 30_000, 32_700, 32_800, 40_000, 200_000].into_iter().enumerate() {
        let request = Request::random(server.address).header("x-filler", "x".repeat(bytes));
        let response = http1::call(&server, &request).await;
        assert_eq!(
            (response.status, response.exception().as_str()),
            (431, "RequestEntityTooLargeException"),
            "{bytes}"
        );
        assert_recorded(&server, &response, row);
    }
}

#[tokio::test]
async fn many_short_headers_are_served_and_too_many_are_refused() {
    let server = Running::start().await;
    let with = |count: usize| {
        (0..count).fold(Request::random(server.address), |request, n| request.header(&format!("x-{n}"), "y"))
    };
    let response = http1::call(&server, &with(150)).await;
    assert_eq!(response.status, 200);
    let response = http1::call(&server, &with(1000)).await;
    assert_eq!((response.status, response.exception().as_str()), (431, "RequestEntityTooLargeException"));
    assert_recorded(&server, &response, 1);
}

#[tokio::test]
async fn too_long_a_uri_carries_the_id() {
    let limits = keystead_server::Limits { header_bytes_max: 1024 * 1024, ..Default::default() };
    let server = Running::with(limits, None).await;
    let mut stream = server.connect().await;
    let path = format!("/{}", "a".repeat(70_000));
    stream.write_all(head_with(&Request::random(server.address), "POST", &path).as_bytes()).await.unwrap();
    let response = receive(&mut stream).await.expect("an answer");
    assert_eq!((response.status, response.exception().as_str()), (414, "RequestEntityTooLargeException"));
    assert_recorded(&server, &response, 0);
}

#[tokio::test]
async fn what_came_before_on_the_connection_is_answered_first() {
    let server = Running::start().await;
    let mut stream = server.connect().await;
    let request = Request::random(server.address);
    let mut sent = [head(&request).as_bytes(), &request.body].concat();
    sent.extend_from_slice(b"not HTTP\r\n\r\n");
    stream.write_all(&sent).await.unwrap();
    assert_eq!(receive(&mut stream).await.unwrap().status, 200);
    let response = receive(&mut stream).await.unwrap();
    assert_eq!(response.status, 400);
    assert_recorded(&server, &response, 1);
}

#[tokio::test]
async fn the_same_over_tls() {
    let folder = tempfile::tempdir().unwrap();
    let (files, root) = tls::certificate(folder.path());
    let server = Running::with(keystead_server::Limits::default(), Some(files)).await;
    let mut stream = tls::connect(server.connect().await, &root, &rustls::version::TLS13, &[b"http/1.1"]).await;
    send(&mut stream, &Request::random(server.address).header("x-filler", "x".repeat(50_000))).await;
    let response = receive(&mut stream).await.expect("an answer");
    assert_eq!(response.status, 431);
    assert_recorded(&server, &response, 0);
    assert_eq!(server.records.all()[0]["tlsDetails"]["tlsVersion"], "TLSv1.3");
}

#[tokio::test]
async fn the_answer_waits_for_its_record() {
    let server = Running::start().await;
    server.records.close();
    let mut stream = server.connect().await;
    stream.write_all(b"not HTTP\r\n\r\n").await.unwrap();
    server.records.arrived(1).await;
    assert!(server.records.all().is_empty());
    server.records.open();
    let response = receive(&mut stream).await.unwrap();
    assert_recorded(&server, &response, 0);
}

#[tokio::test]
async fn a_panic_is_answered_too() {
    let server = Running::start().await;
    server.records.panic_next(1);
    let mut stream = server.connect().await;
    stream.write_all(b"not HTTP\r\n\r\n").await.unwrap();
    let response = receive(&mut stream).await.unwrap();
    assert_eq!((response.status, response.exception().as_str()), (500, "InternalFailure"));
    assert_recorded(&server, &response, 0);
}
