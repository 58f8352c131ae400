//! Decisions as the guides have them, one by one (IAM User Guide, "Policy evaluation logic"; KMS Developer Guide, "Key policies", "Grants").

use std::collections::BTreeMap;

use keystead_policy::{
    Decision, GrantTerms, Identity, IdentitySide, Layer, NamedPolicy, PolicyDocument, PolicyKind, Question,
    RequestContext, ResourceSide, decide,
};
use serde_json::{Value, json};

const HOME: &str = "111122223333";
const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A request to encrypt with a key of account 111122223333, and what has a say in it.
#[derive(Clone, Default)]
struct Setting {
    policies: Vec<Value>,
    boundary: Option<Value>,
    session: Option<Vec<Value>>,
    key_policy: Vec<Value>,
    grants: Vec<GrantTerms>,
}

fn user(account: &str) -> Identity {
    identity(account, format!("arn:aws:iam::{account}:user/alice"), None)
}

fn root(account: &str) -> Identity {
    identity(account, format!("arn:aws:iam::{account}:root"), None)
}

fn session(account: &str) -> Identity {
    let arn = format!("arn:aws:sts::{account}:assumed-role/operator/one");
    identity(account, arn, Some(format!("arn:aws:iam::{account}:role/operator")))
}

fn identity(account: &str, arn: String, role_arn: Option<String>) -> Identity {
    Identity { account: account.to_owned(), arn, role_arn, unique_id: None, federated_provider: None }
}

fn named(name: &str, statements: &[Value], kind: PolicyKind) -> NamedPolicy {
    let text = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    let document = PolicyDocument::parse(&text, kind).unwrap_or_else(|error| panic!("{error} {text}"));
    NamedPolicy { name: name.to_owned(), document }
}

impl Setting {
    fn decide(&self, identity: &Identity) -> String {
        let own = |name, statement: &Value| named(name, std::slice::from_ref(statement), PolicyKind::Identity);
        let policies: Vec<_> = self.policies.iter().map(|statement| own("policy", statement)).collect();
        let boundary = self.boundary.as_ref().map(|statement| own("boundary", statement));
        let session = self.session.as_ref();
        let session: Option<Vec<_>> =
            session.map(|session| session.iter().map(|statement| own("session policy", statement)).collect());
        let key_policy = named("key policy", &self.key_policy, PolicyKind::Key);
        let (context, empty) = (RequestContext::default(), BTreeMap::new());
        let question = Question {
            action: "kms:Encrypt",
            resource: KEY,
            context: &context,
            resource_context: &context,
            encryption_context: Some(&empty),
        };
        let is_root = identity.arn.ends_with(":root");
        let identity = IdentitySide {
            identity,
            is_root,
            policies: &policies,
            boundary: boundary.as_ref(),
            session: session.as_deref(),
        };
        let resource = ResourceSide { account: HOME, policy: Some(&key_policy), grants: &self.grants };
        match decide(&question, &identity, &resource) {
            Decision::Allowed { .. } => "allowed".to_owned(),
            Decision::ExplicitDeny(layer, _) => format!("denied by {}", name(layer)),
            Decision::ImplicitDeny(layer) => format!("not allowed by {}", name(layer)),
        }
    }
}

fn name(layer: Layer) -> &'static str {
    match layer {
        Layer::IdentityPolicy => "policy",
        Layer::ResourcePolicy => "key",
        Layer::PermissionsBoundary => "boundary",
        Layer::SessionPolicy => "session policy",
    }
}

fn allow() -> Value {
    json!({"Effect": "Allow", "Action": "kms:Encrypt", "Resource": "*"})
}

/// Allows something else.
fn elsewhere() -> Value {
    json!({"Effect": "Allow", "Action": "ec2:*", "Resource": "*"})
}

fn deny() -> Value {
    json!({"Effect": "Deny", "Action": "kms:*", "Resource": "*"})
}

fn key_allows(principal: &str) -> Value {
    json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "kms:*", "Resource": "*"})
}

