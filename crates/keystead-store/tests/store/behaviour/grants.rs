//! Grants.

use keystead_core::key::{Grant, GrantConstraints, Key};
use keystead_core::port::{Store, StoreError};
use keystead_model::kms::GrantOperation;

use super::fixtures::*;
use crate::assert_error;

fn full(number: u8, key: &Key) -> Grant {
    Grant {
        name: Some("ä€𐍈 '\"".to_owned()),
        grantee_id: Some("AROAGRANTEE".to_owned()),
        retiring_principal: Some("arn:aws:iam::000000000002:role/retiring".to_owned()),
        retiring_principal_id: Some("AROARETIRING".to_owned()),
        operations: GrantOperation::ALL.to_vec(),
        constraints: GrantConstraints {
            encryption_context_equals: Some(encryption_context(&[("department", "\"finance\"\n"), ("a", "")])),
            encryption_context_subset: Some(encryption_context(&[])),
        },
        ..grant(number, key)
    }
}

pub async fn a_grant_comes_back_as_it_was_stored(store: &dyn Store) {
    let key = with_key(store).await;
    let nobody = Grant { operations: Vec::new(), ..grant(2, &key) };
    for grant in [full(1, &key), nobody, grant(3, &key)] {
        assert_eq!(store.insert_grant(&grant, AMPLE).await.unwrap(), grant);
        assert_eq!(store.grant(&home(), &key.id, &grant.id).await.unwrap(), Some(grant));
    }
    assert_eq!(store.grant(&home(), &key.id, &grant_id(4)).await.unwrap(), None);
    assert_eq!(store.grant(&home(), &key_id(2), &grant_id(1)).await.unwrap(), None);
    assert_eq!(store.grant(&region("eu-west-1"), &key.id, &grant_id(1)).await.unwrap(), None);
}

pub async fn what_stands_against_a_new_grant(store: &dyn Store) {
    let key = with_key(store).await;
    assert_error!(store.insert_grant(&grant(1, &super::fixtures::key(2)), AMPLE).await, StoreError::NotFound);
    let of_another = Grant { key_account: account_id(2), ..grant(1, &key) };
    assert_error!(store.insert_grant(&of_another, AMPLE).await, StoreError::NotFound);
    store.insert_grant(&grant(1, &key), 2).await.unwrap();
    store.insert_grant(&grant(2, &key), 2).await.unwrap();
    assert_error!(store.insert_grant(&grant(3, &key), 2).await, StoreError::QuotaExceeded { current: 2 });
    assert_error!(store.check_new_grant(&grant(3, &key), 2).await, StoreError::QuotaExceeded { current: 2 });
    assert_error!(store.check_new_grant(&of_another, 2).await, StoreError::NotFound);
    store.check_new_grant(&grant(3, &key), 3).await.unwrap();
    assert_eq!(store.grant(&home(), &key.id, &grant_id(3)).await.unwrap(), None);
    store.delete_grant(&home(), &key.id, &grant_id(1)).await.unwrap();
    store.insert_grant(&grant(3, &key), 2).await.unwrap();
    assert_error!(store.insert_grant(&grant(4, &key), 2).await, StoreError::QuotaExceeded { current: 2 });
}

/// Asked for again, a grant with a name is the one that is there; one that differs in anything is another.
pub async fn a_grant_with_a_name_is_made_once(store: &dyn Store) {
    let key = with_key(store).await;
    let first = full(1, &key);
    store.insert_grant(&first, 1).await.unwrap();
    let again = Grant { id: grant_id(2), created: at(99), ..first.clone() };
    // The quota is no matter.
    assert_eq!(store.insert_grant(&again, 1).await.unwrap(), first);
    store.check_new_grant(&again, 1).await.unwrap();
    assert_eq!(store.grants_of_key(&home(), &key.id, None, None, 9).await.unwrap(), std::slice::from_ref(&first));

    let changes: [&dyn Fn(&mut Grant); 9] = [
        &|grant| grant.name = Some("another".to_owned()),
        &|grant| grant.grantee_principal = "arn:aws:iam::000000000001:role/another".to_owned(),
        &|grant| grant.retiring_principal = None,
        &|grant| grant.issuing_account = "arn:aws:iam::000000000002:root".to_owned(),
        &|grant| grant.operations.truncate(1),
        &|grant| grant.constraints.encryption_context_equals = None,
        &|grant| grant.constraints.encryption_context_subset = None,
        &|grant| grant.constraints.encryption_context_equals = Some(encryption_context(&[("department", "it")])),
        &|grant| {
            let constraints = &mut grant.constraints;
            std::mem::swap(&mut constraints.encryption_context_equals, &mut constraints.encryption_context_subset);
        },
    ];
    for (number, change) in (10..).zip(changes) {
        let mut other = Grant { id: grant_id(number), ..first.clone() };
        change(&mut other);
        assert_eq!(store.insert_grant(&other, AMPLE).await.unwrap(), other);
    }
    let other_key = super::fixtures::key(2);
    store.insert_key(&other_key, AMPLE).await.unwrap();
    let on_other_key = full(3, &other_key);
    assert_eq!(store.insert_grant(&on_other_key, AMPLE).await.unwrap(), on_other_key);

    store.delete_grant(&home(), &key.id, &first.id).await.unwrap();
    assert_eq!(store.insert_grant(&again, AMPLE).await.unwrap(), again);
}

