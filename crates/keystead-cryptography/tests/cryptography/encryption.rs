//! RSA-OAEP.

use crate::support::*;
use keystead_cryptography::{DecryptionError, EncryptionError, max_plaintext_bytes};
use keystead_model::kms::{EncryptionAlgorithmSpec, KeySpec};

const SHA_1: EncryptionAlgorithmSpec = EncryptionAlgorithmSpec::RsaesOaepSha1;
const SHA_256: EncryptionAlgorithmSpec = EncryptionAlgorithmSpec::RsaesOaepSha256;

/// KMS API Reference, Encrypt: key spec, algorithm, most bytes of plaintext.
const SIZES: [(KeySpec, EncryptionAlgorithmSpec, usize); 6] = [
    (KeySpec::Rsa2048, SHA_1, 214),
    (KeySpec::Rsa2048, SHA_256, 190),
    (KeySpec::Rsa3072, SHA_1, 342),
    (KeySpec::Rsa3072, SHA_256, 318),
    (KeySpec::Rsa4096, SHA_1, 470),
    (KeySpec::Rsa4096, SHA_256, 446),
];

#[test]
fn plaintexts_have_at_most_the_documented_length() {
    for (spec, algorithm, max_bytes) in SIZES {
        assert_eq!(max_plaintext_bytes(spec, algorithm), Some(max_bytes));
        let key = key_pair(spec);
        for length in [0, 1, max_bytes - 1, max_bytes] {
            let plaintext: Vec<u8> = (0..length).map(|at| at as u8).collect();
            let ciphertext = key.encrypt(algorithm, &plaintext).unwrap();
            assert_eq!(key.decrypt(algorithm, &ciphertext).unwrap().as_slice(), plaintext, "{spec} {algorithm}");
        }
        let refused = key.encrypt(algorithm, &vec![0; max_bytes + 1]);
        assert_eq!(refused, Err(EncryptionError::PlaintextTooLong { max_bytes }), "{spec} {algorithm}");
    }
}

#[test]
fn other_key_specs_have_no_such_plaintexts() {
    let expected = |spec, algorithm| match (spec, algorithm) {
        (KeySpec::SymmetricDefault, EncryptionAlgorithmSpec::SymmetricDefault) => Some(4096),
        (KeySpec::Sm2, EncryptionAlgorithmSpec::Sm2pke) => Some(1024),
        _ => SIZES.iter().find(|row| (row.0, row.1) == (spec, algorithm)).map(|row| row.2),
    };
    for spec in KeySpec::ALL.iter().copied() {
        for algorithm in EncryptionAlgorithmSpec::ALL.iter().copied() {
            assert_eq!(max_plaintext_bytes(spec, algorithm), expected(spec, algorithm), "{spec} {algorithm}");
        }
    }
}

#[test]
fn only_rsa_keys_encrypt_and_only_with_oaep() {
    for spec in KEY_PAIR_SPECS {
        for algorithm in EncryptionAlgorithmSpec::ALL.iter().copied() {
            let known = SIZES.iter().any(|row| (row.0, row.1) == (spec, algorithm));
            let encrypted = key_pair(spec).encrypt(algorithm, b"plaintext");
            assert_eq!(encrypted.err(), (!known).then_some(EncryptionError::AlgorithmNotOfKey), "{spec} {algorithm}");
            let expected = if known { DecryptionError::InvalidCiphertext } else { DecryptionError::AlgorithmNotOfKey };
            assert_eq!(key_pair(spec).decrypt(algorithm, &[0; 256]).err(), Some(expected), "{spec} {algorithm}");
        }
    }
}

#[test]
fn ciphertexts_are_as_long_as_the_modulus_and_never_the_same() {
    for (spec, algorithm, _) in SIZES {
        let key = key_pair(spec);
        let (one, other) =
            (key.encrypt(algorithm, b"plaintext").unwrap(), key.encrypt(algorithm, b"plaintext").unwrap());
        assert_eq!(one.len(), public_key_bits(key.public_key_der()).len() - 14, "{spec}");
        assert_ne!(one, other, "{spec} {algorithm}");
    }
}

/// One error, whatever is wrong: length, number, padding, hash or key.
#[test]
fn nothing_but_a_ciphertext_of_key_and_algorithm_decrypts() {
    let (key, other) =
        (key_pair(KeySpec::Rsa2048), keystead_cryptography::KeyPair::generate(KeySpec::Rsa2048).unwrap());
    for (algorithm, wrong) in [(SHA_1, SHA_256), (SHA_256, SHA_1)] {
        let ciphertext = key.encrypt(algorithm, b"plaintext").unwrap();
        let error = |ciphertext: &[u8]| key.decrypt(algorithm, ciphertext).err();
        assert_eq!(error(&ciphertext), None);
        let refused = Some(DecryptionError::InvalidCiphertext);
        for at in 0..ciphertext.len() {
            let mut changed = ciphertext.clone();
            changed[at] ^= 1;
            assert_eq!(error(&changed), refused, "byte {at}");
            assert_eq!(error(&ciphertext[..at]), refused, "{at} bytes");
        }
        assert_eq!(error(&[&ciphertext[..], &[0]].concat()), refused);
        assert_eq!(error(&[&[0], &ciphertext[..]].concat()), refused);
        for fill in [0x00, 0x01, 0xff] {
            assert_eq!(error(&[fill; 256]), refused);
        }
        assert_eq!(key.decrypt(wrong, &ciphertext).err(), refused);
        assert_eq!(other.decrypt(algorithm, &ciphertext).err(), refused);
    }
}
