//! Explanations: they say what is decided of requests, and why.

#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use keystead_core::access::{ExplainedDecision, ExplainedEffect, ExplainedLayer, Explanation, Principal, Reason};
use keystead_core::operation::AccessQuestion;
use serde_json::{Value, json};
use support::{Installation, Server, account, other_account, statement};

const ROOT: &str = "arn:aws:iam::111122223333:root";

fn question(principal: &str, action: &str, resource: &str) -> AccessQuestion {
    let (principal, action, resource) = (principal.to_owned(), action.to_owned(), resource.to_owned());
    AccessQuestion { principal, action, resource, context: Vec::new() }
}

async fn explained(server: &Server, principal: &str, action: &str, resource: &str) -> Explanation {
    server.kms.explain_access(&question(principal, action, resource)).await.unwrap()
}

fn policy(statements: &[Value]) -> Value {
    json!(json!({"Version": "2012-10-17", "Statement": statements}).to_string())
}

fn for_account() -> Value {
    json!({"Sid": "Account", "Effect": "Allow", "Principal": {"AWS": ROOT}, "Action": "kms:*", "Resource": "*"})
}

#[tokio::test]
async fn each_side_names_the_statement_that_allows() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({"Policy": policy(&[for_account()])})).await;
    let statements = [statement("Allow", &["kms:ListKeys"], "*"), statement("Allow", &["kms:Describe*"], &key)];
    let alice = installation.create_user("alice", &statements).await;
    let explanation = explained(&server, &alice.arn, "KMS:describekey", &key).await;
    assert_eq!(explanation.action, "kms:DescribeKey");
    let by = |layer, policy: &str, statement, sid: Option<&str>| Reason::Statement {
        layer,
        effect: ExplainedEffect::Allow,
        policy: policy.to_owned(),
        statement,
        sid: sid.map(str::to_owned),
    };
    let key_policy = format!("key policy of {key}");
    assert_eq!(
        explanation.reasons,
        [
            by(ExplainedLayer::IdentityPolicy, "user alice, inline policy inline", 2, None),
            by(ExplainedLayer::ResourcePolicy, &key_policy, 1, Some("Account")),
        ]
    );
    let printed = explanation.to_string();
    let first = printed.lines().next().unwrap();
    assert_eq!(first, format!("Allowed: {} kms:DescribeKey on {key}", alice.arn));
    assert!(printed.contains("user alice, inline policy inline, statement 2 allows it"), "{printed}");
    let root = explained(&server, ROOT, "kms:DescribeKey", &key).await;
    assert_eq!(root.reasons[0], Reason::RootUser);
    assert_eq!(explained(&server, "111122223333", "kms:DescribeKey", &key).await, root);
}

#[tokio::test]
async fn what_denies_is_named_alone() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({"Policy": policy(&[for_account()])})).await;
    let statements = [statement("Allow", &["kms:*"], "*"), statement("Deny", &["kms:DescribeKey"], "*")];
    let alice = installation.create_user("alice", &statements).await;
    let explanation = explained(&server, &alice.arn, "kms:DescribeKey", &key).await;
    assert_eq!(explanation.decision, ExplainedDecision::ExplicitDeny);
    let [Reason::Statement { effect: ExplainedEffect::Deny, statement: 2, .. }] = explanation.reasons[..] else {
        panic!("{explanation:?}");
    };
    let shown = serde_json::to_value(&explanation).unwrap();
    assert_eq!(shown["decision"], "explicitDeny");
    assert_eq!(shown["reasons"][0]["kind"], "statement");
    assert_eq!(shown["reasons"][0]["layer"], "identityPolicy");
}

#[tokio::test]
async fn where_nothing_allows_each_statement_says_what_does_not_fit() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({"Policy": policy(&[for_account()])})).await;
    let mut conditional = statement("Allow", &["kms:DescribeKey"], "*");
    conditional["Condition"] = json!({"StringEquals": {"aws:PrincipalTag/team": "a"}});
    let other_key = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let statements =
        [statement("Allow", &["kms:ListKeys"], "*"), statement("Allow", &["kms:DescribeKey"], other_key), conditional];
    let alice = installation.create_user("alice", &statements).await;
    let explanation = explained(&server, &alice.arn, "kms:DescribeKey", &key).await;
    assert_eq!(explanation.reasons, [Reason::NothingAllows { layer: ExplainedLayer::IdentityPolicy }]);
    let mismatches: Vec<_> =
        explanation.documents[0].statements.iter().map(|found| found.mismatch.as_deref().unwrap()).collect();
    assert_eq!(mismatches, ["Action", "Resource", "Condition StringEquals aws:PrincipalTag/team"]);
    assert_eq!(explanation.documents[1].statements[0].mismatch, None);
    let printed = explanation.to_string();
    assert!(printed.contains("Condition StringEquals aws:PrincipalTag/team"), "{printed}");
    // With the tag that is missing.
    let mut asked = question(&alice.arn, "kms:DescribeKey", &key);
    asked.context.push(("aws:principaltag/Team".to_owned(), "a".to_owned()));
    assert!(server.kms.explain_access(&asked).await.unwrap().is_allowed());
}

