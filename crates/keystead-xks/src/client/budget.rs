//! The time that one attempt may take, wherever it is spent.

use std::future::Future;
use std::time::Duration;

use tokio::time::Instant;
use tokio::time::error::Elapsed;

/// A deadline for one attempt, counted from the decision to call: waiting for a connection, DNS, TCP, TLS, request and
/// response are all inside it (XKS Proxy API specification: 250 ms).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Budget {
    deadline: Instant,
}

impl Budget {
    /// A budget of `total`, running from now.
    pub(crate) fn starting_now(total: Duration) -> Self {
        Self { deadline: Instant::now() + total }
    }

    /// Waits for `future`, at most until the deadline.
    pub(crate) async fn limit<F: Future>(&self, future: F) -> Result<F::Output, Elapsed> {
        tokio::time::timeout_at(self.deadline, future).await
    }
}
