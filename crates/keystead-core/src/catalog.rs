//! This node's view of the store: loaded, unsealed, cached, and kept true by the change feed.
//!
//! Reads of the data plane come from here and cost no store round trip once a record is loaded. Every mutation goes through here too, so
//! that this node sees its own writes at once; writes of another process arrive through the
//! change feed: how often it is read is the window of eventual consistency.

mod coherent_cache;
mod conflict;
mod grants;
mod loaded;
mod principal_policies;
mod session_credential;

use std::sync::Arc;

use keystead_model::SecretString;
use keystead_model::arn::{AccountId, AliasName, CustomKeyStoreId, KeyId, Region};
use keystead_model::kms::KeySpec;
use zeroize::Zeroizing;

use crate::access::{
    AccessKey, AccessKeyStatus, Authorized, Credential, KmsScope, Principal, PrincipalKind, PrincipalPolicies, Resource,
};
use crate::error::KmsError;
use crate::key::{Alias, Key, KeyMaterial, MaterialId};
use crate::key_store::{CloudHsmKeyStore, CustomKeyStore, CustomKeyStoreKind, ExternalKeyStore, KmsUserPasswords};
use crate::port::{
    ChangedRecord, ConnectionJob, Entropy, ExternalLink, HsmLink, JobKind, KeyStoreLink, Store, StoreError,
};
use crate::quota::ResourceQuotas;
use crate::sealing::{RootKey, Sealed, SealedRecord};
use coherent_cache::CoherentCache;
pub use conflict::Conflicts;
pub(crate) use grants::GranteesGrants;
use grants::{GrantCache, grant_cache};
pub use loaded::{LoadedKey, LoadedKeyStore, LoadedLink};
use session_credential::{SessionCredentialCache, session_credential_cache};

/// How many aliases, key stores and so on are held at most; the least used go first.
const CAPACITY: usize = 100_000;
/// How many bytes the keys that are held may take, by [`LoadedKey::approximate_bytes`].
const KEY_BYTES_MAX: u64 = 200 * 1024 * 1024;
/// So many keys of a usual size fit.
const KEYS_EXPECTED: usize = 50_000;
/// How many changes are read from the feed at a time.
const CHANGES_PER_READ: usize = 1000;

/// What one read of the change feed gave.
#[derive(Default)]
pub(crate) struct FollowedChanges {
    /// The custom key stores that changed.
    pub(crate) key_stores: Vec<CustomKeyStoreId>,
    /// The read was full: there may be more.
    pub(crate) more: bool,
}

/// See the module's text.
pub struct Catalog {
    store: Arc<dyn Store>,
    root_key: Arc<RootKey>,
    aliases_per_key_max: u64,
    keys: CoherentCache<(Region, KeyId), Arc<LoadedKey>>,
    aliases: CoherentCache<(AccountId, Region, AliasName), Arc<Alias>>,
    key_stores: CoherentCache<CustomKeyStoreId, Arc<LoadedKeyStore>>,
    credentials: CoherentCache<String, Arc<Credential>>,
    /// By the unique ID of the user or role: one that was deleted and made again under its name is another.
    principal_policies: CoherentCache<String, Arc<PrincipalPolicies>>,
    grants: GrantCache,
    session_credentials: SessionCredentialCache,
}

impl Catalog {
    /// An empty view of `store`.
    pub fn new(store: Arc<dyn Store>, root_key: Arc<RootKey>) -> Self {
        Self {
            store,
            root_key,
            aliases_per_key_max: ResourceQuotas::default().aliases_per_key,
            keys: CoherentCache::weighed(KEYS_EXPECTED, KEY_BYTES_MAX, |key: &Arc<LoadedKey>| key.approximate_bytes()),
            aliases: CoherentCache::new(CAPACITY),
            key_stores: CoherentCache::new(CAPACITY),
            credentials: CoherentCache::new(CAPACITY),
            principal_policies: CoherentCache::new(CAPACITY),
            grants: grant_cache(),
            session_credentials: session_credential_cache(),
        }
    }

