//! One more attempt after a network timeout, and after nothing else.

use std::future::ready;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keystead_core::port::KeyStoreBackend;

use crate::support::*;

const ALPNS: [&str; 2] = ["http/1.1", "h2"];

#[tokio::test]
async fn a_proxy_that_never_answers_is_asked_twice() {
    for alpn in ALPNS {
        let ca = Ca::new();
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), |_| Reply::Silence).await;
        let mut config = config(&ca, proxy.address);
        config.request_timeout = SHORT;
        let client = client(config);
        assert_eq!(poll(&client, &link()).await, Err(ProxyFailure::TimedOut));
        until("both requests arrived", || proxy.requests().len() >= 2).await;
        assert_eq!(proxy.requests().len(), 2, "{alpn}");
        assert_eq!(proxy.accepted(), 2, "a silent connection is not tried again");
    }
}

#[tokio::test]
async fn an_answer_to_the_second_attempt_is_as_good_as_any() {
    for alpn in ALPNS {
        let ca = Ca::new();
        let entrance = Entrance::Tls(ca.server(&[alpn]));
        let proxy = Proxy::start(entrance, |request| match request.number {
            0 => Reply::Silence,
            _ => good_answer(request),
        })
        .await;
        let mut config = config(&ca, proxy.address);
        config.request_timeout = std::time::Duration::from_secs(2);
        let client = client(config);
        let encrypted = client.encrypt(&link(), KEY, PLAINTEXT, AAD, &metadata("Encrypt")).await;
        assert!(encrypted.is_ok());
        let requests = proxy.requests();
        assert_eq!(requests.len(), 2);
        assert_eq!(requests[0].body, requests[1].body);
    }
}

#[tokio::test]
async fn a_peer_that_hangs_in_the_handshake_is_tried_twice() {
    let ca = Ca::new();
    let proxy = Proxy::start(Entrance::Silence, good_answer).await;
    let mut config = config(&ca, proxy.address);
    config.request_timeout = SHORT;
    let failure = poll(&client(config), &link()).await;
    assert_eq!(failure, Err(ProxyFailure::TimedOut));
    until("both connections arrived", || proxy.accepted() >= 2).await;
    assert_eq!(proxy.accepted(), 2);
}

#[tokio::test]
async fn a_body_that_stops_is_a_timeout_too() {
    let ca = Ca::new();
    let proxy = Proxy::start(Entrance::Tls(ca.server(&["http/1.1"])), |_| {
        Reply::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{".to_vec())
    })
    .await;
    let mut config = config(&ca, proxy.address);
    config.request_timeout = SHORT;
    let failure = poll(&client(config), &link()).await;
    assert_eq!(failure, Err(ProxyFailure::TimedOut));
    until("both requests arrived", || proxy.requests().len() >= 2).await;
    assert_eq!(proxy.requests().len(), 2);
}

#[tokio::test]
async fn errors_are_not_retried() {
    for name in ["ThrottlingException", "DependencyTimeoutException", "InternalException"] {
        let ca = Ca::new();
        let body = format!(r#"{{"errorName":"{name}"}}"#);
        let proxy =
            Proxy::start(Entrance::Tls(ca.server(&["http/1.1"])), move |_| Reply::Json(503, body.clone())).await;
        let client = client(config(&ca, proxy.address));
        assert!(poll(&client, &link()).await.is_err());
        assert_eq!(proxy.requests().len(), 1, "{name}");
    }
}

/// Waiting for this server's own limit is inside the budget, and another attempt would only add to the load.
#[tokio::test]
async fn waiting_behind_other_calls_is_not_retried() {
    let ca = Ca::new();
    let proxy = Proxy::start(Entrance::Tls(ca.server(&["http/1.1"])), |_| Reply::Silence).await;
    let mut config = config(&ca, proxy.address);
    config.max_in_flight_per_key_store = 1;
    let client = client(config);
    let link = link();
    let mut first = pin!(poll(&client, &link));
    let in_flight = async { until("the first call is in flight", || !proxy.requests().is_empty()).await };
    assert_eq!(outcome_before(&mut first, in_flight).await, None);
    // Nothing drives the first call any more, so it keeps its place however much time passes.
    let mut second = pin!(poll(&client, &link));
    assert_eq!(outcome_before(&mut second, ready(())).await, None);
    // Its budget passes, without a wait once the clock is paused. With another attempt it would wait again.
    tokio::time::pause();
    tokio::time::sleep(2 * PATIENT).await;
    assert_eq!(outcome_before(&mut second, ready(())).await, Some(Err(ProxyFailure::TimedOut)));
    assert_eq!(proxy.requests().len(), 1, "the first call's");
}

/// Drives a call until something happens; its outcome, if that comes before.
async fn outcome_before<C: Future + Unpin>(call: &mut C, event: impl Future<Output = ()>) -> Option<C::Output> {
    tokio::select! {
        biased;
        outcome = call => Some(outcome),
        () = event => None,
    }
}

/// A timeout in between does not bring a second resend: three requests for one call, never four.
#[tokio::test]
async fn one_call_goes_out_again_once_after_a_stale_connection() {
    let ca = Ca::new();
    let flag = Arc::new(AtomicBool::new(false));
    let may_answer = Arc::clone(&flag);
    let proxy = Proxy::start(Entrance::Tls(ca.server(&["http/1.1"])), move |request| match request.number {
        0 | 1 => Reply::GoodWhen(Arc::clone(&flag)),
        3 => Reply::Silence,
        _ => Reply::Close,
    })
    .await;
    let mut config = config(&ca, proxy.address);
    config.request_timeout = Duration::from_secs(2);
    let client = client(config);
    let link = link();
    let both = async { tokio::join!(poll(&client, &link), poll(&client, &link)) };
    let released = async {
        until("two connections are in use", || proxy.requests().len() == 2).await;
        may_answer.store(true, Ordering::SeqCst);
    };
    assert_eq!(tokio::join!(both, released).0, (Ok(()), Ok(())));
    // Stale, resent and unanswered, then tried again on the other connection, which is stale as well.
    assert_eq!(poll(&client, &link).await, Err(ProxyFailure::ConnectionClosed));
    assert_eq!(proxy.requests().len(), 2 + 3);
}

/// Whoever waits for the first connection says what the one that makes it says.
#[tokio::test]
async fn waiting_for_a_peer_that_hangs_in_the_handshake_is_no_connect_timeout() {
    let ca = Ca::new();
    let proxy = Proxy::start(Entrance::Silence, good_answer).await;
    let mut config = config(&ca, proxy.address);
    config.request_timeout = SHORT;
    let client = client(config);
    let mut together = tokio::task::JoinSet::new();
    for _ in 0..10 {
        let client = Arc::clone(&client);
        together.spawn(async move { poll(&client, &link()).await });
    }
    let outcomes = within_reason("all calls", together.join_all()).await;
    assert_eq!(outcomes, [Err(ProxyFailure::TimedOut); 10]);
}
