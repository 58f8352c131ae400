//! What grants allow: to whom they name, the operations that they list, and nothing else.
//!
//! Source: digest kms-core.md, 4.2 and 4.3; KMS Developer Guide, "Grants in AWS KMS".

use crate::support::{Installation, Server, account, other_account, statement, with_session_policy};
use keystead_core::access::Principal;
use serde_json::{Value, json};

/// A key, and what its operations have to do with.
struct Subject {
    key: String,
    /// What a grant on it may allow.
    grant_operations: &'static [&'static str],
    /// Operations, the actions that each needs, in the order in which they are looked at, and its input.
    uses: Vec<(&'static str, &'static [&'static str], Value)>,
}

const CONTEXT_FREE: &str = "AAAA";

async fn symmetric(server: &Server) -> Subject {
    let key = server.create_key(json!({})).await;
    let blob = server.encrypt(&key, b"text").await;
    let pair = json!({"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"});
    let data_key = json!({"KeyId": key, "KeySpec": "AES_256"});
    let uses: Vec<(&str, &[&str], Value)> = vec![
        ("Encrypt", &["Encrypt"], json!({"KeyId": key, "Plaintext": CONTEXT_FREE})),
        ("Decrypt", &["Decrypt"], json!({"KeyId": key, "CiphertextBlob": blob})),
        ("GenerateDataKey", &["GenerateDataKey"], data_key.clone()),
        ("GenerateDataKeyWithoutPlaintext", &["GenerateDataKeyWithoutPlaintext"], data_key),
        ("GenerateDataKeyPair", &["GenerateDataKeyPair"], pair.clone()),
        ("GenerateDataKeyPairWithoutPlaintext", &["GenerateDataKeyPairWithoutPlaintext"], pair),
        ("ReEncrypt", &["ReEncryptFrom", "ReEncryptTo"], json!({"CiphertextBlob": blob, "DestinationKeyId": key})),
        ("DescribeKey", &["DescribeKey"], json!({"KeyId": key})),
    ];
    let grant_operations = &[
        "Decrypt",
        "Encrypt",
        "GenerateDataKey",
        "GenerateDataKeyWithoutPlaintext",
        "GenerateDataKeyPair",
        "GenerateDataKeyPairWithoutPlaintext",
        "ReEncryptFrom",
        "ReEncryptTo",
        "DescribeKey",
        "RetireGrant",
    ];
    Subject { key, grant_operations, uses }
}

async fn signing(server: &Server) -> Subject {
    let key = server.create_key(json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"})).await;
    let sign = json!({"KeyId": key, "Message": "AAAA", "SigningAlgorithm": "ECDSA_SHA_256"});
    let mut verify = sign.clone();
    verify["Signature"] = server.call("Sign", sign.clone()).await.unwrap()["Signature"].clone();
    let uses: Vec<(&str, &[&str], Value)> = vec![
        ("Sign", &["Sign"], sign),
        ("Verify", &["Verify"], verify),
        ("GetPublicKey", &["GetPublicKey"], json!({"KeyId": key})),
        ("DescribeKey", &["DescribeKey"], json!({"KeyId": key})),
    ];
    Subject { key, grant_operations: &["Sign", "Verify", "GetPublicKey", "DescribeKey", "RetireGrant"], uses }
}

async fn authenticating(server: &Server) -> Subject {
    let key = server.create_key(json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"})).await;
    let generate = json!({"KeyId": key, "Message": "AAAA", "MacAlgorithm": "HMAC_SHA_256"});
    let mut verify = generate.clone();
    verify["Mac"] = server.call("GenerateMac", generate.clone()).await.unwrap()["Mac"].clone();
    let uses: Vec<(&str, &[&str], Value)> = vec![
        ("GenerateMac", &["GenerateMac"], generate),
        ("VerifyMac", &["VerifyMac"], verify),
        ("DescribeKey", &["DescribeKey"], json!({"KeyId": key})),
    ];
    Subject { key, grant_operations: &["GenerateMac", "VerifyMac", "DescribeKey", "RetireGrant"], uses }
}

async fn agreeing(server: &Server) -> Subject {
    let key = server.create_key(json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"})).await;
    let public_key = server.call("GetPublicKey", json!({"KeyId": key})).await.unwrap()["PublicKey"].clone();
    let derive = json!({"KeyId": key, "KeyAgreementAlgorithm": "ECDH", "PublicKey": public_key});
    let uses: Vec<(&str, &[&str], Value)> = vec![
        ("DeriveSharedSecret", &["DeriveSharedSecret"], derive),
        ("GetPublicKey", &["GetPublicKey"], json!({"KeyId": key})),
        ("DescribeKey", &["DescribeKey"], json!({"KeyId": key})),
    ];
    Subject { key, grant_operations: &["DeriveSharedSecret", "GetPublicKey", "DescribeKey", "RetireGrant"], uses }
}

/// What a user hears to whom neither an own policy nor a grant allows an action, on a key whose policy leaves that to policies of users.
fn not_allowed(caller: &Principal, action: &str, key: &str) -> String {
    format!(
        "User: {} is not authorized to perform: kms:{action} on resource: {key} because no identity-based policy allows the kms:{action} action",
        caller.arn
    )
}

async fn assert_may_exactly(server: &Server, caller: &Principal, subject: &Subject, granted: &[&str]) {
    for (operation, needed, input) in &subject.uses {
        let missing = needed.iter().find(|action| !granted.contains(action));
        let answer = server.call_by(caller, operation, input.clone()).await;
        match (missing, answer) {
            (None, Ok(_)) => {}
            (None, Err(refused)) => panic!("{operation} with a grant of {granted:?}: {refused:?}"),
            (Some(action), Err(refused)) if operation != &"Decrypt" && operation != &"ReEncrypt" => {
                assert_eq!(refused.message, not_allowed(caller, action, &subject.key), "{operation}");
            }
            (Some(_), Err(refused)) => assert_eq!(refused.exception, "AccessDeniedException", "{operation}"),
            (Some(_), Ok(_)) => panic!("{operation} with a grant of {granted:?}"),
        }
    }
}

#[tokio::test]
async fn a_grant_allows_the_operations_that_it_lists_and_no_others() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let subjects =
        [symmetric(&server).await, signing(&server).await, authenticating(&server).await, agreeing(&server).await];
    for (number, subject) in subjects.iter().enumerate() {
        for operation in subject.grant_operations {
            let caller = installation.create_user(&format!("{operation}{number}"), &[]).await;
            assert_may_exactly(&server, &caller, subject, &[]).await;
            server.grant(&subject.key, &caller.arn, &[operation]).await;
            assert_may_exactly(&server, &caller, subject, &[operation]).await;
        }
        let caller = installation.create_user(&format!("all{number}"), &[]).await;
        server.grant(&subject.key, &caller.arn, subject.grant_operations).await;
        assert_may_exactly(&server, &caller, subject, subject.grant_operations).await;
    }
}

/// 2.2: what no grant can list.
#[tokio::test]
async fn operations_that_are_no_grant_operations_stay_forbidden() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let subject = symmetric(&server).await;
    let caller = installation.create_user("alice", &[]).await;
    let made = server.grant(&subject.key, &caller.arn, subject.grant_operations).await;
    let key = &subject.key;
    for (operation, input) in [
        ("ListGrants", json!({"KeyId": key})),
        ("RevokeGrant", json!({"KeyId": key, "GrantId": made.id})),
        ("GetKeyPolicy", json!({"KeyId": key})),
        ("GetKeyRotationStatus", json!({"KeyId": key})),
        ("DisableKey", json!({"KeyId": key})),
        ("ScheduleKeyDeletion", json!({"KeyId": key})),
        ("CreateGrant", json!({"KeyId": key, "GranteePrincipal": caller.arn, "Operations": ["Encrypt"]})),
    ] {
        let refused = server.refused_by(&caller, operation, input).await;
        assert_eq!(refused.message, not_allowed(&caller, operation, key));
    }
}

#[tokio::test]
async fn a_grant_on_one_key_says_nothing_of_another() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let [mine, other] = [server.create_key(json!({})).await, server.create_key(json!({})).await];
    let caller = installation.create_user("alice", &[]).await;
    let both = &["Encrypt", "ReEncryptFrom"];
    server.grant(&mine, &caller.arn, both).await;
    let encrypt = |key: &str| json!({"KeyId": key, "Plaintext": "AAAA"});
    let blob = server.call_by(&caller, "Encrypt", encrypt(&mine)).await.unwrap()["CiphertextBlob"].clone();
    let refused = server.refused_by(&caller, "Encrypt", encrypt(&other)).await;
    assert_eq!(refused.message, not_allowed(&caller, "Encrypt", &other));
    // The destination needs a grant of its own.
    let re_encrypt = json!({"CiphertextBlob": blob, "DestinationKeyId": other});
    let refused = server.refused_by(&caller, "ReEncrypt", re_encrypt.clone()).await;
    assert_eq!(refused.message, not_allowed(&caller, "ReEncryptTo", &other));
    server.grant(&other, &caller.arn, &["ReEncryptTo"]).await;
    server.call_by(&caller, "ReEncrypt", re_encrypt).await.unwrap();
}

/// 4.3: a grant names one principal; a role's stands for its sessions, an account's leaves it to the account's own policies.
#[tokio::test]
async fn who_may_use_a_grant() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let alice = installation.create_user("alice", &[]).await;
    let bob = installation.create_user("bob", &[]).await;
    let allowed = installation.create_user("allowed", &[statement("Allow", &["kms:Encrypt"], "*")]).await;
    let session = installation.create_session("clerk", &[]).await;
    let another = installation.create_session("cleaner", &[]).await;
    let callers = [&alice, &bob, &allowed, &session, &another];
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": Principal::root(account()).arn}, "Resource": "*",
        "Action": ["kms:PutKeyPolicy", "kms:CreateGrant", "kms:ListGrants"],
    }]});
    for (grantee, may) in [
        (alice.arn.clone(), vec![&alice]),
        (session.arn.clone(), vec![&session]),
        ("arn:aws:iam::111122223333:role/clerk".to_owned(), vec![&session]),
        ("arn:aws:iam::111122223333:root".to_owned(), vec![&allowed]),
        ("111122223333".to_owned(), vec![&allowed]),
    ] {
        // The policy says nothing of Encrypt, so that policies of users do not count but for the grant.
        let key = server.create_key(json!({"Policy": policy.to_string()})).await;
        server.grant(&key, &grantee, &["Encrypt"]).await;
        for caller in callers {
            let answer = server.call_by(caller, "Encrypt", json!({"KeyId": key, "Plaintext": "AAAA"})).await;
            assert_eq!(answer.is_ok(), may.contains(&caller), "{grantee} {}: {answer:?}", caller.arn);
        }
    }
}

