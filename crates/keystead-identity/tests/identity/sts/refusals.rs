//! Requests of AssumeRole that are refused, and how.

use keystead_core::access::Principal;
use serde_json::json;

use super::support::{Sts, document, trust};
use crate::support::account;

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";

#[tokio::test]
async fn what_is_not_there_and_what_may_not_be_assumed_look_alike() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let closed = sts.role("Closed", &[trust("arn:aws:iam::111122223333:user/bob", &["sts:AssumeRole"])], &[]).await;
    let deny = json!({"Effect": "Deny", "Principal": "*", "Action": "sts:AssumeRole"});
    let denying = sts.role("Denying", &[trust(ALICE, &["sts:AssumeRole"]), deny], &[]).await;
    let absent = "arn:aws:iam::111122223333:role/team/Absent";
    let elsewhere = "arn:aws:iam::999999999999:role/Absent";
    // A role is found by its whole ARN alone.
    let other_path = "arn:aws:iam::111122223333:role/Closed";
    for role in [closed.as_str(), &denying, absent, elsewhere, other_path] {
        let refused = sts.assume(&alice, role, &[]).await.unwrap_err();
        assert_eq!(refused.code, "AccessDenied");
        let message = format!("User: {ALICE} is not authorized to perform: sts:AssumeRole on resource: {role}");
        assert_eq!(refused.message, message);
    }
}

#[tokio::test]
async fn the_root_user_assumes_nothing() {
    let sts = Sts::new().await;
    let root = Principal::root(account());
    let role = sts.role("Open", &[trust("111122223333", &["sts:AssumeRole"])], &[]).await;
    let refused = sts.assume(&root, &role, &[]).await.unwrap_err();
    assert_eq!(
        (refused.code.as_str(), refused.message.as_str()),
        ("AccessDenied", "Roles may not be assumed by root accounts.")
    );
    let session = sts.by(&root, "GetSessionToken", &[]).await.unwrap();
    let refused = sts.assume_with(&session["Credentials"], &role, &[]).await.unwrap_err();
    assert_eq!(refused.message, "Roles may not be assumed by root accounts.");
}

#[tokio::test]
async fn parameters_that_cannot_be() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let role = sts.role("Deploy", &[trust(ALICE, &["sts:*"])], &[]).await;
    let long = "x".repeat(65);
    let long_policy = document(&[json!({"Sid": "x".repeat(2048), "Effect": "Allow", "Action": "*", "Resource": "*"})]);
    for (parameter, value, code, said) in [
        ("RoleArn", "", "ValidationError", "roleArn"),
        ("RoleArn", "arn:aws:iam::111122223333:user/alice", "ValidationError", "no ARN of a role"),
        ("RoleArn", "arn:aws:iam::111122223333:role/a*", "ValidationError", "no ARN of a role"),
        ("RoleSessionName", "a", "ValidationError", "roleSessionName"),
        ("RoleSessionName", "a b", "ValidationError", "roleSessionName"),
        ("RoleSessionName", &long, "ValidationError", "roleSessionName"),
        ("DurationSeconds", "899", "ValidationError", "durationSeconds"),
        ("DurationSeconds", "43201", "ValidationError", "durationSeconds"),
        ("DurationSeconds", "ten", "ValidationError", "durationSeconds"),
        ("DurationSeconds", "3601", "ValidationError", "exceeds the MaxSessionDuration set for this role"),
        ("ExternalId", "a", "ValidationError", "externalId"),
        ("SourceIdentity", "a b", "ValidationError", "sourceIdentity"),
        ("Policy", "", "ValidationError", "policy"),
        ("Policy", &long_policy, "ValidationError", "1 validation error detected"),
        ("Policy", "{}", "MalformedPolicyDocument", "Statement"),
        ("Policy", "not JSON", "MalformedPolicyDocument", "JSON"),
        ("PolicyArns.member.1.arn", "arn:aws:iam::111122223333:policy/absent", "ValidationError", "absent"),
        ("PolicyArns.member.1.arn", "arn:aws:iam::444455556666:policy/foreign", "ValidationError", "foreign"),
        ("PolicyArns.member.1.name", "a", "ValidationError", "arn"),
        ("SerialNumber", "arn:aws:iam::111122223333:mfa/alice", "ValidationError", "SerialNumber"),
        ("TokenCode", "123456", "ValidationError", "TokenCode"),
        ("ProvidedContexts.member.1.ProviderArn", "arn", "ValidationError", "ProvidedContexts"),
        ("Colour", "red", "ValidationError", "Colour"),
    ] {
        let mut parameters = vec![("RoleArn", role.as_str()), ("RoleSessionName", "session")];
        parameters.retain(|(name, _)| *name != parameter);
        parameters.push((parameter, value));
        let refused = sts.by(&alice, "AssumeRole", &parameters).await.unwrap_err();
        assert_eq!(refused.code, code, "{parameter}={value}: {}", refused.message);
        assert!(refused.message.contains(said), "{parameter}={value}: {}", refused.message);
    }
    assert!(!sts.all_records().contains("123456"));
    for missing in ["RoleArn", "RoleSessionName"] {
        let mut parameters = vec![("RoleArn", role.as_str()), ("RoleSessionName", "session")];
        parameters.retain(|(name, _)| *name != missing);
        assert_eq!(sts.by(&alice, "AssumeRole", &parameters).await.unwrap_err().code, "ValidationError");
    }
}
