//! Wrapping keys that are made before anybody asks: to make one takes up to seconds.
//!
//! Each wrapping key is given out once, with one import token of one KMS key. If a public key were given to several, whoever sees wrapped
//! material on its way could take a token of a KMS key of their own for the same public key, and import the material there.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use keystead_cryptography::{WrappingKey, WrappingKeySpec};
use keystead_model::arn::AccountId;
use tokio::sync::Notify;

use crate::error::KmsError;
use crate::kms::Kms;

/// How many wrapping keys of a spec are ready, once one of that spec was asked for.
const READY: usize = 2;

/// How long it waits before keys are made again. It keeps a queue without room from being asked all the time.
pub(crate) const REFILL_PAUSE: Duration = Duration::from_secs(1);

/// The pool.
#[derive(Default)]
pub(crate) struct WrappingKeyPool {
    shelves: Mutex<Vec<Shelf>>,
    taken: Notify,
}

/// The keys of one spec.
struct Shelf {
    spec: WrappingKeySpec,
    ready: VecDeque<WrappingKey>,
    /// The account that took from it last: new ones are made in its turn.
    account: AccountId,
}

impl WrappingKeyPool {
    /// A wrapping key that nobody has had: a ready one, or one that is made now.
    pub(crate) async fn take(
        &self,
        kms: &Kms,
        account: AccountId,
        spec: WrappingKeySpec,
    ) -> Result<WrappingKey, KmsError> {
        let ready = self.take_ready(account, spec);
        self.taken.notify_one();
        match ready {
            Some(key) => Ok(key),
            None => generate(kms, account, spec).await,
        }
    }

    fn take_ready(&self, account: AccountId, spec: WrappingKeySpec) -> Option<WrappingKey> {
        let mut shelves = self.shelves();
        match shelves.iter_mut().find(|shelf| shelf.spec == spec) {
            Some(shelf) => {
                shelf.account = account;
                shelf.ready.pop_front()
            }
            None => {
                shelves.push(Shelf { spec, ready: VecDeque::new(), account });
                None
            }
        }
    }

    /// A spec of which fewer keys are ready than there should be, and for which account to make one.
    fn wanting(&self) -> Option<(AccountId, WrappingKeySpec)> {
        let shelves = self.shelves();
        shelves.iter().find(|shelf| shelf.ready.len() < READY).map(|shelf| (shelf.account, shelf.spec))
    }

    fn put(&self, spec: WrappingKeySpec, key: WrappingKey) {
        if let Some(shelf) = self.shelves().iter_mut().find(|shelf| shelf.spec == spec) {
            shelf.ready.push_back(key);
        }
    }

    /// What a panic could leave half done is nothing: each change is one call of a collection.
    fn shelves(&self) -> MutexGuard<'_, Vec<Shelf>> {
        self.shelves.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Makes wrapping keys until enough are ready, then waits until one is taken; returns then, to be called again.
pub(crate) async fn refill_wrapping_keys(kms: &Kms) -> Result<(), KmsError> {
    let pool = &kms.wrapping_keys;
    while let Some((account, spec)) = pool.wanting() {
        pool.put(spec, generate(kms, account, spec).await?);
    }
    pool.taken.notified().await;
    Ok(())
}

async fn generate(kms: &Kms, account: AccountId, spec: WrappingKeySpec) -> Result<WrappingKey, KmsError> {
    let made = kms.generation_queue.run(account, move || WrappingKey::generate(spec)).await?;
    made.map_err(|error| KmsError::internal(&error))
}
