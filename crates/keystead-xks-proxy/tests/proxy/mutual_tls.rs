//! Client certificates: the right CA and the right subject CN, or no connection.

use crate::support::client::tls;
use crate::support::pki::{Authority, Identity};
use crate::support::{RunningProxy, Setup};
use rustls::HandshakeKind;
use rustls::crypto::aws_lc_rs::default_provider;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

const KMS_NAME: &str = "cks.kms.us-east-1.amazonaws.com";

async fn start(tls: &str, clients: &Authority) -> RunningProxy {
    let mut setup = Setup::new();
    setup.tls = tls.to_owned();
    std::fs::write(setup.path("clients.pem"), clients.pem()).unwrap();
    setup.start().await
}

/// Whether the proxy talks HTTP with this client. In TLS 1.3 a refusal reaches the client only with the first answer.
async fn is_served(proxy: &RunningProxy, identity: Option<&Identity>) -> bool {
    let config = proxy.setup.authority.client_config(default_provider(), identity);
    let Ok(mut stream) = tls(proxy, config).await else {
        return false;
    };
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    if stream.write_all(request).await.is_err() {
        return false;
    }
    let mut answer = Vec::new();
    let read = stream.read_to_end(&mut answer).await;
    read.is_ok() && answer.starts_with(b"HTTP/1.1 404")
}

#[tokio::test]
async fn the_certificate_authority_and_the_name_must_be_right() {
    let (clients, strangers) = (Authority::new("Clients"), Authority::new("Strangers"));
    let proxy = start("client_ca = \"clients.pem\"", &clients).await;
    let table = [
        ("right", Some(clients.client(KMS_NAME)), true),
        ("other Region", Some(clients.client("cks.kms.us-west-2.amazonaws.com")), false),
        ("longer name", Some(clients.client(&format!("{KMS_NAME}.example.com"))), false),
        ("right name, other CA", Some(strangers.client(KMS_NAME)), false),
        ("a server's certificate", Some(clients.server()), false),
        ("none", None, false),
    ];
    for (name, identity, served) in table {
        assert_eq!(is_served(&proxy, identity.as_ref()).await, served, "{name}");
    }
    proxy.stop().await;
}

#[tokio::test]
async fn the_expected_name_can_be_configured() {
    let clients = Authority::new("Clients");
    let tls = "client_ca = \"clients.pem\"\nclient_common_name = \"kms.example.com\"";
    let proxy = start(tls, &clients).await;
    assert!(is_served(&proxy, Some(&clients.client("kms.example.com"))).await);
    assert!(!is_served(&proxy, Some(&clients.client(KMS_NAME))).await);
    proxy.stop().await;
}

/// How the second connection with the same session store began.
async fn second_handshake(proxy: &RunningProxy, identity: Option<&Identity>) -> Option<HandshakeKind> {
    let config = proxy.setup.authority.client_config(default_provider(), identity);
    let mut kind = None;
    for _ in 0..2 {
        let mut stream = tls(proxy, config.clone()).await.unwrap();
        kind = stream.get_ref().1.handshake_kind();
        // With the answer come the session tickets, if there are any.
        stream.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n").await.unwrap();
        stream.read_to_end(&mut Vec::new()).await.unwrap();
    }
    kind
}

#[tokio::test]
async fn client_certificates_are_checked_in_every_handshake() {
    let clients = Authority::new("Clients");
    let identity = clients.client(KMS_NAME);
    let checked = start("client_ca = \"clients.pem\"", &clients).await;
    assert_eq!(second_handshake(&checked, Some(&identity)).await, Some(HandshakeKind::Full));
    checked.stop().await;
    let open = start("", &clients).await;
    assert_eq!(second_handshake(&open, None).await, Some(HandshakeKind::Resumed));
    open.stop().await;
}

#[tokio::test]
async fn without_a_client_ca_no_certificate_is_needed() {
    let proxy = start("", &Authority::new("Clients")).await;
    assert!(is_served(&proxy, None).await);
    proxy.stop().await;
}
