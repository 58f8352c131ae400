//! When access keys were last used.

use keystead_core::port::Store;

use super::fixtures::*;
use super::identity_fixtures::*;

pub async fn the_latest_use_stays(store: &dyn Store) {
    with_account(store).await;
    store.insert_access_key(&access_key("AKIAA", 1, None), AMPLE).await.unwrap();
    assert_eq!(store.access_key_use("AKIAA").await.unwrap(), None);
    // Of two at one time the one that is told last stays.
    let told_and_stored = [
        (access_key_use("AKIAA", 5, "kms"), access_key_use("AKIAA", 5, "kms")),
        (access_key_use("AKIAA", 4, "iam"), access_key_use("AKIAA", 5, "kms")),
        (access_key_use("AKIAA", 5, "sts"), access_key_use("AKIAA", 5, "sts")),
        (access_key_use("AKIAA", 6, "iam"), access_key_use("AKIAA", 6, "iam")),
    ];
    for (told, stored) in told_and_stored {
        store.record_access_key_uses(&[told]).await.unwrap();
        assert_eq!(store.access_key_use("AKIAA").await.unwrap(), Some(stored));
    }
}

/// One of a key that is gone is left out, and does not stand in the way of the others. A deleted key takes its last use along.
pub async fn uses_of_access_keys_are_recorded_together(store: &dyn Store) {
    with_account(store).await;
    for id in ["AKIAA", "AKIAB"] {
        store.insert_access_key(&access_key(id, 1, None), AMPLE).await.unwrap();
    }
    let uses = ["AKIAA", "AKIAGONE", "AKIAB"].map(|id| access_key_use(id, 5, "kms"));
    store.record_access_key_uses(&uses).await.unwrap();
    store.record_access_key_uses(&[]).await.unwrap();
    let [of_first, _, of_second] = uses;
    assert_eq!(store.access_key_use("AKIAA").await.unwrap(), Some(of_first));
    assert_eq!(store.access_key_use("AKIAGONE").await.unwrap(), None);
    store.delete_access_key("AKIAA").await.unwrap();
    assert_eq!(store.access_key_use("AKIAA").await.unwrap(), None);
    assert_eq!(store.access_key_use("AKIAB").await.unwrap(), Some(of_second));
    store.insert_access_key(&access_key("AKIAA", 1, None), AMPLE).await.unwrap();
    assert_eq!(store.access_key_use("AKIAA").await.unwrap(), None);
}
