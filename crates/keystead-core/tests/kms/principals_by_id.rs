//! Key policies and grants mean the users and roles that they named when they were stored, and nobody who has the names later.
//!
//! Source: IAM User Guide, "AWS JSON policy elements: Principal", "IAM identifiers"; KMS Developer Guide, "Key policies".

use crate::support::{IRELAND, Installation, KEY_TRANSITION_MS, Server, account, statement, text};
use keystead_core::access::Principal;
use keystead_core::key::Grant;
use keystead_core::port::Store;
use serde_json::{Value, json};

const ROOT: &str = "arn:aws:iam::111122223333:root";
const ROLE: &str = "arn:aws:iam::111122223333:role/clerk";

fn allow(principals: &[&str]) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": principals}, "Action": "kms:*", "Resource": "*"})
}

async fn may_encrypt(server: &Server, caller: &Principal, key: &str) -> bool {
    match server.call_by(caller, "Encrypt", json!({"KeyId": key, "Plaintext": "AAAA"})).await {
        Ok(_) => true,
        Err(refused) if refused.exception == "AccessDeniedException" => false,
        Err(refused) => panic!("{refused:?}"),
    }
}

/// Deletes the user and makes another one of the name, on a node whose clock is behind.
async fn made_again(installation: &Installation, server: &Server, user_name: &str) -> Principal {
    installation.advance(-60_000);
    installation.delete_user(user_name).await;
    let second = installation.create_user(user_name, &[]).await;
    server.kms.catalog().forget_identities();
    second
}

/// As [`made_again`], of the role `clerk`.
async fn role_made_again(installation: &Installation, server: &Server) -> Principal {
    installation.advance(-60_000);
    installation.delete_role("clerk").await;
    let second = installation.create_session("clerk", &[]).await;
    server.kms.catalog().forget_identities();
    second
}

#[tokio::test]
async fn a_user_who_is_made_again_is_not_the_one_of_the_policy() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let first = installation.create_user("alice", &[]).await;
    let given = server.create_key(json!({"Policy": crate::support::key_policy(&[allow(&[ROOT, &first.arn])])})).await;
    let put = server.create_key(json!({})).await;
    server.put_key_policy(&put, &[allow(&[ROOT, &first.arn])]).await;
    for key in [&given, &put] {
        assert!(may_encrypt(&server, &first, key).await);
    }
    let second = made_again(&installation, &server, "alice").await;
    assert_eq!(second.arn, first.arn);
    // A server that has it from the store says the same.
    for server in [&server, &installation.serve()] {
        for key in [&given, &put] {
            assert!(!may_encrypt(server, &second, key).await);
        }
    }
    // Put again by name, it means who has the name now.
    server.put_key_policy(&put, &[allow(&[ROOT, &first.arn])]).await;
    assert!(may_encrypt(&server, &second, &put).await);
    assert!(!may_encrypt(&server, &second, &given).await);
}

#[tokio::test]
async fn a_role_that_is_made_again_is_not_the_one_of_the_policy() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let first = installation.create_session("clerk", &[]).await;
    let by_role = server.create_key(json!({})).await;
    server.put_key_policy(&by_role, &[allow(&[ROOT, ROLE])]).await;
    let by_session = server.create_key(json!({})).await;
    server.put_key_policy(&by_session, &[allow(&[ROOT, &first.arn])]).await;
    for key in [&by_role, &by_session] {
        assert!(may_encrypt(&server, &first, key).await);
    }
    let second = role_made_again(&installation, &server).await;
    assert_eq!(second.arn, first.arn);
    for key in [&by_role, &by_session] {
        assert!(!may_encrypt(&server, &second, key).await);
    }
    server.put_key_policy(&by_role, &[allow(&[ROOT, ROLE])]).await;
    server.put_key_policy(&by_session, &[allow(&[ROOT, &second.arn])]).await;
    for key in [&by_role, &by_session] {
        assert!(may_encrypt(&server, &second, key).await);
    }
}

