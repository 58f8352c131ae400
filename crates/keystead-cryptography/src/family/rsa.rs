//! RSA keys: RSASSA-PKCS1-v1_5, RSASSA-PSS, RSAES-OAEP (RFC 8017).

use std::sync::OnceLock;

use aws_lc_rs::digest::{self, Digest};
use aws_lc_rs::encoding::{AsDer, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{
    KeyPair, KeySize, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey, PublicEncryptingKey,
};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaParameters, RsaSignatureEncoding, UnparsedPublicKey,
};
use der::asn1::UintRef;
use der::{AnyRef, Decode};
use keystead_model::kms::{EncryptionAlgorithmSpec, SigningAlgorithmSpec};
use zeroize::Zeroizing;

use super::{Signing, Verifying};
use crate::encryption::{oaep, oaep_decrypt};
use crate::signing::import_digest;
use crate::{
    CryptographyError, DecryptionError, EncryptionError, InvalidPrivateKey, InvalidPublicKey, Message, SignatureError,
};

/// Length in bytes of 2^16 + 1, the least public exponent that is taken: an odd number of fewer bytes is less.
const MIN_EXPONENT_BYTES: usize = 3;

/// How one signing algorithm is called in aws-lc. Its PSS signs with a salt as long as the hash, and takes no other.
struct Scheme {
    digest: &'static digest::Algorithm,
    signing: &'static RsaSignatureEncoding,
    verification: &'static RsaParameters,
}

impl Scheme {
    fn of(algorithm: SigningAlgorithmSpec) -> Result<Self, SignatureError> {
        use SigningAlgorithmSpec as A;
        let (digest, signing, verification) = match algorithm {
            A::RsassaPkcs1V15Sha256 => (&digest::SHA256, &RSA_PKCS1_SHA256, &RSA_PKCS1_2048_8192_SHA256),
            A::RsassaPkcs1V15Sha384 => (&digest::SHA384, &RSA_PKCS1_SHA384, &RSA_PKCS1_2048_8192_SHA384),
            A::RsassaPkcs1V15Sha512 => (&digest::SHA512, &RSA_PKCS1_SHA512, &RSA_PKCS1_2048_8192_SHA512),
            A::RsassaPssSha256 => (&digest::SHA256, &RSA_PSS_SHA256, &RSA_PSS_2048_8192_SHA256),
            A::RsassaPssSha384 => (&digest::SHA384, &RSA_PSS_SHA384, &RSA_PSS_2048_8192_SHA384),
            A::RsassaPssSha512 => (&digest::SHA512, &RSA_PSS_SHA512, &RSA_PSS_2048_8192_SHA512),
            A::EcdsaSha256
            | A::EcdsaSha384
            | A::EcdsaSha512
            | A::Sm2dsa
            | A::MlDsaShake256
            | A::Ed25519Sha512
            | A::Ed25519PhSha512 => return Err(SignatureError::AlgorithmNotOfKey),
        };
        Ok(Self { digest, signing, verification })
    }

    fn input<'a>(&self, message: Message<'a>) -> Result<Input<'a>, SignatureError> {
        match message {
            Message::Raw(message) => Ok(Input::Message(message)),
            Message::Digest(digest) => Ok(Input::Digest(import_digest(self.digest, digest)?)),
            Message::ExternalMu(_) => Err(SignatureError::MessageTypeNotAllowed),
        }
    }
}

/// An RSA private key.
pub(super) struct RsaPrivateKey {
    signing: KeyPair,
    /// The same key for OAEP, made when it is first needed: a KMS key either signs or encrypts.
    decrypting: OnceLock<OaepPrivateDecryptingKey>,
}

impl RsaPrivateKey {
    pub(super) fn generate(size: KeySize) -> Result<Self, CryptographyError> {
        Ok(Self::new(KeyPair::generate(size).map_err(|_| CryptographyError::Library)?))
    }

    pub(super) fn from_pkcs8(der: &[u8]) -> Result<Self, InvalidPrivateKey> {
        Ok(Self::new(KeyPair::from_pkcs8(der).map_err(|_| InvalidPrivateKey::Unacceptable)?))
    }

    fn new(signing: KeyPair) -> Self {
        Self { signing, decrypting: OnceLock::new() }
    }

    fn decrypting(&self) -> Result<&OaepPrivateDecryptingKey, CryptographyError> {
        if let Some(key) = self.decrypting.get() {
            return Ok(key);
        }
        let key = PrivateDecryptingKey::from_pkcs8(&self.to_pkcs8()?).map_err(|_| CryptographyError::Library)?;
        let key = OaepPrivateDecryptingKey::new(key).map_err(|_| CryptographyError::Library)?;
        Ok(self.decrypting.get_or_init(|| key))
    }
}

