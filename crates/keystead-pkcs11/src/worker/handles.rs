//! Object handles by `CKA_ID`, for as long as a login lasts: a logout ends them all.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use cryptoki::object::ObjectHandle;

/// More keys than a cluster may have; should there be more, the cache begins anew.
const HANDLES_MAX: usize = 8192;

/// The cache. An epoch is the time between two logouts: a handle that was found in an earlier one is not taken.
#[derive(Default)]
pub(crate) struct Handles(RwLock<Known>);

#[derive(Default)]
struct Known {
    epoch: u64,
    has_been_used: bool,
    by_id: HashMap<Vec<u8>, ObjectHandle>,
}

impl Handles {
    /// The handle of an ID, if it is known.
    pub(crate) fn get(&self, id: &[u8]) -> Option<ObjectHandle> {
        self.read().by_id.get(id).copied()
    }

    /// To be asked before a search, and given to [`Handles::put`] after it.
    pub(crate) fn epoch(&self) -> u64 {
        self.read().epoch
    }

    /// Remembers what a search found.
    pub(crate) fn put(&self, epoch: u64, id: &[u8], handle: ObjectHandle) {
        let mut known = self.write();
        if known.epoch != epoch {
            return;
        }
        if known.by_id.len() >= HANDLES_MAX {
            known.by_id.clear();
        }
        known.by_id.insert(id.to_vec(), handle);
        known.has_been_used = true;
    }

    /// Whether any key was used since all were forgotten.
    pub(crate) fn has_been_used(&self) -> bool {
        self.read().has_been_used
    }

    /// Forgets an ID whose objects have changed.
    pub(crate) fn forget(&self, id: &[u8]) {
        let mut known = self.write();
        known.epoch += 1;
        known.by_id.remove(id);
    }

    /// Forgets all.
    pub(crate) fn forget_all(&self) {
        let mut known = self.write();
        known.epoch += 1;
        known.has_been_used = false;
        known.by_id.clear();
    }

    fn read(&self) -> RwLockReadGuard<'_, Known> {
        self.0.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Known> {
        self.0.write().unwrap_or_else(PoisonError::into_inner)
    }
}
