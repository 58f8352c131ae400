//! The end of a proxy: requests in flight finish, within the grace period.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod support;

use std::sync::Arc;

use keystead_xks::wire::Api;
use keystead_xks_proxy::ServeError;
use support::client::{Call, Client, good_body};
use support::key_managers::Gated;
use support::{RunningProxy, Setup};
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
async fn the_grace_period_ends() {
    let manager = gated();
    let proxy = start("shutdown_grace_ms = 1", &manager).await;
    let mut client = Client::http1(&proxy).await;
    let call = Call::new(&proxy.setup.credential, Api::Encrypt, &good_body(Api::Encrypt));
    let answering = tokio::spawn(async move { client.send(&call).await });
    manager.entered.acquire().await.unwrap().forget();
    let (_setup, serving) = proxy.begin_stop();
    let ended = serving.await.unwrap();
    assert!(matches!(ended, Err(ServeError::GraceExceeded { connections: 1, .. })));
    assert!(answering.await.is_err(), "the connection was cut");
}
