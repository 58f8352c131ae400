//! Principals that are gone are shown by their unique IDs, so that what is shown and put again gives nothing to who has the name now.
//!
//! Source: IAM User Guide, "AWS JSON policy elements: Principal"; AWS re:Post, "Why are there unknown principal formats in my IAM
//! resource-based policies?".

use std::collections::BTreeMap;

use crate::support::{IRELAND, Installation, KEY_TRANSITION_MS, Server, key_policy, other_account, text};
use keystead_core::access::{Principal, PrincipalKind};
use keystead_core::operation::GonePrincipals;
use keystead_core::port::Store;
use serde_json::{Value, json};

const ROOT: &str = "arn:aws:iam::111122223333:root";
const ROLE: &str = "arn:aws:iam::111122223333:role/clerk";

fn allow(principals: &[&str]) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": principals}, "Action": "kms:*", "Resource": "*"})
}

async fn shown(server: &Server, key: &str) -> String {
    text(&server.call("GetKeyPolicy", json!({"KeyId": key})).await.unwrap()["Policy"])
}

/// It is no policy that could be put, whatever is bypassed.
async fn assert_refused(server: &Server, operation: &str, mut input: Value, policy: &str) {
    input["Policy"] = json!(policy);
    for bypass in [false, true] {
        input["BypassPolicyLockoutSafetyCheck"] = json!(bypass);
        let refused = server.refused(operation, input.clone()).await;
        assert_eq!(refused.exception, "MalformedPolicyDocumentException");
        assert_eq!(refused.message, "Policy contains a statement with one or more invalid principals.");
    }
}

#[tokio::test]
async fn a_user_is_shown_by_the_unique_id_once_deleted_and_when_the_name_is_taken() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let first = installation.create_user("alice", &[]).await;
    let others = installation.create_user("bob", &[]).await;
    let elsewhere = "arn:aws:iam::999988887777:user/alice";
    // Spaces, escapes and the order are the author's.
    let policy = format!(
        r#"{{ "Version":"2012-10-17","Statement" : [{{"Effect":"Allow","Principal":{{"AWS":["{ROOT}", "{first}","{other}","{elsewhere}" ]}},
            "Action":"kms:*","Resource":"\u002a","Condition":{{"ArnNotEquals":{{"aws:SourceArn":"{first}"}}}}}},
            {{"Effect":"Deny","NotPrincipal":{{"AWS":["{ROOT}","{first}"]}},"Action":"kms:Sign","Resource":"*"}}]}}"#,
        first = first.arn,
        other = others.arn,
    );
    let key = server.create_key(json!({"Policy": policy})).await;
    assert_eq!(shown(&server, &key).await, policy);

    installation.delete_user("alice").await;
    let id = stored_id(&installation, &key, &first.arn).await;
    let of_principals = |quote: &str| format!("{quote}\"{}\"", first.arn);
    let expected = policy
        .replace(&of_principals(", "), &format!(", \"{id}\""))
        .replace(&of_principals(&format!("\"{ROOT}\",")), &format!("\"{ROOT}\",\"{id}\""));
    assert_eq!(expected.matches(&id).count(), 2);
    assert_eq!(shown(&server, &key).await, expected);

    installation.create_user("alice", &[]).await;
    server.kms.catalog().forget_identities();
    for server in [&server, &installation.serve()] {
        assert_eq!(shown(server, &key).await, expected);
    }
    assert_refused(&server, "PutKeyPolicy", json!({"KeyId": key}), &expected).await;
    assert_refused(&server, "CreateKey", json!({}), &expected).await;
    // What was meant is as it was.
    assert_eq!(installation.stored(&key).await.policy, policy);
}

/// The unique ID that is stored beside an ARN.
async fn stored_id(installation: &Installation, key: &str, arn: &str) -> String {
    installation.stored(key).await.policy_principals[arn].clone()
}

