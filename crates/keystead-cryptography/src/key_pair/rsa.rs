//! RSA keys: RSASSA-PKCS1-v1_5, RSASSA-PSS, RSAES-OAEP (RFC 8017).

use std::sync::OnceLock;

use aws_lc_rs::encoding::AsDer;
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::{KeyPair, KeySize, OaepPrivateDecryptingKey, OaepPublicEncryptingKey, PrivateDecryptingKey};
use aws_lc_rs::signature::{
    KeyPair as _, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384, RSA_PKCS1_2048_8192_SHA512, RSA_PKCS1_SHA256,
    RSA_PKCS1_SHA384, RSA_PKCS1_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384, RSA_PSS_2048_8192_SHA512,
    RSA_PSS_SHA256, RSA_PSS_SHA384, RSA_PSS_SHA512, RsaParameters, RsaSignatureEncoding, UnparsedPublicKey,
};
use aws_lc_rs::{digest, signature};
use der::asn1::UintRef;
use der::{AnyRef, Decode};
use keystead_model::kms::{EncryptionAlgorithmSpec, SigningAlgorithmSpec};
use zeroize::Zeroizing;

use crate::encryption::{oaep, oaep_decrypt};
use crate::private_key_info::{self, Parameters};
use crate::{CryptographyError, DecryptionError, EncryptionError, InvalidPrivateKey, Message, SignatureError};

/// Length in bytes of the least public exponent that is taken, 2^16 + 1, and of no smaller odd number that FIPS 186-5 allows.
const MIN_EXPONENT_BYTES: usize = 3;

/// How one signing algorithm is called in aws-lc.
struct Scheme {
    digest: &'static digest::Algorithm,
    signing: &'static RsaSignatureEncoding,
    verification: &'static RsaParameters,
}

/// aws-lc's PSS has a salt as long as the hash, and verifies that.
fn scheme(algorithm: SigningAlgorithmSpec) -> Option<Scheme> {
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
        | A::Ed25519PhSha512 => return None,
    };
    Some(Scheme { digest, signing, verification })
}

/// An RSA private key of one of KMS's sizes.
pub(super) struct Rsa {
    signing: KeyPair,
    /// The same key for OAEP, made when it is first needed: a KMS key either signs or encrypts.
    decrypting: OnceLock<OaepPrivateDecryptingKey>,
}

impl Rsa {
    pub(super) fn generate(size: KeySize) -> Result<Self, CryptographyError> {
        let signing = KeyPair::generate(size).map_err(|_| CryptographyError::Library)?;
        Ok(Self { signing, decrypting: OnceLock::new() })
    }

    pub(super) fn from_pkcs8(size: KeySize, der: &[u8]) -> Result<Self, InvalidPrivateKey> {
        private_key_info::open(der, private_key_info::RSA_ENCRYPTION, Parameters::Null)?;
        let signing = KeyPair::from_pkcs8(der).map_err(|_| InvalidPrivateKey::Unacceptable)?;
        let key = Self { signing, decrypting: OnceLock::new() };
        key.check_public_key(size)?;
        Ok(key)
    }

    /// The modulus has all its bits: a 2047-bit one also fills 256 bytes. FIPS 186-5 wants an odd public exponent above 2^16, and aws-lc
    /// refuses even ones and those above 2^33. That KMS refuses 3 is unverified.
    fn check_public_key(&self, size: KeySize) -> Result<(), InvalidPrivateKey> {
        let (modulus, exponent) =
            modulus_and_exponent(self.signing.public_key().as_ref()).map_err(|_| InvalidPrivateKey::Unacceptable)?;
        if modulus.len() != size.len() || modulus.first().is_none_or(|first| first & 0x80 == 0) {
            return Err(InvalidPrivateKey::OtherKeySpec);
        }
        if exponent.len() < MIN_EXPONENT_BYTES { Err(InvalidPrivateKey::Unacceptable) } else { Ok(()) }
    }

