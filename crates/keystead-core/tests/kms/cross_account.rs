//! Keys of other accounts: what can be done with them, who must allow it, and what is told to those who may not.
//!
//! Source: KMS core digest 2.1, 2.2, 4.2, 4.7.

use crate::support::{Installation, Refused, Server, enable_iam, for_principal, not_allowed, other_account, statement};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_core::access::{OPERATION_ACCESS, Principal};
use serde_json::{Value, json};

const MISSING: &str = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ALIAS: &str = "arn:aws:kms:us-east-1:111122223333:alias/app";
const MISSING_ALIAS: &str = "arn:aws:kms:us-east-1:111122223333:alias/none";
const OTHER_ROOT: &str = "arn:aws:iam::444455556666:root";
const IDENTITY: &str = "identity-based policy";
const RESOURCE: &str = "resource-based policy";

struct Setup {
    installation: Installation,
    server: Server,
    /// A key of the first account with an alias.
    arn: String,
    /// A user of the other account with everything in its policies.
    stranger: Principal,
}

impl Setup {
    async fn new() -> Self {
        let installation = Installation::new().await;
        installation.create_other_account().await;
        let server = installation.serve();
        let arn = server.create_key(json!({})).await;
        server.call("CreateAlias", json!({"AliasName": "alias/app", "TargetKeyId": arn})).await.unwrap();
        let everything = [statement("Allow", &["kms:*"], "*")];
        let stranger = installation.create_user_of(other_account(), "stranger", &everything).await;
        Self { installation, server, arn, stranger }
    }

    async fn user(&self, name: &str, statements: &[Value]) -> Principal {
        self.installation.create_user_of(other_account(), name, statements).await
    }

    /// The key policy allows this to the other account.
    async fn allow(&self, actions: &[&str]) {
        let statements = [enable_iam(), for_principal("Allow", OTHER_ROOT, actions)];
        self.server.put_key_policy(&self.arn, &statements).await;
    }

    async fn refused(&self, principal: &Principal, operation: &str, input: Value) -> Refused {
        self.server.refused_by(principal, operation, input).await
    }

    fn encrypt(&self, key_id: &str) -> Value {
        json!({"KeyId": key_id, "Plaintext": STANDARD.encode("text")})
    }
}

/// Both accounts must allow it, each by its own means.
#[tokio::test]
async fn both_sides_must_allow() {
    let setup = Setup::new().await;
    let encrypt = setup.encrypt(&setup.arn);
    let refused = setup.refused(&setup.stranger, "Encrypt", encrypt.clone()).await;
    assert_eq!(refused, not_allowed(&setup.stranger.arn, "kms:Encrypt", &setup.arn, RESOURCE));
    let nobody = setup.user("nobody", &[]).await;
    let elsewhere = setup.user("elsewhere", &[statement("Allow", &["kms:*"], MISSING)]).await;
    let exactly = setup.user("exactly", &[statement("Allow", &["kms:Encrypt"], &setup.arn)]).await;
    for named in [OTHER_ROOT, "444455556666", "*"] {
        let statements = [enable_iam(), for_principal("Allow", named, &["kms:Encrypt"])];
        setup.server.put_key_policy(&setup.arn, &statements).await;
        for allowed in [&setup.stranger, &exactly, &Principal::root(other_account())] {
            setup.server.call_by(allowed, "Encrypt", encrypt.clone()).await.unwrap();
        }
        for denied in [&nobody, &elsewhere] {
            let refused = setup.refused(denied, "Encrypt", encrypt.clone()).await;
            assert_eq!(refused, not_allowed(&denied.arn, "kms:Encrypt", &setup.arn, IDENTITY));
        }
    }
    // That the key policy names the user does not do without its own account.
    for user in [&nobody, &exactly] {
        let statements = [enable_iam(), for_principal("Allow", &user.arn, &["kms:Encrypt"])];
        setup.server.put_key_policy(&setup.arn, &statements).await;
        let answer = setup.server.call_by(user, "Encrypt", encrypt.clone()).await;
        assert_eq!(answer.is_ok(), user.arn == exactly.arn);
    }
}

