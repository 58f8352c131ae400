//! Wrapping keys, with key material wrapped as the KMS Developer Guide says ("Encrypt the key material").

use std::sync::OnceLock;

use crate::support::*;
use aws_lc_rs::key_wrap::{AES_128, AES_256, AesKek, KeyWrap, KeyWrapPadded};
use keystead_cryptography::{
    InvalidPrivateKey, KeyPair, PublicKey, UnwrapError, WrappingAlgorithm, WrappingKey, WrappingKeySpec,
};
use keystead_model::kms::{EncryptionAlgorithmSpec, KeySpec};

const SPECS: [(WrappingKeySpec, KeySpec); 3] = [
    (WrappingKeySpec::Rsa2048, KeySpec::Rsa2048),
    (WrappingKeySpec::Rsa3072, KeySpec::Rsa3072),
    (WrappingKeySpec::Rsa4096, KeySpec::Rsa4096),
];

const ALGORITHMS: [(WrappingAlgorithm, EncryptionAlgorithmSpec, Wrap); 4] = [
    (WrappingAlgorithm::RsaesOaepSha1, EncryptionAlgorithmSpec::RsaesOaepSha1, encrypt),
    (WrappingAlgorithm::RsaesOaepSha256, EncryptionAlgorithmSpec::RsaesOaepSha256, encrypt),
    (WrappingAlgorithm::RsaAesKeyWrapSha1, EncryptionAlgorithmSpec::RsaesOaepSha1, wrap_under_aes_key),
    (WrappingAlgorithm::RsaAesKeyWrapSha256, EncryptionAlgorithmSpec::RsaesOaepSha256, wrap_under_aes_key),
];

type Wrap = fn(&PublicKey, EncryptionAlgorithmSpec, &[u8]) -> Vec<u8>;

fn encrypt(public_key: &PublicKey, oaep: EncryptionAlgorithmSpec, material: &[u8]) -> Vec<u8> {
    public_key.encrypt(oaep, material).unwrap()
}

fn wrap_under_aes_key(public_key: &PublicKey, oaep: EncryptionAlgorithmSpec, material: &[u8]) -> Vec<u8> {
    let aes_key = [0x3c; 32];
    let mut wrapped = vec![0; material.len() + 15];
    let wrapped = AesKek::new(&AES_256, &aes_key).unwrap().wrap_with_padding(material, &mut wrapped).unwrap();
    [&public_key.encrypt(oaep, &aes_key).unwrap()[..], wrapped].concat()
}

/// A wrapping key of each of [`SPECS`] with its public key, made once.
fn wrapping_keys() -> &'static [(WrappingKey, PublicKey)] {
    static KEYS: OnceLock<Vec<(WrappingKey, PublicKey)>> = OnceLock::new();
    KEYS.get_or_init(|| {
        let make = |(spec, key_spec)| {
            let key = WrappingKey::generate(spec).unwrap();
            let public_key = PublicKey::from_der(key_spec, key.public_key_der()).unwrap();
            (key, public_key)
        };
        SPECS.into_iter().map(make).collect()
    })
}

#[test]
fn key_material_comes_out_as_it_went_in() {
    let symmetric: &[u8] = &[0x77; 32];
    let p256 = key_pair(KeySpec::EccNistP256).to_pkcs8().unwrap();
    for (key, public_key) in wrapping_keys() {
        for (algorithm, oaep, wrap) in ALGORITHMS {
            for material in [symmetric, &p256] {
                let wrapped = wrap(public_key, oaep, material);
                assert_eq!(key.unwrap(algorithm, &wrapped).unwrap().as_slice(), material, "{algorithm:?}");
            }
        }
    }
}

/// What OAEP has no room for.
#[test]
fn rsa_private_keys_come_wrapped_under_an_aes_key() {
    let rsa = key_pair(KeySpec::Rsa4096).to_pkcs8().unwrap();
    for (key, public_key) in wrapping_keys() {
        for (algorithm, oaep, wrap) in ALGORITHMS.into_iter().skip(2) {
            let unwrapped = key.unwrap(algorithm, &wrap(public_key, oaep, &rsa)).unwrap();
            let read = KeyPair::from_pkcs8(KeySpec::Rsa4096, &unwrapped).unwrap();
            assert_eq!(read.public_key_der(), key_pair(KeySpec::Rsa4096).public_key_der());
        }
    }
}

#[test]
fn a_wrapping_key_comes_back_from_pkcs8() {
    for ((spec, _), (key, public_key)) in SPECS.into_iter().zip(wrapping_keys()) {
        let again = WrappingKey::from_pkcs8(spec, &key.to_pkcs8().unwrap()).unwrap();
        assert_eq!(again.public_key_der(), key.public_key_der());
        let wrapped = encrypt(public_key, EncryptionAlgorithmSpec::RsaesOaepSha256, b"material");
        assert_eq!(again.unwrap(WrappingAlgorithm::RsaesOaepSha256, &wrapped).unwrap().as_slice(), b"material");
        for (other, _) in SPECS.into_iter().filter(|(other, _)| *other != spec) {
            let refused = WrappingKey::from_pkcs8(other, &key.to_pkcs8().unwrap());
            assert_eq!(refused.err(), Some(InvalidPrivateKey::OtherKeySpec));
        }
    }
}

/// One error, whatever is wrong.
#[test]
fn nothing_but_wrapped_key_material_unwraps() {
    let (key, public_key) = &wrapping_keys()[0];
    let (other, _) = &wrapping_keys()[1];
    for (algorithm, oaep, wrap) in ALGORITHMS {
        let wrapped = wrap(public_key, oaep, &[0x77; 32]);
        assert!(key.unwrap(algorithm, &wrapped).is_ok());
        for at in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert_eq!(key.unwrap(algorithm, &changed), Err(UnwrapError), "{algorithm:?}: byte {at}");
            assert_eq!(key.unwrap(algorithm, &wrapped[..at]), Err(UnwrapError), "{algorithm:?}: {at} bytes");
        }
        assert_eq!(key.unwrap(algorithm, &[&wrapped[..], &[0; 8]].concat()), Err(UnwrapError));
        assert_eq!(other.unwrap(algorithm, &wrapped), Err(UnwrapError));
        for (wrong, ..) in ALGORITHMS.into_iter().filter(|row| row.0 != algorithm) {
            assert_eq!(key.unwrap(wrong, &wrapped), Err(UnwrapError), "{algorithm:?} as {wrong:?}");
        }
    }
}

/// An AES key of 128 bits, and key wrap without padding (RFC 3394).
#[test]
fn other_key_wraps_do_not_unwrap() {
    let (key, public_key) = &wrapping_keys()[0];
    for (algorithm, oaep, _) in ALGORITHMS.into_iter().skip(2) {
        let (mut short, mut unpadded) = ([0; 64], [0; 64]);
        let short = AesKek::new(&AES_128, &[1; 16]).unwrap().wrap_with_padding(&[7; 32], &mut short).unwrap();
        let unpadded = AesKek::new(&AES_256, &[1; 32]).unwrap().wrap(&[7; 32], &mut unpadded).unwrap();
        for (aes_key, wrapped) in [(&[1; 16][..], &*short), (&[1; 32], &*unpadded)] {
            let wrapped = [&public_key.encrypt(oaep, aes_key).unwrap()[..], wrapped].concat();
            assert_eq!(key.unwrap(algorithm, &wrapped), Err(UnwrapError), "{algorithm:?}");
        }
    }
}
