//! The operations that are served, and where each is.

use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::{role_tags, user_tags, users};
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
    // Roles.
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
