//! SIGTERM and SIGINT: finish what is in flight, then end.

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;

/// Tells any number of servers to stop.
#[derive(Clone)]
pub(crate) struct Stop(watch::Receiver<bool>);

impl Stop {
    /// Listens from now on.
    pub(crate) fn on_signal() -> std::io::Result<Self> {
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        let (sender, receiver) = watch::channel(false);
        tokio::spawn(async move {
            tokio::select! {
                _ = terminate.recv() => {}
                _ = interrupt.recv() => {}
            }
            tracing::info!("stopping: requests in flight are finished");
            // Without a receiver nothing is left to stop.
            let _ = sender.send(true);
        });
        Ok(Self(receiver))
    }

    /// Returns once the process is told to stop.
    pub(crate) async fn told(mut self) {
        // An error would mean that the sender is gone, and with it the signals: stop then, too.
        let _ = self.0.wait_for(|told| *told).await;
    }
}
