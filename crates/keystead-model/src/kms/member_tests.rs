//! Every request, response and enum against the generated tables.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fmt::{Debug, Display};
use std::str::FromStr;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::*;
use crate::arn::{AccountId, AliasArn, AliasName, CustomKeyStoreId, KeyArn, KeyId, Region};
use crate::operation::{SuccessBody, success_body};
use crate::shape::{Shape, Structure, operation, operations};
use crate::validate::{InvalidInput, validate};
use crate::{Blob, Timestamp};

// --- Documents made from the tables ---

/// Among these every string shape of the model finds a text it accepts.
const TEXTS: &[&str] = &[
    "1",
    "111122223333",
    "us-east-1",
    "cluster-2a2b3c4d5e6",
    "abcdefg",
    "ABCDEFGHIJKLMNOPQRST",
    "0123456789012345678901234567890123456789012",
    "0123456789012345678901234567890123456789012345678901234567890123",
    "https://proxy.example",
    "/kms/xks/v1",
    "com.amazonaws.vpce.us-east-1.vpce-svc-0123",
];

fn example(shape: &Shape) -> Value {
    match shape {
        Shape::String { .. } => {
            let text = TEXTS.iter().find(|text| shape.accepts_str(text));
            json!(text.unwrap_or_else(|| panic!("no text for {shape:?}")))
        }
        Shape::Enum { values } => json!(values[0]),
        Shape::Blob { .. } => json!("YWJj"),
        Shape::Integer { min, .. } => json!(min.unwrap_or(1)),
        Shape::Boolean => json!(true),
        Shape::Timestamp => json!(1_593_893_322.32),
        Shape::List { member, .. } => json!([example(member)]),
        Shape::Map { key, value, .. } => {
            json!({ example(key).as_str().expect("maps have texts as keys"): example(value) })
        }
        Shape::Structure(structure) => example_structure(structure, |_| true),
    }
}

fn example_structure(structure: &Structure, wanted: impl Fn(&crate::shape::Member) -> bool) -> Value {
    let members = structure.members.iter().filter(|member| wanted(member));
    Value::Object(members.map(|member| (member.name.to_owned(), example(member.shape))).collect())
}

// --- Requests ---

/// Reads a request and says whether it did; the text is its `Debug` form or the error.
type Reader = fn(Value) -> Result<String, String>;

fn reader<T: DeserializeOwned + Debug>(document: Value) -> Result<String, String> {
    serde_json::from_value::<T>(document).map(|request| format!("{request:?}")).map_err(|error| error.to_string())
}

