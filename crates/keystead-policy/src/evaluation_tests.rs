//! Documents against requests.

#![allow(clippy::unwrap_used)]

use crate::budget::Budget;
use crate::evaluation::Exceptions;
use crate::{
    AccessRequest, Identity, MalformedPolicy, PolicyDocument, PolicyKind, PrincipalMatch, RequestContext, Verdict,
};

const ACCOUNT: &str = "111122223333";

fn user() -> Identity {
    Identity {
        account: ACCOUNT.to_owned(),
        arn: format!("arn:aws:iam::{ACCOUNT}:user/alice"),
        role_arn: None,
        unique_id: None,
        federated_provider: None,
    }
}

fn session() -> Identity {
    Identity {
        account: ACCOUNT.to_owned(),
        arn: format!("arn:aws:sts::{ACCOUNT}:assumed-role/operator/one"),
        role_arn: Some(format!("arn:aws:iam::{ACCOUNT}:role/operator")),
        unique_id: None,
        federated_provider: None,
    }
}

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn verdict(document: &str, kind: PolicyKind, identity: &Identity, action: &str, context: &RequestContext) -> Verdict {
    let request = AccessRequest { identity, action, resource: KEY, context };
    PolicyDocument::parse(document, kind).unwrap().evaluate(&request)
}