fn grant(grantee: &str) -> GrantTerms {
    let terms = GrantTerms::new("grant".to_owned(), grantee, vec!["kms:Encrypt".to_owned()], None, None);
    terms.unwrap_or_else(|error| panic!("{error}"))
}

const ACCOUNT: &str = "arn:aws:iam::111122223333:root";
const USER: &str = "arn:aws:iam::111122223333:user/alice";
const ROLE: &str = "arn:aws:iam::111122223333:role/operator";
const SESSION: &str = "arn:aws:sts::111122223333:assumed-role/operator/one";
const OTHER: &str = "arn:aws:iam::111122223333:user/bob";

/// The table "Resource-based policies and implicit denies in other policy types (same account)", of key policies and of grants.
#[test]
fn what_a_boundary_and_session_policies_limit_at_home() {
    let limits = |principal: &str| {
        let limited = Setting {
            policies: vec![elsewhere()],
            boundary: Some(elsewhere()),
            session: Some(vec![elsewhere()]),
            key_policy: vec![key_allows(principal)],
            ..Setting::default()
        };
        let by_session = Setting { boundary: Some(allow()), ..limited.clone() };
        let by_none = Setting { session: Some(vec![elsewhere(), allow()]), ..by_session.clone() };
        [limited, by_session, by_none]
    };
    let table = [
        (USER, user(HOME), ["allowed", "allowed", "allowed"]),
        (SESSION, session(HOME), ["allowed", "allowed", "allowed"]),
        (ROLE, session(HOME), ["not allowed by boundary", "not allowed by session policy", "allowed"]),
        (ACCOUNT, session(HOME), ["not allowed by policy", "not allowed by policy", "not allowed by policy"]),
        (ACCOUNT, user(HOME), ["not allowed by policy", "not allowed by policy", "not allowed by policy"]),
        (OTHER, session(HOME), ["not allowed by key", "not allowed by key", "not allowed by key"]),
        // Of anyone the table says nothing: limited as a role is.
        ("*", session(HOME), ["not allowed by boundary", "not allowed by session policy", "allowed"]),
        ("*", user(HOME), ["not allowed by boundary", "not allowed by session policy", "allowed"]),
    ];
    for (principal, identity, expected) in table {
        assert_eq!(limits(principal).map(|setting| setting.decide(&identity)), expected, "{principal}");
        if principal != "*" {
            let granted = limits(OTHER).map(|setting| Setting { grants: vec![grant(principal)], ..setting });
            assert_eq!(granted.map(|setting| setting.decide(&identity)), expected, "a grant to {principal}");
        }
    }
}

/// Who is allowed something as one of many and by name is limited by nothing but denies.
#[test]
fn a_user_that_is_named_beside_anyone_is_not_limited() {
    let bounded = Setting { boundary: Some(elsewhere()), key_policy: vec![key_allows("*")], ..Setting::default() };
    assert_eq!(bounded.decide(&user(HOME)), "not allowed by boundary");
    let by_policy = Setting { key_policy: vec![key_allows("*"), key_allows(USER)], ..bounded.clone() };
    let by_grant = Setting { grants: vec![grant(USER)], ..bounded };
    for named in [by_policy, by_grant] {
        assert_eq!(named.decide(&user(HOME)), "allowed");
    }
}

