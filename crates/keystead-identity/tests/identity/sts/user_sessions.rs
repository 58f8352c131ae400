//! GetSessionToken.

use keystead_core::access::Principal;
use keystead_core::port::{IdentityStore, SessionHolder};
use serde_json::json;

use super::support::{Sts, allow, trust};
use crate::support::account;

#[tokio::test]
async fn a_users_session_may_what_the_user_may() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[allow(&["kms:ListKeys"], "*")]).await;
    let answer = sts.by(&alice, "GetSessionToken", &[]).await.unwrap();
    let credentials = &answer["Credentials"];
    assert_eq!(credentials["Expiration"], "2026-09-22T02:13:20Z", "twelve hours");
    let identity = sts.with(credentials, "GetCallerIdentity", &[]).await.unwrap();
    assert_eq!(identity["Arn"], "arn:aws:iam::111122223333:user/alice");
    assert_eq!(identity["UserId"], "AIDA000000000000ALICE");
    sts.kms_with(credentials, "ListKeys", json!({})).await.unwrap();
    assert_eq!(sts.kms_with(credentials, "CreateKey", json!({})).await.unwrap_err().code, "AccessDeniedException");
    let record = &sts.records("GetSessionToken")[0];
    assert_eq!(record["responseElements"]["credentials"]["accessKeyId"], credentials["AccessKeyId"]);
    assert!(!sts.all_records().contains(credentials["SecretAccessKey"].as_str().unwrap()));
}

#[tokio::test]
async fn it_lasts_as_long_as_is_asked_within_limits() {
    let sts = Sts::new().await;
    let (alice, root) = (sts.user("alice", &[]).await, Principal::root(account()));
    for (who, asked, expiration) in [
        (&alice, "900", Some("2026-09-21T14:28:20Z")),
        (&alice, "129600", Some("2026-09-23T02:13:20Z")),
        (&alice, "899", None),
        (&alice, "129601", None),
        (&root, "900", Some("2026-09-21T14:28:20Z")),
        // An hour, whatever is asked.
        (&root, "129600", Some("2026-09-21T15:13:20Z")),
    ] {
        let answer = sts.by(who, "GetSessionToken", &[("DurationSeconds", asked)]).await;
        assert_eq!(
            answer.as_ref().ok().map(|answer| answer["Credentials"]["Expiration"].as_str().unwrap()),
            expiration
        );
    }
    let of_root = sts.by(&root, "GetSessionToken", &[]).await.unwrap();
    let identity = sts.with(&of_root["Credentials"], "GetCallerIdentity", &[]).await.unwrap();
    assert_eq!(identity["Arn"], "arn:aws:iam::111122223333:root");
    sts.kms_with(&of_root["Credentials"], "ListKeys", json!({})).await.unwrap();
}

#[tokio::test]
async fn temporary_credentials_get_no_others_but_of_roles() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[allow(&["sts:*"], "*")]).await;
    let role = sts.role("Deploy", &[trust("111122223333", &["sts:AssumeRole"])], &[allow(&["sts:*"], "*")]).await;
    let of_user = sts.by(&alice, "GetSessionToken", &[]).await.unwrap()["Credentials"].clone();
    let of_role = sts.assume_with(&of_user, &role, &[]).await.unwrap()["Credentials"].clone();
    for credentials in [&of_user, &of_role] {
        let refused = sts.with(credentials, "GetSessionToken", &[]).await.unwrap_err();
        assert_eq!(refused.message, "Cannot call GetSessionToken with session credentials");
    }
    let key = [("AccessKeyId", of_user["AccessKeyId"].as_str().unwrap())];
    assert_eq!(sts.with(&of_user, "GetAccessKeyInfo", &key).await.unwrap_err().code, "AccessDenied");
    sts.with(&of_role, "GetAccessKeyInfo", &key).await.unwrap();
}

#[tokio::test]
async fn the_root_users_ends_by_revocation() {
    let sts = Sts::new().await;
    let root = Principal::root(account());
    let first = sts.by(&root, "GetSessionToken", &[]).await.unwrap()["Credentials"].clone();
    sts.kms_with(&first, "ListKeys", json!({})).await.unwrap();
    sts.installation.advance(1000);
    let (account, now) = (account(), sts.installation.now());
    sts.installation.store.revoke_sessions(SessionHolder::Root(&account), now).await.unwrap();
    sts.catalog().forget_identities();
    assert_eq!(sts.with(&first, "GetCallerIdentity", &[]).await.unwrap_err().code, "InvalidClientTokenId");
    let second = sts.by(&root, "GetSessionToken", &[]).await.unwrap()["Credentials"].clone();
    sts.kms_with(&second, "ListKeys", json!({})).await.unwrap();
}

#[tokio::test]
async fn it_ends_with_the_user_or_by_revocation() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let first = sts.by(&alice, "GetSessionToken", &[]).await.unwrap()["Credentials"].clone();
    sts.installation.advance(1000);
    let (account, now) = (account(), sts.installation.now());
    sts.installation.store.revoke_sessions(SessionHolder::User(&account, "alice"), now).await.unwrap();
    sts.catalog().forget_identities();
    assert_eq!(sts.with(&first, "GetCallerIdentity", &[]).await.unwrap_err().code, "InvalidClientTokenId");
    let second = sts.by(&alice, "GetSessionToken", &[]).await.unwrap()["Credentials"].clone();
    sts.with(&second, "GetCallerIdentity", &[]).await.unwrap();
    let stored = sts.installation.store.user(&account, "alice").await.unwrap().unwrap();
    sts.installation.store.delete_user(&account, "alice", stored.revision).await.unwrap();
    sts.catalog().forget_identities();
    assert_eq!(sts.with(&second, "GetCallerIdentity", &[]).await.unwrap_err().code, "InvalidClientTokenId");
}
