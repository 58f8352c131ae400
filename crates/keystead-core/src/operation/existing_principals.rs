//! Whether the principals that policies and grants name are there, as far as this installation can tell, and who they are.
//!
//! A name can be given again when its user or role is gone; a unique ID is not (IAM User Guide, "IAM identifiers"). So IDs are stored beside
//! the names, and who has the name later does not come into what was another's.

use std::collections::BTreeMap;

use keystead_policy::PolicyDocument;

use crate::access::{Identity, NamedPrincipal};
use crate::error::KmsError;
use crate::kms::Kms;

/// Why the principals of a policy or a grant cannot be told.
#[derive(Debug)]
pub enum PrincipalError {
    /// There is no user or role of this ARN, or it is no ARN of a principal.
    Missing(String),
    /// They could not be looked up.
    Lookup(KmsError),
}

impl From<KmsError> for PrincipalError {
    fn from(error: KmsError) -> Self {
        Self::Lookup(error)
    }
}

impl Kms {
    /// The unique IDs of the users and roles that a document names as principals, by the ARNs that it has; for a session, the ID of its role.
    ///
    /// Users and roles of the accounts of this installation must be there. Accounts elsewhere cannot be looked up: their ARNs are taken as
    /// they are, without an ID, and nobody can sign for them here.
    pub async fn unique_ids_of(&self, document: &PolicyDocument) -> Result<BTreeMap<String, String>, PrincipalError> {
        let mut ids = BTreeMap::new();
        for arn in document.principal_arns() {
            let principal = NamedPrincipal::parse(arn).ok_or_else(|| PrincipalError::Missing(arn.to_owned()))?;
            if let Some(id) = unique_id_of(self, &principal).await? {
                ids.insert(arn.to_owned(), id);
            }
        }
        Ok(ids)
    }
}

/// As [`Kms::unique_ids_of`], of one.
pub(super) async fn unique_id_of(kms: &Kms, principal: &NamedPrincipal) -> Result<Option<String>, PrincipalError> {
    let store = kms.catalog.store();
    let account = principal.account();
    let named = |path_and_name: &str| path_and_name.rsplit('/').next().unwrap_or_default().to_owned();
    if *principal.identity() == Identity::Account || store.account(account).await.map_err(KmsError::from)?.is_none() {
        return Ok(None);
    }
    let arn = principal.to_string();
    let id = match principal.identity() {
        Identity::User(name) => {
            let user = store.user(account, &named(name)).await.map_err(KmsError::from)?;
            user.filter(|user| user.arn() == arn).map(|user| user.user_id)
        }
        Identity::Role(name) => {
            let role = store.role(account, &named(name)).await.map_err(KmsError::from)?;
            role.filter(|role| role.arn() == arn).map(|role| role.role_id)
        }
        // Any session of a role that is there.
        Identity::AssumedRole(session) => {
            let role_name = session.split('/').next().unwrap_or_default();
            let role = store.role(account, role_name).await.map_err(KmsError::from)?;
            role.map(|role| role.role_id)
        }
        Identity::Account | Identity::FederatedUser(_) => return Ok(None),
    };
    id.map(Some).ok_or(PrincipalError::Missing(arn))
}
