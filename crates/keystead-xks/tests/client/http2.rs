//! HTTP/2's own ways to end a call, and its limit of calls on a connection.

use std::sync::Arc;

use h2::Reason;
use tokio::task::JoinSet;

use crate::support::*;

/// The proxy resets a stream: the call has failed, and the connection serves the next one.
#[tokio::test]
async fn a_reset_stream_fails_its_call_alone() {
    let ca = Ca::new();
    let proxy = Http2Proxy::start(ca.server(&["h2"]), None, |_, turn| match turn % 2 {
        0 => OnStream::Good,
        _ => OnStream::Reset(Reason::INTERNAL_ERROR),
    })
    .await;
    let client = client(config(&ca, proxy.address));
    for _ in 0..10 {
        assert_eq!(poll(&client, &link()).await, Ok(()));
        assert_eq!(poll(&client, &link()).await, Err(ProxyFailure::ConnectionClosed));
    }
    assert_eq!((proxy.accepted(), proxy.requests()), (1, 20));
}

/// RFC 9113, 8.7: the proxy did not look at the request.
#[tokio::test]
async fn a_refused_stream_goes_out_again_on_the_same_connection() {
    let ca = Ca::new();
    let proxy = Http2Proxy::start(ca.server(&["h2"]), None, |_, turn| match turn {
        1 | 4 | 5 => OnStream::Reset(Reason::REFUSED_STREAM),
        _ => OnStream::Good,
    })
    .await;
    let client = client(config(&ca, proxy.address));
    for _ in 0..3 {
        assert_eq!(poll(&client, &link()).await, Ok(()));
    }
    assert_eq!(poll(&client, &link()).await, Err(ProxyFailure::ConnectionClosed), "refused twice");
    assert_eq!(poll(&client, &link()).await, Ok(()));
    assert_eq!((proxy.accepted(), proxy.requests()), (1, 7));
}

#[tokio::test]
async fn a_connection_that_the_proxy_ends_is_replaced_silently() {
    for reason in [Reason::NO_ERROR, Reason::ENHANCE_YOUR_CALM] {
        let ca = Ca::new();
        let proxy = Http2Proxy::start(ca.server(&["h2"]), None, move |connection, turn| match (connection, turn) {
            (0, 1) => OnStream::GoAway(reason),
            _ => OnStream::Good,
        })
        .await;
        let client = client(config(&ca, proxy.address));
        for _ in 0..5 {
            assert_eq!(poll(&client, &link()).await, Ok(()), "{reason:?}");
        }
        assert_eq!((proxy.accepted(), proxy.requests()), (2, 6), "{reason:?}");
    }
}

/// Calls over the proxy's limit go to further connections; none waits for another.
#[tokio::test]
async fn the_proxys_limit_of_streams_is_kept() {
    const CALLS: usize = 48;
    let ca = Ca::new();
    let proxy = Http2Proxy::start(ca.server(&["h2"]), Some(4), |_, _| OnStream::GoodAfter(CALLS)).await;
    let client = client(config(&ca, proxy.address));
    let mut together = JoinSet::new();
    for _ in 0..CALLS {
        let client = Arc::clone(&client);
        together.spawn(async move { poll(&client, &link()).await });
    }
    let outcomes = within_reason("all calls", together.join_all()).await;
    assert_eq!(outcomes, [Ok(()); CALLS]);
    assert_eq!((proxy.accepted(), proxy.requests()), (CALLS / 4, CALLS));
}
