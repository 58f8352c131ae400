//! The principals of a request about grants.

use keystead_model::Timestamp;
use keystead_model::kms::Exception;

use crate::access::{Identity, NamedPrincipal};
use crate::error::KmsError;
use crate::key::Grant;
use crate::kms::Kms;

/// The principal that a member names: the ARN of an account, user, role, role session or federated user, or the 12 digits of an account.
/// Service principals come with members of their own, which version 2014-11-01 of the API does not have yet.
pub(super) fn granted_principal(text: &str) -> Result<NamedPrincipal, KmsError> {
    NamedPrincipal::parse(text).ok_or_else(|| no_principal(text))
}

/// For a text that is no principal, and for a principal that does not exist. The text is unverified.
pub(super) fn no_principal(text: &str) -> KmsError {
    KmsError::new(Exception::InvalidArn, format!("ARN does not refer to a valid principal: {text}"))
}

/// When the youngest of the users and roles that a grant names was made, as far as they are of this installation. A grant that is older was
/// made to others of the same names.
pub(super) async fn named_since(kms: &Kms, grant: &Grant) -> Result<Timestamp, KmsError> {
    let mut since = Timestamp::from_millis(0);
    for principal in [Some(&grant.grantee_principal), grant.retiring_principal.as_ref()].into_iter().flatten() {
        since = since.max(made(kms, &granted_principal(principal)?).await?.unwrap_or(since));
    }
    Ok(since)
}

/// When the user or role was made, or the role whose session it is.
async fn made(kms: &Kms, principal: &NamedPrincipal) -> Result<Option<Timestamp>, KmsError> {
    let (store, account) = (kms.catalog.store(), principal.account());
    let last = |path_and_name: &str| path_and_name.rsplit('/').next().unwrap_or_default().to_owned();
    let made_role = async |name: &str| Ok(store.role(account, name).await?.map(|role| role.created));
    match principal.identity() {
        Identity::User(name) => Ok(store.user(account, &last(name)).await?.map(|user| user.created)),
        Identity::Role(name) => made_role(&last(name)).await,
        Identity::AssumedRole(session) => made_role(session.split('/').next().unwrap_or_default()).await,
        Identity::Account | Identity::FederatedUser(_) => Ok(None),
    }
}