    /// The same where keys may have another number of aliases than by default. Of a key that has more than that policies see none.
    pub(crate) fn with_alias_quota(mut self, aliases_per_key_max: u64) -> Self {
        self.aliases_per_key_max = aliases_per_key_max;
        self
    }

    /// The store itself, for lists and for what is not cached.
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The root key, for sealing what is about to be stored.
    pub fn root_key(&self) -> &RootKey {
        &self.root_key
    }

    /// A key with its material, ready for use.
    pub async fn key(&self, region: &Region, id: &KeyId) -> Result<Option<Arc<LoadedKey>>, KmsError> {
        self.keys.get_or_load((region.clone(), *id), self.stored_key(region, id)).await
    }

    /// The same past the cache, for what shows that the cached key is not the newest: another server changed it, and the change feed was
    /// not read since.
    pub(crate) async fn key_afresh(&self, region: &Region, id: &KeyId) -> Result<Option<Arc<LoadedKey>>, KmsError> {
        self.keys.load_afresh((region.clone(), *id), self.stored_key(region, id)).await
    }

    async fn stored_key(&self, region: &Region, id: &KeyId) -> Result<Option<Arc<LoadedKey>>, KmsError> {
        match self.store.key(region, id).await? {
            Some(key) => self.load_key(key).await.map(Some),
            None => Ok(None),
        }
    }

    async fn load_key(&self, key: Key) -> Result<Arc<LoadedKey>, KmsError> {
        let arn = key.arn().to_string();
        let mut materials = Vec::with_capacity(key.materials.len());
        for record in &key.materials {
            if let Some(sealed) = &record.sealed {
                materials.push((record.id, self.open_material(key.spec, &arn, &record.id, sealed)?));
            }
        }
        let policy = loaded::compiled_key_policy(&arn, &key.policy, &key.policy_principals)?;
        let aliases = self.aliases_of(&key).await?;
        Ok(Arc::new(LoadedKey { key, arn, policy, aliases, materials }))
    }

    /// `None` if there are more than the quota allows.
    async fn aliases_of(&self, key: &Key) -> Result<Option<Vec<AliasName>>, KmsError> {
        let max = usize::try_from(self.aliases_per_key_max).unwrap_or(usize::MAX);
        let aliases = self.store.aliases(&key.account, &key.region, Some(&key.id), None, max.saturating_add(1)).await?;
        Ok((aliases.len() <= max).then(|| aliases.into_iter().map(|alias| alias.name).collect()))
    }

    /// Unseals one material of the key with this ARN.
    pub fn open_material(
        &self,
        spec: KeySpec,
        arn: &str,
        id: &MaterialId,
        sealed: &Sealed,
    ) -> Result<KeyMaterial, KmsError> {
        let name = id.to_string();
        let bytes = self.root_key.open(SealedRecord::KeyMaterial(arn, &name), sealed)?;
        KeyMaterial::restore(spec, bytes)
            .ok_or_else(|| KmsError::internal(&format!("a material of {arn} is not what a key of {spec} has")))
    }

