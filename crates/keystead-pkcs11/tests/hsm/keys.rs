//! Keys, and what they encrypt.

use keystead_pkcs11::{Ciphertext, HsmError, KeyAttributes, KeyId, LoginHolder};

use crate::support::{Module, Rig, USER_PIN, generate, on_both_modules, tool, user_pin};

on_both_modules! {
    what_was_encrypted_can_be_decrypted,
    no_two_ciphertexts_have_one_iv,
    a_changed_bit_anywhere_is_refused,
    a_key_has_the_documented_attributes,
    an_extractable_key_can_be_sealed_and_not_opened_again,
    keys_are_found_by_their_id,
    a_key_that_is_not_there_is_told_so,
    a_key_deleted_behind_our_back_is_told_so,
    a_doubled_key_is_not_used,
    random_bytes_are_given_to_everybody,
    many_calls_share_few_sessions,
    calls_that_are_too_large_are_refused,
}

async fn what_was_encrypted_can_be_decrypted(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    for plaintext in [&b""[..], b"x", &[7; 4096], &[8; 20_000]] {
        let ciphertext = hsm.encrypt(&key, plaintext, b"context").await.unwrap();
        assert_eq!(ciphertext.ciphertext_and_tag.len(), plaintext.len() + 16);
        assert_eq!(*hsm.decrypt(&key, &ciphertext, b"context").await.unwrap(), plaintext);
    }
}

async fn no_two_ciphertexts_have_one_iv(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    let mut ivs = std::collections::HashSet::new();
    for _ in 0..100 {
        assert!(ivs.insert(hsm.encrypt(&key, b"x", b"").await.unwrap().iv));
    }
}

async fn a_changed_bit_anywhere_is_refused(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    let good = hsm.encrypt(&key, b"plaintext", b"context").await.unwrap();
    let mut changed: Vec<(Ciphertext, &[u8])> = vec![(good.clone(), b"Context"), (good.clone(), b"")];
    for byte in 0..good.iv.len() {
        let mut ciphertext = good.clone();
        ciphertext.iv[byte] ^= 1;
        changed.push((ciphertext, b"context"));
    }
    for byte in 0..good.ciphertext_and_tag.len() {
        let mut ciphertext = good.clone();
        ciphertext.ciphertext_and_tag[byte] ^= 0x80;
        changed.push((ciphertext, b"context"));
    }
    for length in [0, 1, 15, 16, 24] {
        let mut ciphertext = good.clone();
        ciphertext.ciphertext_and_tag.truncate(length);
        changed.push((ciphertext, b"context"));
    }
    for (ciphertext, aad) in changed {
        assert_eq!(hsm.decrypt(&key, &ciphertext, aad).await.unwrap_err(), HsmError::InvalidCiphertext);
    }
    let other = generate(&hsm, 2).await.id;
    assert_eq!(hsm.decrypt(&other, &good, b"context").await.unwrap_err(), HsmError::InvalidCiphertext);
    assert_eq!(*hsm.decrypt(&key, &good, b"context").await.unwrap(), b"plaintext");
}

async fn a_key_has_the_documented_attributes(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.connected().await;
    let key = generate(&hsm, 1).await;
    let expected = KeyAttributes {
        token: true,
        private: true,
        sensitive: true,
        always_sensitive: true,
        extractable: false,
        never_extractable: true,
        local: true,
        encrypt: true,
        decrypt: true,
        wrap: false,
        unwrap: false,
    };
    assert_eq!(key.attributes, expected);
    assert_eq!((key.id.0.as_slice(), key.label.as_str()), (&[1; 16][..], "key 1"));
    assert_eq!(key.check_value.len(), 3);
}

async fn an_extractable_key_can_be_sealed_and_not_opened_again(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.connected().await;
    let id = KeyId(vec![1; 16]);
    assert!(hsm.generate_key(&id, "key", true).await.unwrap().attributes.extractable);
    hsm.generate_masking_key().await.unwrap();
    hsm.wrap_key(&id).await.unwrap();
    let sealed = hsm.seal_key(&id).await.unwrap();
    assert!(!sealed.attributes.extractable && !sealed.attributes.never_extractable);
    assert!(matches!(hsm.wrap_key(&id).await, Err(HsmError::Module(_))));
    assert_eq!(hsm.seal_key(&id).await.unwrap().attributes, sealed.attributes);
}

