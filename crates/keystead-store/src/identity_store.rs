//! The [`IdentityStore`] port. What each mutation does is in the module of its concept.

use async_trait::async_trait;
use keystead_core::access::{AccessKeyUse, Group, ManagedPolicy, OidcProvider, Role, User};
use keystead_core::port::{IdentityCounts, IdentityStore, PolicyReference, SessionHolder, StoreError};
use keystead_model::Timestamp;
use keystead_model::arn::AccountId;

use crate::SqliteStore;
use crate::identities::kind::Kind;
use crate::identities::revocation::Revocation;
use crate::identities::{access_key_uses, counts, groups, oidc_providers, policies, references, roles, users};

impl SqliteStore {
    /// The record of this kind and name.
    async fn identity<T: Send + 'static>(
        &self,
        kind: &'static Kind<T>,
        account: &AccountId,
        name: &str,
    ) -> Result<Option<T>, StoreError> {
        let (account, name) = (*account, name.to_owned());
        self.read(move |connection| Box::pin(async move { kind.get(connection, &account, &name).await })).await
    }

    /// Records of this kind, in order.
    async fn identities<T: Send + 'static>(
        &self,
        kind: &'static Kind<T>,
        account: &AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<T>, StoreError> {
        let (account, after) = (*account, text_before(after));
        self.read(move |connection| Box::pin(async move { kind.list(connection, &account, &after, limit).await })).await
    }
}

#[async_trait]
impl IdentityStore for SqliteStore {
    async fn insert_user(&self, user: &User, quota: u64) -> Result<(), StoreError> {
        let user = user.clone();
        self.write(move |connection| Box::pin(async move { users::insert(connection, &user, quota).await })).await
    }

    async fn user(&self, account: &AccountId, user_name: &str) -> Result<Option<User>, StoreError> {
        self.identity(&users::USERS, account, user_name).await
    }

    async fn users(&self, account: &AccountId, after: Option<&str>, limit: usize) -> Result<Vec<User>, StoreError> {
        self.identities(&users::USERS, account, after, limit).await
    }

