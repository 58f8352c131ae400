//! Who is in which group: AddUserToGroup, RemoveUserFromGroup, ListGroupsForUser.

use keystead_core::access::{Group, User};
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::entity::Entity;
use super::identity::Identity;
use super::names::{GROUP_NAME, USER_NAME};
use super::page::Page;
use super::quota;
use crate::error::IdentityError;

/// Puts a user into a group. One that is in it stays there.
pub(super) async fn add_user_to_group(
    call: &Call<'_>,
    parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    change_membership(call, parameters, |user, group_name| {
        user.groups.insert(group_name.to_owned());
        if user.groups.len() as u64 > quota::GROUPS_PER_USER.value {
            return Err(quota::GROUPS_PER_USER.exceeded());
        }
        Ok(())
    })
    .await
}

/// Takes a user out of a group. One that is not in it is no error (unverified).
pub(super) async fn remove_user_from_group(
    call: &Call<'_>,
    parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    change_membership(call, parameters, |user, group_name| {
        user.groups.remove(group_name);
        Ok(())
    })
    .await
}

/// The group is what is authorized (Service Authorization Reference), the user need only be there.
async fn change_membership(
    call: &Call<'_>,
    mut parameters: Parameters,
    change: fn(&mut User, &str) -> Result<(), IdentityError>,
) -> Result<Option<Structure>, IdentityError> {
    let group_name = GROUP_NAME.required(&mut parameters, "GroupName")?;
    let user_name = USER_NAME.required(&mut parameters, "UserName")?;
    parameters.finish()?;
    let group = call.authorized::<Group>(&group_name).await?;
    let user = User::read(call.store(), &call.account(), &user_name).await?;
    let user = user.ok_or_else(|| User::not_found(&call.account(), &user_name))?;
    call.change_entity(&user, |user| change(user, &group.group_name)).await?;
    Ok(None)
}

/// Lists the groups of a user, by name.
pub(super) async fn list_groups_for_user(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let user_name = USER_NAME.required(&mut parameters, "UserName")?;
    let page = Page::take(call, &mut parameters, &[&user_name])?;
    parameters.finish()?;
    let user = call.authorized::<User>(&user_name).await?;
    let mut groups = Vec::new();
    for group_name in page.of_all(&user.groups, |name| name.as_str()) {
        // One that was left and deleted since the user was read is not the user's any more.
        groups.extend(call.store().group(&call.account(), group_name).await?);
    }
    Ok(Some(page.answer(Structure::default(), "Groups", &groups, Group::name, Group::shown)))
}
