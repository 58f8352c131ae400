//! The keys that something is to be done about by itself.

use keystead_core::key::{AutomaticRotation, Key, KeyMaterialRecord, KeyStatus, RotationSettings};
use keystead_core::port::Store;
use keystead_model::kms::MultiRegionKeyType;

use super::fixtures::*;

pub async fn keys_due_for_deletion(store: &dyn Store) {
    with_account(store).await;
    store.insert_account(&account(2)).await.unwrap();
    let pending = |second| KeyStatus::PendingDeletion { deletion_date: at(second), pending_window_in_days: 7 };
    let first = Key { status: pending(10), tags: vec![tag("a", "b")], ..key(1) };
    let second = Key { status: pending(20), account: account_id(2), region: region("eu-west-1"), ..key(2) };
    let late = Key { status: pending(21), ..key(3) };
    for key in [&late, &second, &first, &key(4), &Key { status: KeyStatus::Disabled, ..key(5) }] {
        store.insert_key(key, AMPLE).await.unwrap();
    }
    assert_eq!(store.keys_due_for_deletion(at(9), 9).await.unwrap(), []);
    assert_eq!(store.keys_due_for_deletion(at(20), 9).await.unwrap(), [first.clone(), second]);
    assert_eq!(store.keys_due_for_deletion(at(20), 1).await.unwrap().len(), 1);
    store.update_key(&Key { status: KeyStatus::Disabled, ..first }).await.unwrap();
    assert_eq!(store.keys_due_for_deletion(at(19), 9).await.unwrap(), []);
}

pub async fn keys_without_replicas_left(store: &dyn Store) {
    with_account(store).await;
    let pending = KeyStatus::PendingReplicaDeletion { pending_window_in_days: 9 };
    for number in 1..=3 {
        store.insert_key(&primary_key(number), AMPLE).await.unwrap();
        replicate(store, &multi_region_key_id(number), "eu-west-1").await;
    }
    replicate(store, &multi_region_key_id(1), "eu-west-2").await;
    for number in [1, 2] {
        let primary = stored(store, &home(), &multi_region_key_id(number)).await;
        store.update_key(&Key { status: pending, ..primary }).await.unwrap();
    }
    assert_eq!(store.keys_without_replicas_left(9).await.unwrap(), []);
    for (number, region_name) in [(1, "eu-west-1"), (3, "eu-west-1")] {
        store.delete_key(&region(region_name), &multi_region_key_id(number), 1).await.unwrap();
    }
    assert_eq!(store.keys_without_replicas_left(9).await.unwrap(), []);
    store.delete_key(&region("eu-west-2"), &multi_region_key_id(1), 1).await.unwrap();
    let first = stored(store, &home(), &multi_region_key_id(1)).await;
    assert_eq!((first.status, &first.multi_region), (pending, &place(MultiRegionKeyType::Primary, "us-east-1", &[])));
    assert_eq!(store.keys_without_replicas_left(9).await.unwrap(), std::slice::from_ref(&first));
    store.delete_key(&region("eu-west-1"), &multi_region_key_id(2), 1).await.unwrap();
    assert_eq!(store.keys_without_replicas_left(9).await.unwrap().len(), 2);
    assert_eq!(store.keys_without_replicas_left(1).await.unwrap().len(), 1);
    store.update_key(&Key { status: KeyStatus::Disabled, ..first }).await.unwrap();
    assert_eq!(store.keys_without_replicas_left(9).await.unwrap().len(), 1);
}

fn rotating(number: u32, next: Option<i64>, on_demand: Option<i64>) -> Key {
    let automatic = next.map(|next| AutomaticRotation { period_in_days: 90, next: at(next) });
    let rotation = RotationSettings { automatic, on_demand_start: on_demand.map(at), on_demand_count: 1 };
    Key { rotation, ..key(number) }
}

