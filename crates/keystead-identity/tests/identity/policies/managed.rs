//! Managed policies: made, found, listed, tagged, deleted.

use super::support::{ADMINISTRATOR, Iam, Xml, allow, arn};

#[tokio::test]
async fn what_is_made_is_found_as_it_is() {
    let iam = Iam::new().await;
    let document = allow("kms:Encrypt", "*");
    let made = iam
        .done(
            "CreatePolicy",
            &[
                ("PolicyName", "Use"),
                ("Path", "/keys/"),
                ("Description", "Uses keys"),
                ("PolicyDocument", &document),
                ("Tags.member.1.Key", "team"),
                ("Tags.member.1.Value", "a"),
            ],
        )
        .await;
    let policy_arn = arn("policy/keys/Use");
    assert_eq!(made.first("Arn"), policy_arn);
    assert_eq!(made.first("DefaultVersionId"), "v1");
    let found = iam.done("GetPolicy", &[("PolicyArn", &policy_arn)]).await;
    let expected = [
        ("PolicyName", "Use"),
        ("Path", "/keys/"),
        ("Description", "Uses keys"),
        ("AttachmentCount", "0"),
        ("PermissionsBoundaryUsageCount", "0"),
        ("IsAttachable", "true"),
        ("Key", "team"),
        ("Value", "a"),
    ];
    for (member, value) in expected {
        assert_eq!(found.first(member), value, "{member}");
    }
    assert!(found.first("PolicyId").starts_with("ANPA"));
    let of_aws = iam.done("GetPolicy", &[("PolicyArn", ADMINISTRATOR)]).await;
    assert_eq!(of_aws.first("PolicyId"), "ANPAIWMBCKSKIEE64ZLYK");
    iam.done("DeletePolicy", &[("PolicyArn", &policy_arn)]).await;
    let message = format!("Policy {policy_arn} was not found.");
    iam.refused("GetPolicy", &[("PolicyArn", &policy_arn)], "NoSuchEntity", &message).await;
    iam.refused("DeletePolicy", &[("PolicyArn", &policy_arn)], "NoSuchEntity", &message).await;
}

#[tokio::test]
async fn what_cannot_be_a_policy_is_refused() {
    let iam = Iam::new().await;
    let document = allow("kms:Encrypt", "*");
    let named = |name: &'static str| [("PolicyName", name), ("PolicyDocument", document.as_str())];
    iam.done("CreatePolicy", &named("Use")).await;
    for (name, message) in [
        ("Use", "A policy called Use already exists. Duplicate names are not allowed."),
        ("USE", "A policy called USE already exists. Duplicate names are not allowed."),
    ] {
        iam.refused("CreatePolicy", &named(name), "EntityAlreadyExists", message).await;
    }
    let invalid = iam.call("CreatePolicy", &named("a/b")).await.unwrap_err();
    assert_eq!((invalid.status, invalid.code.as_str()), (400, "ValidationError"));
    for path in ["keys/", "/keys", "//", "/a b/"] {
        let parameters = [named("Other").as_slice(), &[("Path", path)]].concat();
        let invalid = iam.call("CreatePolicy", &parameters).await.unwrap_err();
        assert_eq!(invalid.code, "ValidationError", "{path}");
    }
    iam.refused(
        "CreatePolicy",
        &[("PolicyName", "a"), ("PolicyDocument", "{")],
        "MalformedPolicyDocument",
        "The policy document is not valid JSON: EOF while parsing an object at line 1 column 1.",
    )
    .await;
    let with_principal = document.replace("\"Effect\"", "\"Principal\":\"*\",\"Effect\"");
    iam.refused(
        "CreatePolicy",
        &[("PolicyName", "a"), ("PolicyDocument", &with_principal)],
        "MalformedPolicyDocument",
        "Statement 1: a policy of an identity has no Principal.",
    )
    .await;
    let unknown = iam.call("CreatePolicy", &[&named("a")[..], &[("Colour", "red")]].concat()).await.unwrap_err();
    assert_eq!(unknown.code, "ValidationError");
}

