//! DeleteAlias.

use keystead_model::arn::KeyArn;
use keystead_model::kms::DeleteAliasRequest;

use super::create_alias::alias_name;
use super::key_lookup::{alias_not_found, authorized_account};
use crate::audit::AuditResource;
use crate::error::KmsError;
use crate::kms::{Call, Kms};
use crate::port::StoreError;

/// Takes a name from a key; the key is not touched.
pub(super) async fn delete_alias(kms: &Kms, call: &mut Call<'_>, request: DeleteAliasRequest) -> Result<(), KmsError> {
    let scope = authorized_account(kms, call)?;
    let name = alias_name(kms, call, &request.alias_name)?;
    let stored = kms.catalog.store().alias(&scope.account, &scope.region, &name).await?;
    let not_found = || alias_not_found(&scope.region, scope.account, &name);
    let alias = stored.ok_or_else(not_found)?;
    let key_arn = KeyArn::new(scope.region.clone(), scope.account, alias.target_key_id);
    call.note_resource(AuditResource::key(&scope.account, &key_arn.to_string()));
    kms.catalog.delete_alias(&alias).await.map_err(|error| match error {
        StoreError::NotFound => not_found(),
        error => error.into(),
    })
}
