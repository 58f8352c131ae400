//! Users and their tags.

use serde_json::{Value, json};

use crate::support::{Iam, account};

fn names(answer: &Value) -> Vec<String> {
    let users = answer["Users"].as_array().cloned().unwrap_or_default();
    users.iter().map(|user| user["UserName"].as_str().unwrap().to_owned()).collect()
}

#[tokio::test]
async fn a_user_is_made_told_of_listed_and_deleted() {
    let iam = Iam::new().await;
    let boundary = "arn:aws:iam::aws:policy/AdministratorAccess";
    let members = [
        ("UserName", "alice"),
        ("Path", "/division/"),
        ("PermissionsBoundary", boundary),
        ("Tags.member.1.Key", "Team"),
        ("Tags.member.1.Value", "blue"),
    ];
    let made = iam.call("CreateUser", &members).await.unwrap();
    let id = made["User"]["UserId"].as_str().unwrap();
    assert!(id.starts_with("AIDA") && id.len() == 20, "{id}");
    let listed = json!({
        "Path": "/division/",
        "UserName": "alice",
        "UserId": id,
        "Arn": format!("arn:aws:iam::{}:user/division/alice", account()),
        "CreateDate": "2026-09-21T14:13:20Z",
    });
    let mut user = listed.clone();
    user["PermissionsBoundary"] = json!({"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": boundary});
    user["Tags"] = json!([{"Key": "Team", "Value": "blue"}]);
    assert_eq!(made, json!({ "User": user }));
    assert_eq!(iam.call("GetUser", &[("UserName", "alice")]).await.unwrap(), json!({ "User": user }));
    let all = iam.call("ListUsers", &[]).await.unwrap();
    assert_eq!(all, json!({"Users": [listed], "IsTruncated": "false"}));
    assert_eq!(iam.call("DeleteUser", &[("UserName", "alice")]).await.unwrap(), Value::Null);
    let gone = ("NoSuchEntity".to_owned(), "The user with name alice cannot be found.".to_owned());
    assert_eq!(iam.refused("GetUser", &[("UserName", "alice")]).await, gone);
    assert_eq!(iam.refused("DeleteUser", &[("UserName", "alice")]).await, gone);
}

#[tokio::test]
async fn names_are_taken_whatever_their_case() {
    let iam = Iam::new().await;
    iam.call("CreateUser", &[("UserName", "alice")]).await.unwrap();
    let (code, message) = iam.refused("CreateUser", &[("UserName", "Alice")]).await;
    assert_eq!((code.as_str(), message.as_str()), ("EntityAlreadyExists", "User with name Alice already exists."));
}

