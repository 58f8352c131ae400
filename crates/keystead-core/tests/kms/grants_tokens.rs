//! Grant tokens, and when servers hear of each other's grants.
//!
//! Source: digest kms-core.md, 4.3; KMS Developer Guide, "Grants in AWS KMS" (grant tokens, eventual consistency).

use crate::support::{Installation, Made, OHIO, Server};
use keystead_core::background::read_change_feed;
use keystead_core::port::Store;
use serde_json::{Value, json};

fn encrypt(key: &str, tokens: &[&str]) -> Value {
    json!({"KeyId": key, "Plaintext": "AAAA", "GrantTokens": tokens})
}

/// Two servers of one store, of which the second hears of the first when it reads the change feed.
async fn two_servers(installation: &Installation) -> ([Server; 2], Option<u64>) {
    let servers = [installation.serve(), installation.serve()];
    let mut sequence = None;
    read_change_feed(&servers[1].kms, &mut sequence).await.unwrap();
    (servers, sequence)
}

#[tokio::test]
async fn a_token_works_before_another_server_has_heard_of_the_grant() {
    let installation = Installation::new().await;
    let alice = installation.create_user("alice", &[]).await;
    let bob = installation.create_user("bob", &[]).await;
    let ([first, second], mut sequence) = two_servers(&installation).await;
    let key = first.create_key(json!({})).await;
    // The second server remembers that there are none.
    for caller in [&alice, &bob] {
        let refused = second.refused_by(caller, "Encrypt", encrypt(&key, &[])).await;
        assert_eq!(refused.exception, "AccessDeniedException");
    }
    let made = first.grant(&key, &alice.arn, &["Encrypt"]).await;
    first.call_by(&alice, "Encrypt", encrypt(&key, &[])).await.unwrap();
    second.refused_by(&alice, "Encrypt", encrypt(&key, &[])).await;
    second.refused_by(&bob, "Encrypt", encrypt(&key, &[&made.token])).await;
    second.call_by(&alice, "Encrypt", encrypt(&key, &[&made.token])).await.unwrap();

    read_change_feed(&second.kms, &mut sequence).await.unwrap();
    second.call_by(&alice, "Encrypt", encrypt(&key, &[])).await.unwrap();
    second.refused_by(&bob, "Encrypt", encrypt(&key, &[])).await;
}

/// A token shows that what a server remembers is not the newest, so it does not remember it any longer.
#[tokio::test]
async fn once_a_token_was_needed_it_is_needed_no_more() {
    let installation = Installation::new().await;
    let alice = installation.create_user("alice", &[]).await;
    let ([first, second], _) = two_servers(&installation).await;
    let key = first.create_key(json!({})).await;
    second.refused_by(&alice, "Encrypt", encrypt(&key, &[])).await;
    let made = first.grant(&key, &alice.arn, &["Encrypt"]).await;
    second.refused_by(&alice, "Encrypt", encrypt(&key, &[])).await;
    second.call_by(&alice, "Encrypt", encrypt(&key, &[&made.token])).await.unwrap();
    second.call_by(&alice, "Encrypt", encrypt(&key, &[])).await.unwrap();
}

#[tokio::test]
async fn what_a_server_does_itself_it_sees_at_once() {
    let installation = Installation::new().await;
    let alice = installation.create_user("alice", &[]).await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    for operation in ["RevokeGrant", "RetireGrant"] {
        server.refused_by(&alice, "Encrypt", encrypt(&key, &[])).await;
        let made = server.grant(&key, &alice.arn, &["Encrypt"]).await;
        server.call_by(&alice, "Encrypt", encrypt(&key, &[])).await.unwrap();
        server.call(operation, json!({"KeyId": key, "GrantId": made.id})).await.unwrap();
        for tokens in [&[][..], &[made.token.as_str()]] {
            let refused = server.refused_by(&alice, "Encrypt", encrypt(&key, tokens)).await;
            assert_eq!(refused.exception, "AccessDeniedException", "{operation}");
        }
    }
}

/// A grant that another server revoked holds until the change feed is read, and no longer, token or not.
#[tokio::test]
async fn what_another_server_revokes_is_seen_with_the_change_feed() {
    let installation = Installation::new().await;
    let alice = installation.create_user("alice", &[]).await;
    let ([first, second], mut sequence) = two_servers(&installation).await;
    let [key, kept] = [first.create_key(json!({})).await, first.create_key(json!({})).await];
    let made = first.grant(&key, &alice.arn, &["Encrypt"]).await;
    first.grant(&kept, &alice.arn, &["Encrypt"]).await;
    second.call_by(&alice, "Encrypt", encrypt(&key, &[])).await.unwrap();
    second.call_by(&alice, "Encrypt", encrypt(&kept, &[])).await.unwrap();
    first.call("RevokeGrant", json!({"KeyId": key, "GrantId": made.id})).await.unwrap();
    read_change_feed(&second.kms, &mut sequence).await.unwrap();
    for tokens in [&[][..], &[made.token.as_str()]] {
        let refused = second.refused_by(&alice, "Encrypt", encrypt(&key, tokens)).await;
        assert_eq!(refused.exception, "AccessDeniedException");
    }
    second.call_by(&alice, "Encrypt", encrypt(&kept, &[])).await.unwrap();
}

