//! A bounded queue of work in which accounts take turns.
//!
//! Threads do one piece of work after another. One account that has much to do does not keep another from its first; what may wait is
//! bounded, and what nobody waits for any more is not done. A thread ends when nothing waits.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use keystead_model::arn::AccountId;
use tokio::sync::oneshot;

use crate::error::KmsError;

/// What waits for its account's turn.
pub(super) type Job = Box<dyn FnOnce() + Send>;

/// How much a queue takes, and how its work is done.
#[derive(Clone, Copy)]
pub(super) struct TurnRules {
    /// What the work is, for messages.
    pub(super) work: &'static str,
    /// Jobs that are done at once, a thread for each.
    pub(super) threads_max: usize,
    /// Jobs of one account that may wait.
    pub(super) waiting_per_account_max: usize,
    /// Accounts whose jobs may wait.
    pub(super) waiting_accounts_max: usize,
    /// The cause of the `ThrottlingException` when there is no room.
    pub(super) busy: &'static str,
    /// Begins a thread that does what it is given, and then ends.
    pub(super) begin_thread: fn(Job) -> io::Result<()>,
}

/// The queue. See the module.
pub(super) struct TurnQueue {
    rules: TurnRules,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// What waits, by account; never empty for an account that is here. The first account's turn is next.
    waiting: VecDeque<(AccountId, VecDeque<Job>)>,
    threads: usize,
}

impl TurnQueue {
    pub(super) fn new(rules: TurnRules) -> Self {
        Self { rules, state: Arc::default() }
    }

