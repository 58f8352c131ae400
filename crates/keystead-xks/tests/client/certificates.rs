//! Certificates and handshakes that do not do.

use std::sync::Arc;

use keystead_xks::{ClientCertificate, ClientConfig};
use rcgen::{CertificateParams, ExtendedKeyUsagePurpose, date_time_ymd};
use rustls::crypto::aws_lc_rs::cipher_suite::{
    TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, TLS13_AES_128_GCM_SHA256,
    TLS13_AES_256_GCM_SHA384, TLS13_CHACHA20_POLY1305_SHA256,
};
use rustls::{ServerConfig, SupportedCipherSuite};

use crate::support::*;

async fn connect(config: ClientConfig) -> Result<(), ProxyFailure> {
    within_reason("the call", probe(&client(config), &link())).await
}

/// What the client says of a server that is fine but for its TLS.
async fn verdict(ca: &Ca, server: Arc<ServerConfig>) -> Result<(), ProxyFailure> {
    let proxy = Proxy::start(Entrance::Tls(server), good_answer).await;
    let verdict = connect(config(ca, proxy.address)).await;
    assert_eq!(proxy.accepted(), 1, "nothing about TLS is tried again");
    verdict
}

#[tokio::test]
async fn certificates() {
    type Change = fn(&mut CertificateParams);
    let table: [(&str, Change, Result<(), ProxyFailure>); 5] = [
        (HOST, |_| {}, Ok(())),
        ("*.example.test", |_| {}, Ok(())),
        (HOST, |params| params.not_after = date_time_ymd(2020, 1, 1), Err(ProxyFailure::TlsCertificateExpired)),
        (HOST, |params| params.not_before = date_time_ymd(2990, 1, 1), Err(ProxyFailure::TlsCertificateNotYetValid)),
        ("other.example.test", |_| {}, Err(ProxyFailure::TlsCertificateNameMismatch)),
    ];
    let ca = Ca::new();
    for (host, change, expected) in table {
        let server = server_config(ca.issue(host, change), &["http/1.1"], None);
        assert_eq!(verdict(&ca, server).await, expected, "{host}");
    }
}

#[tokio::test]
async fn issuers() {
    let (ca, other) = (Ca::new(), Ca::new());
    let untrusted = Err(ProxyFailure::TlsCertificateUntrusted);
    let for_clients = |params: &mut CertificateParams| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    };
    for identity in [other.issue(HOST, |_| {}), self_signed(false), self_signed(true), ca.issue(HOST, for_clients)] {
        let server = server_config(identity, &["http/1.1"], None);
        assert_eq!(verdict(&ca, server).await, untrusted);
    }
}

/// XKS Proxy API specification: at least one of these suites.
#[tokio::test]
async fn cipher_suites() {
    let failed = Err(ProxyFailure::TlsHandshakeFailed);
    let table: [(SupportedCipherSuite, Result<(), ProxyFailure>); 5] = [
        (TLS13_AES_256_GCM_SHA384, Ok(())),
        (TLS13_CHACHA20_POLY1305_SHA256, Ok(())),
        (TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, Ok(())),
        (TLS13_AES_128_GCM_SHA256, failed),
        (TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, failed),
    ];
    let ca = Ca::new();
    for (suite, expected) in table {
        let server = server_config(ca.issue(HOST, |_| {}), &["http/1.1"], Some(&[suite]));
        assert_eq!(verdict(&ca, server).await, expected, "{suite:?}");
    }
}

#[tokio::test]
async fn protocols() {
    let ca = Ca::new();
    for (alpn, expected) in [
        (&["http/1.1"][..], Ok(())),
        (&["h2"], Ok(())),
        (&[], Ok(())),
        (&["spdy/3"], Err(ProxyFailure::TlsHandshakeFailed)),
    ] {
        assert_eq!(verdict(&ca, ca.server(alpn)).await, expected, "{alpn:?}");
    }
}

#[tokio::test]
async fn client_certificates() {
    let (ca, clients) = (Ca::new(), Ca::new());
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let server = mutual_tls_config(ca.issue(HOST, |_| {}), &clients, version);
        let proxy = Proxy::start(Entrance::Tls(server), good_answer).await;
        let without = config(&ca, proxy.address);
        assert_eq!(connect(without.clone()).await, Err(ProxyFailure::TlsHandshakeFailed), "{version:?}");
        let (chain, key) = clients.issue("cks.kms.us-east-1.example.test", |_| {});
        let with = ClientConfig { client_certificate: Some(ClientCertificate { chain, key }), ..without };
        assert_eq!(connect(with).await, Ok(()), "{version:?}");
    }
}

#[tokio::test]
async fn peers_that_speak_no_tls() {
    let ca = Ca::new();
    for (entrance, expected) in [
        (Entrance::Bytes(b"SSH-2.0-OpenSSH_9.2p1 Debian\r\n"), ProxyFailure::TlsHandshakeFailed),
        (Entrance::Bytes(b"HTTP/1.1 400 Bad Request\r\n\r\n"), ProxyFailure::TlsHandshakeFailed),
        (Entrance::Close, ProxyFailure::ConnectionClosed),
    ] {
        let proxy = Proxy::start(entrance, good_answer).await;
        let failure = connect(config(&ca, proxy.address)).await;
        assert_eq!(failure, Err(expected));
        assert_eq!(proxy.accepted(), 1);
    }
}

/// A certificate that expires is noticed with the next connection: no session is resumed without its checks.
#[tokio::test]
async fn sessions_are_not_resumed() {
    let ca = Ca::new();
    let good = ca.server(&["http/1.1"]);
    let expired = ca.issue(HOST, |params| params.not_after = date_time_ymd(2020, 1, 1));
    let expired = server_config(expired, &["http/1.1"], None);
    let proxy = Proxy::start_with(
        move |connection| Entrance::Tls(Arc::clone(if connection == 0 { &good } else { &expired })),
        good_answer,
    )
    .await;
    let (client, link) = (client(config(&ca, proxy.address)), link());
    assert_eq!(probe(&client, &link).await, Ok(()));
    proxy.cut();
    until("the connection is closed", || proxy.open() == 0).await;
    let verdict = probe(&client, &link).await;
    assert_eq!(verdict, Err(ProxyFailure::TlsCertificateExpired));
}
