//! What Sign and Verify are asked: a message, what kind of message it is, and how it is signed.

use keystead_cryptography::{Message, SignatureError, key_spec, signing_digest_bytes};
use keystead_model::Blob;
use keystead_model::kms::{KeySpec, MessageType, SigningAlgorithmSpec};

use super::cryptography::{KeyRole, UsableKey, usable_key};
use super::key_lookup::{AcceptedForms, authorized_key};
use super::key_usage::{check_algorithm, check_key_usage};
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Length in bytes of the message representative mu of ML-DSA (FIPS 204, section 6.2).
const EXTERNAL_MU_BYTES: usize = 64;

/// What both operations are asked.
pub(super) struct SignedMessage {
    message: Blob,
    message_type: MessageType,
    pub(super) algorithm: SigningAlgorithmSpec,
}

impl SignedMessage {
    /// Notes the message type for the audit record, as CloudTrail does although it was left to its default.
    pub(super) fn of_request(
        call: &mut Call<'_>,
        message: Blob,
        message_type: Option<MessageType>,
        algorithm: SigningAlgorithmSpec,
    ) -> Self {
        call.defaulted_parameters.push(("messageType", MessageType::Raw.as_str().into()));
        Self { message, message_type: message_type.unwrap_or(MessageType::Raw), algorithm }
    }

    /// The key, if the caller may use it and it can sign or verify such a message.
    pub(super) async fn usable_key(&self, kms: &Kms, call: &mut Call<'_>, key_id: &str) -> Result<UsableKey, KmsError> {
        let key = authorized_key(kms, call, key_id, AcceptedForms::All).await?;
        check_key_usage(call.operation.name, &key.key)?;
        let spec = key.key.spec;
        check_algorithm(self.algorithm, key_spec::signing_algorithms(spec, key.key.usage), spec)?;
        let key = usable_key(kms, call, key, KeyRole::Only).await?;
        self.check_message_type(spec)?;
        self.check_length()?;
        Ok(key)
    }

    /// The message in the cryptography's terms.
    pub(super) fn message(&self) -> Message<'_> {
        let bytes = self.message.as_ref();
        match self.message_type {
            MessageType::Raw => Message::Raw(bytes),
            MessageType::Digest => Message::Digest(bytes),
            MessageType::ExternalMu => Message::ExternalMu(bytes),
        }
    }

    /// Whether to sign it takes the private key long: see [`crate::key::PrivateKeyWork`].
    pub(super) fn signs_slowly(&self, spec: KeySpec) -> bool {
        let rsa = matches!(spec, KeySpec::Rsa2048 | KeySpec::Rsa3072 | KeySpec::Rsa4096);
        rsa || self.message_type == MessageType::ExternalMu
    }

    /// Refuses a message of a type that the algorithm does not take. The texts are unverified: others report those for Ed25519 and ML-DSA
    /// of AWS KMS.
    fn check_message_type(&self, spec: KeySpec) -> Result<(), KmsError> {
        use SigningAlgorithmSpec::{Ed25519PhSha512, Ed25519Sha512, MlDsaShake256};
        let Self { message_type, algorithm, .. } = self;
        let incompatible = |with: String| {
            Err(KmsError::validation(format!("Message type {message_type} is incompatible with {with}.")))
        };
        match (algorithm, message_type) {
            (MlDsaShake256, MessageType::Digest) => incompatible(format!("key spec {spec}")),
            (MlDsaShake256, _) => Ok(()),
            (Ed25519PhSha512, MessageType::Raw)
            | (Ed25519Sha512, MessageType::Digest)
            | (_, MessageType::ExternalMu) => incompatible(format!("algorithm {algorithm}")),
            (_, MessageType::Raw | MessageType::Digest) => Ok(()),
        }
    }

    /// Refuses a digest or a mu that is not as long as the algorithm has them. The text for mu is unverified.
    fn check_length(&self) -> Result<(), KmsError> {
        let (what, expected) = match self.message_type {
            MessageType::Raw => return Ok(()),
            MessageType::Digest => ("Digest", signing_digest_bytes(self.algorithm)),
            MessageType::ExternalMu => ("External Mu", Some(EXTERNAL_MU_BYTES)),
        };
        if expected == Some(self.message.as_ref().len()) {
            return Ok(());
        }
        Err(KmsError::validation(format!("{what} is invalid length for algorithm {}.", self.algorithm)))
    }
}

/// What is left to go wrong once a message was checked.
pub(super) fn signature_failure(error: SignatureError) -> KmsError {
    KmsError::internal(&error)
}
