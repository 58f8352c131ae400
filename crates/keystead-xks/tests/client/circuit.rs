//! The circuit breaker, seen from outside.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keystead_xks::{BreakerPolicy, XksProxyClient};

use crate::support::*;

const LONG: Duration = Duration::from_secs(3600);

/// A proxy that can be switched off, and a client that gives up after five failures.
struct Switched {
    proxy: Proxy,
    client: Arc<XksProxyClient>,
    is_up: Arc<AtomicBool>,
}

impl Switched {
    async fn start(pause: Duration) -> Self {
        let ca = Ca::new();
        let is_up = Arc::new(AtomicBool::new(true));
        let up = Arc::clone(&is_up);
        let proxy = Proxy::start(Entrance::Tls(ca.server(&["http/1.1"])), move |request| {
            if up.load(Ordering::SeqCst) { good_answer(request) } else { Reply::Close }
        })
        .await;
        let mut config = config(&ca, proxy.address);
        config.breaker = BreakerPolicy { failures_to_open: 5, pause, pause_max: pause };
        Self { client: client(config), proxy, is_up }
    }

    async fn open_the_circuit(&self) {
        self.is_up.store(false, Ordering::SeqCst);
        for _ in 0..5 {
            let failure = poll(&self.client, &link()).await;
            assert_eq!(failure, Err(ProxyFailure::ConnectionClosed));
        }
    }
}

const OPEN: Result<(), ProxyFailure> = Err(ProxyFailure::CircuitOpen(UnreachableKind::Network));

#[tokio::test]
async fn an_open_circuit_sends_nothing() {
    let switched = Switched::start(LONG).await;
    switched.open_the_circuit().await;
    let (sent, connected) = (switched.proxy.requests().len(), switched.proxy.accepted());
    for _ in 0..10 {
        assert_eq!(poll(&switched.client, &link()).await, OPEN);
    }
    assert_eq!(switched.proxy.requests().len(), sent);
    assert_eq!(switched.proxy.accepted(), connected);
}

#[tokio::test]
async fn a_probe_goes_through_and_its_success_closes_the_circuit() {
    let switched = Switched::start(LONG).await;
    switched.open_the_circuit().await;
    let failure = probe(&switched.client, &link()).await;
    assert_eq!(failure, Err(ProxyFailure::ConnectionClosed));
    assert_eq!(poll(&switched.client, &link()).await, OPEN);
    switched.is_up.store(true, Ordering::SeqCst);
    assert_eq!(poll(&switched.client, &link()).await, OPEN);
    assert_eq!(probe(&switched.client, &link()).await, Ok(()));
    assert_eq!(poll(&switched.client, &link()).await, Ok(()));
}

#[tokio::test]
async fn after_the_pause_a_trial_closes_the_circuit() {
    let switched = Switched::start(Duration::from_millis(20)).await;
    switched.open_the_circuit().await;
    switched.is_up.store(true, Ordering::SeqCst);
    let recovered = async {
        while poll(&switched.client, &link()).await == OPEN {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        poll(&switched.client, &link()).await
    };
    assert_eq!(within_reason("the trial", recovered).await, Ok(()));
}

#[tokio::test]
async fn answers_of_any_kind_keep_the_circuit_closed() {
    let ca = Ca::new();
    let proxy = Proxy::start(Entrance::Tls(ca.server(&["http/1.1"])), |request| match request.number % 3 {
        0 => Reply::Json(503, r#"{"errorName":"DependencyTimeoutException"}"#.into()),
        1 => Reply::Json(200, "garbage".into()),
        _ => Reply::Json(500, r#"{"errorName":"InternalException"}"#.into()),
    })
    .await;
    let client = client(config(&ca, proxy.address));
    for _ in 0..30 {
        assert!(poll(&client, &link()).await.is_err());
    }
    assert_eq!(proxy.requests().len(), 30);
}

#[tokio::test]
async fn the_kind_of_the_last_failure_is_repeated() {
    let (ca, other) = (Ca::new(), Ca::new());
    let proxy = Proxy::start(Entrance::Tls(other.server(&["http/1.1"])), good_answer).await;
    let client = client(config(&ca, proxy.address));
    for _ in 0..5 {
        let failure = poll(&client, &link()).await;
        assert_eq!(failure, Err(ProxyFailure::TlsCertificateUntrusted));
    }
    let failure = poll(&client, &link()).await;
    assert_eq!(failure, Err(ProxyFailure::CircuitOpen(UnreachableKind::Tls)));
    assert_eq!(proxy.accepted(), 5);
}

/// A call that waits for its turn when the circuit opens is not sent.
#[tokio::test]
async fn calls_in_the_queue_are_let_go_when_the_circuit_opens() {
    let ca = Ca::new();
    let flag = Arc::new(AtomicBool::new(false));
    let may_close = Arc::clone(&flag);
    let entrance = Entrance::Tls(ca.server(&["http/1.1"]));
    let proxy = Proxy::start(entrance, move |_| Reply::CloseWhen(Arc::clone(&flag))).await;
    let mut config = config(&ca, proxy.address);
    config.max_in_flight_per_key_store = 1;
    config.breaker = BreakerPolicy { failures_to_open: 1, pause: LONG, pause_max: LONG };
    let client = client(config);
    let call = || {
        let client = Arc::clone(&client);
        tokio::spawn(async move { poll(&client, &link()).await })
    };
    let first = call();
    until("the first call is in flight", || proxy.requests().len() == 1).await;
    let queued: Vec<_> = (0..5).map(|_| call()).collect();
    // The test's runtime has one thread: each of them runs now, until it waits.
    tokio::task::yield_now().await;
    may_close.store(true, Ordering::SeqCst);
    let first = within_reason("the first call", first).await.unwrap();
    assert_eq!(first, Err(ProxyFailure::ConnectionClosed));
    for call in queued {
        assert_eq!(within_reason("a queued call", call).await.unwrap(), OPEN);
    }
    assert_eq!(proxy.requests().len(), 1);
}