/// Who is excepted from a deny is the user that was named: another one of the name is denied.
#[tokio::test]
async fn an_exception_of_a_deny_is_not_inherited() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let first = installation.create_user("alice", &[]).await;
    let key = server.create_key(json!({})).await;
    let deny_others = json!({"Effect": "Deny", "NotPrincipal": {"AWS": [ROOT, first.arn]}, "Action": "kms:Encrypt",
        "Resource": "*"});
    let anyone = json!({"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "*"});
    server.put_key_policy(&key, &[anyone.clone(), deny_others.clone()]).await;
    assert!(may_encrypt(&server, &first, &key).await);
    let second = made_again(&installation, &server, "alice").await;
    assert!(!may_encrypt(&server, &second, &key).await);
    server.put_key_policy(&key, &[anyone, deny_others]).await;
    assert!(may_encrypt(&server, &second, &key).await);
}

/// Each of the related keys has a policy of its own, and so has what it means.
#[tokio::test]
async fn a_replica_means_whom_its_own_policy_named() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let first = installation.create_user("alice", &[]).await;
    let policy = crate::support::key_policy(&[allow(&[ROOT, &first.arn])]);
    let primary = server.create_key(json!({"MultiRegion": true, "Policy": policy})).await;
    let second = made_again(&installation, &server, "alice").await;
    let input = json!({"KeyId": primary, "ReplicaRegion": IRELAND, "Policy": policy});
    let made = server.call("ReplicateKey", input).await.unwrap();
    let replica = text(&made["ReplicaKeyMetadata"]["Arn"]);
    installation.advance(KEY_TRANSITION_MS);
    assert!(may_encrypt(&server, &second, &replica).await);
    assert!(!may_encrypt(&server, &second, &primary).await);
    let third = made_again(&installation, &server, "alice").await;
    installation.advance(KEY_TRANSITION_MS + 60_000);
    assert!(!may_encrypt(&server, &third, &replica).await);
    server.put_key_policy(&replica, &[allow(&[ROOT, &third.arn])]).await;
    assert!(may_encrypt(&server, &third, &replica).await);
    assert!(!may_encrypt(&server, &third, &primary).await);
}

/// Of what an earlier version stored nothing but the names is known. It means whoever has them, until it is put again.
#[tokio::test]
async fn a_policy_from_before_means_whoever_has_the_name() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let first = installation.create_user("alice", &[]).await;
    let key = server.create_key(json!({"Policy": crate::support::key_policy(&[allow(&[ROOT, &first.arn])])})).await;
    let mut stored = installation.stored(&key).await;
    assert_eq!(stored.policy_principals.len(), 1);
    stored.policy_principals.clear();
    installation.store.update_key(&stored).await.unwrap();
    let second = made_again(&installation, &server, "alice").await;
    let server = installation.serve();
    assert!(may_encrypt(&server, &second, &key).await);
    server.put_key_policy(&key, &[allow(&[ROOT, &first.arn])]).await;
    let third = made_again(&installation, &server, "alice").await;
    assert!(!may_encrypt(&server, &third, &key).await);
}

/// Neither with a token nor without it; nor may it be retired, or passed on.
#[tokio::test]
async fn a_role_that_is_made_again_has_none_of_the_grants() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let first = installation.create_session("clerk", &[]).await;
    let operations = ["Encrypt", "CreateGrant", "RetireGrant"];
    let mut made = Vec::new();
    for grantee in [ROLE, &first.arn] {
        made.push(server.grant_with(&key, grantee, &operations, json!({"RetiringPrincipal": ROLE})).await);
    }
    assert!(may_encrypt(&server, &first, &key).await);
    let second = role_made_again(&installation, &server).await;
    for made in &made {
        let with_token = json!({"KeyId": key, "Plaintext": "AAAA", "GrantTokens": [made.token]});
        let pass_on = json!({"KeyId": key, "GranteePrincipal": ROOT, "Operations": ["Encrypt"]});
        for (operation, input) in [
            ("Encrypt", json!({"KeyId": key, "Plaintext": "AAAA"})),
            ("Encrypt", with_token),
            ("CreateGrant", pass_on),
            ("RetireGrant", json!({"GrantToken": made.token})),
        ] {
            assert_eq!(server.refused_by(&second, operation, input).await.exception, "AccessDeniedException");
        }
    }
    // A grant to the new role is one beside them.
    let new = server.grant_with(&key, ROLE, &operations, json!({})).await;
    assert!(may_encrypt(&server, &second, &key).await);
    server.call_by(&second, "RetireGrant", json!({"GrantToken": new.token})).await.unwrap();
    assert!(!may_encrypt(&server, &second, &key).await);
}

/// The IDs of the grants that are listed for a retiring principal, sorted.
async fn retirable(server: &Server, caller: &Principal, principal: &str) -> Vec<String> {
    let mut input = json!({"RetiringPrincipal": principal, "Limit": 1});
    let mut ids = Vec::new();
    loop {
        let page = server.call_by(caller, "ListRetirableGrants", input.clone()).await.unwrap();
        ids.extend(page["Grants"].as_array().unwrap().iter().map(|grant| text(&grant["GrantId"])));
        let Some(marker) = page["NextMarker"].as_str() else { break };
        input["Marker"] = json!(marker);
    }
    ids.sort_unstable();
    ids
}

