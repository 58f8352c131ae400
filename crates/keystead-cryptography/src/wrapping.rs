//! The keys that wrap key material on its way into KMS (KMS Developer Guide, "Importing key material").

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::key_wrap::{AES_256, AesKek, KeyWrapPadded};
use aws_lc_rs::rsa::{
    KeySize, OAEP_SHA1_MGF1SHA1, OAEP_SHA256_MGF1SHA256, OaepAlgorithm, OaepPrivateDecryptingKey, PrivateDecryptingKey,
};
use zeroize::Zeroizing;

use crate::encryption::oaep_decrypt;
use crate::private_key_info::{self, Parameters};
use crate::{CryptographyError, InvalidPrivateKey};

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
    fn size(self) -> KeySize {
        match self {
            Self::Rsa2048 => KeySize::Rsa2048,
            Self::Rsa3072 => KeySize::Rsa3072,
            Self::Rsa4096 => KeySize::Rsa4096,
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
    /// `RSA_AES_KEY_WRAP_SHA_1`: an AES-256 key, encrypted, and the key material under it (RFC 5649).
    RsaAesKeyWrapSha1,
    /// `RSA_AES_KEY_WRAP_SHA_256`: an AES-256 key, encrypted, and the key material under it (RFC 5649).
    RsaAesKeyWrapSha256,
}

impl WrappingAlgorithm {
    fn oaep(self) -> &'static OaepAlgorithm {
        match self {
            Self::RsaesOaepSha1 | Self::RsaAesKeyWrapSha1 => &OAEP_SHA1_MGF1SHA1,
            Self::RsaesOaepSha256 | Self::RsaAesKeyWrapSha256 => &OAEP_SHA256_MGF1SHA256,
        }
    }
}

/// The bytes are not key material that was wrapped with this key and algorithm. Nothing tells in what they are wrong.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
#[error("the wrapped key material does not unwrap")]
pub struct UnwrapError;

/// An RSA key pair that wraps key material: GetParametersForImport gives the public key, ImportKeyMaterial needs the private one.
pub struct WrappingKey {
    private_key: PrivateDecryptingKey,
    decrypting: OaepPrivateDecryptingKey,
    public_key_der: Box<[u8]>,
}

impl WrappingKey {
    /// Makes a new wrapping key.
    pub fn generate(spec: WrappingKeySpec) -> Result<Self, CryptographyError> {
        Self::new(PrivateDecryptingKey::generate(spec.size()).map_err(|_| CryptographyError::Library)?)
    }

    /// Reads what [`Self::to_pkcs8`] wrote.
    pub fn from_pkcs8(spec: WrappingKeySpec, der: &[u8]) -> Result<Self, InvalidPrivateKey> {
        private_key_info::open(der, private_key_info::RSA_ENCRYPTION, Parameters::Null)?;
        let private_key = PrivateDecryptingKey::from_pkcs8(der).map_err(|_| InvalidPrivateKey::Unacceptable)?;
        if private_key.key_size_bits() != spec.size().len() * 8 {
            return Err(InvalidPrivateKey::OtherKeySpec);
        }
        Self::new(private_key).map_err(|_| InvalidPrivateKey::Unacceptable)
    }

    fn new(private_key: PrivateDecryptingKey) -> Result<Self, CryptographyError> {
        let public_key_der = private_key.public_key().as_der().map_err(|_| CryptographyError::Library)?.as_ref().into();
        let decrypting = OaepPrivateDecryptingKey::new(private_key.clone()).map_err(|_| CryptographyError::Library)?;
        Ok(Self { private_key, decrypting, public_key_der })
    }

    /// The private key as PKCS #8 in DER.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptographyError> {
        let der = self.private_key.as_der().map_err(|_| CryptographyError::Library)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    /// The public key as `SubjectPublicKeyInfo` in DER.
    pub fn public_key_der(&self) -> &[u8] {
        &self.public_key_der
    }

    /// Unwraps key material. One error, whatever is wrong.
    pub fn unwrap(&self, algorithm: WrappingAlgorithm, encrypted: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
        match algorithm {
            WrappingAlgorithm::RsaesOaepSha1 | WrappingAlgorithm::RsaesOaepSha256 => self.decrypt(algorithm, encrypted),
            WrappingAlgorithm::RsaAesKeyWrapSha1 | WrappingAlgorithm::RsaAesKeyWrapSha256 => {
                let modulus_bytes = self.decrypting.key_size_bytes();
                let (wrapped_aes_key, wrapped) = encrypted.split_at_checked(modulus_bytes).ok_or(UnwrapError)?;
                unwrap_with_padding(&self.decrypt(algorithm, wrapped_aes_key)?, wrapped)
            }
        }
    }

    fn decrypt(&self, algorithm: WrappingAlgorithm, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
        oaep_decrypt(&self.decrypting, algorithm.oaep(), ciphertext).map_err(|_| UnwrapError)
    }
}

/// AES key wrap with padding (RFC 5649), with a key of 256 bits.
fn unwrap_with_padding(aes_key: &[u8], wrapped: &[u8]) -> Result<Zeroizing<Vec<u8>>, UnwrapError> {
    let key = AesKek::new(&AES_256, aes_key).map_err(|_| UnwrapError)?;
    let mut buffer = Zeroizing::new(vec![0; wrapped.len()]);
    let length = key.unwrap_with_padding(wrapped, &mut buffer).map_err(|_| UnwrapError)?.len();
    buffer.truncate(length);
    Ok(buffer)
}