    pub(super) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptographyError> {
        let der = self.signing.as_der().map_err(|_| CryptographyError::Library)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    pub(super) fn public_key_der(&self) -> Result<Vec<u8>, CryptographyError> {
        let der = AsDer::<aws_lc_rs::encoding::PublicKeyX509Der<'_>>::as_der(self.signing.public_key());
        Ok(der.map_err(|_| CryptographyError::Library)?.as_ref().to_vec())
    }

    pub(super) fn sign(
        &self,
        algorithm: SigningAlgorithmSpec,
        message: Message<'_>,
    ) -> Result<Vec<u8>, SignatureError> {
        let scheme = scheme(algorithm).ok_or(SignatureError::AlgorithmNotOfKey)?;
        let mut signature = vec![0; self.signing.public_modulus_len()];
        match message {
            Message::Raw(message) => self.signing.sign(scheme.signing, &SystemRandom::new(), message, &mut signature),
            Message::Digest(digest) => {
                self.signing.sign_digest(scheme.signing, &crate::digest::import(scheme.digest, digest)?, &mut signature)
            }
            Message::ExternalMu(_) => return Err(SignatureError::MessageTypeNotAllowed),
        }
        .map_err(|_| SignatureError::Library)?;
        Ok(signature)
    }

    /// The public key is read anew for each signature: aws-lc binds a parsed one to one of six algorithms, and reading it costs little
    /// beside the verification.
    pub(super) fn verify(
        &self,
        public_key_der: &[u8],
        algorithm: SigningAlgorithmSpec,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<bool, SignatureError> {
        let scheme = scheme(algorithm).ok_or(SignatureError::AlgorithmNotOfKey)?;
        let public_key = UnparsedPublicKey::new(
            scheme.verification as &'static dyn signature::VerificationAlgorithm,
            public_key_der,
        );
        let verdict = match message {
            Message::Raw(message) => public_key.verify(message, signature),
            Message::Digest(digest) => {
                public_key.verify_digest(&crate::digest::import(scheme.digest, digest)?, signature)
            }
            Message::ExternalMu(_) => return Err(SignatureError::MessageTypeNotAllowed),
        };
        Ok(verdict.is_ok())
    }

    pub(super) fn encrypt(
        &self,
        algorithm: EncryptionAlgorithmSpec,
        plaintext: &[u8],
    ) -> Result<Vec<u8>, EncryptionError> {
        let oaep = oaep(algorithm).ok_or(EncryptionError::AlgorithmNotOfKey)?;
        let der = self.public_key_der().map_err(|_| EncryptionError::Library)?;
        let key = aws_lc_rs::rsa::PublicEncryptingKey::from_der(&der).map_err(|_| EncryptionError::Library)?;
        let key = OaepPublicEncryptingKey::new(key).map_err(|_| EncryptionError::Library)?;
        let max_bytes = key.max_plaintext_size(oaep);
        if plaintext.len() > max_bytes {
            return Err(EncryptionError::PlaintextTooLong { max_bytes });
        }
        let mut ciphertext = vec![0; key.ciphertext_size()];
        key.encrypt(oaep, plaintext, &mut ciphertext, None).map_err(|_| EncryptionError::Library)?;
        Ok(ciphertext)
    }

    pub(super) fn decrypt(
        &self,
        algorithm: EncryptionAlgorithmSpec,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DecryptionError> {
        let oaep = oaep(algorithm).ok_or(DecryptionError::AlgorithmNotOfKey)?;
        let key = self.decrypting().map_err(|_| DecryptionError::Library)?;
        oaep_decrypt(key, oaep, ciphertext).map_err(|_| DecryptionError::InvalidCiphertext)
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

/// The two numbers of an `RSAPublicKey` (RFC 8017), without leading zeros.
fn modulus_and_exponent(public_key: &[u8]) -> der::Result<(&[u8], &[u8])> {
    AnyRef::from_der(public_key)?
        .sequence(|reader| Ok((UintRef::decode(reader)?.as_bytes(), UintRef::decode(reader)?.as_bytes())))
}