/// A grant that its retiring principal alone gets something of; its ID.
async fn grant_to_retire(server: &Server, key: &str, retiring: &str) -> String {
    server.grant_with(key, ROOT, &["Encrypt"], json!({"RetiringPrincipal": retiring})).await.id
}

/// Who may not retire them does not see them. While nobody has the name, it still stands for whom it stood.
#[tokio::test]
async fn what_a_former_user_could_retire_is_not_listed_for_the_one_who_has_the_name() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let root = Principal::root(account());
    let list = [statement("Allow", &["kms:ListRetirableGrants"], "*")];
    let first = installation.create_user("alice", &list).await;
    let of_first = grant_to_retire(&server, &key, &first.arn).await;
    assert_eq!(retirable(&server, &first, &first.arn).await, [of_first.as_str()]);

    installation.delete_user("alice").await;
    assert_eq!(retirable(&server, &root, &first.arn).await, [of_first.as_str()]);

    let second = installation.create_user("alice", &list).await;
    for caller in [&second, &root] {
        assert_eq!(retirable(&server, caller, &first.arn).await, Vec::<String>::new());
    }
    let mut of_second = Vec::new();
    for _ in 0..3 {
        of_second.push(grant_to_retire(&server, &key, &second.arn).await);
    }
    of_second.sort_unstable();
    assert_eq!(retirable(&server, &second, &second.arn).await, of_second);
    // It is there all the same, for those who manage the key.
    let all = server.grant_ids(&key).await;
    assert!(all.len() == 4 && all.contains(&of_first), "{all:?}");
}

#[tokio::test]
async fn what_a_former_role_could_retire_is_not_listed_either() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let root = Principal::root(account());
    let first = installation.create_session("clerk", &[]).await;
    let named = [ROLE, &first.arn];
    let made = [grant_to_retire(&server, &key, named[0]).await, grant_to_retire(&server, &key, named[1]).await];
    for (name, id) in named.iter().zip(&made) {
        assert_eq!(retirable(&server, &root, name).await, [id.as_str()]);
    }
    role_made_again(&installation, &server).await;
    for name in named {
        assert_eq!(retirable(&server, &root, name).await, Vec::<String>::new());
    }
    installation.delete_role("clerk").await;
    for (name, id) in named.iter().zip(&made) {
        assert_eq!(retirable(&server, &root, name).await, [id.as_str()]);
    }
}

/// A grant from before IDs were stored is of whoever has the name. An account and a federated user have names alone.
#[tokio::test]
async fn a_grant_without_an_id_is_listed_for_whoever_has_the_name() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let root = Principal::root(account());
    let first = installation.create_user("alice", &[]).await;
    let made = grant_to_retire(&server, &key, &first.arn).await;
    let stored = installation.stored(&key).await;
    let grants = installation.store.grants_of_key(&stored.region, &stored.id, None, None, 9).await.unwrap();
    let [grant] = &grants[..] else { panic!("{grants:?}") };
    assert!(grant.retiring_principal_id.is_some());
    installation.store.delete_grant(&stored.region, &stored.id, &grant.id).await.unwrap();
    let from_before = Grant { retiring_principal_id: None, ..grant.clone() };
    installation.store.insert_grant(&from_before, 9).await.unwrap();
    made_again(&installation, &server, "alice").await;
    assert_eq!(retirable(&server, &root, &first.arn).await, [made.as_str()]);
    for name in [ROOT, "arn:aws:sts::111122223333:federated-user/bob"] {
        let made = grant_to_retire(&server, &key, name).await;
        assert_eq!(retirable(&server, &root, name).await, [made.as_str()]);
    }
}

/// A grant of an account elsewhere, and one to an account as a whole, are to the name alone.
#[tokio::test]
async fn what_has_no_unique_id_goes_by_its_name() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    for grantee in [ROOT, "arn:aws:iam::999988887777:user/u", "arn:aws:sts::111122223333:federated-user/bob"] {
        server.grant_with(&key, grantee, &["Encrypt"], json!({})).await;
    }
    server.put_key_policy(&key, &[allow(&[ROOT, "arn:aws:iam::999988887777:role/r"])]).await;
    let stored = installation.stored(&key).await;
    assert!(stored.policy_principals.is_empty());
    let grants = installation.store.grants_of_key(&stored.region, &stored.id, None, None, 9).await.unwrap();
    assert_eq!(grants.iter().map(|grant| grant.grantee_id.clone()).collect::<Vec<_>>(), [None, None, None]);
}
