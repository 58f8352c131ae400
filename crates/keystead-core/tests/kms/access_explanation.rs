//! Explanations: they say what is decided of requests, and why.

use std::collections::BTreeMap;

use crate::support::{Installation, Server, account, other_account, statement};
use keystead_core::access::{
    ExplainedConstraint, ExplainedDecision, ExplainedEffect, ExplainedLayer, Explanation, Principal, Reason,
};
use keystead_core::operation::AccessQuestion;
use keystead_core::port::IdentityStore;
use serde_json::{Value, json};

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
    let by = |layer, policy: &str, statement, sid: Option<&str>, leaves_to_account| Reason::Statement {
        layer,
        effect: ExplainedEffect::Allow,
        policy: policy.to_owned(),
        statement,
        sid: sid.map(str::to_owned),
        leaves_to_account,
    };
    let key_policy = format!("key policy of {key}");
    assert_eq!(
        explanation.reasons,
        [
            by(ExplainedLayer::IdentityPolicy, "user alice, inline policy inline", 2, None, false),
            by(ExplainedLayer::KeyPolicy, &key_policy, 1, Some("Account"), true),
        ]
    );
    let printed = explanation.to_string();
    let first = printed.lines().next().unwrap();
    assert_eq!(first, format!("Allowed: {} kms:DescribeKey on {key}", alice.arn));
    assert!(printed.contains("user alice, inline policy inline, statement 2 allows it"), "{printed}");
    assert!(printed.contains("statement 1 (Account) lets the policies of the account allow it"), "{printed}");
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
    let pairs = BTreeMap::from([("purpose".to_owned(), "test".to_owned())]);
    assert_eq!(refused.grants[0].unmet_constraint, Some(ExplainedConstraint::EncryptionContextSubset(pairs)));
    let printed = refused.to_string();
    assert!(printed.contains("its constraint EncryptionContextSubset (purpose=test) does not hold"), "{printed}");
    assert!(printed.contains("user alice has no IAM policies, and no groups with any"), "{printed}");
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
    assert_eq!(explained(&server, ROOT, "kms:ListKeys", "*").await.resource, "*");
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

/// What an error says that is no answer.
async fn no_answer(server: &Server, principal: &str, action: &str, resource: &str) -> String {
    let error = server.kms.explain_access(&question(principal, action, resource)).await.unwrap_err();
    error.message.unwrap()
}

#[tokio::test]
async fn what_cannot_be_asked_is_told_how_to_ask() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let id = "1234abcd-12ab-34cd-56ef-1234567890ab";
    for (principal, action, resource, expected) in [
        (ROOT, "kms:Decrypt", "*", "kms:Decrypt is asked of a key: give --resource KEY-ARN"),
        (ROOT, "kms:Decrypt", "alias/a", "name the key by its ARN, or the alias by its ARN"),
        (ROOT, "kms:Decrypt", id, "name the key by its ARN, or the alias by its ARN"),
        (ROOT, "kms:ReEncrypt", "*", "ReEncrypt needs kms:ReEncryptFrom on one key and kms:ReEncryptTo on the other"),
        (ROOT, "kms:ListKeys", "alias/a", "kms:ListKeys is asked of no key in particular"),
        ("uma", "kms:ListKeys", "*", "name it by its ARN, such as arn:aws:iam::111122223333:user/uma"),
        (ROOT, "sts:AssumeRole", "*", "sts:AssumeRole is asked of a role: give --resource ROLE-ARN"),
        (ROOT, "sts:AssumeRole", "arn:aws:iam::111122223333:role/none", "There is no role arn:aws:iam"),
    ] {
        let told = no_answer(&server, principal, action, resource).await;
        assert!(told.contains(expected), "{action} {resource}: {told}");
    }
}

