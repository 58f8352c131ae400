//! Tokens that vanish, and come back.

use std::fs;

use keystead_pkcs11::{HsmError, LoginHolder};

use crate::support::{Module, Rig, SO_PIN, is_lost, kill_worker, on_both_modules, tool, until, user_pin};

on_both_modules! {
    a_token_whose_storage_moved_is_lost_until_it_is_back,
    a_storage_that_is_gone_is_not_made_anew,
    a_storage_that_was_replaced_is_noticed,
    a_token_initialised_behind_our_back_is_lost,
    a_killed_worker_comes_back_and_keeps_no_login,
}

async fn a_token_whose_storage_moved_is_lost_until_it_is_back(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    let storage = hsm.settings().token_storage.clone().unwrap();
    let away = storage.with_extension("away");
    fs::rename(&storage, &away).unwrap();
    until("the loss", || hsm.encrypt(&key, b"x", b""), is_lost).await.unwrap_err();
    until("the loss", || async { hsm.is_available() }, |available| !available).await;
    let error = hsm.status().await.unwrap_err();
    assert!(error.to_string().contains("is gone"), "{error}");
    assert!(is_lost(&hsm.log_in(&user_pin(), LoginHolder::Kms).await));
    fs::rename(&away, &storage).unwrap();
    until("the return", || hsm.status(), Result::is_ok).await.unwrap();
    assert_eq!(hsm.encrypt(&key, b"x", b"").await.unwrap_err(), HsmError::NotLoggedIn);
    hsm.log_in(&user_pin(), LoginHolder::Kms).await.unwrap();
    hsm.encrypt(&key, b"x", b"").await.unwrap();
}

async fn a_storage_that_is_gone_is_not_made_anew(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    let storage = hsm.settings().token_storage.clone().unwrap();
    fs::rename(&storage, storage.with_extension("away")).unwrap();
    assert!(is_lost(&hsm.restart().await));
    assert!(is_lost(&hsm.status().await));
    assert!(!storage.exists());
}

async fn a_storage_that_was_replaced_is_noticed(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    let other = rig.active().await;
    rig.workers.remove(&other.settings().hsm_id).await;
    let storage = hsm.settings().token_storage.clone().unwrap();
    fs::rename(&storage, storage.with_extension("away")).unwrap();
    fs::rename(other.settings().token_storage.clone().unwrap(), &storage).unwrap();
    until("the loss", || hsm.encrypt(&key, b"x", b""), is_lost).await.unwrap_err();
    let is_told = |status: &Result<_, HsmError>| {
        status.as_ref().is_err_and(|error| error.to_string().contains("the token is another one: its serial number"))
    };
    until("the reason", || hsm.status(), is_told).await.unwrap_err();
}

async fn a_token_initialised_behind_our_back_is_lost(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    hsm.encrypt(&key, b"x", b"").await.unwrap();
    tool(&hsm, &["--init-token", "--label", "wiped", "--so-pin", SO_PIN, "--slot-index", "0"]);
    until("the loss", || hsm.encrypt(&key, b"x", b""), is_lost).await.unwrap_err();
    let after = hsm.restart().await.err();
    match after {
        // A serial number of its own: kryoptic.
        Some(error) => assert!(error.to_string().contains("the token is another one"), "{error}"),
        // The same serial number, and no user: SoftHSM 2.
        None => assert_eq!(hsm.log_in(&user_pin(), LoginHolder::Kms).await.unwrap_err(), HsmError::UserNotFound),
    }
}

async fn a_killed_worker_comes_back_and_keeps_no_login(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    kill_worker(&rig, &hsm);
    until("the loss", || hsm.encrypt(&key, b"x", b""), Result::is_err).await.unwrap_err();
    let status = until("the return", || hsm.status(), Result::is_ok).await.unwrap();
    assert_eq!(status.login, None);
    hsm.log_in(&user_pin(), LoginHolder::Kms).await.unwrap();
    hsm.encrypt(&key, b"x", b"").await.unwrap();
}
