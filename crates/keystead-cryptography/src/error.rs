//! What goes wrong when a key is made or read.

use keystead_model::kms::KeySpec;

/// Why a key was not made, or not written.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum CryptographyError {
    /// The key spec has no such key here: a symmetric key spec, or SM2, which is for China Regions only.
    #[error("{0} is no key spec of a key pair that can be made here")]
    UnsupportedKeySpec(KeySpec),
    /// The cryptographic library failed: no memory, no random numbers.
    #[error("the cryptographic library failed")]
    Library,
}

/// Why bytes are not the private key that was asked for. Tells nothing of the key.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum InvalidPrivateKey {
    /// The key spec is none of a key pair: symmetric, or SM2.
    #[error("{0} is no key spec of a key pair")]
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
