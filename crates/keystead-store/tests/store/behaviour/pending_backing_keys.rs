//! The journal of backing keys.

use keystead_core::port::{Store, StoreError, UniqueConstraint};

use super::fixtures::*;
use crate::assert_error;

pub async fn a_key_takes_its_backing_key_out_of_the_journal(store: &dyn Store) {
    let key_store = with_cloudhsm_key_store(store).await;
    let key = cloudhsm_key(1, &key_store);
    assert_error!(store.insert_key(&key, AMPLE).await, StoreError::Conflict);
    store.insert_pending_backing_key(&pending_backing_key(1, &key_store)).await.unwrap();
    // What keeps a key from being stored leaves the journal as it is.
    assert_error!(store.insert_key(&key, 0).await, StoreError::QuotaExceeded { current: 0 });
    store.insert_key(&key, AMPLE).await.unwrap();
    assert_eq!(store.key(&home(), &key.id).await.unwrap().as_ref(), Some(&key));
    assert_eq!(store.pending_backing_keys(&key_store.id, at(1_000), 9).await.unwrap(), []);
    // A key uses it: nobody may destroy it.
    assert_error!(store.abandon_pending_backing_key(&backing_key_id(1)).await, StoreError::Conflict);

    let again = keystead_core::key::Key { id: key_id(9), ..key };
    let twice = store.insert_key(&again, AMPLE).await;
    assert_error!(twice, StoreError::Duplicate(UniqueConstraint::BackingKeyId));
}

pub async fn an_abandoned_backing_key_gets_no_key(store: &dyn Store) {
    let key_store = with_cloudhsm_key_store(store).await;
    let entry = pending_backing_key(1, &key_store);
    store.insert_pending_backing_key(&entry).await.unwrap();
    store.abandon_pending_backing_key(&entry.backing_key_id).await.unwrap();
    store.abandon_pending_backing_key(&entry.backing_key_id).await.unwrap();
    assert_error!(store.insert_key(&cloudhsm_key(1, &key_store), AMPLE).await, StoreError::Conflict);
    let journal = store.pending_backing_keys(&key_store.id, at(1_000), 9).await.unwrap();
    assert_eq!(journal, std::slice::from_ref(&entry));
    store.delete_pending_backing_key(&entry.backing_key_id).await.unwrap();
    store.delete_pending_backing_key(&entry.backing_key_id).await.unwrap();
    assert_error!(store.abandon_pending_backing_key(&entry.backing_key_id).await, StoreError::Conflict);
}

pub async fn a_key_does_not_take_another_key_stores_backing_key(store: &dyn Store) {
    let (first, second) = (with_cloudhsm_key_store(store).await, cloudhsm_key_store(2));
    store.insert_custom_key_store(&second, AMPLE).await.unwrap();
    store.insert_pending_backing_key(&pending_backing_key(1, &first)).await.unwrap();
    assert_error!(store.insert_key(&cloudhsm_key(1, &second), AMPLE).await, StoreError::Conflict);
    store.insert_key(&cloudhsm_key(1, &first), AMPLE).await.unwrap();
}

pub async fn the_journal_is_read_oldest_first(store: &dyn Store) {
    let (first, second) = (with_cloudhsm_key_store(store).await, cloudhsm_key_store(2));
    store.insert_custom_key_store(&second, AMPLE).await.unwrap();
    for number in [3, 1, 2] {
        store.insert_pending_backing_key(&pending_backing_key(number, &first)).await.unwrap();
    }
    store.insert_pending_backing_key(&pending_backing_key(4, &second)).await.unwrap();
    let twice = store.insert_pending_backing_key(&pending_backing_key(1, &second)).await;
    assert_error!(twice, StoreError::Duplicate(UniqueConstraint::BackingKeyId));
    let nowhere = store.insert_pending_backing_key(&pending_backing_key(5, &key_store(9))).await;
    assert_error!(nowhere, StoreError::NotFound);
    let until_two = store.pending_backing_keys(&first.id, at(2), 9).await.unwrap();
    assert_eq!(until_two, [pending_backing_key(1, &first), pending_backing_key(2, &first)]);
    assert_eq!(store.pending_backing_keys(&first.id, at(9), 1).await.unwrap().len(), 1);
    assert_eq!(store.pending_backing_keys(&first.id, at(0), 9).await.unwrap(), []);
    // The journal goes with its key store.
    store.delete_custom_key_store(&first.id, 1).await.unwrap();
    assert_eq!(store.pending_backing_keys(&first.id, at(9), 9).await.unwrap(), []);
    assert_eq!(store.pending_backing_keys(&second.id, at(9), 9).await.unwrap().len(), 1);
}
