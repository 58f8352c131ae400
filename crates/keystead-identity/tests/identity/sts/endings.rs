//! How sessions end, and tokens that never began.

use std::collections::BTreeMap;
use std::sync::Arc;

use keystead_core::access::{ManagedPolicy, PolicyVersion, Principal};
use keystead_core::catalog::Catalog;
use keystead_core::port::{IdentityStore, SessionHolder};
use keystead_core::sealing::RootKey;
use serde_json::{Value, json};

use super::support::{Sts, allow, document, trust};
use crate::support::account;

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

async fn deploy(sts: &Sts) -> (Principal, String) {
    let alice = sts.user("alice", &[]).await;
    let role = sts.role("Deploy", &[trust(ALICE, &["sts:AssumeRole"])], &[allow(&["kms:ListKeys"], "*")]).await;
    (alice, role)
}

async fn works(sts: &Sts, credentials: &Value) -> bool {
    sts.kms_with(credentials, "ListKeys", json!({})).await.is_ok()
}

#[tokio::test]
async fn a_session_expires() {
    let sts = Sts::new().await;
    let (alice, role) = deploy(&sts).await;
    let credentials = sts.assume(&alice, &role, &[("DurationSeconds", "900")]).await.unwrap()["Credentials"].clone();
    sts.installation.advance(899_999);
    assert!(works(&sts, &credentials).await);
    sts.installation.advance(1);
    assert_eq!(sts.with(&credentials, "GetCallerIdentity", &[]).await.unwrap_err().code, "ExpiredToken");
}

#[tokio::test]
async fn sessions_from_before_a_revocation_end_and_later_ones_do_not() {
    let sts = Sts::new().await;
    let (alice, role) = deploy(&sts).await;
    let before = sts.assume(&alice, &role, &[]).await.unwrap()["Credentials"].clone();
    assert!(works(&sts, &before).await);
    sts.installation.advance(1000);
    let (account, now) = (account(), sts.installation.now());
    sts.installation.store.revoke_sessions(SessionHolder::Role(&account, "Deploy"), now).await.unwrap();
    sts.catalog().forget_identities();
    assert!(!works(&sts, &before).await);
    assert_eq!(sts.with(&before, "GetCallerIdentity", &[]).await.unwrap_err().code, "InvalidClientTokenId");
    let after = sts.assume(&alice, &role, &[]).await.unwrap()["Credentials"].clone();
    assert!(works(&sts, &after).await);
}

#[tokio::test]
async fn a_session_ends_with_its_role_even_if_another_takes_its_name() {
    let sts = Sts::new().await;
    let (alice, role) = deploy(&sts).await;
    let credentials = sts.assume(&alice, &role, &[]).await.unwrap()["Credentials"].clone();
    assert!(works(&sts, &credentials).await);
    sts.installation.store.delete_role(&account(), "Deploy", 0).await.unwrap();
    sts.catalog().forget_identities();
    assert!(!works(&sts, &credentials).await);
    let statements = [allow(&["kms:ListKeys"], "*")];
    sts.changed_role("Deploy", &[trust(ALICE, &["sts:AssumeRole"])], &statements, |role| {
        role.role_id = "AROAANOTHERROLE222222".to_owned();
    })
    .await;
    sts.catalog().forget_identities();
    assert!(!works(&sts, &credentials).await);
}

#[tokio::test]
async fn what_the_role_may_is_looked_up_each_time() {
    let sts = Sts::new().await;
    let (alice, role) = deploy(&sts).await;
    let credentials = sts.assume(&alice, &role, &[]).await.unwrap()["Credentials"].clone();
    assert!(works(&sts, &credentials).await);
    let mut stored = sts.installation.store.role(&account(), "Deploy").await.unwrap().unwrap();
    let old = json!({"DateLessThan": {"aws:TokenIssueTime": "2100-01-01T00:00:00Z"}});
    let deny = json!({"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": old});
    stored.policies.inline.insert("revoke-older-sessions".to_owned(), document(&[deny]));
    sts.installation.store.update_role(&stored).await.unwrap();
    sts.catalog().forget_identities();
    assert!(!works(&sts, &credentials).await);
}

