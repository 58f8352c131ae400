//! Who may use a key: the rules of evaluation, each with the words of its refusal.
//!
//! Source: KMS core digest 4.2, 4.7.

use crate::support::{
    Installation, Server, account, denied, enable_iam, for_principal, not_allowed, statement, with_session_policy,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_core::access::{ManagedPolicy, PolicyVersion, Principal, User};
use keystead_core::port::IdentityStore;
use serde_json::{Value, json};

const IDENTITY: &str = "identity-based policy";
const RESOURCE: &str = "resource-based policy";

struct Setup {
    installation: Installation,
    server: Server,
    /// A key with the default policy.
    arn: String,
}

impl Setup {
    async fn new() -> Self {
        let installation = Installation::new().await;
        let server = installation.serve();
        let arn = server.create_key(json!({})).await;
        Self { installation, server, arn }
    }

    fn encrypt(&self) -> Value {
        json!({"KeyId": self.arn, "Plaintext": STANDARD.encode("text")})
    }

    async fn may_encrypt(&self, principal: &Principal) {
        self.server.call_by(principal, "Encrypt", self.encrypt()).await.unwrap();
    }

    async fn is_denied(&self, principal: &Principal, reason: &str) {
        let refused = self.server.refused_by(principal, "Encrypt", self.encrypt()).await;
        assert_eq!(refused, denied(&principal.arn, "kms:Encrypt", &self.arn, reason));
    }

    async fn is_not_allowed(&self, principal: &Principal, layer: &str) {
        let refused = self.server.refused_by(principal, "Encrypt", self.encrypt()).await;
        assert_eq!(refused, not_allowed(&principal.arn, "kms:Encrypt", &self.arn, layer));
    }
}

/// The default key policy makes identity policies count, and gives nothing to those who have none.
#[tokio::test]
async fn the_default_policy_leaves_it_to_iam() {
    let setup = Setup::new().await;
    let allowed = setup.installation.create_user("allowed", &[statement("Allow", &["kms:Encrypt"], &setup.arn)]).await;
    setup.may_encrypt(&allowed).await;
    let nobody = setup.installation.create_user("nobody", &[]).await;
    setup.is_not_allowed(&nobody, IDENTITY).await;
    let elsewhere = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    let of_another = setup.installation.create_user("other", &[statement("Allow", &["kms:*"], elsewhere)]).await;
    setup.is_not_allowed(&of_another, IDENTITY).await;
    // The same for a role's session.
    let session = setup.installation.create_session("role", &[statement("Allow", &["kms:Encrypt"], "*")]).await;
    setup.may_encrypt(&session).await;
    let refused = setup.server.refused_by(&session, "DescribeKey", json!({"KeyId": setup.arn})).await;
    let arn = "arn:aws:sts::111122223333:assumed-role/role/session";
    assert_eq!(refused, not_allowed(arn, "kms:DescribeKey", &setup.arn, IDENTITY));
}

/// A key policy that names a user, a role or a session needs no identity policy beside it.
#[tokio::test]
async fn a_key_policy_that_names_someone_is_enough() {
    let setup = Setup::new().await;
    let user = setup.installation.create_user("user", &[]).await;
    let session = setup.installation.create_session("role", &[]).await;
    let role = "arn:aws:iam::111122223333:role/role";
    for (principal, named) in [(&user, user.arn.as_str()), (&session, role), (&session, session.arn.as_str())] {
        setup.server.put_key_policy(&setup.arn, &[enable_iam()]).await;
        setup.is_not_allowed(principal, IDENTITY).await;
        let statements = [enable_iam(), for_principal("Allow", named, &["kms:Encrypt"])];
        setup.server.put_key_policy(&setup.arn, &statements).await;
        setup.may_encrypt(principal).await;
    }
}

/// Without the account in the key policy identity policies allow nothing, to the root user neither; that they deny counts.
#[tokio::test]
async fn identity_policies_are_ineffective_without_the_account() {
    let setup = Setup::new().await;
    let named = setup.installation.create_user("named", &[]).await;
    let other = setup.installation.create_user("other", &[statement("Allow", &["kms:*"], "*")]).await;
    let denies = setup.installation.create_user("denies", &[statement("Deny", &["kms:Encrypt"], "*")]).await;
    setup
        .server
        .put_key_policy(
            &setup.arn,
            &[for_principal("Allow", &named.arn, &["kms:*"]), for_principal("Allow", &denies.arn, &["kms:*"])],
        )
        .await;
    setup.may_encrypt(&named).await;
    setup.is_not_allowed(&other, RESOURCE).await;
    setup.is_not_allowed(&Principal::root(account()), RESOURCE).await;
    setup.is_denied(&denies, " with an explicit deny in an identity-based policy").await;
}

/// An explicit deny wins, wherever it is, over whatever allows.
#[tokio::test]
async fn an_explicit_deny_wins_in_every_document() {
    let setup = Setup::new().await;
    let everything = statement("Allow", &["kms:*"], "*");
    let deny = statement("Deny", &["kms:Encrypt"], "*");
    let by_identity = setup.installation.create_user("by-identity", &[everything.clone(), deny.clone()]).await;
    let by_key = setup.installation.create_user("by-key", std::slice::from_ref(&everything)).await;
    let bounded = bounded_user(&setup.installation, "bounded", &[everything.clone(), deny.clone()]).await;
    let session = setup.installation.create_session("role", std::slice::from_ref(&everything)).await;
    let session = with_session_policy(&session, &[everything.clone(), deny]);
    let allowed: Vec<Value> = [&by_identity, &by_key, &bounded, &session]
        .map(|principal| for_principal("Allow", &principal.arn, &["kms:*"]))
        .into();
    let of_key = for_principal("Deny", &by_key.arn, &["kms:Encrypt"]);
    setup.server.put_key_policy(&setup.arn, &[allowed, vec![enable_iam(), of_key]].concat()).await;
    for (principal, document) in [
        (&by_identity, "an identity-based policy"),
        (&by_key, "a resource-based policy"),
        (&bounded, "a permissions boundary"),
        (&session, "a session policy"),
    ] {
        let grant = json!({"KeyId": setup.arn, "GranteePrincipal": principal.arn, "Operations": ["Encrypt"]});
        setup.server.call("CreateGrant", grant).await.unwrap();
        setup.is_denied(principal, &format!(" with an explicit deny in {document}")).await;
    }
}

/// A boundary and session policies give nothing, and what they do not allow is not allowed.
#[tokio::test]
async fn what_only_limits_limits() {
    let setup = Setup::new().await;
    let everything = statement("Allow", &["kms:*"], "*");
    let describe = statement("Allow", &["kms:DescribeKey"], "*");
    let bounded = bounded_user(&setup.installation, "bounded", std::slice::from_ref(&describe)).await;
    setup.is_not_allowed(&bounded, "permissions boundary").await;
    setup.server.call_by(&bounded, "DescribeKey", json!({"KeyId": setup.arn})).await.unwrap();
    let session = setup.installation.create_session("role", std::slice::from_ref(&everything)).await;
    let limited = with_session_policy(&session, std::slice::from_ref(&describe));
    setup.is_not_allowed(&limited, "session policy").await;
    setup.server.call_by(&limited, "DescribeKey", json!({"KeyId": setup.arn})).await.unwrap();
    let nothing = setup.installation.create_session("nothing", &[]).await;
    setup.is_not_allowed(&with_session_policy(&nothing, &[everything]), IDENTITY).await;
}

/// A user with everything in its own policies, and a boundary.
async fn bounded_user(installation: &Installation, name: &str, boundary: &[Value]) -> Principal {
    let now = installation.now();
    let policy = ManagedPolicy {
        account: account(),
        policy_name: format!("boundary-of-{name}"),
        path: "/".to_owned(),
        policy_id: format!("ANPA{}", name.to_uppercase()),
        created: now,
        updated: now,
        description: String::new(),
        tags: std::collections::BTreeMap::new(),
        versions: vec![PolicyVersion {
            number: 1,
            document: json!({"Version": "2012-10-17", "Statement": boundary}).to_string(),
            created: now,
        }],
        default_version: 1,
        next_version: 2,
        revision: 0,
    };
    installation.store.insert_policy(&policy, 100).await.unwrap();
    let mut user = User::new(account(), "/".to_owned(), name.to_owned(), format!("AIDA{name}"), now);
    let document = json!({"Version": "2012-10-17", "Statement": [statement("Allow", &["kms:*"], "*")]});
    user.policies.inline.insert("everything".to_owned(), document.to_string());
    user.permissions_boundary = Some(policy.arn());
    installation.store.insert_user(&user, 100).await.unwrap();
    Principal::user(&user)
}

/// Of what has no policy of its own identities' policies decide: `*`, or the account's ARN.
#[tokio::test]
async fn operations_about_no_key() {
    let setup = Setup::new().await;
    let inputs = [
        ("CreateKey", json!({})),
        ("ListKeys", json!({})),
        ("ListAliases", json!({})),
        ("GenerateRandom", json!({"NumberOfBytes": 1})),
        ("DescribeCustomKeyStores", json!({})),
    ];
    for resource in ["*", "arn:aws:kms:us-east-1:111122223333:*", "arn:aws:kms:*:111122223333:*"] {
        let name = format!("user{}", resource.len());
        let user = setup.installation.create_user(&name, &[statement("Allow", &["kms:*"], resource)]).await;
        for (operation, input) in &inputs {
            setup.server.call_by(&user, operation, input.clone()).await.unwrap();
        }
    }
    for resource in ["arn:aws:kms:us-east-1:111122223333:key/*", "arn:aws:kms:us-east-2:111122223333:*"] {
        let name = format!("other{}", resource.len());
        let user = setup.installation.create_user(&name, &[statement("Allow", &["kms:*"], resource)]).await;
        for (operation, input) in &inputs {
            let refused = setup.server.refused_by(&user, operation, input.clone()).await;
            assert_eq!(refused, not_allowed(&user.arn, &format!("kms:{operation}"), "*", IDENTITY));
        }
    }
    // A key policy says nothing of them: the aliases of a key are listed for whoever may list aliases.
    let user = setup.installation.create_user("lists", &[statement("Allow", &["kms:ListAliases"], "*")]).await;
    setup.server.put_key_policy(&setup.arn, &[for_principal("Deny", "*", &["kms:ListAliases"])]).await;
    setup.server.call_by(&user, "ListAliases", json!({"KeyId": setup.arn})).await.unwrap();
}

/// Aliases need leave of their own beside that for the key, and the ARN of an alias is no key's.
#[tokio::test]
async fn aliases_and_keys() {
    let setup = Setup::new().await;
    let other_key = setup.server.create_key(json!({})).await;
    let alias_arn = "arn:aws:kms:us-east-1:111122223333:alias/app";
    let actions = ["kms:CreateAlias", "kms:UpdateAlias", "kms:DeleteAlias", "kms:Encrypt"];
    let on = |resources: &[&str]| json!({"Effect": "Allow", "Action": actions, "Resource": resources});
    let alias_alone = setup.installation.create_user("alias", &[on(&[alias_arn])]).await;
    let key_alone = setup.installation.create_user("key", &[on(&[&setup.arn])]).await;
    let both = setup.installation.create_user("both", &[on(&[alias_arn, &setup.arn])]).await;
    let all = setup.installation.create_user("all", &[on(&[alias_arn, &setup.arn, &other_key])]).await;
    let create = json!({"AliasName": "alias/app", "TargetKeyId": setup.arn});
    let update = json!({"AliasName": "alias/app", "TargetKeyId": other_key});
    let delete = json!({"AliasName": "alias/app"});
    let refused = |principal: &Principal, operation: &str, resource: &str| {
        Err(not_allowed(&principal.arn, &format!("kms:{operation}"), resource, IDENTITY))
    };
    let call = async |principal: &Principal, operation: &str, input: &Value| {
        setup.server.call_by(principal, operation, input.clone()).await
    };
    assert_eq!(call(&alias_alone, "CreateAlias", &create).await, refused(&alias_alone, "CreateAlias", &setup.arn));
    assert_eq!(call(&key_alone, "CreateAlias", &create).await, refused(&key_alone, "CreateAlias", alias_arn));
    call(&both, "CreateAlias", &create).await.unwrap();
    // The alias leads to the key: leave is asked for the key.
    let encrypt = json!({"KeyId": "alias/app", "Plaintext": STANDARD.encode("text")});
    assert_eq!(call(&alias_alone, "Encrypt", &encrypt).await, refused(&alias_alone, "Encrypt", &setup.arn));
    call(&key_alone, "Encrypt", &encrypt).await.unwrap();
    assert_eq!(call(&both, "UpdateAlias", &update).await, refused(&both, "UpdateAlias", &other_key));
    let new_alone = setup.installation.create_user("new", &[on(&[alias_arn, &other_key])]).await;
    assert_eq!(call(&new_alone, "UpdateAlias", &update).await, refused(&new_alone, "UpdateAlias", &setup.arn));
    call(&all, "UpdateAlias", &update).await.unwrap();
    assert_eq!(call(&both, "DeleteAlias", &delete).await, refused(&both, "DeleteAlias", &other_key));
    assert_eq!(call(&key_alone, "DeleteAlias", &delete).await, refused(&key_alone, "DeleteAlias", alias_arn));
    call(&all, "DeleteAlias", &delete).await.unwrap();
}

/// A missing key is told to whoever is of its account, leave or not.
#[tokio::test]
async fn missing_keys() {
    let setup = Setup::new().await;
    let nobody = setup.installation.create_user("nobody", &[]).await;
    let arn = "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
    for key_id in [arn, "1234abcd-12ab-34cd-56ef-1234567890ab"] {
        let refused = setup.server.refused_by(&nobody, "DescribeKey", json!({"KeyId": key_id})).await;
        assert_eq!(
            (refused.exception.as_str(), refused.message),
            ("NotFoundException", format!("Key '{arn}' does not exist"))
        );
    }
    let refused = setup.server.refused_by(&nobody, "DescribeKey", json!({"KeyId": "alias/none"})).await;
    assert_eq!(refused.message, "Alias arn:aws:kms:us-east-1:111122223333:alias/none is not found.");
}

/// A ciphertext that names a key which the caller may not use tells nothing of it, unless the request names the key.
#[tokio::test]
async fn ciphertexts_of_keys_that_are_denied() {
    const HIDDEN: &str = "The ciphertext refers to a customer master key that does not exist, does not exist in this region, or you are not allowed to access.";
    let setup = Setup::new().await;
    let ciphertext = setup.server.encrypt(&setup.arn, b"text").await;
    let to = setup.server.create_key(json!({})).await;
    let user = setup.installation.create_user("user", &[statement("Allow", &["kms:*"], &to)]).await;
    let without_key = json!({"CiphertextBlob": ciphertext});
    let with_key = json!({"CiphertextBlob": ciphertext, "KeyId": setup.arn});
    let from = json!({"CiphertextBlob": ciphertext, "DestinationKeyId": to});
    let from_named = json!({"CiphertextBlob": ciphertext, "SourceKeyId": setup.arn, "DestinationKeyId": to});
    for (operation, input) in [("Decrypt", without_key), ("ReEncrypt", from)] {
        let refused = setup.server.refused_by(&user, operation, input).await;
        assert_eq!((refused.exception.as_str(), refused.message.as_str()), ("AccessDeniedException", HIDDEN));
    }
    for (operation, input, action) in
        [("Decrypt", with_key, "kms:Decrypt"), ("ReEncrypt", from_named, "kms:ReEncryptFrom")]
    {
        let refused = setup.server.refused_by(&user, operation, input).await;
        assert_eq!(refused, not_allowed(&user.arn, action, &setup.arn, IDENTITY));
    }
    let allowed = setup.installation.create_user("allowed", &[statement("Allow", &["kms:Decrypt"], &setup.arn)]).await;
    setup.server.call_by(&allowed, "Decrypt", json!({"CiphertextBlob": ciphertext})).await.unwrap();
}

/// The change of the primary Region is asked of both keys.
#[tokio::test]
async fn both_keys_of_a_change_of_primary_region() {
    let setup = Setup::new().await;
    let primary = setup.server.create_key(json!({"MultiRegion": true})).await;
    let replica = setup.server.replicate(&primary, crate::support::OHIO).await;
    setup.installation.advance(crate::support::KEY_TRANSITION_MS + 1);
    let input = json!({"KeyId": primary, "PrimaryRegion": crate::support::OHIO});
    let action = "kms:UpdatePrimaryRegion";
    let one = setup.installation.create_user("one", &[statement("Allow", &[action], &primary)]).await;
    let refused = setup.server.refused_by(&one, "UpdatePrimaryRegion", input.clone()).await;
    assert_eq!(refused, not_allowed(&one.arn, action, &replica, IDENTITY));
    let both = json!({"Effect": "Allow", "Action": action, "Resource": [primary, replica]});
    let both = setup.installation.create_user("both", &[both]).await;
    setup.server.call_by(&both, "UpdatePrimaryRegion", input).await.unwrap();
}

/// Each operation asks for leave: who has none is denied by all of them, whatever else would be wrong.
#[tokio::test]
async fn every_operation_asks() {
    let setup = Setup::new().await;
    let nobody = setup.installation.create_user("nobody", &[]).await;
    setup.server.call("CreateAlias", json!({"AliasName": "alias/app", "TargetKeyId": setup.arn})).await.unwrap();
    let blob = STANDARD.encode("some bytes");
    let ciphertext = setup.server.encrypt(&setup.arn, b"text").await;
    // All members that any of them requires; those that an operation does not have it ignores.
    let members = json!({
        "KeyId": setup.arn, "TargetKeyId": setup.arn, "AliasName": "alias/app", "CustomKeyStoreId": "cks-1",
        "CustomKeyStoreName": "name", "GranteePrincipal": "111122223333", "Operations": ["Encrypt"],
        "CiphertextBlob": ciphertext, "KeyAgreementAlgorithm": "ECDH", "PublicKey": blob, "Plaintext": blob,
        "KeyPairSpec": "ECC_NIST_P256", "Message": blob, "MacAlgorithm": "HMAC_SHA_256", "NumberOfBytes": 32,
        "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048", "ImportToken": blob,
        "EncryptedKeyMaterial": blob, "RetiringPrincipal": "111122223333", "Policy": "{}",
        "DestinationKeyId": setup.arn, "ReplicaRegion": "us-east-2", "GrantId": "1".repeat(64),
        "SigningAlgorithm": "ECDSA_SHA_256", "Tags": [], "TagKeys": [], "Description": "", "PrimaryRegion": "us-east-2",
        "Signature": blob, "Mac": blob,
    });
    for operation in keystead_model::shape::operations() {
        let mut input = members.clone();
        input.as_object_mut().unwrap().retain(|name, _| operation.input.member(name).is_some());
        if operation.name == "RetireGrant" {
            let grant = json!({"KeyId": setup.arn, "GranteePrincipal": "444455556666", "Operations": ["Encrypt"]});
            input["GrantId"] = setup.server.call("CreateGrant", grant).await.unwrap()["GrantId"].clone();
        }
        let refused = setup.server.refused_by(&nobody, operation.name, input).await;
        assert_eq!(refused.exception, "AccessDeniedException", "{}: {refused:?}", operation.name);
    }
}
