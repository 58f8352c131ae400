//! When keys were last used.

use std::time::{SystemTime, UNIX_EPOCH};

use keystead_core::key::Key;
use keystead_core::port::Store;

use super::fixtures::*;

pub async fn the_latest_usage_stays(store: &dyn Store) {
    let key = with_key(store).await;
    let replica_like = Key { region: region("eu-west-1"), ..key.clone() };
    store.insert_key(&replica_like, AMPLE).await.unwrap();
    assert_eq!(store.key_last_usage(&home(), &key.id).await.unwrap(), None);
    let usages = [("Encrypt", 5, 5), ("Decrypt", 4, 5), ("Sign", 5, 5), ("Verify", 9, 9), ("Encrypt", 8, 9)];
    let mut latest = None;
    for (operation, second, latest_second) in usages {
        let usage = last_usage(&key, operation, second);
        store.record_key_usages(std::slice::from_ref(&usage)).await.unwrap();
        if second == latest_second {
            latest = Some(usage);
        }
        assert_eq!(store.key_last_usage(&home(), &key.id).await.unwrap(), latest);
    }
    assert_eq!(store.key_last_usage(&replica_like.region, &key.id).await.unwrap(), None);
}

pub async fn since_when_usages_are_recorded(store: &dyn Store) {
    let since = store.key_usages_recorded_since().await.unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap();
    assert!(since.millis() > 0 && since.millis() as u128 <= now.as_millis(), "{since:?}");
    store.record_key_usages(&[last_usage(&with_key(store).await, "Encrypt", 1)]).await.unwrap();
    assert_eq!(store.key_usages_recorded_since().await.unwrap(), since);
}

pub async fn usages_are_recorded_together(store: &dyn Store) {
    let first = with_key(store).await;
    let second = key(2);
    store.insert_key(&second, AMPLE).await.unwrap();
    let gone = last_usage(&key(3), "Encrypt", 1);
    let usages =
        [last_usage(&first, "Sign", 3), gone, last_usage(&second, "Verify", 1), last_usage(&first, "Verify", 2)];
    store.record_key_usages(&usages).await.unwrap();
    assert_eq!(store.key_last_usage(&home(), &first.id).await.unwrap().as_ref(), Some(&usages[0]));
    assert_eq!(store.key_last_usage(&home(), &second.id).await.unwrap().as_ref(), Some(&usages[2]));
    assert_eq!(store.key_last_usage(&home(), &key_id(3)).await.unwrap(), None);
    store.record_key_usages(&[]).await.unwrap();
}
