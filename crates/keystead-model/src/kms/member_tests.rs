//! Every request, response and enum against the generated tables.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

use std::collections::BTreeSet;
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value, json};

use super::*;
use crate::arn::{AccountId, AliasArn, AliasName, CustomKeyStoreId, KeyArn, KeyId, Region};
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
    ("CreateKey", reader::<CreateKeyRequest>),
    ("Decrypt", reader::<DecryptRequest>),
    ("DeleteAlias", reader::<DeleteAliasRequest>),
    ("DeleteCustomKeyStore", reader::<DeleteCustomKeyStoreRequest>),
    ("DescribeCustomKeyStores", reader::<DescribeCustomKeyStoresRequest>),
    ("DescribeKey", reader::<DescribeKeyRequest>),
    ("DisableKey", reader::<DisableKeyRequest>),
    ("DisconnectCustomKeyStore", reader::<DisconnectCustomKeyStoreRequest>),
    ("EnableKey", reader::<EnableKeyRequest>),
    ("Encrypt", reader::<EncryptRequest>),
    ("GenerateDataKey", reader::<GenerateDataKeyRequest>),
    ("GenerateDataKeyWithoutPlaintext", reader::<GenerateDataKeyWithoutPlaintextRequest>),
    ("GenerateRandom", reader::<GenerateRandomRequest>),
    ("ListAliases", reader::<ListAliasesRequest>),
    ("ListKeys", reader::<ListKeysRequest>),
    ("ListResourceTags", reader::<ListResourceTagsRequest>),
    ("ReEncrypt", reader::<ReEncryptRequest>),
    ("ScheduleKeyDeletion", reader::<ScheduleKeyDeletionRequest>),
    ("TagResource", reader::<TagResourceRequest>),
    ("UntagResource", reader::<UntagResourceRequest>),
    ("UpdateAlias", reader::<UpdateAliasRequest>),
    ("UpdateCustomKeyStore", reader::<UpdateCustomKeyStoreRequest>),
    ("UpdateKeyDescription", reader::<UpdateKeyDescriptionRequest>),
];

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
    if let Some((_, read)) = REQUESTS.iter().find(|(name, _)| *name == operation_name) {
        let result = read(without_unknown_members(shape, document));
        assert!(result.is_ok(), "seed {seed}, {operation_name}: {result:?}");
    }
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
        current_key_material_id: Some("0".repeat(64)),
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

fn assert_response(operation_name: &str, response: impl Serialize) {
    let output = operation(operation_name).unwrap().output.unwrap();
    let value = serde_json::to_value(response).unwrap();
    // KMS key material ids and the like are checked with the members.
    assert_all_members(&Shape::Structure(output), &value, operation_name);
}

