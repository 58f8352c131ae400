//! CreateGrant.

use std::sync::Arc;

use keystead_model::arn::KeyArn;
use keystead_model::kms::{CreateGrantRequest, CreateGrantResponse, Exception};

use super::cryptography::dry_run_operation;
use super::grant_constraints::grant_constraints;
use super::grant_delegation::authorized_to_grant;
use super::grant_operations::grant_operations;
use super::grant_principals::{granted_principal, granted_unique_id};
use super::grant_tokens::new_grant_token;
use super::key_lookup::{AcceptedForms, authorized_key, state_of};
use crate::access::{Authorized, NamedPrincipal};
use crate::catalog::LoadedKey;
use crate::error::KmsError;
use crate::key::{Grant, GrantId, refuse_in_state};
use crate::kms::{Call, Kms};
use crate::port::StoreError;
use crate::quota::exceeded_message;

/// Gives a principal leave to use a key. Also gives the key's ARN, which the audit record names.
///
/// A grant with a name is made once: the same request gives the same grant, with a token of its own each time.
pub(super) async fn create_grant(
    kms: &Kms,
    call: &mut Call<'_>,
    request: CreateGrantRequest,
) -> Result<(CreateGrantResponse, KeyArn), KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    let operations = grant_operations(&key.key, &request.operations)?;
    let constraints = grant_constraints(&key.key, request.constraints)?;
    let key = authorized_to_grant(kms, call, key, &operations, &constraints).await?;
    let grantee = granted_principal(&request.grantee_principal)?;
    let retiring = request.retiring_principal.as_deref().map(granted_principal).transpose()?;
    let grantee_id = granted_unique_id(kms, &grantee).await?;
    let retiring_principal_id = match &retiring {
        Some(retiring) => granted_unique_id(kms, retiring).await?,
        None => None,
    };
    refuse_in_current_state(kms, call, &key).await?;
    let grant = Grant {
        key_account: key.key.account,
        region: key.key.region.clone(),
        key_id: key.key.id,
        id: new_grant_id(kms),
        name: request.name,
        grantee_principal: grantee.to_string(),
        grantee_id,
        retiring_principal: retiring.as_ref().map(ToString::to_string),
        retiring_principal_id,
        issuing_account: NamedPrincipal::of_account(call.caller.principal.account).to_string(),
        operations,
        constraints,
        created: call.now,
    };
    if request.dry_run == Some(true) {
        let quota = kms.settings.resource_quotas.grants_per_key;
        kms.catalog.store().check_new_grant(&grant, quota).await.map_err(|error| refused(kms, &key, error))?;
        return Err(dry_run_operation());
    }
    let grant = inserted(kms, &key, grant).await?;
    let response = CreateGrantResponse { grant_token: new_grant_token(kms, &grant), grant_id: grant.id.to_string() };
    Ok((response, grant.key_arn()))
}

/// Stores the grant, or finds the one that it would be the same as.
async fn inserted(kms: &Kms, key: &Authorized<Arc<LoadedKey>>, new: Grant) -> Result<Grant, KmsError> {
    let quota = kms.settings.resource_quotas.grants_per_key;
    loop {
        let grant = kms.catalog.insert_grant(key, &new, quota).await.map_err(|error| refused(kms, key, error))?;
        if grant.id == new.id || means_the_same(&grant, &new) {
            return Ok(grant);
        }
        // It was made to a user or role of the same name that is gone, and means nobody any more: this one takes its place.
        match kms.catalog.revoke_grant(key, &grant.id).await {
            Ok(()) | Err(StoreError::NotFound) => {}
            Err(error) => return Err(error.into()),
        }
    }
}

/// Whether the users and roles that a stored grant names are those that have the names now, as far as that is known of it.
fn means_the_same(stored: &Grant, new: &Grant) -> bool {
    let same = |stored: &Option<String>, new: &Option<String>| stored.is_none() || stored == new;
    same(&stored.grantee_id, &new.grantee_id) && same(&stored.retiring_principal_id, &new.retiring_principal_id)
}

fn refused(kms: &Kms, key: &LoadedKey, error: StoreError) -> KmsError {
    let quota = kms.settings.resource_quotas.grants_per_key;
    match error {
        StoreError::QuotaExceeded { current } => {
            KmsError::new(Exception::LimitExceeded, exceeded_message("Grants per key", quota, current))
        }
        StoreError::NotFound => no_such_key(key),
        error => error.into(),
    }
}

/// Refuses a grant on a key that its state does not let have one. Another server may have changed the key since this one read it.
async fn refuse_in_current_state(kms: &Kms, call: &Call<'_>, key: &Authorized<Arc<LoadedKey>>) -> Result<(), KmsError> {
    let Some(current) = kms.catalog.key_afresh(&key.key.region, &key.key.id).await? else {
        return Err(no_such_key(key));
    };
    let (state, _) = state_of(kms, call, &current.key).await?;
    refuse_in_state(call.operation.name, state, &current.key)
}

fn no_such_key(key: &LoadedKey) -> KmsError {
    KmsError::not_found(format!("Key '{}' does not exist", key.arn))
}

fn new_grant_id(kms: &Kms) -> GrantId {
    let mut random = [0; 32];
    kms.entropy.fill(&mut random);
    GrantId::from_bytes(random)
}
