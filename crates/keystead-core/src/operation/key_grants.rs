//! The grants of a key that speak of the caller. Policies come first: this is asked only when they alone neither allow nor deny.

use std::ops::Deref;
use std::sync::Arc;

use keystead_policy::GrantTerms;

use super::grant_tokens::GrantReference;
use crate::access::GranteeName;
use crate::catalog::{GranteesGrants, LoadedKey};
use crate::error::KmsError;
use crate::key::Grant;
use crate::kms::{Call, Kms};

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
            found.push(grants);
        }
    }
    match &found[..] {
        [grants] => Ok(CallersGrants::Cached(grants.clone())),
        // Those to somebody who had the name before are among them; their terms say to whom they are.
        several => {
            let terms = several.iter().flat_map(|grants| &grants.terms);
            Ok(CallersGrants::Collected(terms.cloned().collect()))
        }
    }
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
        if let Some(grant) = grant.filter(|grant| is_meant_for(&names, grant)) {
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
    let store = kms.catalog.store();
    let names = GranteeName::all_of(&call.caller.principal);
    let mut grants = Vec::new();
    for name in &names {
        let (region, key_id) = (&key.key.region, &key.key.id);
        let named = store.grants_of_key(region, key_id, Some(&name.arn), None, usize::MAX).await?;
        grants.extend(named.into_iter().filter(|grant| is_meant_for(&names, grant)));
    }
    Ok(grants)
}

fn is_meant_for(names: &[GranteeName], grant: &Grant) -> bool {
    names.iter().any(|name| name.is_meant(&grant.grantee_principal, grant.grantee_id.as_deref()))
}
