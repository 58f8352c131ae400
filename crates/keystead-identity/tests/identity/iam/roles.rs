//! Roles, who may assume them, and their tags.

use std::collections::BTreeMap;

use keystead_core::port::IdentityStore;
use serde_json::{Value, json};

use crate::support::{Iam, account};

const TRUST: &str = r#"{"Version": "2012-10-17",
  "Statement": {"Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "sts:AssumeRole"}}"#;

fn trusting(principal: &str) -> String {
    let statement = json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"});
    json!({"Version": "2012-10-17", "Statement": statement}).to_string()
}

fn decoded(text: &Value) -> String {
    let text = text.as_str().unwrap();
    assert!(!text.contains(['"', ' ', '+', '\n']), "{text}");
    let body = format!("x={text}");
    form_urlencoded::parse(body.as_bytes()).next().unwrap().1.into_owned()
}

#[tokio::test]
async fn a_role_is_made_told_of_listed_and_deleted() {
    let iam = Iam::new().await;
    let boundary = "arn:aws:iam::aws:policy/AdministratorAccess";
    let members = [
        ("RoleName", "reader"),
        ("Path", "/service/"),
        ("AssumeRolePolicyDocument", TRUST),
        ("Description", "Reads & writes"),
        ("MaxSessionDuration", "7200"),
        ("PermissionsBoundary", boundary),
        ("Tags.member.1.Key", "Team"),
        ("Tags.member.1.Value", "blue"),
    ];
    let made = iam.call("CreateRole", &members).await.unwrap();
    let id = made["Role"]["RoleId"].as_str().unwrap();
    assert!(id.starts_with("AROA") && id.len() == 20, "{id}");
    assert_eq!(decoded(&made["Role"]["AssumeRolePolicyDocument"]), TRUST);
    let listed = json!({
        "Path": "/service/",
        "RoleName": "reader",
        "RoleId": id,
        "Arn": format!("arn:aws:iam::{}:role/service/reader", account()),
        "CreateDate": "2026-09-21T14:13:20Z",
        "AssumeRolePolicyDocument": made["Role"]["AssumeRolePolicyDocument"],
        "Description": "Reads & writes",
        "MaxSessionDuration": "7200",
    });
    let mut role = listed.clone();
    role["PermissionsBoundary"] = json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary});
    role["Tags"] = json!([{"Key": "Team", "Value": "blue"}]);
    assert_eq!(made, json!({ "Role": role }));
    assert_eq!(iam.call("GetRole", &[("RoleName", "reader")]).await.unwrap(), json!({ "Role": role }));
    let all = iam.call("ListRoles", &[]).await.unwrap();
    assert_eq!(all, json!({"Roles": [listed], "IsTruncated": "false"}));
    assert_eq!(iam.call("DeleteRole", &[("RoleName", "reader")]).await.unwrap(), Value::Null);
    let gone = ("NoSuchEntity".to_owned(), "The role with name reader cannot be found.".to_owned());
    assert_eq!(iam.refused("GetRole", &[("RoleName", "reader")]).await, gone);
}

#[tokio::test]
async fn a_role_is_changed() {
    let iam = Iam::new().await;
    let role = [("RoleName", "reader")];
    iam.call("CreateRole", &[role[0], ("AssumeRolePolicyDocument", TRUST)]).await.unwrap();
    assert_eq!(iam.call("GetRole", &role).await.unwrap()["Role"]["MaxSessionDuration"], "3600");
    let update = [role[0], ("Description", "new"), ("MaxSessionDuration", "43200")];
    assert_eq!(iam.call("UpdateRole", &update).await.unwrap(), "");
    let changed = iam.call("GetRole", &role).await.unwrap()["Role"].clone();
    assert_eq!((&changed["Description"], &changed["MaxSessionDuration"]), (&json!("new"), &json!("43200")));
    iam.call("UpdateRole", &role).await.unwrap();
    let changed = iam.call("GetRole", &role).await.unwrap()["Role"].clone();
    assert_eq!((&changed["Description"], &changed["MaxSessionDuration"]), (&json!("new"), &json!("3600")));
    let described = iam.call("UpdateRoleDescription", &[role[0], ("Description", "")]).await.unwrap();
    assert_eq!((&described["Role"]["RoleName"], &described["Role"]["Description"]), (&json!("reader"), &Value::Null));
    iam.call("CreateUser", &[("UserName", "alice")]).await.unwrap();
    let document = trusting("arn:aws:iam::111122223333:user/alice");
    let policy = [role[0], ("PolicyDocument", document.as_str())];
    assert_eq!(iam.call("UpdateAssumeRolePolicy", &policy).await.unwrap(), Value::Null);
    let changed = iam.call("GetRole", &role).await.unwrap()["Role"]["AssumeRolePolicyDocument"].clone();
    assert_eq!(decoded(&changed), document);
    // Whom the new document names is stored with it.
    let user = iam.installation.store.user(&account(), "alice").await.unwrap().unwrap();
    let stored = iam.installation.store.role(&account(), "reader").await.unwrap().unwrap();
    assert_eq!(stored.trust_policy_principals, BTreeMap::from([(user.arn(), user.user_id)]));
    for number in ["3599", "43201", "x"] {
        let members = [role[0], ("MaxSessionDuration", number)];
        assert_eq!(iam.refused("UpdateRole", &members).await.0, "ValidationError");
    }
}

