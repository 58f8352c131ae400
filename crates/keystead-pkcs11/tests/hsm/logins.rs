//! Who may log in, and PINs.

use keystead_pkcs11::{HsmError, LoginHolder, Pin};

use crate::support::{Module, Rig, generate, on_both_modules, so_pin, user_pin};

const KMS: LoginHolder = LoginHolder::Kms;
const AUDITOR: LoginHolder = LoginHolder::Auditor;

on_both_modules! {
    one_holder_at_a_time,
    a_second_login_must_know_the_pin,
    without_a_login_keys_are_out_of_reach,
    an_auditor_looks_and_deletes_and_does_not_encrypt,
    wrong_pins_lock_and_the_security_officer_unlocks,
    strikes_outlive_the_worker_and_a_good_login_ends_them,
    wrong_pins_of_the_security_officer_lock_too,
    a_user_without_pin_is_none,
    a_pin_can_be_changed_while_others_encrypt,
    a_wrong_old_pin_changes_nothing,
    the_security_officer_changes_his_own_pin,
    pins_of_all_documented_lengths_work,
}

fn wrong() -> Pin {
    Pin::new("wr0ngPassword")
}

async fn one_holder_at_a_time(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    hsm.log_in(&user_pin(), AUDITOR).await.unwrap();
    assert_eq!(hsm.log_in(&user_pin(), KMS).await.unwrap_err(), HsmError::UserLoggedIn);
    assert_eq!(hsm.status().await.unwrap().login, Some(AUDITOR));
    hsm.log_out(KMS).await.unwrap();
    assert_eq!(hsm.status().await.unwrap().login, Some(AUDITOR));
    hsm.log_out(AUDITOR).await.unwrap();
    hsm.log_in(&user_pin(), KMS).await.unwrap();
    assert_eq!(hsm.log_in(&user_pin(), AUDITOR).await.unwrap_err(), HsmError::UserLoggedIn);
    assert_eq!(hsm.change_user_pin(AUDITOR, &user_pin(), &wrong()).await.unwrap_err(), HsmError::UserLoggedIn);
    for refused in [
        hsm.initialize_user_pin(&so_pin(), &wrong()).await,
        hsm.check_so_pin(&so_pin()).await,
        hsm.change_so_pin(&so_pin(), &wrong()).await,
    ] {
        assert_eq!(refused.unwrap_err(), HsmError::UserLoggedIn);
    }
    hsm.restart().await.unwrap();
    assert_eq!(hsm.status().await.unwrap().login, None);
}

async fn a_second_login_must_know_the_pin(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    hsm.log_in(&user_pin(), KMS).await.unwrap();
    assert_eq!(hsm.log_in(&wrong(), KMS).await.unwrap_err(), HsmError::PinIncorrect);
    assert_eq!(hsm.status().await.unwrap().user_strikes, 1);
    hsm.log_in(&user_pin(), KMS).await.unwrap();
    assert_eq!(hsm.status().await.unwrap().user_strikes, 0);
    hsm.encrypt(&key, b"x", b"").await.unwrap();
}

async fn without_a_login_keys_are_out_of_reach(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    let ciphertext = hsm.encrypt(&key, b"x", b"").await.unwrap();
    hsm.log_out(KMS).await.unwrap();
    assert_eq!(hsm.encrypt(&key, b"x", b"").await.unwrap_err(), HsmError::NotLoggedIn);
    assert_eq!(hsm.decrypt(&key, &ciphertext, b"").await.unwrap_err(), HsmError::NotLoggedIn);
    assert_eq!(hsm.keys().await.unwrap_err(), HsmError::NotLoggedIn);
    assert_eq!(hsm.destroy_key(&key).await.unwrap_err(), HsmError::NotLoggedIn);
    assert_eq!(hsm.generate_key(&key, "x", false).await.unwrap_err(), HsmError::NotLoggedIn);
    assert_eq!(hsm.change_user_pin(KMS, &user_pin(), &wrong()).await.unwrap_err(), HsmError::NotLoggedIn);
    hsm.log_in(&user_pin(), KMS).await.unwrap();
    assert_eq!(*hsm.decrypt(&key, &ciphertext, b"").await.unwrap(), b"x");
}

async fn an_auditor_looks_and_deletes_and_does_not_encrypt(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    hsm.log_out(KMS).await.unwrap();
    hsm.log_in(&user_pin(), AUDITOR).await.unwrap();
    assert_eq!(hsm.keys().await.unwrap().len(), 1);
    assert_eq!(hsm.masking_key().await.unwrap(), None);
    assert_eq!(hsm.encrypt(&key, b"x", b"").await.unwrap_err(), HsmError::NotLoggedIn);
    assert_eq!(hsm.generate_key(&key, "x", false).await.unwrap_err(), HsmError::NotLoggedIn);
    assert_eq!(hsm.destroy_key(&key).await.unwrap(), 1);
}

