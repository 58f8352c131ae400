//! What is signed, and what goes wrong.

use aws_lc_rs::digest::{Algorithm, Digest};
use keystead_model::kms::SigningAlgorithmSpec;

/// What to sign or to verify: `Message` with `MessageType` in the KMS API.
#[derive(Clone, Copy)]
pub enum Message<'a> {
    /// `RAW`: the message itself.
    Raw(&'a [u8]),
    /// `DIGEST`: the message's digest by the signing algorithm's hash.
    Digest(&'a [u8]),
    /// `EXTERNAL_MU`: the 64-byte representative of FIPS 204, section 6.2. ML-DSA only.
    ExternalMu(&'a [u8]),
}

/// Why there is neither a signature nor a verdict on one.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SignatureError {
    /// The key's spec has no such signing algorithm.
    #[error("the signing algorithm is not one of the key's")]
    AlgorithmNotOfKey,
    /// The algorithm signs no such message: a digest with ML-DSA or ED25519_SHA_512, a raw one with ED25519_PH_SHA_512, mu with others.
    #[error("the message type is not allowed for the signing algorithm")]
    MessageTypeNotAllowed,
    /// The digest, or mu, has not the algorithm's length.
    #[error("the digest is not {expected} bytes long")]
    WrongDigestLength {
        /// The right length in bytes.
        expected: usize,
    },
    /// The cryptographic library failed.
    #[error("the cryptographic library failed")]
    Library,
}

/// Length in bytes of the digest that a signing algorithm takes as `DIGEST`; `None` if it takes none.
///
/// SM2DSA takes one of 32 bytes, though no key here signs so.
pub const fn signing_digest_bytes(algorithm: SigningAlgorithmSpec) -> Option<usize> {
    use SigningAlgorithmSpec as A;
    match algorithm {
        A::RsassaPssSha256 | A::RsassaPkcs1V15Sha256 | A::EcdsaSha256 | A::Sm2dsa => Some(32),
        A::RsassaPssSha384 | A::RsassaPkcs1V15Sha384 | A::EcdsaSha384 => Some(48),
        A::RsassaPssSha512 | A::RsassaPkcs1V15Sha512 | A::EcdsaSha512 | A::Ed25519PhSha512 => Some(64),
        A::MlDsaShake256 | A::Ed25519Sha512 => None,
    }
}

/// Takes `bytes` for a digest by `algorithm`.
pub(crate) fn import_digest(algorithm: &'static Algorithm, bytes: &[u8]) -> Result<Digest, SignatureError> {
    Digest::import_less_safe(bytes, algorithm)
        .map_err(|_| SignatureError::WrongDigestLength { expected: algorithm.output_len() })
}

/// Takes `bytes` for a digest or a mu of `N` bytes.
pub(crate) fn exact_bytes<const N: usize>(bytes: &[u8]) -> Result<&[u8; N], SignatureError> {
    bytes.try_into().map_err(|_| SignatureError::WrongDigestLength { expected: N })
}
