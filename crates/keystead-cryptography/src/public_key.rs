//! Public keys: what anybody may do with a key pair.

use der::Decode;
use keystead_model::kms::{EncryptionAlgorithmSpec, KeySpec, SigningAlgorithmSpec};
use spki::SubjectPublicKeyInfoRef;

use crate::algorithm_identifier::Mismatch;
use crate::family::{Family, Verifying};
use crate::{EncryptionError, InvalidPublicKey, Message, SignatureError};

/// The public key of an asymmetric KMS key: it verifies and encrypts.
///
/// Read once and then used any number of times, from any thread.
pub struct PublicKey {
    spec: KeySpec,
    der: Box<[u8]>,
    key: Box<dyn Verifying>,
}

impl PublicKey {
    /// Reads a public key of `spec` from `SubjectPublicKeyInfo` in DER.
    ///
    /// The algorithm, curve and size must be the key spec's, and nothing may follow.
    pub fn from_der(spec: KeySpec, der: &[u8]) -> Result<Self, InvalidPublicKey> {
        let family = Family::of(spec).ok_or(InvalidPublicKey::UnsupportedKeySpec(spec))?;
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| InvalidPublicKey::Malformed)?;
        family.identifier().check(info.algorithm).map_err(|mismatch| match mismatch {
            Mismatch::OtherAlgorithm => InvalidPublicKey::OtherKeySpec,
            Mismatch::Parameters => InvalidPublicKey::Unacceptable,
        })?;
        let content = info.subject_public_key.as_bytes().ok_or(InvalidPublicKey::Unacceptable)?;
        Ok(Self { spec, der: der.into(), key: family.read_public_key(der, content)? })
    }

    /// The key spec.
    pub fn spec(&self) -> KeySpec {
        self.spec
    }

    /// `SubjectPublicKeyInfo` in DER.
    pub fn der(&self) -> &[u8] {
        &self.der
    }

    /// Whether `signature` is one on `message`. Any bytes may come as signature.
    pub fn verify(
        &self,
        algorithm: SigningAlgorithmSpec,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<bool, SignatureError> {
        self.key.verify(algorithm, message, signature)
    }

    /// Encrypts `plaintext` (at most [`max_plaintext_bytes`](crate::max_plaintext_bytes)). RSA only.
    pub fn encrypt(&self, algorithm: EncryptionAlgorithmSpec, plaintext: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        self.key.encrypt(algorithm, plaintext)
    }
}
