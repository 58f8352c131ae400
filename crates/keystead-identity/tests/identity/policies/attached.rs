//! Managed policies attached to users, groups and roles, and who has them.

use super::support::{ACCOUNT, ADMINISTRATOR, Iam, allow, arn, document};
use serde_json::json;

/// Kind, name and the member that names it.
const HOLDERS: [(&str, &str, &str); 3] =
    [("User", "alice", "UserName"), ("Group", "admins", "GroupName"), ("Role", "reader", "RoleName")];

#[tokio::test]
async fn attached_listed_and_detached() {
    let iam = Iam::with_holders().await;
    let document = allow("kms:Encrypt", "*");
    iam.done("CreatePolicy", &[("PolicyName", "Use"), ("Path", "/keys/"), ("PolicyDocument", &document)]).await;
    let policy = arn("policy/keys/Use");
    for (kind, name, member) in HOLDERS {
        let named = |arn| [(member, name), ("PolicyArn", arn)];
        let (attach, detach, list) =
            (format!("Attach{kind}Policy"), format!("Detach{kind}Policy"), format!("ListAttached{kind}Policies"));
        iam.done(&attach, &named(&policy)).await;
        iam.done(&attach, &named(&policy)).await;
        iam.done(&attach, &named(ADMINISTRATOR)).await;
        let listed = iam.done(&list, &[(member, name)]).await;
        assert_eq!(listed.all("PolicyName"), ["Use", "AdministratorAccess"], "{kind}");
        let listed = iam.done(&list, &[(member, name), ("PathPrefix", "/keys/")]).await;
        assert_eq!(listed.all("PolicyArn"), [policy.as_str()]);
        let page = iam.done(&list, &[(member, name), ("MaxItems", "1")]).await;
        let rest = [(member, name), ("Marker", &page.first("Marker"))];
        assert_eq!(iam.done(&list, &rest).await.all("PolicyName"), ["AdministratorAccess"]);
        iam.done(&detach, &named(ADMINISTRATOR)).await;
        let gone = format!("Policy {ADMINISTRATOR} was not found.");
        iam.refused(&detach, &named(ADMINISTRATOR), "NoSuchEntity", &gone).await;
        let nobody = format!("The {} with name none cannot be found.", kind.to_lowercase());
        iam.refused(&attach, &[(member, "none"), ("PolicyArn", &policy)], "NoSuchEntity", &nobody).await;
        iam.refused(&list, &[(member, "none")], "NoSuchEntity", &nobody).await;
    }
    let found = iam.done("GetPolicy", &[("PolicyArn", &policy)]).await;
    assert_eq!(found.first("AttachmentCount"), "3");
}

#[tokio::test]
async fn what_does_not_exist_or_is_not_for_identities_is_not_attached() {
    let iam = Iam::with_holders().await;
    iam.policy("Use", "kms:Encrypt").await;
    let service_role =
        "arn:aws:iam::aws:policy/aws-service-role/AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy";
    for (kind, name, member) in HOLDERS {
        let attach = format!("Attach{kind}Policy");
        for missing in [
            arn("policy/None"),
            // Names are found by their exact letters, and with their path.
            arn("policy/USE"),
            arn("policy/keys/Use"),
            "arn:aws:iam::444455556666:policy/Use".to_owned(),
            "arn:aws:iam::aws:policy/NoSuchPolicy".to_owned(),
        ] {
            let message = format!("Policy {missing} does not exist or is not attachable.");
            iam.refused(&attach, &[(member, name), ("PolicyArn", &missing)], "NoSuchEntity", &message).await;
        }
        let message = "Cannot attach a Service Role Policy to a Customer Role.";
        iam.refused(&attach, &[(member, name), ("PolicyArn", service_role)], "PolicyNotAttachable", message).await;
    }
}

