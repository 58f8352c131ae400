//! Records to store. The numbers make them differ.

use std::collections::BTreeMap;

use keystead_core::access::{AccessKey, AccessKeyStatus, Account, User};
use keystead_core::key::{
    Alias, Grant, GrantConstraints, GrantId, Import, Key, KeyLastUsage, KeyMaterialRecord, KeyOrigin, KeyStatus,
    MaterialId, MaterialState, MultiRegion, RotationSettings,
};
use keystead_core::key_store::{
    CloudHsmKeyStore, ConnectionState, CustomKeyStore, CustomKeyStoreKind, ExternalKeyStore,
};
use keystead_core::port::{BackingKeyId, Document, DocumentKind, PendingBackingKey, Store};
use keystead_core::sealing::Sealed;
use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, AliasName, CustomKeyStoreId, KeyId, Region};
use keystead_model::kms::{
    EncryptionContext, GrantOperation, KeySpec, KeyUsageType, MultiRegionKeyType, Tag, XksProxyConnectivity,
};

/// A quota that nothing reaches.
pub const AMPLE: u64 = 1_000_000;

/// Seconds after some moment in 2026.
pub fn at(second: i64) -> Timestamp {
    Timestamp::from_millis(1_790_000_000_000 + second * 1_000)
}

pub fn account_id(number: u64) -> AccountId {
    AccountId::parse(&format!("{number:012}")).unwrap()
}

pub fn region(name: &str) -> Region {
    Region::parse(name).unwrap()
}

pub fn home() -> Region {
    region("us-east-1")
}

pub fn account(number: u64) -> Account {
    Account::new(account_id(number), format!("account {number}"), at(1))
}

pub fn user(account: u64, user_name: &str) -> User {
    let user_id = format!("AIDA{}", user_name.to_uppercase());
    User::new(account_id(account), "/".to_owned(), user_name.to_owned(), user_id, at(2))
}

/// An access key of a user, or of the account's root user.
pub fn access_key(id: &str, account: u64, user: Option<&User>) -> AccessKey {
    AccessKey {
        access_key_id: id.to_owned(),
        account: account_id(account),
        user_name: user.map(|user| user.user_name.clone()),
        user_id: user.map(|user| user.user_id.clone()),
        sealed_secret: sealed(3),
        status: AccessKeyStatus::Active,
        created: at(3),
        expires: None,
    }
}

pub fn sealed(byte: u8) -> Sealed {
    Sealed::from_bytes(vec![byte; 61])
}

pub fn key_id(number: u32) -> KeyId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    KeyId::from_random(bytes)
}

/// A key of account 1 in the home Region.
pub fn key(number: u32) -> Key {
    Key {
        account: account_id(1),
        region: home(),
        id: key_id(number),
        created: at(4),
        description: format!("key {number}"),
        spec: KeySpec::SymmetricDefault,
        usage: KeyUsageType::EncryptDecrypt,
        origin: KeyOrigin::AwsKms,
        multi_region: None,
        status: KeyStatus::Enabled,
        transition: None,
        policy: r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(),
        policy_principals: BTreeMap::new(),
        tags: Vec::new(),
        materials: vec![material(9)],
        rotation: RotationSettings::default(),
        revision: 1,
    }
}

pub fn material_id(number: u8) -> MaterialId {
    MaterialId::from_bytes([number; 32])
}

/// A material that is current and was not imported.
pub fn material(number: u8) -> KeyMaterialRecord {
    KeyMaterialRecord::first(material_id(number), Some(sealed(number)))
}

/// A material in another state.
pub fn material_in(number: u8, state: MaterialState) -> KeyMaterialRecord {
    KeyMaterialRecord { state, ..material(number) }
}

/// A material that was imported and expires after so many seconds.
pub fn imported(number: u8, valid_to: Option<i64>) -> KeyMaterialRecord {
    let import = Import { valid_to: valid_to.map(at), description: Some(format!("import {number}")) };
    KeyMaterialRecord { import: Some(import), ..material(number) }
}

/// A key of origin EXTERNAL with these materials.
pub fn imported_key(number: u32, materials: Vec<KeyMaterialRecord>) -> Key {
    Key { origin: KeyOrigin::External, materials, ..key(number) }
}

