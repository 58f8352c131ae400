//! Groups: CreateGroup, GetGroup.

use keystead_core::access::{AttachedPolicies, Group, UniqueIdKind, User, new_unique_id};
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::identity::Identity;
use super::names::{GROUP_NAME, PATH, take_path};
use super::page::Page;
use crate::error::IdentityError;

/// Makes a group without users.
pub(super) async fn create_group(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let group_name = GROUP_NAME.required(&mut parameters, "GroupName")?;
    let path = take_path(&PATH, &mut parameters, "Path")?;
    parameters.finish()?;
    call.authorize(Group::arn_of(&call.account(), &path, &group_name))?;
    let group = Group {
        account: call.account(),
        group_name,
        path,
        group_id: new_unique_id(UniqueIdKind::Group, call.kms.entropy()),
        created: call.now,
        policies: AttachedPolicies::default(),
        revision: 0,
    };
    call.insert(&group).await?;
    Ok(Some(Structure::default().with("Group", group.shown())))
}

/// Tells of a group and lists its users.
pub(super) async fn get_group(call: &Call<'_>, mut parameters: Parameters) -> Result<Option<Structure>, IdentityError> {
    let group_name = GROUP_NAME.required(&mut parameters, "GroupName")?;
    let page = Page::take(call, &mut parameters, &[&group_name])?;
    parameters.finish()?;
    let group = call.authorized::<Group>(&group_name).await?;
    let account = call.account();
    let users = call.store().users_of_group(&account, &group.group_name, page.after(), page.wanted()).await?;
    let answer = Structure::default().with("Group", group.shown());
    Ok(Some(page.answer(answer, "Users", &users, User::name, User::shown)))
}