#[test]
fn a_key_policy_or_grant_that_names_the_account_leaves_it_to_the_policies_of_identities() {
    let by_policy = Setting { key_policy: vec![key_allows(ACCOUNT)], ..Setting::default() };
    let by_grant = Setting { key_policy: vec![key_allows(OTHER)], grants: vec![grant(ACCOUNT)], ..Setting::default() };
    for delegated in [by_policy, by_grant] {
        for identity in [user(HOME), session(HOME)] {
            assert_eq!(delegated.decide(&identity), "not allowed by policy");
            let allowed = Setting { policies: vec![elsewhere(), allow()], ..delegated.clone() };
            assert_eq!(allowed.decide(&identity), "allowed");
            let bounded = Setting { boundary: Some(elsewhere()), ..allowed.clone() };
            assert_eq!(bounded.decide(&identity), "not allowed by boundary");
            let limited = Setting { session: Some(vec![]), ..allowed };
            assert_eq!(limited.decide(&identity), "not allowed by session policy");
        }
        assert_eq!(delegated.decide(&root(HOME)), "allowed");
    }
    // Not named, neither the policies of identities nor the root user count.
    let closed = Setting { key_policy: vec![key_allows(OTHER)], policies: vec![allow()], ..Setting::default() };
    assert_eq!(closed.decide(&user(HOME)), "not allowed by key");
    assert_eq!(closed.decide(&root(HOME)), "not allowed by key");
}

#[test]
fn an_explicit_deny_anywhere_wins() {
    let open = Setting {
        policies: vec![allow()],
        boundary: Some(allow()),
        session: Some(vec![allow()]),
        key_policy: vec![key_allows("*"), key_allows(SESSION)],
        grants: vec![grant(SESSION)],
    };
    let identity = session(HOME);
    assert_eq!(open.decide(&identity), "allowed");
    let denied = |change: &dyn Fn(&mut Setting)| {
        let mut setting = open.clone();
        change(&mut setting);
        setting.decide(&identity)
    };
    assert_eq!(denied(&|setting| setting.policies.push(deny())), "denied by policy");
    assert_eq!(denied(&|setting| setting.boundary = Some(deny())), "denied by boundary");
    assert_eq!(denied(&|setting| setting.session = Some(vec![allow(), deny()])), "denied by session policy");
    let deny_role = json!({"Effect": "Deny", "Principal": {"AWS": ROLE}, "Action": "*", "Resource": "*"});
    assert_eq!(denied(&|setting| setting.key_policy.push(deny_role.clone())), "denied by key");
}

/// "The request is allowed only if both evaluations return a decision of Allow" ("Cross-account policy evaluation logic").
#[test]
fn across_accounts_both_sides_must_allow() {
    const ABROAD: &str = "444455556666";
    let names = ["arn:aws:iam::444455556666:root", "arn:aws:iam::444455556666:user/alice", "*"];
    for name in names {
        let by_policy = Setting { key_policy: vec![key_allows(name)], ..Setting::default() };
        let by_grant =
            || Setting { key_policy: vec![key_allows(OTHER)], grants: vec![grant(name)], ..Setting::default() };
        let settings = if name == "*" { vec![by_policy] } else { vec![by_policy, by_grant()] };
        for theirs in settings {
            assert_eq!(theirs.decide(&user(ABROAD)), "not allowed by policy", "{name}");
            let both = Setting { policies: vec![allow()], ..theirs.clone() };
            assert_eq!(both.decide(&user(ABROAD)), "allowed", "{name}");
            // Named itself or not: the boundary and session policies limit what the own side allows.
            let bounded = Setting { boundary: Some(elsewhere()), ..both.clone() };
            assert_eq!(bounded.decide(&user(ABROAD)), "not allowed by boundary", "{name}");
            let limited = Setting { session: Some(vec![elsewhere()]), ..both.clone() };
            assert_eq!(limited.decide(&user(ABROAD)), "not allowed by session policy", "{name}");
        }
    }
    // What the stranger's own policies say is no matter before the key's side allows.
    for own in [vec![], vec![allow()], vec![deny()]] {
        let ours_alone = Setting { policies: own, key_policy: vec![key_allows(ACCOUNT)], ..Setting::default() };
        assert_eq!(ours_alone.decide(&user(ABROAD)), "not allowed by key");
        assert_eq!(ours_alone.decide(&root(ABROAD)), "not allowed by key");
    }
    let to_root = Setting { key_policy: vec![key_allows(ABROAD)], ..Setting::default() };
    assert_eq!(to_root.decide(&root(ABROAD)), "allowed");
}

