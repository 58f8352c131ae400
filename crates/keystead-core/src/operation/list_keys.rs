//! ListKeys.

use keystead_model::arn::{KeyArn, KeyId};
use keystead_model::kms::{KeyListEntry, ListKeysRequest, ListKeysResponse};

use super::key_lookup::authorized_account;
use super::page::LIST_KEYS;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Lists the keys of the caller's account and Region, whatever their state.
pub(super) async fn list_keys(
    kms: &Kms,
    call: &mut Call<'_>,
    request: ListKeysRequest,
) -> Result<ListKeysResponse, KmsError> {
    let scope = authorized_account(call)?;
    let page = LIST_KEYS.page(kms, call, request.limit, request.marker.as_deref(), &[])?;
    let after = page.after(KeyId::parse)?;
    let mut ids = kms.catalog.store().key_ids(&scope.account, &scope.region, after.as_ref(), page.wanted()).await?;
    let next_marker = page.cut(&mut ids, |id| id.as_str().to_owned());
    let keys = ids
        .into_iter()
        .map(|key_id| KeyListEntry { key_id, key_arn: KeyArn::new(scope.region.clone(), scope.account, key_id) })
        .collect();
    Ok(ListKeysResponse { keys, truncated: next_marker.is_some(), next_marker })
}
