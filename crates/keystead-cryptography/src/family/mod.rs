//! The families of asymmetric algorithms, one file each, and what each can do.

pub(crate) mod ec;
mod ed25519;
mod ml_dsa;
mod rsa;

use aws_lc_rs::rsa::KeySize;
use keystead_model::kms::{EncryptionAlgorithmSpec, KeySpec, SigningAlgorithmSpec};
use zeroize::Zeroizing;

use crate::algorithm_identifier::{self, AlgorithmIdentifier};
use crate::{
    AgreementError, CryptographyError, DecryptionError, EncryptionError, InvalidPrivateKey, InvalidPublicKey, Message,
    SignatureError,
};

/// A private key. Every family signs; what only some can do is refused by default.
pub(crate) trait Signing: Send + Sync {
    fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptographyError>;

    /// `SubjectPublicKeyInfo` in DER.
    fn public_key_der(&self) -> Result<Vec<u8>, CryptographyError>;

    fn sign(&self, algorithm: SigningAlgorithmSpec, message: Message<'_>) -> Result<Vec<u8>, SignatureError>;

    fn decrypt(
        &self,
        _algorithm: EncryptionAlgorithmSpec,
        _ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DecryptionError> {
        Err(DecryptionError::AlgorithmNotOfKey)
    }

    fn agree(&self, _peer_spki_der: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgreementError> {
        Err(AgreementError::NotAnAgreementKey)
    }
}

/// A public key. Every family verifies.
pub(crate) trait Verifying: Send + Sync {
    fn verify(
        &self,
        algorithm: SigningAlgorithmSpec,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<bool, SignatureError>;

    fn encrypt(&self, _algorithm: EncryptionAlgorithmSpec, _plaintext: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        Err(EncryptionError::AlgorithmNotOfKey)
    }
}

/// Which family a key spec is of, and which member.
pub(crate) enum Family {
    Rsa(KeySize),
    Ec(&'static ec::Curve),
    Ed25519,
    MlDsa(&'static ml_dsa::ParameterSet),
}

impl Family {
    /// `None` for key specs without key pairs, and for SM2, which is for China Regions only.
    pub(crate) fn of(spec: KeySpec) -> Option<Self> {
        match spec {
            KeySpec::Rsa2048 => Some(Self::Rsa(KeySize::Rsa2048)),
            KeySpec::Rsa3072 => Some(Self::Rsa(KeySize::Rsa3072)),
            KeySpec::Rsa4096 => Some(Self::Rsa(KeySize::Rsa4096)),
            KeySpec::EccNistP256 => Some(Self::Ec(&ec::P256)),
            KeySpec::EccNistP384 => Some(Self::Ec(&ec::P384)),
            KeySpec::EccNistP521 => Some(Self::Ec(&ec::P521)),
            KeySpec::EccSecgP256k1 => Some(Self::Ec(&ec::P256K1)),
            KeySpec::EccNistEdwards25519 => Some(Self::Ed25519),
            KeySpec::MlDsa44 => Some(Self::MlDsa(&ml_dsa::ML_DSA_44)),
            KeySpec::MlDsa65 => Some(Self::MlDsa(&ml_dsa::ML_DSA_65)),
            KeySpec::MlDsa87 => Some(Self::MlDsa(&ml_dsa::ML_DSA_87)),
            KeySpec::SymmetricDefault
            | KeySpec::Hmac224
            | KeySpec::Hmac256
            | KeySpec::Hmac384
            | KeySpec::Hmac512
            | KeySpec::Sm2 => None,
        }
    }

    /// What keys of it say they are.
    pub(crate) fn identifier(&self) -> &'static AlgorithmIdentifier {
        match self {
            Self::Rsa(_) => &algorithm_identifier::RSA,
            Self::Ec(curve) => curve.identifier,
            Self::Ed25519 => &algorithm_identifier::ED25519,
            Self::MlDsa(set) => set.identifier,
        }
    }

    pub(crate) fn generate(&self) -> Result<Box<dyn Signing>, CryptographyError> {
        Ok(match self {
            Self::Rsa(size) => Box::new(rsa::RsaPrivateKey::generate(*size)?),
            Self::Ec(curve) => Box::new(ec::EcPrivateKey::generate(curve)?),
            Self::Ed25519 => Box::new(ed25519::Ed25519PrivateKey::generate()?),
            Self::MlDsa(set) => Box::new(ml_dsa::MlDsaPrivateKey::generate(set)?),
        })
    }

    /// From PKCS #8 whose identifier has been checked; `content` is the one DER value in it.
    pub(crate) fn read_private_key(&self, der: &[u8], content: &[u8]) -> Result<Box<dyn Signing>, InvalidPrivateKey> {
        Ok(match self {
            Self::Rsa(_) => Box::new(rsa::RsaPrivateKey::from_pkcs8(der)?),
            Self::Ec(curve) => Box::new(ec::EcPrivateKey::from_pkcs8(curve, der)?),
            Self::Ed25519 => Box::new(ed25519::Ed25519PrivateKey::from_pkcs8(der)?),
            Self::MlDsa(set) => Box::new(ml_dsa::MlDsaPrivateKey::from_pkcs8(set, der, content)?),
        })
    }

    /// From `SubjectPublicKeyInfo` whose identifier has been checked; `content` is the key in it.
    pub(crate) fn read_public_key(&self, der: &[u8], content: &[u8]) -> Result<Box<dyn Verifying>, InvalidPublicKey> {
        Ok(match self {
            Self::Rsa(size) => Box::new(rsa::RsaPublicKey::from_der(*size, der, content)?),
            Self::Ec(curve) => Box::new(ec::EcPublicKey::from_point(curve, content)?),
            Self::Ed25519 => Box::new(ed25519::Ed25519PublicKey::from_bytes(content)?),
            Self::MlDsa(set) => Box::new(ml_dsa::MlDsaPublicKey::from_bytes(set, content)?),
        })
    }
}
