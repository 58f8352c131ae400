//! The keys that wrap key material on its way into KMS (KMS Developer Guide, "Importing key material").

use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use keystead_model::kms::{EncryptionAlgorithmSpec, KeySpec};
use zeroize::Zeroizing;

use crate::{CryptographyError, InvalidPrivateKey, KeyPair};

/// Size of a wrapping key: `WrappingKeySpec` but for SM2, which is for China Regions only.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WrappingKeySpec {
    /// `RSA_2048`
    Rsa2048,
    /// `RSA_3072`
    Rsa3072,
    /// `RSA_4096`
    Rsa4096,
}

impl WrappingKeySpec {
    fn key_spec(self) -> KeySpec {
        match self {
            Self::Rsa2048 => KeySpec::Rsa2048,
            Self::Rsa3072 => KeySpec::Rsa3072,
            Self::Rsa4096 => KeySpec::Rsa4096,
        }
    }

    /// Length of an RSA ciphertext in bytes.
    fn ciphertext_bytes(self) -> usize {
        match self {
            Self::Rsa2048 => 256,
            Self::Rsa3072 => 384,
            Self::Rsa4096 => 512,
        }
    }
}

/// How key material is wrapped: `WrappingAlgorithm` but for `RSAES_PKCS1_V1_5`, which KMS takes no more, and `SM2PKE`.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum WrappingAlgorithm {
    /// `RSAES_OAEP_SHA_1`: the key material, encrypted.
    RsaesOaepSha1,
    /// `RSAES_OAEP_SHA_256`: the key material, encrypted.
    RsaesOaepSha256,
    /// `RSA_AES_KEY_WRAP_SHA_1`: an AES-256 key, encrypted, and the key material wrapped under it (RFC 5649).
    RsaAesKeyWrapSha1,
    /// `RSA_AES_KEY_WRAP_SHA_256`: an AES-256 key, encrypted, and the key material wrapped under it (RFC 5649).
    RsaAesKeyWrapSha256,
}

/// The bytes are not key material that was wrapped with this key and algorithm. Nothing tells in what they are wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the wrapped key material does not unwrap")]
pub struct UnwrapError;

/// An RSA key pair that wraps key material: GetParametersForImport gives the public key, ImportKeyMaterial needs the private one.
pub struct WrappingKey {
    spec: WrappingKeySpec,
    key_pair: KeyPair,
}

impl WrappingKey {
    /// Makes a new wrapping key.
    pub fn generate(spec: WrappingKeySpec) -> Result<Self, CryptographyError> {
        Ok(Self { spec, key_pair: KeyPair::generate(spec.key_spec())? })
    }

    /// Reads what [`Self::to_pkcs8`] wrote.
    pub fn from_pkcs8(spec: WrappingKeySpec, der: &[u8]) -> Result<Self, InvalidPrivateKey> {
        Ok(Self { spec, key_pair: KeyPair::from_pkcs8(spec.key_spec(), der)? })
    }

    /// The private key as PKCS #8 in DER.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptographyError> {
        self.key_pair.to_pkcs8()
    }

    /// The public key as `SubjectPublicKeyInfo` in DER.
    pub fn public_key_der(&self) -> &[u8] {
        self.key_pair.public_key_der()
    }

    /// Unwraps key material. One error, whatever is wrong.
    pub fn unwrap(&self, algorithm: WrappingAlgorithm, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
        match algorithm {
            WrappingAlgorithm::RsaesOaepSha1 => self.decrypt(EncryptionAlgorithmSpec::RsaesOaepSha1, encrypted),
            WrappingAlgorithm::RsaesOaepSha256 => self.decrypt(EncryptionAlgorithmSpec::RsaesOaepSha256, encrypted),
            WrappingAlgorithm::RsaAesKeyWrapSha1 => {
                self.unwrap_under_aes_key(EncryptionAlgorithmSpec::RsaesOaepSha1, encrypted)
            }
            WrappingAlgorithm::RsaAesKeyWrapSha256 => {
                self.unwrap_under_aes_key(EncryptionAlgorithmSpec::RsaesOaepSha256, encrypted)
            }
        }
    }

    fn unwrap_under_aes_key(
        &self,
        algorithm: EncryptionAlgorithmSpec,
        encrypted: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
        let (aes_key, wrapped) = encrypted.split_at_checked(self.spec.ciphertext_bytes()).ok_or(UnwrapError)?;
        unwrap_with_padding(&self.decrypt(algorithm, aes_key)?, wrapped)
    }

    fn decrypt(
        &self,
        algorithm: EncryptionAlgorithmSpec,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
        self.key_pair.decrypt(algorithm, ciphertext).map_err(|_| UnwrapError)
    }
}

/// AES key wrap with padding (RFC 5649), with a key of 256 bits.
fn unwrap_with_padding(aes_key: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
    let key = AesKek::new(&AES_256, aes_key).map_err(|_| UnwrapError)?;
    let mut unwrapped = Zeroizing::new(vec![0; wrapped.len()]);
    let length = key.unwrap_with_padding(wrapped, &mut unwrapped).map_err(|_| UnwrapError)?.len();
    // On drop, Zeroizing clears a vector's whole capacity, so also what is cut off here.
    unwrapped.truncate(length);
    Ok(unwrapped)
}