#[tokio::test]
async fn what_cannot_be_is_refused() {
    let iam = Iam::new().await;
    let long = "a".repeat(65);
    let constraint = "failed to satisfy constraint: Member must";
    for (members, code, part) in [
        (vec![], "ValidationError", "Value null at 'userName' failed to satisfy constraint: Member must not be null"),
        (vec![("UserName", "a b")], "ValidationError", constraint),
        (vec![("UserName", long.as_str())], "ValidationError", "less than or equal to 64"),
        (vec![("UserName", "a"), ("Path", "a/")], "ValidationError", "at 'path'"),
        (vec![("UserName", "a"), ("Colour", "red")], "ValidationError", "Colour"),
        (
            vec![("UserName", "a"), ("PermissionsBoundary", "arn:aws:iam::aws:policy/NoSuchPolicyOfAws")],
            "NoSuchEntity",
            "does not exist or is not attachable",
        ),
        (
            vec![("UserName", "a"), ("PermissionsBoundary", "arn:aws:iam::111122223333:policy/none")],
            "NoSuchEntity",
            "does not exist or is not attachable",
        ),
        (
            vec![("UserName", "a"), ("PermissionsBoundary", "arn:aws:iam::444455556666:policy/none")],
            "NoSuchEntity",
            "does not exist or is not attachable",
        ),
        (vec![("UserName", "a"), ("Tags.member.1.Key", "aws:x"), ("Tags.member.1.Value", "")], "InvalidInput", "aws:"),
    ] {
        let (refused, message) = iam.refused("CreateUser", &members).await;
        assert_eq!(refused, code, "{members:?}");
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(names(&iam.call("ListUsers", &[]).await.unwrap()), Vec::<String>::new());
}

#[tokio::test]
async fn pages_follow_each_other_within_a_path() {
    let iam = Iam::new().await;
    for (path, name) in [("/", "a"), ("/x/", "b"), ("/", "c"), ("/x/", "d"), ("/x/y/", "e"), ("/", "f")] {
        iam.call("CreateUser", &[("UserName", name), ("Path", path)]).await.unwrap();
    }
    for (prefix, expected) in [("/", "abcdef"), ("/x/", "bde"), ("/x/y/", "e"), ("/none/", "")] {
        let mut found = Vec::new();
        let mut marker: Option<String> = None;
        loop {
            let mut members = vec![("PathPrefix", prefix), ("MaxItems", "2")];
            members.extend(marker.as_deref().map(|marker| ("Marker", marker)));
            let page = iam.call("ListUsers", &members).await.unwrap();
            found.extend(names(&page));
            marker = page["Marker"].as_str().map(str::to_owned);
            assert_eq!(page["IsTruncated"], marker.is_some().to_string());
            if marker.is_none() {
                break;
            }
        }
        assert_eq!(found.concat(), expected);
    }
}

#[tokio::test]
async fn a_marker_that_was_not_given_out_is_refused() {
    let iam = Iam::new().await;
    for name in ["a", "b"] {
        iam.call("CreateUser", &[("UserName", name)]).await.unwrap();
    }
    let page = iam.call("ListUsers", &[("MaxItems", "1")]).await.unwrap();
    let marker = page["Marker"].as_str().unwrap();
    for (operation, members) in [
        ("ListUsers", vec![("Marker", "b")]),
        ("ListUsers", vec![("Marker", marker), ("PathPrefix", "/x/")]),
        ("ListGroups", vec![("Marker", marker)]),
        ("ListUsers", vec![("MaxItems", "0")]),
        ("ListUsers", vec![("MaxItems", "1001")]),
        ("ListUsers", vec![("MaxItems", "some")]),
        ("ListUsers", vec![("PathPrefix", "x")]),
    ] {
        assert_eq!(iam.refused(operation, &members).await.0, "ValidationError", "{members:?}");
    }
}

#[tokio::test]
async fn without_a_name_it_is_the_caller() {
    let iam = Iam::new().await;
    let alice = iam.user_who_may("alice", json!({"Effect": "Allow", "Action": "iam:GetUser", "Resource": "*"})).await;
    let own = iam.call_as(alice, "GetUser", &[]).await.unwrap();
    assert_eq!(own["User"]["UserName"], "alice");
    let root = iam.call("GetUser", &[]).await.unwrap();
    assert_eq!(root["User"]["Arn"], format!("arn:aws:iam::{}:root", account()));
    assert_eq!(root["User"]["UserId"], account().as_str());
}

fn tag<'a>(key: &'a str, value: &'a str) -> [(&'a str, &'a str); 3] {
    [("UserName", "alice"), ("Tags.member.1.Key", key), ("Tags.member.1.Value", value)]
}

