//! What the service does by itself: connection jobs, the change feed, health polls, and the deletion of keys when their day comes.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use crate::error::KmsError;
use crate::key::delete_due_keys;
use crate::key_store::{ConnectionWorker, poll_health};
use crate::kms::Kms;

/// Runs everything for as long as it is polled; dropping it at any point loses nothing, because all progress is in the store.
pub async fn run(kms: Arc<Kms>) {
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(ConnectionWorker::new(kms.clone()).run());
    let feed = kms.clone();
    tasks.spawn(async move { feed.catalog.follow_changes(feed.settings.change_feed_interval).await });
    let (polled, interval) = (kms.clone(), kms.settings.health_poll_interval);
    tasks.spawn(async move { repeat("health poll", interval, || poll_health(&polled)).await });
    let interval = kms.settings.key_deletion_interval;
    tasks.spawn(async move { repeat("key deletion", interval, || delete_due_keys(&kms)).await });
    while let Some(ended) = tasks.join_next().await {
        // None of them ends by itself; a panic is a bug that must not pass unseen.
        if let Err(error) = ended {
            tracing::error!(%error, "a background task ended");
        }
    }
}

async fn repeat<F: Future<Output = Result<(), KmsError>>>(what: &str, interval: Duration, work: impl Fn() -> F) {
    loop {
        if let Err(error) = work().await {
            tracing::warn!(message = ?error.message, "{what} failed; it is tried again");
        }
        tokio::time::sleep(interval).await;
    }
}
