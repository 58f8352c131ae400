//! Who may do what in IAM, and what policies are told of requests.

use serde_json::json;

use crate::support::Iam;

#[tokio::test]
async fn who_may_not_learns_nothing_of_what_is_there() {
    let iam = Iam::new().await;
    iam.call("CreateUser", &[("UserName", "nobody")]).await.unwrap();
    iam.call("CreateUser", &[("UserName", "alice"), ("Path", "/x/")]).await.unwrap();
    let nobody = iam.user("nobody").await;
    for (name, path) in [("alice", "/x/"), ("none", "/")] {
        let refused = iam.call_as(nobody.clone(), "GetUser", &[("UserName", name)]).await.unwrap_err();
        assert_eq!((refused.status, refused.code.as_str()), (403, "AccessDenied"));
        assert_eq!(
            refused.message,
            format!(
                "User: arn:aws:iam::111122223333:user/nobody is not authorized to perform: iam:GetUser on resource: \
                 arn:aws:iam::111122223333:user{path}{name} because no identity-based policy allows the iam:GetUser action"
            )
        );
    }
    for (operation, members) in [
        ("ListUsers", vec![]),
        ("ListGroups", vec![]),
        ("ListRoles", vec![]),
        ("CreateUser", vec![("UserName", "bob")]),
        ("CreateGroup", vec![("GroupName", "staff")]),
        ("CreateAccessKey", vec![]),
        ("ListAccessKeys", vec![]),
        ("GetUser", vec![]),
        ("GetRole", vec![("RoleName", "none")]),
        ("GetGroup", vec![("GroupName", "none")]),
        ("DeleteUser", vec![("UserName", "alice")]),
        ("TagUser", vec![("UserName", "alice"), ("Tags.member.1.Key", "k"), ("Tags.member.1.Value", "v")]),
    ] {
        let refused = iam.call_as(nobody.clone(), operation, &members).await.unwrap_err();
        assert_eq!(refused.code, "AccessDenied", "{operation}");
    }
    let records = iam.records("GetUser");
    assert_eq!(records[0]["errorCode"], "AccessDenied");
    assert_eq!(records[0]["userIdentity"]["userName"], "nobody");
}

#[tokio::test]
async fn paths_separate_who_is_whose() {
    let iam = Iam::new().await;
    let arns = "arn:aws:iam::111122223333:user/team/*";
    let lead = iam.user_who_may("lead", json!({"Effect": "Allow", "Action": "iam:*", "Resource": arns})).await;
    let create = |path| [("UserName", "new"), ("Path", path)];
    assert_eq!(iam.call_as(lead.clone(), "CreateUser", &create("/")).await.unwrap_err().code, "AccessDenied");
    iam.call_as(lead.clone(), "CreateUser", &create("/team/")).await.unwrap();
    iam.call_as(lead.clone(), "CreateAccessKey", &[("UserName", "new")]).await.unwrap();
    iam.call_as(lead.clone(), "ListUsers", &[("PathPrefix", "/team/")]).await.unwrap();
    assert_eq!(iam.call_as(lead.clone(), "ListUsers", &[]).await.unwrap_err().code, "AccessDenied");
    assert_eq!(iam.call_as(lead, "GetUser", &[("UserName", "lead")]).await.unwrap_err().code, "AccessDenied");
}

#[tokio::test]
async fn policies_are_told_of_tags_and_boundaries() {
    let iam = Iam::new().await;
    let boundary = "arn:aws:iam::aws:policy/AdministratorAccess";
    let statements = json!([
        {
            "Effect": "Allow", "Action": "iam:CreateUser", "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestTag/Team": "blue", "iam:PermissionsBoundary": boundary}},
        },
        {
            "Effect": "Allow", "Action": "iam:TagUser", "Resource": "*",
            "Condition": {
                "StringEquals": {"aws:ResourceTag/Team": "blue", "iam:ResourceTag/Team": "blue"},
                "ForAllValues:StringEquals": {"aws:TagKeys": ["Cost"]},
            },
        },
        // What CreateUser tags.
        {
            "Effect": "Allow", "Action": "iam:TagUser", "Resource": "*",
            "Condition": {"StringEquals": {"aws:RequestTag/Team": "blue", "iam:PermissionsBoundary": boundary}},
        },
    ]);
    let lead = iam.user_who_may("lead", statements).await;
    let team = |value| [("Tags.member.1.Key", "Team"), ("Tags.member.1.Value", value)];
    let name = ("UserName", "new");
    for members in [
        vec![name],
        vec![name, team("blue")[0], team("blue")[1]],
        vec![name, team("red")[0], team("red")[1], ("PermissionsBoundary", boundary)],
    ] {
        let refused = iam.call_as(lead.clone(), "CreateUser", &members).await.unwrap_err();
        assert_eq!(refused.code, "AccessDenied", "{members:?}");
    }
    let members = [name, team("blue")[0], team("blue")[1], ("PermissionsBoundary", boundary)];
    iam.call_as(lead.clone(), "CreateUser", &members).await.unwrap();
    let tag = |key| [name, ("Tags.member.1.Key", key), ("Tags.member.1.Value", "1")];
    iam.call_as(lead.clone(), "TagUser", &tag("Cost")).await.unwrap();
    assert_eq!(iam.call_as(lead.clone(), "TagUser", &tag("Team")).await.unwrap_err().code, "AccessDenied");
    iam.call("CreateUser", &[("UserName", "other")]).await.unwrap();
    let others = [("UserName", "other"), tag("Cost")[1], tag("Cost")[2]];
    assert_eq!(iam.call_as(lead, "TagUser", &others).await.unwrap_err().code, "AccessDenied");
}
