//! Whether the principals that policies and grants name are there, as far as this installation can tell.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use keystead_model::arn::AccountId;

use crate::access::{Identity, NamedPrincipal};
use crate::error::KmsError;
use crate::kms::Kms;

/// Whether each of them may exist. Users of the accounts of this installation must be there. Accounts elsewhere, and roles and sessions,
/// cannot be looked up; they are taken as they are, and nobody can sign for them here.
pub(super) async fn may_exist(
    kms: &Kms,
    principals: impl IntoIterator<Item = &NamedPrincipal>,
) -> Result<bool, KmsError> {
    let mut users_of: BTreeMap<AccountId, Option<BTreeSet<String>>> = BTreeMap::new();
    for principal in principals {
        let Identity::User(name) = principal.identity() else { continue };
        let account = *principal.account();
        let users = match users_of.entry(account) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => unknown.insert(user_names(kms, &account).await?),
        };
        // Users of this installation have no path.
        if users.as_ref().is_some_and(|users| !users.contains(name)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The names of an account's users; `None` for an account that is elsewhere.
async fn user_names(kms: &Kms, account: &AccountId) -> Result<Option<BTreeSet<String>>, KmsError> {
    let store = kms.catalog.store();
    if store.account(account).await?.is_none() {
        return Ok(None);
    }
    Ok(Some(store.users(account).await?.into_iter().map(|user| user.user_name).collect()))
}