const REQUESTS: &[(&str, Reader)] = &[
    ("CancelKeyDeletion", reader::<CancelKeyDeletionRequest>),
    ("ConnectCustomKeyStore", reader::<ConnectCustomKeyStoreRequest>),
    ("CreateAlias", reader::<CreateAliasRequest>),
    ("CreateCustomKeyStore", reader::<CreateCustomKeyStoreRequest>),
    ("CreateGrant", reader::<CreateGrantRequest>),
    ("CreateKey", reader::<CreateKeyRequest>),
    ("Decrypt", reader::<DecryptRequest>),
    ("DeleteAlias", reader::<DeleteAliasRequest>),
    ("DeleteCustomKeyStore", reader::<DeleteCustomKeyStoreRequest>),
    ("DeleteImportedKeyMaterial", reader::<DeleteImportedKeyMaterialRequest>),
    ("DeriveSharedSecret", reader::<DeriveSharedSecretRequest>),
    ("DescribeCustomKeyStores", reader::<DescribeCustomKeyStoresRequest>),
    ("DescribeKey", reader::<DescribeKeyRequest>),
    ("DisableKey", reader::<DisableKeyRequest>),
    ("DisableKeyRotation", reader::<DisableKeyRotationRequest>),
    ("DisconnectCustomKeyStore", reader::<DisconnectCustomKeyStoreRequest>),
    ("EnableKey", reader::<EnableKeyRequest>),
    ("EnableKeyRotation", reader::<EnableKeyRotationRequest>),
    ("Encrypt", reader::<EncryptRequest>),
    ("GenerateDataKey", reader::<GenerateDataKeyRequest>),
    ("GenerateDataKeyPair", reader::<GenerateDataKeyPairRequest>),
    ("GenerateDataKeyPairWithoutPlaintext", reader::<GenerateDataKeyPairWithoutPlaintextRequest>),
    ("GenerateDataKeyWithoutPlaintext", reader::<GenerateDataKeyWithoutPlaintextRequest>),
    ("GenerateMac", reader::<GenerateMacRequest>),
    ("GenerateRandom", reader::<GenerateRandomRequest>),
    ("GetKeyLastUsage", reader::<GetKeyLastUsageRequest>),
    ("GetKeyPolicy", reader::<GetKeyPolicyRequest>),
    ("GetKeyRotationStatus", reader::<GetKeyRotationStatusRequest>),
    ("GetParametersForImport", reader::<GetParametersForImportRequest>),
    ("GetPublicKey", reader::<GetPublicKeyRequest>),
    ("ImportKeyMaterial", reader::<ImportKeyMaterialRequest>),
    ("ListAliases", reader::<ListAliasesRequest>),
    ("ListGrants", reader::<ListGrantsRequest>),
    ("ListKeyPolicies", reader::<ListKeyPoliciesRequest>),
    ("ListKeyRotations", reader::<ListKeyRotationsRequest>),
    ("ListKeys", reader::<ListKeysRequest>),
    ("ListResourceTags", reader::<ListResourceTagsRequest>),
    ("ListRetirableGrants", reader::<ListRetirableGrantsRequest>),
    ("PutKeyPolicy", reader::<PutKeyPolicyRequest>),
    ("ReEncrypt", reader::<ReEncryptRequest>),
    ("ReplicateKey", reader::<ReplicateKeyRequest>),
    ("RetireGrant", reader::<RetireGrantRequest>),
    ("RevokeGrant", reader::<RevokeGrantRequest>),
    ("RotateKeyOnDemand", reader::<RotateKeyOnDemandRequest>),
    ("ScheduleKeyDeletion", reader::<ScheduleKeyDeletionRequest>),
    ("Sign", reader::<SignRequest>),
    ("TagResource", reader::<TagResourceRequest>),
    ("UntagResource", reader::<UntagResourceRequest>),
    ("UpdateAlias", reader::<UpdateAliasRequest>),
    ("UpdateCustomKeyStore", reader::<UpdateCustomKeyStoreRequest>),
    ("UpdateKeyDescription", reader::<UpdateKeyDescriptionRequest>),
    ("UpdatePrimaryRegion", reader::<UpdatePrimaryRegionRequest>),
    ("Verify", reader::<VerifyRequest>),
    ("VerifyMac", reader::<VerifyMacRequest>),
];

#[test]
fn every_operation_has_its_request() {
    let expected: Vec<_> = operations().iter().map(|operation| operation.name).collect();
    let found: Vec<_> = REQUESTS.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, expected);
}

#[test]
fn every_member_of_a_request_has_its_field_and_every_field_its_member() {
    for (name, read) in REQUESTS {
        let full = example(&Shape::Structure(operation(name).unwrap().input));
        // In tests the structs refuse unknown members, so each member finds a field.
        let shown = read(full).unwrap_or_else(|error| panic!("{name}: {error}"));
        // A field without a member would have stayed empty.
        assert!(!shown.contains("None"), "{shown}");
    }
}

