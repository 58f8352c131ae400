//! A store that holds an account, access keys and their users, and nothing else.

use std::sync::Mutex;

use async_trait::async_trait;
use keystead_core::access::{AccessKey, AccessKeyStatus, Account, User};
use keystead_core::key::{Alias, Grant, GrantId, Key, KeyLastUsage};
use keystead_core::key_store::CustomKeyStore;
use keystead_core::port::{BackingKeyId, Change, ConnectionJob, JobKind, PendingBackingKey, Store, StoreError};
use keystead_core::sealing::Sealed;
use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, AliasName, CustomKeyStoreId, KeyId, Region};

pub(crate) struct Identities {
    pub(crate) access_keys: Vec<AccessKey>,
    users: Mutex<Vec<User>>,
    account: Mutex<Account>,
}

impl Identities {
    pub(crate) fn new(access_keys: Vec<AccessKey>, user: User) -> Self {
        let account = Account::new(user.account, "test".to_owned(), user.created);
        Self { access_keys, users: Mutex::new(vec![user]), account: Mutex::new(account) }
    }

    pub(super) fn user_named(&self, user_name: &str) -> Option<User> {
        self.users.lock().unwrap().iter().find(|user| user.user_name == user_name).cloned()
    }

    /// Does something to all users, as another process would.
    pub(crate) fn change_users(&self, change: impl FnOnce(&mut Vec<User>)) {
        change(&mut self.users.lock().unwrap());
    }

    /// The same with the account.
    pub(crate) fn change_account(&self, change: impl FnOnce(&mut Account)) {
        change(&mut self.account.lock().unwrap());
    }
}

pub(super) fn unused<T>() -> Result<T, StoreError> {
    Err(StoreError::Engine("this store holds access keys and users only".to_owned()))
}

#[async_trait]
impl Store for Identities {
    async fn root_key_check(&self) -> Result<Option<Sealed>, StoreError> {
        unused()
    }

    async fn set_root_key_check(&self, _: &Sealed) -> Result<(), StoreError> {
        unused()
    }

    async fn insert_account(&self, _: &Account) -> Result<(), StoreError> {
        unused()
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        Ok(Some(self.account.lock().unwrap().clone()).filter(|account| account.id == *id))
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        unused()
    }

