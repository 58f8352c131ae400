//! Keys over HTTPS.

use std::time::Duration;

use keystead_oidc::{IssuerSettings, Issuers, KeySettings, RefreshPolicy, SettingsError, TokenError, check_jwks_uri};

use crate::key_server::{Authority, KeyServer, Reply, at_once};
use crate::signer::{ISSUER, Signer, claims, key_set, now};

#[tokio::test]
async fn keys_are_fetched_once() {
    let (authority, signer) = (Authority::new(), Signer::p256("a"));
    let server = KeyServer::start(&authority, "localhost", Reply::keys(&key_set(&[&signer]))).await;
    let issuers = server.issuers(&authority, RefreshPolicy::default());
    assert_eq!(server.requests(), 0, "nobody is called before a token comes");
    let token = signer.token("ES256", &claims());
    let (first, second) = tokio::join!(issuers.verify(&token, now()), issuers.verify(&token, now()));
    assert!(first.is_ok() && second.is_ok(), "{first:?}, {second:?}");
    assert!(issuers.verify(&token, now()).await.is_ok());
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn a_new_key_is_found_and_unknown_ones_do_not_make_the_server_call_at_any_rate() {
    let (authority, old, new) = (Authority::new(), Signer::p256("old"), Signer::p256("new"));
    let server = KeyServer::start(&authority, "localhost", Reply::keys(&key_set(&[&old]))).await;
    let issuers = server.issuers(&authority, at_once());
    assert!(issuers.verify(&old.token("ES256", &claims()), now()).await.is_ok());
    server.set(Reply::keys(&key_set(&[&old, &new])));
    assert!(issuers.verify(&new.token("ES256", &claims()), now()).await.is_ok());
    assert_eq!(server.requests(), 2);

    let patient = server.issuers(&authority, RefreshPolicy { retry_after: Duration::from_secs(3600), ..at_once() });
    for _ in 0..20 {
        let unknown = Signer::p256("unknown").token("ES256", &claims());
        assert!(matches!(patient.verify(&unknown, now()).await, Err(TokenError::Invalid(_))));
    }
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn old_keys_serve_while_new_ones_cannot_be_had_but_not_for_ever() {
    let (authority, signer) = (Authority::new(), Signer::p256("a"));
    let server = KeyServer::start(&authority, "localhost", Reply::keys(&key_set(&[&signer]))).await;
    let never_fresh = RefreshPolicy { fresh_for: Duration::ZERO, ..at_once() };
    let issuers = server.issuers(&authority, never_fresh);
    let token = signer.token("ES256", &claims());
    assert!(issuers.verify(&token, now()).await.is_ok());
    server.set(Reply::of("503 Service Unavailable", "", ""));
    assert!(issuers.verify(&token, now()).await.is_ok());
    assert_eq!(server.requests(), 2);

    server.set(Reply::keys(&key_set(&[&signer])));
    let never_usable = server.issuers(&authority, RefreshPolicy { usable_for: Duration::ZERO, ..never_fresh });
    assert_eq!(never_usable.verify(&token, now()).await.unwrap_err(), TokenError::Communication);
}

#[tokio::test]
async fn what_is_no_answer() {
    let (authority, signer) = (Authority::new(), Signer::p256("a"));
    let server = KeyServer::start(&authority, "localhost", Reply::Silence).await;
    let policy = RefreshPolicy { timeout: Duration::from_secs(3), ..at_once() };
    let issuers = server.issuers(&authority, policy);
    let elsewhere = format!("location: {}\r\n", server.uri());
    let token = signer.token("ES256", &claims());
    for reply in [
        Reply::Silence,
        Reply::Bytes(Vec::new()),
        Reply::Bytes(b"SSH-2.0-OpenSSH\r\n".to_vec()),
        Reply::of("302 Found", &elsewhere, &key_set(&[&signer])),
        Reply::of("404 Not Found", "", &key_set(&[&signer])),
        Reply::keys(""),
        Reply::keys("<html></html>"),
        Reply::keys("{\"keys\": []}"),
        Reply::keys(&" ".repeat(1024 * 1024)),
        Reply::Bytes(format!("HTTP/1.1 200 OK\r\na: {}\r\n\r\n", "x".repeat(100_000)).into_bytes()),
    ] {
        server.set(reply);
        assert_eq!(issuers.verify(&token, now()).await.unwrap_err(), TokenError::Communication);
    }
    server.set(Reply::keys(&key_set(&[&signer])));
    assert!(issuers.verify(&token, now()).await.is_ok());
}

#[tokio::test]
async fn the_server_must_prove_who_it_is() {
    let (authority, other, signer) = (Authority::new(), Authority::new(), Signer::p256("a"));
    let token = signer.token("ES256", &claims());
    for (host, trusted, taken) in
        [("localhost", &authority, true), ("other.example", &authority, false), ("localhost", &other, false)]
    {
        let server = KeyServer::start(&authority, host, Reply::keys(&key_set(&[&signer]))).await;
        let verified = server.issuers(trusted, at_once()).verify(&token, now()).await;
        assert_eq!(verified.is_ok(), taken, "{host}: {verified:?}");
        assert_eq!(server.requests(), usize::from(taken));
    }
    // The public authorities did not certify it either.
    let server = KeyServer::start(&authority, "localhost", Reply::keys(&key_set(&[&signer]))).await;
    let keys = KeySettings::Https { uri: server.uri(), authorities: None };
    let issuers = Issuers::new(vec![IssuerSettings { issuer: ISSUER.to_owned(), keys }], at_once()).unwrap();
    assert_eq!(issuers.verify(&token, now()).await.unwrap_err(), TokenError::Communication);
}

#[test]
fn which_uris_there_are() {
    for (uri, taken) in [
        ("https://id.example.com/keys", true),
        ("https://id.example.com:8443/a/b?c=d", true),
        ("https://127.0.0.1:8443/keys", true),
        ("https://[::1]:8443/keys", true),
        ("http://id.example.com/keys", false),
        ("file:///etc/passwd", false),
        ("https://user:secret@id.example.com/keys", false),
        ("https://", false),
        ("/keys", false),
        ("", false),
    ] {
        assert_eq!(check_jwks_uri(uri).is_ok(), taken, "{uri}");
    }
    let nobody = KeySettings::Https { uri: "https://a.example/keys".into(), authorities: Some(Vec::new()) };
    let settings = IssuerSettings { issuer: ISSUER.to_owned(), keys: nobody };
    let refused = Issuers::new(vec![settings], RefreshPolicy::default()).err();
    assert!(matches!(refused, Some(SettingsError::Certificate(_))), "{refused:?}");
}