#[test]
fn only_required_members_are_needed_and_null_is_absent() {
    for (name, read) in REQUESTS {
        let input = operation(name).unwrap().input;
        let mut document = example_structure(input, |member| member.required);
        read(document.clone()).unwrap_or_else(|error| panic!("{name}: {error}"));
        for member in input.members.iter().filter(|member| !member.required) {
            document[member.name] = Value::Null;
        }
        assert_eq!(validate(input, &document), Ok(()), "{name}");
        read(document).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
}

#[test]
fn secrets_do_not_show_in_debug() {
    let document = json!({
        "CustomKeyStoreName": "name",
        "KeyStorePassword": "hunter2",
        "XksProxyAuthenticationCredential": {"AccessKeyId": "hunter2", "RawSecretAccessKey": "hunter2"},
    });
    let shown = reader::<CreateCustomKeyStoreRequest>(document).unwrap();
    assert!(!shown.contains("hunter2"), "{shown}");
    let shown = reader::<EncryptRequest>(json!({"KeyId": "x", "Plaintext": "aHVudGVyMg=="})).unwrap();
    assert!(shown.contains("Blob(7 bytes)"), "{shown}");
}

#[test]
fn no_blob_shows_in_debug() {
    for (name, read) in REQUESTS {
        let full = example(&Shape::Structure(operation(name).unwrap().input));
        let blobs = full.to_string().matches("\"YWJj\"").count();
        let shown = read(full).unwrap();
        assert!(!shown.contains("YWJj"), "{shown}");
        assert_eq!(shown.matches("Blob(3 bytes)").count(), blobs, "{shown}");
    }
}

// --- Documents from a generator ---

/// A small generator (xorshift64*) whose seed is printed with every failure.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }

    fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// Any JSON at all.
    fn junk(&mut self, depth: usize) -> Value {
        match self.below(if depth == 0 { 6 } else { 8 }) {
            0 => Value::Null,
            1 => json!(self.next().is_multiple_of(2)),
            2 => json!(self.next() as i64 % 3000),
            3 => json!(f64::from_bits(self.next())),
            4 => json!(self.pick(TEXTS)),
            5 => {
                json!(self.pick(&["", "é", "YQ==", "YQ", "====", "a\u{0}b", "\u{10ffff}"]).repeat(1 << self.below(13)))
            }
            6 => (0..self.below(15)).map(|_| self.junk(depth - 1)).collect(),
            _ => {
                (0..self.below(4)).map(|index| (index.to_string(), self.junk(depth - 1))).collect::<Map<_, _>>().into()
            }
        }
    }

    /// A document like the shape's, with a fault here and there.
    fn value(&mut self, shape: &Shape) -> Value {
        if self.below(12) == 0 {
            return self.junk(3);
        }
        match shape {
            Shape::List { member, .. } => (0..self.below(12)).map(|_| self.value(member)).collect(),
            Shape::Map { value, .. } => {
                (0..self.below(3)).map(|index| (index.to_string(), self.value(value))).collect::<Map<_, _>>().into()
            }
            Shape::Structure(structure) => self.structure(structure),
            shape => example(shape),
        }
    }

    fn structure(&mut self, structure: &Structure) -> Value {
        let mut members = Map::new();
        for member in structure.members {
            if self.below(4) != 0 {
                members.insert(member.name.to_owned(), self.value(member.shape));
            }
        }
        Value::Object(members)
    }
}

/// Drops the members that the shape does not know: requests ignore them, but refuse them in tests.
fn without_unknown_members(shape: &Shape, value: Value) -> Value {
    match (shape, value) {
        (Shape::Structure(structure), Value::Object(members)) => {
            let known = members.into_iter().filter_map(|(name, value)| {
                let member = structure.member(&name)?;
                Some((name, without_unknown_members(member.shape, value)))
            });
            Value::Object(known.collect())
        }
        (Shape::List { member, .. }, Value::Array(items)) => {
            items.into_iter().map(|item| without_unknown_members(member, item)).collect()
        }
        (_, value) => value,
    }
}

fn assert_readable(operation_name: &str, shape: &Shape, document: Value, seed: u64) {
    let (_, read) = REQUESTS.iter().find(|(name, _)| *name == operation_name).unwrap();
    let result = read(without_unknown_members(shape, document));
    assert!(result.is_ok(), "seed {seed}, {operation_name}: {result:?}");
}

