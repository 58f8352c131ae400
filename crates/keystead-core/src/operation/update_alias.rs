//! UpdateAlias.

use keystead_model::kms::UpdateAliasRequest;

use super::create_alias::{alias_failure, alias_name, refuse_alias_as_target};
use super::key_lookup::{AcceptedForms, alias_not_found, authorized_account, authorized_key, state_of};
use crate::error::KmsError;
use crate::key::{Alias, KeyAction, refuse_in_state};
use crate::kms::{Call, Kms};
use crate::port::StoreError;
use crate::quota::ALIASES_PER_KEY;

/// Points an alias at another key of the same kind; all keys are of one kind so far.
pub(super) async fn update_alias(kms: &Kms, call: &mut Call<'_>, request: UpdateAliasRequest) -> Result<(), KmsError> {
    let scope = authorized_account(kms, call)?;
    let name = alias_name(kms, call, &request.alias_name)?;
    refuse_alias_as_target(&request.target_key_id)?;
    let stored = kms.catalog.store().alias(&scope.account, &scope.region, &name).await?;
    let alias = stored.ok_or_else(|| alias_not_found(&scope.region, scope.account, &name))?;
    let key = authorized_key(kms, call, &request.target_key_id, AcceptedForms::IdOrArn).await?;
    let (state, _) = state_of(kms, &key.key).await?;
    refuse_in_state(KeyAction::UpdateAliasTarget, state, &key.key)?;
    let alias = Alias { target_key_id: key.key.id, last_updated: call.now, ..alias };
    kms.catalog.update_alias(&alias, ALIASES_PER_KEY).await.map_err(|error| match error {
        // Someone else pointed it elsewhere, or deleted it, since it was read.
        StoreError::Conflict => StoreError::Conflict.into(),
        error => alias_failure(error, &key.arn),
    })
}
