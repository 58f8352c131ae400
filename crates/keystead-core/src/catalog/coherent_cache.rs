//! A bounded cache that never keeps what was read before an invalidation.
//!
//! The danger is a reader that loads a record, is overtaken by a writer that changes it and invalidates, and only then inserts
//! what it had loaded: the old record would stay. So every invalidation raises a counter *before* it removes, and a reader that finds
//! the counter changed after its insert removes what it inserted. It may remove too much, never too little.

use std::future::Future;
use std::hash::Hash;
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::sync::Cache;

use crate::error::KmsError;

pub(super) struct CoherentCache<K, V> {
    entries: Cache<K, V>,
    invalidations: AtomicU64,
}

impl<K: Eq + Hash + Clone, V: Clone> CoherentCache<K, V> {
    pub(super) fn new(capacity: usize) -> Self {
        Self { entries: Cache::new(capacity), invalidations: AtomicU64::new(0) }
    }

    /// The cached value, or the loaded one. What does not exist is not remembered, so that it is found once it does.
    pub(super) async fn get_or_load(
        &self,
        key: K,
        load: impl Future<Output = Result<Option<V>, KmsError>>,
    ) -> Result<Option<V>, KmsError> {
        if let Some(value) = self.entries.get(&key) {
            return Ok(Some(value));
        }
        let before = self.invalidations.load(Ordering::SeqCst);
        let Some(value) = load.await? else { return Ok(None) };
        self.entries.insert(key.clone(), value.clone());
        if self.invalidations.load(Ordering::SeqCst) != before {
            self.entries.remove(&key);
        }
        Ok(Some(value))
    }

    pub(super) fn invalidate(&self, key: &K) {
        self.invalidations.fetch_add(1, Ordering::SeqCst);
        self.entries.remove(key);
    }

    pub(super) fn invalidate_all(&self) {
        self.invalidations.fetch_add(1, Ordering::SeqCst);
        self.entries.clear();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_loaded_before_an_invalidation_is_not_kept() {
        let cache: CoherentCache<u8, &str> = CoherentCache::new(10);
        let overtaken = async {
            cache.invalidate(&1);
            Ok(Some("old"))
        };
        assert_eq!(cache.get_or_load(1, overtaken).await.unwrap(), Some("old"));
        assert_eq!(cache.get_or_load(1, async { Ok(Some("new")) }).await.unwrap(), Some("new"));
        let not_asked = async { panic!("it is cached") };
        assert_eq!(cache.get_or_load(1, not_asked).await.unwrap(), Some("new"));
        cache.invalidate(&1);
        assert_eq!(cache.get_or_load(1, async { Ok(None) }).await.unwrap(), None);
    }
}
