//! Whether the principals that policies and grants name are there, as far as this installation can tell, and who they are.
//!
//! A name can be given again when its user or role is gone; a unique ID is not (IAM User Guide, "IAM identifiers"). So IDs are stored beside
//! the names, and who has the name later does not come into what was another's.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use keystead_model::arn::AccountId;
use keystead_policy::PolicyDocument;

use crate::access::{NamedPrincipal, PrincipalName, Role, User};
use crate::error::KmsError;
use crate::kms::Kms;
use crate::port::Store;

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
        let mut existing = ExistingPrincipals::new(self);
        let mut ids = BTreeMap::new();
        for arn in document.principal_arns() {
            let principal = NamedPrincipal::parse(arn).ok_or_else(|| PrincipalError::Missing(arn.to_owned()))?;
            if let Some(id) = existing.unique_id_of(&principal).await? {
                ids.insert(arn.to_owned(), id);
            }
        }
        Ok(ids)
    }
}

/// The accounts, users and roles that one request or one page of a list asks for. Each is read once: documents name the same ones again and
/// again, and sessions of a role are as many as somebody likes.
///
/// For one answer only: what changes meanwhile is not seen.
pub(super) struct ExistingPrincipals<'a> {
    store: &'a dyn Store,
    /// Whether the account is of this installation.
    accounts: BTreeMap<AccountId, bool>,
    users: BTreeMap<(AccountId, String), Option<Holder>>,
    roles: BTreeMap<(AccountId, String), Option<Holder>>,
}

/// Who has a name.
struct Holder {
    arn: String,
    unique_id: String,
}

impl<'a> ExistingPrincipals<'a> {
    /// Nobody is known yet.
    pub(super) fn new(kms: &'a Kms) -> Self {
        let (accounts, users, roles) = (BTreeMap::new(), BTreeMap::new(), BTreeMap::new());
        Self { store: kms.catalog.store(), accounts, users, roles }
    }

    /// As [`Kms::unique_ids_of`], of one.
    pub(super) async fn unique_id_of(&mut self, principal: &NamedPrincipal) -> Result<Option<String>, PrincipalError> {
        let account = principal.account();
        if *principal.name() == PrincipalName::Account || !self.is_here(account).await? {
            return Ok(None);
        }
        let named = |path_and_name: &str| path_and_name.rsplit('/').next().unwrap_or_default().to_owned();
        let arn = principal.to_string();
        let holder = match principal.name() {
            PrincipalName::User(name) => self.user(account, named(name)).await?.filter(|user| user.arn == arn),
            PrincipalName::Role(name) => self.role(account, named(name)).await?.filter(|role| role.arn == arn),
            // Any session of a role that is there.
            PrincipalName::AssumedRole(session) => {
                let role_name = session.split('/').next().unwrap_or_default();
                self.role(account, role_name.to_owned()).await?
            }
            PrincipalName::Account | PrincipalName::FederatedUser(_) => return Ok(None),
        };
        holder.map(|holder| Some(holder.unique_id.clone())).ok_or(PrincipalError::Missing(arn))
    }

    async fn is_here(&mut self, account: &AccountId) -> Result<bool, KmsError> {
        Ok(match self.accounts.entry(*account) {
            Entry::Occupied(known) => *known.get(),
            Entry::Vacant(unknown) => *unknown.insert(self.store.account(account).await?.is_some()),
        })
    }

    async fn user(&mut self, account: &AccountId, name: String) -> Result<Option<&Holder>, KmsError> {
        let holder = match self.users.entry((*account, name)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let user = self.store.user(account, &unknown.key().1).await?;
                unknown.insert(user.map(Holder::from))
            }
        };
        Ok(holder.as_ref())
    }

    async fn role(&mut self, account: &AccountId, name: String) -> Result<Option<&Holder>, KmsError> {
        let holder = match self.roles.entry((*account, name)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(unknown) => {
                let role = self.store.role(account, &unknown.key().1).await?;
                unknown.insert(role.map(Holder::from))
            }
        };
        Ok(holder.as_ref())
    }
}

impl From<User> for Holder {
    fn from(user: User) -> Self {
        Self { arn: user.arn(), unique_id: user.user_id }
    }
}

impl From<Role> for Holder {
    fn from(role: Role) -> Self {
        Self { arn: role.arn(), unique_id: role.role_id }
    }
}