#[test]
fn no_document_upsets_validation_and_what_passes_can_be_read() {
    let (mut accepted, mut refused, mut mistyped) = (0, 0, 0);
    for seed in 1..=300u64 {
        let mut random = Random(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        for operation in operations() {
            let (name, shape) = (operation.name, Shape::Structure(operation.input));
            let document = random.value(&shape);
            let result = validate(operation.input, &document);
            let length = result.as_ref().err().map_or(0, |error| error.message().len());
            assert!(length < 32 * 1024, "seed {seed}, {name}: {length} bytes of error");
            match result {
                Ok(()) => {
                    accepted += 1;
                    assert_readable(name, &shape, document, seed);
                }
                Err(InvalidInput::Constraint(_)) => refused += 1,
                Err(InvalidInput::Serialization(_)) => mistyped += 1,
            }
        }
    }
    assert!(accepted.min(refused).min(mistyped) > 1000, "{accepted} {refused} {mistyped}");
}

// --- Responses ---

fn key_id() -> KeyId {
    KeyId::from_random([7; 16])
}

fn region() -> Region {
    Region::parse("us-east-1").unwrap()
}

fn account() -> AccountId {
    AccountId::parse("111122223333").unwrap()
}

fn key_arn() -> KeyArn {
    KeyArn::new(region(), account(), key_id())
}

fn time() -> Timestamp {
    Timestamp::from_millis(1_593_893_322_320)
}

fn store_id() -> CustomKeyStoreId {
    CustomKeyStoreId::from_random([7; 9])
}

fn blob() -> Blob {
    Blob::from(vec![1, 2, 3])
}

fn text() -> String {
    "x".repeat(64)
}

fn principal() -> String {
    "arn:aws:iam::111122223333:root".into()
}

fn material() -> Option<String> {
    Some("0".repeat(64))
}

fn tag() -> Tag {
    Tag { tag_key: "a".into(), tag_value: String::new() }
}

fn alias() -> AliasListEntry {
    let alias_name = AliasName::parse("alias/a").unwrap();
    AliasListEntry {
        alias_arn: AliasArn::new(region(), account(), alias_name.clone()),
        alias_name,
        target_key_id: Some(key_id()),
        creation_date: Some(time()),
        last_updated_date: Some(time()),
    }
}

fn rotation() -> RotationsListEntry {
    RotationsListEntry {
        key_id: key_id(),
        key_material_id: material(),
        key_material_description: Some("first".into()),
        import_state: Some(ImportState::Imported),
        key_material_state: Some(KeyMaterialState::Current),
        expiration_model: Some(ExpirationModelType::KeyMaterialExpires),
        valid_to: Some(time()),
        rotation_date: Some(time()),
        rotation_type: Some(RotationType::OnDemand),
    }
}

fn key_metadata() -> KeyMetadata {
    let related = MultiRegionKey { arn: key_arn(), region: region() };
    KeyMetadata {
        aws_account_id: account(),
        key_id: key_id(),
        arn: key_arn(),
        creation_date: time(),
        enabled: true,
        description: String::new(),
        key_usage: KeyUsageType::EncryptDecrypt,
        key_state: KeyState::Enabled,
        deletion_date: Some(time()),
        valid_to: Some(time()),
        origin: OriginType::ExternalKeyStore,
        custom_key_store_id: Some(store_id()),
        cloud_hsm_cluster_id: Some("cluster-2a2b3c4d5e6".into()),
        expiration_model: Some(ExpirationModelType::KeyMaterialExpires),
        key_manager: KeyManagerType::Customer,
        customer_master_key_spec: KeySpec::SymmetricDefault,
        key_spec: KeySpec::SymmetricDefault,
        encryption_algorithms: Some(vec![EncryptionAlgorithmSpec::SymmetricDefault]),
        signing_algorithms: Some(vec![SigningAlgorithmSpec::EcdsaSha256]),
        key_agreement_algorithms: Some(vec![KeyAgreementAlgorithmSpec::Ecdh]),
        multi_region: false,
        multi_region_configuration: Some(MultiRegionConfiguration {
            multi_region_key_type: MultiRegionKeyType::Primary,
            primary_key: related.clone(),
            replica_keys: vec![related],
        }),
        pending_deletion_window_in_days: Some(7),
        mac_algorithms: Some(vec![MacAlgorithmSpec::HmacSha256]),
        xks_key_configuration: Some(XksKeyConfiguration { id: "k".into() }),
        current_key_material_id: material(),
    }
}

fn key_store() -> CustomKeyStoresListEntry {
    CustomKeyStoresListEntry {
        custom_key_store_id: store_id(),
        custom_key_store_name: text(),
        cloud_hsm_cluster_id: Some("cluster-2a2b3c4d5e6".into()),
        trust_anchor_certificate: Some(text()),
        connection_state: ConnectionStateType::Failed,
        connection_error_code: Some(ConnectionErrorCodeType::XksProxyTimedOut),
        creation_date: time(),
        custom_key_store_type: CustomKeyStoreType::ExternalKeyStore,
        xks_proxy_configuration: Some(XksProxyConfiguration {
            connectivity: XksProxyConnectivity::VpcEndpointService,
            access_key_id: "ABCDEFGHIJKLMNOPQRST".into(),
            uri_endpoint: "https://proxy.example".into(),
            uri_path: "/kms/xks/v1".into(),
            vpc_endpoint_service_name: Some("com.amazonaws.vpce.us-east-1.vpce-svc-0123".into()),
            vpc_endpoint_service_owner: Some("111122223333".into()),
        }),
    }
}

/// The value holds exactly the members of the shape, all the way down, and keeps their constraints.
fn assert_all_members(shape: &Shape, value: &Value, at: &str) {
    match shape {
        Shape::Structure(structure) => {
            let expected: BTreeSet<_> = structure.members.iter().map(|member| member.name).collect();
            let found: BTreeSet<_> = value.as_object().unwrap().keys().map(String::as_str).collect();
            assert_eq!(found, expected, "{at}");
            assert_eq!(validate(structure, value), Ok(()), "{at}");
            for member in structure.members {
                assert_all_members(member.shape, &value[member.name], &format!("{at}.{}", member.name));
            }
        }
        Shape::List { member, .. } => {
            for item in value.as_array().unwrap() {
                assert_all_members(member, item, at);
            }
        }
        _ => {}
    }
}

/// A full response: every member is there.
fn full(response: impl Serialize) -> Value {
    serde_json::to_value(response).unwrap()
}

fn grants_page() -> ListGrantsResponse {
    let pairs = || Some(EncryptionContext::from([("a".to_owned(), "b".to_owned())]));
    let grant = GrantListEntry {
        key_id: key_arn(),
        grant_id: text(),
        name: "name".into(),
        creation_date: time(),
        grantee_principal: principal(),
        retiring_principal: Some(principal()),
        issuing_account: principal(),
        operations: vec![GrantOperation::Decrypt],
        constraints: Some(GrantConstraints { encryption_context_subset: pairs(), encryption_context_equals: pairs() }),
    };
    ListGrantsResponse { grants: vec![grant], next_marker: Some(text()), truncated: true }
}

/// Makes a full response.
type Maker = fn() -> Value;

/// Every operation that answers with members.
const RESPONSES: &[(&str, Maker)] = &[
    ("CancelKeyDeletion", || full(CancelKeyDeletionResponse { key_id: key_arn() })),
    ("CreateCustomKeyStore", || full(CreateCustomKeyStoreResponse { custom_key_store_id: store_id() })),
    ("CreateGrant", || full(CreateGrantResponse { grant_token: text(), grant_id: text() })),
    ("CreateKey", || full(CreateKeyResponse { key_metadata: key_metadata() })),
    ("Decrypt", || {
        full(DecryptResponse {
            key_id: key_arn(),
            plaintext: Some(blob()),
            encryption_algorithm: EncryptionAlgorithmSpec::SymmetricDefault,
            ciphertext_for_recipient: Some(blob()),
            key_material_id: material(),
        })
    }),
    ("DeleteImportedKeyMaterial", || {
        full(DeleteImportedKeyMaterialResponse { key_id: key_arn(), key_material_id: material() })
    }),
    ("DeriveSharedSecret", || {
        full(DeriveSharedSecretResponse {
            key_id: key_arn(),
            shared_secret: Some(blob()),
            ciphertext_for_recipient: Some(blob()),
            key_agreement_algorithm: KeyAgreementAlgorithmSpec::Ecdh,
            key_origin: OriginType::AwsKms,
        })
    }),
    ("DescribeCustomKeyStores", || {
        full(DescribeCustomKeyStoresResponse {
            custom_key_stores: vec![key_store()],
            next_marker: Some(text()),
            truncated: true,
        })
    }),
    ("DescribeKey", || full(DescribeKeyResponse { key_metadata: key_metadata() })),
    ("Encrypt", || {
        full(EncryptResponse {
            ciphertext_blob: blob(),
            key_id: key_arn(),
            encryption_algorithm: EncryptionAlgorithmSpec::SymmetricDefault,
        })
    }),
    ("GenerateDataKey", || {
        full(GenerateDataKeyResponse {
            ciphertext_blob: blob(),
            plaintext: Some(blob()),
            key_id: key_arn(),
            ciphertext_for_recipient: Some(blob()),
            key_material_id: material(),
        })
    }),
    ("GenerateDataKeyPair", || {
        full(GenerateDataKeyPairResponse {
            private_key_ciphertext_blob: blob(),
            private_key_plaintext: Some(blob()),
            public_key: blob(),
            key_id: key_arn(),
            key_pair_spec: DataKeyPairSpec::EccNistP256,
            ciphertext_for_recipient: Some(blob()),
            key_material_id: material(),
        })
    }),
    ("GenerateDataKeyPairWithoutPlaintext", || {
        full(GenerateDataKeyPairWithoutPlaintextResponse {
            private_key_ciphertext_blob: blob(),
            public_key: blob(),
            key_id: key_arn(),
            key_pair_spec: DataKeyPairSpec::EccNistP256,
            key_material_id: material(),
        })
    }),
    ("GenerateDataKeyWithoutPlaintext", || {
        full(GenerateDataKeyWithoutPlaintextResponse {
            ciphertext_blob: blob(),
            key_id: key_arn(),
            key_material_id: material(),
        })
    }),
    ("GenerateMac", || {
        full(GenerateMacResponse { mac: blob(), mac_algorithm: MacAlgorithmSpec::HmacSha256, key_id: key_arn() })
    }),
    ("GenerateRandom", || {
        full(GenerateRandomResponse { plaintext: Some(blob()), ciphertext_for_recipient: Some(blob()) })
    }),
    ("GetKeyLastUsage", || {
        full(GetKeyLastUsageResponse {
            key_id: key_arn(),
            key_last_usage: KeyLastUsageData {
                operation: Some(KeyLastUsageTrackingOperation::Encrypt),
                timestamp: Some(time()),
                cloud_trail_event_id: Some(text()),
                kms_request_id: Some(text()),
            },
            tracking_start_date: time(),
            key_creation_date: time(),
        })
    }),
    ("GetKeyPolicy", || full(GetKeyPolicyResponse { policy: "{}".into(), policy_name: "default".into() })),
    ("GetKeyRotationStatus", || {
        full(GetKeyRotationStatusResponse {
            key_rotation_enabled: true,
            key_id: key_id(),
            rotation_period_in_days: Some(365),
            next_rotation_date: Some(time()),
            on_demand_rotation_start_date: Some(time()),
        })
    }),
    ("GetParametersForImport", || {
        full(GetParametersForImportResponse {
            key_id: key_arn(),
            import_token: blob(),
            public_key: blob(),
            parameters_valid_to: time(),
        })
    }),
    ("GetPublicKey", || {
        full(GetPublicKeyResponse {
            key_id: key_arn(),
            public_key: blob(),
            customer_master_key_spec: KeySpec::EccNistP256,
            key_spec: KeySpec::EccNistP256,
            key_usage: KeyUsageType::SignVerify,
            encryption_algorithms: Some(vec![EncryptionAlgorithmSpec::RsaesOaepSha256]),
            signing_algorithms: Some(vec![SigningAlgorithmSpec::EcdsaSha256]),
            key_agreement_algorithms: Some(vec![KeyAgreementAlgorithmSpec::Ecdh]),
        })
    }),
    ("ImportKeyMaterial", || full(ImportKeyMaterialResponse { key_id: key_arn(), key_material_id: material() })),
    ("ListAliases", || {
        full(ListAliasesResponse { aliases: vec![alias()], next_marker: Some(text()), truncated: true })
    }),
    ("ListGrants", || full(grants_page())),
    ("ListKeyPolicies", || {
        full(ListKeyPoliciesResponse {
            policy_names: vec!["default".into()],
            next_marker: Some(text()),
            truncated: true,
        })
    }),
    ("ListKeyRotations", || {
        full(ListKeyRotationsResponse { rotations: vec![rotation()], next_marker: Some(text()), truncated: true })
    }),
    ("ListKeys", || {
        full(ListKeysResponse {
            keys: vec![KeyListEntry { key_id: key_id(), key_arn: key_arn() }],
            next_marker: Some(text()),
            truncated: true,
        })
    }),
    ("ListResourceTags", || {
        full(ListResourceTagsResponse { tags: vec![tag()], next_marker: Some(text()), truncated: true })
    }),
    ("ListRetirableGrants", || full(grants_page())),
    ("ReEncrypt", || {
        full(ReEncryptResponse {
            ciphertext_blob: blob(),
            source_key_id: key_arn(),
            key_id: key_arn(),
            source_encryption_algorithm: EncryptionAlgorithmSpec::SymmetricDefault,
            destination_encryption_algorithm: EncryptionAlgorithmSpec::SymmetricDefault,
            source_key_material_id: material(),
            destination_key_material_id: material(),
        })
    }),
    ("ReplicateKey", || {
        full(ReplicateKeyResponse {
            replica_key_metadata: key_metadata(),
            replica_policy: "{}".into(),
            replica_tags: vec![tag()],
        })
    }),
    ("RotateKeyOnDemand", || full(RotateKeyOnDemandResponse { key_id: key_arn() })),
    ("ScheduleKeyDeletion", || {
        full(ScheduleKeyDeletionResponse {
            key_id: key_arn(),
            deletion_date: Some(time()),
            key_state: KeyState::PendingDeletion,
            pending_window_in_days: 30,
        })
    }),
    ("Sign", || {
        full(SignResponse {
            key_id: key_arn(),
            signature: blob(),
            signing_algorithm: SigningAlgorithmSpec::EcdsaSha256,
        })
    }),
    ("Verify", || {
        full(VerifyResponse {
            key_id: key_arn(),
            signature_valid: true,
            signing_algorithm: SigningAlgorithmSpec::EcdsaSha256,
        })
    }),
    ("VerifyMac", || {
        full(VerifyMacResponse { key_id: key_arn(), mac_valid: true, mac_algorithm: MacAlgorithmSpec::HmacSha256 })
    }),
];

#[test]
fn full_responses_hold_every_member_of_the_model() {
    let answering = operations().iter().filter(|operation| success_body(operation) == SuccessBody::Object);
    let expected: Vec<_> = answering.map(|operation| operation.name).collect();
    let found: Vec<_> = RESPONSES.iter().map(|(name, _)| *name).collect();
    assert_eq!(found, expected);
    for (name, make) in RESPONSES {
        let output = operation(name).unwrap().output.unwrap();
        assert_all_members(&Shape::Structure(output), &make(), name);
    }
}

#[test]
fn absent_members_are_left_out() {
    let response = DecryptResponse {
        key_id: key_arn(),
        plaintext: Some(blob()),
        encryption_algorithm: EncryptionAlgorithmSpec::SymmetricDefault,
        ciphertext_for_recipient: None,
        key_material_id: None,
    };
    let expected = json!({
        "KeyId": "arn:aws:kms:us-east-1:111122223333:key/07070707-0707-4707-8707-070707070707",
        "Plaintext": "AQID",
        "EncryptionAlgorithm": "SYMMETRIC_DEFAULT",
    });
    assert_eq!(serde_json::to_value(&response).unwrap(), expected);
    let page = ListKeysResponse { keys: vec![], next_marker: None, truncated: false };
    assert_eq!(serde_json::to_value(&page).unwrap(), json!({"Keys": [], "Truncated": false}));
    let response = GetKeyLastUsageResponse {
        key_id: key_arn(),
        key_last_usage: KeyLastUsageData::default(),
        tracking_start_date: time(),
        key_creation_date: time(),
    };
    assert_eq!(serde_json::to_value(&response).unwrap()["KeyLastUsage"], json!({}));
    assert_eq!(serde_json::to_value(GrantConstraints::default()).unwrap(), json!({}));
}

// --- Enums ---

/// The values of an enum of the model: one text for each variant, both ways.
fn assert_enum<T>(name: &str, shape: &Shape, all: &[T]) -> &'static [&'static str]
where
    T: Copy + Debug + Display + Eq + FromStr<Err = UnknownValue> + Serialize + DeserializeOwned,
{
    let Shape::Enum { values } = shape else { panic!("{name} is no enum") };
    let texts: Vec<_> = all.iter().map(ToString::to_string).collect();
    assert_eq!(texts, *values, "{name}");
    for value in all {
        let text = value.to_string();
        assert_eq!(text.parse(), Ok(*value));
        assert_eq!(serde_json::to_value(value).unwrap(), text);
        assert_eq!(serde_json::from_value::<T>(text.into()).unwrap(), *value);
    }
    let error = "?".parse::<T>().unwrap_err();
    assert_eq!(error.expected, name);
    values
}