/// "The NotPrincipal element with a Deny effect will always deny any IAM principal that has a permissions boundary policy attached."
#[test]
fn who_has_a_boundary_is_no_exception() {
    let excepted = json!({"Effect": "Deny", "NotPrincipal": {"AWS": [ACCOUNT, USER]}, "Action": "*", "Resource": "*"});
    let setting = Setting { key_policy: vec![key_allows(USER), excepted], ..Setting::default() };
    assert_eq!(setting.decide(&user(HOME)), "allowed");
    assert_eq!(Setting { boundary: Some(allow()), ..setting }.decide(&user(HOME)), "denied by key");
}

#[test]
fn what_can_have_no_policy_is_its_own_accounts_alone() {
    let context = RequestContext::default();
    let question = Question {
        action: "kms:CreateKey",
        resource: "*",
        context: &context,
        resource_context: &context,
        encryption_context: None,
    };
    let policies =
        [named("policy", &[json!({"Effect": "Allow", "Action": "kms:*", "Resource": "*"})], PolicyKind::Identity)];
    let ask = |identity: &Identity, policies: &[NamedPolicy]| {
        let is_root = identity.arn.ends_with(":root");
        let side = IdentitySide { identity, is_root, policies, boundary: None, session: None };
        decide(&question, &side, &ResourceSide { account: HOME, policy: None, grants: &[] }).is_allowed()
    };
    assert!(ask(&user(HOME), &policies) && ask(&root(HOME), &[]));
    assert!(!ask(&user(HOME), &[]) && !ask(&user("444455556666"), &policies) && !ask(&root("444455556666"), &[]));
}

#[test]
fn a_grant_is_for_its_operations_and_encryption_contexts() {
    let pairs = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    };
    let (books, more, other) =
        (pairs(&[("App", "Books")]), pairs(&[("App", "Books"), ("Stage", "1")]), pairs(&[("app", "Books")]));
    let key_policy = named("key policy", &[key_allows(OTHER)], PolicyKind::Key);
    let (identity, context) = (user(HOME), RequestContext::default());
    let ask = |equals: Option<&BTreeMap<_, _>>, subset: Option<&BTreeMap<_, _>>, action, encryption_context| {
        let actions = vec!["kms:Encrypt".to_owned(), "kms:DescribeKey".to_owned()];
        let terms = GrantTerms::new("grant".to_owned(), USER, actions, equals.cloned(), subset.cloned());
        let grants = [terms.unwrap_or_else(|error| panic!("{error}"))];
        let question =
            Question { action, resource: KEY, context: &context, resource_context: &context, encryption_context };
        let side = IdentitySide { identity: &identity, is_root: false, policies: &[], boundary: None, session: None };
        decide(&question, &side, &ResourceSide { account: HOME, policy: Some(&key_policy), grants: &grants })
            .is_allowed()
    };
    let empty = BTreeMap::new();
    for (equals, subset, encryption_context, expected) in [
        (None, None, &empty, true),
        (Some(&books), None, &books, true),
        (Some(&books), None, &more, false),
        (Some(&books), None, &empty, false),
        (None, Some(&books), &more, true),
        (None, Some(&books), &books, true),
        (None, Some(&books), &other, false),
        (None, Some(&books), &empty, false),
        (Some(&more), Some(&books), &more, true),
        (Some(&books), Some(&more), &more, false),
    ] {
        let allowed = ask(equals, subset, "kms:Encrypt", Some(encryption_context));
        assert_eq!(allowed, expected, "{equals:?} {subset:?} {encryption_context:?}");
    }
    assert!(ask(Some(&books), None, "kms:DescribeKey", None), "what has no encryption context is not constrained");
    assert!(!ask(None, None, "kms:Decrypt", Some(&empty)), "another operation");
}

#[test]
fn a_grant_is_to_one_principal() {
    for grantee in ["*", "alice", "arn:aws:iam::111122223333:group/g", "arn:aws:iam::111122223333:user/*", ""] {
        assert!(GrantTerms::new("grant".to_owned(), grantee, vec![], None, None).is_err(), "{grantee}");
    }
}
