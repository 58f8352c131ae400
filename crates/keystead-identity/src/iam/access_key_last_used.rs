//! GetAccessKeyLastUsed.

use keystead_core::access::User;
use keystead_core::audit::iso8601;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::names::ACCESS_KEY_ID;
use super::users::{ROOT_USER_NAME, root_arn};
use crate::error::IdentityError;

/// What IAM tells of an access key that was never used.
const NOT_USED: &str = "N/A";

/// Tells when, where and for which service an access key last signed.
///
/// An access key of another account, or of nobody, is refused as one that the caller may not ask about: who owns it is not told (in these
/// words unverified).
pub(super) async fn get_access_key_last_used(
    call: &Call<'_>,
    mut parameters: Parameters,
) -> Result<Option<Structure>, IdentityError> {
    let access_key_id = ACCESS_KEY_ID.required(&mut parameters, "AccessKeyId")?;
    parameters.finish()?;
    let stored = call.store().access_key(&access_key_id).await?;
    let Some(access_key) = stored.filter(|access_key| access_key.account == call.account()) else {
        let arn = &call.caller.principal.arn;
        let message = format!(
            "User: {arn} is not authorized to perform: iam:GetAccessKeyLastUsed on resource: access key {access_key_id}"
        );
        return Err(IdentityError::new("AccessDenied", 403, message));
    };
    match &access_key.user_name {
        Some(user_name) => drop(call.authorized::<User>(user_name).await?),
        None => drop(call.authorize(root_arn(call))?),
    }
    let last_use = call.kms.access_key_last_use(&access_key_id).await?;
    let (service, region) = match &last_use {
        Some(last_use) => (last_use.service.as_str(), last_use.region.as_str()),
        None => (NOT_USED, NOT_USED),
    };
    let shown = Structure::default()
        .with_some("LastUsedDate", last_use.as_ref().map(|last_use| iso8601(last_use.date)))
        .with("ServiceName", service)
        .with("Region", region);
    let user_name = access_key.user_name.as_deref().unwrap_or(ROOT_USER_NAME);
    Ok(Some(Structure::default().with("UserName", user_name).with("AccessKeyLastUsed", shown)))
}