/// The values of every enum in the shape, all the way down.
fn collect_enums(shape: &Shape, found: &mut BTreeSet<&'static [&'static str]>) {
    match shape {
        Shape::Enum { values } => {
            found.insert(values);
        }
        Shape::Structure(structure) => structure.members.iter().for_each(|member| collect_enums(member.shape, found)),
        Shape::List { member, .. } => collect_enums(member, found),
        Shape::Map { key, value, .. } => [key, value].into_iter().for_each(|shape| collect_enums(shape, found)),
        Shape::String { .. } | Shape::Blob { .. } | Shape::Integer { .. } | Shape::Boolean | Shape::Timestamp => {}
    }
}

#[test]
fn every_enum_of_the_model_has_its_type_with_the_same_values() {
    let mut found = BTreeSet::new();
    for operation in operations() {
        for structure in [Some(operation.input), operation.output].into_iter().flatten() {
            collect_enums(&Shape::Structure(structure), &mut found);
        }
    }
    macro_rules! check {
        ($($name:ident $table:ident),+ $(,)?) => {$(
            let values = assert_enum(stringify!($name), &generated::$table, $name::ALL);
            assert!(found.remove(values), "{} is in no operation", stringify!($name));
        )+};
    }
    check!(
        AlgorithmSpec ALGORITHM_SPEC,
        ConnectionErrorCodeType CONNECTION_ERROR_CODE_TYPE,
        ConnectionStateType CONNECTION_STATE_TYPE,
        CustomKeyStoreType CUSTOM_KEY_STORE_TYPE,
        DataKeyPairSpec DATA_KEY_PAIR_SPEC,
        DataKeySpec DATA_KEY_SPEC,
        DryRunModifierType DRY_RUN_MODIFIER_TYPE,
        EncryptionAlgorithmSpec ENCRYPTION_ALGORITHM_SPEC,
        ExpirationModelType EXPIRATION_MODEL_TYPE,
        GrantOperation GRANT_OPERATION,
        ImportState IMPORT_STATE,
        ImportType IMPORT_TYPE,
        IncludeKeyMaterial INCLUDE_KEY_MATERIAL,
        KeyAgreementAlgorithmSpec KEY_AGREEMENT_ALGORITHM_SPEC,
        KeyEncryptionMechanism KEY_ENCRYPTION_MECHANISM,
        KeyLastUsageTrackingOperation KEY_LAST_USAGE_TRACKING_OPERATION,
        KeyManagerType KEY_MANAGER_TYPE,
        KeyMaterialState KEY_MATERIAL_STATE,
        KeySpec KEY_SPEC,
        KeyState KEY_STATE,
        KeyUsageType KEY_USAGE_TYPE,
        MacAlgorithmSpec MAC_ALGORITHM_SPEC,
        MessageType MESSAGE_TYPE,
        MultiRegionKeyType MULTI_REGION_KEY_TYPE,
        OriginType ORIGIN_TYPE,
        RotationType ROTATION_TYPE,
        SigningAlgorithmSpec SIGNING_ALGORITHM_SPEC,
        WrappingKeySpec WRAPPING_KEY_SPEC,
        XksProxyConnectivity XKS_PROXY_CONNECTIVITY_TYPE,
    );
    // What is left is the deprecated enum, whose values are key specs.
    let Shape::Enum { values } = &generated::CUSTOMER_MASTER_KEY_SPEC else { panic!("no enum") };
    assert_eq!(found.into_iter().collect::<Vec<_>>(), [*values]);
    assert!(values.iter().all(|value| value.parse::<KeySpec>().is_ok()));
}
