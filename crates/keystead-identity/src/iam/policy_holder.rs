//! What operations on the policies of users, groups and roles need to know of each.

use keystead_core::access::{Group, Role, User};
use keystead_query::Parameters;

use super::entity::Entity;
use super::names::{GROUP_NAME, ROLE_NAME, USER_NAME};
use super::quota::{POLICIES_PER_GROUP, POLICIES_PER_ROLE, POLICIES_PER_USER, Quota};
use crate::constraint::TextRule;
use crate::error::IdentityError;

/// A user, a group or a role as what has policies.
pub(super) trait Holder: Entity {
    /// The member that names it.
    const NAME_MEMBER: &'static str;
    /// What a name must be.
    const NAME_RULE: TextRule;
    /// How many managed policies may be attached to it.
    const ATTACHED_MAX: Quota;
    /// How large all its inline policies together may be, in characters, white space not counted (IAM User Guide, "IAM and AWS STS quotas").
    const INLINE_SIZE_MAX: usize;

    /// Takes its name.
    fn take_name(parameters: &mut Parameters) -> Result<String, IdentityError> {
        Self::NAME_RULE.required(parameters, Self::NAME_MEMBER)
    }
}

impl Holder for User {
    const NAME_MEMBER: &'static str = "UserName";
    const NAME_RULE: TextRule = USER_NAME;
    const ATTACHED_MAX: Quota = POLICIES_PER_USER;
    const INLINE_SIZE_MAX: usize = 2048;
}

impl Holder for Group {
    const NAME_MEMBER: &'static str = "GroupName";
    const NAME_RULE: TextRule = GROUP_NAME;
    const ATTACHED_MAX: Quota = POLICIES_PER_GROUP;
    const INLINE_SIZE_MAX: usize = 5120;
}

impl Holder for Role {
    const NAME_MEMBER: &'static str = "RoleName";
    const NAME_RULE: TextRule = ROLE_NAME;
    const ATTACHED_MAX: Quota = POLICIES_PER_ROLE;
    const INLINE_SIZE_MAX: usize = 10_240;
}

/// Names the same operation for each kind of holder.
macro_rules! for_holders {
    ($($(#[$documentation:meta])* $name:ident => $function:ident::<$holder:ty>;)+) => {$(
        $(#[$documentation])*
        pub(super) async fn $name(
            call: &Call<'_>,
            parameters: Parameters,
        ) -> Result<Option<Structure>, IdentityError> {
            $function::<$holder>(call, parameters).await
        }
    )+};
}
pub(super) use for_holders;
