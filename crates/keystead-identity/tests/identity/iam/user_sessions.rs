//! Credentials of GetSessionToken, which are for other services than IAM.

use std::time::Duration;

use keystead_core::access::{Principal, SessionContent, SessionPrincipal};
use keystead_core::port::SystemEntropy;
use serde_json::json;

use crate::support::{Iam, account};

async fn session(iam: &Iam, of: SessionPrincipal) -> Principal {
    let now = iam.installation.now();
    let content = SessionContent::new(account(), of, now, now.plus(Duration::from_secs(900)), &SystemEntropy);
    let credentials = iam.kms.catalog().issue_session(&content).unwrap();
    let credential = iam.kms.catalog().session_credential(credentials.session_token.expose()).await.unwrap();
    (*credential.unwrap().principal).clone()
}

#[tokio::test]
async fn they_call_nothing_of_iam() {
    let iam = Iam::new().await;
    iam.user_who_may("alice", json!({ "Effect": "Allow", "Action": "*", "Resource": "*" })).await;
    let user = iam.call("GetUser", &[("UserName", "alice")]).await.unwrap()["User"].clone();
    let text = |member: &str| user[member].as_str().unwrap().to_owned();
    let of_user = SessionPrincipal::User { user_name: "alice".into(), user_id: text("UserId"), arn: text("Arn") };
    for of in [SessionPrincipal::Root, of_user] {
        let principal = session(&iam, of).await;
        for operation in ["GetUser", "ListUsers", "CreateAccessKey"] {
            let refused = iam.call_as(principal.clone(), operation, &[]).await.unwrap_err();
            assert_eq!((refused.status, refused.code.as_str()), (403, "InvalidClientTokenId"), "{operation}");
            assert_eq!(refused.message, "The security token included in the request is invalid");
        }
    }
    assert_eq!(iam.records("CreateAccessKey").len(), 2);
}
