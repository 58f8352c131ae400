//! What principals may grant that have leave to create grants, from a policy or from a grant.
//!
//! Source: digest kms-core.md, 4.3; KMS Developer Guide, "Grants in AWS KMS" (CreateGrant), "Condition keys for AWS KMS".

use crate::support::{Installation, Made, Refused, Server, account, other_account, statement, text};
use keystead_core::access::Principal;
use keystead_core::port::Store;
use serde_json::{Value, json};

/// A request for a grant to the root user's account, which is always there.
fn request(key: &str, operations: &[&str], more: Value) -> Value {
    let mut input = json!({"KeyId": key, "GranteePrincipal": "111122223333", "Operations": operations});
    input.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    input
}

async fn assert_may_grant(server: &Server, caller: &Principal, input: Value, may: bool) {
    match server.call_by(caller, "CreateGrant", input.clone()).await {
        Ok(_) => assert!(may, "{input}"),
        Err(Refused { exception, message }) => {
            assert!(!may, "{input}: {message}");
            assert_eq!(exception, "AccessDeniedException", "{input}: {message}");
            let key = text(&input["KeyId"]);
            let expected =
                format!("User: {} is not authorized to perform: kms:CreateGrant on resource: {key} ", caller.arn);
            assert!(message.starts_with(&expected), "{message}");
        }
    }
}

#[tokio::test]
async fn a_grant_passes_on_its_own_operations_alone() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let alice = installation.create_user("alice", &[]).await;
    server.grant(&key, &alice.arn, &["CreateGrant", "Encrypt", "DescribeKey"]).await;
    for (operations, may) in [
        (&["Encrypt"][..], true),
        (&["DescribeKey", "Encrypt"], true),
        (&["CreateGrant", "Encrypt", "DescribeKey"], true),
        (&["Decrypt"], false),
        (&["Encrypt", "Decrypt"], false),
        (&["RetireGrant"], false),
        (&["GenerateDataKey"], false),
    ] {
        assert_may_grant(&server, &alice, request(&key, operations, json!({})), may).await;
    }
    // Without CreateGrant among its operations a grant passes on nothing.
    let bob = installation.create_user("bob", &[]).await;
    server.grant(&key, &bob.arn, &["Encrypt"]).await;
    assert_may_grant(&server, &bob, request(&key, &["Encrypt"], json!({})), false).await;
}

/// In a chain nobody gets more than the one before.
#[tokio::test]
async fn what_was_passed_on_can_be_passed_on() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let alice = installation.create_user("alice", &[]).await;
    let bob = installation.create_user("bob", &[]).await;
    server.grant(&key, &alice.arn, &["CreateGrant", "Encrypt", "Decrypt"]).await;
    let to_bob = json!({"KeyId": key, "GranteePrincipal": bob.arn, "Operations": ["CreateGrant", "Encrypt"]});
    server.call_by(&alice, "CreateGrant", to_bob).await.unwrap();
    assert_may_grant(&server, &bob, request(&key, &["Encrypt"], json!({})), true).await;
    assert_may_grant(&server, &bob, request(&key, &["Decrypt"], json!({})), false).await;
    server.call_by(&bob, "Encrypt", json!({"KeyId": key, "Plaintext": "AAAA"})).await.unwrap();
}

#[tokio::test]
async fn a_child_is_as_strict_as_its_parent() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let alice = installation.create_user("alice", &[]).await;
    let equals = |context: Value| json!({"Constraints": {"EncryptionContextEquals": context}});
    let subset = |context: Value| json!({"Constraints": {"EncryptionContextSubset": context}});
    let (a, ab) = (json!({"a": "1"}), json!({"a": "1", "b": "2"}));
    for (parent, child, may) in [
        (json!({}), json!({}), true),
        (json!({}), equals(a.clone()), true),
        (equals(a.clone()), equals(a.clone()), true),
        (equals(a.clone()), json!({}), false),
        (equals(a.clone()), subset(a.clone()), false),
        (equals(a.clone()), equals(ab.clone()), false),
        (subset(a.clone()), subset(a.clone()), true),
        (subset(a.clone()), subset(ab.clone()), true),
        (subset(a.clone()), equals(ab.clone()), true),
        (subset(a.clone()), json!({}), false),
        (subset(ab.clone()), subset(a.clone()), false),
        (subset(ab.clone()), equals(a.clone()), false),
        (subset(a.clone()), subset(json!({"a": "2"})), false),
    ] {
        let key = server.create_key(json!({})).await;
        server.grant_with(&key, &alice.arn, &["CreateGrant", "Encrypt"], parent).await;
        assert_may_grant(&server, &alice, request(&key, &["Encrypt"], child), may).await;
    }
}

