//! Connections: reused, bounded, kept warm, replaced, and dropped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use keystead_core::port::KeyStoreBackend;
use keystead_model::SecretString;
use keystead_model::arn::CustomKeyStoreId;
use keystead_xks::XksProxyClient;
use tokio::task::JoinSet;

use crate::support::*;

const ALPNS: [&str; 2] = ["http/1.1", "h2"];

/// `calls` at the same time; all must succeed.
async fn call_together(client: &Arc<XksProxyClient>, calls: usize) {
    let mut together = JoinSet::new();
    for _ in 0..calls {
        let client = Arc::clone(client);
        together.spawn(async move { poll(&client, &link()).await });
    }
    for result in within_reason("all calls", together.join_all()).await {
        assert_eq!(result, Ok(()));
    }
}

#[tokio::test]
async fn calls_one_after_another_share_a_connection() {
    for alpn in ALPNS {
        let ca = Ca::new();
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), good_answer).await;
        let client = client(config(&ca, proxy.address));
        for _ in 0..20 {
            poll(&client, &link()).await.unwrap();
        }
        assert_eq!(proxy.accepted(), 1, "{alpn}");
    }
}

#[tokio::test]
async fn calls_together_share_an_http2_connection() {
    let ca = Ca::new();
    let proxy = Proxy::start(Entrance::Tls(ca.server(&["h2"])), good_answer).await;
    let client = client(config(&ca, proxy.address));
    call_together(&client, 50).await;
    assert_eq!(proxy.accepted(), 1);
    assert_eq!(proxy.requests().len(), 50);
}

#[tokio::test]
async fn connections_are_bounded() {
    for alpn in ALPNS {
        let ca = Ca::new();
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), good_answer).await;
        let mut config = config(&ca, proxy.address);
        config.max_connections_per_key_store = 3;
        let client = client(config);
        poll(&client, &link()).await.unwrap();
        call_together(&client, 200).await;
        assert!(proxy.accepted() <= 3, "{alpn}: {}", proxy.accepted());
        assert_eq!(proxy.requests().len(), 201);
    }
}

/// The proxy closes an idle connection at the very moment it is used again.
#[tokio::test]
async fn a_stale_connection_is_replaced_silently() {
    let ca = Ca::new();
    let entrance = Entrance::Tls(ca.server(&["http/1.1"]));
    let proxy = Proxy::start(entrance, |request| match (request.connection, request.turn) {
        (0, 1) => Reply::Close,
        _ => good_answer(request),
    })
    .await;
    let client = client(config(&ca, proxy.address));
    for _ in 0..3 {
        assert_eq!(poll(&client, &link()).await, Ok(()));
    }
    assert_eq!(proxy.accepted(), 2);
    assert_eq!(proxy.requests().len(), 4);
}

/// Two connections in a row that close without an answer: the second was new, so that is the answer.
#[tokio::test]
async fn a_stale_connection_is_replaced_once() {
    let ca = Ca::new();
    let entrance = Entrance::Tls(ca.server(&["http/1.1"]));
    let proxy = Proxy::start(entrance, |request| match request.number {
        0 => good_answer(request),
        _ => Reply::Close,
    })
    .await;
    let client = client(config(&ca, proxy.address));
    assert_eq!(poll(&client, &link()).await, Ok(()));
    let failure = poll(&client, &link()).await;
    assert_eq!(failure, Err(ProxyFailure::ConnectionClosed));
    assert_eq!(proxy.requests().len(), 3);
}

/// What was begun to be answered is not asked for again.
#[tokio::test]
async fn a_connection_that_breaks_in_an_answer_is_not_stale() {
    let ca = Ca::new();
    let entrance = Entrance::Tls(ca.server(&["http/1.1"]));
    let proxy = Proxy::start(entrance, |request| match request.number {
        0 => good_answer(request),
        _ => Reply::BytesThenClose(b"HTTP/1.1 2".to_vec()),
    })
    .await;
    let client = client(config(&ca, proxy.address));
    assert_eq!(poll(&client, &link()).await, Ok(()));
    let failure = poll(&client, &link()).await;
    assert_eq!(failure, Err(ProxyFailure::ConnectionClosed));
    assert_eq!(proxy.requests().len(), 2);
}

