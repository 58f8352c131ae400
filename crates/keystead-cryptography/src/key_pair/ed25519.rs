//! Ed25519 keys: Ed25519 and Ed25519ph (RFC 8032).

use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair as _, ParsedPublicKey};
// aws-lc-rs has no Ed25519ph. Only that is this crate's.
use ed25519_dalek::{Digest as _, Sha512, Signature, SigningKey};
use keystead_model::kms::SigningAlgorithmSpec;
use zeroize::Zeroizing;

use crate::private_key_info::{self, Parameters};
use crate::signing::signing_digest_bytes;
use crate::{CryptographyError, InvalidPrivateKey, Message, SignatureError};

/// An Ed25519 private key.
pub(super) struct Ed25519 {
    signing: Ed25519KeyPair,
    verifying: ParsedPublicKey,
    /// The same key for Ed25519ph.
    prehash: SigningKey,
}

impl Ed25519 {
    pub(super) fn generate() -> Result<Self, CryptographyError> {
        Self::new(Ed25519KeyPair::generate().map_err(|_| CryptographyError::Library)?)
    }

    /// PKCS #8 without the public key (RFC 5208, as OpenSSL writes it) or with it (RFC 5958).
    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, InvalidPrivateKey> {
        private_key_info::open(der, private_key_info::ED25519, Parameters::Absent)?;
        let signing = Ed25519KeyPair::from_pkcs8(der).map_err(|_| InvalidPrivateKey::Unacceptable)?;
        Self::new(signing).map_err(|_| InvalidPrivateKey::Unacceptable)
    }

    fn new(signing: Ed25519KeyPair) -> Result<Self, CryptographyError> {
        let verifying = ParsedPublicKey::new(&ED25519, signing.public_key()).map_err(|_| CryptographyError::Library)?;
        let prehash = SigningKey::from_bytes(&*seed(&signing)?);
        Ok(Self { signing, verifying, prehash })
    }

    pub(super) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptographyError> {
        let der = self.signing.to_pkcs8v1().map_err(|_| CryptographyError::Library)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    pub(super) fn public_key_der(&self) -> Result<Vec<u8>, CryptographyError> {
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(self.signing.public_key());
        Ok(der.map_err(|_| CryptographyError::Library)?.as_ref().to_vec())
    }

    pub(super) fn sign(
        &self,
        algorithm: SigningAlgorithmSpec,
        message: Message<'_>,
    ) -> Result<Vec<u8>, SignatureError> {
        match Input::of(algorithm, message)? {
            Input::Pure(message) => {
                Ok(self.signing.try_sign(message).map_err(|_| SignatureError::Library)?.as_ref().to_vec())
            }
            Input::Prehash(hash) => {
                let signature = self.prehash.sign_prehashed(hash, None).map_err(|_| SignatureError::Library)?;
                Ok(signature.to_bytes().to_vec())
            }
        }
    }

    pub(super) fn verify(
        &self,
        algorithm: SigningAlgorithmSpec,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<bool, SignatureError> {
        match Input::of(algorithm, message)? {
            Input::Pure(message) => Ok(self.verifying.verify_sig(message, signature).is_ok()),
            Input::Prehash(hash) => Ok(Signature::from_slice(signature)
                .is_ok_and(|signature| self.prehash.verify_prehashed(hash, None, &signature).is_ok())),
        }
    }
}

/// What one of the two algorithms signs.
enum Input<'a> {
    Pure(&'a [u8]),
    /// SHA-512 over what KMS calls the digest: for Ed25519ph that is the message.
    Prehash(Sha512),
}

impl<'a> Input<'a> {
    fn of(algorithm: SigningAlgorithmSpec, message: Message<'a>) -> Result<Self, SignatureError> {
        match (algorithm, message) {
            (SigningAlgorithmSpec::Ed25519Sha512, Message::Raw(message)) => Ok(Self::Pure(message)),
            (SigningAlgorithmSpec::Ed25519PhSha512, Message::Digest(digest)) => match signing_digest_bytes(algorithm) {
                Some(expected) if digest.len() != expected => Err(SignatureError::WrongDigestLength { expected }),
                _ => Ok(Self::Prehash(Sha512::new_with_prefix(digest))),
            },
            (SigningAlgorithmSpec::Ed25519Sha512 | SigningAlgorithmSpec::Ed25519PhSha512, _) => {
                Err(SignatureError::MessageTypeNotAllowed)
            }
            _ => Err(SignatureError::AlgorithmNotOfKey),
        }
    }
}

fn seed(key: &Ed25519KeyPair) -> Result<Zeroizing<[u8; 32]>, CryptographyError> {
    use aws_lc_rs::encoding::{AsBigEndian, Curve25519SeedBin};
    let seed = key.seed().map_err(|_| CryptographyError::Library)?;
    let seed: Curve25519SeedBin<'_> = seed.as_be_bytes().map_err(|_| CryptographyError::Library)?;
    let mut bytes = Zeroizing::new([0; 32]);
    if seed.as_ref().len() != bytes.len() {
        return Err(CryptographyError::Library);
    }
    bytes.copy_from_slice(seed.as_ref());
    Ok(bytes)
}