/// Several grants are not added up, and any of them may allow it: also one that the server has not heard of, by its token.
#[tokio::test]
async fn any_of_several_grants_may_pass_it_on() {
    let installation = Installation::new().await;
    let [server, other] = [installation.serve(), installation.serve()];
    let key = server.create_key(json!({})).await;
    let alice = installation.create_user("alice", &[statement("Allow", &["kms:ListKeys"], "*")]).await;
    server.grant(&key, &alice.arn, &["CreateGrant", "Encrypt"]).await;
    server.grant(&key, &alice.arn, &["CreateGrant", "Decrypt"]).await;
    // To the account as a whole: alice's own policies do not let her.
    server.grant(&key, "111122223333", &["CreateGrant", "GenerateDataKey"]).await;
    for (operation, may) in [("Encrypt", true), ("Decrypt", true), ("GenerateDataKey", false)] {
        assert_may_grant(&server, &alice, request(&key, &[operation], json!({})), may).await;
    }
    assert_may_grant(&server, &alice, request(&key, &["Encrypt", "Decrypt"], json!({})), false).await;

    let bob = installation.create_user("bob", &[]).await;
    let input = request(&key, &["Encrypt"], json!({}));
    assert_may_grant(&other, &bob, input.clone(), false).await;
    let Made { token, .. } = server.grant(&key, &bob.arn, &["CreateGrant", "Encrypt"]).await;
    assert_may_grant(&other, &bob, input, false).await;
    let input = |operation: &str| request(&key, &[operation], json!({"GrantTokens": [token]}));
    assert_may_grant(&other, &bob, input("Decrypt"), false).await;
    assert_may_grant(&other, &bob, input("Encrypt"), true).await;
}

/// Who may create grants by a policy may grant anything, whatever grants say besides.
#[tokio::test]
async fn a_policy_lets_grant_anything() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let alice = installation.create_user("alice", &[statement("Allow", &["kms:CreateGrant"], &key)]).await;
    server.grant(&key, &alice.arn, &["CreateGrant", "Encrypt"]).await;
    assert_may_grant(&server, &alice, request(&key, &["Decrypt", "RetireGrant"], json!({})), true).await;
    // What she grants she may not do herself.
    let encrypt = json!({"KeyId": key, "Plaintext": "AAAA"});
    let blob = server.call_by(&alice, "Encrypt", encrypt).await.unwrap()["CiphertextBlob"].clone();
    let decrypt = json!({"KeyId": key, "CiphertextBlob": blob});
    assert_eq!(server.refused_by(&alice, "Decrypt", decrypt).await.exception, "AccessDeniedException");
}

