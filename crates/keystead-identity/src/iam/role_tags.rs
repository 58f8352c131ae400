//! Tags of roles: TagRole, UntagRole, ListRoleTags.

use keystead_core::access::Role;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::entity_tags;
use super::names::ROLE_NAME;
use crate::error::IdentityError;

/// Adds tags to a role, or replaces the values of those it has.
pub(super) async fn tag_role(call: &Call<'_>, mut parameters: Parameters) -> Result<Option<Structure>, IdentityError> {
    let role_name = ROLE_NAME.required(&mut parameters, "RoleName")?;
    entity_tags::add::<Role>(call, &role_name, parameters, |role| &mut role.tags).await
}

/// Removes tags from a role.
pub(super) async fn untag_role(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let role_name = ROLE_NAME.required(&mut parameters, "RoleName")?;
    entity_tags::remove::<Role>(call, &role_name, parameters, |role| &mut role.tags).await
}

/// Lists the tags of a role.
pub(super) async fn list_role_tags(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let role_name = ROLE_NAME.required(&mut parameters, "RoleName")?;
    entity_tags::list::<Role>(call, &role_name, parameters).await
}