pub async fn grants_without_a_name_are_always_others(store: &dyn Store) {
    let key = with_key(store).await;
    let first = Grant { name: None, ..full(1, &key) };
    let second = Grant { id: grant_id(2), ..first.clone() };
    for grant in [&first, &second] {
        assert_eq!(&store.insert_grant(grant, AMPLE).await.unwrap(), grant);
    }
    assert_eq!(store.grants_of_key(&home(), &key.id, None, None, 9).await.unwrap(), [first, second]);
}

pub async fn a_grant_is_deleted_once(store: &dyn Store) {
    let key = with_key(store).await;
    store.insert_grant(&grant(1, &key), AMPLE).await.unwrap();
    assert_error!(store.delete_grant(&region("eu-west-1"), &key.id, &grant_id(1)).await, StoreError::NotFound);
    assert_error!(store.delete_grant(&home(), &key_id(2), &grant_id(1)).await, StoreError::NotFound);
    store.delete_grant(&home(), &key.id, &grant_id(1)).await.unwrap();
    assert_error!(store.delete_grant(&home(), &key.id, &grant_id(1)).await, StoreError::NotFound);
    assert_eq!(store.grant(&home(), &key.id, &grant_id(1)).await.unwrap(), None);
}

pub async fn grants_of_a_key_come_in_order_page_by_page(store: &dyn Store) {
    let key = with_key(store).await;
    let other = super::fixtures::key(2);
    store.insert_key(&other, AMPLE).await.unwrap();
    let grantee = |number: u8| format!("grantee {}", number % 2);
    let grant_to = |number| Grant { grantee_principal: grantee(number), ..grant(number, &key) };
    for number in [200, 1, 5, 2, 4] {
        store.insert_grant(&grant_to(number), AMPLE).await.unwrap();
    }
    store.insert_grant(&grant(3, &other), AMPLE).await.unwrap();
    for (of, pages) in [
        (None, vec![vec![1, 2], vec![4, 5], vec![200], vec![]]),
        (Some("grantee 0"), vec![vec![2, 4], vec![200], vec![]]),
        (Some("grantee 1"), vec![vec![1, 5], vec![]]),
        (Some("grantee 2"), vec![vec![]]),
    ] {
        let mut after = None;
        for expected in pages {
            let page = store.grants_of_key(&home(), &key.id, of, after.as_ref(), 2).await.unwrap();
            assert_eq!(page, expected.into_iter().map(grant_to).collect::<Vec<_>>());
            after = page.last().map(|grant| grant.id).or(after);
        }
    }
    assert_eq!(store.grants_of_key(&home(), &key.id, None, None, 0).await.unwrap(), []);
    assert_eq!(store.grants_of_key(&region("eu-west-1"), &key.id, None, None, 9).await.unwrap(), []);
}

pub async fn grants_to_retire_come_in_order_page_by_page(store: &dyn Store) {
    let first = with_key(store).await;
    store.insert_account(&account(2)).await.unwrap();
    let second = Key { account: account_id(2), ..key(2) };
    let elsewhere = Key { region: region("eu-west-1"), ..key(3) };
    for key in [&second, &elsewhere] {
        store.insert_key(key, AMPLE).await.unwrap();
    }
    let retirable = |number, key| Grant { retiring_principal: Some("someone".to_owned()), ..grant(number, key) };
    let grants = [retirable(1, &second), retirable(3, &first), retirable(7, &second)];
    for grant in grants.iter().rev() {
        store.insert_grant(grant, AMPLE).await.unwrap();
    }
    let of_another = Grant { retiring_principal: Some("someone else".to_owned()), ..grant(4, &first) };
    for grant in [grant(5, &first), of_another, retirable(6, &elsewhere)] {
        store.insert_grant(&grant, AMPLE).await.unwrap();
    }
    let mut after = None;
    for expected in [&grants[..2], &grants[2..], &[]] {
        let page = store.grants_to_retire(&home(), "someone", None, after.as_ref(), 2).await.unwrap();
        assert_eq!(page, expected);
        after = page.last().map(|grant| grant.id).or(after);
    }
    assert_eq!(store.grants_to_retire(&home(), "nobody", None, None, 9).await.unwrap(), []);
}

/// One that is stored without an ID is of whoever has the name. The limit counts only what is there.
pub async fn grants_to_retire_are_of_who_had_the_name(store: &dyn Store) {
    let key = with_key(store).await;
    let of = |number, id: Option<&str>| Grant {
        retiring_principal: Some("someone".to_owned()),
        retiring_principal_id: id.map(str::to_owned),
        ..grant(number, &key)
    };
    let grants = [of(1, Some("AIDAFIRST")), of(2, None), of(3, Some("AIDAFIRST")), of(4, Some("AIDASECOND"))];
    for grant in &grants {
        store.insert_grant(grant, AMPLE).await.unwrap();
    }
    let [first, nameless, third, second] = &grants;
    for (id, limit, expected) in [
        (None, 9, vec![first, nameless, third, second]),
        (Some("AIDAFIRST"), 9, vec![first, nameless, third]),
        (Some("AIDASECOND"), 9, vec![nameless, second]),
        (Some("AIDASECOND"), 2, vec![nameless, second]),
        (Some("AIDATHIRD"), 9, vec![nameless]),
    ] {
        let listed = store.grants_to_retire(&home(), "someone", id, None, limit).await.unwrap();
        assert_eq!(listed.iter().collect::<Vec<_>>(), expected, "{id:?}, {limit}");
    }
}
