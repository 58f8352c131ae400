//! DeleteAlias.

use keystead_model::kms::DeleteAliasRequest;

use super::create_alias::authorized_alias;
use super::key_lookup::{AcceptedForms, alias_not_found, authorized_key};
use crate::catalog::Conflicts;
use crate::error::KmsError;
use crate::kms::{Call, Kms};
use crate::port::StoreError;

/// Takes a name from a key; the key is not touched. Needs leave for the alias and for the key.
pub(super) async fn delete_alias(kms: &Kms, call: &mut Call<'_>, request: DeleteAliasRequest) -> Result<(), KmsError> {
    let named = authorized_alias(call, &request.alias_name)?;
    let region = call.region().clone();
    let not_found = || alias_not_found(&region, named.account, &named.name);
    let mut conflicts = Conflicts::new(&*kms.entropy);
    loop {
        let alias = kms.catalog.store().alias(&named.account, &region, &named.name).await?.ok_or_else(not_found)?;
        let key = authorized_key(kms, call, alias.target_key_id.as_str(), AcceptedForms::IdOrArn).await?;
        match kms.catalog.delete_alias((&named, &key), &alias).await {
            Ok(()) => return Ok(()),
            Err(StoreError::Conflict) => conflicts.wait().await?,
            Err(StoreError::NotFound) => return Err(not_found()),
            Err(error) => return Err(error.into()),
        }
    }
}
