//! Condition keys: each allows and denies through a real operation, in the policies of identities and in key policies.
//!
//! Source: KMS core digest 4.4; KMS Developer Guide, "Condition keys for AWS KMS".

use crate::support::{
    Answer, IRELAND, Installation, OHIO, Server, allow_if, enable_iam, for_principal, not_allowed, other_account,
};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use keystead_core::access::Principal;
use serde_json::{Value, json};

const DRY_RUN: &str = "DryRunOperationException";

/// One condition key in one operation.
struct Case {
    operation: &'static str,
    input: Value,
    /// The condition operator, the key, a value with which it holds, and one with which it does not.
    condition: (&'static str, &'static str, Value, Value),
    /// How the operation ends once it is allowed: an exception, or well if it is empty.
    ends: &'static str,
}

fn case(operation: &'static str, input: Value, condition: (&'static str, &'static str, Value, Value)) -> Case {
    let ends = if input["DryRun"] == true { DRY_RUN } else { "" };
    Case { operation, input, condition, ends }
}

impl Case {
    fn ends(self, ends: &'static str) -> Self {
        Self { ends, ..self }
    }

    fn key_id(&self) -> &str {
        self.input["KeyId"].as_str().unwrap()
    }

    fn statement(&self, value: &Value) -> Value {
        let (operator, key, ..) = &self.condition;
        allow_if(&[&format!("kms:{}", self.operation)], json!({*operator: {*key: value}}))
    }

    fn assert_allowed(&self, answer: Answer, side: &str) {
        let ended = answer.as_ref().map_or_else(|refused| refused.exception.as_str(), |_| "");
        assert_eq!(ended, self.ends, "{side}: {} {}: {answer:?}", self.operation, self.condition.1);
    }

    fn assert_denied(&self, answer: Answer, caller: &Principal, resource: &str, side: &str) {
        let action = format!("kms:{}", self.operation);
        let expected = not_allowed(&caller.arn, &action, resource, "identity-based policy");
        assert_eq!(answer, Err(expected), "{side}: {} {}", self.operation, self.condition.1);
    }

    /// Both ways in an identity policy.
    async fn check_identity_policy(&self, installation: &Installation, server: &Server, name: &str, resource: &str) {
        let (_, _, fitting, other) = &self.condition;
        let denied = installation.create_user(&format!("{name}-other"), &[self.statement(other)]).await;
        let answer = server.call_by(&denied, self.operation, self.input.clone()).await;
        self.assert_denied(answer, &denied, resource, "identity policy");
        let allowed = installation.create_user(&format!("{name}-fitting"), &[self.statement(fitting)]).await;
        let answer = server.call_by(&allowed, self.operation, self.input.clone()).await;
        self.assert_allowed(answer, "identity policy");
    }

    /// Both ways in the key policy. The key has no other statement for the user.
    async fn check_key_policy(&self, installation: &Installation, server: &Server, name: &str) {
        let user = installation.create_user(name, &[]).await;
        let (_, _, fitting, other) = &self.condition;
        for value in [other, fitting] {
            let mut statement = self.statement(value);
            statement["Principal"] = json!({"AWS": user.arn});
            server.put_key_policy(self.key_id(), &[enable_iam(), statement]).await;
            let answer = server.call_by(&user, self.operation, self.input.clone()).await;
            if value == fitting {
                self.assert_allowed(answer, "key policy");
            } else {
                self.assert_denied(answer, &user, self.key_id(), "key policy");
            }
        }
    }
}

struct Keys {
    installation: Installation,
    server: Server,
    symmetric: String,
}

impl Keys {
    async fn new() -> Self {
        let installation = Installation::new().await;
        let server = installation.serve();
        let symmetric = server.create_key(json!({"Tags": [{"TagKey": "Project", "TagValue": "nile"}]})).await;
        Self { installation, server, symmetric }
    }

    async fn key(&self, input: Value) -> String {
        self.server.create_key(input).await
    }

    /// Both ways in both kinds of policies.
    async fn check(&self, cases: impl IntoIterator<Item = Case>) {
        for (index, case) in cases.into_iter().enumerate() {
            let resource = case.key_id().to_owned();
            case.check_identity_policy(&self.installation, &self.server, &format!("user{index}"), &resource).await;
            case.check_key_policy(&self.installation, &self.server, &format!("nobody{index}")).await;
        }
    }
}

fn equals(key: &'static str, value: &str, other: &str) -> (&'static str, &'static str, Value, Value) {
    ("StringEquals", key, json!(value), json!(other))
}

