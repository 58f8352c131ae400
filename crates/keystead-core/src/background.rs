//! What the service does by itself: connection jobs, the change feed, health polls, and the deletion of keys when their day comes.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use keystead_model::arn::CustomKeyStoreId;
use tokio::task::JoinSet;

use crate::error::KmsError;
use crate::key::delete_due_keys;
use crate::key_store::{ConnectionState, ConnectionWorker, poll_health};
use crate::kms::Kms;

/// How long a task that panicked stays away before it is begun again.
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(1);

/// Runs everything for as long as it is polled; dropping it at any point loses nothing, because all progress is in the store.
pub async fn run(kms: Arc<Kms>) {
    let mut tasks = JoinSet::new();
    let worker = kms.clone();
    tasks.spawn(always("connection jobs", move || ConnectionWorker::new(worker.clone()).run()));
    let feed = kms.clone();
    tasks.spawn(always("change feed", move || follow_changes(feed.clone())));
    let polled = kms.clone();
    tasks.spawn(always("health poll", move || {
        let kms = polled.clone();
        async move { repeat("health poll", kms.settings.health_poll_interval, || poll_health(&kms)).await }
    }));
    tasks.spawn(always("key deletion", move || {
        let kms = kms.clone();
        async move { repeat("key deletion", kms.settings.key_deletion_interval, || delete_due_keys(&kms)).await }
    }));
    // None of them ends.
    while tasks.join_next().await.is_some() {}
}

/// Begins a task again when it panics: a bug in one of them must not leave the others, or stale caches, to run on unattended.
async fn always<F: Future<Output = ()> + Send + 'static>(what: &'static str, begin: impl Fn() -> F) {
    loop {
        let mut task = JoinSet::new();
        task.spawn(begin());
        if let Some(Err(error)) = task.join_next().await {
            tracing::error!(%error, "{what}: a bug ended the task; it is begun again");
        }
        tokio::time::sleep(PAUSE_AFTER_PANIC).await;
    }
}

async fn repeat<F: Future<Output = Result<(), KmsError>>>(what: &str, interval: Duration, work: impl Fn() -> F) {
    loop {
        if let Err(error) = work().await {
            tracing::warn!(%error, "{what} failed; it is tried again");
        }
        tokio::time::sleep(interval).await;
    }
}

async fn follow_changes(kms: Arc<Kms>) {
    let mut sequence = None;
    loop {
        match kms.catalog.follow_changes(&mut sequence).await {
            Ok(key_stores) => {
                for id in key_stores {
                    forget_unless_connected(&kms, &id).await;
                }
            }
            Err(error) => tracing::warn!(%error, "the change feed cannot be read; nothing is cached until it can be"),
        }
        tokio::time::sleep(kms.settings.change_feed_interval).await;
    }
}

/// Drops the connections to a key store that is disconnected, whoever disconnected it. A call that had begun just before may have made new ones
/// since the operation itself dropped them.
async fn forget_unless_connected(kms: &Kms, id: &CustomKeyStoreId) {
    let connected = match kms.catalog.key_store(id).await {
        Ok(key_store) => key_store.is_some_and(|key_store| {
            matches!(key_store.key_store.connection, ConnectionState::Connected | ConnectionState::Connecting)
        }),
        Err(_) => false,
    };
    if !connected {
        kms.backend.forget(id);
    }
}