impl Signing for RsaPrivateKey {
    fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptographyError> {
        let der = self.signing.as_der().map_err(|_| CryptographyError::Library)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    fn public_key_der(&self) -> Result<Vec<u8>, CryptographyError> {
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(self.signing.public_key());
        Ok(der.map_err(|_| CryptographyError::Library)?.as_ref().to_vec())
    }

    fn sign(&self, algorithm: SigningAlgorithmSpec, message: Message<'_>) -> Result<Vec<u8>, SignatureError> {
        let scheme = Scheme::of(algorithm)?;
        let mut signature = vec![0; self.signing.public_modulus_len()];
        match scheme.input(message)? {
            Input::Message(message) => self.signing.sign(scheme.signing, &SystemRandom::new(), message, &mut signature),
            Input::Digest(digest) => self.signing.sign_digest(scheme.signing, &digest, &mut signature),
        }
        .map_err(|_| SignatureError::Library)?;
        Ok(signature)
    }

    fn decrypt(
        &self,
        algorithm: EncryptionAlgorithmSpec,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DecryptionError> {
        let oaep = oaep(algorithm).ok_or(DecryptionError::AlgorithmNotOfKey)?;
        let key = self.decrypting().map_err(|_| DecryptionError::Library)?;
        oaep_decrypt(key, oaep, ciphertext)
    }
}

/// An RSA public key of one of KMS's sizes.
pub(super) struct RsaPublicKey {
    /// Read anew for each signature: aws-lc binds a parsed key to one of the six signing algorithms, and reading costs little beside
    /// verifying.
    der: Box<[u8]>,
    encrypting: OaepPublicEncryptingKey,
}

impl RsaPublicKey {
    pub(super) fn from_der(size: KeySize, der: &[u8], content: &[u8]) -> Result<Self, InvalidPublicKey> {
        check_numbers(size, content)?;
        let key = PublicEncryptingKey::from_der(der).map_err(|_| InvalidPublicKey::Unacceptable)?;
        let encrypting = OaepPublicEncryptingKey::new(key).map_err(|_| InvalidPublicKey::Unacceptable)?;
        Ok(Self { der: der.into(), encrypting })
    }
}

impl Verifying for RsaPublicKey {
    fn verify(
        &self,
        algorithm: SigningAlgorithmSpec,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<bool, SignatureError> {
        let scheme = Scheme::of(algorithm)?;
        let public_key = UnparsedPublicKey::new(scheme.verification, &self.der);
        let verdict = match scheme.input(message)? {
            Input::Message(message) => public_key.verify(message, signature),
            Input::Digest(digest) => public_key.verify_digest(&digest, signature),
        };
        Ok(verdict.is_ok())
    }

    fn encrypt(&self, algorithm: EncryptionAlgorithmSpec, plaintext: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        let oaep = oaep(algorithm).ok_or(EncryptionError::AlgorithmNotOfKey)?;
        let max_bytes = self.encrypting.max_plaintext_size(oaep);
        if plaintext.len() > max_bytes {
            return Err(EncryptionError::PlaintextTooLong { max_bytes });
        }
        let mut ciphertext = vec![0; self.encrypting.ciphertext_size()];
        self.encrypting.encrypt(oaep, plaintext, &mut ciphertext, None).map_err(|_| EncryptionError::Library)?;
        Ok(ciphertext)
    }
}

/// What is signed or verified.
enum Input<'a> {
    Message(&'a [u8]),
    Digest(Digest),
}

/// The modulus has all its bits: one of 2047 also fills 256 bytes. FIPS 186-5 wants an odd public exponent above 2^16, and aws-lc refuses
/// even ones and those of more than 33 bits. That KMS refuses 3 is unverified.
fn check_numbers(size: KeySize, public_key: &[u8]) -> Result<(), InvalidPublicKey> {
    let (modulus, exponent) = modulus_and_exponent(public_key).map_err(|_| InvalidPublicKey::Unacceptable)?;
    if modulus.len() != size.len() || modulus.first().is_none_or(|first| first & 0x80 == 0) {
        return Err(InvalidPublicKey::OtherKeySpec);
    }
    if exponent.len() < MIN_EXPONENT_BYTES { Err(InvalidPublicKey::Unacceptable) } else { Ok(()) }
}

/// The two numbers of an `RSAPublicKey` (RFC 8017), without leading zeros.
fn modulus_and_exponent(public_key: &[u8]) -> der::Result<(&[u8], &[u8])> {
    AnyRef::from_der(public_key)?
        .sequence(|reader| Ok((UintRef::decode(reader)?.as_bytes(), UintRef::decode(reader)?.as_bytes())))
}