async fn keys_are_found_by_their_id(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.connected().await;
    let (one, two) = (generate(&hsm, 1).await, generate(&hsm, 2).await);
    assert_eq!(hsm.find_keys(&one.id).await.unwrap().len(), 1);
    assert_eq!(hsm.find_keys(&KeyId(vec![3; 16])).await.unwrap(), []);
    let mut labels: Vec<_> = hsm.keys().await.unwrap().into_iter().map(|key| key.label).collect();
    labels.sort();
    assert_eq!(labels, ["key 1", "key 2"]);
    assert_ne!(one.check_value, two.check_value);
    assert_eq!(hsm.destroy_key(&one.id).await.unwrap(), 1);
    assert_eq!(hsm.destroy_key(&one.id).await.unwrap(), 0);
    assert_eq!(hsm.keys().await.unwrap().len(), 1);
}

async fn a_key_that_is_not_there_is_told_so(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    let nothing = KeyId(vec![3; 16]);
    let ciphertext = hsm.encrypt(&key, b"x", b"").await.unwrap();
    assert_eq!(hsm.encrypt(&nothing, b"x", b"").await.unwrap_err(), HsmError::KeyNotFound);
    assert_eq!(hsm.decrypt(&nothing, &ciphertext, b"").await.unwrap_err(), HsmError::KeyNotFound);
    assert_eq!(hsm.seal_key(&nothing).await.unwrap_err(), HsmError::KeyNotFound);
    assert_eq!(hsm.wrap_key(&key).await.unwrap_err(), HsmError::KeyNotFound);
    hsm.destroy_key(&key).await.unwrap();
    assert_eq!(hsm.encrypt(&key, b"x", b"").await.unwrap_err(), HsmError::KeyNotFound);
    assert!(hsm.is_available());
}

async fn a_key_deleted_behind_our_back_is_told_so(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    let other = generate(&hsm, 2).await.id;
    hsm.encrypt(&key, b"x", b"").await.unwrap();
    let id = key.to_string();
    let login = ["--login", "--pin", USER_PIN];
    tool(&hsm, &[&login[..], &["--delete-object", "--type", "secrkey", "--id", &id]].concat());
    assert_eq!(hsm.encrypt(&key, b"x", b"").await.unwrap_err(), HsmError::KeyNotFound);
    hsm.encrypt(&other, b"x", b"").await.unwrap();
}

async fn a_doubled_key_is_not_used(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    hsm.encrypt(&key, b"x", b"").await.unwrap();
    generate(&hsm, 1).await;
    assert_eq!(hsm.encrypt(&key, b"x", b"").await.unwrap_err(), HsmError::KeyAmbiguous);
    assert_eq!(hsm.find_keys(&key).await.unwrap().len(), 2);
    assert_eq!(hsm.destroy_key(&key).await.unwrap(), 2);
}

async fn random_bytes_are_given_to_everybody(module: Module) {
    let rig = Rig::new(module);
    let hsm = rig.active().await;
    let (one, two) = (hsm.generate_random(1024).await.unwrap(), hsm.generate_random(1024).await.unwrap());
    assert_eq!(one.len(), 1024);
    assert_ne!(one, two);
    assert!(matches!(hsm.generate_random(1 << 20).await, Err(HsmError::Module(_))));
}

async fn many_calls_share_few_sessions(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    let calls: Vec<_> = (0..64_u8)
        .map(|number| {
            let (hsm, key) = (hsm.clone(), key.clone());
            tokio::spawn(async move {
                for round in 0..10 {
                    let plaintext = [number, round];
                    let ciphertext = hsm.encrypt(&key, &plaintext, b"").await.unwrap();
                    assert_eq!(*hsm.decrypt(&key, &ciphertext, b"").await.unwrap(), plaintext);
                }
            })
        })
        .collect();
    for call in calls {
        call.await.unwrap();
    }
}

async fn calls_that_are_too_large_are_refused(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    assert!(matches!(hsm.encrypt(&key, &vec![0; 1 << 20], b"").await, Err(HsmError::Module(_))));
    hsm.encrypt(&key, b"x", b"").await.unwrap();
    hsm.log_out(LoginHolder::Kms).await.unwrap();
    hsm.log_in(&user_pin(), LoginHolder::Kms).await.unwrap();
    hsm.encrypt(&key, b"x", b"").await.unwrap();
}