/// A grant takes the place of the key policy, not of the other account's own policies.
#[tokio::test]
async fn a_grant_to_another_account() {
    let setup = Setup::new().await;
    let grant = json!({"KeyId": setup.arn, "GranteePrincipal": OTHER_ROOT, "Operations": ["Encrypt"]});
    setup.server.call("CreateGrant", grant).await.unwrap();
    setup.server.call_by(&setup.stranger, "Encrypt", setup.encrypt(&setup.arn)).await.unwrap();
    let nobody = setup.user("nobody", &[]).await;
    let refused = setup.refused(&nobody, "Encrypt", setup.encrypt(&setup.arn)).await;
    assert_eq!(refused, not_allowed(&nobody.arn, "kms:Encrypt", &setup.arn, IDENTITY));
    let refused = setup.refused(&setup.stranger, "DescribeKey", json!({"KeyId": setup.arn})).await;
    assert_eq!(refused, not_allowed(&setup.stranger.arn, "kms:DescribeKey", &setup.arn, RESOURCE));
}

/// A key that is missing and one that is forbidden look alike, to whomever, by whichever name, and in the caller's own records.
#[tokio::test]
async fn missing_and_forbidden_keys_look_alike() {
    let setup = Setup::new().await;
    let denying = setup.user("denying", &[statement("Deny", &["kms:*"], "*")]).await;
    let nobody = setup.user("nobody", &[]).await;
    let deny_all = for_principal("Deny", "*", &["kms:Encrypt"]);
    for key_policy in [
        vec![enable_iam()],
        vec![enable_iam(), for_principal("Allow", OTHER_ROOT, &["kms:Sign"])],
        vec![enable_iam(), deny_all],
    ] {
        setup.server.put_key_policy(&setup.arn, &key_policy).await;
        for caller in [&setup.stranger, &denying, &nobody, &Principal::root(other_account())] {
            for name in [setup.arn.as_str(), MISSING, ALIAS, MISSING_ALIAS] {
                let refused = setup.refused(caller, "Encrypt", setup.encrypt(name)).await;
                assert_eq!(refused, not_allowed(&caller.arn, "kms:Encrypt", name, RESOURCE));
                let record = setup.server.records("Encrypt").pop().unwrap();
                assert_eq!((&record["resources"], &record["sharedEventID"]), (&Value::Null, &Value::Null));
                assert_eq!(record["recipientAccountId"], "444455556666");
            }
        }
    }
    // A name without an account is one of the caller's own.
    let id = setup.arn.rsplit('/').next().unwrap();
    let own = format!("Key 'arn:aws:kms:us-east-1:444455556666:key/{id}' does not exist");
    let refused = setup.refused(&setup.stranger, "Encrypt", setup.encrypt(id)).await;
    assert_eq!((refused.exception.as_str(), refused.message), ("NotFoundException", own));
    let refused = setup.refused(&setup.stranger, "Encrypt", setup.encrypt("alias/app")).await;
    assert_eq!(refused.message, "Alias arn:aws:kms:us-east-1:444455556666:alias/app is not found.");
}

/// Once the key policy lets the other account in, its aliases name the key as well as its ARN does.
#[tokio::test]
async fn aliases_of_another_account() {
    let setup = Setup::new().await;
    setup.allow(&["kms:Encrypt", "kms:DescribeKey"]).await;
    let answer = setup.server.call_by(&setup.stranger, "Encrypt", setup.encrypt(ALIAS)).await.unwrap();
    assert_eq!(answer["KeyId"], json!(setup.arn));
    let refused = setup.refused(&setup.stranger, "Encrypt", setup.encrypt(MISSING_ALIAS)).await;
    assert_eq!(refused, not_allowed(&setup.stranger.arn, "kms:Encrypt", MISSING_ALIAS, RESOURCE));
    // The ARN of the alias is no name of the key in policies.
    let by_alias = setup.user("by-alias", &[statement("Allow", &["kms:*"], ALIAS)]).await;
    let refused = setup.refused(&by_alias, "Encrypt", setup.encrypt(ALIAS)).await;
    assert_eq!(refused, not_allowed(&by_alias.arn, "kms:Encrypt", &setup.arn, IDENTITY));
}

