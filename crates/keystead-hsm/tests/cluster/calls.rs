//! Encrypt, decrypt, random.

use std::collections::HashSet;

use keystead_core::key_store::HsmFailure;
use keystead_core::port::{HsmBackend, HsmCiphertext};
use keystead_model::SecretString;
use keystead_pkcs11::{Ciphertext, HsmError};

use crate::support::{A, B, Module, PASSWORD, Rig, key_id, link, on_both_modules};

on_both_modules! {
    every_hsm_decrypts_what_another_one_encrypted,
    what_was_changed_is_refused,
    no_iv_is_used_twice,
    random_bytes,
    a_password_changes_under_load,
}

async fn every_hsm_decrypts_what_another_one_encrypted(module: Module) {
    let rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    for (from, to) in [(A, B), (B, A)] {
        let ciphertext = rig.hsm(from).encrypt(&key_id(&key), b"plaintext", b"context").await.unwrap();
        assert_eq!(*rig.hsm(to).decrypt(&key_id(&key), &ciphertext, b"context").await.unwrap(), b"plaintext");
        let Ciphertext { iv, ciphertext_and_tag } = ciphertext;
        let ciphertext = HsmCiphertext { initialization_vector: iv, ciphertext_and_tag };
        for _ in 0..2 {
            let plaintext = rig.backend.decrypt(&link(&[PASSWORD]), &key, &ciphertext, b"context").await.unwrap();
            assert_eq!(*plaintext, b"plaintext");
        }
    }
}

async fn what_was_changed_is_refused(module: Module) {
    let rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    let link = link(&[PASSWORD]);
    let good = rig.backend.encrypt(&link, &key, b"plaintext", b"context").await.unwrap();
    assert_eq!(good.ciphertext_and_tag.len(), b"plaintext".len() + 16);
    let mut wrong = vec![(good.clone(), &b"another context"[..])];
    for place in 0..good.ciphertext_and_tag.len() {
        let mut changed = good.clone();
        changed.ciphertext_and_tag[place] ^= 1;
        wrong.push((changed, b"context"));
    }
    let mut changed = good.clone();
    changed.initialization_vector[11] ^= 1;
    wrong.push((changed, b"context"));
    for (ciphertext, aad) in wrong {
        let refused = rig.backend.decrypt(&link, &key, &ciphertext, aad).await;
        assert_eq!(refused.unwrap_err(), HsmFailure::InvalidCiphertext);
    }
    assert_eq!(*rig.backend.decrypt(&link, &key, &good, b"context").await.unwrap(), b"plaintext");
}

async fn no_iv_is_used_twice(module: Module) {
    const CALLERS: usize = 8;
    const CALLS: usize = 1_250;
    let rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    let callers = (0..CALLERS).map(|_| {
        let backend = rig.backend.clone();
        tokio::spawn(async move {
            let link = link(&[PASSWORD]);
            let mut ivs = Vec::with_capacity(CALLS);
            for _ in 0..CALLS {
                ivs.push(backend.encrypt(&link, &key, b"x", b"").await.unwrap().initialization_vector);
            }
            ivs
        })
    });
    let mut seen = HashSet::new();
    for caller in callers.collect::<Vec<_>>() {
        seen.extend(caller.await.unwrap());
    }
    assert_eq!(seen.len(), CALLERS * CALLS);
}

async fn random_bytes(module: Module) {
    let rig = Rig::connected(module).await;
    let mut seen = HashSet::new();
    for length in [16, 17, 1024] {
        let bytes = rig.backend.generate_random(&link(&[PASSWORD]), length).await.unwrap();
        assert_eq!(bytes.len(), length);
        assert!(seen.insert(bytes[..16].to_vec()));
    }
}

async fn a_password_changes_under_load(module: Module) {
    let rig = Rig::connected(module).await;
    let key = rig.generate(1).await;
    let rotation = async {
        let mut old = PASSWORD.to_owned();
        for round in 0..10 {
            let new = format!("Passw0rd{round}");
            for hsm_id in [A, B] {
                let (old, new) = (SecretString::from(old.clone()), SecretString::from(new.clone()));
                rig.backend.change_password(&link(&[PASSWORD]), hsm_id, &old, &new).await.unwrap();
            }
            old = new;
        }
    };
    let load = async {
        loop {
            rig.try_key(&key).await.unwrap();
        }
    };
    tokio::select! {
        () = rotation => {}
        () = load => {}
    }
    let refused = rig.hsm(A).log_in(&keystead_pkcs11::Pin::new(PASSWORD), keystead_pkcs11::LoginHolder::Kms).await;
    assert_eq!(refused, Err(HsmError::PinIncorrect), "the old password is no longer right");
}