#[tokio::test]
async fn the_root_user_has_what_a_grant_allows_its_account() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let policy = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Principal": {"AWS": Principal::root(account()).arn}, "Resource": "*",
        "Action": ["kms:PutKeyPolicy", "kms:CreateGrant"],
    }]});
    let key = server.create_key(json!({"Policy": policy.to_string()})).await;
    let encrypt = json!({"KeyId": key, "Plaintext": "AAAA"});
    let refused = server.refused("Encrypt", encrypt.clone()).await;
    assert!(refused.message.ends_with("because no resource-based policy allows the kms:Encrypt action"));
    server.grant(&key, "111122223333", &["Encrypt"]).await;
    server.call("Encrypt", encrypt).await.unwrap();
}

/// 4.2: an explicit deny anywhere wins over a grant.
#[tokio::test]
async fn a_deny_wins_over_a_grant() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let deny = statement("Deny", &["kms:Encrypt"], "*");
    let allow_other = statement("Allow", &["kms:Decrypt"], "*");
    let denied = installation.create_user("denied", std::slice::from_ref(&deny)).await;
    let alice = installation.create_user("alice", &[]).await;
    let session = installation.create_session("clerk", &[]).await;
    let limited = with_session_policy(&session, std::slice::from_ref(&allow_other));
    let denying = with_session_policy(&session, std::slice::from_ref(&deny));
    let root = Principal::root(account()).arn;
    let policy = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": {"AWS": root}, "Action": "kms:*", "Resource": "*"},
        {"Effect": "Deny", "Principal": {"AWS": alice.arn}, "Action": "kms:Encrypt", "Resource": "*"},
    ]});
    let key = server.create_key(json!({"Policy": policy.to_string()})).await;
    for grantee in [&denied.arn, &alice.arn, &session.arn, "arn:aws:iam::111122223333:role/clerk"] {
        server.grant(&key, grantee, &["Encrypt"]).await;
    }
    let encrypt = json!({"KeyId": key, "Plaintext": "AAAA"});
    for (caller, reason) in [
        (&denied, "with an explicit deny in an identity-based policy"),
        (&alice, "with an explicit deny in a resource-based policy"),
        (&denying, "with an explicit deny in a session policy"),
    ] {
        let refused = server.refused_by(caller, "Encrypt", encrypt.clone()).await;
        assert!(refused.message.ends_with(reason), "{}", refused.message);
    }
    // A session policy that says nothing does not limit what a grant gives to exactly this session.
    server.call_by(&limited, "Encrypt", encrypt.clone()).await.unwrap();
    let key = server.create_key(json!({})).await;
    server.grant(&key, "arn:aws:iam::111122223333:role/clerk", &["Encrypt"]).await;
    let encrypt = json!({"KeyId": key, "Plaintext": "AAAA"});
    let refused = server.refused_by(&limited, "Encrypt", encrypt.clone()).await;
    assert!(refused.message.contains("session policy allows the kms:Encrypt action"), "{}", refused.message);
    server.call_by(&session, "Encrypt", encrypt).await.unwrap();
}

