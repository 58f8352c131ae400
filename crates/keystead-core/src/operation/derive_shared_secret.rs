//! DeriveSharedSecret.

use keystead_cryptography::{AgreementError, key_spec};
use keystead_model::kms::{DeriveSharedSecretRequest, DeriveSharedSecretResponse, Exception, KeySpec};

use super::cryptography::{KeyRole, dry_run_operation, usable_key};
use super::key_lookup::{AcceptedForms, authorized_key};
use super::key_usage::{check_algorithm, check_key_usage};
use super::recipient::{AnsweredSecret, Recipient};
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// The secret that the key shares with the owner of a public key: the raw x coordinate, 32, 48 or 66 bytes.
///
/// A dry run agrees, too, so that it tells of a public key that is none (KMS core digest 2.7).
pub(super) async fn derive_shared_secret(
    kms: &Kms,
    call: &mut Call<'_>,
    request: DeriveSharedSecretRequest,
) -> Result<DeriveSharedSecretResponse, KmsError> {
    let recipient = Recipient::of_request(kms, call, request.recipient).await?;
    let key = authorized_key(kms, call, &request.key_id, AcceptedForms::All).await?;
    check_key_usage(call.operation.name, &key.key)?;
    let (spec, algorithm) = (key.key.spec, request.key_agreement_algorithm);
    check_algorithm(algorithm, key_spec::key_agreement_algorithms(spec, key.key.usage), spec)?;
    let key = usable_key(kms, call, key, KeyRole::Only).await?;
    let agreed = key.key_pair()?.agree(request.public_key.as_ref());
    let secret = agreed.map_err(|error| agreement_failure(error, spec))?;
    if request.dry_run == Some(true) {
        return Err(dry_run_operation());
    }
    let AnsweredSecret { plaintext, ciphertext_for_recipient } = recipient.answer(kms, secret)?;
    let key = &key.loaded().key;
    Ok(DeriveSharedSecretResponse {
        key_id: key.arn(),
        shared_secret: plaintext,
        ciphertext_for_recipient,
        key_agreement_algorithm: algorithm,
        key_origin: key.origin.origin_type(),
    })
}

/// The texts are unverified, but for that of a public key that cannot be read, which has none.
fn agreement_failure(error: AgreementError, spec: KeySpec) -> KmsError {
    match error {
        AgreementError::UndecodablePublicKey => KmsError::bare(Exception::Validation),
        AgreementError::OtherCurve => {
            KmsError::validation(format!("The public key is not on the curve of key spec {spec}."))
        }
        AgreementError::InvalidPoint => {
            KmsError::validation(format!("The public key is no point of the curve of key spec {spec}."))
        }
        AgreementError::NotAnAgreementKey | AgreementError::Library => KmsError::internal(&error),
    }
}
