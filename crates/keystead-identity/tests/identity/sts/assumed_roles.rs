//! AssumeRole by users.

use keystead_core::access::PrincipalKind;
use keystead_core::port::IdentityStore;
use serde_json::{Value, json};

use super::support::{Sts, allow, document, other_account, trust, trust_if};
use crate::support::account;

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

#[tokio::test]
async fn a_session_is_the_role_and_not_the_user() {
    let sts = Sts::new().await;
    let key = sts.key().await;
    let alice = sts.user("alice", &[allow(&["kms:ListKeys"], "*")]).await;
    let role = sts.role("Deploy", &[trust(ALICE, &["sts:AssumeRole"])], &[allow(&["kms:Encrypt"], "*")]).await;
    let answer = sts.assume(&alice, &role, &[]).await.unwrap();
    let credentials = &answer["Credentials"];
    assert!(credentials["AccessKeyId"].as_str().unwrap().starts_with("ASIA"));
    assert_eq!(credentials["Expiration"], "2026-09-21T15:13:20Z");
    let session = "arn:aws:sts::111122223333:assumed-role/Deploy/session";
    assert_eq!(answer["AssumedRoleUser"], json!({"AssumedRoleId": "AROA00000000000DEPLOY:session", "Arn": session}));
    assert!(answer.get("PackedPolicySize").is_none() && answer.get("SourceIdentity").is_none());

    let identity = sts.with(credentials, "GetCallerIdentity", &[]).await.unwrap();
    let expected = json!({"UserId": "AROA00000000000DEPLOY:session", "Account": "111122223333", "Arn": session});
    assert_eq!(identity, expected);
    let encrypt = json!({"KeyId": key, "Plaintext": "aGVsbG8="});
    sts.kms_with(credentials, "Encrypt", encrypt).await.unwrap();
    let refused = sts.kms_with(credentials, "ListKeys", json!({})).await.unwrap_err();
    assert_eq!(refused.code, "AccessDeniedException", "what the user may does not count");
    assert!(refused.message.starts_with(&format!("User: {session} is not authorized")), "{refused:?}");
}

#[tokio::test]
async fn in_one_account_a_trust_policy_that_names_the_user_is_enough_and_one_that_names_the_account_is_not() {
    let sts = Sts::new().await;
    let assume = allow(&["sts:AssumeRole"], "arn:aws:iam::111122223333:role/team/*");
    let (nobody, allowed) = (sts.user("alice", &[]).await, sts.user("bob", &[assume]).await);
    let of_user = sts.role("OfUser", &[trust(ALICE, &["sts:AssumeRole"])], &[]).await;
    let of_account = sts.role("OfAccount", &[trust("111122223333", &["sts:AssumeRole"])], &[]).await;
    for (who, role, taken) in [
        (&nobody, &of_user, true),
        (&nobody, &of_account, false),
        (&allowed, &of_account, true),
        (&allowed, &of_user, false),
    ] {
        assert_eq!(sts.assume(who, role, &[]).await.is_ok(), taken, "{} {role}", who.arn);
    }
}

/// IAM User Guide, "AWS JSON policy elements: Principal": a principal that is deleted and made again is another one.
#[tokio::test]
async fn a_trust_policy_means_the_user_who_had_the_name_when_it_was_stored() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let PrincipalKind::User { user_id, .. } = &alice.kind else { panic!("{alice:?}") };
    for (unique_id, taken) in [(Some(user_id.as_str()), true), (Some("AIDAFORMER"), false), (None, true)] {
        let name = format!("Of{}", unique_id.unwrap_or("Anyone"));
        let ids = unique_id.map(|id| (ALICE.to_owned(), id.to_owned())).into_iter().collect();
        let statements = [trust(ALICE, &["sts:AssumeRole"])];
        let role = sts.changed_role(&name, &statements, &[], |role| role.trust_policy_principals = ids).await;
        assert_eq!(sts.assume(&alice, &role, &[]).await.is_ok(), taken, "{unique_id:?}");
    }
}

