//! Documents of which the two evaluators did not say the same, and what the IAM User Guide says of them.

use std::collections::BTreeMap;

use keystead_policy::{
    AccessRequest, ContextValue, Identity, PolicyDocument, PolicyKind, PrincipalMatch, RequestContext, Verdict,
};
use serde_json::{Value, json};

use crate::second_evaluator::Request;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn user() -> Identity {
    Identity {
        account: "111122223333".to_owned(),
        arn: "arn:aws:iam::111122223333:user/alice".to_owned(),
        role_arn: None,
        unique_id: None,
        federated_provider: None,
    }
}

fn single(key: &str, value: &str) -> (String, ContextValue) {
    (key.to_owned(), ContextValue::Single(value.to_owned()))
}

/// What both evaluators say.
#[track_caller]
fn verdict(
    statement: &Value,
    kind: PolicyKind,
    identity: &Identity,
    resource: &str,
    context: &[(String, ContextValue)],
) -> Verdict {
    let (document, action) = (json!({"Version": "2012-10-17", "Statement": statement}), "kms:Encrypt");
    let second = crate::second_evaluator::evaluate(
        &document,
        kind,
        &Request { identity, action, resource, context, has_boundary: false, ids: &BTreeMap::new() },
    );
    let mut request_context = RequestContext::default();
    for (key, value) in context {
        request_context.set(key, value.clone());
    }
    let request = AccessRequest { identity, action, resource, context: &request_context };
    let first = PolicyDocument::parse(&document.to_string(), kind).map(|document| document.evaluate(&request));
    assert_eq!(first, Ok(second), "the evaluators disagree: {document}");
    second
}

#[track_caller]
fn holds(condition: Value, context: &[(String, ContextValue)]) -> bool {
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": condition});
    verdict(&statement, PolicyKind::Identity, &user(), KEY, context).allow.is_some()
}

#[track_caller]
fn covers(pattern: &str, resource: &str, context: &[(String, ContextValue)]) -> bool {
    let statement = json!({"Effect": "Allow", "Action": "*", "Resource": pattern});
    verdict(&statement, PolicyKind::Identity, &user(), resource, context).allow.is_some()
}

/// "When you specify more than one principal in an element, you grant permissions to each principal" ("Principal").
#[test]
fn who_is_named_in_many_ways_is_named_in_the_closest() {
    for other in ["arn:aws:iam::111122223333:user/alice", "*"] {
        let principal = json!({"AWS": ["111122223333", other]});
        let statement = json!({"Effect": "Allow", "Principal": principal, "Action": "*", "Resource": "*"});
        let verdict = verdict(&statement, PolicyKind::Key, &user(), KEY, &[]);
        let closest = if other == "*" { PrincipalMatch::Anyone } else { PrincipalMatch::Itself };
        assert_eq!(verdict.allow.map(|found| found.principal), Some(closest));
    }
}

const PROVIDER: &str = "arn:aws:iam::111122223333:oidc-provider/idp.example.com";

fn web_identity() -> Identity {
    Identity {
        account: "111122223333".to_owned(),
        arn: "idp.example.com:alice".to_owned(),
        role_arn: None,
        unique_id: None,
        federated_provider: Some(PROVIDER.to_owned()),
    }
}

/// "AWS": "*" may be anyone who has an account, or anyone at all; a web identity has no account until it has a role. It is let in by
/// neither, and kept out by both.
#[test]
fn a_web_identity_is_let_in_by_its_provider_or_with_everybody() {
    for (principal, allowed, denied) in [
        (json!("*"), true, true),
        (json!({"Federated": PROVIDER}), true, true),
        (json!({"AWS": "*", "Federated": PROVIDER}), true, true),
        (json!({"AWS": "*"}), false, true),
        (json!({"AWS": "111122223333"}), false, false),
    ] {
        let statement = |effect| json!({"Effect": effect, "Principal": principal, "Action": "*", "Resource": "*"});
        let verdict = |effect| verdict(&statement(effect), PolicyKind::Key, &web_identity(), "*", &[]);
        assert_eq!(verdict("Allow").allow.is_some(), allowed, "Allow {principal}");
        assert_eq!(verdict("Deny").deny.is_some(), denied, "Deny {principal}");
    }
}

/// Of no account, a web identity has no other name that a `NotPrincipal` could leave out.
#[test]
fn a_web_identity_is_excepted_by_its_provider() {
    let identity = web_identity();
    for (names, denied) in [
        (json!({"Federated": PROVIDER}), false),
        (json!({"AWS": "*"}), true),
        (json!({"Federated": "accounts.google.com"}), true),
        (json!({"AWS": "111122223333"}), true),
    ] {
        let statement = json!({"Effect": "Deny", "NotPrincipal": names, "Action": "*", "Resource": "*"});
        assert_eq!(verdict(&statement, PolicyKind::Key, &identity, "*", &[]).deny.is_some(), denied, "{names}");
    }
}

