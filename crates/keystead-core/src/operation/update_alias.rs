//! UpdateAlias.

use keystead_model::kms::{KeySpec, UpdateAliasRequest};

use super::create_alias::{alias_failure, authorized_alias, refuse_alias_as_target};
use super::key_lookup::{AcceptedForms, alias_not_found, authorized_key, state_of};
use crate::catalog::Conflicts;
use crate::error::KmsError;
use crate::key::{Alias, Key, refuse_in_state};
use crate::kms::{Call, Kms};
use crate::port::StoreError;

/// Points an alias at another key of the same type and usage. Needs leave for the alias, for the key that it leaves and for the key that it
/// comes to.
pub(super) async fn update_alias(kms: &Kms, call: &mut Call<'_>, request: UpdateAliasRequest) -> Result<(), KmsError> {
    let named = authorized_alias(call, &request.alias_name)?;
    refuse_alias_as_target(&request.target_key_id)?;
    let mut conflicts = Conflicts::new(&*kms.entropy);
    loop {
        let stored = kms.catalog.store().alias(&named.account, call.region(), &named.name).await?;
        let alias = stored.ok_or_else(|| alias_not_found(call.region(), named.account, &named.name))?;
        let current = authorized_key(kms, call, alias.target_key_id.as_str(), AcceptedForms::IdOrArn).await?;
        let key = authorized_key(kms, call, &request.target_key_id, AcceptedForms::IdOrArn).await?;
        refuse_another_type(&current.key, &key.key)?;
        let (state, _) = state_of(kms, call, &key.key).await?;
        refuse_in_state(call.operation.name, state, &key.key)?;
        let alias = Alias { target_key_id: key.key.id, last_updated: call.now, ..alias };
        let quota = kms.settings.resource_quotas.aliases_per_key;
        match kms.catalog.update_alias((&named, &current, &key), &alias, quota).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Conflict) => conflicts.wait().await?,
            Err(error) => return Err(alias_failure(error, &key.arn, quota)),
        }
    }
}

/// Both keys must be symmetric, or both asymmetric, or both HMAC keys, and have the same key usage; the key spec may differ (KMS API
/// Reference, UpdateAlias). Error and text are unverified.
fn refuse_another_type(current: &Key, new: &Key) -> Result<(), KmsError> {
    // What is left of the type once the usage is the same.
    let kind = |key: &Key| (key.usage, key.spec == KeySpec::SymmetricDefault);
    if kind(current) == kind(new) {
        return Ok(());
    }
    Err(KmsError::validation(format!(
        "The alias cannot be moved from a KMS key of KeySpec {} and KeyUsage {} to one of KeySpec {} and KeyUsage {}: both must be of the same type, and have the same key usage.",
        current.spec, current.usage, new.spec, new.usage
    )))
}
