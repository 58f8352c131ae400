//! ListAliases.

use keystead_model::arn::AliasName;
use keystead_model::kms::{AliasListEntry, ListAliasesRequest, ListAliasesResponse};

use super::create_alias::alias_arn;
use super::key_lookup::{AcceptedForms, authorized_account, authorized_key};
use super::page::{self, LIST_ALIASES};
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Lists the aliases of the caller's account and Region, or those of one key.
pub(super) async fn list_aliases(
    kms: &Kms,
    call: &mut Call<'_>,
    request: ListAliasesRequest,
) -> Result<ListAliasesResponse, KmsError> {
    let scope = authorized_account(call)?;
    let limit = LIST_ALIASES.items(request.limit)?;
    let after = page::after("ListAliases", request.marker.as_deref())?
        .map(|last| AliasName::parse(&last).ok_or_else(page::invalid_marker))
        .transpose()?;
    let key = match &request.key_id {
        Some(key_id) => Some(authorized_key(kms, call, key_id, AcceptedForms::IdOrArn).await?.key.id),
        None => None,
    };
    let store = kms.catalog.store();
    let mut aliases = store.aliases(&scope.account, &scope.region, key.as_ref(), after.as_ref(), limit + 1).await?;
    let next_marker = page::cut(&mut aliases, limit, "ListAliases", |alias| alias.name.as_str().to_owned());
    let aliases = aliases
        .into_iter()
        .map(|alias| AliasListEntry {
            alias_arn: alias_arn(&alias),
            alias_name: alias.name,
            target_key_id: Some(alias.target_key_id),
            creation_date: Some(alias.created),
            last_updated_date: Some(alias.last_updated),
        })
        .collect();
    Ok(ListAliasesResponse { aliases, truncated: next_marker.is_some(), next_marker })
}