pub fn multi_region_key_id(number: u32) -> KeyId {
    let mut bytes = [0; 16];
    bytes[..4].copy_from_slice(&number.to_be_bytes());
    KeyId::from_random_multi_region(bytes)
}

/// A primary key in the home Region that has no replicas yet.
pub fn primary_key(number: u32) -> Key {
    Key { id: multi_region_key_id(number), multi_region: Some(MultiRegion::new_primary(home())), ..key(number) }
}

/// What the related keys tell of their set.
pub fn place(key_type: MultiRegionKeyType, primary: &str, replicas: &[&str]) -> Option<MultiRegion> {
    let replica_regions = replicas.iter().map(|name| region(name)).collect();
    Some(MultiRegion { key_type, primary_region: region(primary), replica_regions })
}

/// A replica of a key. Where the others are is for the store to tell.
pub fn replica_key(primary: &Key, region_name: &str) -> Key {
    Key {
        region: region(region_name),
        multi_region: place(MultiRegionKeyType::Replica, "us-east-1", &[]),
        description: format!("replica in {region_name}"),
        policy: "of the replica".to_owned(),
        policy_principals: principals(&[("arn:aws:iam::000000000001:user/of-the-replica", "AIDAOFTHEREPLICA")]),
        revision: 1,
        ..primary.clone()
    }
}

/// Reads a key that is there.
pub async fn stored(store: &dyn Store, region: &Region, id: &KeyId) -> Key {
    store.key(region, id).await.unwrap().unwrap()
}

/// Adds a replica to a key that is there.
pub async fn replicate(store: &dyn Store, id: &KeyId, region_name: &str) {
    let primary = stored(store, &home(), id).await;
    store.insert_replica(&primary, &replica_key(&primary, region_name), AMPLE).await.unwrap();
}

pub fn grant_id(number: u8) -> GrantId {
    GrantId::from_bytes([number; 32])
}

/// A grant without a name on a key.
pub fn grant(number: u8, key: &Key) -> Grant {
    Grant {
        key_account: key.account,
        region: key.region.clone(),
        key_id: key.id,
        id: grant_id(number),
        name: None,
        grantee_principal: "arn:aws:iam::000000000001:role/grantee".to_owned(),
        grantee_id: None,
        retiring_principal: None,
        retiring_principal_id: None,
        issuing_account: "arn:aws:iam::000000000001:root".to_owned(),
        operations: vec![GrantOperation::Decrypt, GrantOperation::Encrypt],
        constraints: GrantConstraints::default(),
        created: at(i64::from(number)),
    }
}

/// ARNs and unique IDs.
pub fn principals(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(arn, id)| ((*arn).to_owned(), (*id).to_owned())).collect()
}