#[test]
fn full_responses_hold_every_member_of_the_model() {
    let algorithm = EncryptionAlgorithmSpec::SymmetricDefault;
    let material = || Some("0".repeat(64));
    assert_response("CreateKey", CreateKeyResponse { key_metadata: key_metadata() });
    assert_response("DescribeKey", DescribeKeyResponse { key_metadata: key_metadata() });
    assert_response("CancelKeyDeletion", CancelKeyDeletionResponse { key_id: key_arn() });
    assert_response("CreateCustomKeyStore", CreateCustomKeyStoreResponse { custom_key_store_id: store_id() });
    let custom_key_stores = vec![key_store()];
    let (next_marker, truncated) = (Some(text()), true);
    assert_response(
        "DescribeCustomKeyStores",
        DescribeCustomKeyStoresResponse { custom_key_stores, next_marker: next_marker.clone(), truncated },
    );
    let keys = vec![KeyListEntry { key_id: key_id(), key_arn: key_arn() }];
    assert_response("ListKeys", ListKeysResponse { keys, next_marker: next_marker.clone(), truncated });
    let tags = vec![Tag { tag_key: "a".into(), tag_value: String::new() }];
    assert_response("ListResourceTags", ListResourceTagsResponse { tags, next_marker: next_marker.clone(), truncated });
    let alias_name = AliasName::parse("alias/a").unwrap();
    let aliases = vec![AliasListEntry {
        alias_arn: AliasArn::new(region(), account(), alias_name.clone()),
        alias_name,
        target_key_id: Some(key_id()),
        creation_date: Some(time()),
        last_updated_date: Some(time()),
    }];
    assert_response("ListAliases", ListAliasesResponse { aliases, next_marker, truncated });
    assert_response(
        "ScheduleKeyDeletion",
        ScheduleKeyDeletionResponse {
            key_id: key_arn(),
            deletion_date: Some(time()),
            key_state: KeyState::PendingDeletion,
            pending_window_in_days: 30,
        },
    );
    assert_response(
        "Encrypt",
        EncryptResponse { ciphertext_blob: blob(), key_id: key_arn(), encryption_algorithm: algorithm },
    );
    assert_response(
        "Decrypt",
        DecryptResponse {
            key_id: key_arn(),
            plaintext: Some(blob()),
            encryption_algorithm: algorithm,
            ciphertext_for_recipient: Some(blob()),
            key_material_id: material(),
        },
    );
    assert_response(
        "ReEncrypt",
        ReEncryptResponse {
            ciphertext_blob: blob(),
            source_key_id: key_arn(),
            key_id: key_arn(),
            source_encryption_algorithm: algorithm,
            destination_encryption_algorithm: algorithm,
            source_key_material_id: material(),
            destination_key_material_id: material(),
        },
    );
    assert_response(
        "GenerateDataKey",
        GenerateDataKeyResponse {
            ciphertext_blob: blob(),
            plaintext: Some(blob()),
            key_id: key_arn(),
            ciphertext_for_recipient: Some(blob()),
            key_material_id: material(),
        },
    );
    assert_response(
        "GenerateDataKeyWithoutPlaintext",
        GenerateDataKeyWithoutPlaintextResponse {
            ciphertext_blob: blob(),
            key_id: key_arn(),
            key_material_id: material(),
        },
    );
    assert_response(
        "GenerateRandom",
        GenerateRandomResponse { plaintext: Some(blob()), ciphertext_for_recipient: Some(blob()) },
    );
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
}

// --- Enums ---

#[test]
fn enums_have_the_values_of_the_model() {
    macro_rules! check {
        ($($name:ident $table:ident),+ $(,)?) => {$({
            let Shape::Enum { values } = &generated::$table else { panic!("{} is no enum", stringify!($table)) };
            let texts: Vec<_> = $name::ALL.iter().map(|value| value.as_str()).collect();
            assert_eq!(texts, *values, "{}", stringify!($name));
            for value in $name::ALL {
                assert_eq!(value.as_str().parse(), Ok(*value));
                assert_eq!(serde_json::to_value(value).unwrap(), value.to_string());
                assert_eq!(serde_json::from_value::<$name>(value.as_str().into()).unwrap(), *value);
            }
            assert_eq!("?".parse::<$name>(), Err(UnknownValue { expected: stringify!($name) }));
        })+};
    }
    check!(
        CustomKeyStoreType CUSTOM_KEY_STORE_TYPE,
        XksProxyConnectivity XKS_PROXY_CONNECTIVITY_TYPE,
        ConnectionStateType CONNECTION_STATE_TYPE,
        ConnectionErrorCodeType CONNECTION_ERROR_CODE_TYPE,
        DataKeySpec DATA_KEY_SPEC,
        EncryptionAlgorithmSpec ENCRYPTION_ALGORITHM_SPEC,
        DryRunModifierType DRY_RUN_MODIFIER_TYPE,
        OriginType ORIGIN_TYPE,
        KeySpec KEY_SPEC,
        KeyUsageType KEY_USAGE_TYPE,
        KeyState KEY_STATE,
        KeyManagerType KEY_MANAGER_TYPE,
        ExpirationModelType EXPIRATION_MODEL_TYPE,
        SigningAlgorithmSpec SIGNING_ALGORITHM_SPEC,
        MacAlgorithmSpec MAC_ALGORITHM_SPEC,
        KeyAgreementAlgorithmSpec KEY_AGREEMENT_ALGORITHM_SPEC,
        MultiRegionKeyType MULTI_REGION_KEY_TYPE,
    );
}
