//! Who waits for keys that are fetched, and who does not.

use std::sync::Arc;
use std::time::Duration;

use keystead_oidc::{RefreshPolicy, TokenError};
use tokio::sync::Notify;

use crate::key_server::{Authority, KeyServer, Reply, at_once};
use crate::signer::{Signer, claims, key_set, now};

/// Nothing here ends because time is up.
fn patient() -> RefreshPolicy {
    RefreshPolicy { timeout: Duration::from_secs(3600), ..at_once() }
}

#[tokio::test]
async fn unknown_keys_keep_nobody_waiting() {
    let (authority, signer) = (Authority::new(), Signer::p256("a"));
    let server = KeyServer::start(&authority, "localhost", Reply::keys(&key_set(&[&signer]))).await;
    let issuers = Arc::new(server.issuers(&authority, patient()));
    let token = signer.token("ES256", &claims());
    issuers.verify(&token, now()).await.unwrap();
    let told = Arc::new(Notify::new());
    server.set(Reply::keys_when_told(&told, &key_set(&[&signer])));
    let unknown = Signer::p256("unknown").token("ES256", &claims());
    let asked = Arc::clone(&issuers);
    let waiting = tokio::spawn(async move { asked.verify(&unknown, now()).await });
    server.asked(2).await;
    for _ in 0..3 {
        issuers.verify(&token, now()).await.unwrap();
    }
    assert!(!waiting.is_finished());
    told.notify_one();
    assert!(matches!(waiting.await.unwrap(), Err(TokenError::Invalid(_))));
    assert_eq!(server.requests(), 2);
}

#[tokio::test]
async fn a_request_that_is_given_up_leaves_its_keys_to_others() {
    let (authority, signer) = (Authority::new(), Signer::p256("a"));
    let told = Arc::new(Notify::new());
    let server = KeyServer::start(&authority, "localhost", Reply::keys_when_told(&told, &key_set(&[&signer]))).await;
    let once = RefreshPolicy { retry_after: Duration::from_secs(3600), ..patient() };
    let issuers = Arc::new(server.issuers(&authority, once));
    let token = signer.token("ES256", &claims());
    let (asked, same) = (Arc::clone(&issuers), token.clone());
    let given_up = tokio::spawn(async move { asked.verify(&same, now()).await });
    server.asked(1).await;
    given_up.abort();
    assert!(given_up.await.unwrap_err().is_cancelled());
    told.notify_one();
    issuers.verify(&token, now()).await.unwrap();
    assert_eq!(server.requests(), 1);
}

#[tokio::test]
async fn while_old_keys_are_fetched_anew_they_serve_whoever_else_comes() {
    let (authority, old, new) = (Authority::new(), Signer::p256("old"), Signer::p256("new"));
    let server = KeyServer::start(&authority, "localhost", Reply::keys(&key_set(&[&old]))).await;
    let never_fresh = RefreshPolicy { fresh_for: Duration::ZERO, ..patient() };
    let issuers = Arc::new(server.issuers(&authority, never_fresh));
    let token = old.token("ES256", &claims());
    issuers.verify(&token, now()).await.unwrap();
    let told = Arc::new(Notify::new());
    server.set(Reply::keys_when_told(&told, &key_set(&[&new])));
    let (asked, same) = (Arc::clone(&issuers), token.clone());
    let first = tokio::spawn(async move { asked.verify(&same, now()).await });
    server.asked(2).await;
    issuers.verify(&token, now()).await.unwrap();
    told.notify_one();
    assert!(matches!(first.await.unwrap(), Err(TokenError::Invalid(_))), "its key is withdrawn");
}
