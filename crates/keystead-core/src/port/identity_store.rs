//! The durable store of who there is: users, groups, roles, managed policies, identity providers.

use async_trait::async_trait;
use keystead_model::Timestamp;
use keystead_model::arn::AccountId;

use super::StoreError;
use crate::access::{AccessKeyUse, Group, ManagedPolicy, OidcProvider, Role, User};

/// Storage of identities, with the guarantees of [`super::Store`]: each mutation is one durable transaction, an update takes the revision that
/// was read and fails with `Conflict` otherwise, a deletion as well.
///
/// Names are unique in their account and kind whatever the case of their letters, and found by their exact letters alone. Lists are in the
/// order of the names' bytes, begin after `after`, and have at most `limit` entries.
///
/// An identity refers to its groups, to its customer managed policies and to its permissions boundary. `insert_` and `update_` fail with
/// `NotFound` if one of them is gone; a group or policy that is referred to cannot be deleted (`Referenced`). ARNs of other accounts' policies
/// are never stored; those of `aws` refer to nothing.
///
/// Every mutation of users, groups, roles and policies, and every revocation of sessions, appends [`super::ChangedRecord::Identities`] to the
/// change feed.
#[async_trait]
pub trait IdentityStore: Send + Sync + 'static {
    /// Adds a user. `NotFound` if there is no such account; `Duplicate(UserName)`; `QuotaExceeded` when the account has `quota` of them.
    async fn insert_user(&self, user: &User, quota: u64) -> Result<(), StoreError>;
    /// One user.
    async fn user(&self, account: &AccountId, user_name: &str) -> Result<Option<User>, StoreError>;
    /// Users of an account.
    async fn users(&self, account: &AccountId, after: Option<&str>, limit: usize) -> Result<Vec<User>, StoreError>;
    /// The users of a group.
    async fn users_of_group(
        &self,
        account: &AccountId,
        group_name: &str,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<User>, StoreError>;
    /// Replaces tags, policies, permissions boundary, groups and the revocation of sessions. The other members never change.
    async fn update_user(&self, user: &User) -> Result<(), StoreError>;
    /// Deletes a user; `Referenced` while it has access keys.
    async fn delete_user(&self, account: &AccountId, user_name: &str, revision: u64) -> Result<(), StoreError>;

    /// Adds a group; fails as [`IdentityStore::insert_user`] does, with `Duplicate(GroupName)`.
    async fn insert_group(&self, group: &Group, quota: u64) -> Result<(), StoreError>;
    /// One group.
    async fn group(&self, account: &AccountId, group_name: &str) -> Result<Option<Group>, StoreError>;
    /// Groups of an account.
    async fn groups(&self, account: &AccountId, after: Option<&str>, limit: usize) -> Result<Vec<Group>, StoreError>;
    /// Replaces its policies.
    async fn update_group(&self, group: &Group) -> Result<(), StoreError>;
    /// Deletes a group; `Referenced` while users are in it.
    async fn delete_group(&self, account: &AccountId, group_name: &str, revision: u64) -> Result<(), StoreError>;

    /// Adds a role; fails as [`IdentityStore::insert_user`] does, with `Duplicate(RoleName)`.
    async fn insert_role(&self, role: &Role, quota: u64) -> Result<(), StoreError>;
    /// One role.
    async fn role(&self, account: &AccountId, role_name: &str) -> Result<Option<Role>, StoreError>;
    /// Roles of an account.
    async fn roles(&self, account: &AccountId, after: Option<&str>, limit: usize) -> Result<Vec<Role>, StoreError>;
    /// Replaces description, trust policy, longest session, tags, policies, permissions boundary and the revocation of sessions.
    async fn update_role(&self, role: &Role) -> Result<(), StoreError>;
    /// Deletes a role.
    async fn delete_role(&self, account: &AccountId, role_name: &str, revision: u64) -> Result<(), StoreError>;

    /// Adds a managed policy; fails as [`IdentityStore::insert_user`] does, with `Duplicate(PolicyName)`.
    async fn insert_policy(&self, policy: &ManagedPolicy, quota: u64) -> Result<(), StoreError>;
    /// One managed policy.
    async fn policy(&self, account: &AccountId, policy_name: &str) -> Result<Option<ManagedPolicy>, StoreError>;
    /// Managed policies of an account.
    async fn policies(
        &self,
        account: &AccountId,
        after: Option<&str>,
        limit: usize,
    ) -> Result<Vec<ManagedPolicy>, StoreError>;
    /// Replaces its tags, versions, the number of the version in force and of the next one, and when it was updated.
    async fn update_policy(&self, policy: &ManagedPolicy) -> Result<(), StoreError>;
    /// Deletes a managed policy; `Referenced` while it is attached or a permissions boundary.
    async fn delete_policy(&self, account: &AccountId, policy_name: &str, revision: u64) -> Result<(), StoreError>;
    /// Who of an account refers to a managed policy, by kind and name. `policy_arn` may be one of `aws`.
    async fn policy_references(
        &self,
        account: &AccountId,
        policy_arn: &str,
    ) -> Result<Vec<PolicyReference>, StoreError>;

    /// Adds an OpenID Connect provider; fails as [`IdentityStore::insert_user`] does, with `Duplicate(OidcProviderUrl)`.
    async fn insert_oidc_provider(&self, provider: &OidcProvider, quota: u64) -> Result<(), StoreError>;
    /// One OpenID Connect provider.
    async fn oidc_provider(&self, account: &AccountId, url: &str) -> Result<Option<OidcProvider>, StoreError>;
    /// All OpenID Connect providers of an account, by URL.
    async fn oidc_providers(&self, account: &AccountId) -> Result<Vec<OidcProvider>, StoreError>;
    /// Replaces client IDs, thumbprints and tags.
    async fn update_oidc_provider(&self, provider: &OidcProvider) -> Result<(), StoreError>;
    /// Deletes an OpenID Connect provider.
    async fn delete_oidc_provider(&self, account: &AccountId, url: &str, revision: u64) -> Result<(), StoreError>;

    /// How many of each kind an account has.
    async fn identity_counts(&self, account: &AccountId) -> Result<IdentityCounts, StoreError>;

    /// Stores last uses of access keys, each unless a later one of the same key is stored. One of a key that is gone is left out.
    async fn record_access_key_uses(&self, uses: &[AccessKeyUse]) -> Result<(), StoreError>;
    /// The last use that is stored of an access key.
    async fn access_key_use(&self, access_key_id: &str) -> Result<Option<AccessKeyUse>, StoreError>;

    /// Refuses all sessions of a user, a role or a root user that began before `before`: sets `sessions_revoked_before`, whatever the revision,
    /// and never to an earlier time. `NotFound` if there is none of that name, or no such account.
    async fn revoke_sessions(&self, holder: SessionHolder<'_>, before: Timestamp) -> Result<(), StoreError>;
}

/// Whose sessions.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum SessionHolder<'a> {
    /// A user's.
    User(&'a AccountId, &'a str),
    /// A role's.
    Role(&'a AccountId, &'a str),
    /// The account's root user's.
    Root(&'a AccountId),
}

/// Who refers to a managed policy.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Debug)]
pub struct PolicyReference {
    /// What it is.
    pub holder: PolicyHolder,
    /// The name of the user, group or role.
    pub name: String,
    /// Its unique ID.
    pub unique_id: String,
    /// Its path.
    pub path: String,
    /// Whether the policy is attached.
    pub attached: bool,
    /// Whether the policy is its permissions boundary.
    pub boundary: bool,
}

/// What a policy can be attached to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum PolicyHolder {
    /// A user.
    User,
    /// A group.
    Group,
    /// A role.
    Role,
}

/// How many of each kind an account has (IAM API Reference, GetAccountSummary).
#[derive(Clone, Copy, PartialEq, Eq, Debug, Default)]
pub struct IdentityCounts {
    /// Users.
    pub users: u64,
    /// Groups.
    pub groups: u64,
    /// Roles.
    pub roles: u64,
    /// Customer managed policies.
    pub policies: u64,
    /// Versions of them.
    pub policy_versions: u64,
    /// OpenID Connect providers.
    pub oidc_providers: u64,
    /// Access keys of the account's root user.
    pub root_access_keys: u64,
}
