//! ListAliases.

use keystead_model::arn::{AliasName, KeyId};
use keystead_model::kms::{AliasListEntry, ListAliasesRequest, ListAliasesResponse};

use super::create_alias::alias_arn;
use super::key_lookup::{authorized_account, own_key};
use super::page::LIST_ALIASES;
use crate::audit::AuditResource;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Lists the aliases of the caller's account and Region, or those of one key. Leave is asked of no key (KMS Developer Guide, "AWS KMS
/// permissions reference").
pub(super) async fn list_aliases(
    kms: &Kms,
    call: &mut Call<'_>,
    request: ListAliasesRequest,
) -> Result<ListAliasesResponse, KmsError> {
    let scope = authorized_account(call)?;
    let key = match &request.key_id {
        Some(key_id) => {
            let key = own_key(kms, call, key_id).await?;
            call.note_resource(AuditResource::key(&key.key.account, &key.arn));
            Some(key.key.id)
        }
        None => None,
    };
    let filters = key.as_ref().map(KeyId::as_str);
    let page = LIST_ALIASES.page(kms, call, request.limit, request.marker.as_deref(), filters.as_slice())?;
    let after = page.after(AliasName::parse)?;
    let store = kms.catalog.store();
    let mut aliases = store.aliases(&scope.account, &scope.region, key.as_ref(), after.as_ref(), page.wanted()).await?;
    let next_marker = page.cut(&mut aliases, |alias| alias.name.as_str().to_owned());
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
