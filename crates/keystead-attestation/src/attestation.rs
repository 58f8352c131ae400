//! From the bytes of a document to what it attests.

use std::time::Duration;

use crate::certificate_chain::verify_chain;
use crate::cose_sign1::CoseSign1;
use crate::document::Document;
use crate::enveloped_data::envelop;
use crate::error::{AttestationError, EnvelopError};
use crate::recipient_key::RecipientKey;
use crate::registers::Registers;
use crate::roots::AttestationRoots;

/// Most bytes of a document (KMS API Reference, RecipientInfo).
pub const DOCUMENT_BYTES_MAX: usize = 262_144;
/// How old a document may be, in milliseconds. AWS does not publish the limit; five minutes are unverified.
pub const AGE_MS_MAX: u64 = 5 * 60 * 1000;
/// How far ahead of the clock here a document's may be, in milliseconds. Unverified, as the age.
pub const SKEW_MS_MAX: u64 = 5 * 60 * 1000;

/// What a verified document attests: which code runs in an enclave or on an instance, and the public key whose private half it
/// holds. Only [`verify`] makes one.
#[derive(Debug)]
pub struct Attestation {
    module_id: String,
    timestamp_unix_ms: u64,
    registers: Registers,
    recipient: RecipientKey,
    user_data: Option<Vec<u8>>,
    nonce: Option<Vec<u8>>,
}

/// Verifies an attestation document of `AttestationDocument` (1 to 262144 bytes) at the time `now_unix_ms`, in milliseconds since
/// the Unix epoch.
///
/// In this order: there are roots; the document is a COSE_Sign1 with ES384; its fields are as specified; its certificates lead to
/// a root and are valid now; its signature is theirs; it is not older than [`AGE_MS_MAX`] and not ahead by more than
/// [`SKEW_MS_MAX`]; it has an RSA public key of 2048 to 4096 bits. The first that fails is the error.
///
/// Costs a verification of ECDSA on P-384 for each certificate below the root, and one for the document: five as Nitro makes them.
pub fn verify(document: &[u8], roots: &AttestationRoots, now_unix_ms: i64) -> Result<Attestation, AttestationError> {
    if roots.is_empty() {
        return Err(AttestationError::NoRoots);
    }
    if document.is_empty() || document.len() > DOCUMENT_BYTES_MAX {
        return Err(AttestationError::DocumentSize(document.len()));
    }
    let envelope = CoseSign1::parse(document)?;
    let document = Document::parse(envelope.payload)?;
    // A time before the epoch is one at which no certificate is valid yet.
    let now_unix_ms = u64::try_from(now_unix_ms).unwrap_or(0);
    let signing_key =
        verify_chain(document.certificate, &document.cabundle, roots, Duration::from_millis(now_unix_ms))?;
    envelope.verify(&signing_key)?;
    require_fresh(document.timestamp_unix_ms, now_unix_ms)?;
    let recipient = RecipientKey::from_der(document.public_key.ok_or(AttestationError::NoPublicKey)?)?;
    Ok(Attestation {
        module_id: document.module_id.to_owned(),
        timestamp_unix_ms: document.timestamp_unix_ms,
        registers: document.registers,
        recipient,
        user_data: document.user_data.map(<[u8]>::to_vec),
        nonce: document.nonce.map(<[u8]>::to_vec),
    })
}

fn require_fresh(timestamp_unix_ms: u64, now_unix_ms: u64) -> Result<(), AttestationError> {
    let age_ms = now_unix_ms.saturating_sub(timestamp_unix_ms);
    let ahead_ms = timestamp_unix_ms.saturating_sub(now_unix_ms);
    if age_ms > AGE_MS_MAX {
        return Err(AttestationError::TooOld { age_ms });
    }
    if ahead_ms > SKEW_MS_MAX {
        return Err(AttestationError::InTheFuture { ahead_ms });
    }
    Ok(())
}

impl Attestation {
    /// The enclave's or the instance's identifier, 1 to 256 bytes of text: `attestationDocumentModuleId` in audit records.
    pub fn module_id(&self) -> &str {
        &self.module_id
    }

    /// When the document was made, in milliseconds since the Unix epoch.
    pub fn timestamp_unix_ms(&self) -> u64 {
        self.timestamp_unix_ms
    }

    /// The platform configuration registers.
    pub fn registers(&self) -> &Registers {
        &self.registers
    }

    /// The attested public key: a SubjectPublicKeyInfo in DER with an RSA key of 2048 to 4096 bits.
    pub fn public_key_der(&self) -> &[u8] {
        self.recipient.der()
    }

    /// What the enclave's software had signed with it, at most 512 bytes. KMS does not use it.
    pub fn user_data(&self) -> Option<&[u8]> {
        self.user_data.as_deref()
    }

    /// The nonce, at most 512 bytes. KMS does not use it.
    pub fn nonce(&self) -> Option<&[u8]> {
        self.nonce.as_deref()
    }

    /// Condition keys and values for policies; see [`Registers::condition_values`].
    pub fn condition_values(&self) -> Vec<(String, String)> {
        self.registers.condition_values()
    }

    /// What an audit record has in `additionalEventData.recipient`: the module's identifier and the registers that
    /// [`Registers::audit_elements`] names.
    pub fn audit_elements(&self) -> Vec<(&'static str, String)> {
        let mut elements = vec![("attestationDocumentModuleId", self.module_id.clone())];
        elements.extend(self.registers.audit_elements());
        elements
    }

    /// Encrypts `plaintext` under the attested key: the `CiphertextForRecipient` of an answer, a CMS EnvelopedData in BER.
    ///
    /// `fill_random` fills a slice with random bytes: the AES-256 key for the content, and its IV. RSAES-OAEP draws its seed from
    /// the cryptography library. Fails only if that library does.
    pub fn envelop(&self, plaintext: &[u8], fill_random: &mut dyn FnMut(&mut [u8])) -> Result<Vec<u8>, EnvelopError> {
        envelop(&self.recipient, plaintext, fill_random)
    }
}
