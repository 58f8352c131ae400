//! Users, groups and roles as [`Identity`].

use std::borrow::Cow;
use std::collections::BTreeMap;

use async_trait::async_trait;
use keystead_core::access::{AttachedPolicies, Group, Role, User};
use keystead_core::port::{Store, StoreError, UniqueConstraint};
use keystead_model::Timestamp;
use keystead_model::arn::AccountId;
use keystead_query::{Parameters, Structure};

use super::{Identity, described};
use crate::constraint::TextRule;
use crate::error::IdentityError;
use crate::iam::call::Call;
use crate::iam::entity::Entity;
use crate::iam::identity_members::check_no_policies;
use crate::iam::names::{GROUP_NAME, ROLE_NAME, ROOT_PATH, USER_NAME};
use crate::iam::quota::{self, Quota};
use crate::iam::{roles, users};

macro_rules! identity {
    (
        $type:ident, $kind:literal, $lists:literal, quota: $quota:expr, unique: $unique:ident,
        name: $name:ident $name_member:literal $name_rule:ident, id: $id:ident $id_member:literal,
        attached_max: $attached_max:expr, inline_size_max: $inline_size_max:literal,
        tags: $tags:expr, boundary: $boundary:expr, shown: $shown:expr, trust: $trust:expr,
        deletable: $deletable:expr, referenced: $referenced:literal,
        $read:ident, $list:ident, $insert:ident, $update:ident, $delete:ident
    ) => {
        #[async_trait]
        impl Entity for $type {
            const QUOTA: Quota = $quota;
            const UNIQUE: UniqueConstraint = UniqueConstraint::$unique;
            const REFERENCED: &'static str = $referenced;

            fn take_key(_: &Call<'_>, parameters: &mut Parameters) -> Result<String, IdentityError> {
                Self::take_name(parameters)
            }

            fn arn_of_missing(account: &AccountId, name: &str) -> String {
                Self::arn_of(account, ROOT_PATH, name)
            }

            fn not_found(_: &AccountId, name: &str) -> IdentityError {
                IdentityError::no_such_entity(format!("The {} with name {name} cannot be found.", $kind))
            }

            fn account(&self) -> &AccountId {
                &self.account
            }

            fn key(&self) -> Cow<'_, str> {
                Cow::Borrowed(&self.$name)
            }

            fn arn(&self) -> String {
                $type::arn(self)
            }

            fn tags(&self) -> Option<&BTreeMap<String, String>> {
                let tags: fn(&$type) -> Option<&BTreeMap<String, String>> = $tags;
                tags(self)
            }

            fn permissions_boundary(&self) -> Option<&str> {
                let boundary: fn(&$type) -> Option<&str> = $boundary;
                boundary(self)
            }

            fn is_still(&self, stored: &Self) -> bool {
                stored.$id == self.$id
            }

            fn already_exists(&self) -> IdentityError {
                IdentityError::already_exists(format!("{} with name {} already exists.", stringify!($type), self.$name))
            }

            fn reference_is_gone(&self) -> IdentityError {
                IdentityError::no_such_entity(format!(
                    "A group or policy of the {} with name {} cannot be found.",
                    $kind, self.$name
                ))
            }

            fn check_deletable(&self) -> Result<(), IdentityError> {
                check_no_policies(self)?;
                let check: fn(&$type) -> Result<(), IdentityError> = $deletable;
                check(self)
            }

            async fn read(store: &dyn Store, account: &AccountId, name: &str) -> Result<Option<Self>, StoreError> {
                store.$read(account, name).await
            }

            async fn insert(&self, store: &dyn Store, quota: u64) -> Result<(), StoreError> {
                store.$insert(self, quota).await
            }

            async fn update(&self, store: &dyn Store) -> Result<(), StoreError> {
                store.$update(self).await
            }

            async fn delete(&self, store: &dyn Store) -> Result<(), StoreError> {
                store.$delete(&self.account, &self.$name, self.revision).await
            }
        }

        #[async_trait]
        impl Identity for $type {
            const KIND: &'static str = $kind;
            const NAME_MEMBER: &'static str = $name_member;
            const ID_MEMBER: &'static str = $id_member;
            const LIST_MEMBER: &'static str = $lists;
            const NAME_RULE: TextRule = $name_rule;
            const ATTACHED_MAX: Quota = $attached_max;
            const INLINE_SIZE_MAX: usize = $inline_size_max;

            fn name(&self) -> &str {
                &self.$name
            }

            fn path(&self) -> &str {
                &self.path
            }

            fn unique_id(&self) -> &str {
                &self.$id
            }

            fn created(&self) -> Timestamp {
                self.created
            }

            fn policies(&self) -> &AttachedPolicies {
                &self.policies
            }

            fn policies_mut(&mut self) -> &mut AttachedPolicies {
                &mut self.policies
            }

            fn shown(&self) -> Structure {
                let shown: fn(&$type) -> Structure = $shown;
                shown(self)
            }

            fn trust_policy(&self) -> Option<(&str, &BTreeMap<String, String>)> {
                let trust_policy: fn(&$type) -> Option<(&str, &BTreeMap<String, String>)> = $trust;
                trust_policy(self)
            }

            async fn list(
                store: &dyn Store,
                account: &AccountId,
                after: Option<&str>,
                limit: usize,
            ) -> Result<Vec<Self>, StoreError> {
                store.$list(account, after, limit).await
            }
        }
    };
}

identity!(
    User, "user", "Users", quota: quota::USERS, unique: UserName,
    name: user_name "UserName" USER_NAME, id: user_id "UserId",
    attached_max: quota::POLICIES_PER_USER, inline_size_max: 2048,
    tags: |user| Some(&user.tags), boundary: |user| user.permissions_boundary.as_deref(), shown: described, trust: |_| None,
    deletable: users::check_no_groups, referenced: "Cannot delete entity, must delete access keys first.",
    user, users, insert_user, update_user, delete_user
);
identity!(
    Group, "group", "Groups", quota: quota::GROUPS, unique: GroupName,
    name: group_name "GroupName" GROUP_NAME, id: group_id "GroupId",
    attached_max: quota::POLICIES_PER_GROUP, inline_size_max: 5120,
    tags: |_| None, boundary: |_| None, shown: described, trust: |_| None,
    deletable: |_| Ok(()), referenced: "Cannot delete entity, must remove users from group first.",
    group, groups, insert_group, update_group, delete_group
);
// Nothing that the store has refers to a role.
identity!(
    Role, "role", "Roles", quota: quota::ROLES, unique: RoleName,
    name: role_name "RoleName" ROLE_NAME, id: role_id "RoleId",
    attached_max: quota::POLICIES_PER_ROLE, inline_size_max: 10_240,
    tags: |role| Some(&role.tags), boundary: |role| role.permissions_boundary.as_deref(), shown: roles::shown,
    trust: |role| Some((&role.trust_policy, &role.trust_policy_principals)),
    deletable: |_| Ok(()), referenced: "Cannot delete entity, others refer to it.",
    role, roles, insert_role, update_role, delete_role
);
