//! HTTP/1.1 and HTTP/2, plain and over TLS.

use std::collections::HashSet;
use std::net::SocketAddr;

use http_body_util::BodyExt;
use keystead_server::{Limits, TlsFiles};
use rustls::version::{TLS12, TLS13};

use super::support::http1::{call, receive, send};
use super::support::request::Request;
use super::support::{ACTIVE, Running, http2, tls};

#[tokio::test]
async fn http_1_keeps_the_connection() {
    let server = Running::start().await;
    let mut stream = server.connect().await;
    let mut request_ids = HashSet::new();
    for _ in 0..3 {
        send(&mut stream, &Request::random(server.address)).await;
        let response = receive(&mut stream).await.unwrap();
        assert_eq!((response.status, response.header("content-type")), (200, Some("application/x-amz-json-1.1")));
        assert_eq!(response.json()["Plaintext"].as_str().unwrap().len(), 12);
        assert!(request_ids.insert(response.header("x-amzn-requestid").unwrap().to_owned()));
    }
    // A refusal leaves the connection usable too: its body was read.
    send(&mut stream, &Request::new(server.address, "GenerateRandom", "{}")).await;
    assert_eq!(receive(&mut stream).await.unwrap().status, 400);
    send(&mut stream, &Request::random(server.address)).await;
    assert_eq!(receive(&mut stream).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_success_is_recorded_with_who_it_was() {
    let server = Running::start().await;
    let response = call(&server, &Request::random(server.address)).await;
    let records = server.records.all();
    assert_eq!(records.len(), 1);
    assert_eq!(records[0]["eventName"], "GenerateRandom");
    assert_eq!(records[0]["userIdentity"]["accessKeyId"], ACTIVE);
    assert_eq!(records[0]["requestID"].as_str(), response.header("x-amzn-requestid"));
    assert!(records[0].get("tlsDetails").is_none());
}

#[tokio::test]
async fn http_2_with_prior_knowledge_serves_requests_side_by_side() {
    let server = Running::start().await;
    let host = server.address.to_string();
    let mut sender = http2::client(server.connect().await).await;
    server.records.close();
    let answers: Vec<_> = (0..20)
        .map(|_| sender.send_request(http2::request("http", &host, Request::random(&host))))
        .map(tokio::spawn)
        .collect();
    // All twenty are in the audit log at once: none waits for another.
    server.records.arrived(20).await;
    server.records.open();
    for answer in answers {
        let response = answer.await.unwrap().unwrap();
        assert_eq!(response.status(), 200);
        assert!(response.headers().contains_key("x-amzn-requestid") && response.headers().contains_key("date"));
        let length: usize = response.headers()["content-length"].to_str().unwrap().parse().unwrap();
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes().len(), length);
    }
}

#[tokio::test]
async fn in_http_2_the_authority_is_what_was_signed() {
    let server = Running::start().await;
    let mut sender = http2::client(server.connect().await).await;
    let signed_for_another = Request::random("kms.example.com");
    let request = http2::request("http", &server.address.to_string(), signed_for_another);
    let response = sender.send_request(request).await.unwrap();
    assert_eq!(response.status(), 400);
    let body = response.into_body().collect().await.unwrap().to_bytes();
    assert!(body.starts_with(br#"{"__type":"InvalidSignatureException""#), "{body:?}");
}

#[tokio::test]
async fn tls_negotiates_version_and_protocol() {
    let folder = tempfile::tempdir().unwrap();
    let (files, root) = tls::certificate(folder.path());
    let server = Running::with(Limits::default(), Some(files)).await;
    for (version, tls_version) in [(&TLS12, "TLSv1.2"), (&TLS13, "TLSv1.3")] {
        let mut stream = tls::connect(server.connect().await, &root, version, &[b"http/1.1"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"http/1.1".as_slice()));
        send(&mut stream, &Request::random("localhost")).await;
        assert_eq!(receive(&mut stream).await.unwrap().status, 200);

        let stream = tls::connect(server.connect().await, &root, version, &[b"h2", b"http/1.1"]).await;
        assert_eq!(stream.get_ref().1.alpn_protocol(), Some(b"h2".as_slice()));
        let request = http2::request("https", "localhost", Request::random("localhost"));
        assert_eq!(http2::client(stream).await.send_request(request).await.unwrap().status(), 200);

        for record in server.records.all().iter().rev().take(2) {
            let details = &record["tlsDetails"];
            assert_eq!(details["tlsVersion"], tls_version);
            assert!(details["cipherSuite"].as_str().unwrap().starts_with("TLS_"), "{details}");
            assert_eq!(details["clientProvidedHostHeader"], "localhost");
        }
    }
}

#[tokio::test]
async fn the_start_fails_with_a_reason() {
    let server = Running::start().await;
    let taken = Running::start_error(server.address, None).await;
    assert!(taken.starts_with("cannot listen on 127.0.0.1:") && taken.contains("another port"), "{taken}");
    let files = TlsFiles { certificate: "missing.pem".into(), private_key: "missing.key".into() };
    let missing = Running::start_error(SocketAddr::from(([127, 0, 0, 1], 0)), Some(files)).await;
    assert!(missing.contains("the certificate file missing.pem cannot be read"), "{missing}");
}
