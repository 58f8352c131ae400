//! For each statement the first element that does not fit, and none where the statement decides.

use keystead_policy::{
    AccessRequest, Effect, Identity, Mismatch, PolicyDocument, PolicyKind, RequestContext, StatementExplanation,
};

use crate::generator::Case;

const KEY: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";

fn alice() -> Identity {
    Identity {
        account: "111122223333".to_owned(),
        arn: "arn:aws:iam::111122223333:user/alice".to_owned(),
        role_arn: None,
        unique_id: None,
        federated_provider: None,
    }
}

const POLICY: &str = r#"{"Version": "2012-10-17", "Statement": [
    {"Sid": "Others", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/bob"}, "Action": "*", "Resource": "*"},
    {"Effect": "Allow", "Principal": "*", "Action": "kms:Decrypt", "Resource": "*"},
    {"Effect": "Allow", "Principal": "*", "NotAction": "kms:E*", "Resource": "*"},
    {"Effect": "Allow", "Principal": "*", "Action": "kms:*", "Resource": "arn:aws:kms:*:*:alias/*"},
    {"Effect": "Allow", "Principal": "*", "Action": "kms:*"},
    {"Sid": "From there", "Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*", "Condition": {
        "Bool": {"aws:SecureTransport": "true"},
        "NotIpAddress": {"aws:SourceIp": "203.0.113.0/24", "AWS:VpcSourceIp": "10.0.0.0/8"}
    }},
    {"Sid": "Not Alice", "Effect": "Deny", "NotPrincipal": {"AWS": ["111122223333", "arn:aws:iam::111122223333:user/alice"]},
        "Action": "*", "Resource": "*"},
    {"Sid": "It", "Effect": "Allow", "Principal": {"AWS": "111122223333"}, "Action": "kms:Encrypt", "Resource": "*"}
]}"#;

#[test]
fn the_first_element_that_does_not_fit() {
    let document = PolicyDocument::parse(POLICY, PolicyKind::Key).unwrap_or_else(|error| panic!("{error}"));
    let mut context = RequestContext::default();
    context.set("aws:SecureTransport", true);
    context.set("aws:SourceIp", "203.0.113.7");
    let identity = alice();
    let request = AccessRequest { identity: &identity, action: "kms:Encrypt", resource: KEY, context: &context };
    let explained = document.explain(&request);
    let mismatches: Vec<_> = explained.iter().map(|statement| statement.mismatch).collect();
    let condition = Mismatch::Condition { operator: "NotIpAddress", key: "aws:SourceIp" };
    assert_eq!(
        mismatches,
        [
            Some(Mismatch::Principal),
            Some(Mismatch::Action),
            Some(Mismatch::Action),
            Some(Mismatch::Resource),
            Some(Mismatch::Resource),
            Some(condition),
            Some(Mismatch::Principal),
            None
        ]
    );
    assert_eq!(condition.to_string(), "Condition NotIpAddress aws:SourceIp");
    let its = StatementExplanation { index: 7, sid: Some("It"), effect: Effect::Allow, mismatch: None };
    assert_eq!(explained.last(), Some(&its));
    let but_for_conditions: Vec<_> = explained.iter().filter(|statement| statement.fits_but_for_conditions()).collect();
    assert_eq!(but_for_conditions.len(), 1);
    assert_eq!(but_for_conditions[0].sid, Some("From there"));
    // With a permissions boundary she is no exception.
    assert_eq!(document.explain_bounded(&request)[6].mismatch, None);
}

#[test]
fn an_explanation_says_what_the_verdict_says() {
    for seed in 0..5_000 {
        let case = Case::of_seed(seed);
        let document = case.parse().unwrap_or_else(|error| panic!("seed {seed}: {error}"));
        let verdict = case.evaluate(&document);
        let explained = case.with_request(|request| {
            let explained = document.explain(request);
            [Effect::Deny, Effect::Allow].map(|effect| {
                let mut fits = explained.iter().filter(|found| found.mismatch.is_none() && found.effect == effect);
                fits.next().map(|found| found.index)
            })
        });
        assert_eq!(verdict.deny.map(|found| found.index), explained[0], "seed {seed}");
        assert_eq!(verdict.allow.is_some(), explained[1].is_some(), "seed {seed}");
    }
}
