//! Groups: CreateGroup, GetGroup, ListGroups, DeleteGroup.

use keystead_core::access::{AttachedPolicies, Group, UniqueIdKind, User, new_unique_id};
use keystead_core::audit::iso8601;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::entity::Entity;
use super::identity_members::check_no_policies;
use super::names::{GROUP_NAME, PATH, PATH_PREFIX, ROOT_PATH};
use super::page::Page;
use super::{quota, users};
use crate::error::IdentityError;

/// Makes a group without users.
pub(super) async fn create_group(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let group_name = GROUP_NAME.required(&mut parameters, "GroupName")?;
    let path = PATH.optional(&mut parameters, "Path")?.unwrap_or_else(|| ROOT_PATH.to_owned());
    parameters.finish()?;
    call.authorize(call.arn_of::<Group>(&path, &group_name))?;
    let group = Group {
        account: call.account(),
        group_name,
        path,
        group_id: new_unique_id(UniqueIdKind::Group, call.kms.entropy()),
        created: call.now,
        policies: AttachedPolicies::default(),
        revision: 0,
    };
    let inserted = call.store().insert_group(&group, quota::GROUPS.value).await;
    call.kms.catalog().forget_identities();
    inserted.map_err(|error| quota::GROUPS.insertion_error(error, &group))?;
    Ok(Some(Structure::default().with("Group", shown(&group))))
}

/// Tells of a group and lists its users.
pub(super) async fn get_group(call: &Call<'_>, mut parameters: Parameters) -> Result<Option<Structure>, IdentityError> {
    let group_name = GROUP_NAME.required(&mut parameters, "GroupName")?;
    let page = Page::take(call, &mut parameters, &[&group_name])?;
    parameters.finish()?;
    let group = call.authorized::<Group>(&group_name).await?;
    let account = call.account();
    let users = call.store().users_of_group(&account, &group.group_name, page.after(), page.wanted()).await?;
    let answer = Structure::default().with("Group", shown(&group));
    Ok(Some(page.answer(answer, "Users", &users, User::name, users::shown)))
}

/// Lists the groups whose path begins with a prefix.
pub(super) async fn list_groups(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let prefix = PATH_PREFIX.optional(&mut parameters, "PathPrefix")?.unwrap_or_else(|| ROOT_PATH.to_owned());
    let page = Page::take(call, &mut parameters, &[&prefix])?;
    parameters.finish()?;
    call.authorize(call.arn_of::<Group>(&prefix, ""))?;
    let groups: Vec<Group> = call.list(&page, &prefix).await?;
    Ok(Some(page.answer(Structure::default(), "Groups", &groups, Group::name, shown)))
}

/// Deletes a group without users and policies.
pub(super) async fn delete_group(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let group_name = GROUP_NAME.required(&mut parameters, "GroupName")?;
    parameters.finish()?;
    let group = call.authorized::<Group>(&group_name).await?;
    let referenced = "Cannot delete entity, must remove users from group first.";
    call.delete(&group, |group: &Group| check_no_policies(group), referenced).await?;
    Ok(None)
}

/// A group as answers have it.
pub(super) fn shown(group: &Group) -> Structure {
    Structure::default()
        .with("Path", group.path.as_str())
        .with("GroupName", group.group_name.as_str())
        .with("GroupId", group.group_id.as_str())
        .with("Arn", Entity::arn(group))
        .with("CreateDate", iso8601(group.created))
}
