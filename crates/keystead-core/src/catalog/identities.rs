//! Who signs, and what IAM has of them.

use std::sync::Arc;

use super::{Catalog, principal_policies, secret_text};
use crate::access::{AccessKey, AccessKeyStatus, Credential, Principal, PrincipalKind, PrincipalPolicies};
use crate::error::KmsError;
use crate::port::StoreError;
use crate::sealing::SealedRecord;

impl Catalog {
    /// The credential with this access key ID, whatever its status.
    pub async fn credential(&self, access_key_id: &str) -> Result<Option<Arc<Credential>>, KmsError> {
        let load = async {
            let Some(access_key) = self.store.access_key(access_key_id).await? else { return Ok(None) };
            self.load_credential(&access_key).await
        };
        self.credentials.get_or_load(access_key_id.to_owned(), load).await
    }

    async fn load_credential(&self, access_key: &AccessKey) -> Result<Option<Arc<Credential>>, KmsError> {
        let record = SealedRecord::SecretAccessKey(&access_key.access_key_id);
        let secret = self.root_key.open(record, &access_key.sealed_secret)?;
        let principal = match &access_key.user_name {
            None => Principal::root(access_key.account),
            Some(user_name) => match self.store.user(&access_key.account, user_name).await? {
                Some(user) => Principal::user(&user),
                None => return Ok(None),
            },
        };
        Ok(Some(Arc::new(Credential {
            access_key_id: access_key.access_key_id.clone(),
            secret_access_key: secret_text(secret)?,
            principal: Arc::new(principal),
            status: access_key.status,
            expires: access_key.expires,
        })))
    }

    /// What IAM has of a principal; `None` if the user, role or account is gone.
    pub async fn principal_policies(&self, principal: &Principal) -> Result<Option<Arc<PrincipalPolicies>>, KmsError> {
        let unique_id = match &principal.kind {
            // It has nothing but what a role's trust policy lets it do.
            PrincipalKind::WebIdentity { .. } => return Ok(None),
            PrincipalKind::Root => principal.account.to_string(),
            PrincipalKind::User { user_id, .. } => user_id.clone(),
            PrincipalKind::AssumedRole { role_id, .. } => role_id.clone(),
        };
        self.principal_policies.get_or_load(unique_id, self.load_principal_policies(principal)).await
    }

    async fn load_principal_policies(&self, principal: &Principal) -> Result<Option<Arc<PrincipalPolicies>>, KmsError> {
        let account = &principal.account;
        let policies = match &principal.kind {
            PrincipalKind::User { user_name, user_id } => match self.store.user(account, user_name).await? {
                Some(user) if user.user_id == *user_id => principal_policies::of_user(&*self.store, &user).await?,
                Some(_) | None => return Ok(None),
            },
            PrincipalKind::AssumedRole { role_name, role_id, .. } => match self.store.role(account, role_name).await? {
                Some(role) if role.role_id == *role_id => principal_policies::of_role(&*self.store, &role).await?,
                Some(_) | None => return Ok(None),
            },
            PrincipalKind::Root => match self.store.account(account).await? {
                Some(account) => principal_policies::of_root(&account),
                None => return Ok(None),
            },
            PrincipalKind::WebIdentity { .. } => return Ok(None),
        };
        Ok(Some(Arc::new(policies)))
    }

    /// To be called after each change of users, groups, roles or managed policies, and after each revocation of sessions.
    pub fn forget_identities(&self) {
        self.principal_policies.invalidate_all();
        // Managed policies may be session policies.
        self.session_credentials.invalidate_all();
    }

    /// Adds an access key; `quota` is how many its owner may have.
    pub async fn insert_access_key(&self, access_key: &AccessKey, quota: u64) -> Result<(), StoreError> {
        self.store.insert_access_key(access_key, quota).await
    }

    /// Activates or deactivates an access key.
    pub async fn set_access_key_status(&self, access_key_id: &str, status: AccessKeyStatus) -> Result<(), StoreError> {
        let result = self.store.set_access_key_status(access_key_id, status).await;
        self.credentials.invalidate(&access_key_id.to_owned());
        result
    }

    /// Deletes an access key.
    pub async fn delete_access_key(&self, access_key_id: &str) -> Result<(), StoreError> {
        let result = self.store.delete_access_key(access_key_id).await;
        self.credentials.invalidate(&access_key_id.to_owned());
        result
    }
}
