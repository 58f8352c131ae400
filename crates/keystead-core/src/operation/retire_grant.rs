//! RetireGrant.

use keystead_model::arn::{KeyArn, KeyIdentifier};
use keystead_model::kms::{Exception, RetireGrantRequest};

use super::cryptography::dry_run_operation;
use super::grant_lookup::{grant_id, grant_not_found};
use super::grant_tokens::{GrantReference, invalid_grant_token, open_grant_token};
use super::key_lookup::{self, AcceptedForms};
use crate::access::{Subject, authorize_retirement, no_resource_policy_allows};
use crate::audit::AuditResource;
use crate::error::KmsError;
use crate::key::Grant;
use crate::kms::{Call, Kms};
use crate::port::StoreError;

/// Ends a grant, by those whom it names: see [`authorize_retirement`]. The key may be of another account.
pub(super) async fn retire_grant(kms: &Kms, call: &mut Call<'_>, request: RetireGrantRequest) -> Result<(), KmsError> {
    let grant = named_grant(kms, call, &request).await?;
    let Some(key) = kms.catalog.key(&grant.region, &grant.key_id).await? else {
        // Its grants went with it.
        return Err(grant_not_found(&grant.id));
    };
    let action = call.action();
    let keys = call.condition_keys(&action, Subject::Key);
    let grant = authorize_retirement(&call.caller.access_request(call.now, &keys), &key, grant)?;
    call.note_allowed(&grant);
    call.note_resource(AuditResource::key(&grant.key_account, &grant.key_arn().to_string()));
    if request.dry_run == Some(true) {
        return Err(dry_run_operation());
    }
    match kms.catalog.retire_grant(&grant).await {
        // Another request may have been faster.
        Err(StoreError::NotFound) => Err(grant_not_found(&grant.id)),
        result => Ok(result?),
    }
}

/// The grant that the request names: by a token, or by key ARN and grant ID. What both at once mean is unverified; it is refused.
async fn named_grant(kms: &Kms, call: &Call<'_>, request: &RetireGrantRequest) -> Result<Grant, KmsError> {
    match (&request.grant_token, &request.key_id, &request.grant_id) {
        (Some(token), None, None) => grant_of_token(kms, call, token).await,
        (None, Some(key_id), Some(grant_id)) => grant_of_key(kms, call, key_id, grant_id).await,
        _ => Err(KmsError::validation("Grant token OR (grant ID, key ID) must be specified")),
    }
}

async fn grant_of_token(kms: &Kms, call: &Call<'_>, token: &str) -> Result<Grant, KmsError> {
    let GrantReference { region, key_id, grant_id } = open_grant_token(kms, token)?;
    if region != *call.region() {
        return Err(invalid_grant_token());
    }
    kms.catalog.store().grant(&region, &key_id, &grant_id).await?.ok_or_else(|| grant_not_found(&grant_id))
}

async fn grant_of_key(kms: &Kms, call: &Call<'_>, key_id: &str, id: &str) -> Result<Grant, KmsError> {
    let arn = key_arn(key_id)?;
    let id = grant_id(id)?;
    if arn.region() != call.region() {
        return Err(KmsError::not_found(format!("Invalid arn {}", arn.region())));
    }
    let grant = kms.catalog.store().grant(arn.region(), &arn.key_id(), &id).await?;
    if let Some(grant) = grant.filter(|grant| grant.key_account == arn.account()) {
        return Ok(grant);
    }
    let caller = &call.caller.principal;
    if arn.account() != caller.account {
        // Whether another account has such a key, or such a grant, is not to be found out.
        return Err(no_resource_policy_allows(caller, &call.action(), &arn.to_string()));
    }
    key_lookup::existing_key(kms, call.region(), &caller.account, &arn.key_id()).await?;
    Err(grant_not_found(&id))
}

/// The operation takes a key ARN alone (KMS API Reference, RetireGrant, `KeyId`). The text is unverified.
fn key_arn(text: &str) -> Result<KeyArn, KmsError> {
    match key_lookup::parse(text, AcceptedForms::IdOrArn)? {
        KeyIdentifier::Arn(arn) => Ok(arn),
        KeyIdentifier::Id(_) | KeyIdentifier::AliasName(_) | KeyIdentifier::AliasArn(_) => {
            Err(KmsError::new(Exception::InvalidArn, format!("Invalid arn {text}")))
        }
    }
}
