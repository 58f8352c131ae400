//! How many identities there are.

use keystead_core::access::ManagedPolicy;
use keystead_core::port::{IdentityCounts, Store};

use super::fixtures::*;
use super::identity_fixtures::*;

pub async fn every_kind_is_counted_in_its_account(store: &dyn Store) {
    with_groups_and_policies(store).await;
    store.insert_account(&account(2)).await.unwrap();
    assert_eq!(store.identity_counts(&account_id(2)).await.unwrap(), IdentityCounts::default());
    let alice = user(1, "alice");
    store.insert_user(&alice, AMPLE).await.unwrap();
    for name in ["a", "b", "c"] {
        store.insert_role(&role(1, name), AMPLE).await.unwrap();
        store.insert_role(&role(2, name), AMPLE).await.unwrap();
    }
    let versions = (1..=5).map(policy_version).collect();
    store.update_policy(&ManagedPolicy { versions, ..policy(1, "one") }).await.unwrap();
    store.insert_oidc_provider(&oidc_provider(1, "issuer.example.com"), AMPLE).await.unwrap();
    store.insert_access_key(&access_key("AKIAA", 1, None), AMPLE).await.unwrap();
    store.insert_access_key(&access_key("AKIAB", 1, Some(&alice)), AMPLE).await.unwrap();
    let counts = IdentityCounts {
        users: 1,
        groups: 2,
        roles: 3,
        policies: 2,
        policy_versions: 6,
        oidc_providers: 1,
        root_access_keys: 1,
    };
    assert_eq!(store.identity_counts(&account_id(1)).await.unwrap(), counts);
    assert_eq!(store.identity_counts(&account_id(2)).await.unwrap(), IdentityCounts { roles: 3, ..Default::default() });
    assert_eq!(store.identity_counts(&account_id(3)).await.unwrap(), IdentityCounts::default());
}
