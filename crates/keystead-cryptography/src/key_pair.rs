//! Key pairs: one private key of an asymmetric key spec, ready for use.

use der::{AnyRef, Decode, Encode};
use keystead_model::kms::{EncryptionAlgorithmSpec, KeySpec, SigningAlgorithmSpec};
use pkcs8::PrivateKeyInfo;
use spki::SubjectPublicKeyInfoRef;
use zeroize::Zeroizing;

use crate::algorithm_identifier::Mismatch;
use crate::family::{Family, Signing};
use crate::{
    AgreementError, CryptographyError, DecryptionError, EncryptionError, InvalidPrivateKey, InvalidPublicKey, Message,
    PublicKey, SignatureError,
};

/// The private key of an asymmetric KMS key, with its public key.
///
/// Read once and then used any number of times, from any thread. What the key's usage allows is for the caller to check: a key pair does
/// all that its key spec can.
pub struct KeyPair {
    private_key: Box<dyn Signing>,
    public_key: PublicKey,
}

impl KeyPair {
    /// Makes a new key pair. Fails for symmetric key specs and SM2.
    pub fn generate(spec: KeySpec) -> Result<Self, CryptographyError> {
        let family = Family::of(spec).ok_or(CryptographyError::UnsupportedKeySpec(spec))?;
        let private_key = family.generate()?;
        let public_key =
            PublicKey::from_der(spec, &private_key.public_key_der()?).map_err(|_| CryptographyError::Library)?;
        Ok(Self { private_key, public_key })
    }

    /// Reads a private key of `spec` from PKCS #8 in DER (RFC 5208, RFC 5958), as [`Self::to_pkcs8`], OpenSSL and others write it.
    ///
    /// The algorithm, curve and size must be the key spec's, a public key that comes along must be the private key's, and nothing may
    /// follow. RSA takes odd public exponents from 65537 to 33 bits; EC takes named curves alone; ML-DSA takes the seed, the expanded
    /// private key, or both.
    pub fn from_pkcs8(spec: KeySpec, der: &[u8]) -> Result<Self, InvalidPrivateKey> {
        let family = Family::of(spec).ok_or(InvalidPrivateKey::UnsupportedKeySpec(spec))?;
        let info = PrivateKeyInfo::from_der(der).map_err(|_| InvalidPrivateKey::Malformed)?;
        family.identifier().check(info.algorithm).map_err(|mismatch| match mismatch {
            Mismatch::OtherAlgorithm => InvalidPrivateKey::OtherKeySpec,
            Mismatch::Parameters => InvalidPrivateKey::Unacceptable,
        })?;
        // aws-lc reads from the front and leaves alone what follows; here nothing may follow what is in the envelope either.
        AnyRef::from_der(info.private_key).map_err(|_| InvalidPrivateKey::Unacceptable)?;
        let private_key = match info.public_key {
            None => family.read_private_key(der, info.private_key)?,
            Some(_) => family.read_private_key(&without_public_key(&info)?, info.private_key)?,
        };
        let public_key_der = private_key.public_key_der().map_err(|_| InvalidPrivateKey::Unacceptable)?;
        let public_key = PublicKey::from_der(spec, &public_key_der)?;
        check_enclosed_public_key(info.public_key, &public_key)?;
        Ok(Self { private_key, public_key })
    }

    /// The key spec.
    pub fn spec(&self) -> KeySpec {
        self.public_key.spec()
    }

    /// The private key as PKCS #8 in DER: what is sealed in the store. [`Self::from_pkcs8`] takes it back.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptographyError> {
        self.private_key.to_pkcs8()
    }

    /// The public key.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The public key as `SubjectPublicKeyInfo` in DER, as GetPublicKey answers.
    pub fn public_key_der(&self) -> &[u8] {
        self.public_key.der()
    }

    /// Signs `message`.
    ///
    /// RSA signatures are RFC 8017 octet strings (PSS with a salt as long as the hash), ECDSA signatures DER, Ed25519 and ML-DSA signatures
    /// as RFC 8032 and FIPS 204 have them, with empty contexts. ED25519_PH_SHA_512 hashes the 64 bytes of its digest once more: KMS
    /// takes them for the message of Ed25519ph.
    pub fn sign(&self, algorithm: SigningAlgorithmSpec, message: Message<'_>) -> Result<Vec<u8>, SignatureError> {
        self.private_key.sign(algorithm, message)
    }

    /// Whether `signature` is one of this key on `message`. Any bytes may come as signature.
    pub fn verify(
        &self,
        algorithm: SigningAlgorithmSpec,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<bool, SignatureError> {
        self.public_key.verify(algorithm, message, signature)
    }

    /// Encrypts `plaintext` (at most [`max_plaintext_bytes`](crate::max_plaintext_bytes)) under the public key. RSA only.
    pub fn encrypt(&self, algorithm: EncryptionAlgorithmSpec, plaintext: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        self.public_key.encrypt(algorithm, plaintext)
    }

    /// Decrypts `ciphertext`. RSA only. One error for every ciphertext that does not decrypt.
    pub fn decrypt(
        &self,
        algorithm: EncryptionAlgorithmSpec,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DecryptionError> {
        self.private_key.decrypt(algorithm, ciphertext)
    }

    /// The secret shared with the owner of a public key (`SubjectPublicKeyInfo` in DER): the raw x coordinate, 32, 48 or 66 bytes.
    pub fn agree(&self, peer_spki_der: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgreementError> {
        self.private_key.agree(peer_spki_der)
    }
}

/// The same in version 1, which has no place for a public key. aws-lc takes one for some algorithms alone, and does not always look at it.
fn without_public_key(info: &PrivateKeyInfo<'_>) -> Result<Zeroizing<Vec<u8>>, InvalidPrivateKey> {
    let version_1 = PrivateKeyInfo::new(info.algorithm, info.private_key);
    Ok(Zeroizing::new(version_1.to_der().map_err(|_| InvalidPrivateKey::Malformed)?))
}

/// A public key in the envelope (RFC 5958, version 2) is the private key's.
fn check_enclosed_public_key(enclosed: Option<&[u8]>, public_key: &PublicKey) -> Result<(), InvalidPrivateKey> {
    let Some(enclosed) = enclosed else { return Ok(()) };
    let info = SubjectPublicKeyInfoRef::from_der(public_key.der()).map_err(|_| InvalidPublicKey::Malformed)?;
    if info.subject_public_key.as_bytes() == Some(enclosed) { Ok(()) } else { Err(InvalidPrivateKey::Unacceptable) }
}
