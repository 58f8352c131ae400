//! The attested public key, under which answers are encrypted.

use std::fmt;

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use x509_cert::der::Decode;
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::spki::SubjectPublicKeyInfoRef;

use crate::error::{AttestationError, EnvelopError};

/// `rsaEncryption` (RFC 8017, appendix A.1).
const RSA_ENCRYPTION: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");
/// The size of the modulus in bits. The documentation speaks of RSA-2048 for enclaves and of RSA keys for NitroTPM.
const RSA_BITS: std::ops::RangeInclusive<usize> = 2048..=4096;

/// An RSA public key of 2048 to 4096 bits.
pub(crate) struct RecipientKey {
    /// The SubjectPublicKeyInfo, as it was attested.
    der: Vec<u8>,
    oaep: OaepPublicEncryptingKey,
}

impl RecipientKey {
    /// Takes a SubjectPublicKeyInfo in DER.
    pub(crate) fn from_der(der: &[u8]) -> Result<Self, AttestationError> {
        let unsupported = AttestationError::UnsupportedPublicKey;
        // The library also takes keys that are meant for RSASSA-PSS alone.
        let info = SubjectPublicKeyInfoRef::from_der(der).map_err(|_| unsupported.clone())?;
        if info.algorithm.oid != RSA_ENCRYPTION {
            return Err(unsupported);
        }
        let key = PublicEncryptingKey::from_der(der).map_err(|_| unsupported.clone())?;
        if !RSA_BITS.contains(&key.key_size_bits()) {
            return Err(unsupported);
        }
        let oaep = OaepPublicEncryptingKey::new(key).map_err(|_| unsupported)?;
        Ok(Self { der: der.to_vec(), oaep })
    }

    pub(crate) fn der(&self) -> &[u8] {
        &self.der
    }

    /// 32 bytes that name the key. AWS gives as many and does not say of what; the SHA-256 of the SubjectPublicKeyInfo is
    /// unverified. A recipient has one key and need not look.
    pub(crate) fn subject_key_identifier(&self) -> Vec<u8> {
        digest(&SHA256, &self.der).as_ref().to_vec()
    }

    /// Encrypts `secret` with RSAES-OAEP, SHA-256, MGF1 with SHA-256 and an empty label.
    pub(crate) fn encrypt(&self, secret: &[u8]) -> Result<Vec<u8>, EnvelopError> {
        let mut ciphertext = vec![0; self.oaep.ciphertext_size()];
        let length =
            self.oaep.encrypt(&OAEP_SHA256_MGF1SHA256, secret, &mut ciphertext, None).map_err(|_| EnvelopError)?.len();
        ciphertext.truncate(length);
        Ok(ciphertext)
    }
}

impl fmt::Debug for RecipientKey {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "RecipientKey(RSA, {} bits)", self.oaep.key_size_bits())
    }
}
