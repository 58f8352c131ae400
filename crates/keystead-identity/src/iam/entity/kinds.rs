//! Users, groups and roles as [`Entity`].

use std::collections::BTreeMap;

use async_trait::async_trait;
use keystead_core::access::{AttachedPolicies, Group, Role, User};
use keystead_core::port::{Store, StoreError};
use keystead_model::arn::AccountId;

use super::Entity;

macro_rules! entity {
    (
        $type:ident, $kind:literal, $name:ident, $id:ident, tags: $tags:expr, boundary: $boundary:expr,
        $read:ident, $list:ident, $update:ident, $delete:ident
    ) => {
        #[async_trait]
        impl Entity for $type {
            const KIND: &'static str = $kind;

            fn account(&self) -> &AccountId {
                &self.account
            }

            fn name(&self) -> &str {
                &self.$name
            }

            fn path(&self) -> &str {
                &self.path
            }

            fn unique_id(&self) -> &str {
                &self.$id
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

            fn policies(&self) -> &AttachedPolicies {
                &self.policies
            }

            fn policies_mut(&mut self) -> &mut AttachedPolicies {
                &mut self.policies
            }

            async fn read(store: &dyn Store, account: &AccountId, name: &str) -> Result<Option<Self>, StoreError> {
                store.$read(account, name).await
            }

            async fn list(
                store: &dyn Store,
                account: &AccountId,
                after: Option<&str>,
                limit: usize,
            ) -> Result<Vec<Self>, StoreError> {
                store.$list(account, after, limit).await
            }

            async fn update(&self, store: &dyn Store) -> Result<(), StoreError> {
                store.$update(self).await
            }

            async fn delete(&self, store: &dyn Store) -> Result<(), StoreError> {
                store.$delete(&self.account, &self.$name, self.revision).await
            }
        }
    };
}

entity!(
    User, "user", user_name, user_id,
    tags: |user| Some(&user.tags), boundary: |user| user.permissions_boundary.as_deref(),
    user, users, update_user, delete_user
);
entity!(Group, "group", group_name, group_id, tags: |_| None, boundary: |_| None, group, groups, update_group, delete_group);
entity!(
    Role, "role", role_name, role_id,
    tags: |role| Some(&role.tags), boundary: |role| role.permissions_boundary.as_deref(),
    role, roles, update_role, delete_role
);
