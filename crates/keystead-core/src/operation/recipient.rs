//! Who is to read what an operation gives in plaintext: the caller, or the attested recipient of the parameter `Recipient` alone.
//!
//! Source: KMS API Reference, RecipientInfo; KMS Developer Guide, "Cryptographic attestation support in AWS KMS". Where they are silent,
//! what others have seen of AWS KMS: the answer is a CMS EnvelopedData in BER of indefinite length (readme of yawn/ned; the Nitro Enclaves
//! SDK for C reads no other), records have the registers in base64, though the guide shows hexadecimal (the same readme), and a
//! document that is altered is a `ValidationException` (readme of cyntrisec/EphemeralML). The texts of the refusals are unverified.

use keystead_attestation::{Attestation, AttestationError, verify};
use keystead_model::Blob;
use keystead_model::kms::{KeyEncryptionMechanism, RecipientInfo};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// The reader of an answer's plaintext. An attested one is verified.
pub(super) struct Recipient {
    /// Of the attested recipient; `None` if the caller is to read the plaintext.
    attestation: Option<Attestation>,
}

/// What an answer has in place of a secret: one of the two.
pub(super) struct AnsweredSecret {
    pub(super) plaintext: Option<Blob>,
    pub(super) ciphertext_for_recipient: Option<Blob>,
}

impl Recipient {
    /// The recipient of a request. Its document is verified before anything else is done, so that authorization sees what it attests.
    ///
    /// Fails with `ValidationException` if the document is not to be trusted, or if anything of `Recipient` is missing.
    pub(super) async fn of_request(
        kms: &Kms,
        call: &mut Call<'_>,
        recipient: Option<RecipientInfo>,
    ) -> Result<Self, KmsError> {
        let Some(recipient) = recipient else { return Ok(Self { attestation: None }) };
        let document = document_of(recipient)?;
        let (roots, now_unix_ms) = (kms.settings.attestation_roots.clone(), call.now.millis());
        // Five verifications of ECDSA on P-384 take a millisecond or more: too long for a thread that serves every request.
        let work = move || verify(document.as_ref(), &roots, now_unix_ms);
        let verified = kms.private_key_work.run(call.caller.principal.account, work).await?;
        let attestation = verified.map_err(|error| refused(&error))?;
        // AWS KMS is said to leave it out of the records of denied calls (readme of cyntrisec/EphemeralML). Here each has it: it is worth
        // knowing who was denied.
        call.note("recipient", audit_elements(&attestation));
        let condition_keys = attestation.condition_values().into_iter();
        call.computed_condition_keys.extend(condition_keys.map(|(key, value)| (key, value.into())));
        Ok(Self { attestation: Some(attestation) })
    }

    /// Whether the caller is to read the plaintext.
    pub(super) fn is_caller(&self) -> bool {
        self.attestation.is_none()
    }

    /// The secret as the recipient gets it.
    pub(super) fn answer(&self, kms: &Kms, secret: Zeroizing<Vec<u8>>) -> Result<AnsweredSecret, KmsError> {
        let Some(attestation) = &self.attestation else {
            return Ok(AnsweredSecret { plaintext: Some(Blob::from(secret)), ciphertext_for_recipient: None });
        };
        let enveloped = attestation.envelop(&secret, &mut |bytes| kms.entropy.fill(bytes));
        let enveloped = enveloped.map_err(|error| KmsError::internal(&error))?;
        Ok(AnsweredSecret { plaintext: None, ciphertext_for_recipient: Some(Blob::from(enveloped)) })
    }
}

/// The document, if the answer is to be encrypted in the one way that there is. The model has both members optional; the reference tells of
/// no use of one without the other.
fn document_of(recipient: RecipientInfo) -> Result<Blob, KmsError> {
    match recipient.key_encryption_algorithm {
        Some(KeyEncryptionMechanism::RsaesOaepSha256) => {}
        None => return Err(KmsError::validation("Recipient must have KeyEncryptionAlgorithm: RSAES_OAEP_SHA_256.")),
    }
    recipient.attestation_document.ok_or_else(|| KmsError::validation("Recipient must have AttestationDocument."))
}

fn refused(error: &AttestationError) -> KmsError {
    let remedy = match error {
        AttestationError::NoRoots => "; name it in the server's configuration, in attestation.roots",
        _ => "",
    };
    KmsError::validation(format!("Recipient is refused: {error}{remedy}."))
}

/// The member `recipient` of `additionalEventData`.
fn audit_elements(attestation: &Attestation) -> Value {
    let elements = attestation.audit_elements().into_iter();
    Value::Object(elements.map(|(name, value)| (name.to_owned(), value.into())).collect::<Map<_, _>>())
}