#[tokio::test]
async fn across_accounts_both_sides_must_allow() {
    let sts = Sts::new().await;
    let strangers = "arn:aws:iam::444455556666:root";
    let role = sts.role("Shared", &[trust(strangers, &["sts:AssumeRole"])], &[]).await;
    let closed = sts.role("Closed", &[trust("111122223333", &["sts:AssumeRole"])], &[]).await;
    let may = sts.user_of(other_account(), "may", &[allow(&["sts:AssumeRole"], "*")]).await;
    let may_not = sts.user_of(other_account(), "maynot", &[]).await;
    let answer = sts.assume(&may, &role, &[]).await.unwrap();
    assert_eq!(answer["AssumedRoleUser"]["Arn"], "arn:aws:sts::111122223333:assumed-role/Shared/session");
    let inside = sts.with(&answer["Credentials"], "GetCallerIdentity", &[]).await.unwrap();
    assert_eq!(inside["Account"], account().as_str());
    for (who, role) in [(&may_not, &role), (&may, &closed), (&may_not, &closed)] {
        assert_eq!(sts.assume(who, role, &[]).await.unwrap_err().code, "AccessDenied");
    }
}

#[tokio::test]
async fn conditions_see_external_id_session_name_and_the_roles_tags() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    for (index, (condition, parameters, taken)) in [
        (json!({"StringEquals": {"sts:ExternalId": "secret-word"}}), vec![("ExternalId", "secret-word")], true),
        (json!({"StringEquals": {"sts:ExternalId": "secret-word"}}), vec![("ExternalId", "Secret-word")], false),
        (json!({"StringEquals": {"sts:ExternalId": "secret-word"}}), vec![], false),
        (json!({"StringLike": {"sts:RoleSessionName": "sess*"}}), vec![], true),
        (json!({"StringEquals": {"sts:RoleSessionName": "${aws:username}"}}), vec![], false),
        (json!({"StringEquals": {"aws:ResourceTag/Stage": "test"}}), vec![], true),
        (json!({"StringEquals": {"iam:ResourceTag/stage": "test"}}), vec![], true),
        (json!({"StringEquals": {"aws:ResourceTag/Stage": "live"}}), vec![], false),
        (json!({"StringEquals": {"aws:PrincipalTag/Team": "of-the-user"}}), vec![], true),
        (json!({"IpAddress": {"aws:SourceIp": "127.0.0.0/8"}}), vec![], true),
        (json!({"IpAddress": {"aws:SourceIp": "10.0.0.0/8"}}), vec![], false),
        (json!({"DateLessThan": {"aws:CurrentTime": "2000-01-01T00:00:00Z"}}), vec![], false),
        (json!({"Bool": {"aws:MultiFactorAuthPresent": "true"}}), vec![], false),
    ]
    .into_iter()
    .enumerate()
    {
        let trust = trust_if(ALICE, &["sts:AssumeRole"], condition.clone());
        let role = sts.role(&format!("Role{index}"), &[trust], &[]).await;
        assert_eq!(sts.assume(&alice, &role, &parameters).await.is_ok(), taken, "{condition} {parameters:?}");
    }
}

