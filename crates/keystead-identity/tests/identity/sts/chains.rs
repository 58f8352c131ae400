//! Roles that are assumed by sessions of roles.

use serde_json::json;

use super::support::{Sts, trust, trust_if};

const ALICE: &str = "arn:aws:iam::111122223333:user/alice";
const FIRST: &str = "arn:aws:iam::111122223333:role/team/First";
const ALL: &[&str] = &["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];

#[tokio::test]
async fn a_chained_session_lasts_an_hour_at_most() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let first = sts.role("First", &[trust(ALICE, ALL)], &[]).await;
    let second = sts
        .changed_role("Second", &[trust(FIRST, ALL), trust(ALICE, ALL)], &[], |role| role.max_session_duration = 43_200)
        .await;
    let session = sts.assume(&alice, &first, &[]).await.unwrap()["Credentials"].clone();
    let chained = sts.assume_with(&session, &second, &[("DurationSeconds", "3600")]).await.unwrap();
    assert_eq!(chained["AssumedRoleUser"]["Arn"], "arn:aws:sts::111122223333:assumed-role/Second/chained");
    let refused = sts.assume_with(&session, &second, &[("DurationSeconds", "3601")]).await.unwrap_err();
    assert!(refused.message.contains("1 hour session limit for roles assumed by role chaining"), "{refused:?}");
    sts.assume(&alice, &second, &[("DurationSeconds", "43200")]).await.unwrap();
    // A session of a user is no role's.
    let of_user = sts.by(&alice, "GetSessionToken", &[]).await.unwrap();
    sts.assume_with(&of_user["Credentials"], &second, &[("DurationSeconds", "43200")]).await.unwrap();
}

#[tokio::test]
async fn transitive_tags_stay_and_others_do_not() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let first = sts.role("First", &[trust(ALICE, ALL)], &[]).await;
    let second = sts.role("Second", &[trust("*", ALL)], &[]).await;
    let third = sts.role("Third", &[trust("*", ALL)], &[]).await;
    let tags = [
        ("Tags.member.1.Key", "Project"),
        ("Tags.member.1.Value", "nile"),
        ("Tags.member.2.Key", "Ticket"),
        ("Tags.member.2.Value", "1"),
        ("TransitiveTagKeys.member.1", "Project"),
    ];
    let one = sts.assume(&alice, &first, &tags).await.unwrap()["Credentials"].clone();
    let two = sts.assume_with(&one, &second, &[]).await.unwrap()["Credentials"].clone();
    let more = [("Tags.member.1.Key", "Ticket"), ("Tags.member.1.Value", "2")];
    let three = sts.assume_with(&two, &third, &more).await.unwrap()["Credentials"].clone();
    for (credentials, tags) in [
        (&one, json!({"Project": "nile", "Ticket": "1"})),
        (&two, json!({"Project": "nile"})),
        (&three, json!({"Project": "nile", "Ticket": "2"})),
    ] {
        let credential = sts.credential(credentials).await.unwrap();
        let session = credential.principal.session.as_deref().unwrap();
        assert_eq!(json!(session.tags), tags);
        assert_eq!(json!(session.transitive_tag_keys), json!(["Project"]));
    }
    // What is passed on cannot be said anew, in whatever letters.
    let changed = [("Tags.member.1.Key", "PROJECT"), ("Tags.member.1.Value", "amazon")];
    assert_eq!(sts.assume_with(&one, &second, &changed).await.unwrap_err().code, "InvalidParameterValue");
}

#[tokio::test]
async fn every_role_of_a_chain_must_allow_tags_and_the_source_identity() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let first = sts.role("First", &[trust(ALICE, ALL)], &[]).await;
    let plain = sts.role("Plain", &[trust(FIRST, &["sts:AssumeRole"])], &[]).await;
    let no_tags = sts.role("NoTags", &[trust(FIRST, &["sts:AssumeRole", "sts:SetSourceIdentity"])], &[]).await;
    let full = sts.role("Full", &[trust(FIRST, ALL)], &[]).await;
    let passed_on = [("Tags.member.1.Key", "a"), ("Tags.member.1.Value", ""), ("TransitiveTagKeys.member.1", "a")];
    let bare = sts.assume(&alice, &first, &[]).await.unwrap()["Credentials"].clone();
    let named = sts.assume(&alice, &first, &[("SourceIdentity", "alice")]).await.unwrap()["Credentials"].clone();
    let tagged = sts.assume(&alice, &first, &passed_on).await.unwrap()["Credentials"].clone();
    for (credentials, role, refused_action) in [
        (&bare, &plain, None),
        (&named, &plain, Some("sts:SetSourceIdentity")),
        (&named, &no_tags, None),
        (&tagged, &plain, Some("sts:TagSession")),
        (&tagged, &no_tags, Some("sts:TagSession")),
        (&tagged, &full, None),
    ] {
        let answer = sts.assume_with(credentials, role, &[]).await;
        match refused_action {
            None => assert!(answer.is_ok(), "{role}: {answer:?}"),
            Some(action) => {
                let message = answer.unwrap_err().message;
                assert!(
                    message.contains(&format!("is not authorized to perform: {action} on resource: {role}")),
                    "{message}"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_source_identity_sticks() {
    let sts = Sts::new().await;
    let alice = sts.user("alice", &[]).await;
    let first = sts.role("First", &[trust(ALICE, ALL)], &[]).await;
    let condition = json!({"StringEquals": {"sts:SourceIdentity": "alice"}});
    let second = sts.role("Second", &[trust_if(FIRST, ALL, condition)], &[]).await;
    let answer = sts.assume(&alice, &first, &[("SourceIdentity", "alice")]).await.unwrap();
    assert_eq!(answer["SourceIdentity"], "alice");
    let named = &answer["Credentials"];
    let chained = sts.assume_with(named, &second, &[]).await.unwrap();
    assert_eq!(chained["SourceIdentity"], "alice");
    sts.assume_with(named, &second, &[("SourceIdentity", "alice")]).await.unwrap();
    assert_eq!(
        sts.assume_with(named, &second, &[("SourceIdentity", "mallory")]).await.unwrap_err().code,
        "AccessDenied"
    );
    let other = sts.assume(&alice, &first, &[("SourceIdentity", "bob")]).await.unwrap();
    assert_eq!(sts.assume_with(&other["Credentials"], &second, &[]).await.unwrap_err().code, "AccessDenied");
}
