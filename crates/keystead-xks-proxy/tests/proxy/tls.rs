//! TLS: the required suites and no others, and certificates that are replaced while the proxy runs.

use crate::support::client::{client_config, tls};
use crate::support::{RunningProxy, Setup};
use rustls::SupportedCipherSuite;
use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{cipher_suite as suite, default_provider};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

async fn connect_with(proxy: &RunningProxy, suite: SupportedCipherSuite) -> Option<TlsStream<TcpStream>> {
    let provider = CryptoProvider { cipher_suites: vec![suite], ..default_provider() };
    // A provider with suites of one version only: the client offers that version alone.
    let versions: &[_] = match suite {
        SupportedCipherSuite::Tls12(_) => &[&rustls::version::TLS12],
        SupportedCipherSuite::Tls13(_) => &[&rustls::version::TLS13],
    };
    let config = proxy.setup.authority.client_config_for(provider, versions, None);
    let stream = tls(proxy, config).await.ok()?;
    assert_eq!(stream.get_ref().1.negotiated_cipher_suite(), Some(suite));
    Some(stream)
}

#[tokio::test]
async fn exactly_the_required_suites() {
    let ecdsa = Setup::new();
    let rsa = Setup::new();
    rsa.write_server_certificate(&rsa.authority.rsa_server());
    let (ecdsa, rsa) = (ecdsa.start().await, rsa.start().await);
    let table = [
        (suite::TLS13_AES_256_GCM_SHA384, &ecdsa, true),
        (suite::TLS13_CHACHA20_POLY1305_SHA256, &ecdsa, true),
        (suite::TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, &ecdsa, true),
        (suite::TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384, &rsa, true),
        (suite::TLS13_AES_128_GCM_SHA256, &ecdsa, false),
        (suite::TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, &ecdsa, false),
        (suite::TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, &ecdsa, false),
        (suite::TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256, &rsa, false),
        (suite::TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256, &rsa, false),
    ];
    for (suite, proxy, accepted) in table {
        let connected = connect_with(proxy, suite).await.is_some();
        assert_eq!(connected, accepted, "{suite:?}");
    }
    ecdsa.stop().await;
    rsa.stop().await;
}

#[tokio::test]
async fn a_new_certificate_counts_from_the_next_connection_on() {
    let proxy = Setup::new().start().await;
    let shown = async |proxy: &RunningProxy| {
        let stream = tls(proxy, client_config(proxy, b"h2")).await.unwrap();
        stream.get_ref().1.peer_certificates().unwrap()[0].clone()
    };
    let first = shown(&proxy).await;
    let second = proxy.setup.authority.server();
    proxy.setup.write_server_certificate(&second);
    assert_ne!(shown(&proxy).await, first);
    assert_eq!(shown(&proxy).await, second.certificate_der());
    std::fs::write(proxy.setup.path("proxy.pem"), "rubbish").unwrap();
    assert_eq!(shown(&proxy).await, second.certificate_der(), "the last good one stays");
    proxy.stop().await;
}

#[tokio::test]
async fn http_1_is_preferred_and_http_2_is_there() {
    let proxy = Setup::new().start().await;
    for (offered, chosen) in
        [(&[&b"h2"[..], b"http/1.1"][..], Some(&b"http/1.1"[..])), (&[b"h2"], Some(b"h2")), (&[], None)]
    {
        let mut config = client_config(&proxy, b"");
        config.alpn_protocols = offered.iter().map(|name| name.to_vec()).collect();
        let stream = tls(&proxy, config).await.unwrap();
        assert_eq!(stream.get_ref().1.alpn_protocol(), chosen);
    }
    proxy.stop().await;
}

#[tokio::test]
async fn bad_files_are_refused_at_the_start_and_named() {
    let table = [
        ("proxy.pem", "tls.certificate"),
        ("proxy.key", "tls.private_key"),
        ("ca.pem", "tls.client_ca"),
        ("credentials.json", "credentials.json"),
        ("root.key", "root.key"),
        ("keys.json", "keys.json"),
    ];
    for (file, expected) in table {
        let mut setup = Setup::new();
        setup.tls = "client_ca = \"ca.pem\"".to_owned();
        std::fs::write(setup.path("ca.pem"), setup.authority.pem()).unwrap();
        let config = setup.config();
        for content in [Some("rubbish"), Some(""), None] {
            match content {
                Some(content) => std::fs::write(setup.path(file), content).unwrap(),
                None => std::fs::remove_file(setup.path(file)).unwrap(),
            }
            let Err(error) = keystead_xks_proxy::Proxy::bind(config.clone()).await else {
                panic!("{file} {content:?} was taken");
            };
            assert!(error.to_string().contains(expected), "{error}");
        }
    }
    let setup = Setup::new();
    let other = setup.authority.server();
    std::fs::write(setup.path("proxy.key"), other.key_pem()).unwrap();
    let Err(error) = keystead_xks_proxy::Proxy::bind(setup.config()).await else {
        panic!("a key of another certificate was taken");
    };
    assert!(error.to_string().contains("private key"), "{error}");
}