#[tokio::test]
async fn a_managed_session_policy_counts_as_it_is_now_and_without_it_nothing_is_allowed() {
    let sts = Sts::new().await;
    let (alice, role) = deploy(&sts).await;
    let mut policy = managed_policy(&sts, &document(&[allow(&["kms:ListKeys"], "*")]));
    sts.installation.store.insert_policy(&policy, 10).await.unwrap();
    let arn = policy.arn();
    let all = document(&[allow(&["*"], "*")]);
    let alone = sts.assume(&alice, &role, &[("PolicyArns.member.1.arn", &arn)]).await.unwrap()["Credentials"].clone();
    let beside = [("PolicyArns.member.1.arn", arn.as_str()), ("Policy", &all)];
    let beside = sts.assume(&alice, &role, &beside).await.unwrap()["Credentials"].clone();
    assert!(works(&sts, &alone).await && works(&sts, &beside).await);
    policy.versions[0].document = document(&[json!({"Effect": "Deny", "Action": "kms:ListKeys", "Resource": "*"})]);
    sts.installation.store.update_policy(&policy).await.unwrap();
    sts.catalog().forget_identities();
    assert!(!works(&sts, &alone).await && !works(&sts, &beside).await);
    let stored = sts.installation.store.policy(&account(), "limit").await.unwrap().unwrap();
    sts.installation.store.delete_policy(&account(), "limit", stored.revision).await.unwrap();
    sts.catalog().forget_identities();
    assert!(!works(&sts, &alone).await && !works(&sts, &beside).await, "it might have denied");
}

fn managed_policy(sts: &Sts, document: &str) -> ManagedPolicy {
    let now = sts.installation.now();
    let version = PolicyVersion { number: 1, document: document.to_owned(), created: now };
    ManagedPolicy {
        account: account(),
        policy_name: "limit".to_owned(),
        path: "/".to_owned(),
        policy_id: "ANPA22222222222222222".to_owned(),
        created: now,
        updated: now,
        description: String::new(),
        tags: BTreeMap::new(),
        versions: vec![version],
        default_version: 1,
        next_version: 2,
        revision: 0,
    }
}

/// In each class of bytes that a token is made of: code, version, lengths, texts, times, the last one.
#[tokio::test]
async fn an_altered_token_and_one_of_another_installation_are_none() {
    let sts = Sts::new().await;
    let (alice, role) = deploy(&sts).await;
    let policy = document(&[allow(&["kms:ListKeys"], "*")]);
    let credentials = sts.assume(&alice, &role, &[("Policy", &policy)]).await.unwrap()["Credentials"].clone();
    let token = credentials["SessionToken"].as_str().unwrap();
    let catalog = sts.catalog();
    assert!(catalog.session_credential(token).await.unwrap().is_some());
    for position in 0..token.len() {
        let other = if token.as_bytes()[position] == b'A' { 'B' } else { 'A' };
        let altered: String =
            token.char_indices().map(|(index, own)| if index == position { other } else { own }).collect();
        assert!(catalog.session_credential(&altered).await.unwrap().is_none(), "{position}");
    }
    for no_token in
        ["", " ", "=", "AAAA", &token[1..], &token[..token.len() - 4], &format!("{token} "), &token.repeat(20)]
    {
        assert!(catalog.session_credential(no_token).await.unwrap().is_none());
    }
    let elsewhere = Catalog::new(sts.installation.store.clone(), Arc::new(RootKey::new(&[8; 32]).unwrap()));
    assert!(elsewhere.session_credential(token).await.unwrap().is_none());
    // Every server over the same store and root key knows it, and its secret.
    let beside = sts.installation.serve().kms;
    let known = beside.catalog().session_credential(token).await.unwrap().unwrap();
    assert_eq!(known.secret_access_key.expose(), credentials["SecretAccessKey"].as_str().unwrap());
}