#[tokio::test]
async fn an_alias_that_is_asked_about_is_the_alias_of_the_request() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({"Policy": policy(&[for_account()])})).await;
    server.call("CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": key})).await.unwrap();
    let mut by_alias = statement("Allow", &["kms:Encrypt"], "*");
    by_alias["Condition"] = json!({"StringEquals": {"kms:RequestAlias": "alias/a"}});
    let alice = installation.create_user("alice", &[by_alias]).await;
    let alias = "arn:aws:kms:us-east-1:111122223333:alias/a";
    assert!(explained(&server, &alice.arn, "kms:Encrypt", alias).await.is_allowed());
    let refused = explained(&server, &alice.arn, "kms:Encrypt", &key).await;
    assert_eq!(refused.documents[0].statements[0].key_not_given.as_deref(), Some("kms:RequestAlias"));
    let line = "Not known: statement 1 of user alice, inline policy inline, Allow, depends on kms:RequestAlias; \
                give --context kms:RequestAlias=...";
    assert!(refused.to_string().contains(line), "{refused}");
}

#[tokio::test]
async fn what_is_allowed_names_the_denials_that_depend_on_what_is_not_given() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let tls = json!({"Sid": "Tls", "Effect": "Deny", "Principal": "*", "Action": "kms:Encrypt", "Resource": "*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}}});
    let key = server.create_key(json!({"Policy": policy(&[for_account(), tls])})).await;
    let mut team = statement("Deny", &["kms:*"], "*");
    team["Condition"] = json!({"StringEquals": {"aws:PrincipalTag/team": "a"}});
    let mut address = statement("Deny", &["kms:*"], "*");
    address["Condition"] = json!({"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}});
    let mut conditional = statement("Allow", &["kms:*"], "*");
    conditional["Condition"] = json!({"StringEquals": {"kms:EncryptionContext:a": "b"}});
    let statements = [statement("Allow", &["kms:*"], "*"), team, address, conditional];
    let alice = installation.create_user("alice", &statements).await;
    let allowed = explained(&server, &alice.arn, "kms:Encrypt", &key).await;
    assert!(allowed.is_allowed());
    let printed = allowed.to_string();
    let line = format!(
        "Not known: statement 2 (Tls) of key policy of {key}, Deny, depends on aws:SecureTransport; \
         give --context aws:SecureTransport=..."
    );
    assert!(printed.contains(&line), "{printed}");
    // The tags of a user are known, and another statement that allows changes nothing.
    assert_eq!(printed.matches("Not known").count(), 2, "{printed}");
    assert!(printed.contains("statement 3 of user alice, inline policy inline, Deny, depends on aws:SourceIp"));
    let mut asked = question(&alice.arn, "kms:Encrypt", &key);
    for (name, value) in [("aws:SecureTransport", "true"), ("aws:sourceip", "198.51.100.1")] {
        asked.context.push((name.to_owned(), value.to_owned()));
    }
    let known = server.kms.explain_access(&asked).await.unwrap();
    assert!(known.is_allowed() && !known.to_string().contains("Not known"), "{known}");
    asked.context[0].1 = "false".to_owned();
    assert_eq!(server.kms.explain_access(&asked).await.unwrap().decision, ExplainedDecision::ExplicitDeny);
}

#[tokio::test]
async fn what_decides_only_because_a_key_is_absent_is_said_so() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({"Policy": policy(&[for_account()])})).await;
    let mut elsewhere = statement("Deny", &["kms:*"], "*");
    elsewhere["Condition"] = json!({"NotIpAddress": {"aws:SourceIp": "192.0.2.0/24"}});
    let alice = installation.create_user("alice", &[statement("Allow", &["kms:*"], "*"), elsewhere]).await;
    let mut asked = question(&alice.arn, "kms:Encrypt", &key);
    let denied = server.kms.explain_access(&asked).await.unwrap();
    assert_eq!(denied.decision, ExplainedDecision::ExplicitDeny);
    let line = "Not known: statement 2 of user alice, inline policy inline, Deny, depends on aws:sourceip";
    assert!(denied.to_string().contains(line), "{denied}");
    asked.context.push(("aws:SourceIp".to_owned(), "192.0.2.7".to_owned()));
    let allowed = server.kms.explain_access(&asked).await.unwrap();
    assert!(allowed.is_allowed() && !allowed.to_string().contains("Not known"), "{allowed}");
}

/// A role with this trust policy; its ARN.
async fn role_trusting(installation: &Installation, name: &str, statements: &[Value]) -> String {
    installation.create_session(name, &[]).await;
    let mut role = installation.store.role(&account(), name).await.unwrap().unwrap();
    role.trust_policy = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
    role.tags.insert("team".to_owned(), "a".to_owned());
    installation.store.update_role(&role).await.unwrap();
    role.arn()
}

#[tokio::test]
async fn roles_are_assumed_by_their_trust_policies() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let named = installation.create_user("named", &[]).await;
    let may = [statement("Allow", &["sts:AssumeRole"], "*")];
    let permitted = installation.create_user("permitted", &may).await;
    let other = installation.create_user("other", &[]).await;
    let trusting =
        |principal: &str| json!({"Effect": "Allow", "Principal": {"AWS": principal}, "Action": "sts:AssumeRole"});
    let role = role_trusting(&installation, "one", &[trusting(&named.arn)]).await;
    let open = role_trusting(&installation, "open", &[trusting(ROOT)]).await;
    for (who, role, expected) in [
        (&named, &role, true),
        (&permitted, &role, false),
        (&named, &open, false),
        (&permitted, &open, true),
        (&other, &open, false),
    ] {
        let explanation = explained(&server, &who.arn, "STS:assumerole", role).await;
        assert_eq!(explanation.is_allowed(), expected, "{explanation}");
        assert_eq!((explanation.action.as_str(), &explanation.resource), ("sts:AssumeRole", role));
    }
    let allowed = explained(&server, &named.arn, "sts:AssumeRole", &role).await.to_string();
    assert!(allowed.contains(&format!("Trust policy: trust policy of {role}, statement 1 allows it.")), "{allowed}");
    let refused = explained(&server, &permitted.arn, "sts:AssumeRole", &role).await;
    assert_eq!(refused.reasons, [Reason::NothingAllows { layer: ExplainedLayer::TrustPolicy }]);
    let tagging = explained(&server, &named.arn, "sts:TagSession", &role).await;
    assert_eq!(tagging.reasons, [Reason::NothingAllows { layer: ExplainedLayer::TrustPolicy }]);
    let root = explained(&server, ROOT, "sts:AssumeRole", &open).await;
    assert_eq!((root.decision, &root.reasons[..]), (ExplainedDecision::ImplicitDeny, &[Reason::RootAssumesNoRole][..]));
}

