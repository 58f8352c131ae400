//! Of identities the store holds users alone: it is asked for no group, role or policy.

use async_trait::async_trait;
use keystead_core::access::{AccessKeyUse, Group, ManagedPolicy, OidcProvider, Role, User};
use keystead_core::port::{IdentityCounts, IdentityStore, PolicyReference, SessionHolder, StoreError};
use keystead_model::Timestamp;
use keystead_model::arn::AccountId;

use super::store::{Identities, unused};

#[async_trait]
impl IdentityStore for Identities {
    async fn insert_user(&self, _: &User, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn user(&self, _: &AccountId, user_name: &str) -> Result<Option<User>, StoreError> {
        Ok(self.user_named(user_name))
    }

    async fn users(&self, _: &AccountId, _: Option<&str>, _: usize) -> Result<Vec<User>, StoreError> {
        unused()
    }

    async fn users_of_group(&self, _: &AccountId, _: &str, _: Option<&str>, _: usize) -> Result<Vec<User>, StoreError> {
        unused()
    }

    async fn update_user(&self, _: &User) -> Result<(), StoreError> {
        unused()
    }

    async fn delete_user(&self, _: &AccountId, _: &str, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn insert_group(&self, _: &Group, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn group(&self, _: &AccountId, _: &str) -> Result<Option<Group>, StoreError> {
        unused()
    }

    async fn groups(&self, _: &AccountId, _: Option<&str>, _: usize) -> Result<Vec<Group>, StoreError> {
        unused()
    }

    async fn update_group(&self, _: &Group) -> Result<(), StoreError> {
        unused()
    }

    async fn delete_group(&self, _: &AccountId, _: &str, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn insert_role(&self, _: &Role, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn role(&self, _: &AccountId, _: &str) -> Result<Option<Role>, StoreError> {
        unused()
    }

    async fn roles(&self, _: &AccountId, _: Option<&str>, _: usize) -> Result<Vec<Role>, StoreError> {
        unused()
    }

    async fn update_role(&self, _: &Role) -> Result<(), StoreError> {
        unused()
    }

    async fn delete_role(&self, _: &AccountId, _: &str, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn insert_policy(&self, _: &ManagedPolicy, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn policy(&self, _: &AccountId, _: &str) -> Result<Option<ManagedPolicy>, StoreError> {
        unused()
    }

    async fn policies(&self, _: &AccountId, _: Option<&str>, _: usize) -> Result<Vec<ManagedPolicy>, StoreError> {
        unused()
    }

    async fn update_policy(&self, _: &ManagedPolicy) -> Result<(), StoreError> {
        unused()
    }

    async fn delete_policy(&self, _: &AccountId, _: &str, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn policy_references(&self, _: &AccountId, _: &str) -> Result<Vec<PolicyReference>, StoreError> {
        unused()
    }

    async fn insert_oidc_provider(&self, _: &OidcProvider, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn oidc_provider(&self, _: &AccountId, _: &str) -> Result<Option<OidcProvider>, StoreError> {
        unused()
    }

    async fn oidc_providers(&self, _: &AccountId) -> Result<Vec<OidcProvider>, StoreError> {
        unused()
    }

    async fn update_oidc_provider(&self, _: &OidcProvider) -> Result<(), StoreError> {
        unused()
    }

    async fn delete_oidc_provider(&self, _: &AccountId, _: &str, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn identity_counts(&self, _: &AccountId) -> Result<IdentityCounts, StoreError> {
        unused()
    }

    async fn record_access_key_uses(&self, _: &[AccessKeyUse]) -> Result<(), StoreError> {
        unused()
    }

    /// None is ever stored.
    async fn access_key_use(&self, _: &str) -> Result<Option<AccessKeyUse>, StoreError> {
        Ok(None)
    }

    async fn revoke_sessions(&self, _: SessionHolder<'_>, _: Timestamp) -> Result<(), StoreError> {
        unused()
    }
}