/// Tokens of another key, of another principal's grant, of an operation that the grant does not list: all of them are tokens, and give
/// nothing.
#[tokio::test]
async fn tokens_that_give_nothing() {
    let installation = Installation::new().await;
    let alice = installation.create_user("alice", &[]).await;
    let bob = installation.create_user("bob", &[]).await;
    let server = installation.serve();
    let [key, other] = [server.create_key(json!({})).await, server.create_key(json!({})).await];
    let of_other_key = server.grant(&other, &alice.arn, &["Encrypt"]).await;
    let of_bob = server.grant(&key, &bob.arn, &["Encrypt"]).await;
    let of_other_operation = server.grant(&key, &alice.arn, &["Decrypt"]).await;
    let tokens = [&of_other_key, &of_bob, &of_other_operation].map(|made| made.token.as_str());
    let refused = server.refused_by(&alice, "Encrypt", encrypt(&key, &tokens)).await;
    assert_eq!(refused.exception, "AccessDeniedException");
    assert!(refused.message.ends_with("because no identity-based policy allows the kms:Encrypt action"));
    server.call_by(&bob, "Encrypt", encrypt(&key, &tokens)).await.unwrap();
    server.call_by(&alice, "Encrypt", encrypt(&other, &tokens)).await.unwrap();
}

/// A replica has grants of its own, though its key ID is the same.
#[tokio::test]
async fn a_token_of_another_region_gives_nothing() {
    let installation = Installation::new().await;
    let alice = installation.create_user("alice", &[]).await;
    let server = installation.serve();
    let primary = server.create_key(json!({"MultiRegion": true})).await;
    let replica = server.replicate(&primary, OHIO).await;
    installation.advance(crate::support::KEY_TRANSITION_MS);
    let made = server.grant(&primary, &alice.arn, &["Encrypt"]).await;
    server.call_by(&alice, "Encrypt", encrypt(&primary, &[])).await.unwrap();
    let refused = server.refused_by(&alice, "Encrypt", encrypt(&replica, &[&made.token])).await;
    assert_eq!(refused.exception, "AccessDeniedException");
}

/// A token that is none is refused before anything is told of a key, whoever asks for whichever.
#[tokio::test]
async fn what_is_no_token_is_refused_first() {
    let installation = Installation::new().await;
    let alice = installation.create_user("alice", &[]).await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let Made { token, .. } = server.grant(&key, &alice.arn, &["Encrypt"]).await;
    let altered = format!("{}A{}", &token[..20], &token[21..]);
    let altered = if altered == token { format!("{}B{}", &token[..20], &token[21..]) } else { altered };
    let missing = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000000";
    let elsewhere = "arn:aws:kms:us-east-1:999988887777:key/00000000-0000-4000-8000-000000000000";
    for named in [key.as_str(), missing, elsewhere] {
        for bad in ["none", altered.as_str()] {
            let refused = server.refused_by(&alice, "Encrypt", encrypt(named, &[&token, bad])).await;
            assert_eq!(refused.exception, "InvalidGrantTokenException", "{named} {bad}");
        }
    }
}

#[tokio::test]
async fn grants_go_with_their_key() {
    let installation = Installation::new().await;
    let alice = installation.create_user("alice", &[]).await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let made = server.grant(&key, &alice.arn, &["Encrypt", "DescribeKey", "RetireGrant"]).await;
    server.call_by(&alice, "Encrypt", encrypt(&key, &[])).await.unwrap();
    let stored = installation.stored(&key).await;
    server.kms.catalog().delete_key(&stored).await.unwrap();
    let refused = server.refused_by(&alice, "Encrypt", encrypt(&key, &[&made.token])).await;
    assert_eq!(refused.exception, "NotFoundException");
    let refused = server.refused_by(&alice, "RetireGrant", json!({"GrantToken": made.token})).await;
    assert_eq!(refused.exception, "NotFoundException");
    let (region, id) = (&stored.region, &stored.id);
    assert!(installation.store.grants_of_key(region, id, None, None, 9).await.unwrap().is_empty());
}
