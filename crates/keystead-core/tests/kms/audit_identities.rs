//! Who called, in audit records; and calls about the keys of other accounts, which are recorded in both.
//!
//! Source: KMS core digest 7.1; AWS CloudTrail User Guide, "CloudTrail userIdentity element", `sharedEventID`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use crate::support::{Installation, Server, account, enable_iam, for_principal, other_account, statement};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_core::access::{Principal, PrincipalKind, Session};
use keystead_model::Timestamp;
use serde_json::{Value, json};

async fn identity_of(server: &Server, principal: &Principal) -> Value {
    server.call_by(principal, "ListKeys", json!({})).await.unwrap();
    server.records("ListKeys").pop().unwrap()["userIdentity"].clone()
}

fn session(at: Timestamp) -> Arc<Session> {
    Arc::new(Session {
        issued: at,
        expires: Timestamp::from_millis(i64::MAX),
        policies: None,
        tags: BTreeMap::new(),
        transitive_tag_keys: BTreeSet::new(),
        source_identity: None,
        federated_provider: None,
    })
}

#[tokio::test]
async fn every_kind_of_caller() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let everything = [statement("Allow", &["kms:*"], "*")];
    let attributes = json!({"creationDate": "2026-09-21T14:13:20Z", "mfaAuthenticated": "false"});
    let root = json!({"type": "Root", "principalId": "111122223333", "arn": "arn:aws:iam::111122223333:root",
        "accountId": "111122223333", "accessKeyId": "AKIATEST"});
    assert_eq!(identity_of(&server, &Principal::root(account())).await, root);

    let user = installation.create_user("alice", &everything).await;
    let mut expected = json!({"type": "IAMUser", "principalId": user.unique_id(), "userName": "alice",
        "arn": "arn:aws:iam::111122223333:user/alice", "accountId": "111122223333", "accessKeyId": "AKIATEST"});
    assert_eq!(identity_of(&server, &user).await, expected);
    let temporary = Principal { session: Some(session(installation.now())), ..user };
    expected["sessionContext"] = json!({"attributes": attributes});
    assert_eq!(identity_of(&server, &temporary).await, expected);

    let assumed = installation.create_session("role", &everything).await;
    let PrincipalKind::AssumedRole { role_id, .. } = &assumed.kind else { panic!("it is a role's session") };
    let issuer = json!({"type": "Role", "principalId": role_id, "arn": "arn:aws:iam::111122223333:role/role",
        "accountId": "111122223333", "userName": "role"});
    let mut expected = json!({"type": "AssumedRole", "principalId": format!("{role_id}:session"),
        "arn": "arn:aws:sts::111122223333:assumed-role/role/session", "accountId": "111122223333",
        "accessKeyId": "AKIATEST", "sessionContext": {"sessionIssuer": issuer, "attributes": attributes}});
    assert_eq!(identity_of(&server, &assumed).await, expected);
    let provider = "arn:aws:iam::111122223333:oidc-provider/issuer.example";
    let federated = Session {
        source_identity: Some("alice".to_owned()),
        federated_provider: Some(provider.to_owned()),
        ..(**assumed.session.as_ref().unwrap()).clone()
    };
    let federated = Principal { session: Some(Arc::new(federated)), ..assumed };
    expected["sessionContext"]["webIdFederationData"] = json!({"federatedProvider": provider, "attributes": {}});
    expected["sessionContext"]["sourceIdentity"] = json!("alice");
    assert_eq!(identity_of(&server, &federated).await, expected);
}

/// The owner's record has an ID of its own, and shows of the caller its account and its unique ID.
#[tokio::test]
async fn calls_about_another_accounts_key() {
    let installation = Installation::new().await;
    installation.create_other_account().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    let allow = for_principal("Allow", "444455556666", &["kms:Encrypt"]);
    server.put_key_policy(&arn, &[enable_iam(), allow]).await;
    let everything = [statement("Allow", &["kms:*"], "*")];
    let stranger = installation.create_user_of(other_account(), "stranger", &everything).await;
    let input = json!({"KeyId": arn, "Plaintext": STANDARD.encode("text")});
    server.call_by(&stranger, "Encrypt", input.clone()).await.unwrap();
    let records = server.records("Encrypt");
    let [callers, owners] = &records[..] else { panic!("{records:?}") };
    let recipients = |record: &Value| record["recipientAccountId"].clone();
    assert_eq!((recipients(callers), recipients(owners)), (json!("444455556666"), json!("111122223333")));
    assert!(callers["sharedEventID"].is_string());
    assert_ne!(callers["eventID"], owners["eventID"]);
    for same in ["sharedEventID", "requestID", "requestParameters", "resources", "eventTime", "sourceIPAddress"] {
        assert_eq!(callers[same], owners[same], "{same}");
    }
    assert_eq!(callers["resources"], json!([{"accountId": "111122223333", "type": "AWS::KMS::Key", "ARN": arn}]));
    assert_eq!(callers["userIdentity"]["arn"], json!(stranger.arn));
    let identity = json!({"type": "AWSAccount", "principalId": stranger.unique_id(), "accountId": "444455556666"});
    assert_eq!(owners["userIdentity"], identity);

    // A failure is the owner's business as well, but for what is denied.
    server.call("DisableKey", json!({"KeyId": arn})).await.unwrap();
    server.refused_by(&stranger, "Encrypt", input).await;
    let records = server.records("Encrypt");
    assert_eq!(records[2..].iter().map(recipients).collect::<Vec<_>>(), ["444455556666", "111122223333"]);
    assert!(records[2..].iter().all(|record| record["errorCode"] == "DisabledException"));
    server.refused_by(&stranger, "DescribeKey", json!({"KeyId": arn})).await;
    let denied = server.records("DescribeKey");
    assert_eq!(denied.iter().map(recipients).collect::<Vec<_>>(), ["444455556666"]);
    assert_eq!((&denied[0]["errorCode"], &denied[0]["sharedEventID"]), (&json!("AccessDenied"), &Value::Null));
    // In one account there is one record.
    server.describe(&arn).await;
    let own = server.records("DescribeKey").pop().unwrap();
    assert_eq!((server.records("DescribeKey").len(), &own["sharedEventID"]), (2, &Value::Null));
}