pub async fn keys_due_for_rotation(store: &dyn Store) {
    with_account(store).await;
    store.insert_account(&account(2)).await.unwrap();
    let automatic = rotating(1, Some(10), None);
    let on_demand = Key { account: account_id(2), ..rotating(2, None, Some(5)) };
    let both = rotating(3, Some(11), Some(4));
    let disabled_on_demand = Key { status: KeyStatus::Disabled, ..rotating(4, Some(1), Some(6)) };
    let all = [&automatic, &on_demand, &both, &disabled_on_demand];
    for key in all {
        store.insert_key(key, AMPLE).await.unwrap();
    }
    let never =
        [key(5), Key { status: KeyStatus::Disabled, ..rotating(6, Some(1), None) }, rotating(7, Some(99), Some(98))];
    for key in &never {
        store.insert_key(key, AMPLE).await.unwrap();
    }
    let due = |now, on_demand_until, limit| store.keys_due_for_rotation(at(now), at(on_demand_until), limit);
    assert_eq!(due(9, 3, 9).await.unwrap(), []);
    assert_eq!(due(10, 3, 9).await.unwrap(), std::slice::from_ref(&automatic));
    assert_eq!(due(11, 3, 9).await.unwrap(), [automatic.clone(), both.clone()]);
    assert_eq!(due(9, 6, 9).await.unwrap(), [both.clone(), on_demand.clone(), disabled_on_demand.clone()]);
    // Each once, although it is due for both.
    assert_eq!(due(50, 50, 9).await.unwrap(), [both, on_demand, disabled_on_demand, automatic]);
    assert_eq!(due(50, 50, 3).await.unwrap().len(), 3);
    assert_eq!(due(50, 50, 0).await.unwrap(), []);
}

/// The primary key of a set stands for all of it.
pub async fn replicas_are_not_due_for_rotation(store: &dyn Store) {
    with_account(store).await;
    let primary = Key { rotation: rotating(1, Some(10), Some(10)).rotation, ..primary_key(1) };
    store.insert_key(&primary, AMPLE).await.unwrap();
    replicate(store, &primary.id, "eu-west-1").await;
    let due = store.keys_due_for_rotation(at(10), at(10), 9).await.unwrap();
    assert_eq!(due, [stored(store, &home(), &primary.id).await]);
    let automatic_only = RotationSettings { on_demand_start: None, ..primary.rotation };
    let set = store.related_keys(&account_id(1), &primary.id).await.unwrap();
    let set: Vec<Key> = set.into_iter().map(|key| Key { rotation: automatic_only, ..key }).collect();
    store.update_keys(&set).await.unwrap();
    let due = store.keys_due_for_rotation(at(10), at(10), 9).await.unwrap();
    assert_eq!(due, [stored(store, &home(), &primary.id).await]);
}

pub async fn keys_with_expired_material(store: &dyn Store) {
    with_account(store).await;
    let gone = KeyMaterialRecord { sealed: None, ..imported(1, Some(1)) };
    let first = imported_key(1, vec![imported(2, Some(20))]);
    let second = imported_key(
        2,
        vec![
            KeyMaterialRecord { state: keystead_core::key::MaterialState::NonCurrent, ..imported(3, Some(12)) },
            KeyMaterialRecord { state: keystead_core::key::MaterialState::NonCurrent, ..imported(4, Some(10)) },
            imported(5, Some(10)),
        ],
    );
    let never =
        [imported_key(3, vec![imported(6, None)]), imported_key(4, vec![gone]), imported_key(5, vec![]), key(6)];
    for key in [&first, &second].into_iter().chain(&never) {
        store.insert_key(key, AMPLE).await.unwrap();
    }
    let expired = |now, limit| store.keys_with_expired_material(at(now), limit);
    assert_eq!(expired(9, 9).await.unwrap(), []);
    assert_eq!(expired(10, 9).await.unwrap(), std::slice::from_ref(&second));
    // Each once, although several of its materials have expired.
    assert_eq!(expired(20, 9).await.unwrap(), [second.clone(), first.clone()]);
    assert_eq!(expired(20, 1).await.unwrap(), std::slice::from_ref(&second));
    let mut cleaned = second;
    for material in &mut cleaned.materials {
        material.sealed = None;
    }
    store.update_key(&cleaned).await.unwrap();
    assert_eq!(expired(20, 9).await.unwrap(), [first]);
}
