//! Versions of managed policies.

use super::support::{ADMINISTRATOR, Iam, allow, decoded};

#[tokio::test]
async fn up_to_five_versions_and_the_default_one_is_in_force() {
    let iam = Iam::new().await;
    let policy = iam.policy("Use", "iam:ListUsers").await;
    let alice = iam.user("alice").await;
    iam.done("AttachUserPolicy", &[("UserName", "alice"), ("PolicyArn", &policy)]).await;
    assert!(iam.call_by(&alice, "ListUsers", &[]).await.is_ok());
    let groups = allow("iam:ListGroups", "*");
    for number in 2..=5 {
        let made = iam.done("CreatePolicyVersion", &[("PolicyArn", &policy), ("PolicyDocument", &groups)]).await;
        assert_eq!(made.first("VersionId"), format!("v{number}"));
        assert_eq!(made.first("IsDefaultVersion"), "false");
        assert!(made.all("Document").is_empty());
    }
    assert!(iam.call_by(&alice, "ListGroups", &[]).await.is_err());
    let full = "A managed policy can have up to 5 versions. Before you create a new version, you must delete an existing version.";
    let parameters = [("PolicyArn", policy.as_str()), ("PolicyDocument", groups.as_str())];
    iam.refused("CreatePolicyVersion", &parameters, "LimitExceeded", full).await;
    iam.done("SetDefaultPolicyVersion", &[("PolicyArn", &policy), ("VersionId", "v3")]).await;
    assert!(iam.call_by(&alice, "ListGroups", &[]).await.is_ok());
    assert!(iam.call_by(&alice, "ListUsers", &[]).await.is_err());
    let default = "Cannot delete the default version of a policy.";
    iam.refused("DeletePolicyVersion", &[("PolicyArn", &policy), ("VersionId", "v3")], "DeleteConflict", default).await;
    iam.done("DeletePolicyVersion", &[("PolicyArn", &policy), ("VersionId", "v5")]).await;
    // No number is given twice.
    let parameters = [("PolicyArn", policy.as_str()), ("PolicyDocument", &groups), ("SetAsDefault", "true")];
    let made = iam.done("CreatePolicyVersion", &parameters).await;
    assert_eq!((made.first("VersionId"), made.first("IsDefaultVersion")), ("v6".into(), "true".into()));
    let listed = iam.done("ListPolicyVersions", &[("PolicyArn", &policy)]).await;
    assert_eq!(listed.all("VersionId"), ["v6", "v4", "v3", "v2", "v1"]);
    let page = iam.done("ListPolicyVersions", &[("PolicyArn", &policy), ("MaxItems", "2")]).await;
    assert_eq!(page.all("VersionId"), ["v6", "v4"]);
    let rest = [("PolicyArn", policy.as_str()), ("Marker", &page.first("Marker"))];
    assert_eq!(iam.done("ListPolicyVersions", &rest).await.all("VersionId"), ["v3", "v2", "v1"]);
}

#[tokio::test]
async fn a_version_shows_its_document_and_others_are_not_there() {
    let iam = Iam::new().await;
    let policy = iam.policy("Use", "kms:Encrypt").await;
    let found = iam.done("GetPolicyVersion", &[("PolicyArn", &policy), ("VersionId", "v1")]).await;
    assert_eq!(decoded(&found.first("Document")), allow("kms:Encrypt", "*"));
    assert!(!found.first("Document").contains('"'));
    for (operation, version) in
        [("GetPolicyVersion", "v2"), ("SetDefaultPolicyVersion", "v2"), ("DeletePolicyVersion", "v1.a")]
    {
        let message = format!("Policy {policy} version {version} does not exist or is not attachable.");
        iam.refused(operation, &[("PolicyArn", &policy), ("VersionId", version)], "NoSuchEntity", &message).await;
    }
    let invalid = iam.call("GetPolicyVersion", &[("PolicyArn", &policy), ("VersionId", "1")]).await.unwrap_err();
    assert_eq!(invalid.code, "ValidationError");
    let of_aws = iam.done("GetPolicyVersion", &[("PolicyArn", ADMINISTRATOR), ("VersionId", "v1")]).await;
    assert!(decoded(&of_aws.first("Document")).contains("\"Action\":\"*\""));
    assert_eq!(iam.done("ListPolicyVersions", &[("PolicyArn", ADMINISTRATOR)]).await.all("VersionId"), ["v1"]);
}