    /// Seals one material for the key with this ARN.
    pub fn seal_material(
        &self,
        arn: &str,
        id: &MaterialId,
        material: &KeyMaterial,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, KmsError> {
        let name = id.to_string();
        let bytes = material.expose().map_err(|error| KmsError::internal(&error))?;
        Ok(self.root_key.seal(SealedRecord::KeyMaterial(arn, &name), &bytes, entropy)?)
    }

    /// Seals a material of the key with the ARN `from` for its related key with the ARN `to`.
    pub fn reseal_material(
        &self,
        from: &str,
        to: &str,
        id: &MaterialId,
        sealed: &Sealed,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, KmsError> {
        let name = id.to_string();
        let bytes = self.root_key.open(SealedRecord::KeyMaterial(from, &name), sealed)?;
        Ok(self.root_key.seal(SealedRecord::KeyMaterial(to, &name), &bytes, entropy)?)
    }

    /// An alias.
    pub async fn alias(
        &self,
        account: &AccountId,
        region: &Region,
        name: &AliasName,
    ) -> Result<Option<Arc<Alias>>, KmsError> {
        let load = async { Ok(self.store.alias(account, region, name).await?.map(Arc::new)) };
        self.aliases.get_or_load((*account, region.clone(), name.clone()), load).await
    }

    /// A custom key store with the link to its proxy.
    pub async fn key_store(&self, id: &CustomKeyStoreId) -> Result<Option<Arc<LoadedKeyStore>>, KmsError> {
        let load = async {
            let key_store = self.store.custom_key_store(id).await?;
            key_store.map(|key_store| self.load_key_store(key_store).map(Arc::new)).transpose()
        };
        self.key_stores.get_or_load(id.clone(), load).await
    }

    /// The secret of an external key store's proxy credential, unsealed.
    pub fn proxy_secret(&self, id: &CustomKeyStoreId, external: &ExternalKeyStore) -> Result<SecretString, KmsError> {
        let record = SealedRecord::XksProxyCredential(id.as_str());
        secret_text(self.root_key.open(record, &external.sealed_secret_access_key)?)
    }

    /// What KMS knows of the passwords of `kmsuser`, unsealed.
    pub fn kms_user_passwords(
        &self,
        id: &CustomKeyStoreId,
        cloud_hsm: &CloudHsmKeyStore,
    ) -> Result<KmsUserPasswords, KmsError> {
        let bytes = self.root_key.open(SealedRecord::KmsUserPasswords(id.as_str()), &cloud_hsm.sealed_passwords)?;
        KmsUserPasswords::from_bytes(&bytes)
            .map_err(|_| KmsError::internal(&format!("the sealed passwords of kmsuser for {id} cannot be read")))
    }

    /// Seals what [`Catalog::kms_user_passwords`] opens.
    pub fn seal_kms_user_passwords(
        &self,
        id: &CustomKeyStoreId,
        passwords: &KmsUserPasswords,
        entropy: &dyn Entropy,
    ) -> Result<Sealed, KmsError> {
        let bytes = passwords.to_bytes().map_err(|error| KmsError::internal(&error))?;
        Ok(self.root_key.seal(SealedRecord::KmsUserPasswords(id.as_str()), &bytes, entropy)?)
    }

    /// Makes the link to a custom key store that was read from the store.
    pub fn load_key_store(&self, key_store: CustomKeyStore) -> Result<LoadedKeyStore, KmsError> {
        let link = match &key_store.kind {
            CustomKeyStoreKind::External(external) => {
                LoadedLink::External(KeyStoreLink::External(Arc::new(self.external_link(&key_store, external)?)))
            }
            CustomKeyStoreKind::CloudHsm(cloud_hsm) => {
                let passwords = self.kms_user_passwords(&key_store.id, cloud_hsm)?.all();
                LoadedLink::CloudHsm(Arc::new(hsm_link(&key_store, cloud_hsm, passwords)))
            }
        };
        Ok(LoadedKeyStore { key_store, link })
    }

    fn external_link(&self, key_store: &CustomKeyStore, external: &ExternalKeyStore) -> Result<ExternalLink, KmsError> {
        Ok(ExternalLink {
            custom_key_store_id: Some(key_store.id.clone()),
            region: key_store.region.clone(),
            uri_endpoint: external.uri_endpoint.clone(),
            uri_path: external.uri_path.clone(),
            access_key_id: external.access_key_id.clone(),
            secret_access_key: self.proxy_secret(&key_store.id, external)?,
        })
    }

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

    /// What IAM has of a principal; `None` if the user or role is gone.
    pub async fn principal_policies(&self, principal: &Principal) -> Result<Option<Arc<PrincipalPolicies>>, KmsError> {
        let unique_id = match &principal.kind {
            PrincipalKind::Root => return Ok(Some(PrincipalPolicies::of_root())),
            // It has nothing but what a role's trust policy lets it do.
            PrincipalKind::WebIdentity { .. } => return Ok(None),
            PrincipalKind::User { user_id, .. } => user_id,
            PrincipalKind::AssumedRole { role_id, .. } => role_id,
        };
        self.principal_policies.get_or_load(unique_id.clone(), self.load_principal_policies(principal)).await
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
            PrincipalKind::Root | PrincipalKind::WebIdentity { .. } => return Ok(None),
        };
        Ok(Some(Arc::new(policies)))
    }

    /// To be called after each change of users, groups, roles or managed policies.
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

    /// Adds a key.
    pub async fn insert_key(&self, _: &Authorized<KmsScope>, key: &Key, quota: u64) -> Result<(), StoreError> {
        self.store.insert_key(key, quota).await
    }

    /// Reads the key afresh, changes it, and stores it; again from the start if another request was faster.
    ///
    /// `change` sees the stored key and may refuse. A change that changes nothing is not written.
    pub async fn change_key(
        &self,
        loaded: &Authorized<Arc<LoadedKey>>,
        entropy: &dyn Entropy,
        mut change: impl FnMut(&mut Key) -> Result<(), KmsError> + Send,
    ) -> Result<Key, KmsError> {
        let (region, id) = (&loaded.key.region, &loaded.key.id);
        let mut conflicts = Conflicts::new(entropy);
        loop {
            let Some(stored) = self.store.key(region, id).await? else {
                return Err(KmsError::not_found(format!("Key '{}' does not exist", loaded.arn)));
            };
            let mut key = stored.clone();
            change(&mut key)?;
            if key == stored {
                return Ok(key);
            }
            let result = self.store.update_key(&key).await;
            self.keys.invalidate(&(region.clone(), *id));
            match result {
                Err(StoreError::Conflict) => conflicts.wait().await?,
                other => return other.map(|()| key).map_err(KmsError::from),
            }
        }
    }

    /// The same for a key together with its related keys in other Regions: all are read afresh, changed, and stored in one transaction.
    ///
    /// `change` sees them by Region, and a single-Region key alone.
    pub async fn change_related_keys(
        &self,
        loaded: &Authorized<Arc<LoadedKey>>,
        entropy: &dyn Entropy,
        mut change: impl FnMut(&mut [Key]) -> Result<(), KmsError> + Send,
    ) -> Result<Vec<Key>, KmsError> {
        let (region, arn) = (&loaded.key.region, &loaded.arn);
        let change_if_there = |keys: &mut [Key]| {
            if !keys.iter().any(|key| key.region == *region) {
                return Err(KmsError::not_found(format!("Key '{arn}' does not exist")));
            }
            change(keys)
        };
        self.change_related_keys_of(&loaded.key, entropy, change_if_there).await
    }

    /// The same for what KMS does by itself. `change` sees no key at all if they are gone.
    pub(crate) async fn change_related_keys_of(
        &self,
        key: &Key,
        entropy: &dyn Entropy,
        mut change: impl FnMut(&mut [Key]) -> Result<(), KmsError> + Send,
    ) -> Result<Vec<Key>, KmsError> {
        let mut conflicts = Conflicts::new(entropy);
        loop {
            let mut keys = self.store.related_keys(&key.account, &key.id).await?;
            let stored = keys.clone();
            change(&mut keys)?;
            match self.update_keys(&stored, &keys).await {
                Err(StoreError::Conflict) => conflicts.wait().await?,
                other => return other.map(|()| keys).map_err(KmsError::from),
            }
        }
    }

    /// Stores those of `keys` that differ from what was read, in one transaction.
    pub async fn update_keys(&self, stored: &[Key], keys: &[Key]) -> Result<(), StoreError> {
        let changed: Vec<Key> = keys.iter().filter(|key| !stored.contains(key)).cloned().collect();
        if changed.is_empty() {
            return Ok(());
        }
        let result = self.store.update_keys(&changed).await;
        // What a multi-Region key tells of its set is computed from all of it.
        for key in keys {
            self.keys.invalidate(&(key.region.clone(), key.id));
        }
        result
    }

    /// Adds a replica to a multi-Region primary key, with leave for both.
    pub async fn insert_replica<T: Resource>(
        &self,
        _: &Authorized<Arc<LoadedKey>>,
        _: &Authorized<T>,
        primary: &Key,
        replica: &Key,
        quota: u64,
    ) -> Result<(), StoreError> {
        let result = self.store.insert_replica(primary, replica, quota).await;
        self.invalidate_related(primary);
        result
    }

    fn invalidate_related(&self, key: &Key) {
        self.keys.invalidate(&(key.region.clone(), key.id));
        let Some(set) = &key.multi_region else { return };
        for region in std::iter::once(&set.primary_region).chain(&set.replica_regions) {
            self.keys.invalidate(&(region.clone(), key.id));
        }
    }

    /// Deletes a key and, with it, its aliases.
    pub async fn delete_key(&self, key: &Key) -> Result<(), StoreError> {
        let result = self.store.delete_key(&key.region, &key.id, key.revision).await;
        self.invalidate_related(key);
        self.aliases.invalidate_all();
        self.forget_grants(&key.region, &key.id);
        result
    }

    /// Adds an alias, with leave for it and for its key.
    pub async fn insert_alias<T: Resource>(
        &self,
        _: (&Authorized<T>, &Authorized<Arc<LoadedKey>>),
        alias: &Alias,
        quota: u64,
    ) -> Result<(), StoreError> {
        let result = self.store.insert_alias(alias, quota).await;
        self.forget_alias(alias);
        result
    }

    /// Points an alias at another key, with leave for it, for the key that it leaves, and for the key that it comes to.
    pub async fn update_alias<T: Resource>(
        &self,
        (_, from, _): (&Authorized<T>, &Authorized<Arc<LoadedKey>>, &Authorized<Arc<LoadedKey>>),
        alias: &Alias,
        quota: u64,
    ) -> Result<(), StoreError> {
        let result = self.store.update_alias(alias, quota).await;
        self.forget_alias(alias);
        self.keys.invalidate(&(alias.region.clone(), from.key.id));
        result
    }

    /// Deletes an alias, with leave for it and for its key.
    pub async fn delete_alias<T: Resource>(
        &self,
        _: (&Authorized<T>, &Authorized<Arc<LoadedKey>>),
        alias: &Alias,
    ) -> Result<(), StoreError> {
        let result = self.store.delete_alias(&alias.account, &alias.region, &alias.name, alias.revision).await;
        self.forget_alias(alias);
        result
    }

    /// Both ways: the key that an alias leads to, and the aliases that the key has.
    fn forget_alias(&self, alias: &Alias) {
        self.keys.invalidate(&(alias.region.clone(), alias.target_key_id));
        self.aliases.invalidate(&(alias.account, alias.region.clone(), alias.name.clone()));
    }

    /// Adds a custom key store.
    pub async fn insert_key_store(
        &self,
        _: &Authorized<KmsScope>,
        key_store: &CustomKeyStore,
        quota: u64,
    ) -> Result<(), StoreError> {
        self.store.insert_custom_key_store(key_store, quota).await
    }

    /// Stores a custom key store that was read at its revision.
    pub async fn update_key_store(&self, key_store: &CustomKeyStore) -> Result<(), StoreError> {
        let result = self.store.update_custom_key_store(key_store).await;
        self.key_stores.invalidate(&key_store.id);
        result
    }

    /// Stores a custom key store's new state together with the job that follows from it.
    pub async fn start_connection_job(
        &self,
        _: &Authorized<KmsScope>,
        key_store: &CustomKeyStore,
        kind: JobKind,
        due: keystead_model::Timestamp,
    ) -> Result<(), StoreError> {
        let result = self.store.start_connection_job(key_store, kind, due).await;
        self.key_stores.invalidate(&key_store.id);
        result
    }

    /// Stores the end of a job.
    pub async fn finish_connection_job(
        &self,
        key_store: &CustomKeyStore,
        job: &ConnectionJob,
    ) -> Result<(), StoreError> {
        let result = self.store.finish_connection_job(key_store, job).await;
        self.key_stores.invalidate(&key_store.id);
        result
    }

    /// Deletes a custom key store.
    pub async fn delete_key_store(
        &self,
        _: &Authorized<KmsScope>,
        id: &CustomKeyStoreId,
        revision: u64,
    ) -> Result<(), StoreError> {
        let result = self.store.delete_custom_key_store(id, revision).await;
        self.key_stores.invalidate(id);
        result
    }

    /// Reads the change feed once, from `sequence` on, and drops from the caches what others changed.
    ///
    /// Called every so often; what another process wrote is seen here that much later at the most.
    pub(crate) async fn follow_changes(&self, sequence: &mut Option<u64>) -> Result<FollowedChanges, StoreError> {
        let followed = self.read_changes(sequence).await;
        if followed.is_err() {
            // Without the feed nothing cached can be trusted.
            self.invalidate_all();
        }
        followed
    }

    async fn read_changes(&self, sequence: &mut Option<u64>) -> Result<FollowedChanges, StoreError> {
        let Some(last) = *sequence else {
            *sequence = Some(self.store.latest_change().await?);
            // What was loaded before the feed was read first might be stale already.
            self.invalidate_all();
            return Ok(FollowedChanges::default());
        };
        let changes = self.store.changes_after(last, CHANGES_PER_READ).await?;
        if changes.first().is_some_and(|first| first.sequence > last + 1) {
            // This node slept for so long that changes it had not read were pruned.
            self.invalidate_all();
        }
        let mut followed = FollowedChanges { key_stores: Vec::new(), more: changes.len() >= CHANGES_PER_READ };
        for change in changes {
            self.invalidate(&change.record);
            *sequence = Some(change.sequence);
            if let ChangedRecord::CustomKeyStore(id) = change.record {
                followed.key_stores.push(id);
            }
        }
        Ok(followed)
    }

    fn invalidate(&self, record: &ChangedRecord) {
        match record {
            ChangedRecord::Key(region, id) => self.keys.invalidate(&(region.clone(), *id)),
            ChangedRecord::Alias(account, region, name) => {
                self.aliases.invalidate(&(*account, region.clone(), name.clone()));
            }
            ChangedRecord::CustomKeyStore(id) => self.key_stores.invalidate(id),
            ChangedRecord::AccessKey(id) => self.credentials.invalidate(id),
            ChangedRecord::Identities(_) => self.forget_identities(),
            ChangedRecord::Grants(region, key_id) => self.forget_grants(region, key_id),
        }
    }

    fn invalidate_all(&self) {
        self.keys.invalidate_all();
        self.aliases.invalidate_all();
        self.key_stores.invalidate_all();
        self.credentials.invalidate_all();
        self.grants.invalidate_all();
        self.forget_identities();
    }
}

/// The link to the HSMs of a key store. Closing one needs no passwords.
pub(crate) fn hsm_link(
    key_store: &CustomKeyStore,
    cloud_hsm: &CloudHsmKeyStore,
    passwords: Vec<SecretString>,
) -> HsmLink {
    HsmLink {
        custom_key_store_id: key_store.id.clone(),
        account: key_store.account,
        region: key_store.region.clone(),
        cluster_id: cloud_hsm.cluster_id.clone(),
        trust_anchor: cloud_hsm.trust_anchor.clone(),
        passwords,
    }
}

fn secret_text(bytes: Zeroizing<Vec<u8>>) -> Result<SecretString, KmsError> {
    std::str::from_utf8(&bytes)
        .map(|text| SecretString::from(text.to_owned()))
        .map_err(|_| KmsError::internal(&"a sealed secret is not text"))
}
