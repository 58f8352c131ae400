//! The grants of a key that speak of the caller. Policies come first: this is asked only when they alone neither allow nor deny.

use std::ops::Deref;
use std::sync::Arc;

use keystead_policy::GrantTerms;

use super::grant_tokens::GrantReference;
use crate::access::{GranteeName, PrincipalPolicies};
use crate::catalog::{GranteesGrants, LoadedKey};
use crate::error::KmsError;
use crate::key::Grant;
use crate::kms::{Call, Caller, Kms};

/// The terms of grants that name a caller. Mostly they all name it in the same way, and are not copied.
pub(super) enum CallersGrants {
    Cached(Arc<GranteesGrants>),
    Collected(Vec<GrantTerms>),
}

impl Deref for CallersGrants {
    type Target = [GrantTerms];

    fn deref(&self) -> &[GrantTerms] {
        match self {
            Self::Cached(grants) => &grants.terms,
            Self::Collected(terms) => terms,
        }
    }
}

/// The grants of `key`, as far as this node has heard of them, that name the caller, the role whose session it is, or its account.
pub(super) async fn grants_for(kms: &Kms, call: &Call<'_>, key: &LoadedKey) -> Result<CallersGrants, KmsError> {
    let mut found = Vec::new();
    for name in GranteeName::all_of(&call.caller.principal) {
        let grants = kms.catalog.grants(&key.key.region, &key.key.id, &name.arn).await?;
        if !grants.terms.is_empty() {
            found.push((name, grants));
        }
    }
    let policies = &call.caller.policies;
    match &found[..] {
        [] => Ok(CallersGrants::Collected(Vec::new())),
        [(name, grants)] if grants.created.iter().all(|created| name.is_meant(policies, *created)) => {
            Ok(CallersGrants::Cached(grants.clone()))
        }
        several => Ok(CallersGrants::Collected(collected(several, policies))),
    }
}

/// The terms of those that are meant for this caller.
fn collected(several: &[(GranteeName, Arc<GranteesGrants>)], policies: &PrincipalPolicies) -> Vec<GrantTerms> {
    let meant = several.iter().flat_map(|(name, grants)| {
        let terms = grants.terms.iter().zip(&grants.created);
        terms.filter(|(_, created)| name.is_meant(policies, **created))
    });
    meant.map(|(terms, _)| terms.clone()).collect()
}

/// The grants of `key` that the request's grant tokens stand for and that name the caller, but for those that are `known` already. They are
/// read from the store: a token is there so that a grant can be used before this node has heard of it.
///
/// A token of another key, of somebody else's grant, or of a grant that was retired gives nothing.
pub(super) async fn grants_of_tokens(
    kms: &Kms,
    call: &Call<'_>,
    key: &LoadedKey,
    known: &[GrantTerms],
) -> Result<Vec<GrantTerms>, KmsError> {
    let names = GranteeName::all_of(&call.caller.principal);
    let mut terms: Vec<GrantTerms> = Vec::new();
    for GrantReference { region, key_id, grant_id } in &call.grant_tokens {
        let id = grant_id.to_string();
        let of_this_key = (region, key_id) == (&key.key.region, &key.key.id);
        if !of_this_key || known.iter().chain(&terms).any(|known| known.id() == id) {
            continue;
        }
        let grant = kms.catalog.store().grant(region, key_id, grant_id).await?;
        if let Some(grant) = grant.filter(|grant| is_meant_for(call.caller, &names, grant)) {
            terms.push(grant.terms()?);
        }
    }
    if !terms.is_empty() {
        kms.catalog.forget_grants(&key.key.region, &key.key.id);
    }
    Ok(terms)
}

/// Everything that [`grants_for`] and [`grants_of_tokens`] stand for, read from the store, whole.
pub(super) async fn stored_grants_for(kms: &Kms, call: &Call<'_>, key: &LoadedKey) -> Result<Vec<Grant>, KmsError> {
    let (store, policies) = (kms.catalog.store(), &call.caller.policies);
    let mut grants = Vec::new();
    for name in GranteeName::all_of(&call.caller.principal) {
        let (region, key_id) = (&key.key.region, &key.key.id);
        let named = store.grants_of_key(region, key_id, Some(&name.arn), None, usize::MAX).await?;
        grants.extend(named.into_iter().filter(|grant| name.is_meant(policies, grant.created)));
    }
    Ok(grants)
}

fn is_meant_for(caller: &Caller, names: &[GranteeName], grant: &Grant) -> bool {
    let mut matching = names.iter().filter(|name| name.arn == grant.grantee_principal);
    matching.any(|name| name.is_meant(&caller.policies, grant.created))
}
