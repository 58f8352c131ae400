//! Key policies when they are stored: the lockout safety check, principals, and one that cannot be read.
//!
//! Source: KMS core digest 4.1; KMS API Reference, PutKeyPolicy, `BypassPolicyLockoutSafetyCheck`.

use crate::support::{Installation, OHIO, Server, denied, enable_iam, for_principal, key_policy, statement};
use keystead_core::port::Store;
use serde_json::{Value, json};

const LOCKOUT: &str = "The new key policy will not allow you to update the key policy in the future.";

async fn new() -> (Installation, Server, String) {
    let installation = Installation::new().await;
    let server = installation.serve();
    let arn = server.create_key(json!({})).await;
    (installation, server, arn)
}

fn with_condition(mut statement: Value, condition: Value) -> Value {
    statement["Condition"] = condition;
    statement
}

/// The caller must be able to replace the policy by what it says, to itself or to its account; identity policies do not matter.
#[tokio::test]
async fn the_author_is_not_locked_out() {
    let (installation, server, _) = new().await;
    let user = installation.create_user("author", &[statement("Allow", &["kms:*"], "*")]).await;
    let session = installation.create_session("author-role", &[statement("Allow", &["kms:*"], "*")]).await;
    let other = installation.create_user("other", &[]).await;
    let to = |principal: &str| for_principal("Allow", principal, &["kms:*"]);
    let role = "arn:aws:iam::111122223333:role/author-role";
    let deny = for_principal("Deny", "*", &["kms:PutKeyPolicy"]);
    let key_spec = |spec: &str| json!({"StringEquals": {"kms:KeySpec": spec}});
    let stage = |stage: &str| json!({"StringEquals": {"aws:ResourceTag/Stage": stage}});
    let secure = json!({"Bool": {"aws:SecureTransport": "true"}});
    let bypass = |bypass: &str| json!({"Bool": {"kms:BypassPolicyLockoutSafetyCheck": bypass}});
    let account =
        json!({"StringEquals": {"kms:CallerAccount": "111122223333", "aws:PrincipalAccount": "111122223333"}});
    let cases = [
        (vec![enable_iam()], [true, true]),
        (vec![to("111122223333")], [true, true]),
        (vec![to("*")], [true, true]),
        (vec![to(&user.arn)], [true, false]),
        (vec![to(role)], [false, true]),
        (vec![to(&session.arn)], [false, true]),
        (vec![to(&other.arn)], [false, false]),
        (vec![to("444455556666")], [false, false]),
        (vec![for_principal("Allow", "*", &["kms:Put*"])], [true, true]),
        (vec![for_principal("Allow", "*", &["kms:Get*"])], [false, false]),
        (vec![enable_iam(), deny], [false, false]),
        (vec![with_condition(enable_iam(), key_spec("SYMMETRIC_DEFAULT"))], [true, true]),
        (vec![with_condition(enable_iam(), key_spec("RSA_2048"))], [false, false]),
        (vec![with_condition(enable_iam(), stage("test"))], [true, true]),
        (vec![with_condition(enable_iam(), stage("production"))], [false, false]),
        (vec![with_condition(enable_iam(), secure)], [false, false]),
        (vec![with_condition(enable_iam(), bypass("false"))], [true, true]),
        (vec![with_condition(enable_iam(), bypass("true"))], [false, false]),
        (vec![with_condition(enable_iam(), account)], [true, true]),
    ];
    let tags = json!([{"TagKey": "Stage", "TagValue": "test"}]);
    for (statements, may) in cases {
        let policy = key_policy(&statements);
        for (caller, may) in [&user, &session].into_iter().zip(may) {
            // The one before may have let nobody in any more.
            let arn = server.create_key(json!({"Tags": tags})).await;
            let put = server.call_by(caller, "PutKeyPolicy", json!({"KeyId": arn, "Policy": policy})).await;
            let create = server.call_by(caller, "CreateKey", json!({"Policy": policy, "Tags": tags})).await;
            for answer in [put, create] {
                match answer {
                    Ok(_) => assert!(may, "{} by {}", policy, caller.arn),
                    Err(refused) => {
                        assert_eq!(refused.exception, "MalformedPolicyDocumentException");
                        assert_eq!((may, refused.message.as_str()), (false, LOCKOUT), "{policy} by {}", caller.arn);
                    }
                }
            }
        }
    }
}

