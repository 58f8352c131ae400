//! Encryption context constraints of grants.
//!
//! Source: digest kms-core.md, 4.3; KMS Developer Guide, "Grants in AWS KMS" (grant constraints).

use crate::support::{Installation, Refused, Server};
use keystead_core::access::Principal;
use serde_json::{Value, json};

/// The encryption contexts that requests come with; `None`: the member is left out.
fn contexts() -> [Option<Value>; 8] {
    [
        None,
        Some(json!({})),
        Some(json!({"Department": "IT"})),
        Some(json!({"department": "IT"})),
        Some(json!({"Department": "it"})),
        Some(json!({"Department": "IT", "Purpose": "Test"})),
        Some(json!({"Purpose": "Test", "Department": "IT"})),
        Some(json!({"Department": "IT", "Purpose": "Test", "More": ""})),
    ]
}

/// A constraint, and which of the contexts satisfy it.
fn constraints() -> Vec<(Value, [bool; 8])> {
    let (yes, no) = (true, false);
    vec![
        (json!({}), [yes; 8]),
        (json!({"EncryptionContextEquals": {"Department": "IT"}}), [no, no, yes, no, no, no, no, no]),
        (json!({"EncryptionContextSubset": {"Department": "IT"}}), [no, no, yes, no, no, yes, yes, yes]),
        (
            json!({"EncryptionContextEquals": {"Department": "IT", "Purpose": "Test"}}),
            [no, no, no, no, no, yes, yes, no],
        ),
        (
            json!({"EncryptionContextSubset": {"Department": "IT", "Purpose": "Test"}}),
            [no, no, no, no, no, yes, yes, yes],
        ),
        (json!({"EncryptionContextSubset": {"More": ""}}), [no, no, no, no, no, no, no, yes]),
    ]
}

fn with_context(mut input: Value, member: &str, context: Option<&Value>) -> Value {
    if let Some(context) = context {
        input[member] = context.clone();
    }
    input
}

const GRANTED: &[&str] = &[
    "Encrypt",
    "Decrypt",
    "GenerateDataKey",
    "GenerateDataKeyWithoutPlaintext",
    "GenerateDataKeyPair",
    "GenerateDataKeyPairWithoutPlaintext",
    "ReEncryptFrom",
    "ReEncryptTo",
    "DescribeKey",
];

struct Case<'a> {
    server: &'a Server,
    caller: &'a Principal,
    key: &'a str,
}

impl Case<'_> {
    async fn assert_allowed(&self, allowed: bool, operation: &str, input: Value) {
        match self.server.call_by(self.caller, operation, input.clone()).await {
            Ok(_) => assert!(allowed, "{operation} {input}"),
            Err(Refused { exception, message }) => {
                assert!(!allowed, "{operation} {input}: {message}");
                assert_eq!(exception, "AccessDeniedException", "{operation} {input}");
            }
        }
    }

    /// Each operation that takes an encryption context, with this one.
    async fn assert_uses(&self, context: Option<&Value>, allowed: bool) {
        let key = self.key;
        let encrypt = with_context(json!({"KeyId": key, "Plaintext": "AAAA"}), "EncryptionContext", context);
        let blob = &self.server.call("Encrypt", encrypt.clone()).await.unwrap()["CiphertextBlob"];
        self.assert_allowed(allowed, "Encrypt", encrypt).await;
        let data_key = json!({"KeyId": key, "KeySpec": "AES_256"});
        let pair = json!({"KeyId": key, "KeyPairSpec": "ECC_NIST_P256"});
        for (operation, input) in [
            ("Decrypt", &json!({"CiphertextBlob": blob})),
            ("GenerateDataKey", &data_key),
            ("GenerateDataKeyWithoutPlaintext", &data_key),
            ("GenerateDataKeyPair", &pair),
            ("GenerateDataKeyPairWithoutPlaintext", &pair),
        ] {
            self.assert_allowed(allowed, operation, with_context(input.clone(), "EncryptionContext", context)).await;
        }
        // The constraint is no matter.
        self.assert_allowed(true, "DescribeKey", json!({"KeyId": key})).await;
    }
}

#[tokio::test]
async fn a_grant_holds_for_the_contexts_that_satisfy_it() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let caller = installation.create_user("alice", &[]).await;
    for (constraint, allowed) in constraints() {
        let key = server.create_key(json!({})).await;
        server.grant_with(&key, &caller.arn, GRANTED, json!({"Constraints": constraint})).await;
        let case = Case { server: &server, caller: &caller, key: &key };
        for (context, allowed) in contexts().iter().zip(allowed) {
            case.assert_uses(context.as_ref(), allowed).await;
        }
    }
}

/// ReEncrypt has two contexts: the one of the source counts for ReEncryptFrom, the one of the destination for ReEncryptTo.
#[tokio::test]
async fn the_contexts_of_re_encrypt_are_apart() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let caller = installation.create_user("alice", &[]).await;
    let [source, destination] = [server.create_key(json!({})).await, server.create_key(json!({})).await];
    let equals = |context: &Value| json!({"Constraints": {"EncryptionContextEquals": context}});
    let (old, new) = (json!({"version": "old"}), json!({"version": "new"}));
    server.grant_with(&source, &caller.arn, &["ReEncryptFrom"], equals(&old)).await;
    server.grant_with(&destination, &caller.arn, &["ReEncryptTo"], equals(&new)).await;
    let case = Case { server: &server, caller: &caller, key: &source };
    for from in [&old, &new] {
        let encrypt = json!({"KeyId": source, "Plaintext": "AAAA", "EncryptionContext": from});
        let blob = server.call("Encrypt", encrypt).await.unwrap()["CiphertextBlob"].clone();
        for to in [Some(&old), Some(&new), None] {
            let input =
                json!({"CiphertextBlob": blob, "SourceEncryptionContext": from, "DestinationKeyId": destination});
            let input = with_context(input, "DestinationEncryptionContext", to);
            case.assert_allowed(*from == old && to == Some(&new), "ReEncrypt", input).await;
        }
    }
}

/// One grant must allow the whole of a request; what two allow in part is not added up.
#[tokio::test]
async fn each_grant_stands_for_itself() {
    let installation = Installation::new().await;
    let server = installation.serve();
    let caller = installation.create_user("alice", &[]).await;
    let key = server.create_key(json!({})).await;
    let constrained = json!({"Constraints": {"EncryptionContextSubset": {"a": "1"}}});
    server.grant_with(&key, &caller.arn, &["Encrypt"], constrained).await;
    server.grant(&key, &caller.arn, &["GenerateDataKey"]).await;
    let case = Case { server: &server, caller: &caller, key: &key };
    let data_key = json!({"KeyId": key, "KeySpec": "AES_256"});
    case.assert_allowed(true, "GenerateDataKey", data_key).await;
    let encrypt = json!({"KeyId": key, "Plaintext": "AAAA"});
    case.assert_allowed(false, "Encrypt", encrypt.clone()).await;
    case.assert_allowed(true, "Encrypt", with_context(encrypt.clone(), "EncryptionContext", Some(&json!({"a": "1"}))))
        .await;
    server.grant(&key, &caller.arn, &["Encrypt"]).await;
    case.assert_allowed(true, "Encrypt", encrypt).await;
}
