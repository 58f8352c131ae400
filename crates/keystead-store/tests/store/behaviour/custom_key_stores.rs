//! Custom key stores.

use keystead_core::key_store::{CloudHsmKeyStore, ConnectionState, CustomKeyStore, ExternalKeyStore};
use keystead_core::port::{Store, StoreError, UniqueConstraint};
use keystead_model::kms::{ConnectionErrorCodeType, XksProxyConnectivity};

use super::fixtures::*;
use crate::assert_error;

/// The same proxy as another key store's, written differently.
fn same_proxy(key_store: &CustomKeyStore, of: &CustomKeyStore) -> CustomKeyStore {
    let (own, other) = (key_store.external().unwrap().clone(), of.external().unwrap());
    let uri_endpoint = other.uri_endpoint.to_uppercase().replace("HTTPS", "https");
    behind(key_store, ExternalKeyStore { uri_endpoint, uri_path: other.uri_path.clone(), ..own })
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
        ..proxy(2)
    };
    let other = CustomKeyStore { name: "ä€𐍈 '\"".to_owned(), revision: 4, ..behind(&key_store(2), external) };
    let of_hsms = cloudhsm_key_store(4);
    store.insert_custom_key_store(&other, AMPLE).await.unwrap();
    store.insert_custom_key_store(&of_hsms, AMPLE).await.unwrap();
    for key_store in [plain, other, of_hsms] {
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
    let upper_case = ExternalKeyStore { uri_path: "/KMS/xks/v1".to_owned(), ..proxy(1) };
    let other_path =
        CustomKeyStore { name: "KEY STORE 1".to_owned(), id: key_store_id(4), ..behind(&first, upper_case) };
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

pub async fn a_cluster_backs_one_key_store_of_an_account(store: &dyn Store) {
    let first = with_cloudhsm_key_store(store).await;
    let same_cluster = CloudHsmKeyStore { cluster_certificate: "other".to_owned(), ..cluster(1) };
    let same_history = CloudHsmKeyStore { cluster_id: "cluster-22222222222".to_owned(), ..cluster(1) };
    for taken in [cluster(1), same_cluster, same_history] {
        let second = over(&key_store(2), taken);
        let refused = store.insert_custom_key_store(&second, AMPLE).await;
        assert_error!(refused, StoreError::Duplicate(UniqueConstraint::HsmCluster));
    }
    let second = cloudhsm_key_store(2);
    store.insert_custom_key_store(&second, AMPLE).await.unwrap();
    let refused = store.update_custom_key_store(&over(&second, cluster(1))).await;
    assert_error!(refused, StoreError::Duplicate(UniqueConstraint::HsmCluster));
    // Its own do not stand in its way, and any number of external key stores have none.
    let moved = over(&second, CloudHsmKeyStore { cluster_id: "cluster-33333333333".to_owned(), ..cluster(2) });
    store.update_custom_key_store(&moved).await.unwrap();
    assert_eq!(store.custom_key_store(&second.id).await.unwrap(), Some(updated(&moved)));
    store.insert_custom_key_store(&key_store(3), AMPLE).await.unwrap();
    store.insert_custom_key_store(&key_store(4), AMPLE).await.unwrap();
    // Gone with its key store, and no bar to another account or Region.
    let elsewhere = CustomKeyStore { region: region("eu-west-1"), id: key_store_id(5), ..first.clone() };
    store.insert_custom_key_store(&elsewhere, AMPLE).await.unwrap();
    store.delete_custom_key_store(&first.id, 1).await.unwrap();
    store.insert_custom_key_store(&CustomKeyStore { id: key_store_id(6), ..first }, AMPLE).await.unwrap();
}

pub async fn a_key_store_keeps_its_type(store: &dyn Store) {
    let external = with_key_store(store).await;
    assert_error!(store.update_custom_key_store(&over(&external, cluster(1))).await, StoreError::Conflict);
    let of_hsms = cloudhsm_key_store(2);
    store.insert_custom_key_store(&of_hsms, AMPLE).await.unwrap();
    assert_error!(store.update_custom_key_store(&behind(&of_hsms, proxy(2))).await, StoreError::Conflict);
    assert_eq!(store.custom_key_store(&external.id).await.unwrap(), Some(external));
    assert_eq!(store.custom_key_store(&of_hsms.id).await.unwrap(), Some(of_hsms));
}