#[tokio::test]
async fn a_role_is_shown_by_its_id_and_a_session_by_the_id_and_its_name() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let session = installation.create_session("clerk", &[]).await;
    let key = server.create_key(json!({})).await;
    server.put_key_policy(&key, &[allow(&[ROOT, ROLE, &session.arn])]).await;
    let stored = shown(&server, &key).await;
    let id = stored_id(&installation, &key, ROLE).await;
    assert!(id.starts_with("AROA"), "{id}");
    let (_, session_name) = session.arn.rsplit_once('/').unwrap();
    let expected = stored
        .replace(&format!("\"{ROLE}\""), &format!("\"{id}\""))
        .replace(&session.arn, &format!("{id}:{session_name}"));
    installation.delete_role("clerk").await;
    assert_eq!(shown(&server, &key).await, expected);
    installation.create_session("clerk", &[]).await;
    assert_eq!(shown(&server, &key).await, expected);
    assert_refused(&server, "PutKeyPolicy", json!({"KeyId": key}), &expected).await;
}

/// The names of the primary key's policy are not given on to a replica by what is shown; each key shows what its own policy means.
#[tokio::test]
async fn a_replica_shows_its_own() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let first = installation.create_user("alice", &[]).await;
    let policy = key_policy(&[allow(&[ROOT, &first.arn])]);
    let primary = server.create_key(json!({"MultiRegion": true, "Policy": policy})).await;
    installation.delete_user("alice").await;
    installation.create_user("alice", &[]).await;
    let shown_of_primary = shown(&server, &primary).await;
    assert_eq!(shown_of_primary, policy.replace(&first.arn, &stored_id(&installation, &primary, &first.arn).await));
    let replicate = json!({"KeyId": primary, "ReplicaRegion": IRELAND});
    assert_refused(&server, "ReplicateKey", replicate.clone(), &shown_of_primary).await;

    let mut replicate_names = replicate;
    replicate_names["Policy"] = json!(policy);
    let made = server.call("ReplicateKey", replicate_names).await.unwrap();
    assert_eq!(made["ReplicaPolicy"], json!(policy));
    let replica = text(&made["ReplicaKeyMetadata"]["Arn"]);
    installation.advance(KEY_TRANSITION_MS);
    assert_eq!(shown(&server, &replica).await, policy);
    installation.delete_user("alice").await;
    let id = stored_id(&installation, &replica, &first.arn).await;
    assert_eq!(shown(&server, &replica).await, policy.replace(&first.arn, &id));
    assert_ne!(shown(&server, &primary).await, shown(&server, &replica).await);
}

/// Of what an earlier version stored no ID is known to be shown.
#[tokio::test]
async fn a_policy_from_before_is_shown_with_its_names() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let first = installation.create_user("alice", &[]).await;
    let policy = key_policy(&[allow(&[ROOT, &first.arn])]);
    let key = server.create_key(json!({"Policy": policy})).await;
    let mut stored = installation.stored(&key).await;
    stored.policy_principals.clear();
    installation.store.update_key(&stored).await.unwrap();
    installation.delete_user("alice").await;
    assert_eq!(shown(&installation.serve(), &key).await, policy);
}

#[tokio::test]
async fn grants_show_who_is_gone_by_unique_ids() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let user = installation.create_user("alice", &[]).await;
    installation.create_session("clerk", &[]).await;
    let made = server.grant_with(&key, &user.arn, &["Encrypt"], json!({"RetiringPrincipal": ROLE})).await;
    let to_account = server.grant(&key, ROOT, &["Encrypt"]).await;
    let listed = async |filter: Value| {
        let mut input = json!({"KeyId": key});
        input.as_object_mut().unwrap().extend(filter.as_object().unwrap().clone());
        server.call("ListGrants", input).await.unwrap()["Grants"].clone()
    };
    let named = async |id: &str| {
        let grants = listed(json!({"GrantId": id})).await;
        let [grant] = &grants.as_array().unwrap()[..] else { panic!("{grants}") };
        (grant["GranteePrincipal"].clone(), grant["RetiringPrincipal"].clone())
    };
    assert_eq!(named(&made.id).await, (json!(user.arn), json!(ROLE)));

    installation.delete_user("alice").await;
    let to_retire = server.call("ListRetirableGrants", json!({"RetiringPrincipal": ROLE})).await.unwrap();
    let (grantee, retiring) = named(&made.id).await;
    assert_eq!(to_retire["Grants"][0]["GranteePrincipal"], grantee);
    assert!(text(&grantee).starts_with("AIDA"), "{grantee}");
    assert_eq!(retiring, json!(ROLE));
    installation.delete_role("clerk").await;
    installation.create_user("alice", &[]).await;
    installation.create_session("clerk", &[]).await;
    let (grantee_again, retiring) = named(&made.id).await;
    assert_eq!(grantee_again, grantee);
    assert!(text(&retiring).starts_with("AROA"), "{retiring}");
    assert_eq!(named(&to_account.id).await, (json!(ROOT), Value::Null));

    // A grant to who has the name now is told apart from it. The filter finds both by the name.
    let new = server.grant(&key, &user.arn, &["Encrypt"]).await;
    assert_eq!(named(&new.id).await.0, json!(user.arn));
    let by_name = listed(json!({"GranteePrincipal": user.arn})).await;
    assert_eq!(by_name.as_array().unwrap().len(), 2);
    assert_eq!(listed(json!({})).await.as_array().unwrap().len(), 3);
}

