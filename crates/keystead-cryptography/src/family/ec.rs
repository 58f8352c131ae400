//! Elliptic curve keys on the NIST curves and secp256k1: ECDSA (FIPS 186-5) and ECDH (NIST SP 800-56A).

use std::sync::OnceLock;

use aws_lc_rs::encoding::{AsBigEndian, AsDer, EcPrivateKeyBin, PublicKeyX509Der};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1, ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P256K1_SHA256_ASN1, ECDSA_P256K1_SHA256_ASN1_SIGNING,
    ECDSA_P384_SHA384_ASN1, ECDSA_P384_SHA384_ASN1_SIGNING, ECDSA_P521_SHA512_ASN1, ECDSA_P521_SHA512_ASN1_SIGNING,
    EcdsaKeyPair, EcdsaSigningAlgorithm, EcdsaVerificationAlgorithm, KeyPair as _, ParsedPublicKey,
};
use aws_lc_rs::{agreement, digest};
use keystead_model::kms::SigningAlgorithmSpec;
use zeroize::Zeroizing;

use super::{Signing, Verifying};
use crate::agreement::peer_point;
use crate::algorithm_identifier::{self, AlgorithmIdentifier};
use crate::signing::import_digest;
use crate::{AgreementError, CryptographyError, InvalidPrivateKey, InvalidPublicKey, Message, SignatureError};

/// A curve with the one hash that KMS pairs it with.
pub(crate) struct Curve {
    pub(crate) identifier: &'static AlgorithmIdentifier,
    coordinate_bytes: usize,
    algorithm: SigningAlgorithmSpec,
    digest: &'static digest::Algorithm,
    signing: &'static EcdsaSigningAlgorithm,
    verification: &'static EcdsaVerificationAlgorithm,
    /// `None` for the curve that KMS agrees on no secrets with.
    agreement: Option<&'static agreement::Algorithm>,
}

/// `secp256r1`.
pub(super) static P256: Curve = Curve {
    identifier: &algorithm_identifier::P256,
    coordinate_bytes: 32,
    algorithm: SigningAlgorithmSpec::EcdsaSha256,
    digest: &digest::SHA256,
    signing: &ECDSA_P256_SHA256_ASN1_SIGNING,
    verification: &ECDSA_P256_SHA256_ASN1,
    agreement: Some(&agreement::ECDH_P256),
};

/// `secp384r1`.
pub(super) static P384: Curve = Curve {
    identifier: &algorithm_identifier::P384,
    coordinate_bytes: 48,
    algorithm: SigningAlgorithmSpec::EcdsaSha384,
    digest: &digest::SHA384,
    signing: &ECDSA_P384_SHA384_ASN1_SIGNING,
    verification: &ECDSA_P384_SHA384_ASN1,
    agreement: Some(&agreement::ECDH_P384),
};

/// `secp521r1`.
pub(super) static P521: Curve = Curve {
    identifier: &algorithm_identifier::P521,
    coordinate_bytes: 66,
    algorithm: SigningAlgorithmSpec::EcdsaSha512,
    digest: &digest::SHA512,
    signing: &ECDSA_P521_SHA512_ASN1_SIGNING,
    verification: &ECDSA_P521_SHA512_ASN1,
    agreement: Some(&agreement::ECDH_P521),
};

/// `secp256k1`.
pub(super) static P256K1: Curve = Curve {
    identifier: &algorithm_identifier::P256K1,
    coordinate_bytes: 32,
    algorithm: SigningAlgorithmSpec::EcdsaSha256,
    digest: &digest::SHA256,
    signing: &ECDSA_P256K1_SHA256_ASN1_SIGNING,
    verification: &ECDSA_P256K1_SHA256_ASN1,
    agreement: None,
};

impl Curve {
    fn check_algorithm(&self, algorithm: SigningAlgorithmSpec) -> Result<(), SignatureError> {
        if algorithm == self.algorithm { Ok(()) } else { Err(SignatureError::AlgorithmNotOfKey) }
    }

    /// Whether `point` is encoded as SEC 1 has it: compressed or not, but not in the hybrid form, which RFC 5480 forbids. Whether it is on
    /// the curve is not checked.
    pub(crate) fn has_encoding(&self, point: &[u8]) -> bool {
        match point {
            [0x04, coordinates @ ..] => coordinates.len() == 2 * self.coordinate_bytes,
            [0x02 | 0x03, coordinate @ ..] => coordinate.len() == self.coordinate_bytes,
            _ => false,
        }
    }
}

/// A private key on a curve.
pub(super) struct EcPrivateKey {
    curve: &'static Curve,
    signing: EcdsaKeyPair,
    /// The same key for ECDH, made when it is first needed: a KMS key either signs or agrees.
    agreeing: OnceLock<agreement::PrivateKey>,
}

