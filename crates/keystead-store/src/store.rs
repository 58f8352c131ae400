//! The [`Store`] port. Each mutation is one transaction; what it does is in the module of its concept.

use async_trait::async_trait;
use keystead_core::access::{AccessKey, AccessKeyStatus, Account};
use keystead_core::key::{Alias, Grant, GrantId, Key, KeyLastUsage};
use keystead_core::key_store::CustomKeyStore;
use keystead_core::port::{BackingKeyId, Change, ConnectionJob, JobKind, PendingBackingKey, Store, StoreError};
use keystead_core::sealing::Sealed;
use keystead_model::Timestamp;
use keystead_model::arn::{AccountId, AliasName, CustomKeyStoreId, KeyId, Region};

use crate::error::engine;
use crate::{
    SqliteStore, aliases, changes, connection_jobs, custom_key_stores, grants, identities, key_last_usages, keys,
    metadata, pending_backing_keys, schema,
};

#[async_trait]
impl Store for SqliteStore {
    async fn root_key_check(&self) -> Result<Option<Sealed>, StoreError> {
        self.read(|connection| Box::pin(metadata::root_key_check(connection))).await
    }

    async fn set_root_key_check(&self, check: &Sealed) -> Result<(), StoreError> {
        let check = check.clone();
        self.write(move |connection| Box::pin(async move { metadata::set_root_key_check(connection, &check).await }))
            .await
    }

    async fn insert_account(&self, account: &Account) -> Result<(), StoreError> {
        let account = account.clone();
        self.write(move |connection| Box::pin(async move { identities::accounts::insert(connection, &account).await }))
            .await
    }

    async fn account(&self, id: &AccountId) -> Result<Option<Account>, StoreError> {
        let id = *id;
        self.read(move |connection| Box::pin(async move { identities::accounts::get(connection, &id).await })).await
    }

    async fn accounts(&self) -> Result<Vec<Account>, StoreError> {
        self.read(|connection| Box::pin(identities::accounts::all(connection))).await
    }

    async fn insert_access_key(&self, access_key: &AccessKey, quota: u64) -> Result<(), StoreError> {
        let access_key = access_key.clone();
        self.write(move |connection| {
            Box::pin(async move { identities::access_keys::insert(connection, &access_key, quota).await })
        })
        .await
    }

    async fn access_key(&self, access_key_id: &str) -> Result<Option<AccessKey>, StoreError> {
        let access_key_id = access_key_id.to_owned();
        self.read(move |connection| {
            Box::pin(async move { identities::access_keys::get(connection, &access_key_id).await })
        })
        .await
    }

    async fn access_keys(&self, account: &AccountId) -> Result<Vec<AccessKey>, StoreError> {
        let account = *account;
        self.read(move |connection| {
            Box::pin(async move { identities::access_keys::of_account(connection, &account).await })
        })
        .await
    }

    async fn set_access_key_status(&self, access_key_id: &str, status: AccessKeyStatus) -> Result<(), StoreError> {
        let access_key_id = access_key_id.to_owned();
        self.write(move |connection| {
            Box::pin(async move { identities::access_keys::set_status(connection, &access_key_id, status).await })
        })
        .await
    }

    async fn delete_access_key(&self, access_key_id: &str) -> Result<(), StoreError> {
        let access_key_id = access_key_id.to_owned();
        self.write(move |connection| {
            Box::pin(async move { identities::access_keys::delete(connection, &access_key_id).await })
        })
        .await
    }

    async fn insert_key(&self, key: &Key, quota: u64) -> Result<(), StoreError> {
        let key = key.clone();
        self.write(move |connection| Box::pin(async move { keys::insert(connection, &key, quota).await })).await
    }

    async fn insert_replica(&self, primary: &Key, replica: &Key, quota: u64) -> Result<(), StoreError> {
        let primary = primary.clone();
        let replica = replica.clone();
        self.write(move |connection| {
            Box::pin(async move { keys::insert_replica(connection, &primary, &replica, quota).await })
        })
        .await
    }

