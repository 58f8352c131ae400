//! Custom key stores.

use keystead_core::key_store::{ConnectionState, CustomKeyStore, ExternalKeyStore};
use keystead_core::port::{Store, StoreError, UniqueConstraint};
use keystead_model::kms::{ConnectionErrorCodeType, XksProxyConnectivity};

use super::fixtures::*;
use crate::assert_error;

/// The same proxy as another key store's, written differently.
fn same_proxy(key_store: &CustomKeyStore, of: &CustomKeyStore) -> CustomKeyStore {
    let uri_endpoint = of.external.uri_endpoint.to_uppercase().replace("HTTPS", "https");
    let uri_path = of.external.uri_path.clone();
    CustomKeyStore {
        external: ExternalKeyStore { uri_endpoint, uri_path, ..key_store.external.clone() },
        ..key_store.clone()
    }
}

fn same_name(key_store: &CustomKeyStore, of: &CustomKeyStore) -> CustomKeyStore {
    CustomKeyStore { name: of.name.clone(), ..key_store.clone() }
}

pub async fn a_key_store_comes_back_as_it_was_stored(store: &dyn Store) {
    let plain = with_key_store(store).await;
    let external = ExternalKeyStore {
        connectivity: XksProxyConnectivity::VpcEndpointService,
        uri_path: "/Prefix/kms/xks/v1".to_owned(),
        credential_set: at(700),
        ..key_store(2).external
    };
    let other = CustomKeyStore { external, name: "ä€𐍈 '\"".to_owned(), revision: 4, ..key_store(2) };
    store.insert_custom_key_store(&other, AMPLE).await.unwrap();
    for key_store in [plain, other] {
        assert_eq!(store.custom_key_store(&key_store.id).await.unwrap(), Some(key_store));
    }
    assert_eq!(store.custom_key_store(&key_store_id(3)).await.unwrap(), None);
}

pub async fn what_stands_against_a_new_key_store(store: &dyn Store) {
    let first = with_key_store(store).await;
    let second = key_store(2);
    let table = [
        (CustomKeyStore { id: first.id.clone(), ..second.clone() }, UniqueConstraint::CustomKeyStoreId),
        (same_name(&second, &first), UniqueConstraint::CustomKeyStoreName),
        (same_proxy(&second, &first), UniqueConstraint::XksProxyUri),
    ];
    for (key_store, taken) in table {
        match store.insert_custom_key_store(&key_store, AMPLE).await {
            Err(StoreError::Duplicate(constraint)) if constraint == taken => {}
            other => panic!("expected a duplicate {taken:?}, got {other:?}"),
        }
    }
    // The quota is checked first.
    let all_wrong = same_name(&second, &first);
    assert_error!(store.insert_custom_key_store(&all_wrong, 1).await, StoreError::QuotaExceeded { current: 1 });
    let nobodys = CustomKeyStore { account: account_id(7), ..second.clone() };
    assert_error!(store.insert_custom_key_store(&nobodys, AMPLE).await, StoreError::NotFound);
    assert_eq!(store.custom_key_stores(&account_id(1), &home(), None, 9).await.unwrap(), [first]);
    store.insert_custom_key_store(&second, 2).await.unwrap();
}

pub async fn the_same_is_free_in_another_account_and_region(store: &dyn Store) {
    let first = with_key_store(store).await;
    store.insert_account(&account(2)).await.unwrap();
    let in_region = CustomKeyStore { region: region("eu-west-1"), id: key_store_id(2), ..first.clone() };
    let in_account = CustomKeyStore { account: account_id(2), id: key_store_id(3), ..first.clone() };
    store.insert_custom_key_store(&in_region, 1).await.unwrap();
    store.insert_custom_key_store(&in_account, 1).await.unwrap();
    // The path's case matters, and so does where a name ends.
    let mut other_path = CustomKeyStore { name: "KEY STORE 1".to_owned(), id: key_store_id(4), ..first };
    other_path.external.uri_path = "/KMS/xks/v1".to_owned();
    store.insert_custom_key_store(&other_path, AMPLE).await.unwrap();
}

