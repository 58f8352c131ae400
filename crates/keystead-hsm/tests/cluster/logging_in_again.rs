//! While the key store is connected nobody connects it again: calls find that the login is gone, and log in.

use keystead_core::key_store::HsmFailure;
use keystead_core::port::HsmBackend;
use keystead_model::SecretString;
use keystead_pkcs11::{LoginHolder, Pin};

use crate::support::{A, B, Module, PASSWORD, Rig, link, on_both_modules, until};

on_both_modules! {
    after_the_server_was_restarted,
    although_no_key_is_used,
    in_the_middle_of_a_rotation,
    wrong_passwords_are_tried_once,
    an_auditor_who_was_faster_is_waited_for,
    a_clone_joins,
}

/// Waits until KMS, looking after its logins as it does all the time, is logged in to both HSMs.
async fn everywhere(rig: &Rig, passwords: &[&str]) {
    until("KMS is logged in everywhere", || async {
        rig.backend.keep_logged_in(&link(passwords)).await;
        rig.kms_is_logged_in(A).await && rig.kms_is_logged_in(B).await
    })
    .await;
}

async fn after_the_server_was_restarted(module: Module) {
    let mut rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    rig.restart_server().await;
    rig.try_key(&key).await.unwrap();
    everywhere(&rig, &[PASSWORD]).await;
    rig.restart_server().await;
    rig.generate(2).await;
}

async fn although_no_key_is_used(module: Module) {
    let mut rig = Rig::connected(module).await;
    rig.hsm(A).restart().await.unwrap();
    assert!(!rig.kms_is_logged_in(A).await);
    everywhere(&rig, &[PASSWORD]).await;
    rig.restart_server().await;
    everywhere(&rig, &[PASSWORD]).await;
    rig.backend.close(&link(&[PASSWORD])).await;
    rig.backend.keep_logged_in(&link(&[PASSWORD])).await;
    assert!(!rig.kms_is_logged_in(A).await, "nobody logs in again once the key store is disconnected");
}

/// One HSM has the new password, the other one still the old one.
async fn in_the_middle_of_a_rotation(module: Module) {
    let mut rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    let (old, new) = (SecretString::from(PASSWORD.to_owned()), SecretString::from("N3wPassw0rd".to_owned()));
    rig.backend.change_password(&link(&[PASSWORD]), A, &old, &new).await.unwrap();
    rig.restart_server().await;
    let both = link(&["N3wPassw0rd", PASSWORD]);
    until("KMS is logged in everywhere", || async {
        rig.backend.encrypt(&both, &key, b"x", b"").await.unwrap();
        rig.kms_is_logged_in(A).await && rig.kms_is_logged_in(B).await
    })
    .await;
    rig.backend.change_password(&both, B, &old, &new).await.unwrap();
    rig.restart_server().await;
    rig.backend.encrypt(&both, &key, b"x", b"").await.unwrap();
    everywhere(&rig, &["N3wPassw0rd", PASSWORD]).await;
    for hsm_id in [A, B] {
        assert_eq!(rig.hsm(hsm_id).status().await.unwrap().user_strikes, 0);
    }
}

async fn wrong_passwords_are_tried_once(module: Module) {
    let mut rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    rig.restart_server().await;
    let wrong = link(&["Wr0ngPassw0rd", "An0therWr0ng0ne", PASSWORD]);
    for _ in 0..20 {
        let refused = rig.backend.encrypt(&wrong, &key, b"x", b"").await;
        assert_eq!(refused, Err(HsmFailure::InvalidCredentials));
    }
    // Degraded, and active again.
    for active in [false, true] {
        rig.directory.set_active(A, active);
        assert_eq!(rig.backend.destroy_key(&wrong, &key).await, Err(HsmFailure::InvalidCredentials));
    }
    for hsm_id in [A, B] {
        assert_eq!(rig.hsm(hsm_id).status().await.unwrap().user_strikes, 2);
    }
    rig.try_key(&key).await.unwrap();
}

async fn an_auditor_who_was_faster_is_waited_for(module: Module) {
    let mut rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    rig.restart_server().await;
    for hsm_id in [A, B] {
        rig.hsm(hsm_id).status().await.unwrap();
        rig.hsm(hsm_id).log_in(&Pin::new(PASSWORD), LoginHolder::Auditor).await.unwrap();
    }
    assert_eq!(rig.try_key(&key).await, Err(HsmFailure::UserLoggedIn));
    for hsm_id in [A, B] {
        rig.hsm(hsm_id).log_out(LoginHolder::Auditor).await.unwrap();
    }
    until("KMS logs in", || async { rig.try_key(&key).await.is_ok() }).await;
}

async fn a_clone_joins(module: Module) {
    let rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    rig.add_clone("hsm-c", "us-east-1c", A).await;
    until("KMS is logged in to the clone", || async {
        rig.try_key(&key).await.unwrap();
        rig.kms_is_logged_in("hsm-c").await
    })
    .await;
    let second = rig.generate(2).await;
    for hsm_id in [A, B] {
        rig.directory.set_active(hsm_id, false);
        rig.workers.remove(hsm_id).await;
    }
    for key in [key, second] {
        rig.try_key(&key).await.unwrap();
    }
}
