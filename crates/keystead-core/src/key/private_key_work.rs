//! Where private keys work that take long: apart from the threads that serve every request.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use tokio::sync::Semaphore;

use crate::error::KmsError;

/// Threads for private keys that work for a good part of a millisecond or more: of RSA (0.3 ms with 2048 bits, 2 ms with 4096), and ML-DSA
/// over an external mu (up to 2 ms). As many at once as there are cores, in the order in which they were asked; other requests go on
/// beside them.
///
/// To hand over costs 7 to 30 µs, a tenth of the least of these. What takes less is done where it is asked.
pub(crate) struct PrivateKeyWork {
    free: Arc<Semaphore>,
}

impl Default for PrivateKeyWork {
    fn default() -> Self {
        let cores = thread::available_parallelism().map_or(1, NonZeroUsize::get);
        Self { free: Arc::new(Semaphore::new(cores)) }
    }
}

impl PrivateKeyWork {
    /// Has `work` done on a thread that may block, and waits for what it gives.
    pub(crate) async fn run<T, F>(&self, work: F) -> Result<T, KmsError>
    where
        T: Send + 'static,
        F: FnOnce() -> T + Send + 'static,
    {
        let turn = self.free.clone().acquire_owned().await.map_err(|error| KmsError::internal(&error))?;
        let done = tokio::task::spawn_blocking(move || {
            // The turn ends with the work, not with the caller's waiting.
            let _turn = turn;
            work()
        });
        done.await.map_err(|error| KmsError::internal(&error))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic)]
mod tests {
    use std::sync::mpsc;

    use keystead_model::kms::Exception;

    use super::*;

    #[tokio::test]
    async fn it_is_done_on_another_thread() {
        let own = thread::current().id();
        let other = PrivateKeyWork::default().run(|| thread::current().id()).await.unwrap();
        assert_ne!(other, own);
    }

    #[tokio::test]
    async fn a_turn_ends_with_the_work_and_not_with_the_waiting() {
        let work = Arc::new(PrivateKeyWork { free: Arc::new(Semaphore::new(1)) });
        let (release, released) = mpsc::channel::<()>();
        let abandoned = tokio::spawn({
            let work = work.clone();
            async move { work.run(move || released.recv().is_err()).await }
        });
        while work.free.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        abandoned.abort();
        assert!(abandoned.await.unwrap_err().is_cancelled());
        assert_eq!(work.free.available_permits(), 0);
        drop(release);
        assert_eq!(work.run(|| 7).await.unwrap(), 7);
    }

    #[tokio::test]
    async fn a_panic_ends_one_request() {
        let work = PrivateKeyWork::default();
        let failed = work.run(|| panic!("on purpose")).await;
        assert_eq!(failed.unwrap_err().exception, Exception::KmsInternal);
        assert_eq!(work.run(|| 7).await.unwrap(), 7);
    }
}
