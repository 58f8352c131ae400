//! What nobody has here, as tools ask for it before they delete something.

use serde_json::json;

use crate::support::Iam;

#[tokio::test]
async fn tools_find_nothing() {
    let iam = Iam::new().await;
    iam.call("CreateUser", &[("UserName", "alice")]).await.unwrap();
    let trust = json!({ "Version": "2012-10-17", "Statement": {
        "Effect": "Allow", "Principal": { "AWS": "111122223333" }, "Action": "sts:AssumeRole" } });
    let role = [("RoleName", "reader"), ("AssumeRolePolicyDocument", &trust.to_string())];
    iam.call("CreateRole", &role).await.unwrap();
    let (alice, reader) = ([("UserName", "alice")], [("RoleName", "reader")]);
    for (operation, members, list) in [
        ("ListInstanceProfilesForRole", &reader[..], "InstanceProfiles"),
        ("ListAccountAliases", &[], "AccountAliases"),
        ("ListMFADevices", &alice, "MFADevices"),
        ("ListVirtualMFADevices", &[("AssignmentStatus", "Any")], "VirtualMFADevices"),
        ("ListSigningCertificates", &alice, "Certificates"),
        ("ListSSHPublicKeys", &alice, "SSHPublicKeys"),
        ("ListServiceSpecificCredentials", &alice, "ServiceSpecificCredentials"),
        ("ListMFADevices", &[], "MFADevices"),
    ] {
        let answer = iam.call(operation, members).await.unwrap();
        assert_eq!(answer, json!({ list: "", "IsTruncated": "false" }), "{operation}");
        assert_eq!(iam.records(operation)[0]["readOnly"], true);
    }
    let (code, message) = iam.refused("GetLoginProfile", &alice).await;
    assert_eq!((code.as_str(), message.as_str()), ("NoSuchEntity", "Login Profile for User alice cannot be found."));
    for (operation, members) in [
        ("ListInstanceProfilesForRole", [("RoleName", "absent")]),
        ("ListMFADevices", [("UserName", "absent")]),
        ("GetLoginProfile", [("UserName", "absent")]),
    ] {
        let (code, message) = iam.refused(operation, &members).await;
        assert_eq!((code.as_str(), message.contains("with name absent")), ("NoSuchEntity", true), "{message}");
    }
    assert_eq!(iam.refused("ListMFADevices", &[("MaxItems", "0")]).await.0, "ValidationError");
}

#[tokio::test]
async fn only_who_may_look_is_told_so() {
    let iam = Iam::new().await;
    let statement = json!({ "Effect": "Allow", "Action": "iam:ListMFADevices", "Resource": "*" });
    let bob = iam.user_who_may("bob", statement).await;
    iam.call_as(bob.clone(), "ListMFADevices", &[]).await.unwrap();
    for operation in ["ListAccountAliases", "ListVirtualMFADevices", "ListSSHPublicKeys", "GetLoginProfile"] {
        assert_eq!(iam.call_as(bob.clone(), operation, &[]).await.unwrap_err().code, "AccessDenied", "{operation}");
    }
}
