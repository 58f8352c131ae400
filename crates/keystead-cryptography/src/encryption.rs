//! RSA-OAEP: sizes, and what goes wrong.

use aws_lc_rs::rsa::{OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey};
use keystead_model::kms::{EncryptionAlgorithmSpec, KeySpec};
use zeroize::Zeroizing;

/// Why there is no ciphertext.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum EncryptionError {
    /// The key's spec has no such encryption algorithm.
    #[error("the encryption algorithm is not one of the key's")]
    AlgorithmNotOfKey,
    /// More plaintext than the key and the algorithm have room for.
    #[error("the plaintext is longer than {max_bytes} bytes")]
    PlaintextTooLong {
        /// The most bytes.
        max_bytes: usize,
    },
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Library,
}

/// Why there is no plaintext.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum DecryptionError {
    /// The key's spec has no such encryption algorithm.
    #[error("the encryption algorithm is not one of the key's")]
    AlgorithmNotOfKey,
    /// The ciphertext is none of this key and algorithm. Nothing tells in what it is wrong.
    #[error("the ciphertext does not decrypt")]
    InvalidCiphertext,
    /// The cryptographic library failed before it saw the ciphertext.
    #[error("the cryptographic library failed")]
    Library,
}

/// The most plaintext bytes that Encrypt takes under a key of `spec` (KMS API Reference, Encrypt).
///
/// `None` if the key spec has no such algorithm.
pub const fn max_plaintext_bytes(spec: KeySpec, algorithm: EncryptionAlgorithmSpec) -> Option<usize> {
    use EncryptionAlgorithmSpec as A;
    let modulus_bytes: usize = match (spec, algorithm) {
        (KeySpec::SymmetricDefault, A::SymmetricDefault) => return Some(4096),
        (KeySpec::Sm2, A::Sm2pke) => return Some(1024),
        (KeySpec::Rsa2048, A::RsaesOaepSha1 | A::RsaesOaepSha256) => 256,
        (KeySpec::Rsa3072, A::RsaesOaepSha1 | A::RsaesOaepSha256) => 384,
        (KeySpec::Rsa4096, A::RsaesOaepSha1 | A::RsaesOaepSha256) => 512,
        _ => return None,
    };
    let hash_bytes = if matches!(algorithm, A::RsaesOaepSha1) { 20 } else { 32 };
    Some(modulus_bytes - 2 * hash_bytes - 2)
}

/// aws-lc's name of an RSA encryption algorithm. MGF1 with the same hash, empty label.
pub(crate) fn oaep(algorithm: EncryptionAlgorithmSpec) -> Option<&'static OaepAlgorithm> {
    match algorithm {
        EncryptionAlgorithmSpec::RsaesOaepSha1 => Some(&OAEP_SHA1_MGF1SHA1),
        EncryptionAlgorithmSpec::RsaesOaepSha256 => Some(&OAEP_SHA256_MGF1SHA256),
        EncryptionAlgorithmSpec::SymmetricDefault | EncryptionAlgorithmSpec::Sm2pke => None,
    }
}

/// Decrypts one RSA-OAEP ciphertext. One error, whatever is wrong with it.
pub(crate) fn oaep_decrypt(
    key: &OaepPrivateDecryptingKey,
    algorithm: &'static OaepAlgorithm,
    ciphertext: &[u8],
) -> Result<Zeroizing<Vec<u8>>, DecryptionError> {
    let mut plaintext = Zeroizing::new(vec![0; key.min_output_size()]);
    let length =
        key.decrypt(algorithm, ciphertext, &mut plaintext, None).map_err(|_| DecryptionError::InvalidCiphertext)?.len();
    // On drop, Zeroizing clears a vector's whole capacity, so also what is cut off here.
    plaintext.truncate(length);
    Ok(plaintext)
}