fn identity_policy(statements: &str) -> String {
    format!(r#"{{"Version": "2012-10-17", "Statement": [{statements}]}}"#)
}

/// Whether one condition lets `kms:Encrypt` through.
fn holds(condition: &str, context: &RequestContext) -> bool {
    let statement = format!(r#"{{"Effect": "Allow", "Action": "*", "Resource": "*", "Condition": {condition}}}"#);
    verdict(&identity_policy(&statement), PolicyKind::Identity, &user(), "kms:Encrypt", context).allow.is_some()
}

fn context() -> RequestContext {
    let mut context = RequestContext::default();
    context.set("kms:EncryptionContext:App", "Books");
    context.set("kms:EncryptionContextKeys", vec!["App".to_owned(), "Stage".to_owned()]);
    context.set("kms:RotationPeriodInDays", "90");
    context.set("aws:CurrentTime", "2026-11-26T12:00:00Z");
    context.set("aws:SecureTransport", true);
    context.set("aws:SourceIp", "203.0.113.7");
    context.set("aws:PrincipalArn", "arn:aws:iam::111122223333:user/alice");
    context.set("aws:username", "alice");
    context
}

#[test]
fn every_operator() {
    let table = [
        (r#"{"StringEquals": {"KMS:encryptioncontext:app": "Books"}}"#, true),
        (r#"{"StringEquals": {"kms:EncryptionContext:App": ["Films", "Books"]}}"#, true),
        (r#"{"StringEquals": {"kms:EncryptionContext:App": "books"}}"#, false),
        (r#"{"StringEquals": {"kms:EncryptionContext:App": "B*"}}"#, false),
        (r#"{"StringEquals": {"kms:EncryptionContext:None": "Books"}}"#, false),
        (r#"{"StringEqualsIfExists": {"kms:EncryptionContext:None": "Books"}}"#, true),
        (r#"{"StringNotEquals": {"kms:EncryptionContext:App": ["Films", "Books"]}}"#, false),
        (r#"{"StringNotEquals": {"kms:EncryptionContext:None": "Books"}}"#, true),
        (r#"{"StringEqualsIgnoreCase": {"kms:EncryptionContext:App": "bOOks"}}"#, true),
        (r#"{"StringNotEqualsIgnoreCase": {"kms:EncryptionContext:App": "bOOks"}}"#, false),
        (r#"{"StringLike": {"kms:EncryptionContext:App": "B?o*"}}"#, true),
        (r#"{"StringNotLike": {"kms:EncryptionContext:App": "B?o*"}}"#, false),
        (r#"{"StringEquals": {"aws:username": "${aws:username}"}}"#, true),
        (r#"{"NumericEquals": {"kms:RotationPeriodInDays": 90}}"#, true),
        (r#"{"NumericNotEquals": {"kms:RotationPeriodInDays": "90.0"}}"#, false),
        (r#"{"NumericLessThan": {"kms:RotationPeriodInDays": "90"}}"#, false),
        (r#"{"NumericLessThanEquals": {"kms:RotationPeriodInDays": "90"}}"#, true),
        (r#"{"NumericGreaterThan": {"kms:RotationPeriodInDays": "89.5"}}"#, true),
        (r#"{"NumericGreaterThanEquals": {"aws:username": "1"}}"#, false),
        (r#"{"DateLessThan": {"aws:CurrentTime": "2026-11-27"}}"#, true),
        (r#"{"DateGreaterThan": {"aws:CurrentTime": "2026-11-26T12:00:00Z"}}"#, false),
        (r#"{"DateEquals": {"aws:CurrentTime": "2026-11-26T13:00:00+01:00"}}"#, true),
        (r#"{"DateGreaterThanEquals": {"aws:CurrentTime": 1764158400}}"#, true),
        (r#"{"Bool": {"aws:SecureTransport": true}}"#, true),
        (r#"{"Bool": {"aws:SecureTransport": "FALSE"}}"#, false),
        (r#"{"IpAddress": {"aws:SourceIp": "203.0.113.0/24"}}"#, true),
        (r#"{"IpAddress": {"aws:SourceIp": "203.0.113.8"}}"#, false),
        (r#"{"NotIpAddress": {"aws:SourceIp": ["203.0.113.0/24", "2001:db8::/32"]}}"#, false),
        (r#"{"ArnLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}"#, true),
        (r#"{"ArnEquals": {"aws:PrincipalArn": "arn:aws:iam::111122223333:user/${aws:username}"}}"#, true),
        (r#"{"ArnNotEquals": {"aws:PrincipalArn": "arn:aws:iam::*:role/*"}}"#, true),
        (r#"{"ArnNotLike": {"aws:PrincipalArn": "arn:aws:iam::*:user/*"}}"#, false),
        (r#"{"Null": {"kms:ViaService": "true"}}"#, true),
        (r#"{"Null": {"aws:username": true}}"#, false),
        (r#"{"Null": {"aws:username": false}}"#, true),
        (r#"{"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["App", "Stage", "Other"]}}"#, true),
        (r#"{"ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["App"]}}"#, false),
        (r#"{"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt"]}}"#, true),
        (r#"{"ForAllValues:StringNotEquals": {"kms:EncryptionContextKeys": ["Other"]}}"#, true),
        (r#"{"ForAnyValue:StringEquals": {"kms:EncryptionContextKeys": ["Stage"]}}"#, true),
        (r#"{"ForAnyValue:StringEquals": {"kms:GrantOperations": ["Encrypt"]}}"#, false),
        (r#"{"ForAnyValue:StringNotEquals": {"kms:EncryptionContextKeys": ["App"]}}"#, true),
        (r#"{"ForAnyValue:StringNotEquals": {"kms:EncryptionContextKeys": ["App", "Stage"]}}"#, false),
        (r#"{"StringEquals": {"aws:username": "alice"}, "Bool": {"aws:SecureTransport": "false"}}"#, false),
    ];
    for (condition, expected) in table {
        assert_eq!(holds(condition, &context()), expected, "{condition}");
    }
    let mut binary = context();
    binary.set("aws:Blob", "AQI=");
    assert!(holds(r#"{"BinaryEquals": {"aws:Blob": "AQI="}}"#, &binary));
}

/// Two names of an encryption context that are one condition key are two values of it: neither is a way past the other.
#[test]
fn without_a_set_operator_all_values_fit_what_allows_and_one_what_denies() {
    let mut context = RequestContext::default();
    context.set("kms:EncryptionContext:Team", vec!["red".to_owned(), "blue".to_owned()]);
    for (condition, allows, denies) in [
        (r#"{"StringEquals": {"kms:EncryptionContext:team": "blue"}}"#, false, true),
        (r#"{"StringEquals": {"kms:EncryptionContext:team": ["blue", "red"]}}"#, true, true),
        (r#"{"StringNotEquals": {"kms:EncryptionContext:team": "blue"}}"#, false, true),
        (r#"{"StringNotEquals": {"kms:EncryptionContext:team": ["blue", "red"]}}"#, false, false),
        (r#"{"StringNotEquals": {"kms:EncryptionContext:team": "green"}}"#, true, true),
    ] {
        assert_eq!(holds(condition, &context), allows, "Allow {condition}");
        let statement = format!(r#"{{"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": {condition}}}"#);
        let document = identity_policy(&statement);
        let verdict = verdict(&document, PolicyKind::Identity, &user(), "kms:Encrypt", &context);
        assert_eq!(verdict.deny.is_some(), denies, "Deny {condition}");
    }
    context.set("aws:TagKeys", Vec::new());
    assert!(!holds(r#"{"StringEquals": {"aws:TagKeys": "Team"}}"#, &context), "no value is like one");
    assert!(holds(r#"{"StringNotEquals": {"aws:TagKeys": "Team"}}"#, &context), "no value is unlike any");
}

#[test]
fn a_deny_stands_beside_an_allow() {
    let document = identity_policy(
        r#"{"Effect": "Allow", "Action": "kms:*", "Resource": "*"},
           {"Effect": "Deny", "NotAction": ["kms:Describe*", "kms:List*"], "Resource": "arn:aws:kms:*:111122223333:key/*"}"#,
    );
    let evaluate = |action| verdict(&document, PolicyKind::Identity, &user(), action, &RequestContext::default());
    assert!(evaluate("kms:describekey").deny.is_none() && evaluate("kms:DescribeKey").allow.is_some());
    assert_eq!(evaluate("kms:Encrypt").deny.map(|found| found.index), Some(1));
}

#[test]
fn resources() {
    let context = context();
    let table = [
        (r#""Resource": "*""#, true),
        (r#""Resource": "arn:aws:kms:us-east-1:111122223333:key/*""#, true),
        (r#""Resource": ["arn:aws:kms:*:444455556666:key/*"]"#, false),
        (r#""NotResource": ["arn:aws:kms:*:444455556666:key/*"]"#, true),
        (r#""Resource": "arn:aws:kms:us-east-1:111122223333:key/${aws:username}""#, false),
        (r#""Resource": "arn:aws:kms:us-east-1:111122223333:key/${aws:none}""#, false),
    ];
    for (resource, expected) in table {
        let document = identity_policy(&format!(r#"{{"Effect": "Allow", "Action": "*", {resource}}}"#));
        let verdict = verdict(&document, PolicyKind::Identity, &user(), "kms:Encrypt", &context);
        assert_eq!(verdict.allow.is_some(), expected, "{resource}");
    }
}

#[test]
fn principals() {
    use PrincipalMatch::{Account, Anyone, Itself, Role};
    let table = [
        (r#""Principal": "*""#, Some(Anyone), Some(Anyone)),
        (r#""Principal": {"AWS": "*"}"#, Some(Anyone), Some(Anyone)),
        (r#""Principal": {"AWS": "111122223333"}"#, Some(Account), Some(Account)),
        (r#""Principal": {"AWS": "arn:aws:iam::111122223333:root"}"#, Some(Account), Some(Account)),
        (r#""Principal": {"AWS": ["444455556666", "arn:aws:iam::111122223333:user/alice"]}"#, Some(Itself), None),
        (r#""Principal": {"AWS": "arn:aws:iam::111122223333:role/operator"}"#, None, Some(Role)),
        (r#""Principal": {"AWS": "arn:aws:sts::111122223333:assumed-role/operator/one"}"#, None, Some(Itself)),
        (r#""Principal": {"Service": "s3.amazonaws.com"}"#, None, None),
    ];
    for (principal, of_user, of_session) in table {
        let document =
            format!(r#"{{"Statement": [{{"Effect": "Allow", {principal}, "Action": "kms:*", "Resource": "*"}}]}}"#);
        for (identity, expected) in [(user(), of_user), (session(), of_session)] {
            let verdict = verdict(&document, PolicyKind::Key, &identity, "kms:Encrypt", &RequestContext::default());
            assert_eq!(verdict.allow.map(|found| found.principal), expected, "{principal} {}", identity.arn);
        }
    }
}

#[test]
fn who_is_no_exception_is_denied() {
    let table = [
        (r#""arn:aws:iam::111122223333:user/alice""#, true, true),
        (r#"["arn:aws:iam::111122223333:user/alice", "arn:aws:iam::111122223333:root"]"#, false, true),
        (r#"["arn:aws:iam::111122223333:role/operator", "arn:aws:iam::111122223333:root"]"#, true, true),
        (
            r#"["arn:aws:sts::111122223333:assumed-role/operator/one", "arn:aws:iam::111122223333:role/operator", "111122223333"]"#,
            true,
            false,
        ),
        (r#""*""#, false, false),
    ];
    for (names, user_denied, session_denied) in table {
        let document = format!(
            r#"{{"Statement": [{{"Effect": "Deny", "NotPrincipal": {{"AWS": {names}}}, "Action": "kms:*", "Resource": "*"}}]}}"#
        );
        for (identity, denied) in [(user(), user_denied), (session(), session_denied)] {
            let verdict = verdict(&document, PolicyKind::Key, &identity, "kms:Encrypt", &RequestContext::default());
            assert_eq!(verdict.deny.is_some(), denied, "{names} {}", identity.arn);
        }
    }
}

#[test]
fn what_is_wrong_and_where() {
    let key = |statement: &str| PolicyDocument::parse(&format!(r#"{{"Statement": [{statement}]}}"#), PolicyKind::Key);
    let table = [
        (r#"{"Effect": "allow"}"#, "Statement 1: Effect must be Allow or Deny."),
        (r#"{"Effect": "Allow"}"#, "Statement 1: it must have a Principal."),
        (
            r#"{"Effect": "Allow", "Principal": "*", "Action": "Encrypt"}"#,
            "Statement 1: Encrypt is no action: actions are named like kms:Encrypt.",
        ),
        (
            r#"{"Effect": "Allow", "Principal": "*", "Action": "kms:*", "NotAction": "kms:*"}"#,
            "Statement 1: it has both Action and NotAction.",
        ),
        (
            r#"{"Effect": "Allow", "Principal": "*", "Condition": {"StringSame": {"a:b": "c"}}}"#,
            "Statement 1: there is no condition operator \"StringSame\".",
        ),
        (
            r#"{"Effect": "Allow", "Principal": "*", "Condition": {"DateEquals": {"a:b": "soon"}}}"#,
            "Statement 1: \"soon\" is no value for condition operator DateEquals.",
        ),
        (r#"{"Effect": "Allow", "Principal": "*", "Color": 1}"#, "Statement 1: there is no element Color."),
    ];
    for (statement, expected) in table {
        assert_eq!(key(statement).unwrap_err().to_string(), expected);
    }
    for principal in [
        r#"{"AWS": "arn:aws:iam::111122223333:group/g"}"#,
        r#"{"AWS": "arn:aws:iam::111122223333:user/*"}"#,
        r#"{"AWS": "alice"}"#,
        r#"{"AWS": "1111222233334"}"#,
        r#"{"Service": "*"}"#,
        r#"{"Service": "logs"}"#,
        r#"{"Planet": "earth"}"#,
        "{}",
        r#""alice""#,
    ] {
        let error = key(&format!(r#"{{"Effect": "Allow", "Principal": {principal}}}"#)).unwrap_err();
        assert_eq!(error, MalformedPolicy::InvalidPrincipal, "{principal}");
    }
    for text in
        ["", "[]", "{}", r#"{"Statement": []}"#, r#"{"Version": "2020-01-01", "Statement": []}"#, r#"{"Statement": 1}"#]
    {
        assert!(PolicyDocument::parse(text, PolicyKind::Key).is_err(), "{text}");
    }
    let twice = r#"{"Statement": {"Effect": "Allow", "Principal": "*", "Effect": "Deny"}}"#;
    assert!(
        PolicyDocument::parse(twice, PolicyKind::Key).unwrap_err().to_string().contains("\"Effect\" is there twice")
    );
    let deep = format!(r#"{{"Statement": {}{}}}"#, "[".repeat(20_000), "]".repeat(20_000));
    assert!(PolicyDocument::parse(&deep, PolicyKind::Key).is_err());
}

/// When nobody knows whether a statement speaks of a request, it does if it denies, and does not if it allows.
#[test]
fn what_takes_too_long_is_denied() {
    let statement = |effect: &str, rest: &str| format!(r#"{{"Statement": {{"Effect": "{effect}", {rest}}}}}"#);
    let (identity, context) = (user(), context());
    let request = AccessRequest { identity: &identity, action: "kms:Encrypt", resource: KEY, context: &context };
    for (rest, holds) in [
        (r#""Action": "kms:*", "Resource": "*""#, true),
        (r#""Action": "kms:D*", "Resource": "*""#, false),
        (r#""NotAction": "kms:D*", "Resource": "*""#, true),
        (r#""Action": "*", "NotResource": "arn:*""#, false),
        (r#""Action": "*", "Resource": "*", "Condition": {"StringLike": {"aws:username": "a*"}}"#, true),
        (r#""Action": "*", "Resource": "*", "Condition": {"StringNotLike": {"aws:username": "a*"}}"#, false),
        (r#""Action": "*", "Resource": "*", "Condition": {"StringNotLike": {"aws:username": "b*"}}"#, true),
    ] {
        for effect in ["Allow", "Deny"] {
            let document = PolicyDocument::parse(&statement(effect, rest), PolicyKind::Identity).unwrap();
            let evaluate = |steps| document.evaluate_with(&request, Exceptions::OfThoseListed, &Budget::of(steps));
            let found = |verdict: Verdict| verdict.deny.or(verdict.allow).is_some();
            assert_eq!(found(evaluate(1_000)), holds, "{effect} {rest}");
            assert_eq!(found(evaluate(1)), effect == "Deny", "{effect} {rest}");
        }
    }
}
