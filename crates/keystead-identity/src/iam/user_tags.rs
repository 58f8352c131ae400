//! Tags of users: TagUser, UntagUser, ListUserTags.

use keystead_core::access::User;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::entity_tags;
use super::names::USER_NAME;
use crate::error::IdentityError;

/// Adds tags to a user, or replaces the values of those it has.
pub(super) async fn tag_user(call: &Call<'_>, mut parameters: Parameters) -> Result<Option<Structure>, IdentityError> {
    let user_name = USER_NAME.required(&mut parameters, "UserName")?;
    entity_tags::add::<User>(call, &user_name, parameters, |user| &mut user.tags).await
}

/// Removes tags from a user.
pub(super) async fn untag_user(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let user_name = USER_NAME.required(&mut parameters, "UserName")?;
    entity_tags::remove::<User>(call, &user_name, parameters, |user| &mut user.tags).await
}

/// Lists the tags of a user.
pub(super) async fn list_user_tags(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let user_name = USER_NAME.required(&mut parameters, "UserName")?;
    entity_tags::list::<User>(call, &user_name, parameters).await
}