#[tokio::test]
async fn ten_policies_and_no_more() {
    let iam = Iam::with_holders().await;
    let mut policies = Vec::new();
    for number in 0..11 {
        policies.push(iam.policy(&format!("P{number}"), "kms:Encrypt").await);
    }
    for (kind, name, member) in HOLDERS {
        let attach = format!("Attach{kind}Policy");
        for policy in &policies[..10] {
            iam.done(&attach, &[(member, name), ("PolicyArn", policy)]).await;
        }
        let message = format!("Cannot exceed quota for PoliciesPer{kind}: 10");
        iam.refused(&attach, &[(member, name), ("PolicyArn", &policies[10])], "LimitExceeded", &message).await;
        // What is attached already may be attached again.
        iam.done(&attach, &[(member, name), ("PolicyArn", &policies[9])]).await;
    }
}

#[tokio::test]
async fn who_has_a_policy() {
    let iam = Iam::with_holders().await;
    let policy = iam.policy("Use", "kms:Encrypt").await;
    for (kind, name, member) in HOLDERS {
        iam.done(&format!("Attach{kind}Policy"), &[(member, name), ("PolicyArn", &policy)]).await;
    }
    iam.done("CreateUser", &[("UserName", "bob"), ("Path", "/staff/")]).await;
    iam.done("PutUserPermissionsBoundary", &[("UserName", "bob"), ("PermissionsBoundary", &policy)]).await;
    let names = async |filter: &[(&str, &str)]| {
        let answer = iam.done("ListEntitiesForPolicy", &[&[("PolicyArn", policy.as_str())], filter].concat()).await;
        ["GroupName", "UserName", "RoleName"].map(|member| answer.all(member).join(" "))
    };
    assert_eq!(names(&[]).await, ["admins", "alice bob", "reader"]);
    assert_eq!(names(&[("EntityFilter", "Role")]).await, ["", "", "reader"]);
    assert_eq!(names(&[("EntityFilter", "AWSManagedPolicy")]).await, ["", "", ""]);
    assert_eq!(names(&[("PolicyUsageFilter", "PermissionsBoundary")]).await, ["", "bob", ""]);
    assert_eq!(names(&[("PolicyUsageFilter", "PermissionsPolicy")]).await, ["admins", "alice", "reader"]);
    assert_eq!(names(&[("PathPrefix", "/staff/")]).await, ["", "bob", ""]);
    let page = iam.done("ListEntitiesForPolicy", &[("PolicyArn", &policy), ("MaxItems", "2")]).await;
    assert_eq!((page.all("GroupName"), page.all("RoleName")), (vec!["admins".into()], vec!["reader".into()]));
    assert_eq!(page.first("IsTruncated"), "true");
    let rest = [("PolicyArn", policy.as_str()), ("Marker", &page.first("Marker"))];
    assert_eq!(iam.done("ListEntitiesForPolicy", &rest).await.all("UserName"), ["alice", "bob"]);
    // A policy of AWS is used by other accounts too, which nobody hears of.
    assert_eq!(
        iam.done("ListEntitiesForPolicy", &[("PolicyArn", ADMINISTRATOR)]).await.all("UserName"),
        [] as [&str; 0]
    );
}

#[tokio::test]
async fn which_policy_may_be_attached_and_to_whom_policies_say() {
    let iam = Iam::with_holders().await;
    let policy = iam.policy("Use", "kms:Encrypt").await;
    let delegate = iam.user("delegate").await;
    let only_that = document(json!([{
        "Effect": "Allow", "Action": ["iam:AttachUserPolicy", "iam:DetachUserPolicy"], "Resource": arn("user/alice"),
        "Condition": {"ArnEquals": {"iam:PolicyARN": policy}}}]));
    let put = [("UserName", "delegate"), ("PolicyName", "delegate"), ("PolicyDocument", &only_that)];
    iam.done("PutUserPolicy", &put).await;
    let attach = async |user: &str, policy: &str| {
        let parameters = [("UserName", user), ("PolicyArn", policy)];
        iam.call_by(&delegate, "AttachUserPolicy", &parameters).await.map_err(|refused| refused.code)
    };
    assert!(attach("alice", &policy).await.is_ok());
    assert_eq!(attach("alice", ADMINISTRATOR).await.unwrap_err(), "AccessDenied");
    assert_eq!(attach("delegate", &policy).await.unwrap_err(), "AccessDenied");
    assert_eq!(attach("none", &policy).await.unwrap_err(), "AccessDenied");
}

