//! The material of a symmetric encryption key, and the encryption under it.
//!
//! Each message is encrypted under a key of its own: N = 16 random bytes, K || IV = KDF(material, N), AES-256-GCM(K, IV, AAD). So no
//! bound on GCM nonces limits how much one KMS key may encrypt. The KDF is NIST SP 800-108r1 in counter mode with HMAC-SHA-256,
//! the family that the AWS KMS cryptographic details name.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::hmac;
use std::fmt;
use zeroize::Zeroizing;

use crate::port::Entropy;

/// Length of key material in bytes (AES-256).
const MATERIAL_LENGTH: usize = 32;
/// Length of the per-message value N in bytes.
pub const NONCE_LENGTH: usize = 16;
/// Length of the GCM tag in bytes.
pub const TAG_LENGTH: usize = 16;

const GCM_KEY_LENGTH: usize = 32;
const GCM_IV_LENGTH: usize = 12;
const KDF_LABEL: &[u8] = b"keystead message key v1";

/// 32 bytes ready for use. They are zeroed on drop and there is no way to read them but [`SymmetricMaterial::expose`].
pub struct SymmetricMaterial {
    bytes: Zeroizing<Vec<u8>>,
    mac_key: hmac::Key,
}

impl fmt::Debug for SymmetricMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SymmetricMaterial(..)")
    }
}

/// Why a material did not do it.
#[derive(Clone, Copy, PartialEq, Eq, Debug, thiserror::Error)]
pub enum MaterialError {
    /// The ciphertext, the tag, N or the AAD is not what the encryption gave.
    #[error("the ciphertext does not authenticate")]
    DoesNotAuthenticate,
    /// The cryptographic module refused; not caused by the input.
    #[error("the cryptographic module could not encrypt")]
    Module,
}

impl SymmetricMaterial {
    /// Makes new material.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        let mut bytes = Zeroizing::new(vec![0; MATERIAL_LENGTH]);
        entropy.fill(&mut bytes);
        Self::from(bytes)
    }

    /// Takes material that was stored; `None` unless it is [`MATERIAL_LENGTH`] bytes.
    pub fn restore(bytes: Zeroizing<Vec<u8>>) -> Option<Self> {
        (bytes.len() == MATERIAL_LENGTH).then(|| Self::from(bytes))
    }

    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        let mac_key = hmac::Key::new(hmac::HMAC_SHA256, &bytes);
        Self { bytes, mac_key }
    }

    /// The bytes, to be sealed.
    pub fn expose(&self) -> &[u8] {
        &self.bytes
    }

    /// Encrypts `plaintext`: N (16 bytes), then the ciphertext, then the tag (16 bytes).
    pub fn encrypt(&self, plaintext: &[u8], aad: &[u8], entropy: &dyn Entropy) -> Result<Vec<u8>, MaterialError> {
        let mut message = Vec::with_capacity(NONCE_LENGTH + plaintext.len() + TAG_LENGTH);
        message.resize(NONCE_LENGTH, 0);
        entropy.fill(&mut message);
        let (key, iv) = self.message_key(&message)?;
        message.extend_from_slice(plaintext);
        let (_, body) = message.split_at_mut(NONCE_LENGTH);
        let tag = key.seal_in_place_separate_tag(iv, Aad::from(aad), body).map_err(|_| MaterialError::Module)?;
        message.extend_from_slice(tag.as_ref());
        Ok(message)
    }

    /// Decrypts what [`SymmetricMaterial::encrypt`] gave for the same `aad`.
    pub fn decrypt(&self, message: &[u8], aad: &[u8]) -> Result<Zeroizing<Vec<u8>>, MaterialError> {
        if message.len() < NONCE_LENGTH + TAG_LENGTH {
            return Err(MaterialError::DoesNotAuthenticate);
        }
        let (nonce, body) = message.split_at(NONCE_LENGTH);
        let (key, iv) = self.message_key(nonce)?;
        let mut body = Zeroizing::new(body.to_vec());
        let length =
            key.open_in_place(iv, Aad::from(aad), &mut body).map_err(|_| MaterialError::DoesNotAuthenticate)?.len();
        body.truncate(length);
        Ok(body)
    }

    /// SP 800-108r1, counter mode: block i = HMAC(material, i || label || 0x00 || N || length in bits), 44 bytes taken.
    fn message_key(&self, nonce: &[u8]) -> Result<(LessSafeKey, Nonce), MaterialError> {
        const OUTPUT_BITS: u32 = ((GCM_KEY_LENGTH + GCM_IV_LENGTH) * 8) as u32;
        let mut output = Zeroizing::new([0u8; 64]);
        for (index, block) in output.chunks_exact_mut(32).enumerate() {
            let mut mac = hmac::Context::with_key(&self.mac_key);
            mac.update(&(index as u32 + 1).to_be_bytes());
            mac.update(KDF_LABEL);
            mac.update(&[0]);
            mac.update(nonce);
            mac.update(&OUTPUT_BITS.to_be_bytes());
            block.copy_from_slice(mac.sign().as_ref());
        }
        let (key, rest) = output.split_at(GCM_KEY_LENGTH);
        let key = UnboundKey::new(&AES_256_GCM, key).map_err(|_| MaterialError::Module)?;
        let iv = Nonce::try_assume_unique_for_key(&rest[..GCM_IV_LENGTH]).map_err(|_| MaterialError::Module)?;
        Ok((LessSafeKey::new(key), iv))
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::port::SystemEntropy;

    #[test]
    fn round_trip_and_every_bit_counts() {
        let material = SymmetricMaterial::generate(&SystemEntropy);
        let message = material.encrypt(b"plain", b"aad", &SystemEntropy).unwrap();
        assert_eq!(message.len(), NONCE_LENGTH + 5 + TAG_LENGTH);
        assert_eq!(material.decrypt(&message, b"aad").unwrap().as_slice(), b"plain");
        assert!(material.decrypt(&message, b"aae").is_err());
        assert!(SymmetricMaterial::generate(&SystemEntropy).decrypt(&message, b"aad").is_err());
        for bit in 0..message.len() * 8 {
            let mut changed = message.clone();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert!(material.decrypt(&changed, b"aad").is_err(), "bit {bit}");
        }
        for length in 0..message.len() {
            assert!(material.decrypt(&message[..length], b"aad").is_err());
        }
    }

    /// The layout must never change: ciphertexts live as long as their keys. Computed with an independent implementation
    /// (Python's `cryptography`: KBKDFHMAC in counter mode, then AESGCM).
    #[test]
    fn a_known_ciphertext_still_decrypts() {
        let material = SymmetricMaterial::restore(Zeroizing::new((0u8..32).collect())).unwrap();
        let message = hex(KNOWN_CIPHERTEXT);
        assert_eq!(material.decrypt(&message, b"known aad").unwrap().as_slice(), b"known plaintext");
    }

    const KNOWN_CIPHERTEXT: &str =
        "6465666768696a6b6c6d6e6f707172731adac5c5d2c480469e7a2978e5791382f603a968f43dce1e1040c0e66c1d6f";

    fn hex(text: &str) -> Vec<u8> {
        (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
    }
}
