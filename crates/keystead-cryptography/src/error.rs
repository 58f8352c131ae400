//! What goes wrong when a key is made or read.

use keystead_model::kms::KeySpec;

/// Why a key was not made, or not written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CryptographyError {
    /// The key spec has no key pair, or none here: it is symmetric, or SM2, which is for China Regions only.
    #[error("{0} is no key spec of a key pair that can be made here")]
    UnsupportedKeySpec(KeySpec),
    /// The cryptographic library failed: no memory, no random numbers.
    #[error("the cryptographic library failed")]
    Library,
}

/// Why bytes are not the private key that was asked for. Tells nothing of the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidPrivateKey {
    /// The key spec has no key pair, or none here: it is symmetric, or SM2.
    #[error("{0} is no key spec of a key pair that can be read here")]
    UnsupportedKeySpec(KeySpec),
    /// Not one PKCS #8 `PrivateKeyInfo` in DER, whole and with nothing after it.
    #[error("the private key is not PKCS #8 in DER")]
    Malformed,
    /// A private key, but of another algorithm, curve or size.
    #[error("the private key is not of the key spec")]
    OtherKeySpec,
    /// Of the right algorithm, but its content cannot be read, is out of range, or contradicts itself.
    #[error("the private key is inconsistent or out of range")]
    Unacceptable,
}

/// Why bytes are not the public key that was asked for.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidPublicKey {
    /// The key spec has no key pair, or none here: it is symmetric, or SM2.
    #[error("{0} is no key spec of a key pair that can be read here")]
    UnsupportedKeySpec(KeySpec),
    /// Not one `SubjectPublicKeyInfo` in DER, whole and with nothing after it.
    #[error("the public key is not SubjectPublicKeyInfo in DER")]
    Malformed,
    /// A public key, but of another algorithm, curve or size.
    #[error("the public key is not of the key spec")]
    OtherKeySpec,
    /// Of the right algorithm, but its content cannot be read or is out of range.
    #[error("the public key is out of range")]
    Unacceptable,
}

/// A private key whose public key is no good is no good itself, and for the same reason.
impl From<InvalidPublicKey> for InvalidPrivateKey {
    fn from(error: InvalidPublicKey) -> Self {
        match error {
            InvalidPublicKey::UnsupportedKeySpec(spec) => Self::UnsupportedKeySpec(spec),
            InvalidPublicKey::OtherKeySpec => Self::OtherKeySpec,
            InvalidPublicKey::Malformed | InvalidPublicKey::Unacceptable => Self::Unacceptable,
        }
    }
}