/// 4.4: the condition keys of CreateGrant bound what a policy allows.
#[tokio::test]
async fn conditions_bound_what_a_policy_lets_grant() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let root = Principal::root(account()).arn;
    let conditions = [
        json!({"ForAllValues:StringEquals": {"kms:GrantOperations": ["Encrypt", "DescribeKey"]}}),
        json!({"StringEquals": {"kms:GranteePrincipal": root}}),
        json!({"StringEquals": {"kms:RetiringPrincipal": root}}),
        json!({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextSubset"}}),
        json!({"StringEquals": {"kms:EncryptionContext:Department": "IT"}}),
        json!({"Bool": {"kms:GrantIsForAWSResource": "true"}}),
        json!({"Bool": {"kms:GrantIsForAWSResource": "false"}}),
        json!({"StringEquals": {"kms:GrantConstraintType": "EncryptionContextEquals"}}),
        json!({"Null": {"kms:GrantConstraintType": "true"}}),
    ];
    let constraints = |constraints: Value| request(&key, &["Encrypt"], json!({"Constraints": constraints}));
    let constrained = json!({"Constraints": {"EncryptionContextSubset": {"Department": "IT"}}});
    let (yes, no) = (true, false);
    let requests = [
        (request(&key, &["Encrypt"], json!({})), [yes, yes, no, no, no, no, yes, no, yes]),
        (request(&key, &["Decrypt"], json!({})), [no, yes, no, no, no, no, yes, no, yes]),
        (request(&key, &["Encrypt"], json!({"RetiringPrincipal": root})), [yes, yes, yes, no, no, no, yes, no, yes]),
        (request(&key, &["Encrypt"], constrained), [yes, yes, no, yes, yes, no, yes, no, no]),
        // What every encryption context fulfils is no constraint; that there must be none is one.
        (constraints(json!({"EncryptionContextSubset": {}})), [yes, yes, no, no, no, no, yes, no, yes]),
        (constraints(json!({"EncryptionContextEquals": {}})), [yes, yes, no, no, no, no, yes, yes, no]),
        (constraints(json!({})), [yes, yes, no, no, no, no, yes, no, yes]),
        // Nor is what no version of the API knows.
        (constraints(json!({"EncryptionContextLike": {"Department": "*"}})), [yes, yes, no, no, no, no, yes, no, yes]),
        (
            json!({"KeyId": key, "GranteePrincipal": "arn:aws:iam::999988887777:user/u", "Operations": ["Encrypt"]}),
            [yes, no, no, no, no, no, yes, no, yes],
        ),
    ];
    for (number, condition) in conditions.iter().enumerate() {
        let mut allow = statement("Allow", &["kms:CreateGrant"], "*");
        allow["Condition"] = condition.clone();
        let caller = installation.create_user(&format!("user{number}"), &[allow]).await;
        for (input, may) in &requests {
            assert_may_grant(&server, &caller, input.clone(), may[number]).await;
        }
    }
}

/// A guard rail that leaves grants to AWS services denies them to everybody here, and nothing else.
#[tokio::test]
async fn a_guard_rail_leaves_grants_to_aws_services() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let root = Principal::root(account()).arn;
    let of_grants = ["CreateGrant", "ListGrants", "RevokeGrant"];
    let actions = [&of_grants[..], &["RetireGrant", "DescribeKey"]].concat();
    let actions: Vec<_> = actions.iter().map(|operation| format!("kms:{operation}")).collect();
    let deny = json!({"Effect": "Deny", "Principal": {"AWS": "*"}, "Action": actions, "Resource": "*",
        "Condition": {"Bool": {"kms:GrantIsForAWSResource": "false"}}});
    let anyone = json!({"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"});
    let key = server.create_key(json!({})).await;
    let made = server.grant(&key, "111122223333", &["Encrypt"]).await;
    server.put_key_policy(&key, &[anyone, deny]).await;
    for operation in of_grants {
        let input = match operation {
            "CreateGrant" => request(&key, &["Encrypt"], json!({})),
            "RevokeGrant" => json!({"KeyId": key, "GrantId": made.id}),
            _ => json!({"KeyId": key}),
        };
        assert_eq!(server.refused(operation, input).await.exception, "AccessDeniedException", "{operation}");
    }
    // These have no such condition key.
    server.call("DescribeKey", json!({"KeyId": key})).await.unwrap();
    server.call("RetireGrant", json!({"GrantToken": made.token})).await.unwrap();
}

