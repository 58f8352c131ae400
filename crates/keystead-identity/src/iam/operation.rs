//! The operations that are served, and where each is.

use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::{access_key_last_used, access_keys, group_members, groups, role_tags, roles, user_tags, users};
use crate::error::IdentityError;

/// An operation of IAM.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) struct Operation {
    pub(super) name: &'static str,
    /// Whether it changes nothing.
    pub(super) read_only: bool,
}

macro_rules! read_only {
    (reads) => {
        true
    };
    (writes) => {
        false
    };
}

macro_rules! operations {
    ($($name:ident $kind:ident => $module:ident::$function:ident,)+) => {
        /// All that are served.
        pub(super) const OPERATIONS: &[Operation] =
            &[$(Operation { name: stringify!($name), read_only: read_only!($kind) }),+];

        /// Does an operation. One that answers nothing but that it was done gives none.
        pub(super) async fn dispatch(
            operation: &'static Operation,
            call: &Call<'_>,
            parameters: Parameters,
        ) -> Result<Option<Structure>, IdentityError> {
            match operation.name {
                $(stringify!($name) => $module::$function(call, parameters).await,)+
                other => Err(IdentityError::internal(&format!("{other} has no line here"))),
            }
        }
    };
}

operations! {
    // Users.
    CreateUser writes => users::create_user,
    GetUser reads => users::get_user,
    ListUsers reads => users::list_users,
    DeleteUser writes => users::delete_user,
    TagUser writes => user_tags::tag_user,
    UntagUser writes => user_tags::untag_user,
    ListUserTags reads => user_tags::list_user_tags,
    // Access keys.
    CreateAccessKey writes => access_keys::create_access_key,
    ListAccessKeys reads => access_keys::list_access_keys,
    UpdateAccessKey writes => access_keys::update_access_key,
    DeleteAccessKey writes => access_keys::delete_access_key,
    GetAccessKeyLastUsed reads => access_key_last_used::get_access_key_last_used,
    // Groups.
    CreateGroup writes => groups::create_group,
    GetGroup reads => groups::get_group,
    ListGroups reads => groups::list_groups,
    DeleteGroup writes => groups::delete_group,
    AddUserToGroup writes => group_members::add_user_to_group,
    RemoveUserFromGroup writes => group_members::remove_user_from_group,
    ListGroupsForUser reads => group_members::list_groups_for_user,
    // Roles.
    CreateRole writes => roles::create_role,
    GetRole reads => roles::get_role,
    ListRoles reads => roles::list_roles,
    UpdateRole writes => roles::update_role,
    UpdateRoleDescription writes => roles::update_role_description,
    UpdateAssumeRolePolicy writes => roles::update_assume_role_policy,
    DeleteRole writes => roles::delete_role,
    TagRole writes => role_tags::tag_role,
    UntagRole writes => role_tags::untag_role,
    ListRoleTags reads => role_tags::list_role_tags,
}

/// The operation of that name, if it is served.
pub(super) fn named(name: &str) -> Option<&'static Operation> {
    OPERATIONS.iter().find(|operation| operation.name == name)
}

/// Whether an operation changes nothing.
pub(super) fn is_read_only(name: &str) -> bool {
    named(name).is_some_and(|operation| operation.read_only)
}
