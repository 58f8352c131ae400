//! VerifyMac.

use keystead_model::kms::{Exception, VerifyMacRequest, VerifyMacResponse};

use super::cryptography::dry_run_operation;
use super::generate_mac::usable_mac_key;
use crate::error::KmsError;
use crate::kms::{Call, Kms};

/// Verifies the HMAC of a message; one that is not valid is `KMSInvalidMacException`, which carries no message.
///
/// A dry run verifies, too: it answers what the call would (KMS core digest 2.7).
pub(super) async fn verify_mac(
    kms: &Kms,
    call: &mut Call<'_>,
    request: VerifyMacRequest,
) -> Result<VerifyMacResponse, KmsError> {
    let VerifyMacRequest { message, key_id, mac_algorithm, mac, dry_run, .. } = request;
    let key = usable_mac_key(kms, call, &key_id, mac_algorithm).await?;
    if !key.hmac_key()?.verify(message.as_ref(), mac.as_ref()) {
        return Err(KmsError::bare(Exception::KmsInvalidMac));
    }
    if dry_run == Some(true) {
        return Err(dry_run_operation());
    }
    Ok(VerifyMacResponse { key_id: key.loaded().key.arn(), mac_valid: true, mac_algorithm })
}
