//! KMS keys.

use keystead_core::key::{AutomaticRotation, Key, KeyOrigin, KeyStatus, RotationSettings};
use keystead_core::key_store::ConnectionState;
use keystead_core::port::{Store, StoreError, UniqueConstraint};
use keystead_model::kms::{ConnectionErrorCodeType, KeySpec, KeyUsageType};

use super::fixtures::*;
use crate::assert_error;

pub async fn a_key_comes_back_as_it_was_stored(store: &dyn Store) {
    let key_store = with_key_store(store).await;
    let pending = KeyStatus::PendingDeletion { deletion_date: at(900), pending_window_in_days: 7 };
    let keys = [
        key(1),
        Key { status: KeyStatus::Disabled, description: String::new(), revision: 5, ..key(2) },
        Key { status: pending, tags: vec![tag("z", "1"), tag("a", ""), tag("ä€𐍈 '\"", "x\n")], ..key(3) },
        Key { description: "x".repeat(8192), policy: "p".repeat(32768), ..external_key(4, &key_store, "foo/bar") },
        imported_key(5, Vec::new()),
        Key { rotation: rotation(), ..key(6) },
    ];
    for key in &keys {
        store.insert_key(key, AMPLE).await.unwrap();
    }
    for key in keys {
        assert_eq!(store.key(&key.region, &key.id).await.unwrap(), Some(key));
    }
    assert_eq!(store.key(&home(), &key_id(7)).await.unwrap(), None);
    assert_eq!(store.key(&region("eu-west-1"), &key_id(1)).await.unwrap(), None);
}

fn rotation() -> RotationSettings {
    let automatic = AutomaticRotation { period_in_days: 2560, next: at(400) };
    RotationSettings { automatic: Some(automatic), on_demand_start: Some(at(300)), on_demand_count: 25 }
}

pub async fn keys_of_every_spec_and_usage(store: &dyn Store) {
    with_account(store).await;
    let symmetric = [(KeySpec::SymmetricDefault, KeyUsageType::EncryptDecrypt)];
    let others = KeySpec::ALL.iter().filter(|spec| **spec != KeySpec::SymmetricDefault);
    let others = others.flat_map(|spec| KeyUsageType::ALL.iter().map(|usage| (*spec, *usage)));
    for (number, (spec, usage)) in (1..).zip(symmetric.into_iter().chain(others)) {
        let key = Key { spec, usage, ..key(number) };
        store.insert_key(&key, AMPLE).await.unwrap();
        assert_eq!(store.key(&home(), &key.id).await.unwrap(), Some(key));
    }
}

pub async fn what_stands_against_a_new_key(store: &dyn Store) {
    let first = with_key_store(store).await;
    let second = key_store(2);
    store.insert_custom_key_store(&second, AMPLE).await.unwrap();
    store.insert_key(&external_key(1, &first, "foo"), AMPLE).await.unwrap();

    let same_id = external_key(1, &first, "bar");
    assert_error!(store.insert_key(&same_id, AMPLE).await, StoreError::Duplicate(UniqueConstraint::KeyId));
    let same_external = external_key(2, &first, "foo");
    assert_error!(store.insert_key(&same_external, AMPLE).await, StoreError::Duplicate(UniqueConstraint::XksKeyId));
    assert_error!(store.insert_key(&external_key(2, &key_store(9), "foo"), AMPLE).await, StoreError::NotFound);
    assert_error!(store.insert_key(&Key { account: account_id(7), ..key(2) }, AMPLE).await, StoreError::NotFound);
    let elsewhere = Key { region: region("eu-west-1"), ..external_key(2, &first, "bar") };
    assert_error!(store.insert_key(&elsewhere, AMPLE).await, StoreError::NotFound);
    assert_error!(store.insert_key(&same_external, 1).await, StoreError::QuotaExceeded { current: 1 });

    assert_eq!(store.key_ids(&account_id(1), &home(), None, 9).await.unwrap(), [key_id(1)]);
    store.insert_key(&external_key(2, &second, "foo"), AMPLE).await.unwrap();
    store.insert_key(&Key { region: region("eu-west-1"), ..key(1) }, AMPLE).await.unwrap();
}