#[tokio::test]
async fn session_policies_limit_and_allow_nothing_by_themselves() {
    let sts = Sts::new().await;
    let key = sts.key().await;
    let alice = sts.user("alice", &[]).await;
    let may = allow(&["kms:Encrypt", "kms:ListKeys"], "*");
    let role = sts.role("Deploy", &[trust(ALICE, &["sts:AssumeRole"])], &[may]).await;
    let encrypt = json!({"KeyId": key, "Plaintext": "aGVsbG8="});
    let only_encrypt = document(&[allow(&["kms:Encrypt", "kms:DescribeKey"], "*")]);
    let answer = sts.assume(&alice, &role, &[("Policy", &only_encrypt)]).await.unwrap();
    let limited = &answer["Credentials"];
    assert!(answer["PackedPolicySize"].as_str().unwrap().parse::<u32>().unwrap() <= 10);
    sts.kms_with(limited, "Encrypt", encrypt.clone()).await.unwrap();
    let denied = sts.kms_with(limited, "ListKeys", json!({})).await.unwrap_err();
    assert!(denied.message.ends_with("because no session policy allows the kms:ListKeys action"), "{denied:?}");
    let denied = sts.kms_with(limited, "DescribeKey", json!({"KeyId": key})).await.unwrap_err();
    assert!(denied.message.contains("no identity-based policy"), "{denied:?}");

    let managed =
        [("PolicyArns.member.1.arn", "arn:aws:iam::aws:policy/AdministratorAccess"), ("Policy", &only_encrypt)];
    let both = sts.assume(&alice, &role, &managed).await.unwrap();
    sts.kms_with(&both["Credentials"], "ListKeys", json!({})).await.unwrap();
    let deny = document(&[json!({"Effect": "Deny", "Action": "kms:Encrypt", "Resource": "*"}), allow(&["*"], "*")]);
    let denying = sts.assume(&alice, &role, &[("Policy", &deny)]).await.unwrap();
    let denied = sts.kms_with(&denying["Credentials"], "Encrypt", encrypt).await.unwrap_err();
    assert!(denied.message.ends_with("with an explicit deny in a session policy"), "{denied:?}");
}

#[tokio::test]
async fn a_boundary_limits_a_session() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let boundary = "arn:aws:iam::aws:policy/ReadOnlyAccess";
    let statements = [allow(&["kms:*"], "*")];
    let trusts = [trust(ALICE, &["sts:AssumeRole"])];
    let role = sts
        .changed_role("Bound", &trusts, &statements, |role| role.permissions_boundary = Some(boundary.to_owned()))
        .await;
    if keystead_core::access::AwsManagedPolicy::of_arn(boundary).is_none() {
        panic!("this test needs {boundary}");
    }
    let answer = sts.assume(&alice, &role, &[]).await.unwrap();
    sts.kms_with(&answer["Credentials"], "ListKeys", json!({})).await.unwrap();
    let denied = sts.kms_with(&answer["Credentials"], "CreateKey", json!({})).await.unwrap_err();
    assert!(denied.message.contains("permissions boundary"), "{denied:?}");
}

#[tokio::test]
async fn records_name_the_access_key_and_hold_no_secret() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let role = sts.role("Deploy", &[trust(ALICE, &["sts:AssumeRole"])], &[]).await;
    let answer = sts.assume(&alice, &role, &[("DurationSeconds", "900")]).await.unwrap();
    sts.assume(&alice, "arn:aws:iam::111122223333:role/Nobody", &[]).await.unwrap_err();
    let records = sts.records("AssumeRole");
    let record = &records[0];
    assert_eq!(record["eventSource"], "sts.amazonaws.com");
    assert_eq!(record["userIdentity"]["userName"], "alice");
    let expected = json!({"roleArn": role, "roleSessionName": "session", "durationSeconds": "900"});
    assert_eq!(record["requestParameters"], expected);
    let credentials = &record["responseElements"]["credentials"];
    assert_eq!(credentials["accessKeyId"], answer["Credentials"]["AccessKeyId"]);
    assert_eq!(credentials["expiration"], answer["Credentials"]["Expiration"]);
    assert_eq!(record["responseElements"]["assumedRoleUser"]["arn"], answer["AssumedRoleUser"]["Arn"]);
    assert_eq!((&records[1]["errorCode"], &records[1]["responseElements"]), (&json!("AccessDenied"), &Value::Null));
    for secret in ["SecretAccessKey", "SessionToken"] {
        assert!(!sts.all_records().contains(answer["Credentials"][secret].as_str().unwrap()), "{secret}");
    }
    // The store has nothing of the session either.
    let access_key_id = answer["Credentials"]["AccessKeyId"].as_str().unwrap();
    assert!(sts.installation.store.access_key_use(access_key_id).await.unwrap().is_none());
}
