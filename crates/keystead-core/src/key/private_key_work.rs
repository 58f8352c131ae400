//! Where private keys work that take long: apart from the threads that serve every request.

use std::num::NonZeroUsize;
use std::thread;

use keystead_model::arn::AccountId;

use super::turns::{TurnQueue, TurnRules};
use crate::error::{KmsError, cause};

const RULES: TurnRules = TurnRules {
    work: "a private key's work",
    // If it is not known how many cores there are.
    threads_max: 1,
    // A second's requests at the quota of RSA keys, which may come at once.
    waiting_per_account_max: 1000,
    waiting_accounts_max: 1000,
    busy: cause::PRIVATE_KEY_WORK_BUSY,
    begin_thread: |job| {
        // What becomes of the job, the queue itself tells.
        drop(tokio::task::spawn_blocking(job));
        Ok(())
    },
};

/// Threads for private keys that work for a good part of a millisecond or more: of RSA (0.3 ms with 2048 bits, 2 ms with 4096), and ML-DSA
/// over an external mu (up to 2 ms). As many at once as there are cores, in the accounts' turn; other requests go on beside them.
///
/// To hand over costs 7 to 30 µs, a tenth of the least of these. What takes less is done where it is asked.
pub(crate) struct PrivateKeyWork {
    turns: TurnQueue,
}

impl Default for PrivateKeyWork {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(RULES.threads_max, NonZeroUsize::get);
        Self { turns: TurnQueue::new(TurnRules { threads_max: cores, ..RULES }) }
    }
}

impl PrivateKeyWork {
    /// Has `work` of an account's request done on a thread that may block, when the account's turn comes, and waits for what it gives.
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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::mpsc;

    use super::super::turns::tests::{accounts, check_bounds, hold_up};
    use super::*;

    #[tokio::test]
    async fn it_is_done_on_another_thread() {
        let [one, _] = accounts();
        let own = thread::current().id();
        let other = PrivateKeyWork::default().run(one, || thread::current().id()).await.unwrap();
        assert_ne!(other, own);
    }

    #[tokio::test]
    async fn accounts_take_turns() {
        let [greedy, modest] = accounts();
        let work = PrivateKeyWork { turns: TurnQueue::new(RULES) };
        let release = hold_up(&work.turns, greedy).await;
        let (done, order) = mpsc::channel();
        for account in (0..RULES.waiting_per_account_max).map(|_| greedy).chain([modest]) {
            let done = done.clone();
            work.turns.submit(account, Box::new(move || done.send(account).unwrap())).unwrap();
        }
        drop((done, release));
        assert_eq!(order.iter().position(|account| account == modest), Some(1));
    }

    #[tokio::test]
    async fn what_waits_is_bounded() {
        check_bounds(&PrivateKeyWork::default().turns).await;
    }
}