/// 2.2: CreateGrant, ListGrants and RevokeGrant on another account's key, if its policy and their own let them; the issuing account is theirs.
#[tokio::test]
async fn on_keys_of_another_account() {
    let installation = Installation::new().await;
    installation.create_other_account().await;
    let server = installation.serve();
    let allow = statement("Allow", &["kms:*"], "*");
    let friend = installation.create_user_of(other_account(), "friend", std::slice::from_ref(&allow)).await;
    let bare = installation.create_user_of(other_account(), "bare", &[]).await;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": Principal::root(account()).arn}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Allow", "Principal": {"AWS": Principal::root(other_account()).arn}, "Resource": "*",
         "Action": ["kms:CreateGrant", "kms:ListGrants", "kms:RevokeGrant"]},
    ]});
    let key = server.create_key(json!({"Policy": policy.to_string()})).await;
    let closed = server.create_key(json!({})).await;
    let missing = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000000";
    let grant = |key: &str| json!({"KeyId": key, "GranteePrincipal": friend.arn, "Operations": ["Encrypt"]});

    let made = Made::of(&server.call_by(&friend, "CreateGrant", grant(&key)).await.unwrap());
    let listed = server.call_by(&friend, "ListGrants", json!({"KeyId": key})).await.unwrap();
    assert_eq!(listed["Grants"][0]["IssuingAccount"], Principal::root(other_account()).arn);
    server.call_by(&friend, "Encrypt", json!({"KeyId": key, "Plaintext": "AAAA"})).await.unwrap();
    let refused = server.refused_by(&bare, "CreateGrant", grant(&key)).await;
    assert!(refused.message.ends_with("because no identity-based policy allows the kms:CreateGrant action"));
    server.call_by(&friend, "RevokeGrant", json!({"KeyId": key, "GrantId": made.id})).await.unwrap();

    for (operation, input) in [
        ("CreateGrant", grant("KEY")),
        ("ListGrants", json!({"KeyId": "KEY"})),
        ("RevokeGrant", json!({"KeyId": "KEY", "GrantId": made.id})),
        ("RetireGrant", json!({"KeyId": "KEY", "GrantId": made.id})),
    ] {
        let mut seen = Vec::new();
        for name in [closed.as_str(), missing] {
            let mut input = input.clone();
            input["KeyId"] = json!(name);
            let refused = server.refused_by(&friend, operation, input).await;
            assert_eq!(refused.exception, "AccessDeniedException", "{operation}");
            seen.push(refused.message.replace(name, "KEY"));
        }
        assert_eq!(seen[0], seen[1], "{operation}");
    }
}

/// A dry run tells what the call would: the quota, and what is denied.
#[tokio::test]
async fn a_dry_run_sees_what_the_call_would_see() {
    let installation = Installation::new().await;
    let server = installation.serve_with(|settings| settings.resource_quotas.grants_per_key = 2);
    let key = server.create_key(json!({})).await;
    let alice = installation.create_user("alice", &[]).await;
    let dry = |operations: &[&str], more: Value| {
        let mut input = request(&key, operations, more);
        input["DryRun"] = json!(true);
        input
    };
    let named = json!({"Name": "named"});
    let first = server.grant_with(&key, "111122223333", &["Encrypt"], named.clone()).await;
    assert_eq!(server.refused("CreateGrant", dry(&["Encrypt"], json!({}))).await.exception, "DryRunOperationException");
    assert_eq!(server.grant_ids(&key).await, [first.id]);
    server.grant(&key, &alice.arn, &["CreateGrant", "Encrypt"]).await;
    let [dry_run, call] = [dry(&["Encrypt"], json!({})), request(&key, &["Encrypt"], json!({}))];
    let refused = server.refused("CreateGrant", dry_run.clone()).await;
    assert_eq!(refused.exception, "LimitExceededException");
    assert_eq!(refused, server.refused("CreateGrant", call).await);
    // One that is there already needs no room.
    assert_eq!(server.refused("CreateGrant", dry(&["Encrypt"], named)).await.exception, "DryRunOperationException");
    let refused = server.refused_by(&alice, "CreateGrant", dry(&["Decrypt"], json!({}))).await;
    assert_eq!(refused.exception, "AccessDeniedException");
}

/// The key's state is looked at as it is, although this server has not heard yet of what another one did.
#[tokio::test]
async fn a_key_that_another_server_disabled_gets_no_grant() {
    let installation = Installation::new().await;
    let [server, other] = [installation.serve(), installation.serve()];
    let key = server.create_key(json!({})).await;
    let grant = request(&key, &["Encrypt"], json!({}));
    server.call("CreateGrant", grant.clone()).await.unwrap();
    other.call("DisableKey", json!({"KeyId": key})).await.unwrap();
    let refused = server.refused("CreateGrant", grant.clone()).await;
    assert_eq!((refused.exception.as_str(), refused.message), ("DisabledException", format!("{key} is disabled.")));
    let stored = installation.stored(&key).await;
    installation.store.delete_key(&stored.region, &stored.id, stored.revision).await.unwrap();
    let refused = server.refused("CreateGrant", grant).await;
    assert_eq!(refused.exception, "NotFoundException");
}
