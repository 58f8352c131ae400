//! The grants of a key that name one grantee, ready to be evaluated.
//!
//! An entry is all grants of one key for one grantee, and an empty one is remembered too: most callers have none. What changes any grant of a
//! key makes all its entries be loaded again.

use std::hash::BuildHasher;
use std::sync::Arc;

use keystead_model::arn::{KeyId, Region};
use keystead_policy::GrantTerms;

use super::coherent_cache::CoherentCache;
use super::{Catalog, LoadedKey};
use crate::access::Authorized;
use crate::error::KmsError;
use crate::key::{Grant, GrantId};
use crate::port::StoreError;

/// How many bytes the grants that are held may take, roughly.
const BYTES_MAX: u64 = 64 * 1024 * 1024;
/// What an entry without grants takes of memory, roughly: its names.
const ENTRY_BYTES: u64 = 256;
/// What a grant without constraints takes besides: its ID, its grantee, and a few operations.
const GRANT_BYTES: u64 = 512;
/// About so many entries are expected.
const ENTRIES_EXPECTED: usize = 50_000;

/// The grants of a key that name one grantee.
#[derive(Clone, PartialEq, Debug)]
pub(crate) struct GranteesGrants {
    /// What they allow.
    pub(crate) terms: Vec<GrantTerms>,
    bytes: u64,
}

impl GranteesGrants {
    fn of(grants: &[Grant]) -> Result<Self, KmsError> {
        Ok(Self {
            terms: grants.iter().map(Grant::terms).collect::<Result<_, _>>()?,
            bytes: ENTRY_BYTES + grants.iter().map(bytes_of).sum::<u64>(),
        })
    }
}

fn bytes_of(grant: &Grant) -> u64 {
    let constraints = &grant.constraints;
    let contexts = [&constraints.encryption_context_equals, &constraints.encryption_context_subset];
    let pairs = contexts.into_iter().flatten().flatten();
    GRANT_BYTES + pairs.map(|(name, value)| 64 + name.len() as u64 + value.len() as u64).sum::<u64>()
}

/// Region and ID of a key, and the ARN of a grantee.
type Entry = (Region, KeyId, String);

pub(super) type GrantCache = CoherentCache<Entry, Arc<GranteesGrants>>;

pub(super) fn grant_cache() -> GrantCache {
    let weight = |grants: &Arc<GranteesGrants>| grants.bytes;
    CoherentCache::grouped(ENTRIES_EXPECTED, BYTES_MAX, weight, |(region, key_id, _), hasher| {
        hasher.hash_one((region, key_id))
    })
}

impl Catalog {
    /// The grants of a key whose grantee principal is exactly `grantee`, an ARN.
    pub(crate) async fn grants(
        &self,
        region: &Region,
        key_id: &KeyId,
        grantee: &str,
    ) -> Result<Arc<GranteesGrants>, KmsError> {
        let load = async {
            let grants = self.store.grants_of_key(region, key_id, Some(grantee), None, usize::MAX).await?;
            GranteesGrants::of(&grants).map(|grants| Some(Arc::new(grants)))
        };
        let entry = (region.clone(), *key_id, grantee.to_owned());
        self.grants.get_or_load(entry, load).await?.ok_or_else(|| KmsError::internal(&"no grants were loaded"))
    }

    /// Adds a grant on a key that the caller may grant on; see [`crate::port::Store::insert_grant`].
    pub(crate) async fn insert_grant(
        &self,
        _: &Authorized<Arc<LoadedKey>>,
        grant: &Grant,
        quota: u64,
    ) -> Result<Grant, StoreError> {
        let result = self.store.insert_grant(grant, quota).await;
        self.forget_grants(&grant.region, &grant.key_id);
        result
    }

    /// Deletes a grant of a key that the caller manages; `NotFound` if there is none.
    pub(crate) async fn revoke_grant(&self, key: &Authorized<Arc<LoadedKey>>, id: &GrantId) -> Result<(), StoreError> {
        self.delete_grant(&key.key.region, &key.key.id, id).await
    }

    /// Deletes a grant that the caller may retire; `NotFound` if it is gone.
    pub(crate) async fn retire_grant(&self, grant: &Authorized<Grant>) -> Result<(), StoreError> {
        self.delete_grant(&grant.region, &grant.key_id, &grant.id).await
    }

    async fn delete_grant(&self, region: &Region, key_id: &KeyId, id: &GrantId) -> Result<(), StoreError> {
        let result = self.store.delete_grant(region, key_id, id).await;
        self.forget_grants(region, key_id);
        result
    }

    /// To be called when any grant of the key has changed.
    pub(crate) fn forget_grants(&self, region: &Region, key_id: &KeyId) {
        self.grants.invalidate_group((region, key_id));
    }
}
