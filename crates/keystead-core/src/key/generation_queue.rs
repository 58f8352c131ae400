//! A queue for making RSA keys, which takes up to seconds of a core: apart from everything that others wait for.
//!
//! One thread of low priority makes one key after another. Accounts take turns, so one that wants many keys does not keep another from its
//! first; what may wait is bounded. The thread ends when nothing waits.

use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use keystead_model::arn::AccountId;
use tokio::sync::oneshot;

use crate::error::{KmsError, cause};

/// Keys that are made at once, a core for each.
const THREADS_MAX: usize = 1;
/// Keys of one account that may wait.
const WAITING_PER_ACCOUNT_MAX: usize = 16;
/// Accounts whose keys may wait.
const WAITING_ACCOUNTS_MAX: usize = 64;
/// The threads' nice value. Beside busy threads of the usual priority each gets about a tenth of a core; a caller gives up waiting if it
/// gets much less.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

type Job = Box<dyn FnOnce() + Send>;

/// The queue. See the module.
#[derive(Default)]
pub(crate) struct GenerationQueue {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What waits, by account; never empty for an account that is here. The first account's turn is next.
    waiting: VecDeque<(AccountId, VecDeque<Job>)>,
    threads: usize,
}

impl GenerationQueue {
    /// Has `work` done when the account's turn comes, and waits for what it gives.
    ///
    /// `ThrottlingException` if too much waits already. If the caller goes away before, the work is not done at all.
    pub(crate) async fn run<T, F>(&self, account: AccountId, work: F) -> Result<T, KmsError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let (sender, receiver) = oneshot::channel();
        self.submit(
            account,
            Box::new(move || {
                if !sender.is_closed() {
                    // A caller that went away meanwhile needs no answer.
                    let _ = sender.send(work());
                }
            }),
        )?;
        receiver.await.map_err(|_| KmsError::internal(&"making a key failed"))
    }

    fn submit(&self, account: AccountId, job: Job) -> Result<(), KmsError> {
        let mut state = lock(&self.state);
        if !state.push(account, job) {
            return Err(KmsError::throttling().with_cause(cause::KEY_GENERATION_BUSY));
        }
        if state.threads == THREADS_MAX {
            return Ok(());
        }
        let shared = self.state.clone();
        match thread::Builder::new().name("key-generation".to_owned()).spawn(move || work_off(&shared)) {
            Ok(_) => state.threads += 1,
            // Another thread will come to it.
            Err(_) if state.threads > 0 => {}
            Err(error) => {
                state.waiting.clear();
                return Err(KmsError::internal(&error));
            }
        }
        Ok(())
    }
}

impl State {
    /// `false` if there is no room.
    fn push(&mut self, account: AccountId, job: Job) -> bool {
        let room = self.waiting.len() < WAITING_ACCOUNTS_MAX;
        match self.waiting.iter_mut().find(|(waiting, _)| *waiting == account) {
            Some((_, jobs)) if jobs.len() < WAITING_PER_ACCOUNT_MAX => jobs.push_back(job),
            None if room => self.waiting.push_back((account, VecDeque::from([job]))),
            Some(_) | None => return false,
        }
        true
    }

    /// The next job; its account goes to the end.
    fn pop(&mut self) -> Option<Job> {
        let (account, mut jobs) = self.waiting.pop_front()?;
        let job = jobs.pop_front();
        if !jobs.is_empty() {
            self.waiting.push_back((account, jobs));
        }
        job
    }
}

/// What a panic could leave half done is nothing: each change of the state is one call of a collection.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The life of a thread.
fn work_off(state: &Mutex<State>) {
    lower_priority();
    loop {
        let Some(job) = next_job(state) else { return };
        // Who waits for it is told by the channel that is dropped.
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("making a key panicked");
        }
    }
}

/// The next job; without one the thread is no longer counted, and ends.
fn next_job(state: &Mutex<State>) -> Option<Job> {
    let mut state = lock(state);
    let job = state.pop();
    if job.is_none() {
        state.threads -= 1;
    }
    job
}

/// Lowers this thread's own priority: on Linux, unlike elsewhere, a nice value is a thread's (setpriority(2)).
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!(%error, "keys are made at the usual priority");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::sync::mpsc;

    use keystead_model::kms::Exception;

    use super::*;

    fn accounts() -> [AccountId; 2] {
        ["111122223333", "444455556666"].map(|id| AccountId::parse(id).unwrap())
    }

    /// A queue whose thread is held up by a first job, until the sender is used or dropped.
    async fn held_up(account: AccountId) -> (Arc<GenerationQueue>, mpsc::Sender<()>) {
        let queue = Arc::new(GenerationQueue::default());
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        queue
            .submit(
                account,
                Box::new(move || {
                    begun.send(()).unwrap();
                    let _ = released.recv();
                }),
            )
            .unwrap();
        has_begun.await.unwrap();
        (queue, release)
    }

    #[tokio::test]
    async fn accounts_take_turns() {
        let [one, other] = accounts();
        let (queue, release) = held_up(one).await;
        let (done, order) = mpsc::channel();
        for (account, name) in [(one, "1a"), (one, "1b"), (one, "1c"), (other, "2a"), (other, "2b")] {
            let done = done.clone();
            queue.submit(account, Box::new(move || done.send(name).unwrap())).unwrap();
        }
        drop((done, release));
        assert_eq!(order.iter().collect::<Vec<_>>(), ["1a", "2a", "1b", "2b", "1c"]);
    }

    #[tokio::test]
    async fn what_waits_is_bounded() {
        let [one, other] = accounts();
        let (queue, release) = held_up(one).await;
        for _ in 0..WAITING_PER_ACCOUNT_MAX {
            queue.submit(one, Box::new(|| {})).unwrap();
        }
        let error = queue.run(one, || {}).await.unwrap_err();
        assert_eq!((error.exception, error.cause), (Exception::Throttling, Some(cause::KEY_GENERATION_BUSY)));
        let others = 100_000_000_000..100_000_000_000 + WAITING_ACCOUNTS_MAX as u64 - 1;
        for id in others {
            queue.submit(AccountId::parse(&id.to_string()).unwrap(), Box::new(|| {})).unwrap();
        }
        assert_eq!(queue.run(other, || {}).await.unwrap_err().exception, Exception::Throttling);
        drop(release);
        while queue.run(other, || {}).await.is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn nobody_works_for_a_caller_that_has_gone() {
        let [one, other] = accounts();
        let (queue, release) = held_up(one).await;
        let abandoned = tokio::spawn({
            let queue = queue.clone();
            async move { queue.run(one, || panic!("nobody waits for this")).await }
        });
        while lock(&queue.state).waiting.is_empty() {
            tokio::task::yield_now().await;
        }
        abandoned.abort();
        assert!(abandoned.await.unwrap_err().is_cancelled());
        drop(release);
        assert_eq!(queue.run(other, || 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_panic_ends_one_job() {
        let [one, _] = accounts();
        let queue = GenerationQueue::default();
        let failed = queue.run(one, || panic!("on purpose")).await;
        assert_eq!(failed.unwrap_err().exception, Exception::KmsInternal);
        assert_eq!(queue.run(one, || 7).await.unwrap(), 7);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn the_thread_alone_has_a_low_priority() {
        let [one, _] = accounts();
        let priority = || rustix::process::getpriority_process(None).unwrap();
        let before = priority();
        assert_eq!(GenerationQueue::default().run(one, priority).await.unwrap(), NICE.max(before));
        assert_eq!(priority(), before);
    }
}