/// 4.2: across accounts the grantee's own account must allow it too, and a key that is forbidden looks like one that is not there.
#[tokio::test]
async fn grantees_of_another_account() {
    let installation = Installation::new().await;
    installation.create_other_account().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let allow = statement("Allow", &["kms:*"], "*");
    let allowed = installation.create_user_of(other_account(), "allowed", &[allow]).await;
    let bare = installation.create_user_of(other_account(), "bare", &[]).await;
    let missing = "arn:aws:kms:us-east-1:111122223333:key/00000000-0000-4000-8000-000000000000";
    for caller in [&allowed, &bare] {
        for name in [key.as_str(), missing] {
            let refused = server.refused_by(caller, "Encrypt", json!({"KeyId": name, "Plaintext": "AAAA"})).await;
            let reason = "because no resource-based policy allows the kms:Encrypt action";
            assert!(refused.message.ends_with(&format!("resource: {name} {reason}")), "{}", refused.message);
        }
        server.grant(&key, &caller.arn, &["Encrypt", "DescribeKey"]).await;
    }
    let encrypt = json!({"KeyId": key, "Plaintext": "AAAA"});
    server.call_by(&allowed, "Encrypt", encrypt.clone()).await.unwrap();
    server.call_by(&allowed, "DescribeKey", json!({"KeyId": key})).await.unwrap();
    let refused = server.refused_by(&bare, "Encrypt", encrypt.clone()).await;
    assert_eq!(refused.message, not_allowed(&bare, "Encrypt", &key));
    let refused = server.refused_by(&allowed, "Decrypt", json!({"KeyId": key, "CiphertextBlob": "AAAA"})).await;
    assert!(["AccessDeniedException", "InvalidCiphertextException"].contains(&refused.exception.as_str()));
    // The root user of the other account, to whom nobody granted anything.
    let root = Principal::root(other_account());
    assert_eq!(server.refused_by(&root, "Encrypt", encrypt).await.exception, "AccessDeniedException");
}

