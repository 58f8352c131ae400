//! What the service does by itself: connection jobs, the change feed, health polls, logins to HSMs, the rotation of keys, the expiry of their
//! imported material and their deletion when the day comes, wrapping keys in stock, last usages of keys and of access keys, and the
//! sweep of what a CreateKey left in HSMs.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use keystead_model::arn::CustomKeyStoreId;
use tokio::task::JoinSet;

use crate::access::{ACCESS_KEY_USES_STORE_INTERVAL, store_access_key_uses};
use crate::error::KmsError;
use crate::key::{
    REFILL_PAUSE, delete_due_keys, delete_expired_materials, refill_wrapping_keys, rotate_due_keys, store_usages,
    sweep_backing_keys, time_to_store,
};
use crate::key_store::{
    ConnectionState, ConnectionWorker, CustomKeyStoreKind, LOGIN_KEEP_INTERVAL, keep_logged_in, log_out, poll_health,
};
use crate::kms::Kms;
use crate::port::StoreError;

/// How long a task that panicked stays away before it is begun again.
const PAUSE_AFTER_PANIC: Duration = Duration::from_secs(1);

/// How long last usages stay where they are when the store did not take them.
const PAUSE_AFTER_FAILURE: Duration = Duration::from_secs(1);

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
    let kept = kms.clone();
    tasks.spawn(always("logins to HSMs", move || {
        let kms = kept.clone();
        async move { repeat("logins to HSMs", LOGIN_KEEP_INTERVAL, || keep_logged_in(&kms)).await }
    }));
    let deleting = kms.clone();
    tasks.spawn(always("key deletion", move || {
        let kms = deleting.clone();
        async move { repeat("key deletion", kms.settings.key_deletion_interval, || delete_due_keys(&kms)).await }
    }));
    let rotating = kms.clone();
    tasks.spawn(always("key rotation", move || {
        let kms = rotating.clone();
        async move { repeat("key rotation", kms.settings.key_maintenance_interval, || rotate_due_keys(&kms)).await }
    }));
    let expiring = kms.clone();
    tasks.spawn(always("expiry of key material", move || {
        let kms = expiring.clone();
        let interval = kms.settings.key_maintenance_interval;
        async move { repeat("expiry of key material", interval, || delete_expired_materials(&kms)).await }
    }));
    let wrapping = kms.clone();
    tasks.spawn(always("wrapping keys", move || {
        let kms = wrapping.clone();
        async move { repeat("wrapping keys", REFILL_PAUSE, || refill_wrapping_keys(&kms)).await }
    }));
    let noting = kms.clone();
    tasks.spawn(always("last usages of keys", move || keep_usages(noting.clone())));
    let using = kms.clone();
    tasks.spawn(always("last uses of access keys", move || {
        let kms = using.clone();
        let interval = ACCESS_KEY_USES_STORE_INTERVAL;
        async move { repeat("last uses of access keys", interval, || store_access_key_uses(&kms)).await }
    }));
    tasks.spawn(always("backing key sweep", move || {
        let kms = kms.clone();
        async move { repeat("backing key sweep", kms.settings.key_deletion_interval, || sweep_backing_keys(&kms)).await }
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

async fn keep_usages(kms: Arc<Kms>) {
    loop {
        time_to_store(&kms).await;
        if let Err(error) = store_usages(&kms).await {
            tracing::warn!(%error, "last usages of keys could not be stored; it is tried again");
            tokio::time::sleep(PAUSE_AFTER_FAILURE).await;
        }
    }
}

async fn follow_changes(kms: Arc<Kms>) {
    let mut sequence = None;
    loop {
        if let Err(error) = read_change_feed(&kms, &mut sequence).await {
            tracing::warn!(%error, "the change feed cannot be read; nothing is cached until it can be");
        }
        tokio::time::sleep(kms.settings.change_feed_interval).await;
    }
}

/// Reads the change feed from `sequence` on to its end without a pause, however much there is: what others changed is seen from then on.
/// With `None` it begins at the newest change, and forgets everything that is cached.
///
/// Fails if the store cannot be read, and then nothing is cached any more.
pub async fn read_change_feed(kms: &Arc<Kms>, sequence: &mut Option<u64>) -> Result<(), StoreError> {
    loop {
        let followed = kms.catalog.follow_changes(sequence).await?;
        for id in &followed.key_stores {
            forget_unless_connected(kms, id).await;
        }
        if !followed.more {
            return Ok(());
        }
    }
}

/// Drops the connections to a key store that is not connected, whoever disconnected it. A call that had begun just before may have made
/// new ones since the operation itself dropped them.
async fn forget_unless_connected(kms: &Arc<Kms>, id: &CustomKeyStoreId) {
    let key_store = match kms.catalog.key_store(id).await {
        Ok(Some(key_store)) => key_store,
        Ok(None) | Err(_) => return kms.backend.forget(id),
    };
    if matches!(key_store.key_store.connection, ConnectionState::Connected | ConnectionState::Connecting) {
        return;
    }
    match &key_store.key_store.kind {
        CustomKeyStoreKind::External(_) => kms.backend.forget(id),
        CustomKeyStoreKind::CloudHsm(_) => {
            // Logging out takes its time, and the feed must go on.
            let kms = kms.clone();
            tokio::spawn(async move {
                if let Some(cloud_hsm) = key_store.key_store.cloud_hsm() {
                    log_out(&kms, &key_store.key_store, cloud_hsm).await;
                }
            });
        }
    }
}