async fn wrong_pins_lock_and_the_security_officer_unlocks(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    for strikes in 1..=5 {
        assert_eq!(hsm.log_in(&wrong(), KMS).await.unwrap_err(), HsmError::PinIncorrect);
        assert_eq!(hsm.status().await.unwrap().user_strikes, strikes);
    }
    assert!(hsm.status().await.unwrap().user_locked);
    assert_eq!(hsm.log_in(&user_pin(), KMS).await.unwrap_err(), HsmError::UserLockedOut);
    hsm.restart().await.unwrap();
    assert_eq!(hsm.log_in(&user_pin(), KMS).await.unwrap_err(), HsmError::UserLockedOut);
    let new = Pin::new("an0therPassword");
    hsm.initialize_user_pin(&so_pin(), &new).await.unwrap();
    assert!(!hsm.status().await.unwrap().user_locked);
    hsm.log_in(&new, KMS).await.unwrap();
}

async fn strikes_outlive_the_worker_and_a_good_login_ends_them(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    for _ in 0..4 {
        assert_eq!(hsm.log_in(&wrong(), KMS).await.unwrap_err(), HsmError::PinIncorrect);
    }
    hsm.restart().await.unwrap();
    assert_eq!(hsm.status().await.unwrap().user_strikes, 4);
    hsm.log_in(&user_pin(), KMS).await.unwrap();
    assert_eq!(hsm.status().await.unwrap().user_strikes, 0);
}

async fn wrong_pins_of_the_security_officer_lock_too(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    for _ in 0..5 {
        assert_eq!(hsm.check_so_pin(&wrong()).await.unwrap_err(), HsmError::PinIncorrect);
    }
    assert_eq!(hsm.check_so_pin(&so_pin()).await.unwrap_err(), HsmError::UserLockedOut);
    assert_eq!(hsm.reinitialize_token("x", &so_pin()).await.unwrap_err(), HsmError::UserLockedOut);
    hsm.log_in(&user_pin(), KMS).await.unwrap();
}

async fn a_user_without_pin_is_none(module: Module) {
    let rig = Rig::new(module);
    let mut settings = rig.blank();
    let hsm = rig.start(settings.clone()).await;
    assert!(matches!(hsm.log_in(&user_pin(), KMS).await, Err(HsmError::TokenState(_))));
    settings.token_serial = Some(hsm.initialize_token("x", &so_pin()).await.unwrap());
    assert!(!hsm.status().await.unwrap().user_exists);
    assert_eq!(hsm.log_in(&user_pin(), KMS).await.unwrap_err(), HsmError::UserNotFound);
    assert_eq!(hsm.status().await.unwrap().user_strikes, 0);
    hsm.initialize_user_pin(&so_pin(), &user_pin()).await.unwrap();
    assert!(hsm.status().await.unwrap().user_exists);
    hsm.log_in(&user_pin(), KMS).await.unwrap();
}

async fn a_pin_can_be_changed_while_others_encrypt(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    let busy = tokio::spawn({
        let (hsm, key) = (hsm.clone(), key.clone());
        async move {
            for _ in 0..300 {
                hsm.encrypt(&key, b"x", b"").await.unwrap();
            }
        }
    });
    let mut pin = user_pin();
    for number in 0..10 {
        let new = Pin::new(&format!("Passw0rd{number}"));
        hsm.change_user_pin(KMS, &pin, &new).await.unwrap();
        pin = new;
    }
    busy.await.unwrap();
    hsm.log_in(&pin, KMS).await.unwrap();
    hsm.restart().await.unwrap();
    assert_eq!(hsm.log_in(&user_pin(), KMS).await.unwrap_err(), HsmError::PinIncorrect);
    hsm.log_in(&pin, KMS).await.unwrap();
    hsm.encrypt(&key, b"x", b"").await.unwrap();
}

async fn a_wrong_old_pin_changes_nothing(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.connected().await;
    let new = Pin::new("an0therPassword");
    assert_eq!(hsm.change_user_pin(KMS, &wrong(), &new).await.unwrap_err(), HsmError::PinIncorrect);
    assert_eq!(hsm.status().await.unwrap().user_strikes, 1);
    generate(&hsm, 1).await;
    hsm.restart().await.unwrap();
    hsm.log_in(&user_pin(), KMS).await.unwrap();
}

async fn the_security_officer_changes_his_own_pin(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    let new = Pin::new("an0therOfficer");
    assert_eq!(hsm.change_so_pin(&wrong(), &new).await.unwrap_err(), HsmError::PinIncorrect);
    hsm.change_so_pin(&so_pin(), &new).await.unwrap();
    hsm.check_so_pin(&new).await.unwrap();
    assert_eq!(hsm.check_so_pin(&so_pin()).await.unwrap_err(), HsmError::PinIncorrect);
    hsm.restart().await.unwrap();
    hsm.initialize_user_pin(&new, &user_pin()).await.unwrap();
}

async fn pins_of_all_documented_lengths_work(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.connected().await;
    let mut pin = user_pin();
    for length in [7, 32] {
        let new = Pin::new(&"a1B2c3D4".repeat(4)[..length]);
        hsm.change_user_pin(KMS, &pin, &new).await.unwrap();
        pin = new;
    }
    hsm.log_out(KMS).await.unwrap();
    hsm.initialize_user_pin(&so_pin(), &Pin::new("seven77")).await.unwrap();
    hsm.log_in(&Pin::new("seven77"), KMS).await.unwrap();
}