/// "`ForAllValues` returns true [...] if the context key value resolves to a null dataset, such as an empty string"; `Null` asks whether
/// "the key exists and its value is not null" ("Condition operators").
#[test]
fn an_empty_value_is_null() {
    let none = ("aws:TagKeys".to_owned(), ContextValue::Multi(vec![]));
    let empty = ("aws:TagKeys".to_owned(), ContextValue::Multi(vec![String::new()]));
    for context in [none, empty, single("aws:TagKeys", "")] {
        let context = [context];
        assert!(holds(json!({"Null": {"aws:TagKeys": "true"}}), &context), "{context:?}");
        assert!(!holds(json!({"Null": {"aws:TagKeys": "false"}}), &context), "{context:?}");
        assert!(holds(json!({"ForAllValues:StringEquals": {"aws:TagKeys": "App"}}), &context), "{context:?}");
        assert!(!holds(json!({"ForAnyValue:StringNotEquals": {"aws:TagKeys": "App"}}), &context), "{context:?}");
    }
    let values = vec![String::new(), "App".to_owned()];
    let context = [("aws:TagKeys".to_owned(), ContextValue::Multi(values))];
    assert!(holds(json!({"Null": {"aws:TagKeys": "false"}}), &context));
    assert!(!holds(json!({"ForAllValues:StringEquals": {"aws:TagKeys": "App"}}), &context));
    // Without a set operator an empty text is a text, as `"s3:prefix": ["", "home/"]` in the guide.
    assert!(holds(json!({"StringLike": {"s3:prefix": ["", "home/"]}}), &[single("s3:prefix", "")]));
}

/// "A condition context key that has no value or is not present": the variable is null ("Policy variables with no value").
#[test]
fn a_variable_with_an_empty_value_has_none() {
    let context = [single("aws:username", ""), single("aws:PrincipalTag/team", "")];
    assert!(!holds(json!({"StringEquals": {"aws:PrincipalTag/team": "${aws:username}"}}), &context));
    assert!(holds(json!({"StringNotEquals": {"aws:PrincipalTag/team": "${aws:username}"}}), &context));
    let alias = "arn:aws:kms:us-east-1:111122223333:alias/";
    assert!(!covers(&format!("{alias}${{aws:username}}*"), &format!("{alias}alice"), &context));
    assert!(covers(&format!("{alias}${{aws:username, 'alice'}}"), &format!("{alias}alice"), &context));
}

/// "One of the W3C implementations of the ISO 8601 date formats": `YYYY`, `YYYY-MM` and `YYYY-MM-DDThh:mmTZD` are among them.
#[test]
fn a_date_may_be_a_year_or_a_month() {
    for (date, expected) in [("2026", true), ("2026-01", true), ("2026-02", false), ("2027", false)] {
        let context = [single("aws:CurrentTime", "2026-01-15T12:00Z")];
        assert_eq!(holds(json!({"DateGreaterThan": {"aws:CurrentTime": date}}), &context), expected, "{date}");
    }
    assert!(holds(json!({"DateEquals": {"aws:CurrentTime": "2026-01-01"}}), &[single("aws:CurrentTime", "2026")]));
    // A number that is no year is a time in seconds, whatever its length.
    assert!(holds(
        json!({"DateEquals": {"aws:CurrentTime": "1970-01-01T00:00:00.5Z"}}),
        &[single("aws:CurrentTime", "0.50")]
    ));
}

/// A second in the far future is not the one before or after it.
#[test]
fn a_second_of_the_epoch_is_exact() {
    let context = [single("aws:CurrentTime", "7258118401")];
    assert!(holds(json!({"DateEquals": {"aws:CurrentTime": "2200-01-01T00:00:01Z"}}), &context));
}

/// "You can use wildcard characters (* and ?) within the individual segments of an ARN (the parts separated by colons) [...] If the *
/// wildcard is the last character of a resource ARN segment, it can expand to match beyond the colon boundaries" ("Resource").
#[test]
fn a_wildcard_within_a_part_of_a_resource_stays_in_it() {
    for (pattern, expected) in [
        ("arn:aws:kms:us-*-1:111122223333:key/*", true),
        ("arn:aws:kms:*:key/*", true),
        ("arn:aws:kms:*", true),
        ("arn:aws:kms:*key/*", false),
        ("arn:aws:kms:us-*3:key/*", false),
        ("arn:aws:kms:us-east-1?111122223333:key/*", false),
    ] {
        assert_eq!(covers(pattern, KEY, &[]), expected, "{pattern}");
    }
    // The sixth part is the last: it may have colons.
    let alias = "arn:aws:kms:us-east-1:111122223333:alias/a:b";
    assert!(covers("arn:aws:kms:us-east-1:111122223333:al*b", alias, &[]));
    assert!(covers("arn:aws:kms:us-east-1:111122223333:alias/a?b", alias, &[]));
}
