//! GetCallerIdentity and GetAccessKeyInfo.

use keystead_core::access::Principal;
use serde_json::json;

use super::support::{Sts, allow};
use crate::support::account;

#[tokio::test]
async fn anyone_may_ask_who_they_are() {
    let sts = Sts::new().await;
    let deny = json!({"Effect": "Deny", "Action": "*", "Resource": "*"});
    let alice = sts.user("alice", &[deny]).await;
    let identity = sts.by(&alice, "GetCallerIdentity", &[]).await.unwrap();
    let expected = json!({"UserId": "AIDA000000000000ALICE", "Account": "111122223333", "Arn": "arn:aws:iam::111122223333:user/alice"});
    assert_eq!(identity, expected);
    let identity = sts.by(&Principal::root(account()), "GetCallerIdentity", &[]).await.unwrap();
    let expected =
        json!({"UserId": "111122223333", "Account": "111122223333", "Arn": "arn:aws:iam::111122223333:root"});
    assert_eq!(identity, expected);
    assert_eq!(sts.records("GetCallerIdentity")[0]["responseElements"], json!(null));
}

#[tokio::test]
async fn an_access_key_id_tells_its_account_to_who_may_ask() {
    let sts = Sts::new().await;
    let (alice, bob) = (sts.user("alice", &[allow(&["sts:GetAccessKeyInfo"], "*")]).await, sts.user("bob", &[]).await);
    let session = sts.by(&bob, "GetSessionToken", &[]).await.unwrap();
    let of_session = [("AccessKeyId", session["Credentials"]["AccessKeyId"].as_str().unwrap())];
    let answer = sts.by(&alice, "GetAccessKeyInfo", &of_session).await.unwrap();
    assert_eq!(answer, json!({"Account": "111122223333"}));
    assert_eq!(sts.by(&bob, "GetAccessKeyInfo", &of_session).await.unwrap_err().code, "AccessDenied");
    for other in ["AKIAEXAMPLEEXAMPLE22", "ASIA7777777777777777", "short", "AKIA EXAMPLE EXAMPLE"] {
        assert_eq!(
            sts.by(&alice, "GetAccessKeyInfo", &[("AccessKeyId", other)]).await.unwrap_err().code,
            "ValidationError"
        );
    }
}