/// A user who was deleted and made again is another one, and has none of the grants of the first.
#[tokio::test]
async fn who_is_made_again_inherits_no_grants() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let first = installation.create_user("alice", &[]).await;
    let name = json!({"Name": "nightly"});
    let made = server.grant_with(&key, &first.arn, &["Encrypt"], name.clone()).await;
    let again = server.grant_with(&key, &first.arn, &["Encrypt"], name.clone()).await;
    assert_eq!(made.id, again.id);
    let encrypt = json!({"KeyId": key, "Plaintext": "AAAA", "GrantTokens": [made.token]});
    server.call_by(&first, "Encrypt", encrypt.clone()).await.unwrap();

    // As on a node whose clock is behind.
    installation.advance(-1000);
    installation.delete_user("alice").await;
    let second = installation.create_user("alice", &[]).await;
    server.kms.catalog().forget_identities();
    assert_eq!(first.arn, second.arn);
    assert_eq!(
        server.refused_by(&second, "Encrypt", encrypt.clone()).await.message,
        not_allowed(&second, "Encrypt", &key)
    );
    // The same request again is for the second one. The old grant, which means nobody, goes.
    let new = server.grant_with(&key, &second.arn, &["Encrypt"], name).await;
    assert_ne!(new.id, made.id);
    assert_eq!(server.grant_ids(&key).await, [new.id]);
    server.call_by(&second, "Encrypt", encrypt).await.unwrap();
}

