//! A bug in a request, and a client that goes away, hurt nobody else.

use super::support::Running;
use super::support::http1::{receive, send};
use super::support::request::Request;

#[tokio::test]
async fn a_panic_is_answered_recorded_and_over() {
    let server = Running::start().await;
    let mut stream = server.connect().await;
    server.records.panic_next(1);
    send(&mut stream, &Request::random(server.address)).await;
    let response = receive(&mut stream).await.unwrap();
    assert_eq!((response.status, response.json()), (500, serde_json::json!({"__type": "InternalFailure"})));
    let records = server.records.all();
    assert_eq!((records.len(), &records[0]["errorCode"]), (1, &"InternalFailure".into()));
    assert_eq!(records[0]["requestID"].as_str(), response.header("x-amzn-requestid"));
    assert_eq!(records[0]["eventName"], "GenerateRandom");

    let mut stream = server.connect().await;
    send(&mut stream, &Request::random(server.address)).await;
    assert_eq!(receive(&mut stream).await.unwrap().status, 200);
}

#[tokio::test]
async fn a_panic_while_a_panic_is_recorded_is_answered_too() {
    let server = Running::start().await;
    let mut stream = server.connect().await;
    server.records.panic_next(2);
    send(&mut stream, &Request::random(server.address)).await;
    let response = receive(&mut stream).await.unwrap();
    assert_eq!((response.status, response.exception().as_str()), (500, "InternalFailure"));
    assert!(response.header("x-amzn-requestid").is_some());
}

#[tokio::test]
async fn a_request_whose_client_went_away_runs_to_its_end() {
    let server = Running::start().await;
    server.records.close();
    let mut stream = server.connect().await;
    send(&mut stream, &Request::random(server.address)).await;
    server.records.arrived(1).await;
    drop(stream);
    // Another connection is served after the loss was there to be seen; only then may the first go on.
    let mut other = server.connect().await;
    send(&mut other, &Request::random(server.address)).await;
    server.records.arrived(2).await;
    server.records.open();
    let records = server.records.written(2).await;
    assert!(records.iter().all(|record| record.get("errorCode").is_none()), "{records:?}");
}

#[tokio::test]
async fn half_a_body_is_recorded_as_refused() {
    let server = Running::start().await;
    let mut stream = server.connect().await;
    let head = super::support::http1::head(&Request::random(server.address));
    tokio::io::AsyncWriteExt::write_all(&mut stream, head.as_bytes()).await.unwrap();
    drop(stream);
    let records = server.records.written(1).await;
    assert_eq!(records[0]["errorCode"], "SerializationException");
}