    /// Has `work` done when the account's turn comes, and waits for what it gives.
    ///
    /// `ThrottlingException` if too much waits already. If the caller goes away before, the work is not done at all; once begun it is
    /// done to its end.
    pub(super) async fn run<T, F>(&self, account: AccountId, work: F) -> Result<T, KmsError>
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
        receiver.await.map_err(|_| KmsError::internal(&format!("{} failed", self.rules.work)))
    }

    /// Has a job done when the account's turn comes; what becomes of it, the job itself tells.
    pub(super) fn submit(&self, account: AccountId, job: Job) -> Result<(), KmsError> {
        let mut state = lock(&self.state);
        if !state.push(&self.rules, account, job) {
            return Err(KmsError::throttling().with_cause(self.rules.busy));
        }
        if state.threads == self.rules.threads_max {
            return Ok(());
        }
        let (shared, work) = (self.state.clone(), self.rules.work);
        match (self.rules.begin_thread)(Box::new(move || work_off(&shared, work))) {
            Ok(()) => state.threads += 1,
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
    fn push(&mut self, rules: &TurnRules, account: AccountId, job: Job) -> bool {
        let room = self.waiting.len() < rules.waiting_accounts_max;
        match self.waiting.iter_mut().find(|(waiting, _)| *waiting == account) {
            Some((_, jobs)) if jobs.len() < rules.waiting_per_account_max => jobs.push_back(job),
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
fn work_off(state: &Mutex<State>, work: &str) {
    while let Some(job) = next_job(state) {
        // Who waits for it is told by the channel that is dropped.
        if catch_unwind(AssertUnwindSafe(job)).is_err() {
            tracing::error!("{work} panicked");
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

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
pub(super) mod tests {
    use std::sync::mpsc;
    use std::thread;

    use keystead_model::kms::Exception;

    use super::*;

    const RULES: TurnRules = TurnRules {
        work: "a test's work",
        threads_max: 1,
        waiting_per_account_max: 4,
        waiting_accounts_max: 3,
        busy: "TEST_BUSY",
        begin_thread: |job| thread::Builder::new().spawn(job).map(drop),
    };

    pub(in crate::key) fn accounts() -> [AccountId; 2] {
        ["111122223333", "444455556666"].map(|id| AccountId::parse(id).unwrap())
    }

    /// Holds up one thread of the queue, until the sender is used or dropped.
    pub(in crate::key) async fn hold_up(queue: &TurnQueue, account: AccountId) -> mpsc::Sender<()> {
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
        release
    }

    pub(in crate::key) fn waiting_accounts(queue: &TurnQueue) -> usize {
        lock(&queue.state).waiting.len()
    }

    /// As many accounts as that, none of them of [`accounts`].
    fn further_accounts(count: usize) -> impl Iterator<Item = AccountId> {
        (0..count).map(|index| AccountId::parse(&format!("{}", 900_000_000_000 + index)).unwrap())
    }

    /// One account may have so many jobs waiting as the rules say, and so may so many accounts have one; others are told the cause.
    pub(in crate::key) async fn check_bounds(queue: &TurnQueue) {
        let [one, other] = accounts();
        let mut held_up = Vec::new();
        for _ in 0..queue.rules.threads_max {
            held_up.push(hold_up(queue, one).await);
        }
        for _ in 0..queue.rules.waiting_per_account_max {
            queue.submit(one, Box::new(|| {})).unwrap();
        }
        let error = queue.run(one, || {}).await.unwrap_err();
        assert_eq!((error.exception, error.cause), (Exception::Throttling, Some(queue.rules.busy)));
        for account in further_accounts(queue.rules.waiting_accounts_max - 1) {
            queue.submit(account, Box::new(|| {})).unwrap();
        }
        assert_eq!(queue.run(other, || {}).await.unwrap_err().exception, Exception::Throttling);
        drop(held_up);
        while queue.run(other, || {}).await.is_err() {
            tokio::task::yield_now().await;
        }
    }

    #[tokio::test]
    async fn accounts_take_turns() {
        let [one, other] = accounts();
        let queue = TurnQueue::new(RULES);
        let release = hold_up(&queue, one).await;
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
        check_bounds(&TurnQueue::new(RULES)).await;
    }

    #[tokio::test]
    async fn as_many_at_once_as_there_are_threads() {
        let [one, other] = accounts();
        let queue = TurnQueue::new(TurnRules { threads_max: 2, ..RULES });
        let first = hold_up(&queue, one).await;
        let second = hold_up(&queue, one).await;
        let (done, is_done) = mpsc::channel();
        queue.submit(other, Box::new(move || done.send(()).unwrap())).unwrap();
        assert_eq!((lock(&queue.state).threads, is_done.try_recv()), (2, Err(mpsc::TryRecvError::Empty)));
        drop(first);
        is_done.recv().unwrap();
        drop(second);
    }

    #[tokio::test]
    async fn nobody_works_for_a_caller_that_has_gone() {
        let [one, other] = accounts();
        let queue = Arc::new(TurnQueue::new(RULES));
        let release = hold_up(&queue, one).await;
        let abandoned = tokio::spawn({
            let queue = queue.clone();
            async move { queue.run(one, || panic!("nobody waits for this")).await }
        });
        while waiting_accounts(&queue) == 0 {
            tokio::task::yield_now().await;
        }
        abandoned.abort();
        assert!(abandoned.await.unwrap_err().is_cancelled());
        drop(release);
        assert_eq!(queue.run(other, || 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_thread_is_held_by_the_work_and_not_by_the_waiting() {
        let [one, other] = accounts();
        let queue = Arc::new(TurnQueue::new(RULES));
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let abandoned = tokio::spawn({
            let queue = queue.clone();
            async move {
                let work = move || (begun.send(()).is_ok(), released.recv().is_err());
                queue.run(one, work).await
            }
        });
        has_begun.await.unwrap();
        abandoned.abort();
        assert!(abandoned.await.unwrap_err().is_cancelled());
        let (done, is_done) = mpsc::channel();
        queue.submit(other, Box::new(move || done.send(()).unwrap())).unwrap();
        assert_eq!(is_done.try_recv(), Err(mpsc::TryRecvError::Empty));
        drop(release);
        is_done.recv().unwrap();
    }

    #[tokio::test]
    async fn a_panic_ends_one_job() {
        let [one, _] = accounts();
        let queue = TurnQueue::new(RULES);
        let failed = queue.run(one, || panic!("on purpose")).await;
        assert_eq!(failed.unwrap_err().exception, Exception::KmsInternal);
        assert_eq!(queue.run(one, || 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn without_a_thread_nothing_is_left_waiting() {
        let [one, _] = accounts();
        let queue = TurnQueue::new(TurnRules { begin_thread: |_| Err(io::ErrorKind::WouldBlock.into()), ..RULES });
        assert_eq!(queue.run(one, || 7).await.unwrap_err().exception, Exception::KmsInternal);
        assert_eq!(waiting_accounts(&queue), 0);
    }
}