fn unique_id(principal: &Principal) -> String {
    match &principal.kind {
        PrincipalKind::User { user_id, .. } => user_id.clone(),
        PrincipalKind::AssumedRole { role_id, .. } => role_id.clone(),
        other => panic!("{other:?} has no unique ID"),
    }
}

/// What is shown of a policy that names these, by ARN and unique ID.
async fn shown_with(gone: &mut GonePrincipals<'_>, named: &[(&str, &str)]) -> String {
    let ids: BTreeMap<String, String> = named.iter().map(|(arn, id)| ((*arn).to_owned(), (*id).to_owned())).collect();
    gone.shown_policy(&policy_of(named.iter().map(|(arn, _)| *arn)), &ids).await.unwrap()
}

fn policy_of<'a>(names: impl Iterator<Item = &'a str>) -> String {
    key_policy(&[allow(&names.collect::<Vec<_>>())])
}

/// For one answer each user, role and account is read once, however many policies name it: what is read again would be seen to have changed.
#[tokio::test]
async fn one_answer_looks_each_principal_up_once() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let alice = installation.create_user("alice", &[]).await;
    let session = installation.create_session("clerk", &[]).await;
    let (user_id, role_id) = (unique_id(&alice), unique_id(&session));
    let elsewhere = "arn:aws:iam::444455556666:user/uma";
    let of_role = |name: &str| format!("arn:aws:sts::111122223333:assumed-role/clerk/{name}");
    let mut gone = GonePrincipals::new(&server.kms);
    let named = [(alice.arn.as_str(), user_id.as_str()), (session.arn.as_str(), role_id.as_str())];
    assert_eq!(shown_with(&mut gone, &named).await, policy_of([alice.arn.as_str(), session.arn.as_str()].into_iter()));
    assert_eq!(shown_with(&mut gone, &[(elsewhere, "AIDAUMA")]).await, policy_of(["AIDAUMA"].into_iter()));

    installation.delete_user("alice").await;
    installation.delete_role("clerk").await;
    installation.create_other_account().await;
    let uma = installation.create_user_of(other_account(), "uma", &[]).await;
    let uma_id = unique_id(&uma);
    // Any session of the role, and the role itself, are the one role.
    let (other_session, third) = (of_role("tuesday"), of_role("friday"));
    for (arn, id, at_first, now) in [
        (alice.arn.as_str(), &user_id, alice.arn.clone(), user_id.clone()),
        (&session.arn, &role_id, session.arn.clone(), format!("{role_id}:session")),
        (&other_session, &role_id, other_session.clone(), format!("{role_id}:tuesday")),
        (&third, &role_id, third.clone(), format!("{role_id}:friday")),
        (ROLE, &role_id, ROLE.to_owned(), role_id.clone()),
        (elsewhere, &uma_id, uma_id.clone(), elsewhere.to_owned()),
    ] {
        assert_eq!(shown_with(&mut gone, &[(arn, id)]).await, policy_of([at_first.as_str()].into_iter()));
        let mut of_next_answer = GonePrincipals::new(&server.kms);
        assert_eq!(shown_with(&mut of_next_answer, &[(arn, id)]).await, policy_of([now.as_str()].into_iter()));
    }
    // Another ID is another user, though the name is known already.
    assert_eq!(shown_with(&mut gone, &[(&alice.arn, "AIDAFIRST")]).await, policy_of(["AIDAFIRST"].into_iter()));
}