pub async fn what_stands_against_an_update(store: &dyn Store) {
    let first = with_key_store(store).await;
    let second = key_store(2);
    store.insert_custom_key_store(&second, AMPLE).await.unwrap();
    let name_taken = store.update_custom_key_store(&same_name(&second, &first)).await;
    assert_error!(name_taken, StoreError::Duplicate(UniqueConstraint::CustomKeyStoreName));
    let proxy_taken = store.update_custom_key_store(&same_proxy(&second, &first)).await;
    assert_error!(proxy_taken, StoreError::Duplicate(UniqueConstraint::XksProxyUri));
    let stale = CustomKeyStore { revision: 7, ..second.clone() };
    assert_error!(store.update_custom_key_store(&stale).await, StoreError::Conflict);
    assert_error!(store.update_custom_key_store(&key_store(3)).await, StoreError::Conflict);
    assert_eq!(store.custom_key_store(&second.id).await.unwrap().as_ref(), Some(&second));

    // Its own name and proxy do not stand in its way; what an update cannot change stays.
    let renamed = same_proxy(&CustomKeyStore { name: "new name".to_owned(), ..second.clone() }, &second);
    store.update_custom_key_store(&CustomKeyStore { created: at(999), ..renamed.clone() }).await.unwrap();
    assert_eq!(store.custom_key_store(&second.id).await.unwrap(), Some(updated(&renamed)));
    // The old name is free again.
    store.insert_custom_key_store(&CustomKeyStore { name: second.name, ..key_store(3) }, AMPLE).await.unwrap();
}

pub async fn every_connection_state_is_stored(store: &dyn Store) {
    let mut key_store = with_key_store(store).await;
    let failures = ConnectionErrorCodeType::ALL.iter().map(|code| ConnectionState::Failed(*code));
    let plain = [
        ConnectionState::Connecting,
        ConnectionState::Connected,
        ConnectionState::Disconnecting,
        ConnectionState::Disconnected,
    ];
    for connection in failures.chain(plain) {
        key_store.connection = connection;
        store.update_custom_key_store(&key_store).await.unwrap();
        key_store = updated(&key_store);
        assert_eq!(store.custom_key_store(&key_store.id).await.unwrap().as_ref(), Some(&key_store));
        let connected = store.connected_custom_key_stores().await.unwrap();
        let expected = if connection.is_connected() { vec![key_store.clone()] } else { vec![] };
        assert_eq!(connected, expected);
    }
}

pub async fn a_key_store_with_keys_stays(store: &dyn Store) {
    let key_store = with_key_store(store).await;
    store.insert_key(&external_key(1, &key_store, "foo"), AMPLE).await.unwrap();
    assert_error!(store.delete_custom_key_store(&key_store.id, 2).await, StoreError::Conflict);
    assert_error!(store.delete_custom_key_store(&key_store.id, 1).await, StoreError::Referenced);
    store.delete_key(&home(), &key_id(1), 1).await.unwrap();
    store.delete_custom_key_store(&key_store.id, 1).await.unwrap();
    assert_error!(store.delete_custom_key_store(&key_store.id, 1).await, StoreError::Conflict);
    assert_eq!(store.custom_key_store(&key_store.id).await.unwrap(), None);
    store.insert_custom_key_store(&key_store, 1).await.unwrap();
}

pub async fn key_stores_come_in_order_page_by_page(store: &dyn Store) {
    with_account(store).await;
    store.insert_account(&account(2)).await.unwrap();
    for number in [3, 1, 2] {
        store.insert_custom_key_store(&key_store(number), AMPLE).await.unwrap();
    }
    let foreign = CustomKeyStore { account: account_id(2), ..key_store(4) };
    store.insert_custom_key_store(&foreign, AMPLE).await.unwrap();
    let first_page = store.custom_key_stores(&account_id(1), &home(), None, 2).await.unwrap();
    assert_eq!(first_page, [key_store(1), key_store(2)]);
    let after = Some(&first_page[1].id);
    assert_eq!(store.custom_key_stores(&account_id(1), &home(), after, 2).await.unwrap(), [key_store(3)]);
    assert_eq!(store.custom_key_stores(&account_id(2), &home(), None, 2).await.unwrap(), [foreign]);
}