pub fn encryption_context(pairs: &[(&str, &str)]) -> EncryptionContext {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

/// A use of a key at so many seconds.
pub fn last_usage(key: &Key, operation: &str, second: i64) -> KeyLastUsage {
    KeyLastUsage {
        region: key.region.clone(),
        key_id: key.id,
        operation: operation.parse().unwrap(),
        timestamp: at(second),
        event_id: format!("event of {operation} at {second}"),
        request_id: format!("request of {operation} at {second}"),
    }
}

/// A key in an external key store.
pub fn external_key(number: u32, key_store: &CustomKeyStore, xks_key_id: &str) -> Key {
    let origin =
        KeyOrigin::ExternalKeyStore { custom_key_store_id: key_store.id.clone(), xks_key_id: xks_key_id.to_owned() };
    Key { origin, ..key(number) }
}

pub fn tag(key: &str, value: &str) -> Tag {
    Tag { tag_key: key.to_owned(), tag_value: value.to_owned() }
}

pub fn alias_name(name: &str) -> AliasName {
    AliasName::parse(&format!("alias/{name}")).unwrap()
}

/// An alias of a key of account 1 in the home Region.
pub fn alias(name: &str, key: &Key) -> Alias {
    Alias {
        account: key.account,
        region: key.region.clone(),
        name: alias_name(name),
        target_key_id: key.id,
        created: at(5),
        last_updated: at(5),
        revision: 1,
    }
}

pub fn key_store_id(number: u8) -> CustomKeyStoreId {
    CustomKeyStoreId::from_random([number, 0, 0, 0, 0, 0, 0, 0, 0])
}

/// An external key store of account 1 in the home Region.
pub fn key_store(number: u8) -> CustomKeyStore {
    CustomKeyStore {
        account: account_id(1),
        region: home(),
        id: key_store_id(number),
        name: format!("key store {number}"),
        created: at(6),
        kind: CustomKeyStoreKind::External(proxy(number)),
        connection: ConnectionState::Connected,
        revision: 1,
    }
}

/// The proxy of an external key store.
pub fn proxy(number: u8) -> ExternalKeyStore {
    ExternalKeyStore {
        connectivity: XksProxyConnectivity::PublicEndpoint,
        uri_endpoint: format!("https://Proxy{number}.example.com"),
        uri_path: "/kms/xks/v1".to_owned(),
        access_key_id: "ABCDEFGHIJKLMNOPQRST".to_owned(),
        sealed_secret_access_key: sealed(8),
        credential_set: at(6),
    }
}

/// The cluster of an AWS CloudHSM key store.
pub fn cluster(number: u8) -> CloudHsmKeyStore {
    CloudHsmKeyStore {
        cluster_id: format!("cluster-{number:011}"),
        trust_anchor: format!("anchor {number}"),
        cluster_certificate: format!("certificate {number}"),
        sealed_passwords: sealed(number),
    }
}

/// An AWS CloudHSM key store of account 1 in the home Region.
pub fn cloudhsm_key_store(number: u8) -> CustomKeyStore {
    CustomKeyStore { kind: CustomKeyStoreKind::CloudHsm(cluster(number)), ..key_store(number) }
}

/// The same with another cluster.
pub fn over(key_store: &CustomKeyStore, cluster: CloudHsmKeyStore) -> CustomKeyStore {
    CustomKeyStore { kind: CustomKeyStoreKind::CloudHsm(cluster), ..key_store.clone() }
}

/// The same behind another proxy.
pub fn behind(key_store: &CustomKeyStore, proxy: ExternalKeyStore) -> CustomKeyStore {
    CustomKeyStore { kind: CustomKeyStoreKind::External(proxy), ..key_store.clone() }
}

pub fn backing_key_id(number: u8) -> BackingKeyId {
    BackingKeyId::from_bytes([number; 16])
}

/// An entry of the journal.
pub fn pending_backing_key(number: u8, key_store: &CustomKeyStore) -> PendingBackingKey {
    PendingBackingKey {
        backing_key_id: backing_key_id(number),
        custom_key_store_id: key_store.id.clone(),
        label: format!("key {number}"),
        created: at(i64::from(number)),
    }
}

/// A key whose material is in HSMs.
pub fn cloudhsm_key(number: u8, key_store: &CustomKeyStore) -> Key {
    let origin =
        KeyOrigin::AwsCloudhsm { custom_key_store_id: key_store.id.clone(), backing_key_id: backing_key_id(number) };
    let materials = vec![KeyMaterialRecord::first(material_id(number), None)];
    Key { origin, materials, ..key(u32::from(number)) }
}

pub fn document(kind: DocumentKind, id: &str) -> Document {
    Document {
        kind,
        id: id.to_owned(),
        account: account_id(1),
        region: home(),
        body: format!("{{\"id\":\"{id}\"}}"),
        revision: 1,
    }
}

/// As the store has it after one update.
pub fn updated(key_store: &CustomKeyStore) -> CustomKeyStore {
    CustomKeyStore { revision: key_store.revision + 1, ..key_store.clone() }
}

/// Adds account 1.
pub async fn with_account(store: &dyn Store) {
    store.insert_account(&account(1)).await.unwrap();
}

/// Adds account 1 and a key.
pub async fn with_key(store: &dyn Store) -> Key {
    with_account(store).await;
    let key = key(1);
    store.insert_key(&key, AMPLE).await.unwrap();
    key
}

/// Adds account 1 and an AWS CloudHSM key store.
pub async fn with_cloudhsm_key_store(store: &dyn Store) -> CustomKeyStore {
    with_account(store).await;
    let key_store = cloudhsm_key_store(1);
    store.insert_custom_key_store(&key_store, AMPLE).await.unwrap();
    key_store
}

/// Adds account 1 and a custom key store.
pub async fn with_key_store(store: &dyn Store) -> CustomKeyStore {
    with_account(store).await;
    let key_store = key_store(1);
    store.insert_custom_key_store(&key_store, AMPLE).await.unwrap();
    key_store
}
