//! How a server stops: nothing new is taken, what is in flight finishes, and after the grace period what is left is cut.

use std::time::Duration;

use tokio::sync::watch;

/// The listener's half.
pub(crate) struct Shutdown(watch::Sender<bool>);

/// Held by every connection and every request until it is through: tells that the server stops, and keeps it from returning.
#[derive(Clone)]
pub(crate) struct InFlight(watch::Receiver<bool>);

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(false))
    }

    pub(crate) fn in_flight(&self) -> InFlight {
        InFlight(self.0.subscribe())
    }

    /// Tells everyone to finish and waits, `grace` at the most. Who is not through by then is cut off by the drop of this value.
    pub(crate) async fn finish(self, grace: Duration) {
        self.0.send_replace(true);
        if tokio::time::timeout(grace, self.0.closed()).await.is_err() {
            let left = self.0.receiver_count();
            tracing::warn!(
                left,
                ?grace,
                "requests were still in flight after the grace period; their connections are cut"
            );
        }
    }
}

impl InFlight {
    /// Returns when the server has been told to stop.
    pub(crate) async fn stopping(&mut self) {
        // A sender that is gone has stopped as well.
        let _ = self.0.wait_for(|stopping| *stopping).await;
    }

    /// Returns when the grace period is over.
    pub(crate) async fn cut(&mut self) {
        while self.0.changed().await.is_ok() {}
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn finishing_waits_for_what_is_in_flight() {
        let shutdown = Shutdown::new();
        let mut in_flight = shutdown.in_flight();
        let finishing = tokio::spawn(shutdown.finish(Duration::from_secs(3600)));
        in_flight.stopping().await;
        assert!(!finishing.is_finished());
        drop(in_flight);
        finishing.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn the_grace_period_ends_it() {
        let shutdown = Shutdown::new();
        let mut in_flight = shutdown.in_flight();
        shutdown.finish(Duration::from_secs(3600)).await;
        in_flight.cut().await;
    }
}