    async fn insert_access_key(&self, _: &AccessKey, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn access_key(&self, access_key_id: &str) -> Result<Option<AccessKey>, StoreError> {
        Ok(self.access_keys.iter().find(|key| key.access_key_id == access_key_id).cloned())
    }

    async fn access_keys(&self, _: &AccountId) -> Result<Vec<AccessKey>, StoreError> {
        unused()
    }

    async fn set_access_key_status(&self, _: &str, _: AccessKeyStatus) -> Result<(), StoreError> {
        unused()
    }

    async fn delete_access_key(&self, _: &str) -> Result<(), StoreError> {
        unused()
    }

    async fn insert_key(&self, _: &Key, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn insert_replica(&self, _: &Key, _: &Key, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn key(&self, _: &Region, _: &KeyId) -> Result<Option<Key>, StoreError> {
        unused()
    }

    async fn related_keys(&self, _: &AccountId, _: &KeyId) -> Result<Vec<Key>, StoreError> {
        unused()
    }

    async fn update_keys(&self, _: &[Key]) -> Result<(), StoreError> {
        unused()
    }

    async fn delete_key(&self, _: &Region, _: &KeyId, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn key_ids(&self, _: &AccountId, _: &Region, _: Option<&KeyId>, _: usize) -> Result<Vec<KeyId>, StoreError> {
        unused()
    }

    async fn keys_due_for_deletion(&self, _: Timestamp, _: usize) -> Result<Vec<Key>, StoreError> {
        unused()
    }

    async fn keys_without_replicas_left(&self, _: usize) -> Result<Vec<Key>, StoreError> {
        unused()
    }

    async fn keys_due_for_rotation(&self, _: Timestamp, _: Timestamp, _: usize) -> Result<Vec<Key>, StoreError> {
        unused()
    }

    async fn keys_with_expired_material(&self, _: Timestamp, _: usize) -> Result<Vec<Key>, StoreError> {
        unused()
    }

    async fn insert_grant(&self, _: &Grant, _: u64) -> Result<Grant, StoreError> {
        unused()
    }

    async fn check_new_grant(&self, _: &Grant, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn grant(&self, _: &Region, _: &KeyId, _: &GrantId) -> Result<Option<Grant>, StoreError> {
        unused()
    }

    async fn delete_grant(&self, _: &Region, _: &KeyId, _: &GrantId) -> Result<(), StoreError> {
        unused()
    }

    async fn grants_of_key(
        &self,
        _: &Region,
        _: &KeyId,
        _: Option<&str>,
        _: Option<&GrantId>,
        _: usize,
    ) -> Result<Vec<Grant>, StoreError> {
        unused()
    }

    async fn grants_to_retire(
        &self,
        _: &Region,
        _: &str,
        _: Option<&str>,
        _: Option<&GrantId>,
        _: usize,
    ) -> Result<Vec<Grant>, StoreError> {
        unused()
    }

    async fn record_key_usages(&self, _: &[KeyLastUsage]) -> Result<(), StoreError> {
        unused()
    }

    async fn key_usages_recorded_since(&self) -> Result<Timestamp, StoreError> {
        unused()
    }

    async fn key_last_usage(&self, _: &Region, _: &KeyId) -> Result<Option<KeyLastUsage>, StoreError> {
        unused()
    }

    async fn insert_alias(&self, _: &Alias, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn alias(&self, _: &AccountId, _: &Region, _: &AliasName) -> Result<Option<Alias>, StoreError> {
        unused()
    }

    async fn update_alias(&self, _: &Alias, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn delete_alias(&self, _: &AccountId, _: &Region, _: &AliasName, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn aliases(
        &self,
        _: &AccountId,
        _: &Region,
        _: Option<&KeyId>,
        _: Option<&AliasName>,
        _: usize,
    ) -> Result<Vec<Alias>, StoreError> {
        unused()
    }

    async fn insert_custom_key_store(&self, _: &CustomKeyStore, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn custom_key_store(&self, _: &CustomKeyStoreId) -> Result<Option<CustomKeyStore>, StoreError> {
        unused()
    }

    async fn custom_key_stores(
        &self,
        _: &AccountId,
        _: &Region,
        _: Option<&CustomKeyStoreId>,
        _: usize,
    ) -> Result<Vec<CustomKeyStore>, StoreError> {
        unused()
    }

    async fn connected_custom_key_stores(&self) -> Result<Vec<CustomKeyStore>, StoreError> {
        unused()
    }

    async fn update_custom_key_store(&self, _: &CustomKeyStore) -> Result<(), StoreError> {
        unused()
    }

    async fn delete_custom_key_store(&self, _: &CustomKeyStoreId, _: u64) -> Result<(), StoreError> {
        unused()
    }

    async fn start_connection_job(&self, _: &CustomKeyStore, _: JobKind, _: Timestamp) -> Result<(), StoreError> {
        unused()
    }

    async fn claim_connection_job(
        &self,
        _: &str,
        _: Timestamp,
        _: Timestamp,
    ) -> Result<Option<ConnectionJob>, StoreError> {
        unused()
    }

    async fn renew_connection_job(&self, _: &ConnectionJob, _: Timestamp) -> Result<(), StoreError> {
        unused()
    }

    async fn finish_connection_job(&self, _: &CustomKeyStore, _: &ConnectionJob) -> Result<(), StoreError> {
        unused()
    }

    async fn discard_connection_job(&self, _: &ConnectionJob) -> Result<(), StoreError> {
        unused()
    }

    async fn insert_pending_backing_key(&self, _: &PendingBackingKey) -> Result<(), StoreError> {
        unused()
    }

    async fn abandon_pending_backing_key(&self, _: &BackingKeyId) -> Result<(), StoreError> {
        unused()
    }

    async fn delete_pending_backing_key(&self, _: &BackingKeyId) -> Result<(), StoreError> {
        unused()
    }

    async fn pending_backing_keys(
        &self,
        _: &CustomKeyStoreId,
        _: Timestamp,
        _: usize,
    ) -> Result<Vec<PendingBackingKey>, StoreError> {
        unused()
    }

    async fn changes_after(&self, _: u64, _: usize) -> Result<Vec<Change>, StoreError> {
        unused()
    }

    async fn latest_change(&self) -> Result<u64, StoreError> {
        unused()
    }
}
