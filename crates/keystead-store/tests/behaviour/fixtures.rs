//! Records to store. The numbers make them differ.

use keystead_core::access::{AccessKey, AccessKeyStatus, Account, User};
use keystead_core::key::{Alias, Key, KeyMaterialRecord, KeyOrigin, KeyStatus, MaterialId};
use keystead_core::key_store::{
    CloudHsmKeyStore, ConnectionState, CustomKeyStore, CustomKeyStoreKind, ExternalKeyStore,
};
use keystead_core::port::{BackingKeyId, Document, DocumentKind, PendingBackingKey, Store};
use keystead_core::sealing::Sealed;
use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, AliasName, CustomKeyStoreId, KeyId, Region};
use keystead_model::kms::{Tag, XksProxyConnectivity};

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
    Account { id: account_id(number), name: format!("account {number}"), created: at(1) }
}

pub fn user(account: u64, user_name: &str) -> User {
    User {
        account: account_id(account),
        user_name: user_name.to_owned(),
        user_id: format!("AIDA{}", user_name.to_uppercase()),
        created: at(2),
    }
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
        origin: KeyOrigin::AwsKms,
        status: KeyStatus::Enabled,
        policy: r#"{"Version":"2012-10-17","Statement":[]}"#.to_owned(),
        tags: Vec::new(),
        material: KeyMaterialRecord { id: MaterialId::from_bytes([9; 32]), sealed: Some(sealed(7)) },
        revision: 1,
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
    let material = KeyMaterialRecord { id: MaterialId::from_bytes([number; 32]), sealed: None };
    Key { origin, material, ..key(u32::from(number)) }
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
