//! Key pairs: one private key of an asymmetric key spec, ready for use.

mod ec;
mod ed25519;
mod ml_dsa;
mod rsa;

use keystead_model::kms::{EncryptionAlgorithmSpec, KeySpec, SigningAlgorithmSpec};
use zeroize::Zeroizing;

use crate::{
    AgreementError, CryptographyError, DecryptionError, EncryptionError, InvalidPrivateKey, Message, SignatureError,
};

/// The private key of an asymmetric KMS key, with its public key.
///
/// Read once and then used any number of times, from any thread. What the key's usage allows is for the caller to check: a key pair does
/// all that its key spec can.
pub struct KeyPair {
    spec: KeySpec,
    public_key_der: Box<[u8]>,
    private_key: PrivateKey,
}

enum PrivateKey {
    Rsa(rsa::Rsa),
    Ec(ec::Ec),
    Ed25519(ed25519::Ed25519),
    MlDsa(ml_dsa::MlDsa),
}

impl KeyPair {
    /// Makes a new key pair. Fails for symmetric key specs and SM2.
    pub fn generate(spec: KeySpec) -> Result<Self, CryptographyError> {
        let private_key = match Family::of(spec).ok_or(CryptographyError::UnsupportedKeySpec(spec))? {
            Family::Rsa(size) => PrivateKey::Rsa(rsa::Rsa::generate(size)?),
            Family::Ec(curve) => PrivateKey::Ec(ec::Ec::generate(curve)?),
            Family::Ed25519 => PrivateKey::Ed25519(ed25519::Ed25519::generate()?),
            Family::MlDsa(set) => PrivateKey::MlDsa(ml_dsa::MlDsa::generate(set)?),
        };
        Self::new(spec, private_key)
    }

    /// Reads a private key of `spec` from PKCS #8 in DER, as [`Self::to_pkcs8`], OpenSSL and others write it.
    ///
    /// The algorithm, curve and size must be the key spec's, a public key that comes along must be the private key's, and nothing may
    /// follow. RSA takes public exponents of 65537 up to 33 bits; EC takes named curves alone.
    pub fn from_pkcs8(spec: KeySpec, der: &[u8]) -> Result<Self, InvalidPrivateKey> {
        let private_key = match Family::of(spec).ok_or(InvalidPrivateKey::UnsupportedKeySpec(spec))? {
            Family::Rsa(size) => PrivateKey::Rsa(rsa::Rsa::from_pkcs8(size, der)?),
            Family::Ec(curve) => PrivateKey::Ec(ec::Ec::from_pkcs8(curve, der)?),
            Family::Ed25519 => PrivateKey::Ed25519(ed25519::Ed25519::from_pkcs8(der)?),
            Family::MlDsa(set) => PrivateKey::MlDsa(ml_dsa::MlDsa::from_pkcs8(set, der)?),
        };
        Self::new(spec, private_key).map_err(|_| InvalidPrivateKey::Unacceptable)
    }

    fn new(spec: KeySpec, private_key: PrivateKey) -> Result<Self, CryptographyError> {
        let public_key_der = match &private_key {
            PrivateKey::Rsa(key) => key.public_key_der()?,
            PrivateKey::Ec(key) => key.public_key_der()?,
            PrivateKey::Ed25519(key) => key.public_key_der()?,
            PrivateKey::MlDsa(key) => key.public_key_der()?,
        };
        Ok(Self { spec, public_key_der: public_key_der.into_boxed_slice(), private_key })
    }

    /// The key spec.
    pub fn spec(&self) -> KeySpec {
        self.spec
    }

    /// The private key as PKCS #8 in DER: what is sealed in the store. [`Self::from_pkcs8`] takes it back.
    pub fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, CryptographyError> {
        match &self.private_key {
            PrivateKey::Rsa(key) => key.to_pkcs8(),
            PrivateKey::Ec(key) => key.to_pkcs8(),
            PrivateKey::Ed25519(key) => key.to_pkcs8(),
            PrivateKey::MlDsa(key) => key.to_pkcs8(),
        }
    }

