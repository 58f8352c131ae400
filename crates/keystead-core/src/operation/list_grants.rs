//! ListGrants.

use keystead_model::kms::{ListGrantsRequest, ListGrantsResponse};

use super::gone_principals::GonePrincipals;
use super::grant_lookup::grant_id;
use super::grant_principals::granted_principal;
use super::key_lookup::{AcceptedForms, authorized_key};
use super::page::LIST_GRANTS;
use crate::error::KmsError;
use crate::key::GrantId;
use crate::kms::{Call, Kms};

/// Lists a key's grants: all, the one of an ID, or those of one grantee. A filter that no grant passes gives an empty list (unverified).
///
/// Users and roles that are gone are shown by their unique IDs; the filter goes by the name that the grant was made to (unverified).
pub(super) async fn list_grants(
    kms: &Kms,
    call: &mut Call<'_>,
    request: ListGrantsRequest,
) -> Result<ListGrantsResponse, KmsError> {
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::IdOrArn).await?;
    let id = request.grant_id.as_deref().map(grant_id).transpose()?;
    let grantee = request.grantee_principal.as_deref().map(granted_principal).transpose()?;
    let grantee = grantee.map(|grantee| grantee.to_string());
    let filters = [key.arn.as_str(), request.grant_id.as_deref().unwrap_or(""), grantee.as_deref().unwrap_or("")];
    let page = LIST_GRANTS.page(kms, call, request.limit, request.marker.as_deref(), &filters)?;
    let after = page.after(GrantId::parse)?;
    let store = kms.catalog.store();
    let (region, key_id) = (&key.key.region, &key.key.id);
    let mut grants = match id {
        Some(id) => {
            let grant = store.grant(region, key_id, &id).await?;
            let passes = |name: &String| grantee.as_ref().is_none_or(|grantee| grantee == name);
            grant.filter(|grant| passes(&grant.grantee_principal)).into_iter().collect()
        }
        None => store.grants_of_key(region, key_id, grantee.as_deref(), after.as_ref(), page.wanted()).await?,
    };
    let next_marker = page.cut(&mut grants, |grant| grant.id.to_string());
    let grants = GonePrincipals::new(kms).shown_grants(grants).await?;
    Ok(ListGrantsResponse { grants, truncated: next_marker.is_some(), next_marker })
}
