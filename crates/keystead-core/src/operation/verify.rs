//! Verify.

use keystead_model::kms::{Exception, VerifyRequest, VerifyResponse};

use super::cryptography::dry_run_operation;
use super::signed_message::{SignedMessage, signature_failure};
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Verifies a signature of 1..=6144 bytes; one that is not valid is `KMSInvalidSignatureException`, which carries no message.
///
/// A dry run verifies, too: it answers what the call would (KMS core digest 2.7).
pub(super) async fn verify(kms: &Kms, call: &mut Call<'_>, request: VerifyRequest) -> Result<VerifyResponse, KmsError> {
    let signed = SignedMessage::of_request(call, request.message, request.message_type, request.signing_algorithm);
    let key = signed.usable_key(kms, call, &request.key_id).await?;
    let signature = request.signature.as_ref();
    let valid = key.key_pair()?.verify(signed.algorithm, signed.message(), signature).map_err(signature_failure)?;
    if !valid {
        return Err(KmsError::bare(Exception::KmsInvalidSignature));
    }
    if request.dry_run == Some(true) {
        return Err(dry_run_operation());
    }
    Ok(VerifyResponse { key_id: key.loaded().key.arn(), signature_valid: true, signing_algorithm: signed.algorithm })
}
