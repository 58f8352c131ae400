//! Keys on their way from HSM to HSM.

use std::sync::Arc;

use keystead_pkcs11::client::Hsm;
use keystead_pkcs11::{HsmError, KeyId};

use crate::support::{Module, Rig, on_both_modules};

on_both_modules! {
    a_key_comes_to_another_hsm,
    a_damaged_wrapped_key_is_not_taken,
    a_transport_key_is_good_for_one_masking_key,
}

/// Two HSMs that share a masking key.
async fn pair(rig: &Rig) -> (Arc<Hsm>, Arc<Hsm>) {
    let (one, two) = (rig.connected().await, rig.connected().await);
    let masking_key = one.generate_masking_key().await.unwrap();
    let transport_key = two.generate_transport_key().await.unwrap();
    let wrapped = one.wrap_masking_key(&transport_key).await.unwrap();
    one.seal_key(&masking_key.id).await.unwrap();
    two.unwrap_masking_key(&wrapped).await.unwrap();
    (one, two)
}

async fn a_key_comes_to_another_hsm(module: Module) {
    let rig = Rig::new(module);
    let (one, two) = pair(&rig).await;
    for hsm in [&one, &two] {
        let attributes = hsm.masking_key().await.unwrap().unwrap().attributes;
        assert!(attributes.wrap && attributes.unwrap && attributes.sensitive);
        assert!(!attributes.encrypt && !attributes.decrypt && !attributes.extractable);
    }
    let id = KeyId(vec![1; 16]);
    let made = one.generate_key(&id, "key", true).await.unwrap();
    let wrapped = one.wrap_key(&id).await.unwrap();
    assert_eq!(wrapped.len(), 40);
    let taken = two.unwrap_key(&wrapped, &id, "key").await.unwrap();
    let sealed = one.seal_key(&id).await.unwrap();
    assert_eq!((&taken.check_value, &taken.id, taken.label.as_str()), (&made.check_value, &id, "key"));
    for key in [&taken, &sealed] {
        assert!(!key.attributes.extractable && key.attributes.sensitive && key.attributes.encrypt);
    }
    let ciphertext = one.encrypt(&id, b"plaintext", b"context").await.unwrap();
    assert_eq!(*two.decrypt(&id, &ciphertext, b"context").await.unwrap(), b"plaintext");
    assert!(matches!(two.wrap_key(&id).await, Err(HsmError::Module(_))));
}

async fn a_damaged_wrapped_key_is_not_taken(module: Module) {
    let rig = Rig::new(module);
    let (one, two) = pair(&rig).await;
    let id = KeyId(vec![1; 16]);
    one.generate_key(&id, "key", true).await.unwrap();
    let mut wrapped = one.wrap_key(&id).await.unwrap();
    wrapped[20] ^= 1;
    assert!(matches!(two.unwrap_key(&wrapped, &id, "key").await, Err(HsmError::Module(_))));
    assert!(matches!(two.unwrap_key(&[], &id, "key").await, Err(HsmError::Module(_))));
    assert_eq!(two.find_keys(&id).await.unwrap(), []);
    assert!(two.is_available());
}

async fn a_transport_key_is_good_for_one_masking_key(module: Module) {
    let rig = Rig::new(module);
    let (one, two) = (rig.connected().await, rig.connected().await);
    assert_eq!(one.masking_key().await.unwrap(), None);
    assert_eq!(one.unwrap_masking_key(&[0; 256]).await.unwrap_err(), HsmError::KeyNotFound);
    one.generate_masking_key().await.unwrap();
    let first = two.generate_transport_key().await.unwrap();
    let second = two.generate_transport_key().await.unwrap();
    assert_ne!(first, second);
    let wrapped = one.wrap_masking_key(&first).await.unwrap();
    assert!(matches!(two.unwrap_masking_key(&wrapped).await, Err(HsmError::Module(_))));
    assert!(matches!(one.wrap_masking_key(b"no key").await, Err(HsmError::Module(_))));
    assert_eq!(two.masking_key().await.unwrap(), None);
    // Neither the transport key nor what it was made from is left in the token.
    assert_eq!(two.keys().await.unwrap(), []);
}