    async fn key(&self, region: &Region, id: &KeyId) -> Result<Option<Key>, StoreError> {
        let region = region.clone();
        let id = *id;
        self.read(move |connection| Box::pin(async move { keys::get(connection, &region, &id).await })).await
    }

    async fn related_keys(&self, account: &AccountId, id: &KeyId) -> Result<Vec<Key>, StoreError> {
        let account = *account;
        let id = *id;
        self.read(move |connection| Box::pin(async move { keys::related::keys(connection, &account, &id).await })).await
    }

    async fn update_keys(&self, keys: &[Key]) -> Result<(), StoreError> {
        let keys = keys.to_vec();
        self.write(move |connection| Box::pin(async move { keys::update(connection, &keys).await })).await
    }

    async fn delete_key(&self, region: &Region, id: &KeyId, revision: u64) -> Result<(), StoreError> {
        let region = region.clone();
        let id = *id;
        self.write(move |connection| Box::pin(async move { keys::delete(connection, &region, &id, revision).await }))
            .await
    }

    async fn key_ids(
        &self,
        account: &AccountId,
        region: &Region,
        after: Option<&KeyId>,
        limit: usize,
    ) -> Result<Vec<KeyId>, StoreError> {
        let account = *account;
        let region = region.clone();
        let after = after.copied();
        self.read(move |connection| {
            Box::pin(async move { keys::list_ids(connection, &account, &region, after.as_ref(), limit).await })
        })
        .await
    }

    async fn keys_due_for_deletion(&self, now: Timestamp, limit: usize) -> Result<Vec<Key>, StoreError> {
        self.read(move |connection| Box::pin(keys::due::for_deletion(connection, now, limit))).await
    }

    async fn keys_without_replicas_left(&self, limit: usize) -> Result<Vec<Key>, StoreError> {
        self.read(move |connection| Box::pin(keys::due::without_replicas_left(connection, limit))).await
    }

    async fn keys_due_for_rotation(
        &self,
        now: Timestamp,
        on_demand_until: Timestamp,
        limit: usize,
    ) -> Result<Vec<Key>, StoreError> {
        self.read(move |connection| Box::pin(keys::due::for_rotation(connection, now, on_demand_until, limit))).await
    }

    async fn keys_with_expired_material(&self, now: Timestamp, limit: usize) -> Result<Vec<Key>, StoreError> {
        self.read(move |connection| Box::pin(keys::due::with_expired_material(connection, now, limit))).await
    }

    async fn insert_grant(&self, grant: &Grant, quota: u64) -> Result<Grant, StoreError> {
        let grant = grant.clone();
        self.write(move |connection| Box::pin(grants::insert(connection, grant, quota))).await
    }

    async fn check_new_grant(&self, grant: &Grant, quota: u64) -> Result<(), StoreError> {
        let grant = grant.clone();
        self.read(move |connection| Box::pin(grants::check_new(connection, grant, quota))).await
    }

    async fn grant(&self, region: &Region, key_id: &KeyId, id: &GrantId) -> Result<Option<Grant>, StoreError> {
        let region = region.clone();
        let (key_id, id) = (*key_id, *id);
        self.read(move |connection| Box::pin(async move { grants::get(connection, &region, &key_id, &id).await })).await
    }

    async fn delete_grant(&self, region: &Region, key_id: &KeyId, id: &GrantId) -> Result<(), StoreError> {
        let region = region.clone();
        let (key_id, id) = (*key_id, *id);
        self.write(move |connection| Box::pin(async move { grants::delete(connection, &region, &key_id, &id).await }))
            .await
    }

    async fn grants_of_key(
        &self,
        region: &Region,
        key_id: &KeyId,
        grantee_principal: Option<&str>,
        after: Option<&GrantId>,
        limit: usize,
    ) -> Result<Vec<Grant>, StoreError> {
        let region = region.clone();
        let (key_id, after) = (*key_id, after.copied());
        let grantee = grantee_principal.map(str::to_owned);
        self.read(move |connection| {
            Box::pin(async move {
                grants::of_key(connection, &region, &key_id, grantee.as_deref(), after.as_ref(), limit).await
            })
        })
        .await
    }

