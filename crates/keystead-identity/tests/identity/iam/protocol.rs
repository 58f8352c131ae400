//! Requests that name no operation, and those of renames.

use crate::support::Iam;

#[tokio::test]
async fn operations_that_are_not_served() {
    let iam = Iam::new().await;
    let (code, message) = iam.refused("CreateInstanceProfile", &[]).await;
    let expected = "Could not find operation CreateInstanceProfile for version 2010-05-08";
    assert_eq!((code.as_str(), message.as_str()), ("InvalidAction", expected));
    for operation in ["UpdateUser", "UpdateGroup"] {
        let (code, message) = iam.refused(operation, &[("UserName", "alice"), ("NewUserName", "bob")]).await;
        assert_eq!((code.as_str(), message.contains("keep their name")), ("InvalidAction", true), "{message}");
    }
    assert_eq!(iam.records("Unknown").len(), 3);
}

#[tokio::test]
async fn what_is_not_served_leaves_no_parameters_in_the_log() {
    let iam = Iam::new().await;
    for operation in ["CreateLoginProfile", "ChangePassword", "UploadServerCertificate"] {
        iam.refused(operation, &[("UserName", "alice"), ("Password", "hidden"), ("Anything", "hidden")]).await;
    }
    let other_version = form_urlencoded::Serializer::new(String::new())
        .extend_pairs([("Action", "GetUser"), ("Version", "2009-01-01"), ("Anything", "hidden")])
        .finish();
    iam.send(&other_version).await;
    iam.call("ListUsers", &[("PathPrefix", "/shown/")]).await.unwrap();
    for record in iam.records("Unknown").iter().chain(&iam.records("GetUser")) {
        assert_eq!(record["requestParameters"], serde_json::Value::Null, "{record}");
        assert!(!record.to_string().contains("hidden"), "{record}");
    }
    assert_eq!((iam.records("Unknown").len(), iam.records("GetUser").len()), (3, 1));
    assert_eq!(iam.records("ListUsers")[0]["requestParameters"]["pathPrefix"], "/shown/");
}
