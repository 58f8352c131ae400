//! Steps 6 to 10 of a connect, and the disconnect.

use keystead_core::key_store::HsmFailure;
use keystead_core::port::{HsmBackend, HsmLink};
use keystead_model::SecretString;
use keystead_pkcs11::{LoginHolder, Pin};

use crate::support::{A, B, IMPOSTOR, Module, PASSWORD, Rig, link, on_both_modules, so_pin};

on_both_modules! {
    logs_in_and_out,
    a_wrong_password_costs_one_strike,
    five_strikes_lock_the_user,
    a_user_that_is_missing_on_one_hsm,
    an_auditor_is_not_thrown_out,
    an_hsm_that_is_away_is_left_out,
    a_changed_password_is_seen_by_a_fresh_worker,
    what_is_wrong_with_the_cluster,
}

async fn logs_in_and_out(module: Module) {
    let rig = Rig::new(module).await;
    assert_eq!(rig.backend.open(&link(&[PASSWORD])).await.unwrap(), [A, B]);
    rig.connect().await.unwrap();
    let key = rig.generate(1).await;
    rig.backend.close(&link(&[PASSWORD])).await;
    for hsm_id in [A, B] {
        assert_eq!(rig.hsm(hsm_id).status().await.unwrap().login, None);
    }
    assert_eq!(rig.try_key(&key).await, Err(HsmFailure::Unreachable), "a late call must not log in again");
    assert_eq!(rig.hsm(A).status().await.unwrap().login, None);
    rig.connect().await.unwrap();
    rig.try_key(&key).await.unwrap();
}

async fn log_in(rig: &Rig, password: &str) -> Result<(), HsmFailure> {
    rig.backend.log_in(&link(&[PASSWORD]), A, &SecretString::from(password.to_owned())).await
}

async fn a_wrong_password_costs_one_strike(module: Module) {
    let rig = Rig::new(module).await;
    rig.backend.open(&link(&[PASSWORD])).await.unwrap();
    assert_eq!(log_in(&rig, "Wr0ngPassw0rd").await, Err(HsmFailure::InvalidCredentials));
    assert_eq!(rig.hsm(A).status().await.unwrap().user_strikes, 1);
    assert_eq!(log_in(&rig, PASSWORD).await, Ok(()));
}

async fn five_strikes_lock_the_user(module: Module) {
    let rig = Rig::new(module).await;
    for _ in 0..5 {
        rig.backend.open(&link(&[PASSWORD])).await.unwrap();
        assert_eq!(log_in(&rig, "Wr0ngPassw0rd").await, Err(HsmFailure::InvalidCredentials));
    }
    assert_eq!(log_in(&rig, PASSWORD).await, Err(HsmFailure::UserLockedOut));
    rig.hsm(A).initialize_user_pin(&so_pin(), &Pin::new(PASSWORD)).await.unwrap();
    rig.connect().await.unwrap();
}

async fn a_user_that_is_missing_on_one_hsm(module: Module) {
    let rig = Rig::new(module).await;
    rig.add_hsm("hsm-c", "us-east-1c").await;
    assert_eq!(rig.connect().await, Err(HsmFailure::UserNotFound));
    rig.hsm("hsm-c").initialize_user_pin(&so_pin(), &Pin::new(PASSWORD)).await.unwrap();
    rig.connect().await.unwrap();
}

async fn an_auditor_is_not_thrown_out(module: Module) {
    let rig = Rig::new(module).await;
    rig.hsm(B).log_in(&Pin::new(PASSWORD), LoginHolder::Auditor).await.unwrap();
    assert_eq!(rig.connect().await, Err(HsmFailure::UserLoggedIn));
    assert_eq!(rig.hsm(B).status().await.unwrap().login, Some(LoginHolder::Auditor));
    rig.hsm(B).log_out(LoginHolder::Auditor).await.unwrap();
    rig.connect().await.unwrap();
}

async fn an_hsm_that_is_away_is_left_out(module: Module) {
    let rig = Rig::new(module).await;
    let storage = |hsm_id| rig.directory.settings(hsm_id).token_storage.unwrap();
    let away = rig.folder.path().join("away");
    std::fs::rename(storage(A), &away).unwrap();
    assert_eq!(rig.backend.open(&link(&[PASSWORD])).await.unwrap(), [B]);
    std::fs::rename(storage(B), rig.folder.path().join("away too")).unwrap();
    assert_eq!(rig.backend.open(&link(&[PASSWORD])).await, Err(HsmFailure::Unreachable));
    std::fs::rename(away, storage(A)).unwrap();
    assert_eq!(rig.backend.open(&link(&[PASSWORD])).await.unwrap(), [A]);
}

async fn a_changed_password_is_seen_by_a_fresh_worker(module: Module) {
    let rig = Rig::connected(module).await;
    let (old, new) = (SecretString::from(PASSWORD.to_owned()), SecretString::from("N3wPassw0rd".to_owned()));
    rig.backend.change_password(&link(&[PASSWORD]), A, &old, &new).await.unwrap();
    assert_eq!(rig.connect().await, Err(HsmFailure::InvalidCredentials));
    let link = link(&["N3wPassw0rd"]);
    rig.backend.open(&link).await.unwrap();
    rig.backend.log_in(&link, A, &new).await.unwrap();
    assert_eq!(rig.backend.log_in(&link, B, &new).await, Err(HsmFailure::InvalidCredentials));
}

async fn what_is_wrong_with_the_cluster(module: Module) {
    let rig = Rig::new(module).await;
    let untrusted = HsmLink { trust_anchor: IMPOSTOR.trust_anchor.clone(), ..link(&[PASSWORD]) };
    assert_eq!(rig.backend.open(&untrusted).await, Err(HsmFailure::Unreachable));
    let unreadable = HsmLink { trust_anchor: "no PEM".into(), ..link(&[PASSWORD]) };
    assert_eq!(rig.backend.open(&unreadable).await, Err(HsmFailure::Unreachable));
    rig.directory.set_active(A, false);
    assert_eq!(rig.backend.open(&link(&[PASSWORD])).await.unwrap(), [B]);
    rig.directory.set_active(B, false);
    assert_eq!(rig.backend.open(&link(&[PASSWORD])).await, Err(HsmFailure::NoActiveHsm));
    rig.directory.delete_cluster();
    assert_eq!(rig.backend.open(&link(&[PASSWORD])).await, Err(HsmFailure::ClusterNotFound));
}
