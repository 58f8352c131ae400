//! `kill -9` at any moment: no token and no key is lost, and a PIN is the old one or the new one.

use std::fs;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use keystead_pkcs11::client::Hsm;
use keystead_pkcs11::{HsmError, KeyId, LoginHolder, Pin};
use tokio::sync::watch;

use crate::support::{Module, Rig, kill_worker, on_both_modules, until, user_pin};

const KMS: LoginHolder = LoginHolder::Kms;

on_both_modules! {
    a_kill_in_a_stream_of_logins_and_pin_changes,
    a_kill_in_a_stream_of_new_keys,
}

/// Changes the PIN to and fro until the worker is killed.
async fn change_pins(hsm: Arc<Hsm>, mut pin: Pin, mut other: Pin) -> HsmError {
    loop {
        let round = async {
            hsm.log_in(&pin, KMS).await?;
            hsm.change_user_pin(KMS, &pin, &other).await?;
            hsm.log_out(KMS).await
        };
        if let Err(error) = round.await {
            return error;
        }
        (pin, other) = (other, pin);
    }
}

/// Logs in with whichever PIN it is; the PIN, and the other one.
async fn log_in_with_either(hsm: &Hsm, pins: (Pin, Pin)) -> (Pin, Pin) {
    match hsm.log_in(&pins.0, KMS).await {
        Ok(()) => pins,
        Err(HsmError::PinIncorrect) => {
            hsm.log_in(&pins.1, KMS).await.unwrap();
            (pins.1, pins.0)
        }
        Err(error) => panic!("{error}"),
    }
}

async fn a_kill_in_a_stream_of_logins_and_pin_changes(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    let ciphertext = hsm.encrypt(&key, b"plaintext", b"").await.unwrap();
    hsm.log_out(KMS).await.unwrap();
    let mut pins = (user_pin(), Pin::new("an0therPassword"));
    for round in 0..16 {
        let changing = tokio::spawn(change_pins(hsm.clone(), pins.0.clone(), pins.1.clone()));
        // Not a wait for anything: each round kills at another moment of the stream, and every moment is right.
        tokio::time::sleep(Duration::from_micros(900 * round)).await;
        kill_worker(&rig, &hsm);
        let error = changing.await.unwrap();
        assert!(matches!(error, HsmError::Lost(_)), "{error}");
        until("the return", || hsm.status(), Result::is_ok).await.unwrap();
        pins = log_in_with_either(&hsm, pins).await;
        assert_eq!(*hsm.decrypt(&key, &ciphertext, b"").await.unwrap(), b"plaintext");
        hsm.log_out(KMS).await.unwrap();
    }
}

async fn a_kill_in_a_stream_of_new_keys(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.connected().await;
    let mut acknowledged = Vec::new();
    for round in 0..6_u8 {
        let (progress, mut made_some) = watch::channel(0);
        let making = tokio::spawn({
            let hsm = hsm.clone();
            async move {
                let mut made = Vec::new();
                for number in 0..u8::MAX {
                    let id = KeyId(vec![round, number]);
                    match hsm.generate_key(&id, "key", false).await {
                        Ok(_) => {
                            made.push(id);
                            progress.send_replace(made.len());
                        }
                        Err(_) => break,
                    }
                }
                made
            }
        });
        made_some.wait_for(|&made| made > usize::from(round)).await.unwrap();
        kill_worker(&rig, &hsm);
        acknowledged.extend(making.await.unwrap());
        until("the return", || hsm.status(), Result::is_ok).await.unwrap();
        hsm.log_in(&user_pin(), KMS).await.unwrap();
    }
    for id in &acknowledged {
        hsm.encrypt(id, b"x", b"").await.unwrap();
    }
}

/// What a crash leaves of a key that SoftHSM 2 was writing (CloudHSM key stores digest 7.4): the beginning of an object's file.
#[tokio::test]
async fn a_beginning_of_a_key_hides_no_other() {
    let rig = Rig::new(Module::Softhsm2);
    let (hsm, key) = rig.with_key().await;
    let tokens = hsm.settings().token_storage.clone().unwrap();
    let token = fs::read_dir(tokens).unwrap().next().unwrap().unwrap().path();
    let mut files = fs::read_dir(&token).unwrap().map(|entry| entry.unwrap().path());
    let is_key =
        |file: &PathBuf| file.extension().is_some_and(|end| end == "object") && !file.ends_with("token.object");
    let written = fs::read(files.find(is_key).unwrap()).unwrap();
    for length in (0..written.len()).step_by(24) {
        let fragment = token.join(format!("00000000-0000-0000-0000-{length:012}.object"));
        fs::write(fragment, &written[..length]).unwrap();
    }
    let keys = hsm.keys().await.unwrap();
    assert!(keys.iter().any(|found| found.id == key && !found.check_value.is_empty()), "{keys:?}");
    hsm.restart().await.unwrap();
    hsm.log_in(&user_pin(), LoginHolder::Kms).await.unwrap();
    hsm.keys().await.unwrap();
}