/// Each operation that is about a key, with a key policy that allows everything to the other account: those that are documented get past
/// authorization, the others do not.
#[tokio::test]
async fn what_can_be_done_with_keys_of_other_accounts() {
    let setup = Setup::new().await;
    setup.allow(&["kms:*"]).await;
    let blob = STANDARD.encode("some bytes");
    let ciphertext = setup.server.encrypt(&setup.arn, b"text").await;
    let members = json!({
        "KeyId": setup.arn, "TargetKeyId": setup.arn, "AliasName": "alias/app", "GranteePrincipal": "111122223333",
        "Operations": ["Encrypt"], "CiphertextBlob": ciphertext, "KeyAgreementAlgorithm": "ECDH", "PublicKey": blob,
        "Plaintext": blob, "KeyPairSpec": "ECC_NIST_P256", "Message": blob, "MacAlgorithm": "HMAC_SHA_256",
        "KeySpec": "AES_256", "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048",
        "ImportToken": blob, "EncryptedKeyMaterial": blob, "Policy": "{}", "DestinationKeyId": setup.arn,
        "ReplicaRegion": "us-east-2", "GrantId": "1".repeat(64), "SigningAlgorithm": "ECDSA_SHA_256", "Tags": [],
        "TagKeys": [], "Description": "", "PrimaryRegion": "us-east-2", "Signature": blob, "Mac": blob,
    });
    for access in OPERATION_ACCESS {
        let operation = keystead_model::shape::operation(access.operation).unwrap();
        let mut input = members.clone();
        input.as_object_mut().unwrap().retain(|name, _| operation.input.member(name).is_some());
        if input.get("KeyId").is_none() && input.get("DestinationKeyId").is_none() || operation.name == "RetireGrant" {
            continue;
        }
        let answer = setup.server.call_by(&setup.stranger, operation.name, input).await;
        let denied = answer.as_ref().is_err_and(|refused| refused.exception == "AccessDeniedException");
        assert_eq!(denied, !access.cross_account, "{}: {answer:?}", operation.name);
        if denied {
            let action = format!("kms:{}", operation.name);
            assert_eq!(answer, Err(not_allowed(&setup.stranger.arn, &action, &setup.arn, RESOURCE)));
        }
    }
    let refused =
        setup.refused(&setup.stranger, "CreateAlias", json!({"AliasName": "alias/a", "TargetKeyId": setup.arn}));
    assert_eq!(refused.await, not_allowed(&setup.stranger.arn, "kms:CreateAlias", &setup.arn, RESOURCE));
}

/// A ciphertext names its key: the request may leave it out, or name it by its ID alone.
#[tokio::test]
async fn ciphertexts_of_another_account() {
    let setup = Setup::new().await;
    let ciphertext = setup.server.encrypt(&setup.arn, b"text").await;
    let own = json!({"KeyId": null, "CiphertextBlob": ciphertext});
    let id = setup.arn.rsplit('/').next().unwrap();
    let by_id = json!({"KeyId": id, "CiphertextBlob": ciphertext});
    let hidden = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.";
    let refused = setup.refused(&setup.stranger, "Decrypt", own.clone()).await;
    assert_eq!((refused.exception.as_str(), refused.message.as_str()), ("AccessDeniedException", hidden));
    let not_found = format!("Key 'arn:aws:kms:us-east-1:444455556666:key/{id}' does not exist");
    let refused = setup.refused(&setup.stranger, "Decrypt", by_id.clone()).await;
    assert_eq!((refused.exception.as_str(), refused.message.as_str()), ("NotFoundException", not_found.as_str()));
    setup.allow(&["kms:Decrypt", "kms:ReEncryptFrom"]).await;
    for input in [own, by_id] {
        let answer = setup.server.call_by(&setup.stranger, "Decrypt", input).await.unwrap();
        assert_eq!(answer["KeyId"], json!(setup.arn));
    }
    // And one's own key takes it over.
    let root = Principal::root(other_account());
    let destination = setup.server.call_by(&root, "CreateKey", json!({})).await.unwrap()["KeyMetadata"]["Arn"].clone();
    let input = json!({"CiphertextBlob": ciphertext, "SourceKeyId": id, "DestinationKeyId": destination});
    let answer = setup.server.call_by(&setup.stranger, "ReEncrypt", input).await.unwrap();
    assert_eq!((&answer["SourceKeyId"], &answer["KeyId"]), (&json!(setup.arn), &destination));
    let nobody = setup.user("nobody", &[]).await;
    let refused = setup.refused(&nobody, "Decrypt", json!({"CiphertextBlob": ciphertext, "KeyId": id})).await;
    assert_eq!(refused, not_allowed(&nobody.arn, "kms:Decrypt", &setup.arn, IDENTITY));
}