pub async fn a_key_store_takes_keys_while_it_is_connected(store: &dyn Store) {
    let mut key_store = with_key_store(store).await;
    store.insert_key(&external_key(1, &key_store, "one"), AMPLE).await.unwrap();
    for state in [
        ConnectionState::Disconnecting,
        ConnectionState::Disconnected,
        ConnectionState::Connecting,
        ConnectionState::Failed(ConnectionErrorCodeType::XksProxyTimedOut),
    ] {
        key_store.connection = state;
        store.update_custom_key_store(&key_store).await.unwrap();
        key_store.revision += 1;
        let refused = store.insert_key(&external_key(2, &key_store, "two"), AMPLE).await;
        assert_error!(refused, StoreError::Conflict);
    }
    assert_eq!(store.key(&home(), &key_id(2)).await.unwrap(), None);
}

pub async fn the_key_quota_counts_what_is_there(store: &dyn Store) {
    with_account(store).await;
    store.insert_account(&account(2)).await.unwrap();
    store.insert_key(&key(1), 2).await.unwrap();
    store.insert_key(&key(2), 2).await.unwrap();
    assert_error!(store.insert_key(&key(3), 2).await, StoreError::QuotaExceeded { current: 2 });
    store.insert_key(&Key { region: region("eu-west-1"), ..key(3) }, 2).await.unwrap();
    store.insert_key(&Key { account: account_id(2), ..key(4) }, 2).await.unwrap();
    store.delete_key(&home(), &key_id(1), 1).await.unwrap();
    store.insert_key(&key(3), 2).await.unwrap();
    assert_error!(store.insert_key(&key(5), 2).await, StoreError::QuotaExceeded { current: 2 });
    assert_error!(
        store.insert_key(&Key { region: region("eu-west-2"), ..key(5) }, 0).await,
        StoreError::QuotaExceeded { current: 0 }
    );
}

pub async fn an_update_needs_the_revision_that_was_read(store: &dyn Store) {
    let key = with_key(store).await;
    let change = Key { description: "first".to_owned(), ..key.clone() };
    store.update_key(&change).await.unwrap();
    let stale = Key { description: "second".to_owned(), ..key.clone() };
    assert_error!(store.update_key(&stale).await, StoreError::Conflict);
    assert_error!(store.delete_key(&key.region, &key.id, 1).await, StoreError::Conflict);
    assert_eq!(store.key(&key.region, &key.id).await.unwrap(), Some(Key { revision: 2, ..change }));

    store.delete_key(&key.region, &key.id, 2).await.unwrap();
    assert_error!(store.update_key(&Key { revision: 2, ..key.clone() }).await, StoreError::Conflict);
    assert_error!(store.delete_key(&key.region, &key.id, 2).await, StoreError::Conflict);
    assert_eq!(store.key(&key.region, &key.id).await.unwrap(), None);
}

pub async fn an_update_replaces_what_may_change(store: &dyn Store) {
    let mut expected = with_key(store).await;
    let changes: [&dyn Fn(&mut Key); 13] = [
        &|key| key.description = "another".to_owned(),
        &|key| key.status = KeyStatus::Disabled,
        &|key| key.status = KeyStatus::PendingDeletion { deletion_date: at(77), pending_window_in_days: 30 },
        &|key| key.status = KeyStatus::Enabled,
        &|key| key.policy = "another".to_owned(),
        &|key| key.policy_principals = principals(&[("arn:aws:iam::000000000001:user/a", "AIDAA"), ("'ä\"", "AROAB")]),
        &|key| key.policy_principals.clear(),
        &|key| key.tags = vec![tag("b", "1"), tag("a", "2")],
        &|key| key.tags = vec![tag("a", "3")],
        &|key| key.tags = Vec::new(),
        &|key| key.rotation = rotation(),
        &|key| key.rotation.automatic = None,
        &|key| key.rotation = RotationSettings::default(),
    ];
    for change in changes {
        change(&mut expected);
        store.update_key(&expected).await.unwrap();
        expected.revision += 1;
        assert_eq!(store.key(&expected.region, &expected.id).await.unwrap().as_ref(), Some(&expected));
    }
}

