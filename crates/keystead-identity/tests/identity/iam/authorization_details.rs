//! GetAccountAuthorizationDetails.

use serde_json::{Value, json};

use crate::support::{Iam, account};

const DOCUMENT: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"kms:*","Resource":"*"}}"#;
const TRUST: &str = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":"111122223333"},"Action":"sts:AssumeRole"}}"#;
const ADMINISTRATOR: &str = "arn:aws:iam::aws:policy/AdministratorAccess";
const LISTS: [&str; 4] = ["UserDetailList", "GroupDetailList", "RoleDetailList", "Policies"];

async fn account_with_all() -> Iam {
    let iam = Iam::new().await;
    let user = ("UserName", "alice");
    iam.call("CreateGroup", &[("GroupName", "staff")]).await.unwrap();
    let tag = [("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")];
    iam.call("CreateUser", &[user, tag[0], tag[1], ("PermissionsBoundary", ADMINISTRATOR)]).await.unwrap();
    iam.call("AddUserToGroup", &[user, ("GroupName", "staff")]).await.unwrap();
    iam.call("CreateRole", &[("RoleName", "reader"), ("AssumeRolePolicyDocument", TRUST)]).await.unwrap();
    iam.call("CreatePolicy", &[("PolicyName", "keys"), ("PolicyDocument", DOCUMENT)]).await.unwrap();
    let own = format!("arn:aws:iam::{}:policy/keys", account());
    iam.call("AttachUserPolicy", &[user, ("PolicyArn", &own)]).await.unwrap();
    iam.call("AttachRolePolicy", &[("RoleName", "reader"), ("PolicyArn", ADMINISTRATOR)]).await.unwrap();
    let inline = [("GroupName", "staff"), ("PolicyName", "inline"), ("PolicyDocument", DOCUMENT)];
    iam.call("PutGroupPolicy", &inline).await.unwrap();
    iam
}

/// All entries of an answer, list by list.
fn entries(answer: &Value) -> Vec<Value> {
    LISTS.iter().flat_map(|list| answer[*list].as_array().cloned().unwrap_or_default()).collect()
}

#[tokio::test]
async fn everything_is_told() {
    let iam = account_with_all().await;
    let all = iam.call("GetAccountAuthorizationDetails", &[]).await.unwrap();
    let user = &all["UserDetailList"][0];
    assert_eq!((user["UserName"].as_str(), &user["GroupList"]), (Some("alice"), &json!(["staff"])));
    let own = format!("arn:aws:iam::{}:policy/keys", account());
    assert_eq!(user["AttachedManagedPolicies"], json!([{"PolicyName": "keys", "PolicyArn": own}]));
    assert_eq!(user["PermissionsBoundary"]["PermissionsBoundaryArn"], ADMINISTRATOR);
    assert_eq!((&user["Tags"], &user["UserPolicyList"]), (&json!([{"Key": "k", "Value": "v"}]), &json!("")));
    let inline = &all["GroupDetailList"][0]["GroupPolicyList"][0];
    assert_eq!(inline["PolicyName"], "inline");
    assert!(inline["PolicyDocument"].as_str().unwrap().starts_with("%7B%22Version%22"));
    let role = &all["RoleDetailList"][0];
    assert_eq!((role["RoleName"].as_str(), &role["InstanceProfileList"]), (Some("reader"), &json!("")));
    assert!(role["AssumeRolePolicyDocument"].as_str().unwrap().starts_with("%7B%22Version%22"));
    let names: Vec<_> = all["Policies"].as_array().unwrap().iter().map(|policy| &policy["PolicyName"]).collect();
    assert_eq!(names, ["keys", "AdministratorAccess"]);
    let versions = &all["Policies"][0]["PolicyVersionList"];
    assert_eq!((&versions[0]["VersionId"], &versions[0]["IsDefaultVersion"]), (&json!("v1"), &json!("true")));
    assert_eq!(all["IsTruncated"], "false");
}

#[tokio::test]
async fn pages_go_on_from_kind_to_kind() {
    let iam = account_with_all().await;
    let all = entries(&iam.call("GetAccountAuthorizationDetails", &[]).await.unwrap());
    assert_eq!(all.len(), 5);
    for size in ["1", "2", "3", "4", "5"] {
        let mut found = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let mut members = vec![("MaxItems", size)];
            members.extend(marker.as_deref().map(|marker| ("Marker", marker)));
            let page = iam.call("GetAccountAuthorizationDetails", &members).await.unwrap();
            assert!(entries(&page).len() <= size.parse().unwrap());
            found.extend(entries(&page));
            marker = page["Marker"].as_str().map(str::to_owned);
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(found, all, "pages of {size}");
    }
}

#[tokio::test]
async fn a_filter_leaves_kinds_out() {
    let iam = account_with_all().await;
    for (kind, list) in [
        ("User", "UserDetailList"),
        ("Group", "GroupDetailList"),
        ("Role", "RoleDetailList"),
        ("LocalManagedPolicy", "Policies"),
        ("AWSManagedPolicy", "Policies"),
    ] {
        let answer = iam.call("GetAccountAuthorizationDetails", &[("Filter.member.1", kind)]).await.unwrap();
        assert_eq!((entries(&answer).len(), answer[list].as_array().unwrap().len()), (1, 1), "{kind}");
    }
    let (code, message) = iam.refused("GetAccountAuthorizationDetails", &[("Filter.member.1", "Key")]).await;
    assert_eq!((code.as_str(), message.contains("at 'filter.1.member'")), ("ValidationError", true), "{message}");
}