    async fn grants_to_retire(
        &self,
        region: &Region,
        retiring_principal: &str,
        unique_id: Option<&str>,
        after: Option<&GrantId>,
        limit: usize,
    ) -> Result<Vec<Grant>, StoreError> {
        let region = region.clone();
        let (retiring_principal, unique_id) = (retiring_principal.to_owned(), unique_id.map(str::to_owned));
        let after = after.copied();
        self.read(move |connection| {
            Box::pin(async move {
                let unique_id = unique_id.as_deref();
                grants::to_retire(connection, &region, &retiring_principal, unique_id, after.as_ref(), limit).await
            })
        })
        .await
    }

    async fn record_key_usages(&self, usages: &[KeyLastUsage]) -> Result<(), StoreError> {
        let usages = usages.to_vec();
        self.write(move |connection| Box::pin(async move { key_last_usages::record(connection, &usages).await })).await
    }

    async fn key_usages_recorded_since(&self) -> Result<Timestamp, StoreError> {
        let version = schema::KEY_LAST_USAGES_VERSION;
        self.read(move |connection| {
            Box::pin(async move { schema::installed(connection, version).await.map_err(engine) })
        })
        .await
    }

    async fn key_last_usage(&self, region: &Region, id: &KeyId) -> Result<Option<KeyLastUsage>, StoreError> {
        let region = region.clone();
        let id = *id;
        self.read(move |connection| Box::pin(async move { key_last_usages::get(connection, &region, &id).await })).await
    }

    async fn insert_alias(&self, alias: &Alias, quota: u64) -> Result<(), StoreError> {
        let alias = alias.clone();
        self.write(move |connection| Box::pin(async move { aliases::insert(connection, &alias, quota).await })).await
    }

    async fn alias(&self, account: &AccountId, region: &Region, name: &AliasName) -> Result<Option<Alias>, StoreError> {
        let account = *account;
        let region = region.clone();
        let name = name.clone();
        self.read(move |connection| Box::pin(async move { aliases::get(connection, &account, &region, &name).await }))
            .await
    }

    async fn update_alias(&self, alias: &Alias, quota: u64) -> Result<(), StoreError> {
        let alias = alias.clone();
        self.write(move |connection| Box::pin(async move { aliases::update(connection, &alias, quota).await })).await
    }

    async fn delete_alias(
        &self,
        account: &AccountId,
        region: &Region,
        name: &AliasName,
        revision: u64,
    ) -> Result<(), StoreError> {
        let account = *account;
        let region = region.clone();
        let name = name.clone();
        self.write(move |connection| {
            Box::pin(async move { aliases::delete(connection, &account, &region, &name, revision).await })
        })
        .await
    }

    async fn aliases(
        &self,
        account: &AccountId,
        region: &Region,
        key: Option<&KeyId>,
        after: Option<&AliasName>,
        limit: usize,
    ) -> Result<Vec<Alias>, StoreError> {
        let account = *account;
        let region = region.clone();
        let key = key.copied();
        let after = after.cloned();
        self.read(move |connection| {
            Box::pin(
                async move { aliases::list(connection, &account, &region, key.as_ref(), after.as_ref(), limit).await },
            )
        })
        .await
    }

    async fn insert_custom_key_store(&self, key_store: &CustomKeyStore, quota: u64) -> Result<(), StoreError> {
        let key_store = key_store.clone();
        self.write(move |connection| {
            Box::pin(async move { custom_key_stores::insert(connection, &key_store, quota).await })
        })
        .await
    }

    async fn custom_key_store(&self, id: &CustomKeyStoreId) -> Result<Option<CustomKeyStore>, StoreError> {
        let id = id.clone();
        self.read(move |connection| Box::pin(async move { custom_key_stores::get(connection, &id).await })).await
    }

    async fn custom_key_stores(
        &self,
        account: &AccountId,
        region: &Region,
        after: Option<&CustomKeyStoreId>,
        limit: usize,
    ) -> Result<Vec<CustomKeyStore>, StoreError> {
        let account = *account;
        let region = region.clone();
        let after = after.cloned();
        self.read(move |connection| {
            Box::pin(async move { custom_key_stores::list(connection, &account, &region, after.as_ref(), limit).await })
        })
        .await
    }

