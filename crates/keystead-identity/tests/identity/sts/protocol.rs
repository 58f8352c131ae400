//! What STS makes of requests before it knows the operation.

use keystead_core::access::Principal;
use serde_json::json;

use super::support::Sts;
use crate::support::account;

#[tokio::test]
async fn operations_that_are_not_served_say_so() {
    let sts = Sts::new().await;
    let root = Principal::root(account());
    for operation in
        ["AssumeRoleWithSAML", "AssumeRoot", "DecodeAuthorizationMessage", "GetFederationToken", "GetWebIdentityToken"]
    {
        let refused =
            sts.by(&root, operation, &[("EncodedMessage", "hidden"), ("SAMLAssertion", "hidden")]).await.unwrap_err();
        assert_eq!(refused.code, "InvalidAction");
        assert!(refused.message.starts_with(&format!("{operation} is not served here")), "{refused:?}");
        assert_eq!(sts.records(operation).len(), 1);
    }
    assert!(!sts.all_records().contains("hidden"));
    sts.by(&root, "GetCallerIdentity", &[("TokenCode", "hidden"), ("Shown", "shown")]).await.unwrap_err();
    assert_eq!(sts.records("GetCallerIdentity")[0]["requestParameters"], json!({ "shown": "shown" }));
    let refused = sts.by(&root, "Sing", &[]).await.unwrap_err();
    assert_eq!(refused.message, "Could not find operation Sing for version 2011-06-15");
}

#[tokio::test]
async fn requests_without_a_signature_are_for_web_identities_alone() {
    let sts = Sts::new().await;
    for operation in ["AssumeRole", "GetCallerIdentity", "GetSessionToken", "Sing", ""] {
        assert!(sts.anonymously(operation, &[]).await.is_none(), "{operation}");
    }
    assert_eq!(sts.all_records(), "[]");
    let refused = sts.anonymously("AssumeRoleWithSAML", &[]).await.unwrap().unwrap_err();
    assert!(refused.message.starts_with("AssumeRoleWithSAML is not served here"), "{refused:?}");
    let refused = sts.anonymously("AssumeRoleWithWebIdentity", &[]).await.unwrap().unwrap_err();
    assert_eq!(refused.code, "ValidationError");
    let record = &sts.records("AssumeRoleWithWebIdentity")[0];
    assert_eq!((&record["userIdentity"]["type"], &record["errorCode"]), (&"Unknown".into(), &"ValidationError".into()));
}