#[tokio::test]
async fn what_a_key_is() {
    let keys = Keys::new().await;
    let primary = keys.key(json!({"MultiRegion": true})).await;
    let describe = |arn: &str, condition| case("DescribeKey", json!({"KeyId": arn}), condition);
    let arn = keys.symmetric.as_str();
    keys.check([
        describe(arn, equals("kms:KeySpec", "SYMMETRIC_DEFAULT", "RSA_2048")),
        describe(arn, equals("kms:CustomerMasterKeySpec", "SYMMETRIC_DEFAULT", "RSA_2048")),
        describe(arn, equals("kms:KeyUsage", "ENCRYPT_DECRYPT", "SIGN_VERIFY")),
        describe(arn, equals("kms:CustomerMasterKeyUsage", "ENCRYPT_DECRYPT", "SIGN_VERIFY")),
        describe(arn, equals("kms:KeyOrigin", "AWS_KMS", "EXTERNAL")),
        describe(arn, ("Bool", "kms:MultiRegion", json!("false"), json!("true"))),
        describe(arn, ("Null", "kms:MultiRegionKeyType", json!("true"), json!("false"))),
        describe(&primary, ("Bool", "kms:MultiRegion", json!("true"), json!("false"))),
        describe(&primary, equals("kms:MultiRegionKeyType", "PRIMARY", "REPLICA")),
        describe(arn, equals("kms:CallerAccount", "111122223333", "444455556666")),
        describe(arn, equals("aws:ResourceTag/project", "nile", "Nile")),
        // No service calls for anyone.
        describe(arn, ("Null", "kms:ViaService", json!("true"), json!("false"))),
    ])
    .await;
}

#[tokio::test]
async fn encryption_contexts_and_algorithms() {
    let keys = Keys::new().await;
    let arn = keys.symmetric.as_str();
    let context = json!({"Project": "nile", "Stage": "test"});
    let inputs = [
        ("Encrypt", json!({"Plaintext": STANDARD.encode("text")})),
        ("GenerateDataKey", json!({"KeySpec": "AES_256"})),
        ("GenerateDataKeyWithoutPlaintext", json!({"KeySpec": "AES_256"})),
        ("GenerateDataKeyPair", json!({"KeyPairSpec": "ECC_NIST_P256"})),
        ("GenerateDataKeyPairWithoutPlaintext", json!({"KeyPairSpec": "ECC_NIST_P256"})),
        ("Decrypt", json!({"DryRunModifiers": ["IGNORE_CIPHERTEXT"]})),
    ];
    let mut cases = Vec::new();
    for (operation, mut input) in inputs {
        input["KeyId"] = json!(arn);
        input["EncryptionContext"] = context.clone();
        input["DryRun"] = json!(true);
        let both = json!(["Project", "Stage"]);
        cases.extend(
            [
                // The key part in any case, the value to the letter.
                equals("kms:EncryptionContext:pROJECT", "nile", "Nile"),
                ("StringEqualsIgnoreCase", "kms:EncryptionContext:Project", json!("NILE"), json!("n")),
                ("ForAllValues:StringEquals", "kms:EncryptionContextKeys", both, json!(["Project"])),
                ("ForAnyValue:StringEquals", "kms:EncryptionContextKeys", json!("Stage"), json!("stage")),
                // Left to its default.
                equals("kms:EncryptionAlgorithm", "SYMMETRIC_DEFAULT", "RSAES_OAEP_SHA_256"),
            ]
            .map(|condition| case(operation, input.clone(), condition)),
        );
    }
    let pair = json!({"KeyId": arn, "KeyPairSpec": "ECC_NIST_P256", "DryRun": true});
    for operation in ["GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext"] {
        let condition = equals("kms:DataKeyPairSpec", "ECC_NIST_P256", "RSA_2048");
        cases.push(case(operation, pair.clone(), condition));
    }
    keys.check(cases).await;
}

