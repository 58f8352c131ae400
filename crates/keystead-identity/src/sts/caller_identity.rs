//! GetCallerIdentity and GetAccessKeyInfo.

use keystead_core::access::{AccountScope, NoConditionKeys, account_of_temporary_access_key_id, authorize};
use keystead_core::kms::Caller;
use keystead_query::{Parameters, Structure};

use super::call::Call;
use super::text::ACCESS_KEY_ID;
use crate::error::IdentityError;

/// Anyone may ask, whatever policies say (AWS STS API Reference, GetCallerIdentity).
pub(super) fn get_caller_identity(caller: &Caller, parameters: Parameters) -> Result<Structure, IdentityError> {
    parameters.finish()?;
    Ok(Structure::default()
        .with("UserId", caller.principal.unique_id())
        .with("Account", caller.principal.account.to_string())
        .with("Arn", &caller.principal.arn))
}

/// Tells the account of an access key, whoever's it is.
pub(super) async fn get_access_key_info(
    call: &Call<'_>,
    caller: &Caller,
    mut parameters: Parameters,
) -> Result<Structure, IdentityError> {
    let access_key_id = ACCESS_KEY_ID.required(&mut parameters, "AccessKeyId")?;
    parameters.finish()?;
    let scope = AccountScope { account: caller.principal.account, region: caller.region.clone() };
    authorize(&caller.access_request(call.now, &NoConditionKeys), "sts:GetAccessKeyInfo", scope)?;
    let account = match account_of_temporary_access_key_id(&access_key_id) {
        Some(account) => Some(account),
        None => call.store().access_key(&access_key_id).await?.map(|access_key| access_key.account),
    };
    // Which error AWS gives here is unverified.
    let account = account.ok_or_else(|| IdentityError::validation("There is no access key of that ID."))?;
    Ok(Structure::default().with("Account", account.to_string()))
}