#[tokio::test]
async fn what_everybody_may_do_no_policy_denies() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let denied = [statement("Deny", &["sts:*"], "*")];
    let alice = installation.create_user("alice", &denied).await;
    let session = installation.create_session("reader", &denied).await;
    for (who, action, expected, reason) in [
        (&alice.arn, "sts:GetCallerIdentity", true, Reason::Everybody),
        (&session.arn, "sts:GetCallerIdentity", true, Reason::Everybody),
        (&alice.arn, "sts:GetSessionToken", true, Reason::LongTermAccessKeys),
        (&session.arn, "sts:GetSessionToken", false, Reason::LongTermAccessKeys),
    ] {
        let explanation = explained(&server, who, action, "*").await;
        assert_eq!((explanation.is_allowed(), &explanation.reasons[..]), (expected, &[reason][..]), "{who} {action}");
    }
    let said = explained(&server, &alice.arn, "sts:GetCallerIdentity", "*").await.to_string();
    assert!(said.contains("Everybody who has an access key may do this; policies do not count."), "{said}");
}

#[tokio::test]
async fn session_policies_are_said_to_be_unknown() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let may = [statement("Allow", &["kms:ListKeys"], "*")];
    let (alice, session) =
        (installation.create_user("alice", &may).await, installation.create_session("reader", &may).await);
    let line = "Session policies are not known here: what the session was given when it began may allow less.";
    let of_session = explained(&server, &session.arn, "kms:ListKeys", "*").await;
    assert!(of_session.is_allowed() && of_session.session_policies_unknown);
    assert!(of_session.to_string().contains(line), "{of_session}");
    let of_user = explained(&server, &alice.arn, "kms:ListKeys", "*").await;
    assert!(!of_user.session_policies_unknown && !of_user.to_string().contains(line), "{of_user}");
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