pub async fn an_update_leaves_what_never_changes(store: &dyn Store) {
    let key = with_key(store).await;
    let other = Key {
        created: at(999),
        spec: KeySpec::Hmac256,
        usage: KeyUsageType::GenerateVerifyMac,
        origin: KeyOrigin::External,
        ..key.clone()
    };
    store.update_key(&other).await.unwrap();
    assert_eq!(store.key(&key.region, &key.id).await.unwrap(), Some(Key { revision: 2, ..key }));
}

pub async fn several_keys_are_updated_together_or_not_at_all(store: &dyn Store) {
    let first = with_key(store).await;
    let second = key(2);
    store.insert_key(&second, AMPLE).await.unwrap();
    let change = |key: &Key| Key { description: "changed".to_owned(), tags: vec![tag("a", "b")], ..key.clone() };
    let stale = Key { revision: 9, ..change(&second) };
    assert_error!(store.update_keys(&[change(&first), stale]).await, StoreError::Conflict);
    assert_eq!(store.key(&home(), &first.id).await.unwrap().as_ref(), Some(&first));
    store.update_keys(&[change(&first), change(&second)]).await.unwrap();
    for key in [first, second] {
        let expected = Key { revision: 2, ..change(&key) };
        assert_eq!(store.key(&home(), &key.id).await.unwrap(), Some(expected));
    }
    store.update_keys(&[]).await.unwrap();
}

pub async fn a_deleted_key_takes_all_it_has_along(store: &dyn Store) {
    with_account(store).await;
    let doomed = Key { tags: vec![tag("a", "b")], ..key(1) };
    let other = key(2);
    store.insert_key(&doomed, AMPLE).await.unwrap();
    store.insert_key(&other, AMPLE).await.unwrap();
    for alias in [alias("a", &doomed), alias("b", &other), alias("c", &doomed)] {
        store.insert_alias(&alias, AMPLE).await.unwrap();
    }
    for grant in [grant(1, &doomed), grant(2, &other), grant(3, &doomed)] {
        store.insert_grant(&grant, AMPLE).await.unwrap();
    }
    store.record_key_usages(&[last_usage(&doomed, "Encrypt", 1), last_usage(&other, "Encrypt", 1)]).await.unwrap();
    store.delete_key(&doomed.region, &doomed.id, 1).await.unwrap();
    assert_eq!(store.aliases(&account_id(1), &home(), None, None, 9).await.unwrap(), [alias("b", &other)]);
    assert_eq!(store.grants_of_key(&home(), &doomed.id, None, None, 9).await.unwrap(), []);
    assert_eq!(store.grants_of_key(&home(), &other.id, None, None, 9).await.unwrap(), [grant(2, &other)]);
    assert_eq!(store.key_last_usage(&home(), &doomed.id).await.unwrap(), None);
    assert_eq!(store.key_last_usage(&home(), &other.id).await.unwrap(), Some(last_usage(&other, "Encrypt", 1)));
    let again = Key { tags: Vec::new(), materials: vec![material(3)], ..doomed };
    store.insert_key(&again, AMPLE).await.unwrap();
    assert_eq!(store.key(&again.region, &again.id).await.unwrap().as_ref(), Some(&again));
    // Its grants are counted anew.
    store.insert_grant(&grant(1, &again), 1).await.unwrap();
}

pub async fn key_ids_come_in_order_page_by_page(store: &dyn Store) {
    with_account(store).await;
    store.insert_account(&account(2)).await.unwrap();
    for number in [3, 1, 5, 2, 4] {
        store.insert_key(&key(number), AMPLE).await.unwrap();
    }
    store.insert_key(&Key { account: account_id(2), ..key(6) }, AMPLE).await.unwrap();
    store.insert_key(&Key { region: region("eu-west-1"), ..key(7) }, AMPLE).await.unwrap();
    let mut after = None;
    for expected in [vec![1, 2], vec![3, 4], vec![5], vec![]] {
        let page = store.key_ids(&account_id(1), &home(), after.as_ref(), 2).await.unwrap();
        assert_eq!(page, expected.into_iter().map(key_id).collect::<Vec<_>>());
        after = page.last().copied().or(after);
    }
    assert_eq!(store.key_ids(&account_id(1), &home(), None, usize::MAX).await.unwrap().len(), 5);
    assert_eq!(store.key_ids(&account_id(1), &home(), None, 0).await.unwrap(), []);
}