    async fn connected_custom_key_stores(&self) -> Result<Vec<CustomKeyStore>, StoreError> {
        self.read(|connection| Box::pin(custom_key_stores::connected(connection))).await
    }

    async fn update_custom_key_store(&self, key_store: &CustomKeyStore) -> Result<(), StoreError> {
        let key_store = key_store.clone();
        self.write(move |connection| Box::pin(async move { custom_key_stores::update(connection, &key_store).await }))
            .await
    }

    async fn delete_custom_key_store(&self, id: &CustomKeyStoreId, revision: u64) -> Result<(), StoreError> {
        let id = id.clone();
        self.write(move |connection| {
            Box::pin(async move { custom_key_stores::delete(connection, &id, revision).await })
        })
        .await
    }

    async fn start_connection_job(
        &self,
        key_store: &CustomKeyStore,
        kind: JobKind,
        due: Timestamp,
    ) -> Result<(), StoreError> {
        let key_store = key_store.clone();
        self.write(move |connection| {
            Box::pin(async move { connection_jobs::start(connection, &key_store, kind, due).await })
        })
        .await
    }

    async fn claim_connection_job(
        &self,
        owner: &str,
        now: Timestamp,
        lease_until: Timestamp,
    ) -> Result<Option<ConnectionJob>, StoreError> {
        if !self.read(move |connection| Box::pin(connection_jobs::any_claimable(connection, now))).await? {
            return Ok(None);
        }
        let owner = owner.to_owned();
        self.write(move |connection| {
            Box::pin(async move { connection_jobs::claim(connection, &owner, now, lease_until).await })
        })
        .await
    }

    async fn renew_connection_job(&self, job: &ConnectionJob, lease_until: Timestamp) -> Result<(), StoreError> {
        let job = job.clone();
        self.write(move |connection| {
            Box::pin(async move { connection_jobs::renew(connection, &job, lease_until).await })
        })
        .await
    }

    async fn finish_connection_job(&self, key_store: &CustomKeyStore, job: &ConnectionJob) -> Result<(), StoreError> {
        let key_store = key_store.clone();
        let job = job.clone();
        self.write(move |connection| {
            Box::pin(async move { connection_jobs::finish(connection, &key_store, &job).await })
        })
        .await
    }

    async fn discard_connection_job(&self, job: &ConnectionJob) -> Result<(), StoreError> {
        let job = job.clone();
        self.write(move |connection| Box::pin(async move { connection_jobs::discard(connection, &job).await })).await
    }

    async fn insert_pending_backing_key(&self, backing_key: &PendingBackingKey) -> Result<(), StoreError> {
        let backing_key = backing_key.clone();
        self.write(move |connection| {
            Box::pin(async move { pending_backing_keys::insert(connection, &backing_key).await })
        })
        .await
    }

    async fn abandon_pending_backing_key(&self, backing_key_id: &BackingKeyId) -> Result<(), StoreError> {
        let id = *backing_key_id;
        self.write(move |connection| Box::pin(async move { pending_backing_keys::abandon(connection, &id).await }))
            .await
    }

    async fn delete_pending_backing_key(&self, backing_key_id: &BackingKeyId) -> Result<(), StoreError> {
        let id = *backing_key_id;
        self.write(move |connection| Box::pin(async move { pending_backing_keys::delete(connection, &id).await })).await
    }

    async fn pending_backing_keys(
        &self,
        id: &CustomKeyStoreId,
        created_until: Timestamp,
        limit: usize,
    ) -> Result<Vec<PendingBackingKey>, StoreError> {
        let id = id.clone();
        self.read(move |connection| {
            Box::pin(
                async move { pending_backing_keys::of_custom_key_store(connection, &id, created_until, limit).await },
            )
        })
        .await
    }

    async fn changes_after(&self, sequence: u64, limit: usize) -> Result<Vec<Change>, StoreError> {
        self.read(move |connection| Box::pin(changes::after(connection, sequence, limit))).await
    }

    async fn latest_change(&self) -> Result<u64, StoreError> {
        self.read(|connection| Box::pin(changes::latest(connection))).await
    }
}
