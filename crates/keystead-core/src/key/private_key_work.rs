//! Where private keys work that take long: apart from the threads that serve every request.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::thread;

use tokio::sync::Semaphore;

use crate::error::KmsError;

/// Threads for private keys that work for a good part of a millisecond or more: of RSA (0.3 ms with 2048 bits, 2 ms with 4096), and ML-DSA over an
/// external mu (up to 2 ms). As many at once as there are cores, in the order in which they were asked; other requests go on beside them.
///
/// Attestation documents are verified here as well: there is no private key in that, but it takes as long.
///
/// To hand over costs about 20 µs. What takes less time than that of RSA_2048 is done where it is asked.
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
