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
