//! A queue for making RSA keys, which takes up to seconds of a core: apart from everything that others wait for.

use std::{io, thread};

use keystead_model::arn::AccountId;

use super::turns::{Job, TurnQueue, TurnRules};
use crate::error::{KmsError, cause};

const RULES: TurnRules = TurnRules {
    work: "making a key",
    threads_max: 1,
    waiting_per_account_max: 16,
    waiting_accounts_max: 64,
    busy: cause::KEY_GENERATION_BUSY,
    begin_thread: begin_slow_thread,
};

/// The thread's nice value. Beside busy threads of the usual priority it gets about a tenth of a core; a caller gives up waiting if it
/// gets much less.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

/// The queue: one thread of low priority makes one key after another, in the accounts' turn.
pub(crate) struct GenerationQueue {
    turns: TurnQueue,
}

impl Default for GenerationQueue {
    fn default() -> Self {
        Self { turns: TurnQueue::new(RULES) }
    }
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
        self.turns.run(account, work).await
    }
}

fn begin_slow_thread(job: Job) -> io::Result<()> {
    let slowly = move || {
        lower_priority();
        job();
    };
    thread::Builder::new().name("key-generation".to_owned()).spawn(slowly).map(drop)
}

/// Lowers this thread's own priority: on Linux, unlike elsewhere, a nice value is a thread's (setpriority(2)).
fn lower_priority() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::setpriority_process(None, NICE) {
        tracing::warn!(%error, "keys are made at the usual priority");
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
pub(super) mod tests {
    use std::sync::{Arc, Mutex, mpsc};

    use tokio::sync::oneshot;

    use super::super::turns::tests::{accounts, check_bounds, waiting_accounts};
    use super::*;

    impl GenerationQueue {
        pub(in crate::key) fn waiting_accounts(&self) -> usize {
            waiting_accounts(&self.turns)
        }
    }

    /// A queue in which as much of the account waits as may, behind a job that is being done, until the sender is
    /// dropped.
    pub(in crate::key) async fn full_queue(account: AccountId) -> (GenerationQueue, mpsc::Sender<()>) {
        let queue = GenerationQueue::default();
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let released = Arc::new(Mutex::new(released));
        let until_released = move || {
            let released = released.clone();
            move || {
                let _ = released.lock().unwrap().recv();
            }
        };
        let first = until_released();
        let begin = move || {
            begun.send(()).unwrap();
            first();
        };
        queue.turns.submit(account, Box::new(begin)).unwrap();
        has_begun.await.unwrap();
        for _ in 0..RULES.waiting_per_account_max {
            queue.turns.submit(account, Box::new(until_released())).unwrap();
        }
        (queue, release)
    }

    #[tokio::test]
    async fn what_waits_is_bounded() {
        check_bounds(&GenerationQueue::default().turns).await;
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