#[tokio::test]
async fn the_size_of_a_policy_counts_no_white_space() {
    let iam = Iam::new().await;
    let of_size = |size: usize| {
        let empty = allow("kms:a", "*").len();
        allow(&format!("kms:a{}", "a".repeat(size - empty)), "*")
    };
    let largest = of_size(6144).replace(',', ",\n\t  ");
    iam.done("CreatePolicy", &[("PolicyName", "largest"), ("PolicyDocument", &largest)]).await;
    let too_large = of_size(6145);
    let parameters = [("PolicyName", "larger"), ("PolicyDocument", too_large.as_str())];
    iam.refused("CreatePolicy", &parameters, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144").await;
    let parameters = [("PolicyArn", &*arn("policy/largest")), ("PolicyDocument", too_large.as_str())];
    iam.refused("CreatePolicyVersion", &parameters, "LimitExceeded", "Cannot exceed quota for PolicySize: 6144").await;
}

#[tokio::test]
async fn policies_of_aws_and_of_other_accounts_cannot_be_changed() {
    let iam = Iam::new().await;
    let document = allow("kms:Encrypt", "*");
    for policy in [ADMINISTRATOR, "arn:aws:iam::444455556666:policy/Use"] {
        let named = [("PolicyArn", policy)];
        let version = [("PolicyArn", policy), ("VersionId", "v1")];
        for (operation, parameters) in [
            ("DeletePolicy", &named[..]),
            ("CreatePolicyVersion", &[("PolicyArn", policy), ("PolicyDocument", &document)]),
            ("SetDefaultPolicyVersion", &version),
            ("DeletePolicyVersion", &version),
            ("TagPolicy", &[("PolicyArn", policy), ("Tags.member.1.Key", "a"), ("Tags.member.1.Value", "b")]),
            ("UntagPolicy", &[("PolicyArn", policy), ("TagKeys.member.1", "a")]),
        ] {
            iam.refused(operation, parameters, "AccessDenied", "Policy is outside your own account.").await;
        }
    }
    for no_policy in ["arn:aws:iam::111122223333:user/alice", "arn:aws:kms:us-east-1:111122223333:key/a"] {
        let message = format!("ARN {no_policy} is not valid.");
        iam.refused("GetPolicy", &[("PolicyArn", no_policy)], "InvalidInput", &message).await;
    }
}

#[tokio::test]
async fn a_policy_that_is_used_or_has_versions_is_not_deleted() {
    let iam = Iam::new().await;
    let policy = iam.policy("Use", "kms:Encrypt").await;
    let named = [("PolicyArn", policy.as_str())];
    iam.user("alice").await;
    let attached = "Cannot delete a policy attached to entities.";
    iam.done("AttachUserPolicy", &[("UserName", "alice"), ("PolicyArn", &policy)]).await;
    iam.refused("DeletePolicy", &named, "DeleteConflict", attached).await;
    iam.done("DetachUserPolicy", &[("UserName", "alice"), ("PolicyArn", &policy)]).await;
    iam.done("PutUserPermissionsBoundary", &[("UserName", "alice"), ("PermissionsBoundary", &policy)]).await;
    iam.refused("DeletePolicy", &named, "DeleteConflict", attached).await;
    iam.done("DeleteUserPermissionsBoundary", &[("UserName", "alice")]).await;
    let document = allow("kms:Decrypt", "*");
    iam.done("CreatePolicyVersion", &[("PolicyArn", &policy), ("PolicyDocument", &document)]).await;
    let versions = "This policy has more than one version. Before you delete a policy, you must delete the policy's \
                    versions. The default version is deleted with the policy.";
    iam.refused("DeletePolicy", &named, "DeleteConflict", versions).await;
    iam.done("DeletePolicyVersion", &[("PolicyArn", &policy), ("VersionId", "v2")]).await;
    iam.done("DeletePolicy", &named).await;
}

fn names(answer: &Xml) -> Vec<String> {
    answer.all("PolicyName")
}

#[tokio::test]
async fn lists_are_filtered_and_come_in_pages() {
    let iam = Iam::new().await;
    let document = allow("kms:Encrypt", "*");
    for name in ["c", "a", "b"] {
        let path = if name == "a" { "/" } else { "/keys/" };
        iam.done("CreatePolicy", &[("PolicyName", name), ("PolicyDocument", &document), ("Path", path)]).await;
    }
    iam.user("alice").await;
    iam.done("AttachUserPolicy", &[("UserName", "alice"), ("PolicyArn", &arn("policy/keys/b"))]).await;
    iam.done("AttachUserPolicy", &[("UserName", "alice"), ("PolicyArn", ADMINISTRATOR)]).await;
    iam.done("PutUserPermissionsBoundary", &[("UserName", "alice"), ("PermissionsBoundary", &arn("policy/a"))]).await;
    for (filter, expected) in [
        (&[("Scope", "Local")][..], &["a", "b", "c"][..]),
        (&[("Scope", "Local"), ("PathPrefix", "/keys/")], &["b", "c"]),
        (&[("OnlyAttached", "true")], &["AdministratorAccess", "b"]),
        (&[("Scope", "AWS"), ("OnlyAttached", "true")], &["AdministratorAccess"]),
        (&[("PolicyUsageFilter", "PermissionsPolicy"), ("Scope", "Local")], &["b"]),
        (&[("PolicyUsageFilter", "PermissionsBoundary")], &["a"]),
        (&[("PathPrefix", "/aws-service-role/")], &["AWSKeyManagementServiceCustomKeyStoresServiceRolePolicy"]),
    ] {
        assert_eq!(names(&iam.done("ListPolicies", filter).await), expected, "{filter:?}");
    }
    let all = names(&iam.done("ListPolicies", &[]).await);
    assert!(all.len() > 8 && all.ends_with(&["a".to_owned(), "b".to_owned(), "c".to_owned()]), "{all:?}");
    let (mut listed, mut marker) = (Vec::new(), None::<String>);
    loop {
        let mut parameters = vec![("MaxItems", "2")];
        if let Some(marker) = &marker {
            parameters.push(("Marker", marker));
        }
        let page = iam.done("ListPolicies", &parameters).await;
        listed.extend(names(&page));
        marker = page.all("Marker").pop();
        assert_eq!(page.first("IsTruncated"), marker.is_some().to_string());
        if marker.is_none() {
            break;
        }
    }
    assert_eq!(listed, all);
    let invalid = iam.call("ListPolicies", &[("Scope", "Some")]).await.unwrap_err();
    assert_eq!(invalid.code, "ValidationError");
}

#[tokio::test]
async fn tags_are_added_replaced_and_removed() {
    let iam = Iam::new().await;
    let policy = iam.policy("Use", "kms:Encrypt").await;
    let tag = |key: &'static str, value: &'static str| {
        [
            ("PolicyArn", policy.clone()),
            ("Tags.member.1.Key", key.to_owned()),
            ("Tags.member.1.Value", value.to_owned()),
        ]
    };
    for (key, value) in [("team", "a"), ("Team", "b"), ("cost", "1")] {
        let parameters = tag(key, value);
        let parameters: Vec<_> = parameters.iter().map(|(name, value)| (*name, value.as_str())).collect();
        iam.done("TagPolicy", &parameters).await;
    }
    let listed = iam.done("ListPolicyTags", &[("PolicyArn", &policy)]).await;
    assert_eq!(
        (listed.all("Key"), listed.all("Value")),
        (vec!["Team".into(), "cost".into()], vec!["b".into(), "1".into()])
    );
    iam.done("UntagPolicy", &[("PolicyArn", &policy), ("TagKeys.member.1", "TEAM")]).await;
    let page = iam.done("ListPolicyTags", &[("PolicyArn", &policy), ("MaxItems", "1")]).await;
    assert_eq!(page.all("Key"), ["cost"]);
    assert_eq!(iam.done("ListPolicyTags", &[("PolicyArn", ADMINISTRATOR)]).await.all("Key"), [] as [&str; 0]);
}
