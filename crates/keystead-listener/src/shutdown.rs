//! How serving stops: nothing new is taken, what is in flight finishes, and after the grace period what is left is cut.

use std::time::Duration;

use tokio::sync::watch;

/// How long what was cut may take to let go: its last lines belong into the logs.
const CUT_TIME: Duration = Duration::from_secs(1);

/// How far the end has come.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Serving,
    Stopping,
    Cut,
}

/// The listener's half.
pub(crate) struct Shutdown(watch::Sender<Phase>);

/// Held by every connection and every request until it is through: tells that serving stops, and keeps [`Listener::serve`] from
/// returning.
///
/// [`Listener::serve`]: crate::Listener::serve
#[derive(Clone)]
pub struct InFlight(watch::Receiver<Phase>);

impl Shutdown {
    pub(crate) fn new() -> Self {
        Self(watch::Sender::new(Phase::Serving))
    }

    pub(crate) fn in_flight(&self) -> InFlight {
        InFlight(self.0.subscribe())
    }

    /// Tells everyone to finish and waits, `grace` at the most. Who is not through by then is cut off.
    pub(crate) async fn finish(self, grace: Duration) {
        self.0.send_replace(Phase::Stopping);
        if tokio::time::timeout(grace, self.0.closed()).await.is_ok() {
            return;
        }
        let left = self.0.receiver_count();
        tracing::warn!(left, ?grace, "requests were still in flight after the grace period; their connections are cut");
        self.0.send_replace(Phase::Cut);
        if tokio::time::timeout(CUT_TIME, self.0.closed()).await.is_err() {
            tracing::warn!(left = self.0.receiver_count(), "requests whose connections were cut have not ended");
        }
    }
}

impl InFlight {
    /// Returns when serving is to stop.
    pub async fn stopping(&mut self) {
        // A sender that is gone has stopped as well.
        let _ = self.0.wait_for(|phase| *phase != Phase::Serving).await;
    }

    /// Returns when the grace period is over.
    pub(crate) async fn cut(&mut self) {
        let _ = self.0.wait_for(|phase| *phase == Phase::Cut).await;
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
    async fn the_grace_period_ends_it_and_what_is_cut_is_waited_for() {
        let shutdown = Shutdown::new();
        let mut in_flight = shutdown.in_flight();
        let finishing = tokio::spawn(shutdown.finish(Duration::from_secs(3600)));
        in_flight.cut().await;
        assert!(!finishing.is_finished());
        drop(in_flight);
        finishing.await.unwrap();
    }

    #[tokio::test(start_paused = true)]
    async fn what_does_not_let_go_is_left() {
        let shutdown = Shutdown::new();
        let _in_flight = shutdown.in_flight();
        shutdown.finish(Duration::from_secs(3600)).await;
    }
}
