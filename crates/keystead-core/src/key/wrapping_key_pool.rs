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

use super::GenerationQueue;
use crate::error::{KmsError, cause};
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
            None => generate(&kms.generation_queue, account, spec).await,
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
    fn wanting(&self, passed_over: &[WrappingKeySpec]) -> Option<(AccountId, WrappingKeySpec)> {
        let shelves = self.shelves();
        let mut wanting =
            shelves.iter().filter(|shelf| shelf.ready.len() < READY && !passed_over.contains(&shelf.spec));
        wanting.next().map(|shelf| (shelf.account, shelf.spec))
    }

    /// Makes keys until enough are ready, but passes over the specs of which none can be made now. `false` if there are such.
    async fn refill(&self, queue: &GenerationQueue) -> Result<bool, KmsError> {
        let mut passed_over = Vec::new();
        let mut failure = None;
        while let Some((account, spec)) = self.wanting(&passed_over) {
            match generate(queue, account, spec).await {
                Ok(key) => self.put(spec, key),
                Err(error) => {
                    passed_over.push(spec);
                    // That the account has much to make already is no failure: those keys come first.
                    if error.cause != Some(cause::KEY_GENERATION_BUSY) {
                        failure = Some(error);
                    }
                }
            }
        }
        match failure {
            Some(error) => Err(error),
            None => Ok(passed_over.is_empty()),
        }
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

/// Makes wrapping keys until enough are ready, then waits until one is taken; returns then, to be called again. It returns at once if there
/// was no room in the queue for some.
pub(crate) async fn refill_wrapping_keys(kms: &Kms) -> Result<(), KmsError> {
    let pool = &kms.wrapping_keys;
    if pool.refill(&kms.generation_queue).await? {
        pool.taken.notified().await;
    }
    Ok(())
}

async fn generate(queue: &GenerationQueue, account: AccountId, spec: WrappingKeySpec) -> Result<WrappingKey, KmsError> {
    let made = queue.run(account, move || WrappingKey::generate(spec)).await?;
    made.map_err(|error| KmsError::internal(&error))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::super::generation_queue::tests::full_queue;
    use super::super::turns::tests::accounts;
    use super::*;

    impl WrappingKeyPool {
        fn ready(&self, spec: WrappingKeySpec) -> usize {
            self.shelves().iter().find(|shelf| shelf.spec == spec).unwrap().ready.len()
        }
    }

    #[tokio::test]
    async fn a_queue_without_room_for_one_spec_keeps_no_other_from_it() {
        let [greedy, modest] = accounts();
        let (full, other) = (WrappingKeySpec::Rsa3072, WrappingKeySpec::Rsa2048);
        let pool = Arc::new(WrappingKeyPool::default());
        assert!(pool.take_ready(greedy, full).is_none());
        assert!(pool.take_ready(modest, other).is_none());
        let (queue, release) = full_queue(greedy).await;
        let queue = Arc::new(queue);
        let refilling = tokio::spawn({
            let (pool, queue) = (pool.clone(), queue.clone());
            async move { pool.refill(&queue).await }
        });
        while queue.waiting_accounts() < 2 {
            tokio::task::yield_now().await;
        }
        drop(release);
        assert!(!refilling.await.unwrap().unwrap(), "one spec is passed over");
        assert_eq!((pool.ready(full), pool.ready(other)), (0, READY));
    }

    #[tokio::test]
    async fn what_was_passed_over_is_made_when_there_is_room() {
        let [one, _] = accounts();
        let spec = WrappingKeySpec::Rsa2048;
        let pool = WrappingKeyPool::default();
        assert!(pool.take_ready(one, spec).is_none());
        let (queue, release) = full_queue(one).await;
        assert!(!pool.refill(&queue).await.unwrap());
        drop(release);
        while !pool.refill(&queue).await.unwrap() {
            tokio::task::yield_now().await;
        }
        assert_eq!(pool.ready(spec), READY);
    }
}