#[tokio::test]
async fn grants_allow_within_their_constraints() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let alice = installation.create_user("alice", &[]).await;
    let constraints = json!({"Constraints": {"EncryptionContextSubset": {"purpose": "test"}}});
    let grant = server.grant_with(&key, &alice.arn, &["Encrypt"], constraints).await;
    let mut asked = question(&alice.arn, "kms:Encrypt", &key);
    let refused = server.kms.explain_access(&asked).await.unwrap();
    assert!(!refused.is_allowed());
    assert_eq!((&refused.grants[0].grant_id, refused.grants[0].has_operation), (&grant.id, true));
    assert!(refused.grants[0].constrained);
    asked.context.push(("kms:EncryptionContext:purpose".to_owned(), "test".to_owned()));
    let allowed = server.kms.explain_access(&asked).await.unwrap();
    assert_eq!(allowed.reasons, [Reason::Grant { grant_id: grant.id }]);
    asked.action = "kms:Decrypt".to_owned();
    let other = server.kms.explain_access(&asked).await.unwrap();
    assert!(!other.is_allowed() && !other.grants[0].has_operation);
    assert!(other.to_string().contains("the action is not among its operations"));
}

#[tokio::test]
async fn keys_are_named_by_their_aliases_and_by_nothing_else() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    server.call("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": key})).await.unwrap();
    let alias = "arn:aws:kms:us-east-1:111122223333:alias/a";
    assert_eq!(explained(&server, ROOT, "kms:Encrypt", alias).await.resource, key);
    // An alias has leave of its own.
    assert_eq!(explained(&server, ROOT, "kms:DeleteAlias", alias).await.resource, alias);
    assert!(explained(&server, ROOT, "kms:DeleteAlias", &key).await.is_allowed());
    for (action, resource) in [("kms:CreateKey", "*"), ("kms:CreateCustomKeyStore", "*"), ("iam:GetUser", "*")] {
        assert!(explained(&server, ROOT, action, resource).await.is_allowed(), "{action}");
    }
    let missing = key.replace(&key[key.len() - 12..], "000000000000");
    for (principal, action, resource) in [
        ("alice", "kms:Encrypt", key.as_str()),
        ("arn:aws:iam::111122223333:user/none", "kms:Encrypt", &key),
        ("arn:aws:iam::111122223333:role/none", "kms:Encrypt", &key),
        (ROOT, "kms", &key),
        (ROOT, "kms:*", &key),
        (ROOT, "kms:NoSuchAction", &key),
        (ROOT, "kms:Encrypt", "*"),
        (ROOT, "kms:ListKeys", &key),
        (ROOT, "kms:Encrypt", &missing),
        (ROOT, "kms:Encrypt", "arn:aws:kms:us-east-1:111122223333:alias/none"),
        (ROOT, "kms:Encrypt", "arn:aws:kms:mars-north-1:111122223333:alias/a"),
    ] {
        let asked = question(principal, action, resource);
        assert!(server.kms.explain_access(&asked).await.is_err(), "{asked:?}");
    }
}

#[tokio::test]
async fn what_other_accounts_cannot_do_at_all_is_said_so() {
    let installation = Installation::new().await;
    installation.create_other_account().await;
    let server = installation.serve();
    let bob_may = json!({"Effect": "Allow", "Principal": {"AWS": other_account().to_string()}, "Action": "kms:*", "Resource": "*"});
    let key = server.create_key(json!({"Policy": policy(&[for_account(), bob_may])})).await;
    let everything = [statement("Allow", &["kms:*"], "*")];
    let bob = installation.create_user_of(other_account(), "bob", &everything).await;
    assert!(explained(&server, &bob.arn, "kms:Encrypt", &key).await.is_allowed());
    let disabling = explained(&server, &bob.arn, "kms:DisableKey", &key).await;
    assert_eq!(
        (disabling.decision, &disabling.reasons[..]),
        (ExplainedDecision::ImplicitDeny, &[Reason::OtherAccount][..])
    );
}

/// Every explanation agrees with what the operation does.
#[tokio::test]
async fn explanations_and_requests_agree() {
    let installation = Installation::new().await;
    installation.create_other_account().await;
    let server = installation.serve();
    let named = json!({"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/named"},
        "Action": ["kms:DescribeKey", "kms:ListGrants"], "Resource": "*"});
    let everything = [statement("Allow", &["kms:*"], "*")];
    let callers = [
        Principal::root(account()),
        installation.create_user("none", &[]).await,
        installation.create_user("named", &[]).await,
        installation.create_user("all", &everything).await,
        installation.create_user("denied", &[everything[0].clone(), statement("Deny", &["kms:List*"], "*")]).await,
        installation.create_session("role", &everything).await,
        installation.create_user_of(other_account(), "stranger", &everything).await,
    ];
    let granting = server.create_key(json!({})).await;
    server.grant(&granting, &callers[1].arn, &["DescribeKey"]).await;
    let keys = [
        server.create_key(json!({"Policy": policy(&[for_account()])})).await,
        server.create_key(json!({"Policy": policy(&[for_account(), named])})).await,
        granting,
    ];
    let (mut allowed, mut denied) = (0, 0);
    for caller in &callers {
        for key in &keys {
            for operation in ["DescribeKey", "GetKeyPolicy", "ListGrants", "ListResourceTags"] {
                let explanation = explained(&server, &caller.arn, &format!("kms:{operation}"), key).await;
                let done = server.call_by(caller, operation, json!({"KeyId": key})).await.is_ok();
                assert_eq!(explanation.is_allowed(), done, "{operation}: {explanation}");
                if done { allowed += 1 } else { denied += 1 }
            }
        }
    }
    assert!(allowed > 20 && denied > 20, "{allowed} {denied}");
}
