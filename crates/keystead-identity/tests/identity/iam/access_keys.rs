//! Access keys.

use keystead_core::access::AccessKeyStatus;
use keystead_model::arn::Region;
use serde_json::{Value, json};

use crate::support::Iam;

async fn create(iam: &Iam, user_name: &str) -> Value {
    iam.call("CreateAccessKey", &[("UserName", user_name)]).await.unwrap()["AccessKey"].clone()
}

fn id(access_key: &Value) -> String {
    access_key["AccessKeyId"].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn the_secret_is_shown_once_and_recorded_never() {
    let iam = Iam::new().await;
    iam.call("CreateUser", &[("UserName", "alice")]).await.unwrap();
    let made = create(&iam, "alice").await;
    let secret = made["SecretAccessKey"].as_str().unwrap();
    assert_eq!(secret.len(), 40);
    let metadata = json!({
        "UserName": "alice", "AccessKeyId": id(&made), "Status": "Active", "CreateDate": "2026-09-21T14:13:20Z",
    });
    let listed = iam.call("ListAccessKeys", &[("UserName", "alice")]).await.unwrap();
    assert_eq!(listed, json!({"AccessKeyMetadata": [metadata], "IsTruncated": "false"}));
    let records = iam.records("CreateAccessKey");
    let recorded = json!({"accessKey": {
        "userName": "alice", "accessKeyId": id(&made), "status": "Active", "createDate": "2026-09-21T14:13:20Z",
    }});
    assert_eq!(records[0]["responseElements"], recorded);
    assert_eq!(records[0]["requestParameters"], json!({"userName": "alice"}));
    assert!(!records[0].to_string().contains(secret));
    let credential = iam.kms.catalog().credential(&id(&made)).await.unwrap().unwrap();
    assert_eq!(credential.secret_access_key.expose(), secret);
}

#[tokio::test]
async fn a_change_counts_at_once() {
    let iam = Iam::new().await;
    iam.call("CreateUser", &[("UserName", "alice")]).await.unwrap();
    let id = id(&create(&iam, "alice").await);
    let key = [("UserName", "alice"), ("AccessKeyId", id.as_str())];
    for (status, expected) in [("Inactive", AccessKeyStatus::Inactive), ("Active", AccessKeyStatus::Active)] {
        // Cached here, as any use would.
        iam.kms.catalog().credential(&id).await.unwrap().unwrap();
        iam.call("UpdateAccessKey", &[key[0], key[1], ("Status", status)]).await.unwrap();
        assert_eq!(iam.kms.catalog().credential(&id).await.unwrap().unwrap().status, expected);
        let listed = iam.call("ListAccessKeys", &key[..1]).await.unwrap();
        assert_eq!(listed["AccessKeyMetadata"][0]["Status"], status);
    }
    iam.call("DeleteAccessKey", &key).await.unwrap();
    assert!(iam.kms.catalog().credential(&id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_user_has_two_at_most() {
    let iam = Iam::new().await;
    iam.call("CreateUser", &[("UserName", "alice")]).await.unwrap();
    create(&iam, "alice").await;
    let alice = [("UserName", "alice")];
    let (one, other) = tokio::join!(iam.call("CreateAccessKey", &alice), iam.call("CreateAccessKey", &alice));
    let refused: Vec<_> = [one, other].into_iter().filter_map(Result::err).collect();
    assert_eq!(refused.len(), 1);
    assert_eq!((refused[0].status, refused[0].code.as_str()), (409, "LimitExceeded"));
    assert_eq!(refused[0].message, "Cannot exceed quota for AccessKeysPerUser: 2");
    let first = iam.call("ListAccessKeys", &[("UserName", "alice"), ("MaxItems", "1")]).await.unwrap();
    let marker = first["Marker"].as_str().unwrap();
    let second = iam.call("ListAccessKeys", &[("UserName", "alice"), ("Marker", marker)]).await.unwrap();
    assert_ne!(first["AccessKeyMetadata"], second["AccessKeyMetadata"]);
    assert_eq!(second["IsTruncated"], "false");
}

#[tokio::test]
async fn those_of_the_caller_go_without_a_name() {
    let iam = Iam::new().await;
    let own =
        json!({"Effect": "Allow", "Action": "iam:*AccessKey*", "Resource": "arn:aws:iam::*:user/${aws:username}"});
    let alice = iam.user_who_may("alice", own).await;
    let made = iam.call_as(alice.clone(), "CreateAccessKey", &[]).await.unwrap()["AccessKey"].clone();
    assert_eq!(made["UserName"], "alice");
    let of_root = iam.call("CreateAccessKey", &[]).await.unwrap()["AccessKey"].clone();
    let listed = iam.call_as(alice.clone(), "ListAccessKeys", &[]).await.unwrap();
    assert_eq!(listed["AccessKeyMetadata"].as_array().unwrap().len(), 1);
    let listed = iam.call("ListAccessKeys", &[]).await.unwrap();
    assert_eq!(listed["AccessKeyMetadata"][0]["AccessKeyId"], id(&of_root));
    // Nobody's is changed by another's name.
    let others = [("AccessKeyId", id(&of_root))];
    let members = [(others[0].0, others[0].1.as_str())];
    let refused = iam.call_as(alice.clone(), "DeleteAccessKey", &members).await.unwrap_err();
    assert_eq!(refused.code, "NoSuchEntity");
    assert_eq!(refused.message, format!("The Access Key with id {} cannot be found.", id(&of_root)));
    iam.call("DeleteAccessKey", &members).await.unwrap();
    let own = id(&made);
    iam.call_as(alice, "UpdateAccessKey", &[("AccessKeyId", own.as_str()), ("Status", "Inactive")]).await.unwrap();
}

#[tokio::test]
async fn what_is_not_there_or_cannot_be_is_refused() {
    let iam = Iam::new().await;
    iam.call("CreateUser", &[("UserName", "alice")]).await.unwrap();
    let none = "AKIAAAAAAAAAAAAAAAAA";
    for (operation, members, code) in [
        ("CreateAccessKey", vec![("UserName", "bob")], "NoSuchEntity"),
        ("ListAccessKeys", vec![("UserName", "bob")], "NoSuchEntity"),
        ("DeleteAccessKey", vec![("UserName", "alice"), ("AccessKeyId", none)], "NoSuchEntity"),
        ("DeleteAccessKey", vec![("UserName", "alice"), ("AccessKeyId", "AKIA")], "ValidationError"),
        ("DeleteAccessKey", vec![("UserName", "alice")], "ValidationError"),
        ("UpdateAccessKey", vec![("AccessKeyId", none), ("Status", "Active")], "NoSuchEntity"),
        ("UpdateAccessKey", vec![("AccessKeyId", none), ("Status", "Expired")], "ValidationError"),
        ("UpdateAccessKey", vec![("AccessKeyId", none)], "ValidationError"),
        ("GetAccessKeyLastUsed", vec![("AccessKeyId", none)], "AccessDenied"),
        ("GetAccessKeyLastUsed", vec![], "ValidationError"),
    ] {
        assert_eq!(iam.refused(operation, &members).await.0, code, "{operation} {members:?}");
    }
}

#[tokio::test]
async fn the_last_use_is_told_from_memory_and_from_the_store() {
    let iam = Iam::new().await;
    iam.call("CreateUser", &[("UserName", "alice")]).await.unwrap();
    let id = id(&create(&iam, "alice").await);
    let key = [("AccessKeyId", id.as_str())];
    let expected = |last_use: Value| json!({"UserName": "alice", "AccessKeyLastUsed": last_use});
    let never = expected(json!({"ServiceName": "N/A", "Region": "N/A"}));
    assert_eq!(iam.call("GetAccessKeyLastUsed", &key).await.unwrap(), never);
    iam.kms.note_access_key_use(&id, &Region::parse("eu-west-1").unwrap(), "kms");
    let first = expected(json!({"LastUsedDate": "2026-09-21T14:13:20Z", "ServiceName": "kms", "Region": "eu-west-1"}));
    assert_eq!(iam.call("GetAccessKeyLastUsed", &key).await.unwrap(), first);
    iam.kms.store_last_usages().await.unwrap();
    assert_eq!(iam.call("GetAccessKeyLastUsed", &key).await.unwrap(), first);
    // Another server sees what is stored.
    let elsewhere = iam.installation.serve().kms;
    assert_eq!(elsewhere.access_key_last_use(&id).await.unwrap().unwrap().service, "kms");
    iam.installation.advance(60_000);
    iam.kms.note_access_key_use(&id, &Region::parse("us-east-1").unwrap(), "iam");
    let later = expected(json!({"LastUsedDate": "2026-09-21T14:14:20Z", "ServiceName": "iam", "Region": "us-east-1"}));
    assert_eq!(iam.call("GetAccessKeyLastUsed", &key).await.unwrap(), later);
}
