//! Multi-Region keys: what one key tells of its related keys follows from the others.

use keystead_core::key::{Key, KeyStatus, Transition, TransitionKind};
use keystead_core::port::{Store, StoreError, UniqueConstraint};
use keystead_model::kms::MultiRegionKeyType::{Primary, Replica};

use super::fixtures::*;
use crate::assert_error;

/// Adds account 1 and a primary key.
async fn with_primary_key(store: &dyn Store) -> Key {
    with_account(store).await;
    let primary = primary_key(1);
    store.insert_key(&primary, AMPLE).await.unwrap();
    primary
}

pub async fn related_keys_tell_of_each_other(store: &dyn Store) {
    let primary = with_primary_key(store).await;
    assert_eq!(stored(store, &home(), &primary.id).await, primary);
    replicate(store, &primary.id, "us-west-2").await;
    replicate(store, &primary.id, "eu-west-1").await;
    let replicas = ["eu-west-1", "us-west-2"];
    let related = store.related_keys(&primary.account, &primary.id).await.unwrap();
    let expected = [
        Key { multi_region: place(Replica, "us-east-1", &replicas), ..replica_key(&primary, "eu-west-1") },
        Key { multi_region: place(Primary, "us-east-1", &replicas), revision: 3, ..primary.clone() },
        Key { multi_region: place(Replica, "us-east-1", &replicas), ..replica_key(&primary, "us-west-2") },
    ];
    assert_eq!(related, expected);
    for key in &expected {
        assert_eq!(&stored(store, &key.region, &key.id).await, key);
    }
    store.delete_key(&region("us-west-2"), &primary.id, 1).await.unwrap();
    assert_eq!(stored(store, &home(), &primary.id).await.multi_region, place(Primary, "us-east-1", &["eu-west-1"]));
    store.delete_key(&region("eu-west-1"), &primary.id, 1).await.unwrap();
    assert_eq!(stored(store, &home(), &primary.id).await.multi_region, place(Primary, "us-east-1", &[]));
}

pub async fn a_single_region_key_has_no_related_keys(store: &dyn Store) {
    let key = with_key(store).await;
    store.insert_account(&account(2)).await.unwrap();
    let elsewhere = Key { region: region("eu-west-1"), account: account_id(2), ..key.clone() };
    store.insert_key(&elsewhere, AMPLE).await.unwrap();
    assert_eq!(store.related_keys(&key.account, &key.id).await.unwrap(), [key]);
    assert_eq!(store.related_keys(&account_id(1), &key_id(2)).await.unwrap(), []);
}

/// The primary's other members are stored with the replica.
pub async fn a_replica_updates_its_primary(store: &dyn Store) {
    let primary = with_primary_key(store).await;
    let transition = Some(Transition { kind: TransitionKind::Updating, until: at(50) });
    let changed = Key { description: "has a replica".to_owned(), transition, ..primary.clone() };
    let creating = Some(Transition { kind: TransitionKind::Creating, until: at(60) });
    let replica = Key { transition: creating, tags: vec![tag("a", "b")], ..replica_key(&primary, "eu-west-1") };
    store.insert_replica(&changed, &replica, AMPLE).await.unwrap();
    let expected = Key { multi_region: place(Primary, "us-east-1", &["eu-west-1"]), revision: 2, ..changed };
    assert_eq!(stored(store, &home(), &primary.id).await, expected);
    let expected = Key { multi_region: place(Replica, "us-east-1", &["eu-west-1"]), ..replica };
    assert_eq!(stored(store, &expected.region, &expected.id).await, expected);
}