/// It would allow nothing: neither by a policy nor by a grant may one be made.
#[tokio::test]
async fn a_grant_of_no_operations_is_refused() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    let alice = installation.create_user("alice", &[]).await;
    server.grant(&key, &alice.arn, &["CreateGrant", "Encrypt"]).await;
    let input = json!({"KeyId": key, "GranteePrincipal": "111122223333", "Operations": []});
    let refusals = [
        server.refused("CreateGrant", input.clone()).await,
        server.refused_by(&alice, "CreateGrant", input.clone()).await,
    ];
    for refused in refusals {
        assert_eq!(refused.exception, "ValidationException");
        assert_eq!(
            refused.message,
            "1 validation error detected: Value '[]' at 'operations' failed to satisfy constraint: Member must have length greater than or equal to 1"
        );
    }
    assert_eq!(server.grant_ids(&key).await.len(), 1);
}

/// 4.3: not groups, not everybody, and only who is there.
#[tokio::test]
async fn who_can_be_no_grantee() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let key = server.create_key(json!({})).await;
    for grantee in [
        "*",
        "arn:aws:iam::111122223333:group/clerks",
        "arn:aws:iam::111122223333:user/nobody",
        "arn:aws:iam::111122223333:role/none",
        "arn:aws:sts::111122223333:assumed-role/none/session",
        "arn:aws:iam::111122223333:user/*",
        "ec2.amazonaws.com",
        "AIDACKCEVSQ6C2EXAMPLE",
    ] {
        let input = json!({"KeyId": key, "GranteePrincipal": grantee, "Operations": ["Encrypt"]});
        let refused = server.refused("CreateGrant", input).await;
        assert!(["InvalidArnException", "ValidationException"].contains(&refused.exception.as_str()), "{grantee}");
    }
    installation.create_session("clerk", &[]).await;
    for grantee in [
        "arn:aws:sts::111122223333:federated-user/bob",
        "arn:aws:sts::111122223333:assumed-role/clerk/any-session",
        "arn:aws:iam::999988887777:user/elsewhere",
    ] {
        server.grant(&key, grantee, &["Encrypt"]).await;
    }
    assert_eq!(server.grant_ids(&key).await.len(), 3);
}