    async fn users_of_group(
        &self,
        account: &AccountId,
        group_name: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<User>, StoreError> {
        let (account, group_name, after) = (*account, group_name.to_owned(), text_before(after));
        self.read(move |connection| {
            Box::pin(async move { users::list_of_group(connection, &account, &group_name, &after, limit).await })
        })
        .await
    }

    async fn update_user(&self, user: &User) -> Result<(), StoreError> {
        let user = user.clone();
        self.write(move |connection| Box::pin(async move { users::update(connection, &user).await })).await
    }

    async fn delete_user(&self, account: &AccountId, user_name: &str, revision: u64) -> Result<(), StoreError> {
        let (account, user_name) = (*account, user_name.to_owned());
        self.write(move |connection| {
            Box::pin(async move { users::delete(connection, &account, &user_name, revision).await })
        })
        .await
    }

    async fn insert_group(&self, group: &Group, quota: u64) -> Result<(), StoreError> {
        let group = group.clone();
        self.write(move |connection| Box::pin(async move { groups::insert(connection, &group, quota).await })).await
    }

    async fn group(&self, account: &AccountId, group_name: &str) -> Result<Option<Group>, StoreError> {
        self.identity(&groups::GROUPS, account, group_name).await
    }

    async fn groups(&self, account: &AccountId, after: Option<&str>, limit: usize) -> Result<Vec<Group>, StoreError> {
        self.identities(&groups::GROUPS, account, after, limit).await
    }

    async fn update_group(&self, group: &Group) -> Result<(), StoreError> {
        let group = group.clone();
        self.write(move |connection| Box::pin(async move { groups::update(connection, &group).await })).await
    }

    async fn delete_group(&self, account: &AccountId, group_name: &str, revision: u64) -> Result<(), StoreError> {
        let (account, group_name) = (*account, group_name.to_owned());
        self.write(move |connection| {
            Box::pin(async move { groups::delete(connection, &account, &group_name, revision).await })
        })
        .await
    }

    async fn insert_role(&self, role: &Role, quota: u64) -> Result<(), StoreError> {
        let role = role.clone();
        self.write(move |connection| Box::pin(async move { roles::insert(connection, &role, quota).await })).await
    }

    async fn role(&self, account: &AccountId, role_name: &str) -> Result<Option<Role>, StoreError> {
        self.identity(&roles::ROLES, account, role_name).await
    }

    async fn roles(&self, account: &AccountId, after: Option<&str>, limit: usize) -> Result<Vec<Role>, StoreError> {
        self.identities(&roles::ROLES, account, after, limit).await
    }

    async fn update_role(&self, role: &Role) -> Result<(), StoreError> {
        let role = role.clone();
        self.write(move |connection| Box::pin(async move { roles::update(connection, &role).await })).await
    }

    async fn delete_role(&self, account: &AccountId, role_name: &str, revision: u64) -> Result<(), StoreError> {
        let (account, role_name) = (*account, role_name.to_owned());
        self.write(move |connection| {
            Box::pin(async move { roles::delete(connection, &account, &role_name, revision).await })
        })
        .await
    }

    async fn insert_policy(&self, policy: &ManagedPolicy, quota: u64) -> Result<(), StoreError> {
        let policy = policy.clone();
        self.write(move |connection| Box::pin(async move { policies::insert(connection, &policy, quota).await })).await
    }

    async fn policy(&self, account: &AccountId, policy_name: &str) -> Result<Option<ManagedPolicy>, StoreError> {
        self.identity(&policies::POLICIES, account, policy_name).await
    }

    async fn policies(
        &self,
        account: &AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ManagedPolicy>, StoreError> {
        self.identities(&policies::POLICIES, account, after, limit).await
    }

    async fn update_policy(&self, policy: &ManagedPolicy) -> Result<(), StoreError> {
        let policy = policy.clone();
        self.write(move |connection| Box::pin(async move { policies::update(connection, &policy).await })).await
    }

    async fn delete_policy(&self, account: &AccountId, policy_name: &str, revision: u64) -> Result<(), StoreError> {
        let (account, policy_name) = (*account, policy_name.to_owned());
        self.write(move |connection| {
            Box::pin(async move { policies::delete(connection, &account, &policy_name, revision).await })
        })
        .await
    }

    async fn policy_references(
        &self,
        account: &AccountId,
        policy_arn: &str,
    ) -> Result<Vec<PolicyReference>, StoreError> {
        let (account, policy_arn) = (*account, policy_arn.to_owned());
        self.read(move |connection| {
            Box::pin(async move { references::of_policy(connection, &account, &policy_arn).await })
        })
        .await
    }

    async fn insert_oidc_provider(&self, provider: &OidcProvider, quota: u64) -> Result<(), StoreError> {
        let provider = provider.clone();
        self.write(move |connection| {
            Box::pin(async move { oidc_providers::insert(connection, &provider, quota).await })
        })
        .await
    }

    async fn oidc_provider(&self, account: &AccountId, url: &str) -> Result<Option<OidcProvider>, StoreError> {
        self.identity(&oidc_providers::OIDC_PROVIDERS, account, url).await
    }

    async fn oidc_providers(&self, account: &AccountId) -> Result<Vec<OidcProvider>, StoreError> {
        self.identities(&oidc_providers::OIDC_PROVIDERS, account, None, usize::MAX).await
    }

    async fn update_oidc_provider(&self, provider: &OidcProvider) -> Result<(), StoreError> {
        let provider = provider.clone();
        self.write(move |connection| Box::pin(async move { oidc_providers::update(connection, &provider).await })).await
    }

    async fn delete_oidc_provider(&self, account: &AccountId, url: &str, revision: u64) -> Result<(), StoreError> {
        let (account, url) = (*account, url.to_owned());
        self.write(move |connection| {
            Box::pin(async move { oidc_providers::delete(connection, &account, &url, revision).await })
        })
        .await
    }

    async fn identity_counts(&self, account: &AccountId) -> Result<IdentityCounts, StoreError> {
        let account = *account;
        self.read(move |connection| Box::pin(async move { counts::of_account(connection, &account).await })).await
    }

    async fn record_access_key_uses(&self, uses: &[AccessKeyUse]) -> Result<(), StoreError> {
        let uses = uses.to_vec();
        self.write(move |connection| Box::pin(async move { access_key_uses::record(connection, &uses).await })).await
    }

    async fn access_key_use(&self, access_key_id: &str) -> Result<Option<AccessKeyUse>, StoreError> {
        let access_key_id = access_key_id.to_owned();
        self.read(move |connection| Box::pin(async move { access_key_uses::get(connection, &access_key_id).await }))
            .await
    }

    async fn revoke_sessions(&self, holder: SessionHolder<'_>, before: Timestamp) -> Result<(), StoreError> {
        let revocation = Revocation::of(holder);
        self.write(move |connection| Box::pin(async move { revocation.store(connection, before).await })).await
    }
}

/// What the names of a list sort after.
fn text_before(after: Option<&str>) -> String {
    after.unwrap_or_default().to_owned()
}
