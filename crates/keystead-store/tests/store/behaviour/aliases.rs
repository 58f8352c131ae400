//! Aliases.

use keystead_core::key::{Alias, Key};
use keystead_core::port::{Store, StoreError, UniqueConstraint};

use super::fixtures::*;
use crate::assert_error;

pub async fn an_alias_comes_back_as_it_was_stored(store: &dyn Store) {
    let key = with_key(store).await;
    let alias = Alias { last_updated: at(50), revision: 3, ..alias("a/b-C_9", &key) };
    store.insert_alias(&alias, AMPLE).await.unwrap();
    let read = store.alias(&alias.account, &alias.region, &alias.name).await.unwrap();
    assert_eq!(read, Some(alias));
    assert_eq!(store.alias(&account_id(1), &home(), &alias_name("a/b-c_9")).await.unwrap(), None);
    assert_eq!(store.alias(&account_id(1), &region("eu-west-1"), &alias_name("a/b-C_9")).await.unwrap(), None);
}

pub async fn what_stands_against_a_new_alias(store: &dyn Store) {
    let key = with_key(store).await;
    let other = super::fixtures::key(2);
    store.insert_key(&other, AMPLE).await.unwrap();
    store.insert_alias(&alias("a", &key), 2).await.unwrap();
    store.insert_alias(&alias("b", &key), 2).await.unwrap();
    assert_error!(store.insert_alias(&alias("c", &key), 2).await, StoreError::QuotaExceeded { current: 2 });
    let taken = StoreError::Duplicate(UniqueConstraint::AliasName);
    let result = store.insert_alias(&alias("a", &other), 2).await;
    assert_eq!(result.unwrap_err().to_string(), taken.to_string());

    let no_key = super::fixtures::key(9);
    assert_error!(store.insert_alias(&alias("c", &no_key), 2).await, StoreError::NotFound);
    let of_other_account = Alias { account: account_id(2), ..alias("c", &key) };
    assert_error!(store.insert_alias(&of_other_account, 2).await, StoreError::NotFound);
    let of_other_region = Alias { region: region("eu-west-1"), ..alias("c", &key) };
    assert_error!(store.insert_alias(&of_other_region, 2).await, StoreError::NotFound);
    assert_eq!(store.aliases(&account_id(1), &home(), None, None, 9).await.unwrap().len(), 2);
}

pub async fn what_stands_against_a_moved_alias(store: &dyn Store) {
    let key = with_key(store).await;
    let other = super::fixtures::key(2);
    store.insert_key(&other, AMPLE).await.unwrap();
    let original = alias("a", &key);
    store.insert_alias(&original, 1).await.unwrap();
    store.insert_alias(&alias("b", &other), 1).await.unwrap();

    let moved = Alias { target_key_id: other.id, last_updated: at(60), ..original.clone() };
    assert_error!(store.update_alias(&moved, 1).await, StoreError::QuotaExceeded { current: 1 });
    let lost = Alias { target_key_id: key_id(9), ..original.clone() };
    assert_error!(store.update_alias(&lost, 1).await, StoreError::NotFound);
    assert_error!(store.update_alias(&Alias { revision: 2, ..moved.clone() }, 9).await, StoreError::Conflict);
    assert_error!(store.update_alias(&alias("nobody", &key), 9).await, StoreError::Conflict);
    let read = store.alias(&original.account, &original.region, &original.name).await.unwrap();
    assert_eq!(read.as_ref(), Some(&original));

    // An alias does not stand in its own way.
    store.update_alias(&Alias { last_updated: at(55), ..original.clone() }, 1).await.unwrap();
    store.update_alias(&Alias { revision: 2, created: at(999), ..moved.clone() }, 2).await.unwrap();
    let read = store.alias(&original.account, &original.region, &original.name).await.unwrap();
    assert_eq!(read, Some(Alias { revision: 3, ..moved }));
}

pub async fn a_deletion_needs_the_revision_that_was_read(store: &dyn Store) {
    let key = with_key(store).await;
    let alias = alias("a", &key);
    store.insert_alias(&alias, AMPLE).await.unwrap();
    assert_error!(store.delete_alias(&alias.account, &alias.region, &alias.name, 2).await, StoreError::Conflict);
    store.delete_alias(&alias.account, &alias.region, &alias.name, 1).await.unwrap();
    assert_error!(store.delete_alias(&alias.account, &alias.region, &alias.name, 1).await, StoreError::Conflict);
    assert_eq!(store.alias(&alias.account, &alias.region, &alias.name).await.unwrap(), None);
}

pub async fn aliases_come_in_order_page_by_page(store: &dyn Store) {
    let first = with_key(store).await;
    store.insert_account(&account(2)).await.unwrap();
    let second = key(2);
    let foreign = Key { account: account_id(2), ..key(3) };
    for key in [&second, &foreign] {
        store.insert_key(key, AMPLE).await.unwrap();
    }
    for (name, key) in [("d", &first), ("B", &second), ("a", &first), ("c", &second), ("e", &foreign)] {
        store.insert_alias(&alias(name, key), AMPLE).await.unwrap();
    }
    // By bytes: capital letters come first.
    let table = [
        (None, None, 9, vec!["B", "a", "c", "d"]),
        (None, None, 3, vec!["B", "a", "c"]),
        (None, Some("c"), 3, vec!["d"]),
        (None, Some("d"), 3, vec![]),
        (Some(&first), None, 9, vec!["a", "d"]),
        (Some(&first), None, 1, vec!["a"]),
        (Some(&first), Some("b"), 1, vec!["d"]),
        (Some(&foreign), None, 9, vec![]),
    ];
    for (key, after, limit, expected) in table {
        let (key_id, after) = (key.map(|key: &Key| key.id), after.map(alias_name));
        let page = store.aliases(&account_id(1), &home(), key_id.as_ref(), after.as_ref(), limit).await.unwrap();
        let names: Vec<_> = page.iter().map(|alias| alias.name.clone()).collect();
        assert_eq!(names, expected.into_iter().map(alias_name).collect::<Vec<_>>());
    }
}
