//! OpenID Connect providers.

use keystead_core::access::OidcProvider;
use keystead_core::port::{Store, StoreError, UniqueConstraint};

use super::fixtures::*;
use super::identity_fixtures::*;
use crate::assert_error;

const URL: &str = "issuer.example.com/path";

pub async fn a_provider_comes_back_as_it_was_stored(store: &dyn Store) {
    with_account(store).await;
    let provider = OidcProvider { revision: 5, ..oidc_provider(1, URL) };
    store.insert_oidc_provider(&provider, AMPLE).await.unwrap();
    store.insert_oidc_provider(&oidc_provider(1, "another.example.com"), AMPLE).await.unwrap();
    assert_eq!(store.oidc_provider(&account_id(1), URL).await.unwrap(), Some(provider.clone()));
    assert_eq!(store.oidc_provider(&account_id(2), URL).await.unwrap(), None);
    let all = [oidc_provider(1, "another.example.com"), provider];
    assert_eq!(store.oidc_providers(&account_id(1)).await.unwrap(), all);
    assert_eq!(store.oidc_providers(&account_id(2)).await.unwrap(), []);
}

pub async fn what_stands_against_a_new_provider(store: &dyn Store) {
    with_account(store).await;
    store.insert_account(&account(2)).await.unwrap();
    let provider = oidc_provider(1, URL);
    assert_error!(store.insert_oidc_provider(&oidc_provider(3, URL), AMPLE).await, StoreError::NotFound);
    let full = store.insert_oidc_provider(&provider, 0).await;
    assert_error!(full, StoreError::QuotaExceeded { current: 0 });
    store.insert_oidc_provider(&provider, 1).await.unwrap();
    let same = store.insert_oidc_provider(&provider, AMPLE).await;
    assert_error!(same, StoreError::Duplicate(UniqueConstraint::OidcProviderUrl));
    let full = store.insert_oidc_provider(&oidc_provider(1, "another.example.com"), 1).await;
    assert_error!(full, StoreError::QuotaExceeded { current: 1 });
    store.insert_oidc_provider(&oidc_provider(2, URL), 1).await.unwrap();
}

pub async fn an_update_replaces_what_may_change_of_a_provider(store: &dyn Store) {
    with_account(store).await;
    let provider = oidc_provider(1, URL);
    store.insert_oidc_provider(&provider, AMPLE).await.unwrap();
    let changed = OidcProvider {
        client_ids: texts(&["b", "a"]),
        thumbprints: Vec::new(),
        created: at(99),
        tags: pairs(&[]),
        ..provider.clone()
    };
    store.update_oidc_provider(&changed).await.unwrap();
    let expected = OidcProvider { created: provider.created, revision: 2, ..changed.clone() };
    assert_eq!(store.oidc_provider(&account_id(1), URL).await.unwrap(), Some(expected.clone()));
    for other in [changed, oidc_provider(1, "another.example.com")] {
        assert_error!(store.update_oidc_provider(&other).await, StoreError::Conflict);
    }
    assert_eq!(store.oidc_provider(&account_id(1), URL).await.unwrap(), Some(expected));
}

pub async fn a_provider_is_deleted_at_its_revision(store: &dyn Store) {
    with_account(store).await;
    store.insert_oidc_provider(&oidc_provider(1, URL), AMPLE).await.unwrap();
    for (url, revision) in [(URL, 0), (URL, 2), ("another.example.com", 1)] {
        assert_error!(store.delete_oidc_provider(&account_id(1), url, revision).await, StoreError::Conflict);
    }
    store.delete_oidc_provider(&account_id(1), URL, 1).await.unwrap();
    assert_eq!(store.oidc_provider(&account_id(1), URL).await.unwrap(), None);
    assert_error!(store.delete_oidc_provider(&account_id(1), URL, 1).await, StoreError::Conflict);
}