    /// The public key as `SubjectPublicKeyInfo` in DER, as GetPublicKey answers.
    pub fn public_key_der(&self) -> &[u8] {
        &self.public_key_der
    }

    /// Signs `message`.
    ///
    /// RSA signatures are RFC 8017 octet strings (PSS with a salt as long as the hash), ECDSA signatures DER, Ed25519 and ML-DSA signatures
    /// as RFC 8032 and FIPS 204 have them, with empty contexts. ED25519_PH_SHA_512 hashes the 64 bytes of its digest once more: KMS
    /// takes them for the message of Ed25519ph.
    pub fn sign(&self, algorithm: SigningAlgorithmSpec, message: Message<'_>) -> Result<Vec<u8>, SignatureError> {
        match &self.private_key {
            PrivateKey::Rsa(key) => key.sign(algorithm, message),
            PrivateKey::Ec(key) => key.sign(algorithm, message),
            PrivateKey::Ed25519(key) => key.sign(algorithm, message),
            PrivateKey::MlDsa(key) => key.sign(algorithm, message),
        }
    }

    /// Whether `signature` is one of this key on `message`. Any bytes may come as signature.
    pub fn verify(
        &self,
        algorithm: SigningAlgorithmSpec,
        message: Message<'_>,
        signature: &[u8],
    ) -> Result<bool, SignatureError> {
        match &self.private_key {
            PrivateKey::Rsa(key) => key.verify(&self.public_key_der, algorithm, message, signature),
            PrivateKey::Ec(key) => key.verify(algorithm, message, signature),
            PrivateKey::Ed25519(key) => key.verify(algorithm, message, signature),
            PrivateKey::MlDsa(key) => key.verify(algorithm, message, signature),
        }
    }

    /// Encrypts `plaintext` (at most [`max_plaintext_bytes`](crate::max_plaintext_bytes)) under the public key. RSA only.
    pub fn encrypt(&self, algorithm: EncryptionAlgorithmSpec, plaintext: &[u8]) -> Result<Vec<u8>, EncryptionError> {
        match &self.private_key {
            PrivateKey::Rsa(key) => key.encrypt(algorithm, plaintext),
            PrivateKey::Ec(_) | PrivateKey::Ed25519(_) | PrivateKey::MlDsa(_) => {
                Err(EncryptionError::AlgorithmNotOfKey)
            }
        }
    }

    /// Decrypts `ciphertext`. RSA only. One error for every ciphertext that does not decrypt.
    pub fn decrypt(
        &self,
        algorithm: EncryptionAlgorithmSpec,
        ciphertext: &[u8],
    ) -> Result<Zeroizing<Vec<u8>>, DecryptionError> {
        match &self.private_key {
            PrivateKey::Rsa(key) => key.decrypt(algorithm, ciphertext),
            PrivateKey::Ec(_) | PrivateKey::Ed25519(_) | PrivateKey::MlDsa(_) => {
                Err(DecryptionError::AlgorithmNotOfKey)
            }
        }
    }

    /// The secret shared with the owner of a public key (`SubjectPublicKeyInfo` in DER): the raw x coordinate, 32, 48 or 66 bytes.
    pub fn agree(&self, peer_spki_der: &[u8]) -> Result<Zeroizing<Vec<u8>>, AgreementError> {
        match &self.private_key {
            PrivateKey::Ec(key) => key.agree(peer_spki_der),
            PrivateKey::Rsa(_) | PrivateKey::Ed25519(_) | PrivateKey::MlDsa(_) => {
                Err(AgreementError::NotAnAgreementKey)
            }
        }
    }
}

/// Which algorithm family a key spec is of, and which member.
enum Family {
    Rsa(aws_lc_rs::rsa::KeySize),
    Ec(&'static ec::Curve),
    Ed25519,
    MlDsa(&'static ml_dsa::ParameterSet),
}

impl Family {
    fn of(spec: KeySpec) -> Option<Self> {
        use aws_lc_rs::rsa::KeySize;
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
}
