//! Access keys: CreateAccessKey, ListAccessKeys, UpdateAccessKey, DeleteAccessKey.

use keystead_core::access::{AccessKey, AccessKeyStatus, Authorized, NewAccessKey, User, new_access_key};
use keystead_core::audit::iso8601;
use keystead_core::port::StoreError;
use keystead_model::Timestamp;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::entity::{Entity, Subject};
use super::names::{ACCESS_KEY_ID, USER_NAME};
use super::page::Page;
use super::quota::ACCESS_KEYS;
use super::users::{ROOT_USER_NAME, UserOrRoot, root_arn};
use crate::constraint::{missing, one_of};
use crate::error::IdentityError;

/// What a request may make of an access key.
const STATUSES: &[(&str, AccessKeyStatus)] =
    &[("Active", AccessKeyStatus::Active), ("Inactive", AccessKeyStatus::Inactive)];

/// Whose access keys an operation is about, once it is allowed: those of a user, or of the account's root user.
enum Owner {
    User(Box<Authorized<Subject<User>>>),
    Root,
}

impl Owner {
    /// The user that the request names, or else the caller.
    async fn authorized(call: &Call<'_>, user_name: Option<String>) -> Result<Self, IdentityError> {
        match UserOrRoot::named(call, user_name)? {
            UserOrRoot::User(user_name) => Ok(Self::User(Box::new(call.authorized(&user_name).await?))),
            UserOrRoot::Root => call.authorize(root_arn(call)).map(|_| Self::Root),
        }
    }

    fn user(&self) -> Option<&User> {
        match self {
            Self::User(user) => Some(user),
            Self::Root => None,
        }
    }

    fn owns(&self, access_key: &AccessKey) -> bool {
        access_key.user_id.as_deref() == self.user().map(|user| user.user_id.as_str())
    }

    /// The access key of that ID, if it is its.
    async fn access_key(&self, call: &Call<'_>, access_key_id: &str) -> Result<AccessKey, IdentityError> {
        let stored = call.store().access_key(access_key_id).await?;
        stored
            .filter(|access_key| access_key.account == call.account() && self.owns(access_key))
            .ok_or_else(|| not_found(access_key_id))
    }
}

/// Makes an access key. Its secret is in the answer, and never again.
pub(super) async fn create_access_key(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let user_name = USER_NAME.optional(&mut parameters, "UserName")?;
    parameters.finish()?;
    let owner = Owner::authorized(call, user_name).await?;
    let catalog = call.kms.catalog();
    let new = new_access_key(call.account(), owner.user(), call.now, None, catalog.root_key(), call.kms.entropy());
    let NewAccessKey { access_key, secret } = new.map_err(|error| IdentityError::internal(&error))?;
    catalog.insert_access_key(&access_key, ACCESS_KEYS.value).await.map_err(|error| match (error, owner.user()) {
        (StoreError::QuotaExceeded { .. }, _) => ACCESS_KEYS.exceeded(),
        // Deleted since it was read.
        (StoreError::NotFound, Some(user)) => User::not_found(&user.account, &user.user_name),
        (error, _) => error.into(),
    })?;
    let shown = shown(&access_key, call.now).with("SecretAccessKey", secret);
    Ok(Some(Structure::default().with("AccessKey", shown)))
}

/// Lists access keys without their secrets, by ID.
pub(super) async fn list_access_keys(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let user_name = USER_NAME.optional(&mut parameters, "UserName")?;
    let page = Page::take(call, &mut parameters, &[user_name.as_deref().unwrap_or(&call.caller.principal.arn)])?;
    parameters.finish()?;
    let owner = Owner::authorized(call, user_name).await?;
    let access_keys = call.store().access_keys(&call.account()).await?;
    let owned = access_keys.into_iter().filter(|access_key| owner.owns(access_key));
    let owned = page.of_all(owned, |access_key| &access_key.access_key_id);
    let shown = |access_key: &AccessKey| shown(access_key, call.now);
    Ok(Some(page.answer(
        Structure::default(),
        "AccessKeyMetadata",
        &owned,
        |access_key| &access_key.access_key_id,
        shown,
    )))
}

/// Activates or deactivates an access key. The next request that it signs is answered accordingly, here; elsewhere once the change feed is
/// read.
pub(super) async fn update_access_key(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let user_name = USER_NAME.optional(&mut parameters, "UserName")?;
    let access_key_id = ACCESS_KEY_ID.required(&mut parameters, "AccessKeyId")?;
    let status = one_of(&mut parameters, "Status", STATUSES)?.ok_or_else(|| missing("Status"))?;
    parameters.finish()?;
    let owner = Owner::authorized(call, user_name).await?;
    let access_key = owner.access_key(call, &access_key_id).await?;
    let changed = call.kms.catalog().set_access_key_status(&access_key.access_key_id, status).await;
    changed.map_err(|error| gone(error, &access_key_id))?;
    Ok(None)
}

/// Deletes an access key.
pub(super) async fn delete_access_key(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let user_name = USER_NAME.optional(&mut parameters, "UserName")?;
    let access_key_id = ACCESS_KEY_ID.required(&mut parameters, "AccessKeyId")?;
    parameters.finish()?;
    let owner = Owner::authorized(call, user_name).await?;
    let access_key = owner.access_key(call, &access_key_id).await?;
    let deleted = call.kms.catalog().delete_access_key(&access_key.access_key_id).await;
    deleted.map_err(|error| gone(error, &access_key_id))?;
    Ok(None)
}

fn not_found(access_key_id: &str) -> IdentityError {
    IdentityError::no_such_entity(format!("The Access Key with id {access_key_id} cannot be found."))
}

/// Deleted since it was read, or a failure.
fn gone(error: StoreError, access_key_id: &str) -> IdentityError {
    match error {
        StoreError::NotFound => not_found(access_key_id),
        error => error.into(),
    }
}

fn shown(access_key: &AccessKey, now: Timestamp) -> Structure {
    Structure::default()
        .with("UserName", access_key.user_name.as_deref().unwrap_or(ROOT_USER_NAME))
        .with("AccessKeyId", access_key.access_key_id.as_str())
        .with("Status", status(access_key, now))
        .with("CreateDate", iso8601(access_key.created))
}

/// As the enumeration `statusType` has it. Access keys that operators make may expire.
fn status(access_key: &AccessKey, now: Timestamp) -> &'static str {
    match access_key.status {
        _ if access_key.expires.is_some_and(|expires| expires <= now) => "Expired",
        AccessKeyStatus::Active => "Active",
        AccessKeyStatus::Inactive => "Inactive",
    }
}