pub async fn what_stands_against_a_replica(store: &dyn Store) {
    let primary = with_primary_key(store).await;
    let replica = |region_name: &str| replica_key(&primary, region_name);
    store.insert_key(&Key { region: region("eu-west-1"), ..key(1) }, AMPLE).await.unwrap();
    let full = store.insert_replica(&primary, &replica("eu-west-1"), 1).await;
    assert_error!(full, StoreError::QuotaExceeded { current: 1 });
    assert_eq!(stored(store, &home(), &primary.id).await, primary);
    let stale = store.insert_replica(&Key { revision: 9, ..primary.clone() }, &replica("eu-west-1"), 1).await;
    assert_error!(stale, StoreError::Conflict);
    store.insert_replica(&primary, &replica("eu-west-1"), 2).await.unwrap();
    let primary = stored(store, &home(), &primary.id).await;
    let again = store.insert_replica(&primary, &replica("eu-west-1"), AMPLE).await;
    assert_error!(again, StoreError::Duplicate(UniqueConstraint::KeyId));
    assert_eq!(stored(store, &home(), &primary.id).await, primary);
    // Replicas count: this Region has two keys now.
    let full = store.insert_key(&Key { region: region("eu-west-1"), ..key(2) }, 2).await;
    assert_error!(full, StoreError::QuotaExceeded { current: 2 });
    store.delete_key(&region("eu-west-1"), &primary.id, 1).await.unwrap();
    store.insert_key(&Key { region: region("eu-west-1"), ..key(2) }, 2).await.unwrap();
}

pub async fn the_primary_region_moves(store: &dyn Store) {
    let primary = with_primary_key(store).await;
    replicate(store, &primary.id, "eu-west-1").await;
    replicate(store, &primary.id, "eu-west-2").await;
    let related = store.related_keys(&primary.account, &primary.id).await.unwrap();
    let turned = |key: &Key, key_type| Key { multi_region: place(key_type, "eu-west-1", &[]), ..key.clone() };
    let [new_primary, _, old_primary] = &related[..] else { panic!("{} keys", related.len()) };
    let stale = Key { revision: 1, ..turned(old_primary, Replica) };
    assert_error!(store.update_keys(&[turned(new_primary, Primary), stale]).await, StoreError::Conflict);
    assert_eq!(store.related_keys(&primary.account, &primary.id).await.unwrap(), related);

    store.update_keys(&[turned(new_primary, Primary), turned(old_primary, Replica)]).await.unwrap();
    let replicas = ["eu-west-2", "us-east-1"];
    for (region_name, key_type) in [("eu-west-1", Primary), ("eu-west-2", Replica), ("us-east-1", Replica)] {
        let key = stored(store, &region(region_name), &primary.id).await;
        assert_eq!(key.multi_region, place(key_type, "eu-west-1", &replicas));
    }
    // A set without a primary key, or with two, is refused.
    let turned_back = |key: Key, key_type| Key { multi_region: place(key_type, "eu-west-1", &[]), ..key };
    let of_type = [(region("eu-west-1"), Replica), (region("eu-west-2"), Primary)];
    for (region, key_type) in of_type {
        let key = turned_back(stored(store, &region, &primary.id).await, key_type);
        assert_error!(store.update_key(&key).await, StoreError::Engine(_));
    }
}

pub async fn a_primary_key_outlives_its_replicas(store: &dyn Store) {
    let primary = with_primary_key(store).await;
    replicate(store, &primary.id, "eu-west-1").await;
    assert_error!(store.delete_key(&home(), &primary.id, 1).await, StoreError::Conflict);
    assert_error!(store.delete_key(&home(), &primary.id, 2).await, StoreError::Referenced);
    let pending = KeyStatus::PendingReplicaDeletion { pending_window_in_days: 7 };
    let waiting = Key { status: pending, ..stored(store, &home(), &primary.id).await };
    store.update_key(&waiting).await.unwrap();
    assert_eq!(stored(store, &home(), &primary.id).await, Key { revision: 3, ..waiting });
    store.delete_key(&region("eu-west-1"), &primary.id, 1).await.unwrap();
    store.delete_key(&home(), &primary.id, 3).await.unwrap();
    assert_eq!(store.related_keys(&primary.account, &primary.id).await.unwrap(), []);
}
