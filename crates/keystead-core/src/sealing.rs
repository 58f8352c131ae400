//! Sealing: how secrets rest in the store.
//!
//! AES-256-GCM under the root key, a fresh 96-bit nonce each time, and the identity of the record as additional authenticated data,
//! so that a sealed value moved to another row does not open. Layout: version (1 byte, `1`), nonce (12), ciphertext, tag (16).
//!
//! What is no secret and must only be ours again when it comes back is authenticated and not sealed: HMAC-SHA-256 under a key that is
//! derived from the root key. It needs no nonce, so it may be done any number of times.

use std::fmt;

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, Nonce, UnboundKey};
use aws_lc_rs::constant_time::verify_slices_are_equal;
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use crate::port::Entropy;

/// Length of a root key in bytes (AES-256).
pub const ROOT_KEY_LENGTH: usize = 32;

/// Length of an authentication code in bytes (HMAC-SHA-256).
pub const AUTHENTICATION_CODE_LENGTH: usize = 32;

const VERSION: u8 = 1;
const NONCE_LENGTH: usize = 12;
const TAG_LENGTH: usize = 16;

/// What a sealed value belongs to. It is authenticated with the value and not stored in it.
#[derive(Clone, Copy, Debug)]
pub enum SealedRecord<'a> {
    /// The known text by which a wrong root key is noticed at start.
    RootKeyCheck,
    /// The secret access key of an IAM identity, by its access key ID.
    SecretAccessKey(&'a str),
    /// The material of a KMS key: the key's ARN and the material's ID.
    KeyMaterial(&'a str, &'a str),
    /// The secret of an XKS proxy authentication credential, by custom key store ID.
    XksProxyCredential(&'a str),
    /// The passwords of `kmsuser` in the HSMs of an AWS CloudHSM key store, by custom key store ID.
    KmsUserPasswords(&'a str),
    /// The private key of a cluster of HSMs, by the ID of the cluster it was made for.
    ClusterPrivateKey(&'a str),
    /// The first password of a cluster's administrator, by cluster ID.
    PreCoPassword(&'a str),
    /// What an import token says, by the ARN of its KMS key.
    ImportToken(&'a str),
}

impl SealedRecord<'_> {
    /// The bytes authenticated: a fixed label for each kind, then the length-prefixed parts.
    fn aad(&self) -> Vec<u8> {
        let (label, parts): (&str, &[&str]) = match self {
            Self::RootKeyCheck => ("keystead/root-key-check", &[]),
            Self::SecretAccessKey(id) => ("keystead/secret-access-key", &[id]),
            Self::KeyMaterial(arn, id) => ("keystead/key-material", &[arn, id]),
            Self::XksProxyCredential(id) => ("keystead/xks-proxy-credential", &[id]),
            Self::KmsUserPasswords(id) => ("keystead/kmsuser-passwords", &[id]),
            Self::ClusterPrivateKey(id) => ("keystead/cluster-private-key", &[id]),
            Self::PreCoPassword(id) => ("keystead/pre-co-password", &[id]),
            Self::ImportToken(arn) => ("keystead/import-token", &[arn]),
        };
        let mut aad = label.as_bytes().to_vec();
        append_parts(&mut aad, parts);
        aad
    }
}

/// Each text with its length before it: no two lists of texts give the same bytes.
fn append_parts(bytes: &mut Vec<u8>, parts: &[&str]) {
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_be_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
}

/// A sealed value: opaque, safe to store and to print.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Sealed(Vec<u8>);

impl Sealed {
    /// A sealed value as the store gave it back.
    pub fn from_bytes(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// The bytes to store.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Display for SealedRecord<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RootKeyCheck => f.write_str("the root key check"),
            Self::SecretAccessKey(id) => write!(f, "the secret of access key {id}"),
            Self::KeyMaterial(arn, id) => write!(f, "material {id} of {arn}"),
            Self::XksProxyCredential(id) => write!(f, "the proxy credential of custom key store {id}"),
            Self::KmsUserPasswords(id) => write!(f, "the passwords of kmsuser for custom key store {id}"),
            Self::ClusterPrivateKey(id) => write!(f, "the private key of cluster {id}"),
            Self::PreCoPassword(id) => write!(f, "the first password of cluster {id}"),
            Self::ImportToken(arn) => write!(f, "an import token of {arn}"),
        }
    }
}

/// A sealed value did not open.
#[derive(Clone, PartialEq, Eq, Debug, thiserror::Error)]
pub enum SealError {
    /// Another root key sealed it, it belongs to another record, or its bytes are damaged.
    #[error(
        "{0}, sealed in the store, does not open: it is damaged, or another root key sealed it; restore the store from a backup"
    )]
    DoesNotOpen(String),
    /// The cryptographic module refused; not caused by the value.
    #[error("the cryptographic module could not seal a record")]
    Module,
}

/// The root key, held for the life of the process.
pub struct RootKey {
    sealing: LessSafeKey,
    authentication: hmac::Key,
}

impl RootKey {
    /// Takes [`ROOT_KEY_LENGTH`] bytes; `None` for any other length.
    pub fn new(bytes: &[u8]) -> Option<Self> {
        if bytes.len() != ROOT_KEY_LENGTH {
            return None;
        }
        let sealing = LessSafeKey::new(UnboundKey::new(&AES_256_GCM, bytes).ok()?);
        let derivation = hmac::Key::new(hmac::HMAC_SHA256, bytes);
        let derived = hmac::sign(&derivation, b"keystead/authentication");
        Some(Self { sealing, authentication: hmac::Key::new(hmac::HMAC_SHA256, derived.as_ref()) })
    }

    /// The authentication code of these texts, which nobody can make without the root key. The first one says what it is for.
    pub fn authentication_code(&self, parts: &[&str]) -> [u8; AUTHENTICATION_CODE_LENGTH] {
        let mut bytes = Vec::new();
        append_parts(&mut bytes, parts);
        let mut code = [0; AUTHENTICATION_CODE_LENGTH];
        code.copy_from_slice(hmac::sign(&self.authentication, &bytes).as_ref());
        code
    }

    /// Seals `secret` for `record`.
    pub fn seal(&self, record: SealedRecord<'_>, secret: &[u8], entropy: &dyn Entropy) -> Result<Sealed, SealError> {
        let mut nonce = [0u8; NONCE_LENGTH];
        entropy.fill(&mut nonce);
        let mut body = Zeroizing::new(secret.to_vec());
        let tag = self
            .sealing
            .seal_in_place_separate_tag(Nonce::assume_unique_for_key(nonce), Aad::from(record.aad()), &mut body)
            .map_err(|_| SealError::Module)?;
        let mut sealed = Vec::with_capacity(1 + NONCE_LENGTH + body.len() + TAG_LENGTH);
        sealed.push(VERSION);
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&body);
        sealed.extend_from_slice(tag.as_ref());
        Ok(Sealed(sealed))
    }

    /// Opens what [`RootKey::seal`] made for the same record.
    pub fn open(&self, record: SealedRecord<'_>, sealed: &Sealed) -> Result<Zeroizing<Vec<u8>>, SealError> {
        self.open_bytes(record, &sealed.0).ok_or_else(|| SealError::DoesNotOpen(record.to_string()))
    }

    fn open_bytes(&self, record: SealedRecord<'_>, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (version, rest) = sealed.split_first()?;
        if *version != VERSION || rest.len() < NONCE_LENGTH + TAG_LENGTH {
            return None;
        }
        let (nonce, body) = rest.split_at(NONCE_LENGTH);
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let mut body = Zeroizing::new(body.to_vec());
        let length = self.sealing.open_in_place(nonce, Aad::from(record.aad()), &mut body).ok()?.len();
        body.truncate(length);
        Some(body)
    }

    const CHECK_TEXT: &'static [u8] = b"keystead root key check";

    /// The value stored once, by which [`RootKey::passes_check`] knows this root key again.
    pub fn make_check(&self, entropy: &dyn Entropy) -> Result<Sealed, SealError> {
        self.seal(SealedRecord::RootKeyCheck, Self::CHECK_TEXT, entropy)
    }

    /// Whether this is the root key that made `check`.
    pub fn passes_check(&self, check: &Sealed) -> bool {
        self.open(SealedRecord::RootKeyCheck, check)
            .is_ok_and(|text| verify_slices_are_equal(&text, Self::CHECK_TEXT).is_ok())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::port::SystemEntropy;

    #[test]
    fn opens_for_its_own_record_only() {
        let root = RootKey::new(&[7; 32]).unwrap();
        let sealed = root.seal(SealedRecord::SecretAccessKey("AKIA1"), b"secret", &SystemEntropy).unwrap();
        assert_eq!(root.open(SealedRecord::SecretAccessKey("AKIA1"), &sealed).unwrap().as_slice(), b"secret");
        assert!(root.open(SealedRecord::SecretAccessKey("AKIA2"), &sealed).is_err());
        assert!(root.open(SealedRecord::XksProxyCredential("AKIA1"), &sealed).is_err());
        assert!(RootKey::new(&[8; 32]).unwrap().open(SealedRecord::SecretAccessKey("AKIA1"), &sealed).is_err());
    }

    #[test]
    fn a_changed_byte_anywhere_is_refused() {
        let root = RootKey::new(&[7; 32]).unwrap();
        let sealed = root.seal(SealedRecord::RootKeyCheck, b"x", &SystemEntropy).unwrap();
        for position in 0..sealed.as_bytes().len() {
            let mut bytes = sealed.as_bytes().to_vec();
            bytes[position] ^= 1;
            assert!(root.open(SealedRecord::RootKeyCheck, &Sealed::from_bytes(bytes)).is_err(), "byte {position}");
        }
        for length in 0..sealed.as_bytes().len() {
            let bytes = sealed.as_bytes()[..length].to_vec();
            assert!(root.open(SealedRecord::RootKeyCheck, &Sealed::from_bytes(bytes)).is_err());
        }
    }

    #[test]
    fn an_authentication_code_is_of_its_texts_and_its_root_key() {
        let root = RootKey::new(&[7; 32]).unwrap();
        let code = root.authentication_code(&["for", "a", "bc"]);
        assert_eq!(code, root.authentication_code(&["for", "a", "bc"]));
        assert_ne!(code, root.authentication_code(&["for", "ab", "c"]));
        assert_ne!(code, root.authentication_code(&["for", "a", "bc", ""]));
        assert_ne!(code, RootKey::new(&[8; 32]).unwrap().authentication_code(&["for", "a", "bc"]));
    }

    #[test]
    fn the_check_knows_its_root_key() {
        let root = RootKey::new(&[7; 32]).unwrap();
        let check = root.make_check(&SystemEntropy).unwrap();
        assert!(root.passes_check(&check));
        assert!(!RootKey::new(&[9; 32]).unwrap().passes_check(&check));
    }
}
