//! Which keys a cryptographic operation takes, by their usage and their key spec (KMS core digest 3.3).
//!
//! Keys in custom key stores are symmetric encryption keys, and callers are told of them what they are told of any such key.

use std::fmt::Display;

use keystead_cryptography::key_spec;
use keystead_model::kms::{EncryptionAlgorithmSpec, EncryptionContext, Exception, KeySpec, KeyUsageType};

use crate::error::KmsError;
use crate::key::Key;

use KeyUsageType::{EncryptDecrypt, GenerateVerifyMac, KeyAgreement, SignVerify};

/// The usage that an operation needs. GetPublicKey takes keys of each usage, if they are key pairs.
static NEEDED_USAGES: &[(&str, KeyUsageType)] = &[
    ("Decrypt", EncryptDecrypt),
    ("DeriveSharedSecret", KeyAgreement),
    ("Encrypt", EncryptDecrypt),
    ("GenerateDataKey", EncryptDecrypt),
    ("GenerateDataKeyPair", EncryptDecrypt),
    ("GenerateDataKeyPairWithoutPlaintext", EncryptDecrypt),
    ("GenerateDataKeyWithoutPlaintext", EncryptDecrypt),
    ("GenerateMac", GenerateVerifyMac),
    ("ReEncrypt", EncryptDecrypt),
    ("Sign", SignVerify),
    ("Verify", SignVerify),
    ("VerifyMac", GenerateVerifyMac),
];

/// `InvalidKeyUsageException` unless the key is for what `operation` does.
pub(super) fn check_key_usage(operation: &str, key: &Key) -> Result<(), KmsError> {
    let row = NEEDED_USAGES.iter().find(|(name, _)| *name == operation);
    let Some((_, needed)) = row else {
        return Err(KmsError::internal(&format!("{operation} has no row in the table of key usages")));
    };
    if key.usage == *needed {
        return Ok(());
    }
    let message = format!("{} key usage is {} which is not valid for {operation}.", key.arn(), key.usage);
    Err(KmsError::new(Exception::InvalidKeyUsage, message))
}

/// `InvalidKeyUsageException` unless the algorithm is one of the key's, which are `of_key`.
pub(super) fn check_algorithm<A: Copy + PartialEq + Display>(
    algorithm: A,
    of_key: &[A],
    spec: KeySpec,
) -> Result<(), KmsError> {
    if of_key.contains(&algorithm) {
        return Ok(());
    }
    let message = format!("Algorithm {algorithm} is incompatible with key spec {spec}.");
    Err(KmsError::new(Exception::InvalidKeyUsage, message))
}

/// The same for the algorithm of an encryption.
pub(super) fn check_encryption_algorithm(algorithm: EncryptionAlgorithmSpec, key: &Key) -> Result<(), KmsError> {
    check_algorithm(algorithm, key_spec::encryption_algorithms(key.spec, key.usage), key.spec)
}

/// Refuses an encryption context where nothing authenticates one. An empty one is none.
///
/// The text is unverified: others report it of AWS KMS.
pub(super) fn check_encryption_context(
    algorithm: EncryptionAlgorithmSpec,
    context: &EncryptionContext,
) -> Result<(), KmsError> {
    if algorithm == EncryptionAlgorithmSpec::SymmetricDefault || context.is_empty() {
        return Ok(());
    }
    Err(KmsError::validation("EncryptionContext is not supported when encrypting/decrypting with asymmetric CMKs."))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every operation that declares the exception has its row, but for GetPublicKey.
    #[test]
    fn the_table_is_whole() {
        let declare = keystead_model::shape::operations()
            .iter()
            .filter(|operation| operation.errors.contains(&Exception::InvalidKeyUsage.name()))
            .map(|operation| operation.name)
            .filter(|name| *name != "GetPublicKey");
        let mut declared: Vec<&str> = declare.collect();
        declared.sort_unstable();
        assert_eq!(NEEDED_USAGES.iter().map(|(name, _)| *name).collect::<Vec<_>>(), declared);
    }
}
