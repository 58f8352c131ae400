//! Roles of another account: who assumed them is in the log of both accounts.

use serde_json::{Value, json};

use super::support::{Sts, allow, other_account, trust};

#[tokio::test]
async fn both_accounts_have_a_record_of_who_assumed_the_role() {
    let sts = Sts::new().await;
    let role = sts.role("Deploy", &[trust("444455556666", &["sts:AssumeRole"])], &[]).await;
    let bob = sts.user_of(other_account(), "bob", &[allow(&["sts:AssumeRole"], "*")]).await;
    sts.assume(&bob, &role, &[]).await.unwrap();
    let records = sts.records("AssumeRole");
    let [callers, owners] = records.as_slice() else { panic!("{records:?}") };
    assert_eq!(callers["recipientAccountId"], "444455556666");
    assert_eq!(callers["userIdentity"]["userName"], "bob");
    assert_eq!(owners["recipientAccountId"], "111122223333");
    let whom = json!({ "type": "AWSAccount", "principalId": "AIDA00000000000000BOB", "accountId": "444455556666" });
    assert_eq!(owners["userIdentity"], whom);
    assert!(callers["sharedEventID"].is_string() && callers["sharedEventID"] == owners["sharedEventID"]);
    assert_ne!(callers["eventID"], owners["eventID"]);
    for record in [callers, owners] {
        let resources = json!([{ "accountId": "111122223333", "type": "AWS::IAM::Role", "ARN": role }]);
        assert_eq!(record["resources"], resources);
        assert!(record["responseElements"]["credentials"].get("secretAccessKey").is_none());
    }
}

#[tokio::test]
async fn of_what_is_denied_and_of_an_own_role_there_is_one_record() {
    let sts = Sts::new().await;
    let role = sts.role("Deploy", &[trust("111122223333", &["sts:AssumeRole"])], &[]).await;
    let bob = sts.user_of(other_account(), "bob", &[allow(&["sts:AssumeRole"], "*")]).await;
    let alice = sts.user("alice", &[allow(&["sts:AssumeRole"], "*")]).await;
    assert_eq!(sts.assume(&bob, &role, &[]).await.unwrap_err().code, "AccessDenied");
    sts.assume(&alice, &role, &[]).await.unwrap();
    let accounts: Vec<Value> =
        sts.records("AssumeRole").iter().map(|record| record["recipientAccountId"].clone()).collect();
    assert_eq!(accounts, ["444455556666", "111122223333"]);
    assert!(sts.records("AssumeRole").iter().all(|record| record.get("sharedEventID").is_none()));
}

#[tokio::test]
async fn a_role_with_any_path_that_iam_takes_can_be_assumed() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[allow(&["sts:AssumeRole"], "*")]).await;
    let trust = [trust("111122223333", &["sts:AssumeRole"])];
    let role = sts.changed_role("Deploy", &trust, &[], |role| role.path = "/team#1/~/".to_owned()).await;
    sts.assume(&alice, &role, &[]).await.unwrap();
}