#[tokio::test]
async fn tags_are_added_listed_and_removed() {
    let iam = Iam::new().await;
    iam.call("CreateUser", &[("UserName", "alice")]).await.unwrap();
    for (key, value) in [("b", "1"), ("a", "2"), ("B", "3"), ("c", "")] {
        assert_eq!(iam.call("TagUser", &tag(key, value)).await.unwrap(), Value::Null);
    }
    let all = iam.call("ListUserTags", &[("UserName", "alice")]).await.unwrap();
    let tags = json!([{"Key": "B", "Value": "3"}, {"Key": "a", "Value": "2"}, {"Key": "c", "Value": ""}]);
    assert_eq!(all, json!({"Tags": tags, "IsTruncated": "false"}));
    let first = iam.call("ListUserTags", &[("UserName", "alice"), ("MaxItems", "2")]).await.unwrap();
    let rest = [("UserName", "alice"), ("Marker", first["Marker"].as_str().unwrap())];
    assert_eq!(iam.call("ListUserTags", &rest).await.unwrap()["Tags"], json!([tags[2]]));
    iam.call("UntagUser", &[("UserName", "alice"), ("TagKeys.member.1", "b"), ("TagKeys.member.2", "x")])
        .await
        .unwrap();
    let left = iam.call("ListUserTags", &[("UserName", "alice")]).await.unwrap();
    assert_eq!(left["Tags"], json!([tags[1], tags[2]]));
    for (operation, members) in [
        ("TagUser", vec![("UserName", "alice")]),
        ("TagUser", vec![("UserName", "alice"), ("Tags", "")]),
        ("UntagUser", vec![("UserName", "alice")]),
    ] {
        assert_eq!(iam.refused(operation, &members).await.0, "ValidationError");
    }
    assert_eq!(
        iam.refused("TagUser", &[("UserName", "bob"), tag("a", "1")[1], tag("a", "1")[2]]).await.0,
        "NoSuchEntity"
    );
    for number in 0..48 {
        iam.call("TagUser", &tag(&format!("k{number}"), "")).await.unwrap();
    }
    assert_eq!(iam.refused("TagUser", &tag("one-more", "")).await.0, "LimitExceeded");
}

#[tokio::test]
async fn what_still_has_something_is_not_deleted() {
    let iam = Iam::new().await;
    let alice = [("UserName", "alice")];
    iam.user_who_may("alice", json!({"Effect": "Allow", "Action": "*", "Resource": "*"})).await;
    let conflict = |message: &str| ("DeleteConflict".to_owned(), format!("Cannot delete entity, must {message}"));
    assert_eq!(iam.refused("DeleteUser", &alice).await, conflict("delete policies first."));
    iam.call("CreateUser", &[("UserName", "bob")]).await.unwrap();
    iam.call("CreateGroup", &[("GroupName", "staff")]).await.unwrap();
    let bob = [("UserName", "bob"), ("GroupName", "staff")];
    iam.call("AddUserToGroup", &bob).await.unwrap();
    assert_eq!(iam.refused("DeleteUser", &bob[..1]).await, conflict("remove user from all groups first."));
    iam.call("RemoveUserFromGroup", &bob).await.unwrap();
    let key = iam.call("CreateAccessKey", &bob[..1]).await.unwrap();
    assert_eq!(iam.refused("DeleteUser", &bob[..1]).await, conflict("delete access keys first."));
    let id = key["AccessKey"]["AccessKeyId"].as_str().unwrap();
    iam.call("DeleteAccessKey", &[("UserName", "bob"), ("AccessKeyId", id)]).await.unwrap();
    iam.call("DeleteUser", &bob[..1]).await.unwrap();
}

#[tokio::test]
async fn changes_at_the_same_time_are_all_kept() {
    let iam = std::sync::Arc::new(Iam::new().await);
    iam.call("CreateUser", &[("UserName", "alice")]).await.unwrap();
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..16 {
        let iam = iam.clone();
        tasks.spawn(async move {
            let key = format!("key{number:02}");
            let members = [("UserName", "alice"), ("Tags.member.1.Key", &key), ("Tags.member.1.Value", "")];
            iam.call("TagUser", &members).await.unwrap();
        });
    }
    while let Some(result) = tasks.join_next().await {
        result.unwrap();
    }
    let tags = iam.call("ListUserTags", &[("UserName", "alice")]).await.unwrap();
    assert_eq!(tags["Tags"].as_array().unwrap().len(), 16);
}

#[tokio::test]
async fn of_two_who_make_the_same_user_one_succeeds() {
    let iam = Iam::new().await;
    let (one, other) = ([("UserName", "alice")], [("UserName", "ALICE")]);
    let (one, other) = tokio::join!(iam.call("CreateUser", &one), iam.call("CreateUser", &other));
    let refused: Vec<_> = [one, other].into_iter().filter_map(Result::err).map(|refused| refused.code).collect();
    assert_eq!(refused, ["EntityAlreadyExists"]);
}
