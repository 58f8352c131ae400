//! ListRetirableGrants.

use keystead_model::arn::AccountId;
use keystead_model::kms::{ListGrantsResponse, ListRetirableGrantsRequest};

use super::existing_principals::{ExistingPrincipals, PrincipalError};
use super::gone_principals::GonePrincipals;
use super::grant_principals::granted_principal;
use super::page::LIST_RETIRABLE_GRANTS;
use crate::access::{NamedPrincipal, Resource, Subject};
use crate::error::KmsError;
use crate::key::GrantId;
use crate::kms::{Call, Kms};

/// Lists the grants of the Region, on keys of whatever account, that name a principal of the caller's account as their retiring principal.
///
/// Who has the name of one who is gone may not retire what that one could, and does not see it either. While nobody has it, the name stands
/// for whom it stood: so an account finds what is left of its users and roles (unverified). In the entries they have their unique IDs.
pub(super) async fn list_retirable_grants(
    kms: &Kms,
    call: &mut Call<'_>,
    request: ListRetirableGrantsRequest,
) -> Result<ListGrantsResponse, KmsError> {
    let principal = granted_principal(&request.retiring_principal)?;
    let principal = call.authorize(&call.action(), Subject::RetiringPrincipal, principal)?;
    let unique_id = unique_id_now(kms, &principal).await?;
    let principal = principal.to_string();
    let marker = request.marker.as_deref();
    let page = LIST_RETIRABLE_GRANTS.page(kms, call, request.limit, marker, &[principal.as_str()])?;
    let after = page.after(GrantId::parse)?;
    let store = kms.catalog.store();
    let (region, id) = (call.region(), unique_id.as_deref());
    let mut grants = store.grants_to_retire(region, &principal, id, after.as_ref(), page.wanted()).await?;
    let next_marker = page.cut(&mut grants, |grant| grant.id.to_string());
    let grants = GonePrincipals::new(kms).shown_grants(grants).await?;
    Ok(ListGrantsResponse { grants, truncated: next_marker.is_some(), next_marker })
}

/// The unique ID of the user or role that has the name now, or of the role whose session has it; `None` if nobody has, and for names that have
/// no ID.
async fn unique_id_now(kms: &Kms, principal: &NamedPrincipal) -> Result<Option<String>, KmsError> {
    match ExistingPrincipals::new(kms).unique_id_of(principal).await {
        Ok(unique_id) => Ok(unique_id),
        Err(PrincipalError::Missing(_)) => Ok(None),
        Err(PrincipalError::Lookup(error)) => Err(error),
    }
}

/// The principal is the resource that leave is needed for (KMS Developer Guide, "Permissions reference").
impl Resource for NamedPrincipal {
    fn owner(&self) -> &AccountId {
        self.account()
    }

    fn resource_name(&self) -> String {
        self.to_string()
    }
}
