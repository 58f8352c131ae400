//! A bounded cache that never gives what was read before an invalidation.
//!
//! The danger is a reader that loads a record, is overtaken by a writer that changes it and invalidates, and only then inserts
//! what it had loaded. So each entry carries the generation that was current when its loading *began*, an invalidation raises the
//! generation, and an entry of an older generation is not given out. Generations are kept for groups of keys, not for each: an invalidation
//! makes a few others be loaded again, which costs time and nothing else. Which group a key is in its hash says, or the hash of what it has
//! in common with others: those can be invalidated together.

use std::future::Future;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::atomic::{AtomicU64, Ordering};

use quick_cache::Weighter;
use quick_cache::sync::Cache;

use crate::error::KmsError;

const GROUPS: usize = 1024;

pub(super) struct CoherentCache<K, V: Clone> {
    entries: Cache<K, Entry<V>, Weigh<V>>,
    generations: Box<[AtomicU64]>,
    hasher: RandomState,
    group_hash: fn(&K, &RandomState) -> u64,
}

#[derive(Clone)]
struct Entry<V> {
    generation: u64,
    value: V,
}

/// How much room a value takes.
#[derive(Clone)]
struct Weigh<V>(fn(&V) -> u64);

impl<K, V> Weighter<K, Entry<V>> for Weigh<V> {
    fn weight(&self, _: &K, entry: &Entry<V>) -> u64 {
        // What weighs nothing would never go.
        (self.0)(&entry.value).max(1)
    }
}

impl<K: Eq + Hash + Clone, V: Clone> CoherentCache<K, V> {
    /// Holds so many entries at most; the least used go first.
    pub(super) fn new(capacity: usize) -> Self {
        Self::weighed(capacity, capacity as u64, |_| 1)
    }

    /// Holds entries of at most `capacity` together, as `weight` has it of each; about `entries` of them are expected.
    pub(super) fn weighed(entries: usize, capacity: u64, weight: fn(&V) -> u64) -> Self {
        Self::grouped(entries, capacity, weight, |key, hasher| hasher.hash_one(key))
    }

    /// The same for keys that can be invalidated together: `group_hash` hashes what they have in common.
    pub(super) fn grouped(
        entries: usize,
        capacity: u64,
        weight: fn(&V) -> u64,
        group_hash: fn(&K, &RandomState) -> u64,
    ) -> Self {
        let generations = (0..GROUPS).map(|_| AtomicU64::new(0)).collect();
        let entries = Cache::with_weighter(entries, capacity, Weigh(weight));
        Self { entries, generations, hasher: RandomState::new(), group_hash }
    }

    fn generation(&self, key: &K) -> &AtomicU64 {
        self.generation_of_hash((self.group_hash)(key, &self.hasher))
    }

    fn generation_of_hash(&self, hash: u64) -> &AtomicU64 {
        &self.generations[hash as usize % GROUPS]
    }

    /// The cached value, or the loaded one. What does not exist is not remembered, so that it is found once it does.
    pub(super) async fn get_or_load(
        &self,
        key: K,
        load: impl Future<Output = Result<Option<V>, KmsError>>,
    ) -> Result<Option<V>, KmsError> {
        let generation = self.generation(&key).load(Ordering::SeqCst);
        match self.entries.get(&key) {
            Some(entry) if entry.generation == generation => return Ok(Some(entry.value)),
            Some(_) | None => {}
        }
        self.load(key, generation, load).await
    }

    /// The loaded value, which takes the place of the cached one. No other key's entry is touched.
    pub(super) async fn load_afresh(
        &self,
        key: K,
        load: impl Future<Output = Result<Option<V>, KmsError>>,
    ) -> Result<Option<V>, KmsError> {
        let generation = self.generation(&key).load(Ordering::SeqCst);
        self.load(key, generation, load).await
    }

    async fn load(
        &self,
        key: K,
        generation: u64,
        load: impl Future<Output = Result<Option<V>, KmsError>>,
    ) -> Result<Option<V>, KmsError> {
        let Some(value) = load.await? else {
            self.entries.remove(&key);
            return Ok(None);
        };
        self.entries.insert(key, Entry { generation, value: value.clone() });
        Ok(Some(value))
    }

