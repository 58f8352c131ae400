//! Ed25519 keys: Ed25519 and Ed25519ph (RFC 8032).

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
use der::Decode;
use der::asn1::OctetStringRef;
// aws-lc-rs has no Ed25519ph. Only that is this crate's.
use ed25519_dalek::{Digest as _, Sha512, Signature, SigningKey, VerifyingKey};
use keystead_model::kms::SigningAlgorithmSpec;
use pkcs8::PrivateKeyInfo;
use zeroize::Zeroizing;

use super::{Signing, Verifying};
use crate::signing::exact_bytes;
use crate::{CryptographyError, InvalidPrivateKey, InvalidPublicKey, Message, SignatureError};

/// An Ed25519 private key.
pub(super) struct Ed25519PrivateKey {
    signing: Ed25519KeyPair,
    /// The same key for Ed25519ph.
    prehash_signing: SigningKey,
}

impl Ed25519PrivateKey {
    pub(super) fn generate() -> Result<Self, CryptographyError> {
        Self::new(Ed25519KeyPair::generate().map_err(|_| CryptographyError::Library)?)
    }

    /// PKCS #8 without the public key (RFC 5208, as OpenSSL writes it) or with it (RFC 5958).
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, InvalidPrivateKey> {
        let signing = Ed25519KeyPair::from_pkcs8(der).map_err(|_| InvalidPrivateKey::Unacceptable)?;
        Self::new(signing).map_err(|_| InvalidPrivateKey::Unacceptable)
    }

    fn new(signing: Ed25519KeyPair) -> Result<Self, CryptographyError> {
        let seed = seed(&signing)?;
        Ok(Self { signing, prehash_signing: SigningKey::from_bytes(&seed) })
    }

    fn sign_prehashed(&self, hash: Sha512) -> Result<Vec<u8>, SignatureError> {
        let signature = self.prehash_signing.sign_prehashed(hash, None).map_err(|_| SignatureError::Library)?;
        Ok(signature.to_bytes().to_vec())
    }
}

impl Signing for Ed25519PrivateKey {
    fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptographyError> {
        let der = self.signing.to_pkcs8v1().map_err(|_| CryptographyError::Library)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    fn public_key_der(&self) -> Result<Vec<u8>, CryptographyError> {
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(self.signing.public_key());
        Ok(der.map_err(|_| CryptographyError::Library)?.as_ref().to_vec())
    }

    fn sign(&self, algorithm: SigningAlgorithmSpec, message: Message<'_>) -> Result<Vec<u8>, SignatureError> {
        match Input::of(algorithm, message)? {
            Input::Pure(message) => {
                Ok(self.signing.try_sign(message).map_err(|_| SignatureError::Library)?.as_ref().to_vec())
            }
            Input::Prehashed(hash) => self.sign_prehashed(hash),
        }
    }
}

/// An Ed25519 public key.
pub(super) struct Ed25519PublicKey {
    verifying: ParsedPublicKey,
    /// The same key for Ed25519ph.
    prehash_verifying: VerifyingKey,
}

impl Ed25519PublicKey {
    pub(super) fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidPublicKey> {
        let bytes: &[u8; 32] = bytes.try_into().map_err(|_| InvalidPublicKey::Unacceptable)?;
        let prehash_verifying = VerifyingKey::from_bytes(bytes).map_err(|_| InvalidPublicKey::Unacceptable)?;
        // A key of small order verifies signatures that nobody made.
        if prehash_verifying.is_weak() {
            return Err(InvalidPublicKey::Unacceptable);
        }
        let verifying = ParsedPublicKey::new(&ED25519, bytes).map_err(|_| InvalidPublicKey::Unacceptable)?;
        Ok(Self { verifying, prehash_verifying })
    }

    fn verify_prehashed(&self, hash: Sha512, signature: &[u8]) -> bool {
        let Ok(signature) = Signature::from_slice(signature) else { return false };
        self.prehash_verifying.verify_prehashed(hash, None, &signature).is_ok()
    }
}

impl Verifying for Ed25519PublicKey {
    fn verify(
        &self,
        algorithm: SigningAlgorithmSpec,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<bool, SignatureError> {
        match Input::of(algorithm, message)? {
            Input::Pure(message) => Ok(self.verifying.verify_sig(message, signature).is_ok()),
            Input::Prehashed(hash) => Ok(self.verify_prehashed(hash, signature)),
        }
    }
}

/// What is signed or verified.
enum Input<'a> {
    Pure(&'a [u8]),
    /// SHA-512 over what KMS calls the digest: to Ed25519ph that is the message.
    Prehashed(Sha512),
}

impl<'a> Input<'a> {
    fn of(algorithm: SigningAlgorithmSpec, message: Message<'a>) -> Result<Self, SignatureError> {
        match (algorithm, message) {
            (SigningAlgorithmSpec::Ed25519Sha512, Message::Raw(message)) => Ok(Self::Pure(message)),
            (SigningAlgorithmSpec::Ed25519PhSha512, Message::Digest(digest)) => {
                Ok(Self::Prehashed(Sha512::new_with_prefix(exact_bytes::<64>(digest)?)))
            }
            (SigningAlgorithmSpec::Ed25519Sha512 | SigningAlgorithmSpec::Ed25519PhSha512, _) => {
                Err(SignatureError::MessageTypeNotAllowed)
            }
            _ => Err(SignatureError::AlgorithmNotOfKey),
        }
    }
}

/// The seed, by way of PKCS #8, which aws-lc-rs zeroes: what its own call for the seed returns it does not.
fn seed(key: &Ed25519KeyPair) -> Result<Zeroizing<[u8; 32]>, CryptographyError> {
    let der = key.to_pkcs8v1().map_err(|_| CryptographyError::Library)?;
    let info = PrivateKeyInfo::from_der(der.as_ref()).map_err(|_| CryptographyError::Library)?;
    let seed = OctetStringRef::from_der(info.private_key).map_err(|_| CryptographyError::Library)?;
    Ok(Zeroizing::new(seed.as_bytes().try_into().map_err(|_| CryptographyError::Library)?))
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// RFC 8032, section 7.3. Its message has three bytes, and KMS takes 64: so by way of what both share.
    #[test]
    fn ed25519ph_of_rfc_8032() {
        let seed = "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42";
        let public_key = "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf";
        let signature = "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41\
                         31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406";
        let private_key = Ed25519KeyPair::from_seed_and_public_key(&hex(seed), &hex(public_key)).unwrap();
        let private_key = Ed25519PrivateKey::new(private_key).unwrap();
        let hash = || Sha512::new_with_prefix(b"abc");
        assert_eq!(private_key.sign_prehashed(hash()).unwrap(), hex(signature));
        let public_key = Ed25519PublicKey::from_bytes(&hex(public_key)).unwrap();
        assert!(public_key.verify_prehashed(hash(), &hex(signature)));
    }

    fn hex(digits: &str) -> Vec<u8> {
        (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
    }
}