#[tokio::test]
async fn connections_that_die_while_idle_are_not_noticed_by_callers() {
    for alpn in ALPNS {
        let ca = Ca::new();
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), good_answer).await;
        let client = client(config(&ca, proxy.address));
        for round in 1..=5 {
            assert_eq!(poll(&client, &link()).await, Ok(()), "{alpn}, {round}");
            proxy.cut();
            until("all are closed", || proxy.open() == 0).await;
        }
        assert_eq!(proxy.requests().len(), 5);
    }
}

#[tokio::test]
async fn connections_are_kept_warm_after_the_first_contact() {
    for (alpn, warm) in [("http/1.1", 3), ("h2", 1)] {
        let ca = Ca::new();
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), good_answer).await;
        let mut config = config(&ca, proxy.address);
        config.warm_connections_per_key_store = 3;
        config.reconnect_pause = Duration::from_millis(5);
        config.reconnect_pause_max = Duration::from_millis(20);
        let client = client(config);
        assert_eq!(proxy.accepted(), 0, "nothing before the first contact");
        poll(&client, &link()).await.unwrap();
        until("connections were made ahead of need", || proxy.open() == warm).await;
        for round in 2..4 {
            proxy.cut();
            let made = warm * round;
            until("they were made again", || proxy.accepted() == made && proxy.open() == warm).await;
        }
        assert_eq!(proxy.requests().len(), 1);
    }
}

#[tokio::test]
async fn an_http1_connection_that_was_idle_too_long_is_not_used() {
    let ca = Ca::new();
    let proxy = Proxy::start(Entrance::Tls(ca.server(&["http/1.1"])), good_answer).await;
    let mut config = config(&ca, proxy.address);
    config.idle_timeout = Duration::from_millis(1);
    let client = client(config);
    poll(&client, &link()).await.unwrap();
    until("it is used no more", || proxy.open() == 0).await;
    poll(&client, &link()).await.unwrap();
    assert_eq!(proxy.accepted(), 2);
}

/// An error is an answer, but it does not show that the key store works.
#[tokio::test]
async fn no_connection_is_kept_warm_before_the_first_success() {
    for alpn in ALPNS {
        let ca = Ca::new();
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), |request| match request.number {
            0..20 => Reply::Json(200, "{}".into()),
            _ => good_answer(request),
        })
        .await;
        let mut config = config(&ca, proxy.address);
        config.warm_connections_per_key_store = 3;
        let client = client(config);
        for _ in 0..20 {
            assert_eq!(poll(&client, &link()).await, Err(ProxyFailure::MalformedResponse));
        }
        assert_eq!(proxy.accepted(), 1, "{alpn}");
        poll(&client, &link()).await.unwrap();
        let warm = if alpn == "h2" { 1 } else { 3 };
        until("connections were made ahead of need", || proxy.open() == warm).await;
    }
}

#[tokio::test]
async fn surplus_http2_connections_are_closed_when_idle() {
    let ca = Ca::new();
    let proxy = Http2Proxy::start(ca.server(&["h2"]), Some(1), |_, _| OnStream::GoodAfter(4)).await;
    let mut config = config(&ca, proxy.address);
    config.idle_timeout = Duration::from_millis(50);
    let client = client(config);
    call_together(&client, 4).await;
    assert_eq!(proxy.accepted(), 4);
    until("one is left", || proxy.open() == 1).await;
    call_together(&client, 1).await;
    assert_eq!(proxy.accepted(), 4, "the one that was left serves");
}

#[tokio::test]
async fn a_connection_that_is_too_old_is_closed() {
    for alpn in ALPNS {
        let ca = Ca::new();
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), good_answer).await;
        let mut config = config(&ca, proxy.address);
        config.max_connection_age = Duration::from_millis(50);
        let client = client(config);
        poll(&client, &link()).await.unwrap();
        until("it is closed", || proxy.open() == 0).await;
        poll(&client, &link()).await.unwrap();
        assert_eq!(proxy.accepted(), 2, "{alpn}");
    }
}