#[tokio::test]
async fn boundaries_limit_and_policies_say_which_may_be_set() {
    let iam = Iam::with_holders().await;
    let limit = iam.policy("Limit", "iam:ListUsers").await;
    let alice = iam.existing_user("alice").await;
    iam.done("AttachUserPolicy", &[("UserName", "alice"), ("PolicyArn", ADMINISTRATOR)]).await;
    assert!(iam.call_by(&alice, "ListGroups", &[]).await.is_ok());
    iam.done("PutUserPermissionsBoundary", &[("UserName", "alice"), ("PermissionsBoundary", &limit)]).await;
    assert!(iam.call_by(&alice, "ListUsers", &[]).await.is_ok());
    let refused = iam.call_by(&alice, "ListGroups", &[]).await.unwrap_err();
    assert!(
        refused.message.ends_with("because no permissions boundary allows the iam:ListGroups action"),
        "{refused:?}"
    );
    let shown = iam.done("GetUser", &[("UserName", "alice")]).await;
    assert_eq!(shown.first("PermissionsBoundaryArn"), limit);
    iam.done("DeleteUserPermissionsBoundary", &[("UserName", "alice")]).await;
    iam.done("DeleteUserPermissionsBoundary", &[("UserName", "alice")]).await;
    assert!(iam.call_by(&alice, "ListGroups", &[]).await.is_ok());
    iam.done("PutRolePermissionsBoundary", &[("RoleName", "reader"), ("PermissionsBoundary", &limit)]).await;
    assert_eq!(iam.done("GetRole", &[("RoleName", "reader")]).await.first("PermissionsBoundaryArn"), limit);
    iam.done("DeleteRolePermissionsBoundary", &[("RoleName", "reader")]).await;
    for missing in [arn("policy/None"), "arn:aws:iam::444455556666:policy/Limit".to_owned()] {
        let message = format!("Policy {missing} does not exist or is not attachable.");
        let parameters = [("UserName", "alice"), ("PermissionsBoundary", missing.as_str())];
        iam.refused("PutUserPermissionsBoundary", &parameters, "NoSuchEntity", &message).await;
    }
    let delegate = iam.user("delegate").await;
    let only_limited = document(json!([{
        "Effect": "Allow", "Action": ["iam:PutUserPermissionsBoundary", "iam:PutUserPolicy"], "Resource": "*",
        "Condition": {"StringEquals": {"iam:PermissionsBoundary": limit}}}]));
    let put = [("UserName", "delegate"), ("PolicyName", "delegate"), ("PolicyDocument", &only_limited)];
    iam.done("PutUserPolicy", &put).await;
    let by_delegate = async |operation: &str, parameters: &[(&str, &str)]| {
        iam.call_by(&delegate, operation, parameters).await.map(|_| ()).map_err(|refused| refused.code)
    };
    let document = allow("kms:Encrypt", "*");
    let put = [("UserName", "alice"), ("PolicyName", "p"), ("PolicyDocument", document.as_str())];
    let set = |boundary| [("UserName", "alice"), ("PermissionsBoundary", boundary)];
    assert_eq!(by_delegate("PutUserPolicy", &put).await, Err("AccessDenied".to_owned()));
    assert_eq!(by_delegate("PutUserPermissionsBoundary", &set(ADMINISTRATOR)).await, Err("AccessDenied".to_owned()));
    assert_eq!(by_delegate("PutUserPermissionsBoundary", &set(&limit)).await, Ok(()));
    assert_eq!(by_delegate("PutUserPolicy", &put).await, Ok(()));
    assert!(limit.contains(ACCOUNT));
}
