//! Keys, and what they encrypt.

use keystead_pkcs11::{HsmError, KeyId};

use crate::support::{Module, Rig, on_both_modules};

on_both_modules! {
    what_was_encrypted_can_be_decrypted,
}

async fn what_was_encrypted_can_be_decrypted(module: Module) {
    let rig = Rig::new(module);
    let (hsm, key) = rig.with_key().await;
    for plaintext in [&b""[..], b"x", &[7; 4096]] {
        let ciphertext = hsm.encrypt(&key, plaintext, b"context").await.unwrap();
        assert_eq!(ciphertext.ciphertext_and_tag.len(), plaintext.len() + 16);
        assert_eq!(*hsm.decrypt(&key, &ciphertext, b"context").await.unwrap(), plaintext);
        assert_eq!(hsm.decrypt(&key, &ciphertext, b"other").await.unwrap_err(), HsmError::InvalidCiphertext);
    }
    assert_eq!(hsm.encrypt(&KeyId(vec![9]), b"x", b"").await.unwrap_err(), HsmError::KeyNotFound);
}