/// Names that differ in case alone are one condition key, with both values: no one hides what a policy speaks of behind another letter.
#[tokio::test]
async fn all_values_of_a_name_are_seen() {
    let keys = Keys::new().await;
    let deny = json!({"Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"StringEquals": {"kms:EncryptionContext:Stage": "secret"}}});
    let user = keys.installation.create_user("user", &[allow_if(&["kms:*"], json!({})), deny]).await;
    let input = |context: Value| json!({"KeyId": keys.symmetric, "KeySpec": "AES_256", "EncryptionContext": context});
    keys.server.call_by(&user, "GenerateDataKey", input(json!({"Stage": "test"}))).await.unwrap();
    for context in [json!({"Stage": "test", "stage": "secret"}), json!({"Stage": "secret", "sTAGE": "test"})] {
        let refused = keys.server.refused_by(&user, "GenerateDataKey", input(context)).await;
        assert!(refused.message.ends_with(" with an explicit deny in an identity-based policy"), "{refused:?}");
    }
}

#[tokio::test]
async fn signatures_codes_and_agreements() {
    let keys = Keys::new().await;
    let signing = keys.key(json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"})).await;
    let hmac = keys.key(json!({"KeySpec": "HMAC_256", "KeyUsage": "GENERATE_VERIFY_MAC"})).await;
    let agreeing = keys.key(json!({"KeySpec": "ECC_NIST_P256", "KeyUsage": "KEY_AGREEMENT"})).await;
    let public_key = keys.server.call("GetPublicKey", json!({"KeyId": agreeing})).await.unwrap()["PublicKey"].clone();
    let message = STANDARD.encode("message");
    let sign = json!({"KeyId": signing, "Message": message, "SigningAlgorithm": "ECDSA_SHA_256", "DryRun": true});
    let mut verify = sign.clone();
    verify["Signature"] = json!(STANDARD.encode("no signature"));
    let mac = json!({"KeyId": hmac, "Message": message, "MacAlgorithm": "HMAC_SHA_256", "DryRun": true});
    let mut verify_mac = mac.clone();
    verify_mac["Mac"] = json!(STANDARD.encode("no code"));
    let derive = json!({"KeyId": agreeing, "KeyAgreementAlgorithm": "ECDH", "PublicKey": public_key, "DryRun": true});
    let algorithm = || equals("kms:SigningAlgorithm", "ECDSA_SHA_256", "ECDSA_SHA_384");
    let message_type = || equals("kms:MessageType", "RAW", "DIGEST");
    let mac_algorithm = || equals("kms:MacAlgorithm", "HMAC_SHA_256", "HMAC_SHA_512");
    keys.check([
        case("Sign", sign.clone(), algorithm()),
        case("Sign", sign, message_type()),
        case("Verify", verify.clone(), algorithm()).ends("KMSInvalidSignatureException"),
        case("Verify", verify, message_type()).ends("KMSInvalidSignatureException"),
        case("GenerateMac", mac, mac_algorithm()),
        case("VerifyMac", verify_mac, mac_algorithm()).ends("KMSInvalidMacException"),
        case("DeriveSharedSecret", derive, equals("kms:KeyAgreementAlgorithm", "ECDH", "other")),
    ])
    .await;
}

#[tokio::test]
async fn grants() {
    let keys = Keys::new().await;
    let arn = keys.symmetric.as_str();
    let input = json!({"KeyId": arn, "GranteePrincipal": "444455556666", "RetiringPrincipal": "111122223333",
        "Operations": ["Encrypt", "Decrypt"], "DryRun": true,
        "Constraints": {"EncryptionContextSubset": {"Project": "nile"}}});
    let create = |condition| case("CreateGrant", input.clone(), condition);
    let both = json!(["Decrypt", "Encrypt", "Sign"]);
    // No AWS service asks for anybody.
    let for_aws = || ("Bool", "kms:GrantIsForAWSResource", json!("false"), json!("true"));
    keys.check([
        create(equals("kms:GrantConstraintType", "EncryptionContextSubset", "EncryptionContextEquals")),
        create(("ForAllValues:StringEquals", "kms:GrantOperations", both, json!(["Decrypt"]))),
        // An account is named in one way, whichever the request uses.
        create(equals("kms:GranteePrincipal", "arn:aws:iam::444455556666:root", "444455556666")),
        create(equals("kms:RetiringPrincipal", "arn:aws:iam::111122223333:root", "arn:aws:iam::444455556666:root")),
        create(equals("kms:EncryptionContext:Project", "nile", "other")),
        create(("ForAllValues:StringEquals", "kms:EncryptionContextKeys", json!("Project"), json!("Other"))),
        create(for_aws()),
        // A service alone grants to a service.
        create(("Null", "kms:GranteeServicePrincipal", json!("true"), json!("false"))),
        create(("Null", "kms:RetiringServicePrincipal", json!("true"), json!("false"))),
        create(("Null", "kms:GrantConstraintSourceArn", json!("true"), json!("false"))),
        case("ListGrants", json!({"KeyId": arn}), for_aws()),
        case("RevokeGrant", json!({"KeyId": arn, "GrantId": "0".repeat(64)}), for_aws()).ends("NotFoundException"),
    ])
    .await;
}

#[tokio::test]
async fn management_of_keys() {
    let keys = Keys::new().await;
    let arn = keys.symmetric.as_str();
    let external = keys.key(json!({"Origin": "EXTERNAL"})).await;
    let primary = keys.key(json!({"MultiRegion": true})).await;
    let wrapping = json!({"KeyId": external, "WrappingAlgorithm": "RSAES_OAEP_SHA_256", "WrappingKeySpec": "RSA_2048"});
    let nothing = STANDARD.encode("nothing");
    let import = json!({"KeyId": external, "ImportToken": nothing, "EncryptedKeyMaterial": nothing,
        "ValidTo": keys.installation.now().plus_days(1).millis() / 1000});
    let numeric = |operator, key, value: u32, other: u32| (operator, key, json!(value), json!(other));
    let import = |condition| case("ImportKeyMaterial", import.clone(), condition).ends("InvalidImportTokenException");
    let policy = json!({"KeyId": arn, "Policy": crate::support::key_policy(&[enable_iam()])});
    let lockout = ("Bool", "kms:BypassPolicyLockoutSafetyCheck", json!("false"), json!("true"));
    let own_region = |operation, member: &str, key| {
        case(operation, json!({"KeyId": primary, member: "us-east-1"}), equals(key, "us-east-1", OHIO))
            .ends("ValidationException")
    };
    let tags = json!({"KeyId": arn, "Tags": [{"TagKey": "Stage", "TagValue": "test"}]});
    keys.check([
        case(
            "EnableKeyRotation",
            json!({"KeyId": arn}),
            numeric("NumericEquals", "kms:RotationPeriodInDays", 365, 364),
        ),
        case(
            "EnableKeyRotation",
            json!({"KeyId": arn, "RotationPeriodInDays": 90}),
            numeric("NumericLessThan", "kms:RotationPeriodInDays", 91, 90),
        ),
        case(
            "GetParametersForImport",
            wrapping.clone(),
            equals("kms:WrappingAlgorithm", "RSAES_OAEP_SHA_256", "RSA_AES_KEY_WRAP_SHA_256"),
        ),
        case("GetParametersForImport", wrapping, equals("kms:WrappingKeySpec", "RSA_2048", "RSA_4096")),
        import(equals("kms:ExpirationModel", "KEY_MATERIAL_EXPIRES", "KEY_MATERIAL_DOES_NOT_EXPIRE")),
        import(("DateLessThan", "kms:ValidTo", json!("2100-01-01T00:00:00Z"), json!("2020-01-01T00:00:00Z"))),
        case("TagResource", tags.clone(), equals("aws:RequestTag/stage", "test", "production")),
        case("TagResource", tags, ("ForAllValues:StringEquals", "aws:TagKeys", json!(["Stage"]), json!(["Project"]))),
        case(
            "UntagResource",
            json!({"KeyId": arn, "TagKeys": ["Stage"]}),
            ("ForAllValues:StringEquals", "aws:TagKeys", json!(["Stage"]), json!(["Project"])),
        ),
        own_region("UpdatePrimaryRegion", "PrimaryRegion", "kms:PrimaryRegion"),
        own_region("ReplicateKey", "ReplicaRegion", "kms:ReplicaRegion"),
        case("PutKeyPolicy", policy, lockout),
    ])
    .await;
}

/// They end the key's use, so each has a key of its own. How long a key was not used counts in whole days from its last use.
#[tokio::test]
async fn the_end_of_keys() {
    let keys = Keys::new().await;
    let [disabled, deleted, later] = [keys.key(json!({})).await, keys.key(json!({})).await, keys.key(json!({})).await];
    keys.server.encrypt(&disabled, b"used").await;
    keys.installation.advance_days(40);
    keys.server.encrypt(&deleted, b"used").await;
    keys.installation.advance_days(10);
    let trailing = |value: u32, other: u32| {
        ("NumericGreaterThanEquals", "kms:TrailingDaysWithoutKeyUsage", json!(value), json!(other))
    };
    let window = |value: u32, other: u32| {
        ("NumericGreaterThanEquals", "kms:ScheduleKeyDeletionPendingWindowInDays", json!(value), json!(other))
    };
    for (index, case) in [
        case("DisableKey", json!({"KeyId": disabled}), trailing(50, 51)),
        case("ScheduleKeyDeletion", json!({"KeyId": deleted}), trailing(10, 11)),
        case("ScheduleKeyDeletion", json!({"KeyId": disabled}), window(30, 31)),
        case("ScheduleKeyDeletion", json!({"KeyId": later, "PendingWindowInDays": 7}), window(7, 8)),
    ]
    .into_iter()
    .enumerate()
    {
        let resource = case.key_id().to_owned();
        case.check_identity_policy(&keys.installation, &keys.server, &format!("user{index}"), &resource).await;
    }
}

/// ReEncrypt asks twice, each time with its own context, algorithm and alias.
#[tokio::test]
async fn both_halves_of_re_encrypt() {
    let keys = Keys::new().await;
    let (source, destination) = (keys.symmetric.clone(), keys.key(json!({})).await);
    for (name, key) in [("alias/source", &source), ("alias/destination", &destination)] {
        keys.server.call("CreateAlias", json!({"AliasName": name, "TargetKeyId": key})).await.unwrap();
    }
    let encrypt = json!({"KeyId": source, "Plaintext": STANDARD.encode("text"), "EncryptionContext": {"Side": "from"}});
    let ciphertext = keys.server.call("Encrypt", encrypt).await.unwrap()["CiphertextBlob"].clone();
    let input = json!({"CiphertextBlob": ciphertext, "SourceKeyId": "alias/source", "DestinationKeyId": "alias/destination",
        "SourceEncryptionContext": {"Side": "from"}, "DestinationEncryptionContext": {"side": "to"}});
    let both = |from: (&str, &str), to: (&str, &str), same: &str| {
        let statement = |action: &str, context: &str, alias: &str| {
            allow_if(
                &[action],
                json!({
                    "StringEquals": {"kms:EncryptionContext:Side": context, "kms:RequestAlias": alias,
                        "kms:EncryptionAlgorithm": "SYMMETRIC_DEFAULT"},
                    "ForAllValues:StringEquals": {"kms:EncryptionContextKeys": ["Side", "side"]},
                    "Bool": {"kms:ReEncryptOnSameKey": same}
                }),
            )
        };
        [statement("kms:ReEncryptFrom", from.0, from.1), statement("kms:ReEncryptTo", to.0, to.1)]
    };
    let (from, to) = (("from", "alias/source"), ("to", "alias/destination"));
    for (name, statements, denied) in [
        ("all", both(from, to, "false"), None),
        ("from", both(("to", "alias/source"), to, "false"), Some(("kms:ReEncryptFrom", &source))),
        ("from-alias", both(("from", "alias/destination"), to, "false"), Some(("kms:ReEncryptFrom", &source))),
        ("to", both(from, ("from", "alias/destination"), "false"), Some(("kms:ReEncryptTo", &destination))),
        ("to-alias", both(from, ("to", "alias/source"), "false"), Some(("kms:ReEncryptTo", &destination))),
        ("same", both(from, to, "true"), Some(("kms:ReEncryptFrom", &source))),
    ] {
        let user = keys.installation.create_user(name, &statements).await;
        let answer = keys.server.call_by(&user, "ReEncrypt", input.clone()).await;
        match denied {
            None => assert!(answer.is_ok(), "{name}: {answer:?}"),
            Some((action, arn)) => {
                let refused = not_allowed(&user.arn, action, arn, "identity-based policy");
                assert_eq!(answer, Err(refused), "{name}");
            }
        }
    }
    let same_key = allow_if(&["kms:ReEncrypt*"], json!({"Bool": {"kms:ReEncryptOnSameKey": "true"}}));
    let user = keys.installation.create_user("same-key", &[same_key]).await;
    let mut input = json!({"CiphertextBlob": ciphertext, "SourceEncryptionContext": {"Side": "from"}});
    for destination in ["alias/source", source.as_str()] {
        input["DestinationKeyId"] = json!(destination);
        keys.server.call_by(&user, "ReEncrypt", input.clone()).await.unwrap();
    }
}

/// The alias of the request, as it is named there, without Region and account; a key that is named otherwise has none.
#[tokio::test]
async fn the_alias_of_the_request() {
    let keys = Keys::new().await;
    let input = json!({"AliasName": "alias/app/one", "TargetKeyId": keys.symmetric});
    keys.server.call("CreateAlias", input).await.unwrap();
    let like = |pattern: &str| allow_if(&["kms:DescribeKey"], json!({"StringLike": {"kms:RequestAlias": pattern}}));
    let user = keys.installation.create_user("user", &[like("alias/app/*")]).await;
    let describe = |key: &str| json!({"KeyId": key});
    let alias_arn = "arn:aws:kms:us-east-1:111122223333:alias/app/one";
    for key in ["alias/app/one", alias_arn] {
        keys.server.call_by(&user, "DescribeKey", describe(key)).await.unwrap();
    }
    let refused = not_allowed(&user.arn, "kms:DescribeKey", &keys.symmetric, "identity-based policy");
    assert_eq!(keys.server.refused_by(&user, "DescribeKey", describe(&keys.symmetric)).await, refused);
    let other = keys.installation.create_user("other", &[like("alias/ap")]).await;
    let refused = not_allowed(&other.arn, "kms:DescribeKey", &keys.symmetric, "identity-based policy");
    assert_eq!(keys.server.refused_by(&other, "DescribeKey", describe(alias_arn)).await, refused);
}

#[tokio::test]
async fn creation_of_keys() {
    let keys = Keys::new().await;
    let tags = json!([{"TagKey": "Project", "TagValue": "nile"}]);
    let plain = json!({});
    let all = json!({"KeySpec": "RSA_2048", "KeyUsage": "SIGN_VERIFY", "Origin": "EXTERNAL", "MultiRegion": true});
    let old = json!({"CustomerMasterKeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY"});
    let cases = [
        (&plain, equals("kms:KeySpec", "SYMMETRIC_DEFAULT", "RSA_2048")),
        (&plain, equals("kms:KeyUsage", "ENCRYPT_DECRYPT", "SIGN_VERIFY")),
        (&plain, equals("kms:KeyOrigin", "AWS_KMS", "EXTERNAL")),
        (&plain, ("Bool", "kms:MultiRegion", json!("false"), json!("true"))),
        (&plain, ("Null", "kms:MultiRegionKeyType", json!("true"), json!("false"))),
        (&plain, ("Bool", "kms:BypassPolicyLockoutSafetyCheck", json!("false"), json!("true"))),
        // Of a key that is not there yet nobody is the caller's account.
        (&plain, ("Null", "kms:CallerAccount", json!("true"), json!("false"))),
        (&all, equals("kms:KeySpec", "RSA_2048", "SYMMETRIC_DEFAULT")),
        (&all, equals("kms:CustomerMasterKeySpec", "RSA_2048", "SYMMETRIC_DEFAULT")),
        (&all, equals("kms:KeyUsage", "SIGN_VERIFY", "ENCRYPT_DECRYPT")),
        (&all, equals("kms:CustomerMasterKeyUsage", "SIGN_VERIFY", "ENCRYPT_DECRYPT")),
        (&all, equals("kms:KeyOrigin", "EXTERNAL", "AWS_KMS")),
        (&all, ("Bool", "kms:MultiRegion", json!("true"), json!("false"))),
        (&all, equals("kms:MultiRegionKeyType", "PRIMARY", "REPLICA")),
        (&old, equals("kms:KeySpec", "ECC_NIST_P256", "SYMMETRIC_DEFAULT")),
    ];
    for (index, (input, condition)) in cases.into_iter().enumerate() {
        let case = case("CreateKey", input.clone(), condition);
        case.check_identity_policy(&keys.installation, &keys.server, &format!("user{index}"), "*").await;
    }
    // Tags need leave of their own, on all keys. Conditions on them count for both.
    let tagged = json!({"Tags": tags});
    let all_keys = "arn:aws:kms:us-east-1:111122223333:key/*";
    let create = allow_if(&["kms:CreateKey"], json!({}));
    let tag = |value: &str| allow_if(&["kms:TagResource"], json!({"StringEquals": {"aws:RequestTag/Project": value}}));
    let untagged = keys.installation.create_user("untagged", std::slice::from_ref(&create)).await;
    let refused = not_allowed(&untagged.arn, "kms:TagResource", all_keys, "identity-based policy");
    assert_eq!(keys.server.refused_by(&untagged, "CreateKey", tagged.clone()).await, refused);
    keys.server.call_by(&untagged, "CreateKey", json!({})).await.unwrap();
    let other = keys.installation.create_user("other-tag", &[create.clone(), tag("other")]).await;
    let refused = not_allowed(&other.arn, "kms:TagResource", all_keys, "identity-based policy");
    assert_eq!(keys.server.refused_by(&other, "CreateKey", tagged.clone()).await, refused);
    let mut on_keys = tag("nile");
    on_keys["Resource"] = json!(all_keys);
    let tagging = keys.installation.create_user("tagging", &[create, on_keys]).await;
    keys.server.call_by(&tagging, "CreateKey", tagged.clone()).await.unwrap();
    let by_tags = allow_if(
        &["kms:CreateKey", "kms:TagResource"],
        json!({"ForAllValues:StringEquals": {"aws:TagKeys": "Project"}}),
    );
    let user = keys.installation.create_user("by-tags", &[by_tags]).await;
    keys.server.call_by(&user, "CreateKey", tagged).await.unwrap();
}

/// ReplicateKey needs leave for the primary key, and leave to make the replica, and to tag it, in its Region.
#[tokio::test]
async fn creation_of_replicas() {
    let keys = Keys::new().await;
    let primary = keys.key(json!({"MultiRegion": true})).await;
    let input =
        json!({"KeyId": primary, "ReplicaRegion": IRELAND, "Tags": [{"TagKey": "Project", "TagValue": "nile"}]});
    let in_region =
        |action: &str, region: &str| allow_if(&[action], json!({"StringEquals": {"aws:RequestedRegion": region}}));
    let replicate = in_region("kms:ReplicateKey", "us-east-1");
    let tag = allow_if(
        &["kms:TagResource"],
        json!({"StringEquals": {"aws:RequestTag/Project": "nile", "aws:RequestedRegion": IRELAND}}),
    );
    let replica = allow_if(
        &["kms:CreateKey"],
        json!({"StringEquals": {"kms:MultiRegionKeyType": "REPLICA",
        "kms:KeySpec": "SYMMETRIC_DEFAULT", "kms:KeyOrigin": "AWS_KMS", "aws:RequestedRegion": IRELAND}, "Bool": {"kms:MultiRegion": "true"}}),
    );
    let no_key =
        json!({"Effect": "Allow", "Action": "kms:CreateKey", "Resource": "arn:aws:kms:us-east-1:111122223333:*"});
    let key_of_replica = json!({"Effect": "Allow", "Action": "kms:CreateKey", "Resource": format!("arn:aws:kms:{IRELAND}:111122223333:*")});
    for (name, statements, denied) in [
        ("no-replicate", vec![replica.clone(), tag.clone()], Some(("kms:ReplicateKey", primary.as_str()))),
        (
            "no-tag",
            vec![replicate.clone(), replica.clone()],
            Some(("kms:TagResource", "arn:aws:kms:eu-west-1:111122223333:key/*")),
        ),
        (
            "elsewhere",
            vec![replicate.clone(), tag.clone(), in_region("kms:CreateKey", "us-east-1")],
            Some(("kms:CreateKey", "*")),
        ),
        ("other-arn", vec![replicate.clone(), tag.clone(), no_key], Some(("kms:CreateKey", "*"))),
        ("all", vec![replicate.clone(), tag.clone(), replica], None),
    ] {
        let user = keys.installation.create_user(name, &statements).await;
        let answer = keys.server.call_by(&user, "ReplicateKey", input.clone()).await;
        match denied {
            None => assert!(answer.is_ok(), "{name}: {answer:?}"),
            Some((action, resource)) => {
                assert_eq!(answer, Err(not_allowed(&user.arn, action, resource, "identity-based policy")), "{name}");
            }
        }
    }
    let user = keys.installation.create_user("by-arn", &[replicate, tag, key_of_replica]).await;
    let refused = keys.server.refused_by(&user, "ReplicateKey", input).await;
    assert_eq!(refused.exception, "AlreadyExistsException");
}

/// The operations on custom key stores have one condition key.
#[tokio::test]
async fn custom_key_stores() {
    let keys = Keys::new().await;
    let input = json!({"CustomKeyStoreId": "cks-1234567890abcdef0"});
    for (index, (operation, ends)) in [
        ("ConnectCustomKeyStore", "CustomKeyStoreNotFoundException"),
        ("DisconnectCustomKeyStore", "CustomKeyStoreNotFoundException"),
        ("DeleteCustomKeyStore", "CustomKeyStoreNotFoundException"),
        ("DescribeCustomKeyStores", "CustomKeyStoreNotFoundException"),
        ("UpdateCustomKeyStore", "CustomKeyStoreNotFoundException"),
    ]
    .into_iter()
    .enumerate()
    {
        let condition = equals("kms:CallerAccount", "111122223333", "444455556666");
        let case = case(operation, input.clone(), condition).ends(ends);
        case.check_identity_policy(&keys.installation, &keys.server, &format!("user{index}"), "*").await;
    }
    // None of the keys that tell of KMS keys.
    let user = keys
        .installation
        .create_user("other", &[allow_if(&["kms:*"], json!({"Null": {"kms:KeyOrigin": "false"}}))])
        .await;
    let refused = keys.server.refused_by(&user, "DescribeCustomKeyStores", json!({})).await;
    assert_eq!(refused, not_allowed(&user.arn, "kms:DescribeCustomKeyStores", "*", "identity-based policy"));
}

/// Aliases of a key allow its use, in the policies of identities alone, from when they are there to when they are gone, on every server.
#[tokio::test]
async fn aliases_of_a_key() {
    let keys = Keys::new().await;
    let other_key = keys.key(json!({})).await;
    let condition = json!({"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/app*"}});
    let user = keys.installation.create_user("user", &[allow_if(&["kms:DescribeKey"], condition.clone())]).await;
    let no_user = keys.installation.create_user("no-user", &[]).await;
    let mut statement = for_principal("Allow", &no_user.arn, &["kms:DescribeKey"]);
    statement["Condition"] = condition;
    keys.server.put_key_policy(&keys.symmetric, &[enable_iam(), statement]).await;

    let other_server = keys.installation.serve();
    let mut sequence = None;
    keystead_core::background::read_change_feed(&other_server.kms, &mut sequence).await.unwrap();
    let arns = [keys.symmetric.as_str(), other_key.as_str()];
    let steps = [
        (None, [false, false]),
        (Some(("CreateAlias", json!({"AliasName": "alias/app", "TargetKeyId": arns[0]}))), [true, false]),
        (Some(("UpdateAlias", json!({"AliasName": "alias/app", "TargetKeyId": arns[1]}))), [false, true]),
        (Some(("DeleteAlias", json!({"AliasName": "alias/app"}))), [false, false]),
    ];
    for (step, allowed) in steps {
        if let Some((operation, input)) = step {
            keys.server.call(operation, input).await.unwrap();
        }
        keystead_core::background::read_change_feed(&other_server.kms, &mut sequence).await.unwrap();
        for (arn, allowed) in arns.into_iter().zip(allowed) {
            for server in [&keys.server, &other_server] {
                let answer = server.call_by(&user, "DescribeKey", json!({"KeyId": arn})).await;
                assert_eq!(answer.is_ok(), allowed, "{arn}: {answer:?}");
                server.refused_by(&no_user, "DescribeKey", json!({"KeyId": arn})).await;
            }
        }
    }
}

/// A key with more aliases than the quota has none to policies.
#[tokio::test]
async fn too_many_aliases() {
    let keys = Keys::new().await;
    let condition = json!({"ForAnyValue:StringLike": {"kms:ResourceAliases": "alias/*"}});
    let user = keys.installation.create_user("user", &[allow_if(&["kms:DescribeKey"], condition)]).await;
    for name in ["alias/a", "alias/b"] {
        keys.server.call("CreateAlias", json!({"AliasName": name, "TargetKeyId": keys.symmetric})).await.unwrap();
    }
    for (aliases_per_key, allowed) in [(2, true), (1, false)] {
        let server =
            keys.installation.serve_with(|settings| settings.resource_quotas.aliases_per_key = aliases_per_key);
        let answer = server.call_by(&user, "DescribeKey", json!({"KeyId": keys.symmetric})).await;
        assert_eq!(answer.is_ok(), allowed, "{answer:?}");
    }
}

/// The alias side of an alias operation has none; global keys are everywhere.
#[tokio::test]
async fn alias_operations() {
    let keys = Keys::new().await;
    let input = |name: &str| json!({"AliasName": name, "TargetKeyId": keys.symmetric});
    let on = |resource: &str, condition: Value| json!({"Effect": "Allow", "Action": "kms:CreateAlias", "Resource": resource, "Condition": condition});
    let caller_account = json!({"StringEquals": {"kms:CallerAccount": "111122223333"}});
    let alias = "arn:aws:kms:us-east-1:111122223333:alias/*";
    let statements = [on(alias, caller_account.clone()), on(&keys.symmetric, caller_account.clone())];
    let user = keys.installation.create_user("user", &statements).await;
    let refused = keys.server.refused_by(&user, "CreateAlias", input("alias/a")).await;
    let alias_arn = "arn:aws:kms:us-east-1:111122223333:alias/a";
    assert_eq!(refused, not_allowed(&user.arn, "kms:CreateAlias", alias_arn, "identity-based policy"));
    let principal = json!({"StringEquals": {"aws:PrincipalAccount": "111122223333"}});
    let user =
        keys.installation.create_user("other", &[on(alias, principal), on(&keys.symmetric, caller_account)]).await;
    keys.server.call_by(&user, "CreateAlias", input("alias/a")).await.unwrap();
}

/// A condition key of another account's caller is that account.
#[tokio::test]
async fn the_account_of_a_stranger() {
    let keys = Keys::new().await;
    keys.installation.create_other_account().await;
    let stranger =
        keys.installation.create_user_of(other_account(), "stranger", &[allow_if(&["kms:*"], json!({}))]).await;
    for (account, allowed) in [("444455556666", true), ("111122223333", false)] {
        let mut statement = for_principal("Allow", "*", &["kms:DescribeKey"]);
        statement["Condition"] = json!({"StringEquals": {"kms:CallerAccount": account}});
        keys.server.put_key_policy(&keys.symmetric, &[enable_iam(), statement]).await;
        let answer = keys.server.call_by(&stranger, "DescribeKey", json!({"KeyId": keys.symmetric})).await;
        assert_eq!(answer.is_ok(), allowed, "{answer:?}");
    }
}
