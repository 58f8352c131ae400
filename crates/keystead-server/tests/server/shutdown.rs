//! The end of a server: requests in flight finish, for the grace period at the most.

use std::time::Duration;

use keystead_server::Limits;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use super::support::Running;
use super::support::http1::{head, is_closed, receive, send};
use super::support::request::Request;

#[tokio::test]
async fn requests_in_flight_finish() {
    let mut server = Running::start().await;
    let (mut idle, mut busy, address) = (server.connect().await, server.connect().await, server.address);
    send(&mut idle, &Request::random(address)).await;
    assert_eq!(receive(&mut idle).await.unwrap().status, 200);
    server.records.close();
    send(&mut busy, &Request::random(address)).await;
    server.records.arrived(2).await;

    server.stop();
    assert!(is_closed(&mut idle).await);
    assert!(TcpStream::connect(address).await.is_err());
    server.records.open();
    let response = receive(&mut busy).await.unwrap();
    assert_eq!((response.status, response.header("connection")), (200, Some("close")));
    assert!(is_closed(&mut busy).await);
    server.ended().await.unwrap();
}

#[tokio::test]
async fn a_request_whose_client_is_gone_is_waited_for_too() {
    let mut server = Running::start().await;
    server.records.close();
    let mut stream = server.connect().await;
    send(&mut stream, &Request::random(server.address)).await;
    server.records.arrived(1).await;
    drop(stream);
    server.stop();
    let records = server.records.clone();
    records.open();
    server.ended().await.unwrap();
    assert_eq!(records.all().len(), 1);
}

#[tokio::test]
async fn the_grace_period_bounds_it() {
    let limits = Limits { shutdown_grace: Duration::from_millis(100), ..Limits::default() };
    let mut server = Running::with(limits, None).await;
    let mut stuck = server.connect().await;
    let request = Request::random(server.address);
    stuck.write_all(head(&request).as_bytes()).await.unwrap();
    // So that the connection above is known to be accepted.
    let mut other = server.connect().await;
    send(&mut other, &request).await;
    assert_eq!(receive(&mut other).await.unwrap().status, 200);

    server.stop();
    server.ended().await.unwrap();
    assert!(is_closed(&mut stuck).await);
}

/// The grace period of an hour is not waited for: a test that does would not end.
#[tokio::test]
async fn half_a_request_head_is_not_waited_for() {
    let hour = Duration::from_secs(3600);
    let limits = Limits { header_timeout: hour, idle_timeout: hour, shutdown_grace: hour, ..Limits::default() };
    let mut server = Running::with(limits, None).await;
    let mut half = server.connect().await;
    send(&mut half, &Request::random(server.address)).await;
    assert_eq!(receive(&mut half).await.unwrap().status, 200);
    half.write_all(b"POST / HTTP/1.1\r\nhos").await.unwrap();
    server.stop();
    server.ended().await.unwrap();
    assert!(is_closed(&mut half).await);
}