#[tokio::test]
async fn trust_policies_that_cannot_be() {
    let iam = Iam::new().await;
    iam.call("CreateRole", &[("RoleName", "there"), ("AssumeRolePolicyDocument", TRUST)]).await.unwrap();
    let long = TRUST.replace("111122223333", &["111122223333"; 160].join("\", \"")).replace("\"AWS\": ", "\"AWS\": [");
    let long = long.replace("\"}, \"Action", "\"]}, \"Action");
    let stranger = "arn:aws:iam::111122223333:user/stranger";
    let unknown = trusting(stranger);
    for (document, code, part) in [
        ("{", "MalformedPolicyDocument", ""),
        (r#"{"Version": "2012-10-17", "Statement": []}"#, "MalformedPolicyDocument", ""),
        (&TRUST.replace("sts:AssumeRole", "kms:Encrypt"), "MalformedPolicyDocument", "AssumeRole"),
        (&TRUST.replace("\"Action\"", "\"Resource\": \"*\", \"Action\""), "MalformedPolicyDocument", "Resource"),
        (
            unknown.as_str(),
            "MalformedPolicyDocument",
            "Invalid principal in policy: \"AWS\":\"arn:aws:iam::111122223333:user/stranger\"",
        ),
        (&trusting("alice"), "MalformedPolicyDocument", "rincipal"),
        (long.as_str(), "LimitExceeded", "Cannot exceed quota for ACLSizePerRole: 2048"),
        ("", "ValidationError", "at 'assumeRolePolicyDocument'"),
    ] {
        let members = [("RoleName", "reader"), ("AssumeRolePolicyDocument", document)];
        let (refused, message) = iam.refused("CreateRole", &members).await;
        assert_eq!(refused, code, "{document}");
        assert!(message.contains(part), "{message}");
        if code != "ValidationError" {
            let members = [("RoleName", "there"), ("PolicyDocument", document)];
            assert_eq!(iam.refused("UpdateAssumeRolePolicy", &members).await.0, code);
        }
    }
    // Of an account elsewhere nobody here knows who is in it.
    let elsewhere = trusting("arn:aws:iam::444455556666:user/stranger");
    let members = [("RoleName", "reader"), ("AssumeRolePolicyDocument", elsewhere.as_str())];
    iam.call("CreateRole", &members).await.unwrap();
    assert_eq!(iam.refused("CreateRole", &members).await.0, "EntityAlreadyExists");
}

#[tokio::test]
async fn roles_have_pages_and_tags() {
    let iam = Iam::new().await;
    for name in ["a", "b", "c"] {
        iam.call("CreateRole", &[("RoleName", name), ("AssumeRolePolicyDocument", TRUST)]).await.unwrap();
    }
    let first = iam.call("ListRoles", &[("MaxItems", "2")]).await.unwrap();
    assert_eq!((first["Roles"].as_array().unwrap().len(), first["IsTruncated"].as_str()), (2, Some("true")));
    let rest = iam.call("ListRoles", &[("Marker", first["Marker"].as_str().unwrap())]).await.unwrap();
    assert_eq!(rest["Roles"][0]["RoleName"], "c");
    let tag = [("RoleName", "a"), ("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")];
    iam.call("TagRole", &tag).await.unwrap();
    let tags = iam.call("ListRoleTags", &tag[..1]).await.unwrap();
    assert_eq!(tags, json!({"Tags": [{"Key": "k", "Value": "v"}], "IsTruncated": "false"}));
    iam.call("UntagRole", &[tag[0], ("TagKeys.member.1", "K")]).await.unwrap();
    assert_eq!(iam.call("ListRoleTags", &tag[..1]).await.unwrap()["Tags"], "");
}