#[tokio::test]
async fn a_warm_http2_connection_is_replaced_before_it_is_too_old() {
    let ca = Ca::new();
    let proxy = Proxy::start(Entrance::Tls(ca.server(&["h2"])), good_answer).await;
    let mut config = config(&ca, proxy.address);
    config.warm_connections_per_key_store = 1;
    config.max_connection_age = Duration::from_millis(50);
    config.reconnect_pause = Duration::from_millis(1);
    config.reconnect_pause_max = Duration::from_millis(1);
    let client = client(config);
    poll(&client, &link()).await.unwrap();
    until("others follow it", || proxy.accepted() >= 4).await;
    assert_eq!(proxy.requests().len(), 1);
}

#[tokio::test]
async fn forgetting_a_key_store_closes_its_connections() {
    for alpn in ALPNS {
        let ca = Ca::new();
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), good_answer).await;
        let mut config = config(&ca, proxy.address);
        config.warm_connections_per_key_store = 2;
        let client = client(config);
        poll(&client, &link()).await.unwrap();
        client.forget(&CustomKeyStoreId::parse("cks-1").unwrap());
        until("all are closed", || proxy.open() == 0).await;
        poll(&client, &link()).await.unwrap();
        assert_eq!(proxy.requests().len(), 2, "{alpn}");
    }
}

#[tokio::test]
async fn forgetting_lets_calls_in_flight_finish() {
    for alpn in ALPNS {
        let ca = Ca::new();
        let flag = Arc::new(AtomicBool::new(false));
        let may_answer = Arc::clone(&flag);
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), move |_| Reply::GoodWhen(Arc::clone(&flag))).await;
        let mut config = config(&ca, proxy.address);
        config.warm_connections_per_key_store = 2;
        let client = client(config);
        let call = tokio::spawn({
            let client = Arc::clone(&client);
            async move { poll(&client, &link()).await }
        });
        until("the call is in flight", || proxy.requests().len() == 1).await;
        client.forget(&CustomKeyStoreId::parse("cks-1").unwrap());
        may_answer.store(true, Ordering::SeqCst);
        assert_eq!(within_reason("the call", call).await.unwrap(), Ok(()), "{alpn}");
        until("all are closed", || proxy.open() == 0).await;
    }
}

#[tokio::test]
async fn another_credential_uses_none_of_the_connections_before() {
    for alpn in ALPNS {
        let ca = Ca::new();
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), good_answer).await;
        let client = client(config(&ca, proxy.address));
        poll(&client, &link()).await.unwrap();
        let mut rotated = external_link("cks-1");
        rotated.access_key_id = "ROTATED2ROTATED2ROTATED2".into();
        rotated.secret_access_key = SecretString::from("s".repeat(43));
        let rotated = link_of(rotated);
        for _ in 0..2 {
            poll(&client, &rotated).await.unwrap();
        }
        until("the old one is closed", || proxy.open() == 1).await;
        let requests = proxy.requests();
        let connections: Vec<usize> = requests.iter().map(|r| r.connection).collect();
        assert_eq!(connections, [0, 1, 1], "{alpn}");
        let signed_by = |request: &Request, id: &str| {
            request.header("authorization").unwrap().contains(&format!("Credential={id}/"))
        };
        assert!(signed_by(&requests[0], ACCESS_KEY_ID));
        assert!(signed_by(&requests[1], "ROTATED2ROTATED2ROTATED2"));
    }
}

#[tokio::test]
async fn a_key_store_without_id_keeps_no_connection() {
    for alpn in ALPNS {
        let ca = Ca::new();
        let proxy = Proxy::start(Entrance::Tls(ca.server(&[alpn])), good_answer).await;
        let mut config = config(&ca, proxy.address);
        config.warm_connections_per_key_store = 2;
        let client = client(config);
        let mut nameless = external_link("cks-1");
        nameless.custom_key_store_id = None;
        let nameless = link_of(nameless);
        for _ in 0..2 {
            probe(&client, &nameless).await.unwrap();
        }
        until("all are closed", || proxy.open() == 0).await;
        assert_eq!(proxy.accepted(), 2, "{alpn}");
    }
}
