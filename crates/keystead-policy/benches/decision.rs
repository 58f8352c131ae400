//! How long a decision takes over the policies of a typical request: ten statements of the user, five of the key, three grants.

#![allow(clippy::panic, missing_docs)]

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use keystead_policy::{
    ConditionKeys, ContextValue, GrantTerms, Identity, IdentitySide, NamedPolicy, PolicyDocument, PolicyKind, Question,
    ResourceSide, decide,
};

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

const IDENTITY_POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Sid": "See", "Effect": "Allow", "Action": ["kms:Describe*", "kms:List*", "kms:Get*"], "Resource": "*"},
    {"Sid": "Create", "Effect": "Allow", "Action": "kms:CreateKey", "Resource": "*",
        "Condition": {"StringEquals": {"aws:RequestTag/team": "${aws:PrincipalTag/team}"}}},
    {"Sid": "Aliases", "Effect": "Allow", "Action": ["kms:CreateAlias", "kms:DeleteAlias", "kms:UpdateAlias"],
        "Resource": ["arn:aws:kms:*:111122223333:alias/team/*", "arn:aws:kms:*:111122223333:key/*"]},
    {"Sid": "UseOthers", "Effect": "Allow", "Action": ["kms:Encrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*"],
        "Resource": "arn:aws:kms:eu-west-1:444455556666:key/5678abcd-12ab-34cd-56ef-1234567890ab"},
    {"Sid": "UseByAlias", "Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt"],
        "Resource": "arn:aws:kms:us-*-1:111122223333:key/*",
        "Condition": {"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/other-team/*"}}},
    {"Sid": "UseTagged", "Effect": "Allow", "Action": ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey*"],
        "Resource": "arn:aws:kms:*:111122223333:key/*",
        "Condition": {
            "StringEquals": {"aws:ResourceTag/team": "${aws:PrincipalTag/team}", "kms:EncryptionContext:App": "Books"},
            "Bool": {"aws:SecureTransport": "true"}
        }},
    {"Sid": "Sign", "Effect": "Allow", "Action": ["kms:Sign", "kms:Verify"], "Resource": "arn:aws:kms:*:111122223333:key/*"},
    {"Sid": "OnlyFromHere", "Effect": "Deny", "Action": "kms:*", "Resource": "*",
        "Condition": {"NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}}},
    {"Sid": "NoDeletion", "Effect": "Deny", "Action": ["kms:ScheduleKeyDeletion", "kms:DisableKey"], "Resource": "*"},
    {"Sid": "Roles", "Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "arn:aws:iam::*:role/team/*"}
]}"#;

const KEY_POLICY: &str = r#"{"Version": "2012-10-17", "Id": "key-consolepolicy-3", "Statement": [
    {"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "kms:*", "Resource": "*"},
    {"Sid": "Allow access for Key Administrators", "Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::111122223333:user/admin", "arn:aws:iam::111122223333:role/admin"]},
        "Action": ["kms:Create*", "kms:Describe*", "kms:Enable*", "kms:List*", "kms:Put*", "kms:Update*", "kms:Revoke*",
            "kms:Disable*", "kms:Get*", "kms:Delete*", "kms:TagResource", "kms:UntagResource"], "Resource": "*"},
    {"Sid": "Allow use of the key", "Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::111122223333:user/bob", "arn:aws:iam::111122223333:role/service"]},
        "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"],
        "Resource": "*"},
    {"Sid": "Allow attachment of persistent resources", "Effect": "Allow",
        "Principal": {"AWS": ["arn:aws:iam::111122223333:user/bob", "arn:aws:iam::111122223333:role/service"]},
        "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"], "Resource": "*",
        "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}}},
    {"Sid": "Only encrypted connections", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}}
]}"#;

const DEFAULT_KEY_POLICY: &str = r#"{"Version": "2012-10-17", "Id": "key-default-1", "Statement": [
    {"Sid": "Enable IAM User Permissions", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"},
        "Action": "kms:*", "Resource": "*"}
]}"#;

/// Works a key's value out when it is asked for, as a server does.
struct Keys;

impl ConditionKeys for Keys {
    fn value_of(&self, key: &str) -> Option<Cow<'_, ContextValue>> {
        let value = match key {
            "aws:principaltag/team" | "aws:resourcetag/team" => "blue".into(),
            "aws:securetransport" => true.into(),
            "aws:sourceip" => "203.0.113.7".into(),
            "kms:encryptioncontext:app" => "Books".into(),
            "kms:resourcealiases" => vec!["alias/team/books".to_owned()].into(),
            _ => return None,
        };
        Some(Cow::Owned(value))
    }
}

fn named(text: &str, kind: PolicyKind) -> NamedPolicy {
    let document = PolicyDocument::parse(text, kind).unwrap_or_else(|error| panic!("{error}"));
    NamedPolicy { name: "policy".to_owned(), document }
}

fn user(name: &str) -> Identity {
    Identity {
        account: "111122223333".to_owned(),
        arn: format!("arn:aws:iam::111122223333:{name}"),
        role_arn: None,
        unique_id: None,
        federated_provider: None,
    }
}

fn grants() -> Vec<GrantTerms> {
    let grant = |index: usize| {
        let grantee = format!("arn:aws:iam::111122223333:role/service-{index}");
        let actions = ["kms:Encrypt", "kms:Decrypt", "kms:GenerateDataKey"].map(str::to_owned).to_vec();
        let subset = BTreeMap::from([("App".to_owned(), "Books".to_owned())]);
        let terms = GrantTerms::new(format!("grant-{index}"), &grantee, actions, None, Some(subset));
        terms.unwrap_or_else(|error| panic!("{error}"))
    };
    (0..3).map(grant).collect()
}

fn decisions(criterion: &mut Criterion) {
    let policies = [named(IDENTITY_POLICY, PolicyKind::Identity)];
    let (key_policy, default) = (named(KEY_POLICY, PolicyKind::Key), named(DEFAULT_KEY_POLICY, PolicyKind::Key));
    let grants = grants();
    let encryption_context = BTreeMap::from([("App".to_owned(), "Books".to_owned())]);
    let (alice, bob, root) = (user("user/alice"), user("user/bob"), user("root"));
    let cases = [
        ("allowed by an identity policy", &alice, "kms:Encrypt", &policies[..], &key_policy, true),
        ("allowed by the key policy", &bob, "kms:Encrypt", &policies[..], &key_policy, true),
        ("denied implicitly", &alice, "kms:CreateGrant", &policies[..], &key_policy, false),
        ("denied explicitly", &alice, "kms:DisableKey", &policies[..], &key_policy, false),
        ("root with the default key policy", &root, "kms:Encrypt", &[][..], &default, true),
    ];
    let mut group = criterion.benchmark_group("decide");
    for (name, identity, action, policies, key_policy, allowed) in cases {
        let is_root = identity.arn.ends_with(":root");
        let identity = IdentitySide { identity, is_root, policies, boundary: None, session: None };
        let resource = ResourceSide { account: "111122223333", policy: Some(key_policy), grants: &grants };
        let question = Question {
            action,
            resource: KEY,
            context: &Keys,
            resource_context: &Keys,
            encryption_context: Some(&encryption_context),
        };
        assert_eq!(decide(&question, &identity, &resource).is_allowed(), allowed, "{name}");
        group.bench_function(name, |bencher| {
            bencher.iter(|| decide(black_box(&question), black_box(&identity), black_box(&resource)).is_allowed());
        });
    }
}

fn reading(criterion: &mut Criterion) {
    criterion.bench_function("parse a policy of ten statements", |bencher| {
        bencher.iter(|| PolicyDocument::parse(black_box(IDENTITY_POLICY), PolicyKind::Identity));
    });
}

criterion_group!(benches, decisions, reading);
criterion_main!(benches);
