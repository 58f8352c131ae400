//! Sign.

use keystead_model::Blob;
use keystead_model::kms::{SignRequest, SignResponse};

use super::cryptography::dry_run_operation;
use super::signed_message::{SignedMessage, signature_failure};
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Signs a message of 1..=4096 bytes, its digest, or its representative mu.
pub(super) async fn sign(kms: &Kms, call: &mut Call<'_>, request: SignRequest) -> Result<SignResponse, KmsError> {
    let signed = SignedMessage::of_request(call, request.message, request.message_type, request.signing_algorithm);
    let key = signed.usable_key(kms, call, &request.key_id).await?;
    if request.dry_run == Some(true) {
        return Err(dry_run_operation());
    }
    let key_id = key.loaded().key.arn();
    let signing_algorithm = signed.algorithm;
    let slow = signed.signs_slowly(key.loaded().key.spec);
    let work = move || key.key_pair()?.sign(signed.algorithm, signed.message()).map_err(signature_failure);
    let signature = if slow { kms.private_key_work.run(call.caller.principal.account, work).await? } else { work() }?;
    Ok(SignResponse { key_id, signature: Blob::from(signature), signing_algorithm })
}
