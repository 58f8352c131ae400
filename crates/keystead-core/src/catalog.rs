//! This node's view of the store: loaded, unsealed, cached, and kept true by the change feed.
//!
//! Reads of the data plane come from here and cost no store round trip once a record is loaded. Every mutation goes through here too, so
//! that this node sees its own writes at once; writes of another process arrive through the
//! change feed: how often it is read is the window of eventual consistency.

mod aliases;
mod coherent_cache;
mod conflict;
mod grants;
mod identities;
mod key_stores;
mod keys;
mod loaded;
mod principal_policies;
mod session_credential;

use std::sync::Arc;

use keystead_model::SecretString;
use keystead_model::arn::{AccountId, AliasName, CustomKeyStoreId, KeyId, Region};
use zeroize::Zeroizing;

use crate::access::{Credential, PrincipalPolicies};
use crate::error::KmsError;
use crate::key::Alias;
use crate::port::{ChangedRecord, Store, StoreError};
use crate::quota::ResourceQuotas;
use crate::sealing::RootKey;
use coherent_cache::CoherentCache;
pub use conflict::Conflicts;
pub(crate) use grants::GranteesGrants;
use grants::{GrantCache, grant_cache};
pub(crate) use key_stores::hsm_link;
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
    /// By the unique ID of the user or role, which one that was deleted and made again under its name has not; of a root user by the ID of the
    /// account.
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

fn secret_text(bytes: Zeroizing<Vec<u8>>) -> Result<SecretString, KmsError> {
    std::str::from_utf8(&bytes)
        .map(|text| SecretString::from(text.to_owned()))
        .map_err(|_| KmsError::internal(&"a sealed secret is not text"))
}
