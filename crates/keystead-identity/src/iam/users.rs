//! Users: CreateUser, GetUser, ListUsers, DeleteUser.

use keystead_core::access::{PrincipalKind, UniqueIdKind, User, new_unique_id};
use keystead_core::audit::iso8601;
use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::entity::Entity;
use super::identity_members::{boundary_shown, check_no_policies, take_boundary};
use super::names::{NEW_USER_NAME, PATH, PATH_PREFIX, ROOT_PATH, USER_NAME};
use super::page::Page;
use super::quota;
use super::tags::{Tags, listed};
use crate::error::IdentityError;

/// How answers name the root user, which has no name: as IAM's credential report does (elsewhere unverified).
pub(super) const ROOT_USER_NAME: &str = "<root_account>";

/// Makes a user, which may do nothing yet.
pub(super) async fn create_user(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let user_name = NEW_USER_NAME.required(&mut parameters, "UserName")?;
    let path = PATH.optional(&mut parameters, "Path")?.unwrap_or_else(|| ROOT_PATH.to_owned());
    let mut context = RequestContext::default();
    let boundary = take_boundary(call, &mut parameters, &mut context)?;
    let tags = Tags::take(&mut parameters)?;
    parameters.finish()?;
    tags.tell(&mut context);
    call.authorize_with(call.arn_of::<User>(&path, &user_name), &context)?;
    let user_id = new_unique_id(UniqueIdKind::User, call.kms.entropy());
    let mut user = User::new(call.account(), path, user_name, user_id, call.now);
    user.permissions_boundary = boundary;
    user.tags = tags.into_map();
    let inserted = call.store().insert_user(&user, quota::USERS.value).await;
    call.kms.catalog().forget_identities();
    inserted.map_err(|error| quota::USERS.insertion_error(error, &user))?;
    Ok(Some(Structure::default().with("User", shown_with_tags(&user))))
}

/// Tells of a user, or of the caller.
pub(super) async fn get_user(call: &Call<'_>, mut parameters: Parameters) -> Result<Option<Structure>, IdentityError> {
    let user_name = USER_NAME.optional(&mut parameters, "UserName")?;
    parameters.finish()?;
    let shown = match UserOrRoot::named(call, user_name)? {
        UserOrRoot::User(user_name) => shown_with_tags(&*call.authorized::<User>(&user_name).await?),
        UserOrRoot::Root => root_shown(call).await?,
    };
    Ok(Some(Structure::default().with("User", shown)))
}

/// Lists the users whose path begins with a prefix. As in AWS, without their tags and permissions boundaries.
pub(super) async fn list_users(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let prefix = PATH_PREFIX.optional(&mut parameters, "PathPrefix")?.unwrap_or_else(|| ROOT_PATH.to_owned());
    let page = Page::take(call, &mut parameters, &[&prefix])?;
    parameters.finish()?;
    call.authorize(call.arn_of::<User>(&prefix, ""))?;
    let users: Vec<User> = call.list(&page, &prefix).await?;
    Ok(Some(page.answer(Structure::default(), "Users", &users, User::name, shown)))
}

/// Deletes a user that has nothing left. A permissions boundary goes with it.
pub(super) async fn delete_user(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let user_name = USER_NAME.required(&mut parameters, "UserName")?;
    parameters.finish()?;
    let user = call.authorized::<User>(&user_name).await?;
    let check = |user: &User| {
        check_no_policies(user)?;
        if user.groups.is_empty() {
            return Ok(());
        }
        Err(IdentityError::delete_conflict("Cannot delete entity, must remove user from all groups first."))
    };
    call.delete(&user, check, "Cannot delete entity, must delete access keys first.").await?;
    Ok(None)
}

/// Whom an operation is about that may leave the user's name out.
pub(super) enum UserOrRoot {
    /// A user of this name.
    User(String),
    /// The account's root user.
    Root,
}

impl UserOrRoot {
    /// The user of that name, or else the caller.
    pub(super) fn named(call: &Call<'_>, user_name: Option<String>) -> Result<Self, IdentityError> {
        match (user_name, &call.caller.principal.kind) {
            (Some(user_name), _) => Ok(Self::User(user_name)),
            (None, PrincipalKind::User { user_name, .. }) => Ok(Self::User(user_name.clone())),
            (None, PrincipalKind::Root) => Ok(Self::Root),
            (None, PrincipalKind::AssumedRole { .. } | PrincipalKind::WebIdentity { .. }) => {
                Err(IdentityError::validation("Must specify userName when calling with non-User credentials"))
            }
        }
    }
}

/// The root user of the caller's account.
async fn root_shown(call: &Call<'_>) -> Result<Structure, IdentityError> {
    let arn = root_arn(call);
    call.authorize(arn.as_str())?;
    let account = call.account();
    let created = call.store().account(&account).await?.map(|account| iso8601(account.created));
    Ok(Structure::default()
        .with("Path", ROOT_PATH)
        .with("UserName", ROOT_USER_NAME)
        .with("UserId", account.as_str())
        .with("Arn", arn)
        .with_some("CreateDate", created))
}

/// The ARN of the root user of the caller's account.
pub(super) fn root_arn(call: &Call<'_>) -> String {
    format!("arn:aws:iam::{}:root", call.account())
}

/// A user as lists have it.
pub(super) fn shown(user: &User) -> Structure {
    Structure::default()
        .with("Path", user.path.as_str())
        .with("UserName", user.user_name.as_str())
        .with("UserId", user.user_id.as_str())
        .with("Arn", user.arn())
        .with("CreateDate", iso8601(user.created))
}

fn shown_with_tags(user: &User) -> Structure {
    let boundary = user.permissions_boundary.as_deref().map(boundary_shown);
    let shown = shown(user).with_some("PermissionsBoundary", boundary);
    if user.tags.is_empty() { shown } else { shown.with_list("Tags", listed(&user.tags)) }
}
