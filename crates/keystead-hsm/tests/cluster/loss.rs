//! HSMs that are lost, and come back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::time::Duration;

use keystead_core::key_store::HsmFailure;
use keystead_core::port::{BackingKeyId, HsmBackend};
use keystead_hsm::HsmClusterBackend;
use tokio::task::JoinHandle;

use crate::support::{A, B, Module, PASSWORD, Rig, kill_worker, link, on_both_modules, pause_worker, until};

on_both_modules! {
    a_worker_that_is_killed_costs_no_caller_an_error,
    a_worker_that_hangs_costs_no_caller_an_error,
    a_token_that_is_moved_away_and_back,
    all_are_lost_and_come_back,
    an_hsm_that_is_deleted,
    another_key_store_is_not_touched,
}

/// Callers that encrypt and decrypt until they are told to end.
struct Load {
    over: Arc<AtomicBool>,
    calls: Arc<AtomicU32>,
    callers: Vec<JoinHandle<()>>,
}

impl Load {
    fn start(backend: &Arc<HsmClusterBackend>, key: BackingKeyId, callers: usize) -> Self {
        let (over, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
        let callers = (0..callers).map(|_| {
            let (backend, over, calls) = (backend.clone(), over.clone(), calls.clone());
            tokio::spawn(async move {
                let link = link(&[PASSWORD]);
                while !over.load(Ordering::Relaxed) {
                    let ciphertext = backend.encrypt(&link, &key, b"plaintext", b"context").await.unwrap();
                    let plaintext = backend.decrypt(&link, &key, &ciphertext, b"context").await.unwrap();
                    assert_eq!(*plaintext, b"plaintext");
                    calls.fetch_add(2, Ordering::Relaxed);
                }
            })
        });
        let callers = callers.collect();
        Self { over, calls, callers }
    }

    /// Waits until so many more calls were answered.
    async fn goes_on(&self, calls: u32) {
        let goal = self.calls.load(Ordering::Relaxed) + calls;
        until("calls are answered", || async {
            self.callers.iter().any(JoinHandle::is_finished) || self.calls.load(Ordering::Relaxed) >= goal
        })
        .await;
    }

    /// Panics if a call failed.
    async fn end(self) {
        self.over.store(true, Ordering::Relaxed);
        for caller in self.callers {
            caller.await.unwrap();
        }
    }
}

async fn a_worker_that_is_killed_costs_no_caller_an_error(module: Module) {
    let rig = Rig::connected(module).await;
    let load = Load::start(&rig.backend, rig.generate(1).await, 8);
    for hsm_id in [A, B, A, B] {
        load.goes_on(100).await;
        assert!(kill_worker(rig.folder.path(), hsm_id));
        until("KMS is logged in again", || rig.kms_is_logged_in(hsm_id)).await;
    }
    load.goes_on(100).await;
    load.end().await;
}

async fn a_worker_that_hangs_costs_no_caller_an_error(module: Module) {
    let rig = Rig::with_call_timeout(module, Duration::from_secs(2)).await;
    rig.connect().await.unwrap();
    let load = Load::start(&rig.backend, rig.generate(1).await, 4);
    load.goes_on(100).await;
    pause_worker(rig.folder.path(), A);
    load.goes_on(100).await;
    until("the worker that hangs is replaced, and KMS logged in", || rig.kms_is_logged_in(A)).await;
    load.goes_on(100).await;
    load.end().await;
}

async fn a_token_that_is_moved_away_and_back(module: Module) {
    let rig = Rig::connected(module).await;
    let load = Load::start(&rig.backend, rig.generate(1).await, 4);
    let storage = rig.directory.settings(A).token_storage.unwrap();
    let away = rig.folder.path().join("away");
    load.goes_on(100).await;
    std::fs::rename(&storage, &away).unwrap();
    until("the HSM is lost", || async { !rig.hsm(A).is_available() }).await;
    load.goes_on(100).await;
    std::fs::rename(&away, &storage).unwrap();
    until("KMS is logged in again", || rig.kms_is_logged_in(A)).await;
    load.goes_on(100).await;
    load.end().await;
}

async fn all_are_lost_and_come_back(module: Module) {
    let rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    let places = [A, B].map(|hsm_id| {
        let storage = rig.directory.settings(hsm_id).token_storage.unwrap();
        (storage, rig.folder.path().join(format!("{hsm_id} away")))
    });
    for (storage, away) in &places {
        std::fs::rename(storage, away).unwrap();
    }
    until("every call fails", || async { rig.try_key(&key).await == Err(HsmFailure::NoActiveHsm) }).await;
    // SoftHSM 2 goes on to give random bytes until its worker notices that the token is gone.
    let is_there = |hsm_id| rig.hsm(hsm_id).is_available();
    until("both are lost", || async { !is_there(A) && !is_there(B) }).await;
    let link = link(&[PASSWORD]);
    let id = BackingKeyId::from_bytes([2; 16]);
    assert_eq!(rig.backend.generate_key(&link, &id, "a key").await, Err(HsmFailure::NotEnoughHsms));
    assert_eq!(rig.backend.destroy_key(&link, &key).await, Err(HsmFailure::NoActiveHsm));
    assert_eq!(rig.backend.generate_random(&link, 16).await.unwrap_err(), HsmFailure::NoActiveHsm);
    for (storage, away) in &places {
        std::fs::rename(away, storage).unwrap();
    }
    until("calls are answered again", || async { rig.try_key(&key).await.is_ok() }).await;
}

async fn an_hsm_that_is_deleted(module: Module) {
    let rig = Rig::connected(module).await;
    let load = Load::start(&rig.backend, rig.generate(1).await, 4);
    load.goes_on(100).await;
    rig.directory.set_active(A, false);
    rig.workers.remove(A).await;
    load.goes_on(1_000).await;
    load.end().await;
}

async fn another_key_store_is_not_touched(module: Module) {
    let (well, lost) = (Rig::connected(module).await, Rig::connected(module).await);
    let key = well.generate(1).await;
    lost.generate(1).await;
    let load = Load::start(&well.backend, key, 4);
    for hsm_id in [A, B] {
        pause_worker(lost.folder.path(), hsm_id);
    }
    load.goes_on(1_000).await;
    load.end().await;
}
