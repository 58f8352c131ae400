//! Whether the principals that policies and grants name are there, as far as this installation can tell.

use crate::access::{Identity, NamedPrincipal};
use crate::error::KmsError;
use crate::kms::Kms;

/// Whether each of them may exist. Users and roles of the accounts of this installation must be there. Accounts elsewhere cannot be looked
/// up; they are taken as they are, and nobody can sign for them here.
pub(super) async fn may_exist(
    kms: &Kms,
    principals: impl IntoIterator<Item = &NamedPrincipal>,
) -> Result<bool, KmsError> {
    for principal in principals {
        if !exists(kms, principal).await? {
            return Ok(false);
        }
    }
    Ok(true)
}

impl Kms {
    /// Whether a principal that a role's trust policy names may exist.
    pub async fn principal_may_exist(&self, principal: &NamedPrincipal) -> Result<bool, KmsError> {
        exists(self, principal).await
    }
}

async fn exists(kms: &Kms, principal: &NamedPrincipal) -> Result<bool, KmsError> {
    let store = kms.catalog.store();
    let account = principal.account();
    let named = |path_and_name: &str| path_and_name.rsplit('/').next().unwrap_or_default().to_owned();
    if *principal.identity() == Identity::Account || store.account(account).await?.is_none() {
        return Ok(true);
    }
    let arn = principal.to_string();
    Ok(match principal.identity() {
        Identity::User(name) => store.user(account, &named(name)).await?.is_some_and(|user| user.arn() == arn),
        Identity::Role(name) => store.role(account, &named(name)).await?.is_some_and(|role| role.arn() == arn),
        // Any session of a role that is there.
        Identity::AssumedRole(session) => {
            let role_name = session.split('/').next().unwrap_or_default();
            store.role(account, role_name).await?.is_some()
        }
        Identity::Account | Identity::FederatedUser(_) => true,
    })
}