/// A replica's policy is looked at as that of a replica, in its Region.
#[tokio::test]
async fn the_policy_of_a_replica() {
    let (_installation, server, _) = new().await;
    let primary = server.create_key(json!({"MultiRegion": true})).await;
    let input = |condition: Value| json!({"KeyId": primary, "ReplicaRegion": OHIO, "Policy": key_policy(&[with_condition(enable_iam(), condition)])});
    for condition in [
        json!({"StringEquals": {"kms:MultiRegionKeyType": "PRIMARY"}}),
        json!({"StringEquals": {"aws:RequestedRegion": "us-east-1"}}),
    ] {
        assert_eq!(server.refused("ReplicateKey", input(condition)).await.message, LOCKOUT);
    }
    let condition = json!({"StringEquals": {"kms:MultiRegionKeyType": "REPLICA", "aws:RequestedRegion": OHIO}});
    server.call("ReplicateKey", input(condition)).await.unwrap();
}

#[tokio::test]
async fn principals_must_exist() {
    let (installation, server, arn) = new().await;
    let user = installation.create_user("user", &[]).await;
    installation.create_session("role", &[]).await;
    let invalid = "Policy contains a statement with one or more invalid principals.";
    for (principal, exists) in [
        (user.arn.as_str(), true),
        ("arn:aws:iam::111122223333:role/role", true),
        ("arn:aws:sts::111122223333:assumed-role/role/any-session", true),
        ("arn:aws:iam::111122223333:user/nobody", false),
        ("arn:aws:iam::111122223333:role/nobody", false),
        ("arn:aws:sts::111122223333:assumed-role/nobody/session", false),
        ("arn:aws:iam::111122223333:user/path/user", false),
        ("arn:aws:iam::111122223333:group/admins", false),
        // Of an account that is not here nothing is known.
        ("arn:aws:iam::999988887777:user/somebody", true),
    ] {
        let policy = key_policy(&[enable_iam(), for_principal("Allow", principal, &["kms:Encrypt"])]);
        let answer = server.call("PutKeyPolicy", json!({"KeyId": arn, "Policy": policy})).await;
        match answer {
            Ok(_) => assert!(exists, "{principal}"),
            Err(refused) => assert_eq!((exists, refused.message.as_str()), (false, invalid), "{principal}"),
        }
    }
}

/// A new policy counts at once, and on another server once it has read the change feed.
#[tokio::test]
async fn a_new_policy_counts() {
    let (installation, server, arn) = new().await;
    let user = installation.create_user("user", &[]).await;
    let other_server = installation.serve();
    let mut sequence = None;
    keystead_core::background::read_change_feed(&other_server.kms, &mut sequence).await.unwrap();
    let describe = json!({"KeyId": arn});
    for (statements, may) in [
        (vec![enable_iam()], false),
        (vec![enable_iam(), for_principal("Allow", &user.arn, &["kms:DescribeKey"])], true),
        (vec![enable_iam()], false),
    ] {
        server.put_key_policy(&arn, &statements).await;
        keystead_core::background::read_change_feed(&other_server.kms, &mut sequence).await.unwrap();
        for server in [&server, &other_server] {
            assert_eq!(server.call_by(&user, "DescribeKey", describe.clone()).await.is_ok(), may);
        }
    }
}

/// One that an early version stored and that cannot be read any more lets nobody in, a grantee neither; the key is there all the same.
#[tokio::test]
async fn a_policy_that_cannot_be_read() {
    let (installation, server, arn) = new().await;
    let user = installation.create_user("user", &[statement("Allow", &["kms:*"], "*")]).await;
    let grant = json!({"KeyId": arn, "GranteePrincipal": user.arn, "Operations": ["DescribeKey"]});
    server.call("CreateGrant", grant).await.unwrap();
    let mut key = installation.stored(&arn).await;
    key.policy = r#"{"Statement": "none"}"#.to_owned();
    installation.store.update_key(&key).await.unwrap();
    let server = installation.serve();
    let root = keystead_core::access::Principal::root(crate::support::account());
    for caller in [&user, &root] {
        let refused = server.refused_by(caller, "DescribeKey", json!({"KeyId": arn})).await;
        let reason = " with an explicit deny in a resource-based policy";
        assert_eq!(refused, denied(&caller.arn, "kms:DescribeKey", &arn, reason));
    }
    let keys = server.call("ListKeys", json!({})).await.unwrap();
    assert_eq!(keys["Keys"][0]["KeyArn"], json!(arn));
}
