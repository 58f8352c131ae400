//! Groups and who is in them.

use serde_json::{Value, json};

use crate::support::{Iam, account};

#[tokio::test]
async fn a_group_is_made_told_of_listed_and_deleted() {
    let iam = Iam::new().await;
    let made = iam.call("CreateGroup", &[("GroupName", "staff"), ("Path", "/a/")]).await.unwrap();
    let id = made["Group"]["GroupId"].as_str().unwrap();
    assert!(id.starts_with("AGPA") && id.len() == 20, "{id}");
    let group = json!({
        "Path": "/a/",
        "GroupName": "staff",
        "GroupId": id,
        "Arn": format!("arn:aws:iam::{}:group/a/staff", account()),
        "CreateDate": "2026-09-21T14:13:20Z",
    });
    assert_eq!(made, json!({ "Group": group }));
    let told = iam.call("GetGroup", &[("GroupName", "staff")]).await.unwrap();
    assert_eq!(told, json!({"Group": group, "Users": "", "IsTruncated": "false"}));
    let listed = iam.call("ListGroups", &[("PathPrefix", "/a/")]).await.unwrap();
    assert_eq!(listed, json!({"Groups": [group], "IsTruncated": "false"}));
    assert_eq!(iam.call("ListGroups", &[("PathPrefix", "/b/")]).await.unwrap()["Groups"], "");
    assert_eq!(iam.refused("CreateGroup", &[("GroupName", "STAFF")]).await.0, "EntityAlreadyExists");
    assert_eq!(iam.call("DeleteGroup", &[("GroupName", "staff")]).await.unwrap(), Value::Null);
    let gone = ("NoSuchEntity".to_owned(), "The group with name staff cannot be found.".to_owned());
    for operation in ["GetGroup", "DeleteGroup"] {
        assert_eq!(iam.refused(operation, &[("GroupName", "staff")]).await, gone);
    }
}

#[tokio::test]
async fn users_come_and_go() {
    let iam = Iam::new().await;
    for name in ["alice", "bob", "carol"] {
        iam.call("CreateUser", &[("UserName", name)]).await.unwrap();
    }
    iam.call("CreateGroup", &[("GroupName", "staff")]).await.unwrap();
    for name in ["carol", "alice", "alice"] {
        let members = [("UserName", name), ("GroupName", "staff")];
        assert_eq!(iam.call("AddUserToGroup", &members).await.unwrap(), Value::Null);
    }
    let first = iam.call("GetGroup", &[("GroupName", "staff"), ("MaxItems", "1")]).await.unwrap();
    assert_eq!(first["Users"][0]["UserName"], "alice");
    let rest = [("GroupName", "staff"), ("Marker", first["Marker"].as_str().unwrap())];
    let rest = iam.call("GetGroup", &rest).await.unwrap();
    assert_eq!((rest["Users"][0]["UserName"].as_str(), &rest["Marker"]), (Some("carol"), &Value::Null));
    let groups = iam.call("ListGroupsForUser", &[("UserName", "alice")]).await.unwrap();
    assert_eq!(groups["Groups"][0]["GroupName"], "staff");
    assert_eq!(iam.call("ListGroupsForUser", &[("UserName", "bob")]).await.unwrap()["Groups"], "");
    let (code, message) = iam.refused("DeleteGroup", &[("GroupName", "staff")]).await;
    assert_eq!((code.as_str(), message.contains("remove users from group")), ("DeleteConflict", true));
    for name in ["alice", "bob", "carol"] {
        iam.call("RemoveUserFromGroup", &[("UserName", name), ("GroupName", "staff")]).await.unwrap();
    }
    iam.call("DeleteGroup", &[("GroupName", "staff")]).await.unwrap();
    for (members, missing) in [
        ([("UserName", "nobody"), ("GroupName", "staff")], "group"),
        ([("UserName", "alice"), ("GroupName", "none")], "group"),
    ] {
        let (code, message) = iam.refused("AddUserToGroup", &members).await;
        assert_eq!((code.as_str(), message.contains(missing)), ("NoSuchEntity", true), "{message}");
    }
}

#[tokio::test]
async fn a_user_is_in_ten_groups_at_most() {
    let iam = Iam::new().await;
    iam.call("CreateUser", &[("UserName", "alice")]).await.unwrap();
    for number in 0..=10 {
        let name = format!("group{number:02}");
        iam.call("CreateGroup", &[("GroupName", &name)]).await.unwrap();
        let members = [("UserName", "alice"), ("GroupName", name.as_str())];
        if number < 10 {
            iam.call("AddUserToGroup", &members).await.unwrap();
        } else {
            let refused = iam.refused("AddUserToGroup", &members).await;
            assert_eq!(refused, ("LimitExceeded".to_owned(), "Cannot exceed quota for GroupsPerUser: 10".to_owned()));
        }
    }
    let first = iam.call("ListGroupsForUser", &[("UserName", "alice"), ("MaxItems", "9")]).await.unwrap();
    let rest = [("UserName", "alice"), ("Marker", first["Marker"].as_str().unwrap())];
    let rest = iam.call("ListGroupsForUser", &rest).await.unwrap();
    assert_eq!(
        (rest["Groups"][0]["GroupName"].as_str(), rest["IsTruncated"].as_str()),
        (Some("group09"), Some("false"))
    );
}

#[tokio::test]
async fn what_a_group_may_do_its_users_may_at_once() {
    let iam = Iam::new().await;
    iam.call("CreateUser", &[("UserName", "alice")]).await.unwrap();
    iam.call("CreateGroup", &[("GroupName", "staff")]).await.unwrap();
    let store = &iam.installation.store;
    let mut group = keystead_core::port::IdentityStore::group(&**store, &account(), "staff").await.unwrap().unwrap();
    let document =
        json!({"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": "iam:List*", "Resource": "*"}});
    group.policies.inline.insert("list".to_owned(), document.to_string());
    keystead_core::port::IdentityStore::update_group(&**store, &group).await.unwrap();
    let alice = iam.user("alice").await;
    assert_eq!(iam.call_as(alice.clone(), "ListUsers", &[]).await.unwrap_err().code, "AccessDenied");
    let members = [("UserName", "alice"), ("GroupName", "staff")];
    iam.call("AddUserToGroup", &members).await.unwrap();
    iam.call_as(alice.clone(), "ListUsers", &[]).await.unwrap();
    iam.call("RemoveUserFromGroup", &members).await.unwrap();
    assert_eq!(iam.call_as(alice, "ListUsers", &[]).await.unwrap_err().code, "AccessDenied");
}
