//! Making tokens, and knowing them again.

use keystead_pkcs11::{HsmError, LoginHolder, Pin};

use crate::support::{LABEL, Module, Rig, generate, on_both_modules, so_pin, user_pin};

on_both_modules! {
    a_blank_token_is_initialised_once,
    a_token_made_anew_has_lost_everything,
    another_token_is_not_taken_for_ours,
    a_token_is_found_by_its_label,
    a_label_that_is_too_long_is_refused,
}

async fn a_blank_token_is_initialised_once(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.start(rig.blank()).await;
    let status = hsm.status().await.unwrap();
    assert!(!status.initialized && !status.user_exists && status.login.is_none());
    assert!(matches!(hsm.generate_random(8).await, Err(HsmError::TokenState(_))));
    let serial = hsm.initialize_token(LABEL, &so_pin()).await.unwrap();
    let status = hsm.status().await.unwrap();
    assert!(status.initialized && !status.user_exists && !status.user_locked);
    assert_eq!((status.label.as_str(), &status.serial), (LABEL, &serial));
    assert!(matches!(hsm.initialize_token(LABEL, &so_pin()).await, Err(HsmError::TokenState(_))));
    hsm.check_so_pin(&so_pin()).await.unwrap();
    hsm.restart().await.unwrap();
    assert_eq!(hsm.status().await.unwrap().serial, serial);
}

async fn a_token_made_anew_has_lost_everything(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    assert_eq!(hsm.reinitialize_token("new", &so_pin()).await.unwrap_err(), HsmError::UserLoggedIn);
    hsm.encrypt(&key, b"x", b"").await.unwrap();
    hsm.log_out(LoginHolder::Kms).await.unwrap();
    assert_eq!(hsm.reinitialize_token("new", &Pin::new("wr0ngPassword")).await.unwrap_err(), HsmError::PinIncorrect);
    hsm.log_in(&user_pin(), LoginHolder::Kms).await.unwrap();
    hsm.encrypt(&key, b"x", b"").await.unwrap();
    hsm.log_out(LoginHolder::Kms).await.unwrap();
    let serial = hsm.reinitialize_token("new", &so_pin()).await.unwrap();
    let status = hsm.status().await.unwrap();
    assert!(status.initialized && !status.user_exists && status.login.is_none());
    assert_eq!((status.label.as_str(), &status.serial), ("new", &serial));
    hsm.initialize_user_pin(&so_pin(), &user_pin()).await.unwrap();
    hsm.log_in(&user_pin(), LoginHolder::Kms).await.unwrap();
    assert_eq!(hsm.keys().await.unwrap(), []);
    generate(&hsm, 1).await;
}

async fn another_token_is_not_taken_for_ours(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    let mut settings = hsm.settings().clone();
    settings.token_serial = Some("0123456789abcdef".into());
    let error = rig.workers.hsm(settings).status().await.unwrap_err();
    assert!(error.to_string().contains("the token is another one"), "{error}");
}

async fn a_token_is_found_by_its_label(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    let serial = hsm.status().await.unwrap().serial;
    let mut settings = hsm.settings().clone();
    (settings.token_serial, settings.token_label) = (None, Some(LABEL.into()));
    assert_eq!(rig.start(settings).await.status().await.unwrap().serial, serial);
}

async fn a_label_that_is_too_long_is_refused(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.start(rig.blank()).await;
    let refused = hsm.initialize_token(&"x".repeat(33), &so_pin()).await;
    assert!(matches!(refused, Err(HsmError::TokenState(_))));
    hsm.initialize_token(&"x".repeat(32), &so_pin()).await.unwrap();
}
