//! One key store's trouble is no other's.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use keystead_core::port::KeyStoreLink;
use keystead_xks::{ClientConfig, HostResolver, XksProxyClient};
use tokio::task::JoinSet;

use crate::support::*;

const SICK_HOST: &str = "sick.example.test";

fn sick_link() -> KeyStoreLink {
    let mut sick = external_link("cks-sick");
    sick.uri_endpoint = format!("https://{SICK_HOST}");
    link_of(sick)
}

/// As many calls to the sick key store as may be in flight, and more.
fn flood(client: &Arc<XksProxyClient>, calls: usize) -> JoinSet<Result<(), ProxyFailure>> {
    let mut flood = JoinSet::new();
    for _ in 0..calls {
        let client = Arc::clone(client);
        flood.spawn(async move { poll(&client, &sick_link()).await });
    }
    flood
}

/// Calls to the healthy key store end while none of the sick one's has.
async fn assert_healthy(client: &XksProxyClient, flood: &mut JoinSet<Result<(), ProxyFailure>>) {
    for _ in 0..20 {
        let answered = within_reason("a healthy call", poll(client, &link())).await;
        assert_eq!(answered, Ok(()));
    }
    assert!(flood.try_join_next().is_none(), "the sick calls still wait");
}

#[tokio::test]
async fn a_proxy_that_hangs_does_not_delay_another_key_store() {
    let ca = Ca::new();
    for sick_entrance in [
        Entrance::Silence,
        Entrance::Tls(server_config(ca.issue(SICK_HOST, |_| {}), &["http/1.1"], None)),
        Entrance::Tls(server_config(ca.issue(SICK_HOST, |_| {}), &["h2"], None)),
    ] {
        let healthy = Proxy::start(Entrance::Tls(ca.server(&["http/1.1"])), good_answer).await;
        let sick = Proxy::start(sick_entrance, |_| Reply::Silence).await;
        let mut config = config(&ca, healthy.address);
        config.connect_to.insert(SICK_HOST.into(), sick.address);
        config.max_in_flight_per_key_store = 4;
        config.max_connections_per_key_store = 4;
        let client = client(config);
        let mut flood = flood(&client, 20);
        until("the sick proxy has been reached", || sick.accepted() >= 1).await;
        assert_healthy(&client, &mut flood).await;
    }
}

/// A resolver that never answers, and counts how often it was asked.
#[derive(Default)]
struct Hanging(AtomicUsize);

#[async_trait]
impl HostResolver for Hanging {
    async fn resolve(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        self.0.fetch_add(1, Ordering::SeqCst);
        std::future::pending().await
    }
}

#[tokio::test]
async fn a_resolver_that_hangs_costs_one_lookup_and_delays_nobody_else() {
    let ca = Ca::new();
    let healthy = Proxy::start(Entrance::Tls(ca.server(&["http/1.1"])), good_answer).await;
    let resolver = Arc::new(Hanging::default());
    let config = config(&ca, healthy.address);
    let asked: Arc<dyn HostResolver> = Arc::clone(&resolver) as _;
    let client = Arc::new(XksProxyClient::with_resolver(config, asked).unwrap());
    let mut flood = flood(&client, 50);
    until("the resolver was asked", || resolver.0.load(Ordering::SeqCst) >= 1).await;
    assert_healthy(&client, &mut flood).await;
    assert_eq!(resolver.0.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn an_open_circuit_is_one_key_stores_own() {
    let ca = Ca::new();
    let healthy = Proxy::start(Entrance::Tls(ca.server(&["http/1.1"])), good_answer).await;
    let sick = Proxy::start(Entrance::Close, good_answer).await;
    let mut config = config(&ca, healthy.address);
    config.connect_to.insert(SICK_HOST.into(), sick.address);
    let client = client(config);
    for _ in 0..5 {
        let failure = poll(&client, &sick_link()).await;
        assert_eq!(failure, Err(ProxyFailure::ConnectionClosed));
    }
    let open = Err(ProxyFailure::CircuitOpen(UnreachableKind::Network));
    assert_eq!(poll(&client, &sick_link()).await, open);
    assert_eq!(poll(&client, &link()).await, Ok(()));
}

/// Hangs for hosts that begin with `dead`, and leads all others where this server may not call.
#[derive(Default)]
struct PartlyDead(AtomicUsize);

#[async_trait]
impl HostResolver for PartlyDead {
    async fn resolve(&self, host: &str) -> io::Result<Vec<IpAddr>> {
        if host.starts_with("dead") {
            self.0.fetch_add(1, Ordering::SeqCst);
            return std::future::pending().await;
        }
        Ok(vec![IpAddr::from([127, 0, 0, 1])])
    }
}

/// Key stores that are being created have no client of their own.
#[tokio::test]
async fn creating_key_stores_on_dead_hosts_delays_no_other() {
    let ca = Ca::new();
    let resolver = Arc::new(PartlyDead::default());
    let asked: Arc<dyn HostResolver> = Arc::clone(&resolver) as _;
    let config = ClientConfig { connect_to: [].into(), ..config(&ca, ([127, 0, 0, 1], 1).into()) };
    let client = Arc::new(XksProxyClient::with_resolver(config, asked).unwrap());
    let created = |host: &str| {
        let mut nameless = external_link("cks-1");
        nameless.custom_key_store_id = None;
        nameless.uri_endpoint = format!("https://{host}");
        link_of(nameless)
    };
    let mut flood = JoinSet::new();
    for call in 0..30 {
        let (client, link) = (Arc::clone(&client), created(&format!("dead{}.example.test", call % 10)));
        flood.spawn(async move { probe(&client, &link).await });
    }
    until("two lookups of each host run", || resolver.0.load(Ordering::SeqCst) == 20).await;
    let other = within_reason("another host", probe(&client, &created("xks.example.test"))).await;
    assert_eq!(other, Err(ProxyFailure::AddressNotAllowed));
    assert!(flood.try_join_next().is_none(), "the others still wait");
    assert_eq!(resolver.0.load(Ordering::SeqCst), 20);
}
