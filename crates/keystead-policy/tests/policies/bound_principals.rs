//! Principals that are gone, and others of the same names (IAM User Guide, "AWS JSON policy elements: Principal").

use std::collections::BTreeMap;

use keystead_policy::{
    AccessRequest, GrantTerms, Identity, IdentitySide, NamedPolicy, PolicyDocument, PolicyKind, PrincipalMatch,
    Question, RequestContext, ResourceSide, Verdict, decide,
};
use serde_json::{Value, json};

const ACCOUNT: &str = "111122223333";
const USER: &str = "arn:aws:iam::111122223333:user/alice";
const ROLE: &str = "arn:aws:iam::111122223333:role/operator";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/operator/one";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn user(unique_id: &str) -> Identity {
    Identity {
        account: ACCOUNT.to_owned(),
        arn: USER.to_owned(),
        role_arn: None,
        unique_id: Some(unique_id.to_owned()),
        federated_provider: None,
    }
}

fn session(role_id: &str) -> Identity {
    Identity { arn: SESSION.to_owned(), role_arn: Some(ROLE.to_owned()), ..user(role_id) }
}

fn document(statement: &Value) -> PolicyDocument {
    let text = json!({"Version": "2012-10-17", "Statement": statement}).to_string();
    PolicyDocument::parse(&text, PolicyKind::Key).unwrap_or_else(|error| panic!("{error}"))
}

fn bound(statement: &Value, ids: &[(&str, &str)]) -> PolicyDocument {
    let ids: BTreeMap<_, _> = ids.iter().map(|(arn, id)| ((*arn).to_owned(), (*id).to_owned())).collect();
    document(statement).bound_to(&ids)
}

fn verdict(document: &PolicyDocument, identity: &Identity) -> Verdict {
    let context = RequestContext::default();
    document.evaluate(&AccessRequest { identity, action: "kms:Encrypt", resource: KEY, context: &context })
}

fn allowed(document: &PolicyDocument, identity: &Identity) -> Option<PrincipalMatch> {
    verdict(document, identity).allow.map(|found| found.principal)
}

fn allow(principal: &Value) -> Value {
    json!({"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"})
}

#[test]
fn a_bound_user_is_nobody_else_of_the_name() {
    let statement = allow(&json!({ "AWS": USER }));
    let bound = bound(&statement, &[(USER, "AIDAFIRST")]);
    assert_eq!(allowed(&bound, &user("AIDAFIRST")), Some(PrincipalMatch::Itself));
    assert_eq!(allowed(&bound, &user("AIDASECOND")), None);
    // Who has no unique ID that is known is not the one that was meant.
    assert_eq!(allowed(&bound, &Identity { unique_id: None, ..user("") }), None);
    // Without a binding the name decides.
    for id in ["AIDAFIRST", "AIDASECOND"] {
        assert_eq!(allowed(&document(&statement), &user(id)), Some(PrincipalMatch::Itself));
    }
}

#[test]
fn a_bound_role_speaks_of_its_own_sessions_alone() {
    for (named, way) in [(ROLE, PrincipalMatch::Role), (SESSION, PrincipalMatch::Itself)] {
        let bound = bound(&allow(&json!({ "AWS": named })), &[(named, "AROAFIRST")]);
        assert_eq!(allowed(&bound, &session("AROAFIRST")), Some(way), "{named}");
        assert_eq!(allowed(&bound, &session("AROASECOND")), None, "{named}");
    }
}

#[test]
fn everyone_and_the_account_are_never_bound() {
    let ids = [(ACCOUNT, "AIDAFIRST"), ("arn:aws:iam::111122223333:root", "AIDAFIRST"), ("*", "AIDAFIRST")];
    for name in ["*", ACCOUNT, "arn:aws:iam::111122223333:root"] {
        let bound = bound(&allow(&json!({ "AWS": name })), &ids);
        assert!(allowed(&bound, &user("AIDASECOND")).is_some(), "{name}");
    }
}

#[test]
fn one_binding_leaves_other_names_as_they_are() {
    let bound = bound(&allow(&json!({"AWS": [USER, ROLE]})), &[(USER, "AIDAFIRST")]);
    assert_eq!(allowed(&bound, &user("AIDASECOND")), None);
    assert_eq!(allowed(&bound, &session("AROASECOND")), Some(PrincipalMatch::Role));
}

#[test]
fn a_not_principal_excepts_nobody_else_of_the_name() {
    let root = "arn:aws:iam::111122223333:root";
    let statement =
        |names: &[&str]| json!({"Effect": "Deny", "NotPrincipal": {"AWS": names}, "Action": "*", "Resource": "*"});
    let of_user = bound(&statement(&[root, USER]), &[(USER, "AIDAFIRST")]);
    assert_eq!(verdict(&of_user, &user("AIDAFIRST")).deny, None);
    assert!(verdict(&of_user, &user("AIDASECOND")).deny.is_some());
    let ids = [(ROLE, "AROAFIRST"), (SESSION, "AROAFIRST")];
    let of_session = bound(&statement(&[root, ROLE, SESSION]), &ids);
    assert_eq!(verdict(&of_session, &session("AROAFIRST")).deny, None);
    assert!(verdict(&of_session, &session("AROASECOND")).deny.is_some());
}

#[test]
fn a_bound_deny_does_not_fall_upon_somebody_else() {
    let statement = json!({"Effect": "Deny", "Principal": {"AWS": USER}, "Action": "*", "Resource": "*"});
    let bound = bound(&statement, &[(USER, "AIDAFIRST")]);
    assert!(verdict(&bound, &user("AIDAFIRST")).deny.is_some());
    assert_eq!(verdict(&bound, &user("AIDASECOND")).deny, None);
}

#[test]
fn a_bound_grant_is_to_nobody_else_of_the_name() {
    let policy = NamedPolicy { name: "key policy".to_owned(), document: PolicyDocument::silent() };
    let context = RequestContext::default();
    let may = |grantee: &str, bound_to: Option<&str>, identity: &Identity| {
        let terms = GrantTerms::new("grant".to_owned(), grantee, vec!["kms:Encrypt".to_owned()], None, None);
        let grants = [terms.unwrap_or_else(|error| panic!("{error}")).bound_to(bound_to)];
        let (action, resource, encryption_context) = ("kms:Encrypt", KEY, None);
        let question = Question { action, resource, context: &context, resource_context: &context, encryption_context };
        let side = IdentitySide { identity, is_root: false, policies: &[], boundary: None, session: None };
        decide(&question, &side, &ResourceSide { account: ACCOUNT, policy: Some(&policy), grants: &grants })
            .is_allowed()
    };
    assert!(may(USER, Some("AIDAFIRST"), &user("AIDAFIRST")));
    assert!(!may(USER, Some("AIDAFIRST"), &user("AIDASECOND")));
    assert!(may(USER, None, &user("AIDASECOND")));
    for grantee in [ROLE, SESSION] {
        assert!(may(grantee, Some("AROAFIRST"), &session("AROAFIRST")), "{grantee}");
        assert!(!may(grantee, Some("AROAFIRST"), &session("AROASECOND")), "{grantee}");
    }
}
