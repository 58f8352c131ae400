//! Where the client goes, and where it refuses to.

use std::io;
use std::net::IpAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use keystead_xks::{ClientConfig, HostResolver, XksProxyClient};

use crate::support::*;

/// A resolver with one answer for everything, which counts its questions.
struct Fixed {
    addresses: Vec<&'static str>,
    asked: AtomicUsize,
}

#[async_trait]
impl HostResolver for Fixed {
    async fn resolve(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        if self.addresses.is_empty() {
            return Err(io::Error::other("no such host"));
        }
        Ok(self.addresses.iter().map(|a| a.parse().unwrap()).collect())
    }
}

/// A client without fixed addresses.
fn resolving(addresses: &[&'static str], allowed: &[&str]) -> (XksProxyClient, Arc<Fixed>) {
    let config = ClientConfig {
        allowed_networks: allowed.iter().map(|net| net.parse().unwrap()).collect(),
        request_timeout: PATIENT,
        ..ClientConfig::default()
    };
    let resolver = Arc::new(Fixed { addresses: addresses.to_vec(), asked: AtomicUsize::new(0) });
    let asked: Arc<dyn HostResolver> = Arc::clone(&resolver) as _;
    (XksProxyClient::with_resolver(config, asked).unwrap(), resolver)
}

#[tokio::test]
async fn hosts_that_are_no_domain_names_are_refused_unasked() {
    let (client, resolver) = resolving(&["127.0.0.1"], &["127.0.0.0/8"]);
    for host in
        ["127.0.0.1", "127.1", "2130706433", "0x7f.0.0.0x1", "localhost", "proxy", "xks.example.com.", "api.localhost"]
    {
        let mut link = external_link("cks-1");
        link.uri_endpoint = format!("https://{host}");
        let failure = probe(&client, &link_of(link)).await;
        assert_eq!(failure, Err(ProxyFailure::AddressNotAllowed), "{host}");
    }
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 0);
}

#[tokio::test]
async fn names_that_lead_to_addresses_that_are_not_public_are_refused() {
    for address in [
        "127.0.0.1",
        "10.0.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "192.168.1.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
    ] {
        let (client, _) = resolving(&[address], &[]);
        let failure = probe(&client, &link()).await;
        assert_eq!(failure, Err(ProxyFailure::AddressNotAllowed), "{address}");
    }
}

#[tokio::test]
async fn an_allowed_network_is_called() {
    let (client, _) = resolving(&["127.9.9.9"], &["127.9.9.0/24"]);
    let failure = probe(&client, &link()).await.unwrap_err();
    // Whatever listens on port 443 there, if anything: it was called.
    assert_ne!(failure, ProxyFailure::AddressNotAllowed);
    assert_ne!(failure, ProxyFailure::DnsFailed);
}

#[tokio::test]
async fn names_that_do_not_resolve_to_ipv4() {
    for addresses in [&[][..], &["::1"], &["2606:4700::1111"]] {
        let (client, _) = resolving(addresses, &["::/0"]);
        let failure = probe(&client, &link()).await;
        assert_eq!(failure, Err(ProxyFailure::DnsFailed), "{addresses:?}");
    }
}

#[tokio::test]
async fn the_systems_resolver_says_no() {
    let config = ClientConfig { request_timeout: PATIENT, ..ClientConfig::default() };
    let client = XksProxyClient::new(config).unwrap();
    let mut link = external_link("cks-1");
    // RFC 6761: never resolves.
    link.uri_endpoint = "https://xks.example.invalid".into();
    let failure = within_reason("the lookup", probe(&client, &link_of(link))).await;
    assert_eq!(failure, Err(ProxyFailure::DnsFailed));
}

#[tokio::test]
async fn a_resolver_that_does_not_answer_in_time() {
    struct Hanging;
    #[async_trait]
    impl HostResolver for Hanging {
        async fn resolve(&self, _host: &str) -> io::Result<Vec<IpAddr>> {
            std::future::pending().await
        }
    }
    let config = ClientConfig { request_timeout: SHORT, ..ClientConfig::default() };
    let client = XksProxyClient::with_resolver(config, Arc::new(Hanging)).unwrap();
    for _ in 0..2 {
        assert_eq!(poll(&client, &link()).await, Err(ProxyFailure::DnsFailed));
    }
}

#[tokio::test]
async fn connect_to_goes_around_dns_and_the_rules() {
    let ca = Ca::new();
    let proxy = Proxy::start(Entrance::Tls(ca.server(&["http/1.1"])), good_answer).await;
    let resolver = Arc::new(Fixed { addresses: vec!["1.1.1.1"], asked: AtomicUsize::new(0) });
    let asked: Arc<dyn HostResolver> = Arc::clone(&resolver) as _;
    let client = XksProxyClient::with_resolver(config(&ca, proxy.address), asked).unwrap();
    let mut link = external_link("cks-1");
    link.uri_endpoint = format!("https://{}", HOST.to_ascii_uppercase());
    assert_eq!(probe(&client, &link_of(link)).await, Ok(()));
    assert_eq!(resolver.asked.load(Ordering::SeqCst), 0);
    assert_eq!(proxy.requests()[0].header("host"), Some(HOST));
}