impl EcPrivateKey {
    pub(super) fn generate(curve: &'static Curve) -> Result<Self, CryptographyError> {
        Ok(Self::new(curve, EcdsaKeyPair::generate(curve.signing).map_err(|_| CryptographyError::Library)?))
    }

    /// PKCS #8 with or without the public key (RFC 5915), which may be compressed.
    ///
    /// aws-lc remembers how the key was encoded, and would write it so again. Made anew from its numbers, a key is encoded in one way.
    pub(super) fn from_pkcs8(curve: &'static Curve, der: &[u8]) -> Result<Self, InvalidPrivateKey> {
        let read = EcdsaKeyPair::from_pkcs8(curve.signing, der).map_err(|_| InvalidPrivateKey::Unacceptable)?;
        let scalar: EcPrivateKeyBin<'_> =
            read.private_key().as_be_bytes().map_err(|_| InvalidPrivateKey::Unacceptable)?;
        let made =
            EcdsaKeyPair::from_private_key_and_public_key(curve.signing, scalar.as_ref(), read.public_key().as_ref());
        Ok(Self::new(curve, made.map_err(|_| InvalidPrivateKey::Unacceptable)?))
    }

    fn new(curve: &'static Curve, signing: EcdsaKeyPair) -> Self {
        Self { curve, signing, agreeing: OnceLock::new() }
    }

    fn agreeing(&self, algorithm: &'static agreement::Algorithm) -> Result<&agreement::PrivateKey, AgreementError> {
        if let Some(key) = self.agreeing.get() {
            return Ok(key);
        }
        let der = self.to_pkcs8().map_err(|_| AgreementError::Library)?;
        let key = agreement::PrivateKey::from_private_key_der(algorithm, &der).map_err(|_| AgreementError::Library)?;
        Ok(self.agreeing.get_or_init(|| key))
    }
}

impl Signing for EcPrivateKey {
    fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptographyError> {
        let der = self.signing.to_pkcs8v1().map_err(|_| CryptographyError::Library)?;
        Ok(Zeroizing::new(der.as_ref().to_vec()))
    }

    fn public_key_der(&self) -> Result<Vec<u8>, CryptographyError> {
        let der = AsDer::<PublicKeyX509Der<'_>>::as_der(self.signing.public_key());
        Ok(der.map_err(|_| CryptographyError::Library)?.as_ref().to_vec())
    }

    fn sign(&self, algorithm: SigningAlgorithmSpec, message: Message<'_>) -> Result<Vec<u8>, SignatureError> {
        self.curve.check_algorithm(algorithm)?;
        let signature = match message {
            Message::Raw(message) => self.signing.sign(&SystemRandom::new(), message),
            Message::Digest(digest) => self.signing.sign_digest(&import_digest(self.curve.digest, digest)?),
            Message::ExternalMu(_) => return Err(SignatureError::MessageTypeNotAllowed),
        };
        Ok(signature.map_err(|_| SignatureError::Library)?.as_ref().to_vec())
    }

    fn agree(&self, peer_spki_der: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgreementError> {
        let algorithm = self.curve.agreement.ok_or(AgreementError::NotAnAgreementKey)?;
        let private_key = self.agreeing(algorithm)?;
        let peer = agreement::UnparsedPublicKey::new(algorithm, peer_point(peer_spki_der, self.curve)?);
        agreement::agree(private_key, peer, AgreementError::InvalidPoint, |secret| Ok(Zeroizing::new(secret.to_vec())))
    }
}

/// A public key on a curve.
pub(super) struct EcPublicKey {
    curve: &'static Curve,
    verifying: ParsedPublicKey,
}

impl EcPublicKey {
    pub(super) fn from_point(curve: &'static Curve, point: &[u8]) -> Result<Self, InvalidPublicKey> {
        if !curve.has_encoding(point) {
            return Err(InvalidPublicKey::Unacceptable);
        }
        let verifying = ParsedPublicKey::new(curve.verification, point).map_err(|_| InvalidPublicKey::Unacceptable)?;
        Ok(Self { curve, verifying })
    }
}

impl Verifying for EcPublicKey {
    fn verify(
        &self,
        algorithm: SigningAlgorithmSpec,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<bool, SignatureError> {
        self.curve.check_algorithm(algorithm)?;
        let verdict = match message {
            Message::Raw(message) => self.verifying.verify_sig(message, signature),
            Message::Digest(digest) => {
                self.verifying.verify_digest_sig(&import_digest(self.curve.digest, digest)?, signature)
            }
            Message::ExternalMu(_) => return Err(SignatureError::MessageTypeNotAllowed),
        };
        Ok(verdict.is_ok())
    }
}
