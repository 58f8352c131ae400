//! RevokeGrant.

use keystead_model::kms::RevokeGrantRequest;

use super::cryptography::dry_run_operation;
use super::grant_lookup::{grant_id, grant_not_found};
use super::key_lookup::{AcceptedForms, authorized_key};
use crate::error::KmsError;
use crate::kms::{Call, Kms};
use crate::port::StoreError;

/// Ends a grant, by those who manage the key.
pub(super) async fn revoke_grant(kms: &Kms, call: &mut Call<'_>, request: RevokeGrantRequest) -> Result<(), KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    let id = grant_id(&request.grant_id)?;
    if request.dry_run == Some(true) {
        return Err(match kms.catalog.store().grant(&key.key.region, &key.key.id, &id).await? {
            Some(_) => dry_run_operation(),
            None => grant_not_found(&id),
        });
    }
    match kms.catalog.revoke_grant(&key, &id).await {
        Err(StoreError::NotFound) => Err(grant_not_found(&id)),
        result => Ok(result?),
    }
}
