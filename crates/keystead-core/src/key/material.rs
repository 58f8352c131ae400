//! Key material of every kind of KMS key, ready for use.

use std::fmt;

use keystead_cryptography::{CryptographyError, HmacKey, KeyPair};
use keystead_model::kms::KeySpec;
use zeroize::Zeroizing;

use super::SymmetricMaterial;
use crate::port::Entropy;

/// Key material. Held in types that zero it on drop and do not print it.
pub enum KeyMaterial {
    /// Of a symmetric encryption key.
    Symmetric(SymmetricMaterial),
    /// Of an HMAC key.
    Hmac(HmacKey),
    /// Of an asymmetric key.
    KeyPair(Box<KeyPair>),
}

impl fmt::Debug for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("KeyMaterial(..)")
    }
}

impl KeyMaterial {
    /// Makes new material. Of RSA keys this takes up to seconds: see [`super::generate_material`].
    pub fn generate(spec: KeySpec, entropy: &dyn Entropy) -> Result<Self, CryptographyError> {
        Ok(match spec {
            KeySpec::SymmetricDefault => Self::Symmetric(SymmetricMaterial::generate(entropy)),
            KeySpec::Hmac224 | KeySpec::Hmac256 | KeySpec::Hmac384 | KeySpec::Hmac512 => Self::Hmac(
                HmacKey::generate(spec, |bytes| entropy.fill(bytes)).map_err(|_| CryptographyError::Library)?,
            ),
            _ => Self::KeyPair(Box::new(KeyPair::generate(spec)?)),
        })
    }

    /// Takes material that was stored or imported: 32 bytes, the bytes of an HMAC key, or PKCS #8 of a key pair. `None` if it is not of this
    /// key spec.
    pub fn restore(spec: KeySpec, bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        match spec {
            KeySpec::SymmetricDefault => SymmetricMaterial::restore(bytes).map(Self::Symmetric),
            KeySpec::Hmac224 | KeySpec::Hmac256 | KeySpec::Hmac384 | KeySpec::Hmac512 => {
                HmacKey::from_bytes(spec, bytes).ok().map(Self::Hmac)
            }
            _ => KeyPair::from_pkcs8(spec, &bytes).ok().map(|pair| Self::KeyPair(Box::new(pair))),
        }
    }

    /// What [`KeyMaterial::restore`] takes, to be sealed. Of a key pair the same bytes however it was written when it was imported.
    pub fn expose(&self) -> Result<Zeroizing<Vec<u8>>, CryptographyError> {
        match self {
            Self::Symmetric(material) => Ok(Zeroizing::new(material.expose().to_vec())),
            Self::Hmac(key) => Ok(Zeroizing::new(key.expose().to_vec())),
            Self::KeyPair(pair) => pair.to_pkcs8(),
        }
    }
}
