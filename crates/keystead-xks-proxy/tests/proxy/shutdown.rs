//! The end of a proxy: requests in flight finish, within the grace period.

use std::sync::Arc;

use crate::support::client::{Call, Client, client_config, good_body, tls};
use crate::support::key_managers::Gated;
use crate::support::{RunningProxy, Setup};
use keystead_xks::wire::Api;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;

fn gated() -> Arc<Gated> {
    Arc::new(Gated { entered: Semaphore::new(0), gate: Semaphore::new(0) })
}

async fn start(limits: &str, manager: &Arc<Gated>) -> RunningProxy {
    let mut setup = Setup::new();
    setup.rest = format!("[limits]\nkey_manager_timeout_ms = 86400000\n{limits}");
    setup.start_with(manager.clone()).await
}

async fn finishes_a_request(http2: bool) {
    let manager = gated();
    let proxy = start("", &manager).await;
    let address = proxy.address;
    let mut client = match http2 {
        true => Client::http2(&proxy).await,
        false => Client::http1(&proxy).await,
    };
    let idle = Client::http1(&proxy).await;
    let call = Call::new(&proxy.setup.credential, Api::Encrypt, &good_body(Api::Encrypt));
    let answering = tokio::spawn(async move { client.send(&call).await });
    manager.entered.acquire().await.unwrap().forget();
    let (_setup, serving) = proxy.begin_stop();
    while TcpStream::connect(address).await.is_ok() {
        tokio::task::yield_now().await;
    }
    assert!(!serving.is_finished());
    manager.gate.add_permits(1);
    assert_eq!(answering.await.unwrap().status, 200);
    serving.await.unwrap().unwrap();
    drop(idle);
}

#[tokio::test]
async fn a_request_in_flight_finishes_over_http_1() {
    finishes_a_request(false).await;
}

#[tokio::test]
async fn a_request_in_flight_finishes_over_http_2() {
    finishes_a_request(true).await;
}

#[tokio::test]
async fn the_grace_period_ends_and_what_is_cut_is_in_the_access_log() {
    let manager = gated();
    for http2 in [false, true] {
        let mut setup = Setup::new();
        setup.top = "access_log = \"access.log\"".to_owned();
        setup.rest = "[limits]\nkey_manager_timeout_ms = 86400000\nshutdown_grace_ms = 1".to_owned();
        let proxy = setup.start_with(manager.clone()).await;
        let mut client = if http2 { Client::http2(&proxy).await } else { Client::http1(&proxy).await };
        let call = Call::new(&proxy.setup.credential, Api::Encrypt, &good_body(Api::Encrypt));
        let answering = tokio::spawn(async move { client.send(&call).await });
        manager.entered.acquire().await.unwrap().forget();
        let setup = proxy.stop().await;
        assert!(answering.await.is_err(), "the connection was cut");
        let line: Value = serde_json::from_str(&std::fs::read_to_string(setup.path("access.log")).unwrap()).unwrap();
        assert_eq!((&line["api"], &line["status"]), (&"Encrypt".into(), &499.into()));
    }
}

/// The grace period of a day is not waited for: a test that does would not end.
#[tokio::test]
async fn connections_without_a_complete_request_are_not_waited_for() {
    let mut setup = Setup::new();
    setup.rest =
        "[limits]\nhandshake_timeout_ms = 86400000\nheader_read_timeout_ms = 86400000\nidle_timeout_ms = 86400000\n\
                  shutdown_grace_ms = 86400000"
            .to_owned();
    let proxy = setup.start().await;
    let _no_handshake = TcpStream::connect(proxy.address).await.unwrap();
    let _silent = tls(&proxy, client_config(&proxy, b"http/1.1")).await.unwrap();
    let _silent_http2 = tls(&proxy, client_config(&proxy, b"h2")).await.unwrap();
    // The answer to the first request proves that what came with it, half of a second head, was read as well.
    let mut half = tls(&proxy, client_config(&proxy, b"http/1.1")).await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nho").await.unwrap();
    assert_eq!(half.read_u8().await.unwrap(), b'H');
    proxy.stop().await;
}
