//! Users: CreateUser, GetUser, and what keeps them from being deleted.

use keystead_core::access::{PrincipalKind, UniqueIdKind, User, new_unique_id};
use keystead_core::audit::iso8601;
use keystead_policy::RequestContext;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::identity::Identity;
use super::identity_members::{shown_with_tags, take_boundary};
use super::names::{NEW_USER_NAME, PATH, ROOT_PATH, USER_NAME, take_path};
use super::tags::Tags;
use crate::error::IdentityError;

/// How answers name the root user, which has no name: as IAM's credential report does (elsewhere unverified).
pub(super) const ROOT_USER_NAME: &str = "<root_account>";

/// Makes a user, which may do nothing yet.
pub(super) async fn create_user(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let user_name = NEW_USER_NAME.required(&mut parameters, "UserName")?;
    let path = take_path(&PATH, &mut parameters, "Path")?;
    let mut context = RequestContext::default();
    let boundary = take_boundary(call, &mut parameters, &mut context)?;
    let tags = Tags::take(&mut parameters)?;
    parameters.finish()?;
    let tags = call.authorize_new::<User>(User::arn_of(&call.account(), &path, &user_name), context, tags)?;
    let user_id = new_unique_id(UniqueIdKind::User, call.kms.entropy());
    let mut user = User::new(call.account(), path, user_name, user_id, call.now);
    user.permissions_boundary = boundary;
    user.tags = tags;
    call.insert(&user).await?;
    Ok(Some(Structure::default().with("User", shown_with_tags(&user, None))))
}

/// Tells of a user, or of the caller.
pub(super) async fn get_user(call: &Call<'_>, mut parameters: Parameters) -> Result<Option<Structure>, IdentityError> {
    let user_name = USER_NAME.optional(&mut parameters, "UserName")?;
    parameters.finish()?;
    let shown = match UserOrRoot::named(call, user_name)? {
        UserOrRoot::User(user_name) => shown_with_tags::<User>(&*call.authorized::<User>(&user_name).await?, None),
        UserOrRoot::Root => root_shown(call).await?,
    };
    Ok(Some(Structure::default().with("User", shown)))
}

/// Fails with `DeleteConflict` while it is in a group.
pub(super) fn check_no_groups(user: &User) -> Result<(), IdentityError> {
    if user.groups.is_empty() {
        return Ok(());
    }
    Err(IdentityError::delete_conflict("Cannot delete entity, must remove user from all groups first."))
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