    /// What is asked for from now on is loaded from now on.
    pub(super) fn invalidate(&self, key: &K) {
        self.generation(key).fetch_add(1, Ordering::SeqCst);
        // No longer given out anyway; removed so that key material does not stay in memory.
        self.entries.remove(key);
    }

    /// The same for all keys that have `common` in common. Their entries stay until others need the room, and are not given out.
    pub(super) fn invalidate_group(&self, common: impl Hash) {
        self.generation_of_hash(self.hasher.hash_one(common)).fetch_add(1, Ordering::SeqCst);
    }

    pub(super) fn invalidate_all(&self) {
        for generation in &self.generations {
            generation.fetch_add(1, Ordering::SeqCst);
        }
        self.entries.clear();
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_was_loaded_before_an_invalidation_is_not_given() {
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

    #[tokio::test]
    async fn what_is_loaded_afresh_takes_the_place_of_what_was_cached() {
        let cache: CoherentCache<u8, &str> = CoherentCache::new(10);
        let not_asked = || async { panic!("it is cached") };
        assert_eq!(cache.get_or_load(1, async { Ok(Some("old")) }).await.unwrap(), Some("old"));
        assert_eq!(cache.load_afresh(1, async { Ok(Some("new")) }).await.unwrap(), Some("new"));
        assert_eq!(cache.get_or_load(1, not_asked()).await.unwrap(), Some("new"));
        assert_eq!(cache.load_afresh(1, async { Ok(None) }).await.unwrap(), None);
        assert_eq!(cache.get_or_load(1, async { Ok(None) }).await.unwrap(), None);
        // One that is overtaken leaves nothing stale either.
        let overtaken = async {
            cache.invalidate(&1);
            Ok(Some("old"))
        };
        assert_eq!(cache.load_afresh(1, overtaken).await.unwrap(), Some("old"));
        assert_eq!(cache.get_or_load(1, async { Ok(Some("new")) }).await.unwrap(), Some("new"));
    }

    #[tokio::test]
    async fn what_weighs_much_leaves_room_for_few() {
        let cache: CoherentCache<u32, u64> = CoherentCache::weighed(100, 1000, |weight| *weight);
        for key in 0..1000 {
            cache.get_or_load(key, async { Ok(Some(100)) }).await.unwrap();
        }
        assert!((1..=10).contains(&cache.entries.len()), "{}", cache.entries.len());
    }

    #[tokio::test]
    async fn a_group_can_be_forgotten_at_once() {
        let cache: CoherentCache<(u8, &str), &str> =
            CoherentCache::grouped(10, 10, |_| 1, |(number, _), hasher| hasher.hash_one(number));
        for key in [(1, "a"), (1, "b")] {
            cache.get_or_load(key, async { Ok(Some("old")) }).await.unwrap();
        }
        let overtaken = async {
            cache.invalidate_group(1_u8);
            Ok(Some("old"))
        };
        assert_eq!(cache.get_or_load((1, "c"), overtaken).await.unwrap(), Some("old"));
        for key in [(1, "a"), (1, "b"), (1, "c")] {
            assert_eq!(cache.get_or_load(key, async { Ok(Some("new")) }).await.unwrap(), Some("new"));
            let not_asked = async { panic!("it is cached") };
            assert_eq!(cache.get_or_load(key, not_asked).await.unwrap(), Some("new"));
        }
    }

    #[tokio::test]
    async fn everything_can_be_forgotten_at_once() {
        let cache: CoherentCache<u8, &str> = CoherentCache::new(10);
        for key in 0..5 {
            cache.get_or_load(key, async { Ok(Some("old")) }).await.unwrap();
        }
        cache.invalidate_all();
        for key in 0..5 {
            assert_eq!(cache.get_or_load(key, async { Ok(Some("new")) }).await.unwrap(), Some("new"));
        }
    }
}
